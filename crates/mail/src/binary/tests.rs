//! What becomes of messages with binary parts.

use super::*;
use crate::Survey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

fn encoded(message: &[u8]) -> Result<Vec<u8>, NulOutsideBinary> {
    in_pieces(message, message.len().max(1))
}

fn in_pieces(message: &[u8], size: usize) -> Result<Vec<u8>, NulOutsideBinary> {
    let mut encoder = BinaryEncoder::new();
    let mut out = Vec::new();
    for piece in message.chunks(size) {
        encoder.piece(piece, &mut out)?;
    }
    encoder.end(&mut out)?;
    Ok(out)
}

/// `…` stands for a NUL, so that messages can be read.
fn check(message: &str, expect: &str) {
    let message = message.replace('…', "\0").replace('\n', "\r\n");
    let out = encoded(message.as_bytes()).expect("binary parts can be encoded");
    assert_eq!(
        String::from_utf8_lossy(&out),
        expect.replace('\n', "\r\n"),
        "{message}"
    );
    for size in [1, 2, 3, 7] {
        let pieces = in_pieces(message.as_bytes(), size);
        assert_eq!(pieces.as_ref(), Ok(&out), "in pieces of {size}");
    }
}

#[test]
fn a_binary_message_becomes_base64() {
    // [rfc3516 4.4]
    check(
        "Subject: x\nContent-Type: image/png\nContent-Transfer-Encoding: binary\n\na…b\n",
        "Subject: x\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\nYQBiDQo=\n",
    );
}

#[test]
fn binary_parts_become_base64_within_8bit_multiparts() {
    // [rfc2045 6.4] [rfc2046 5.1.1]
    check(
        "Content-Transfer-Encoding: BINARY (yes)\nContent-Type: multipart/mixed;\n boundary=\"b\"\nTo: a\n\npre\n--b\n\ntext\n--b\ncontent-transfer-encoding:\n binary\nContent-Type: a/b\n\n…\n\n--b\nContent-Transfer-Encoding: 8bit\n\n8\n--b--\nend\n",
        "Content-Type: multipart/mixed;\n boundary=\"b\"\nContent-Transfer-Encoding: 8bit\nTo: a\n\npre\n--b\n\ntext\n--b\nContent-Type: a/b\nContent-Transfer-Encoding: base64\n\nAA0K\n--b\nContent-Transfer-Encoding: 8bit\n\n8\n--b--\nend\n",
    );
}

#[test]
fn messages_within_are_looked_into() {
    // [rfc2046 5.1.5]
    check(
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: binary\n\nContent-Transfer-Encoding: binary\n\n…",
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\nContent-Transfer-Encoding: base64\n\nAA==\n",
    );
    check(
        "Content-Type: multipart/digest; boundary=b\n\n--b\nContent-Transfer-Encoding: binary\n\nContent-Transfer-Encoding: binary\n\n…\n--b--",
        "Content-Type: multipart/digest; boundary=b\n\n--b\nContent-Transfer-Encoding: 8bit\n\nContent-Transfer-Encoding: base64\n\nAA==\n--b--",
    );
}

#[test]
fn empty_binary_parts_stay_empty() {
    check(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: binary\n\n--b\nContent-Transfer-Encoding: binary\n\n\n--b\nContent-Transfer-Encoding: binary\n--b--\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\n--b\nContent-Transfer-Encoding: base64\n\n\n--b\nContent-Transfer-Encoding: base64\n--b--\n",
    );
}

#[test]
fn a_bare_lf_makes_no_delimiter_in_binary_content() {
    // [rfc2046 5.1.1]
    let message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: binary\r\n\r\n1\n--b--\n2\r\n--b--\r\n";
    let out = encoded(message).expect("binary parts can be encoded");
    let expect = STANDARD.encode(b"1\n--b--\n2");
    assert!(String::from_utf8_lossy(&out).contains(&format!("\r\n\r\n{expect}\r\n--b--\r\n")));
    // Unless all of it has bare LFs.
    let message: Vec<u8> = message.iter().copied().filter(|&b| b != b'\r').collect();
    let out = encoded(&message).expect("binary parts can be encoded");
    assert!(String::from_utf8_lossy(&out).contains("\n\nMQ==\r\n--b--\n2\n--b--\n"));
}

