//! Reading messages: tables of small ones, and properties that hold for any octets.

use super::*;
use crate::parts::{PartKind, PartTree, Section};
use proptest::prelude::*;

fn tree(message: &[u8]) -> PartTree {
    PartTree::decode(&parse_bytes(message).parts, 0).unwrap()
}

fn section<'a>(message: &'a [u8], path: &[u32], section: Section) -> Option<&'a [u8]> {
    let range = tree(message).locate(path, section)?;
    Some(&message[range.start as usize..range.end as usize])
}

fn structure(message: &[u8]) -> String {
    String::from_utf8(parse_bytes(message).bodystructure).unwrap()
}

const MIXED: &[u8] = b"Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\nfirst\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text\r\n--b--\r\nepilogue\r\n";

/// [rfc9051 6.4.5.1]
#[test]
fn sections_of_a_message_in_a_multipart_are_those_of_the_inner_message() {
    let check = |path: &[u32], what, expect: Option<&str>| {
        let found = section(MIXED, path, what).map(|s| std::str::from_utf8(s).unwrap());
        assert_eq!(found, expect, "{path:?} {what:?}");
    };
    check(&[1], Section::Whole, Some("first"));
    check(&[1], Section::Mime, Some("\r\n"));
    check(&[1], Section::Header, None);
    check(
        &[2],
        Section::Whole,
        Some("Subject: inner\r\n\r\ninner text"),
    );
    check(
        &[2],
        Section::Mime,
        Some("Content-Type: message/rfc822\r\n\r\n"),
    );
    check(&[2], Section::Header, Some("Subject: inner\r\n\r\n"));
    check(&[2], Section::Text, Some("inner text"));
    check(&[2, 1], Section::Whole, Some("inner text"));
    check(&[2, 1, 1], Section::Whole, None);
    check(&[3], Section::Whole, None);
    check(&[0], Section::Whole, None);
    check(&[], Section::Mime, None);
    assert_eq!(section(MIXED, &[], Section::Whole).unwrap(), MIXED);
    assert!(
        section(MIXED, &[], Section::Text)
            .unwrap()
            .starts_with(b"preamble")
    );
}

#[test]
fn part_1_of_a_simple_message_is_its_text() {
    let simple = b"Subject: x\r\n\r\ntext\r\n";
    assert_eq!(section(simple, &[1], Section::Whole).unwrap(), b"text\r\n");
    assert_eq!(section(simple, &[1, 1], Section::Whole), None);
    assert_eq!(section(simple, &[2], Section::Whole), None);
}

/// [rfc2045 5.2]
#[test]
fn messages_without_header_body_or_anything_have_one_text_part() {
    let plain = r#"("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 0 0"#;
    for message in [
        "",
        "\r\n",
        "Subject: only a header\r\n",
        "Subject: no line end",
    ] {
        let tree = tree(message.as_bytes());
        assert_eq!(tree.parts().len(), 1, "{message:?}");
        let shown = structure(message.as_bytes()).to_ascii_lowercase();
        assert!(shown.starts_with(&plain.to_ascii_lowercase()), "{shown}");
    }
    assert_eq!(
        section(b"\r\nbody only", &[], Section::Text).unwrap(),
        b"body only"
    );
    assert_eq!(
        section(b"Subject: x", &[], Section::Header).unwrap(),
        b"Subject: x"
    );
}

#[test]
fn counts_octets_and_lines_of_text_parts() {
    let shown = structure(b"Subject: x\r\n\r\none\r\ntwo\r\n");
    assert!(shown.contains(" 10 2"), "{shown}");
    let shown = structure(MIXED);
    assert!(
        shown.contains(" 5 0"),
        "the line end before a boundary is the boundary's: {shown}"
    );
}

/// [rfc2046 5.1.1]
#[test]
fn a_boundary_that_begins_like_another_is_told_apart() {
    let message = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=ab\r\n\r\n--ab\r\n\r\nx\r\n--ab--\r\n--a\r\n\r\ny\r\n--a--\r\n";
    assert_eq!(section(message, &[1, 1], Section::Whole).unwrap(), b"x");
    assert_eq!(section(message, &[2], Section::Whole).unwrap(), b"y");
}

#[test]
fn an_outer_boundary_ends_an_inner_multipart_that_was_not_closed() {
    let message = b"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nx\r\n--o\r\n\r\ny\r\n--o--\r\n";
    assert_eq!(section(message, &[1, 1], Section::Whole).unwrap(), b"x");
    assert_eq!(section(message, &[2], Section::Whole).unwrap(), b"y");
}

