//! What a sender asks about delivery status notifications, in MAIL and RCPT. [rfc3461 4]
//!
//! The values keep the form that they have on the wire, because whoever passes a message on has to
//! pass them on unchanged [rfc3461 5.2.1]. What never happens here: a notification.
//!
//! ```abnf
//! ret    = "FULL" / "HDRS"
//! envid  = xtext
//! notify = "NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" )
//! orcpt  = atom ";" xtext
//! xtext  = *( xchar / "+" 2HEXDIG )      ; xchar = %d33-42 / %d44-60 / %d62-126
//! utf-8-addr-unitext = 1*( QUCHAR / "\x{" HEXPOINT "}" )    ; behind "utf-8;" [rfc6533 3]
//! ```

use crate::limits::{ENVID_BYTES, ORCPT_BYTES};
use addr::Charset;
use std::fmt;

/// RET=: how much of the message a notification of failure brings back. [rfc3461 4.3]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ret {
    Full,
    Hdrs,
}

impl Ret {
    /// Reads the parameter's value as it stands on the wire.
    pub fn read(value: &str) -> Option<Ret> {
        [Ret::Full, Ret::Hdrs]
            .into_iter()
            .find(|ret| ret.word().eq_ignore_ascii_case(value))
    }

    /// The word as it is written on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Ret::Full => "FULL",
            Ret::Hdrs => "HDRS",
        }
    }
}

/// ENVID=: by which the sender knows the transaction again. [rfc3461 4.4]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EnvelopeId(String);

impl EnvelopeId {
    /// Reads the parameter's value as it stands on the wire.
    pub fn read(value: &str) -> Option<EnvelopeId> {
        let decoded = xtext(value)?;
        let fits = value.len() <= ENVID_BYTES && is_printable(&decoded);
        fits.then(|| EnvelopeId(value.to_owned()))
    }

    /// As it stood on the wire, in xtext.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it says, as it stands in a notification. [rfc3461 6.3]
    pub fn decoded(&self) -> String {
        decoded(&self.0)
    }
}

/// What a sender wants to hear of. [rfc3461 4.1]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Occasion {
    Success,
    Failure,
    Delay,
}

const OCCASIONS: &[(Occasion, &str)] = &[
    (Occasion::Success, "SUCCESS"),
    (Occasion::Failure, "FAILURE"),
    (Occasion::Delay, "DELAY"),
];

/// NOTIFY=: when the sender wants a notification. [rfc3461 4.1]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notify {
    Never,
    /// One or more, each once, in order.
    When(Vec<Occasion>),
}

impl Notify {
    /// Reads the parameter's value as it stands on the wire.
    pub fn read(value: &str) -> Option<Notify> {
        if value.eq_ignore_ascii_case("NEVER") {
            return Some(Notify::Never);
        }
        let occasion = |word: &str| {
            let row = OCCASIONS
                .iter()
                .find(|row| row.1.eq_ignore_ascii_case(word));
            row.map(|row| row.0)
        };
        let mut occasions: Vec<Occasion> = value.split(',').map(occasion).collect::<Option<_>>()?;
        occasions.sort_unstable();
        occasions.dedup();
        Some(Notify::When(occasions))
    }

    /// What is asked of those to whom an alias leads, when its sender hears of the alias itself.
    /// [rfc3461 5.2.7.3]
    pub fn without_success(&self) -> Notify {
        let Notify::When(occasions) = self else {
            return Notify::Never;
        };
        let rest = occasions.iter().filter(|one| **one != Occasion::Success);
        let rest: Vec<Occasion> = rest.copied().collect();
        match rest.is_empty() {
            true => Notify::Never,
            false => Notify::When(rest),
        }
    }
}

impl Notify {
    /// What is asked where a delay is to be told as well. [rfc2852 4.1.4.2]
    pub(crate) fn and_delay(asked: Option<Notify>) -> Notify {
        let mut occasions = match asked {
            Some(Notify::Never) => return Notify::Never,
            Some(Notify::When(occasions)) => occasions,
            None => vec![Occasion::Failure],
        };
        occasions.push(Occasion::Delay);
        occasions.sort_unstable();
        occasions.dedup();
        Notify::When(occasions)
    }
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Notify::When(occasions) = self else {
            return f.write_str("NEVER");
        };
        let asked = OCCASIONS.iter().filter(|row| occasions.contains(&row.0));
        let words: Vec<&str> = asked.map(|row| row.1).collect();
        f.write_str(&words.join(","))
    }
}

/// ORCPT=: the recipient as the first sender named it. [rfc3461 4.2]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OriginalRecipient(String);

impl OriginalRecipient {
    /// Reads the parameter's value as it stands on the wire.
    pub fn read(value: &str) -> Option<OriginalRecipient> {
        let (kind, address) = value.split_once(';')?;
        let readable = if kind.eq_ignore_ascii_case("utf-8") {
            is_utf8_address(address)
        } else {
            xtext(address).is_some_and(|decoded| is_printable(&decoded))
        };
        let fits = value.len() <= ORCPT_BYTES && is_atom(kind) && readable;
        fits.then(|| OriginalRecipient(value.to_owned()))
    }

