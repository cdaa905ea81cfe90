//! Modified UTF-7, in which RFC 3501 writes mailbox names. [rfc3501 5.1.3] [rfc9051 A]
//! Never here: which names are good.

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

const BASE64: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

/// None when it is no modified UTF-7, or not the only one of its name: a letter shifted that can
/// stand for itself, or two shifts where one would do. So what is decoded is encoded as it was.
/// UTF-8 outside the shifts is let through, since clients send it.
pub fn decode(wire: &[u8]) -> Option<String> {
    let wire = std::str::from_utf8(wire).ok()?;
    if wire.bytes().any(|byte| byte.is_ascii_control()) {
        return None;
    }
    let mut name = String::with_capacity(wire.len());
    let mut rest = wire;
    while let Some((plain, shifted)) = rest.split_once('&') {
        name.push_str(plain);
        let (shift, after) = shifted.split_once('-')?;
        if shift.is_empty() {
            name.push('&');
        } else {
            name.push_str(&decode_shift(shift)?);
        }
        rest = after;
    }
    name.push_str(rest);
    (!wire.is_ascii() || encode(&name) == wire).then_some(name)
}

/// The UTF-16 between `&` and `-`.
fn decode_shift(shift: &str) -> Option<String> {
    let octets = BASE64.decode(shift).ok()?;
    if octets.len() % 2 != 0 {
        return None;
    }
    let units = octets
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    char::decode_utf16(units)
        .collect::<Result<String, _>>()
        .ok()
}

pub fn encode(name: &str) -> String {
    let mut wire = String::with_capacity(name.len());
    let mut shift: Vec<u8> = Vec::new();
    for letter in name.chars() {
        if !(' '..='~').contains(&letter) {
            let mut units = [0; 2];
            shift.extend(
                letter
                    .encode_utf16(&mut units)
                    .iter()
                    .flat_map(|unit| unit.to_be_bytes()),
            );
            continue;
        }
        end_shift(&mut shift, &mut wire);
        wire.push(letter);
        if letter == '&' {
            wire.push('-');
        }
    }
    end_shift(&mut shift, &mut wire);
    wire
}

fn end_shift(shift: &mut Vec<u8>, wire: &mut String) {
    if !shift.is_empty() {
        wire.push('&');
        wire.push_str(&BASE64.encode(&*shift));
        wire.push('-');
        shift.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_and_writes_the_rfcs_names() {
        // [rfc3501 5.1.3]
        for (wire, name) in [
            ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
            ("Entw&APw-rfe", "Entwürfe"),
            ("A&-B", "A&B"),
            ("&2D3eAA-", "😀"),
            ("&AAo-", "\n"),
            ("", ""),
        ] {
            assert_eq!(decode(wire.as_bytes()).as_deref(), Some(name));
            assert_eq!(encode(name), wire);
        }
    }

    #[test]
    fn refuses_what_is_no_modified_utf7() {
        // The superfluous shift is the RFC's own example. [rfc3501 5.1.3] [rfc9051 A]
        for wire in [
            "&AGE-",
            "&U,BTFw-&ZeVnLIqe-",
            "&ACY-",
            "&Jjo!",
            "A&B",
            "&",
            "&U,BTFw",
            "&2D0-",
            "&AB-",
            "&!-",
            "&AAAA=-",
            "a\nb",
            "a\0",
        ] {
            assert_eq!(decode(wire.as_bytes()), None, "{wire:?}");
        }
        assert_eq!(decode(b"\xff"), None);
    }

    #[test]
    fn lets_utf8_through_that_clients_send() {
        assert_eq!(decode("Entwürfe".as_bytes()).as_deref(), Some("Entwürfe"));
    }

    proptest! {
        #[test]
        fn names_come_back(name in "\\PC*") {
            prop_assert_eq!(decode(encode(&name).as_bytes()), Some(name));
        }

        #[test]
        fn never_panics(wire: Vec<u8>) {
            let _ = decode(&wire);
        }

        #[test]
        fn what_is_taken_goes_back_as_it_came(wire in "[a-c&,A-Z0-9-]{0,12}") {
            if let Some(name) = decode(wire.as_bytes()) {
                prop_assert_eq!(encode(&name), wire);
            }
        }
    }
}