#[test]
fn a_nul_without_binary_is_refused() {
    for message in [
        "Subject: a\0b\r\n\r\n".as_bytes(),
        b"Subject: a\r\n\r\n\0",
        b"Content-Transfer-Encoding: 8bit\r\n\r\n\0",
        b"Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: binary\r\n\r\n\0",
        b"Content-Type: multipart/mixed\r\nContent-Transfer-Encoding: binary\r\n\r\n\0",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n\0\r\n--b--\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n\0",
    ] {
        assert_eq!(encoded(message), Err(NulOutsideBinary));
        assert_eq!(in_pieces(message, 1), Err(NulOutsideBinary));
    }
}

#[test]
fn what_is_held_is_bounded() {
    let long = "x".repeat(3 * limits::PARSE_LINE_BYTES);
    for field in ["Subject", "Content-Type", "Content-Transfer-Encoding"] {
        let message = format!("{field}: {long}\r\n {long}\r\n\r\n--{long}\r\n");
        let mut encoder = BinaryEncoder::new();
        let mut out = Vec::new();
        for piece in message.as_bytes().chunks(1_000) {
            encoder.piece(piece, &mut out).expect("there is no NUL");
            assert!(encoder.line.capacity() <= 2 * limits::PARSE_LINE_BYTES);
        }
        encoder.end(&mut out).expect("there is no NUL");
        assert!(out == message.as_bytes(), "{field}");
    }
}

/// Lines that matter, in any order.
fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"Content-Type: multipart/mixed; boundary=b\r\n".to_vec()),
        Just(b"Content-Type: multipart/digest; boundary=bc\r\n".to_vec()),
        Just(b"Content-Type: message/rfc822\r\n".to_vec()),
        Just(b"Content-Type: text/plain\r\n".to_vec()),
        Just(b"Content-Transfer-Encoding: binary\r\n".to_vec()),
        Just(b"Content-Transfer-Encoding: base64\r\n".to_vec()),
        Just(b"--b\r\n".to_vec()),
        Just(b"--b--\r\n".to_vec()),
        Just(b"--bc\r\n".to_vec()),
        Just(b"--bc--\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b" folded\r\n".to_vec()),
        Just(b"text\r\n".to_vec()),
        prop::collection::vec(1..=255u8, 0..80),
    ]
}

proptest! {
    /// Encoded are exactly the parts that are shown as such; their content is what it was.
    #[test]
    fn content_is_kept_whatever_the_message(lines in prop::collection::vec(line(), 0..40), size in 1..50usize) {
        let message = lines.concat();
        let out = encoded(&message).expect("there is no NUL");
        prop_assert_eq!(in_pieces(&message, size), Ok(out.clone()));
        prop_assert_eq!(encoded(&out), Ok(out.clone()), "it needs no change again");
        let (before, after) = (Survey::of(&message), Survey::of(&out));
        let shape = |survey: &Survey| -> Vec<_> {
            survey.parts.parts().iter().map(|part| (part.kind, part.parent)).collect()
        };
        // A bare LF is a line end in `Survey`, and is none in binary content.
        prop_assume!(memchr::memmem::find(&message, b"\n--b").is_none_or(|_| !has_bare_lf(&message)));
        prop_assert_eq!(shape(&before), shape(&after));
        for (was, is) in before.parts.parts().iter().zip(after.parts.parts()) {
            let octets = |of: &[u8], part: &crate::Part| {
                of[part.body.start as usize..part.body.end as usize].to_vec()
            };
            let (was_octets, is_octets) = (octets(&message, was), octets(&out, is));
            if was.kind == crate::PartKind::Leaf && was.encoding != is.encoding {
                let letters: Vec<u8> = is_octets.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
                prop_assert_eq!(STANDARD.decode(letters), Ok(was_octets));
            } else if was.kind == crate::PartKind::Leaf {
                prop_assert_eq!(was_octets, is_octets);
            }
        }
    }

    #[test]
    fn a_message_without_binary_stays_as_it_is(lines in prop::collection::vec(line(), 0..40)) {
        let message: Vec<u8> = lines.into_iter().filter(|line| !line.ends_with(b"binary\r\n")).flatten().collect();
        prop_assert_eq!(encoded(&message), Ok(message));
    }
}

fn has_bare_lf(message: &[u8]) -> bool {
    let mut ends = message
        .iter()
        .enumerate()
        .filter(|(_, octet)| **octet == b'\n');
    ends.any(|(at, _)| at == 0 || message[at - 1] != b'\r')
}