    /// As it stood on the wire: kind, semicolon, encoded address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form for a server that is not spoken to with SMTPUTF8: characters above ASCII as
    /// `\x{HEXPOINT}`. None if that is too long. [rfc6533 3]
    pub fn in_ascii(&self) -> Option<OriginalRecipient> {
        let text = above_ascii_named(&self.0);
        (text.len() <= ORCPT_BYTES).then_some(OriginalRecipient(text))
    }

    /// As it stands in a notification, with its kind: what xtext hid is shown; an address of the
    /// kind `utf-8` as it is read, or in ASCII. [rfc3461 6.3] [rfc6533 3] [rfc6533 4.1]
    pub fn told(&self, charset: Charset) -> String {
        let (kind, address) = self.0.split_once(';').unwrap_or((&self.0, ""));
        let address = match (kind.eq_ignore_ascii_case("utf-8"), charset) {
            (false, _) => decoded(address),
            (true, Charset::Ascii) => above_ascii_named(address),
            (true, Charset::Utf8) => names_undone(address),
        };
        format!("{kind};{address}")
    }
}

/// What xtext says that was read before.
fn decoded(value: &str) -> String {
    let octets = xtext(value).unwrap_or_else(|| value.as_bytes().to_vec());
    String::from_utf8_lossy(&octets).into_owned()
}

/// Characters above ASCII as `\x{HEXPOINT}`. [rfc6533 3]
fn above_ascii_named(text: &str) -> String {
    let mut named = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_ascii() {
            true => named.push(c),
            false => named.push_str(&format!("\\x{{{:X}}}", u32::from(c))),
        }
    }
    named
}

/// `\x{HEXPOINT}` as the character itself, but for what would not stay in its line. [rfc6533 4.1]
fn names_undone(text: &str) -> String {
    let mut undone = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("\\x{") {
        undone.push_str(before);
        let Some((hex, after)) = behind.split_once('}') else {
            undone.push_str("\\x{");
            rest = behind;
            continue;
        };
        let code = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
        match code.filter(|c| !c.is_control()) {
            Some(c) => undone.push(c),
            None => undone.push_str(&format!("\\x{{{hex}}}")),
        }
        rest = after;
    }
    undone.push_str(rest);
    undone
}

fn is_atom(text: &str) -> bool {
    let atext =
        |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet);
    !text.is_empty() && text.bytes().all(atext)
}

/// Graphic and white space characters of ASCII. [rfc3461 4.4]
fn is_printable(octets: &[u8]) -> bool {
    octets
        .iter()
        .all(|octet| matches!(octet, b'\t' | b' '..=b'~'))
}

/// An address of the kind `utf-8`: characters as they are, or as `\x{HEXPOINT}`. [rfc6533 3]
fn is_utf8_address(text: &str) -> bool {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = match (c, rest.strip_prefix("\\x{")) {
            (_, Some(behind)) => match behind.split_once('}') {
                Some((hex, behind)) if is_code_point(hex) => behind,
                _ => return false,
            },
            ('\\' | '+' | '=' | ' ', None) => return false,
            _ if c.is_control() => return false,
            _ => &rest[c.len_utf8()..],
        };
    }
    !text.is_empty()
}

fn is_code_point(hex: &str) -> bool {
    let digits = (2..=6).contains(&hex.len()) && hex.bytes().all(|d| d.is_ascii_hexdigit());
    digits && u32::from_str_radix(hex, 16).is_ok_and(|code| char::from_u32(code).is_some())
}

/// Undoes xtext, whose hex digits are upper-case. [rfc3461 4]
pub(crate) fn xtext(value: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut octets = value.bytes();
    while let Some(octet) = octets.next() {
        match octet {
            b'+' => {
                let hex = [octets.next()?, octets.next()?];
                out.push(hex_digit(hex[0])? << 4 | hex_digit(hex[1])?);
            }
            b'=' => return None,
            _ => out.push(octet),
        }
    }
    (!out.is_empty()).then_some(out)
}

/// The inverse of `xtext`.
pub(crate) fn to_xtext(octets: &[u8]) -> String {
    let mut out = String::with_capacity(octets.len());
    for &octet in octets {
        match octet {
            b'+' | b'=' | 0..=b' ' | 127.. => out.push_str(&format!("+{octet:02X}")),
            _ => out.push(char::from(octet)),
        }
    }
    out
}