#[test]
fn a_boundary_right_behind_an_inner_one_leaves_an_empty_part_within_both() {
    let message = b"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n--o\r\n\r\ny\r\n--o--\r\n";
    assert_well_formed(message, "two boundaries");
    assert_eq!(section(message, &[1, 1], Section::Whole).unwrap(), b"");
    assert_eq!(section(message, &[2], Section::Whole).unwrap(), b"y");
}

/// [rfc2045 5.1]
#[test]
fn a_field_name_is_printable_and_ends_at_its_colon() {
    // [rfc5322 3.6.8]
    let header = b"Subject: a:\r\n b\r\nno field\r\nX Y: c\r\nX\xe9: c\r\n: c\r\nX-!~:c\r\nOld \t: d\r\n\r\n";
    let found: Vec<(&[u8], &[u8])> = field::fields(header).collect();
    let expect: [(&[u8], &[u8]); 3] = [
        (b"Subject", b" a:\r\n b\r\n"),
        (b"X-!~", b"c\r\n"),
        (b"Old", b" d\r\n"),
    ];
    assert_eq!(found, expect);
}

#[test]
fn parameters_stand_as_they_were_written() {
    let message = b"Content-Type: application/pdf; name*0*=utf-8''a%20; name*1=b;\r\n\tx=\"q\\\"uo;te\" (comment); bare=two words\r\n\r\n";
    let shown = structure(message).to_ascii_lowercase();
    for expect in [
        "\"name*0*\" \"utf-8''a%20\"",
        "\"name*1\" \"b\"",
        "\"bare\" \"two words\"",
    ] {
        assert!(shown.contains(expect), "{expect} in {shown}");
    }
    assert!(shown.contains(r#""x" "q\"uo;te""#), "{shown}");
}

#[test]
fn a_digest_part_without_type_is_a_message() {
    let message = b"Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nSubject: s\r\n\r\nt\r\n--d--\r\n";
    assert_eq!(tree(message).find(&[1]).unwrap().kind, PartKind::Message);
    assert_eq!(
        section(message, &[1], Section::Header).unwrap(),
        b"Subject: s\r\n\r\n"
    );
}

#[test]
fn an_encoded_message_in_a_message_is_octets() {
    let message = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA==\r\n";
    assert_eq!(tree(message).root().kind, PartKind::Leaf);
    assert!(
        structure(message)
            .to_ascii_lowercase()
            .contains("octet-stream")
    );
}

#[test]
fn a_nesting_bomb_ends_at_the_limit() {
    let mut bomb = Vec::new();
    for n in 0..5_000 {
        bomb.extend_from_slice(
            format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n").as_bytes(),
        );
    }
    let found = tree(&bomb);
    assert!(found.parts().len() <= limits::MIME_PARTS);
    let rfc822 = b"Content-Type: message/rfc822\r\n\r\n".repeat(5_000);
    assert!(tree(&rfc822).parts().len() <= limits::MIME_DEPTH + 1);
}

#[test]
fn more_parts_than_the_limit_belong_to_the_multipart_around_them() {
    let mut many = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
    for _ in 0..limits::MIME_PARTS * 2 {
        many.extend_from_slice(b"--b\r\n\r\nx\r\n");
    }
    let parsed = parse_bytes(&many);
    assert!(
        parsed.record_bytes() < 512 * 1024,
        "{}",
        parsed.record_bytes()
    );
    assert_eq!(tree(&many).parts().len(), limits::MIME_PARTS);
}

#[test]
fn the_record_of_a_huge_header_stays_small() {
    let mut huge = Vec::new();
    for n in 0..20_000 {
        huge.extend_from_slice(format!("To: a{n}@example.test, b{n}@example.test\r\n").as_bytes());
    }
    huge.extend_from_slice(b"Subject: ");
    huge.extend(std::iter::repeat_n(b'x', 3_000_000));
    huge.extend_from_slice(b"\r\n\r\nbody\r\n");
    let parsed = parse_bytes(&huge);
    assert!(
        parsed.record_bytes() < 512 * 1024,
        "{}",
        parsed.record_bytes()
    );
    assert_eq!(section(&huge, &[], Section::Text).unwrap(), b"body\r\n");
}

/// [rfc2045 6.1] [rfc8970 3.1]
#[test]
fn the_preview_is_the_first_words_decoded() {
    let check = |message: &str, expect: &str| {
        assert_eq!(parse_bytes(message.as_bytes()).preview, expect);
    };
    check("\r\n  two \r\n\r\n words ", "two words");
    check(
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nR3LDvMOf\r\nZQ==\r\n",
        "Grüße",
    );
    check(
        "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe =\r\nan alle\r\n",
        "Grüße an alle",
    );
    check(
        "Content-Type: text/html\r\n\r\n<p>Hello <b>you</b></p>",
        "Hello you",
    );
}

/// [rfc5322 3.6.4]
#[test]
fn replies_share_a_hash_with_what_they_answer() {
    let first = parse_bytes(b"Message-ID: <a@x>\r\n\r\n").hashes();
    let reply = parse_bytes(b"Message-ID: <b@x>\r\nReferences: <0@x>\r\n <a@x>\r\n\r\n").hashes();
    assert!(reply.contains(&first[0]));
    assert_eq!(reply.len(), 3);
}

fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/mails");
    let mut samples = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "eml") {
            samples.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    samples
}

#[test]
fn every_sample_has_parts_in_order_within_their_parents() {
    let samples = samples();
    assert!(samples.len() > 20);
    for (name, text) in samples {
        assert_well_formed(&text, &name);
    }
}

/// Parts lie in order within their parents; ENVELOPE and BODYSTRUCTURE are lists without NUL.
fn assert_well_formed(message: &[u8], name: &str) {
    let parsed = parse_bytes(message);
    let tree = PartTree::decode(&parsed.parts, 0).unwrap();
    assert_eq!(parsed.body_len, message.len() as u64);
    assert_eq!(tree.root().header.start, 0);
    assert_eq!(tree.root().body.end, message.len() as u64, "{name}");
    for part in tree.parts() {
        assert!(part.header.start <= part.header.end && part.header.end == part.body.start);
        assert!(part.body.start <= part.body.end, "{name}: {part:?}");
        if let Some(parent) = part.parent {
            let outer = &tree.parts()[parent].body;
            assert!(
                outer.start <= part.header.start && part.body.end <= outer.end,
                "{name}"
            );
        }
        let children: Vec<_> = part.children.iter().map(|c| &tree.parts()[*c]).collect();
        assert!(
            children
                .windows(2)
                .all(|w| w[0].body.end <= w[1].header.start),
            "{name}"
        );
        assert_eq!(part.kind == PartKind::Leaf, children.is_empty(), "{name}");
    }
    for value in [&parsed.envelope, &parsed.bodystructure] {
        assert!(value.starts_with(b"(") && value.ends_with(b")"), "{name}");
        assert!(!value.contains(&0), "{name}");
    }
    assert!(
        imap::body_from_bodystructure(&parsed.bodystructure).is_some(),
        "{name}"
    );
    assert!(parsed.record_bytes() <= 700 * 1024, "{name}");
}

/// Octets made of what MIME is made of.
fn mime_soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n".to_owned()),
        Just("Content-Type: multipart/mixed; boundary=\"b b\"\r\n\r\n--b b\r\n".to_owned()),
        Just("Content-Type: message/rfc822\r\n\r\n".to_owned()),
        Just("Content-Type: multipart/mixed; boundary=a\r\n".to_owned()),
        Just("Content-Type: multipart/digest; boundary=\"b b\"\n".to_owned()),
        Just("Content-Type: message/rfc822\r\n".to_owned()),
        Just("Content-Type: text/html; charset=x\r\n".to_owned()),
        Just("Content-Transfer-Encoding: base64\r\n".to_owned()),
        Just("Content-Disposition: attachment; filename=x\r\n".to_owned()),
        Just("From: a <b@c>, d: e@f;\r\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("--a\r\n".to_owned()),
        Just("--a--\r\n".to_owned()),
        Just("--b b\r\n".to_owned()),
        Just("--b b--".to_owned()),
        Just("text\r\n".to_owned()),
        "[ -~]{0,10}",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]
    #[test]
    fn any_octets_give_parts_in_order(message in proptest::collection::vec(any::<u8>(), 0..400)) {
        assert_well_formed(&message, "octets");
    }

    #[test]
    fn any_mime_soup_gives_parts_in_order(message in mime_soup()) {
        assert_well_formed(&message, "soup");
    }

    #[test]
    fn any_windows_give_the_same(message in mime_soup(), size in 1..50_usize) {
        let mut reading = Reading::new();
        for window in message.chunks(size) {
            reading.feed(window);
        }
        assert_eq!(reading.finish(), parse_bytes(&message));
    }
}