fn seven_bit_octets(message: &[u8], size: usize) -> Vec<u8> {
    let mut encoder = BinaryEncoder::seven_bit();
    let mut out = Vec::new();
    for piece in message.chunks(size) {
        encoder.piece(piece, &mut out).unwrap();
    }
    encoder.end(&mut out).unwrap();
    out
}

fn seven_bit(message: &str) -> String {
    let out = seven_bit_octets(message.as_bytes(), 1);
    for size in [7, message.len()] {
        assert_eq!(
            seven_bit_octets(message.as_bytes(), size),
            out,
            "in pieces of {size}"
        );
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn text_stays_readable_and_what_is_around_it_says_7bit() {
    // [rfc6152 3] [rfc2045 6.7]
    let message = "Content-Type: multipart/mixed; boundary=b\r\n\
                   Content-Transfer-Encoding: 8bit\r\n\r\n\
                   --b\r\nContent-Type: text/plain; charset=utf-8\r\n\
                   Content-Transfer-Encoding: 8bit\r\nX: y\r\n\r\nGreetings from K\u{f6}ln = \r\n\
                   --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
                   \u{395}\u{3bb}\u{3bb}\u{3ac}\u{3b4}\u{3b1}\r\n\
                   --b\r\nContent-Type: image/x\r\n\r\nmostly ASCII but for \u{e4}\r\n\
                   --b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=B6\r\n--b--\r\n";
    assert_eq!(
        seven_bit(message),
        "Content-Type: multipart/mixed; boundary=b\r\n\
         Content-Transfer-Encoding: 7bit\r\n\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: quoted-printable\r\nX: y\r\n\r\n\
         Greetings from K=C3=B6ln =3D=20\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: base64\r\n\r\nzpXOu867zqzOtM6x\r\n\
         --b\r\nContent-Type: image/x\r\n\
         Content-Transfer-Encoding: base64\r\n\r\nbW9zdGx5IEFTQ0lJIGJ1dCBmb3Igw6Q=\r\n\
         --b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=B6\r\n--b--\r\n"
    );
    let ascii = "Subject: x\r\nContent-Transfer-Encoding: 7bit\r\n\r\na=b \r\n";
    assert_eq!(seven_bit(ascii), ascii);
    let says_more = "Subject: x\r\nContent-Transfer-Encoding: 8bit\r\n\r\na=b \r\n";
    assert_eq!(seven_bit(says_more), ascii);
}

#[test]
fn a_message_that_says_nothing_of_itself_becomes_mime() {
    // [rfc2045 4]
    assert_eq!(
        seven_bit("Subject: x\r\n\r\nGreetings from K\u{f6}ln\r\n"),
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\nGreetings from K=C3=B6ln\r\n"
    );
    let out = seven_bit_octets(b"Subject: x\r\n\r\nGreetings from K\xf6ln\r\n", 3);
    let out = String::from_utf8(out).unwrap();
    assert!(
        out.contains("charset=unknown-8bit\r\n") && out.contains("K=F6ln\r\n"),
        "{out}"
    );
}

#[test]
fn lines_that_are_too_long_are_folded_and_usual_ones_are_not() {
    // [rfc5321 4.5.3.1.6] [rfc5322 2.1.1] [rfc2045 6.7]
    let of = |len: usize| format!("MIME-Version: 1.0\r\n\r\n{}\r\nx\r\n", "y".repeat(len));
    assert_eq!(seven_bit(&of(998)), of(998));
    let out = seven_bit(&of(999));
    assert!(
        out.contains("Content-Transfer-Encoding: quoted-printable\r\n\r\ny"),
        "{out}"
    );
    assert!(out.lines().all(|line| line.len() <= 76), "{out}");
}

#[test]
fn what_is_signed_or_encrypted_stays_as_it_is() {
    // [rfc6152 3] [rfc1847 2.1]
    for kind in ["signed", "encrypted"] {
        let message = format!(
            "Content-Type: multipart/{kind}; boundary=s\r\n\
             Content-Transfer-Encoding: 8bit\r\n\r\n\
             --s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
             --b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\u{e4}\r\n--b--\r\n\
             --s\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--s--\r\n"
        );
        assert_eq!(seven_bit(&message), message);
    }
    // nor is what may not be encoded [rfc2046 5.2]
    let partial = "Content-Type: message/partial\r\n\r\n\u{e4}\r\n";
    assert_eq!(seven_bit(partial), partial);
}

#[test]
fn of_a_long_part_only_the_beginning_is_held() {
    let line = format!("{}\u{e4}\r\n", "x".repeat(60));
    let message = format!(
        "Content-Transfer-Encoding: 8bit\r\n\r\n{}",
        line.repeat(3 * limits::SEVEN_BIT_SAMPLE_BYTES / line.len())
    );
    let mut encoder = BinaryEncoder::seven_bit();
    let (mut out, mut most) = (Vec::new(), 0);
    for piece in message.as_bytes().chunks(1_000) {
        encoder.piece(piece, &mut out).unwrap();
        let held = match &encoder.at {
            At::Undecided(undecided) => undecided.sample.len(),
            _ => 0,
        };
        most = most.max(held);
    }
    encoder.end(&mut out).unwrap();
    assert!(most > 0 && most <= limits::SEVEN_BIT_SAMPLE_BYTES);
    assert!(out.is_ascii());
    // what says 8bit and has nothing of it yet may have it later
    let late = format!(
        "Content-Transfer-Encoding: 8bit\r\n\r\n{}\u{e4}\r\n",
        "x\r\n".repeat(limits::SEVEN_BIT_SAMPLE_BYTES)
    );
    assert!(seven_bit_octets(late.as_bytes(), 4_096).is_ascii());
}

/// What a part holds, without its encoding.
fn content_of(message: &[u8], part: &crate::Part) -> Vec<u8> {
    let octets = &message[part.body.start as usize..part.body.end as usize];
    match part.encoding {
        crate::Encoding::Base64 => {
            let letters = octets.iter().copied().filter(|b| !b.is_ascii_whitespace());
            STANDARD.decode(letters.collect::<Vec<u8>>()).unwrap()
        }
        crate::Encoding::QuotedPrintable => unquoted(octets),
        _ => octets.to_vec(),
    }
}

/// By the words of the standard. [rfc2045 6.7]
fn unquoted(octets: &[u8]) -> Vec<u8> {
    let (mut rest, mut out) = (octets, Vec::new());
    while let Some((&first, after)) = rest.split_first() {
        rest = match (first, after) {
            (b'=', [b'\r', b'\n', after @ ..]) => after,
            (b'=', [a, b, after @ ..]) => {
                let digits = std::str::from_utf8(&[*a, *b]).unwrap().to_owned();
                out.push(u8::from_str_radix(&digits, 16).unwrap());
                after
            }
            _ => {
                out.push(first);
                after
            }
        };
    }
    out
}

fn text_line() -> impl Strategy<Value = Vec<u8>> {
    let lines = [
        "Content-Type: multipart/mixed; boundary=b",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Type: application/x",
        "Content-Type: message/rfc822",
        "Content-Transfer-Encoding: 8bit",
        "Content-Transfer-Encoding: 7bit",
        "MIME-Version: 1.0",
        "--b",
        "--b--",
        "",
        "",
        "a line = of text \t",
    ];
    let high = prop::collection::vec(128..=255u8, 1..30);
    prop_oneof![
        8 => prop::sample::select(lines.to_vec()).prop_map(|line| line.as_bytes().to_vec()),
        1 => high,
        1 => (900..1_100usize).prop_map(|len| vec![b'z'; len]),
    ]
    .prop_map(|line| [&line[..], b"\r\n"].concat())
}

proptest! {
    /// Every part holds what it held, however it is written.
    #[test]
    fn what_is_made_7bit_decodes_to_what_it_was(lines in prop::collection::vec(text_line(), 0..30), size in 1..50usize) {
        let message = lines.concat();
        let out = seven_bit_octets(&message, size);
        prop_assert_eq!(&seven_bit_octets(&message, message.len().max(1)), &out);
        prop_assert_eq!(seven_bit_octets(&out, 11), out.clone(), "it needs no change again");
        let (before, after) = (Survey::of(&message), Survey::of(&out));
        let kinds = |survey: &Survey| -> Vec<_> {
            survey.parts.parts().iter().map(|part| (part.kind, part.parent)).collect()
        };
        prop_assert_eq!(kinds(&before), kinds(&after));
        for (was, is) in before.parts.parts().iter().zip(after.parts.parts()) {
            if was.kind == crate::PartKind::Leaf {
                prop_assert_eq!(content_of(&message, was), content_of(&out, is));
                let octets = &out[is.body.start as usize..is.body.end as usize];
                // what stands between parts is nobody's content
                prop_assert!(octets.is_ascii() || memchr::memmem::find(&message, b"multipart").is_some());
            }
        }
    }
}