fn hex_digit(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'A'..=b'F' => Some(octet - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_when_to_notify() {
        // [rfc3461 4.1]
        let check = |value: &str, expect: Option<&str>| {
            let shown = Notify::read(value).map(|notify| notify.to_string());
            assert_eq!(shown.as_deref(), expect, "{value}");
        };
        check("never", Some("NEVER"));
        check("delay,Success", Some("SUCCESS,DELAY"));
        check("FAILURE,FAILURE", Some("FAILURE"));
        for bad in [
            "",
            ",",
            "SUCCESS,",
            "NEVER,DELAY",
            "SOMETIMES",
            "SUCCESS;DELAY",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn success_is_left_out_behind_an_alias() {
        // [rfc3461 5.2.7.3]
        for (asked, rest) in [
            ("NEVER", "NEVER"),
            ("SUCCESS", "NEVER"),
            ("SUCCESS,FAILURE", "FAILURE"),
            ("DELAY", "DELAY"),
        ] {
            let asked = Notify::read(asked).unwrap();
            assert_eq!(asked.without_success().to_string(), rest);
        }
    }

    #[test]
    fn reads_how_much_to_return() {
        // [rfc3461 4.3]
        assert_eq!(Ret::read("full"), Some(Ret::Full));
        assert_eq!(Ret::read("Hdrs").map(Ret::word), Some("HDRS"));
        assert_eq!(Ret::read("BODY"), None);
    }

    #[test]
    fn envelope_ids_are_printable_short_and_kept_as_they_were() {
        // [rfc3461 4.4] [rfc3461 4] [rfc3461 5.2.1]
        let check = |value: &str, good: bool| {
            let read = EnvelopeId::read(value);
            assert_eq!(
                read.as_ref().map(EnvelopeId::as_str),
                good.then_some(value),
                "{value}"
            );
        };
        check("QQ314159", true);
        check("a+20b+3D+2B", true);
        check(&"x".repeat(100), true);
        check(&"x".repeat(101), false);
        for bad in ["", "a=b", "+", "+4", "+4g", "+4a", "+0A", "+FF", "é"] {
            check(bad, false);
        }
    }

    #[test]
    fn original_recipients_have_a_kind_and_an_address() {
        // [rfc3461 4.2] [rfc6533 3]
        let check = |value: &str, good: bool| {
            let read = OriginalRecipient::read(value);
            let shown = read.as_ref().map(OriginalRecipient::as_str);
            assert_eq!(shown, good.then_some(value), "{value}");
        };
        check("rfc822;Bob@example.test", true);
        check("rfc822;bob+2Bx@example.test", true);
        check("x400;/S+3Dbob/", true);
        check("utf-8;j\\x{FC}rgen@example.test", true);
        check("UTF-8;jürgen@example.test", true);
        check(&format!("rfc822;{}", "x".repeat(493)), true);
        check(&format!("rfc822;{}", "x".repeat(494)), false);
        for bad in [
            "bob@example.test",
            ";bob@example.test",
            "rfc822;",
            "rfc 822;x",
            "rfc822;a=b",
            "rfc822;a+0Db",
            "rfc822;jürgen@example.test",
            "utf-8;",
            "utf-8;a\\b",
            "utf-8;\\x{D800}",
            "utf-8;\\x{FC",
            "utf-8;a+b",
        ] {
            check(bad, false);
        }
    }

    #[test]
    fn an_original_recipient_can_be_told_in_ascii() {
        // [rfc6533 3]
        let check = |value: &str, expect: Option<&str>| {
            let read = OriginalRecipient::read(value).expect("readable");
            let ascii = read.in_ascii();
            let shown = ascii.as_ref().map(OriginalRecipient::as_str);
            assert_eq!(shown, expect, "{value}");
            assert!(shown.is_none_or(|text| OriginalRecipient::read(text) == ascii));
        };
        check(
            "rfc822;a+2Bb@example.test",
            Some("rfc822;a+2Bb@example.test"),
        );
        check(
            "utf-8;jürgen@例.test",
            Some("utf-8;j\\x{FC}rgen@\\x{4F8B}.test"),
        );
        check(&format!("utf-8;{}", "ü".repeat(200)), None);
    }

    #[test]
    fn a_notification_shows_what_xtext_hid() {
        // [rfc3461 6.3] [rfc6533 3] [rfc6533 4.1]
        let envid = EnvelopeId::read("a+20b+3D+2B").unwrap();
        assert_eq!(envid.decoded(), "a b=+");
        let check = |value: &str, ascii: &str, utf8: &str| {
            let read = OriginalRecipient::read(value).expect("readable");
            assert_eq!(read.told(Charset::Ascii), ascii);
            assert_eq!(read.told(Charset::Utf8), utf8);
        };
        let plain = "rfc822;Bob+x@example.test";
        check("rfc822;Bob+2Bx@example.test", plain, plain);
        check(
            "utf-8;j\\x{FC}rgen\\x{2B}ü@example.test",
            "utf-8;j\\x{FC}rgen\\x{2B}\\x{FC}@example.test",
            "utf-8;jürgen+ü@example.test",
        );
        check("utf-8;a\\x{7F}b", "utf-8;a\\x{7F}b", "utf-8;a\\x{7F}b");
    }
}
