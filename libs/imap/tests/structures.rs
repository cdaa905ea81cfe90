//! ENVELOPE, BODY and BODYSTRUCTURE as clients see them.

use imap::*;
use proptest::prelude::*;

fn text(encode: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    encode(&mut out);
    String::from_utf8(out).expect("text")
}

fn some(text: &str) -> Option<Vec<u8>> {
    Some(text.as_bytes().to_vec())
}

fn address(name: Option<&str>, mailbox: &str, host: &str) -> Address {
    let name = name.map(|name| name.as_bytes().to_vec());
    Address {
        name,
        adl: None,
        mailbox: some(mailbox),
        host: some(host),
    }
}

/// [rfc3501 8]
#[test]
fn envelope_of_the_rfcs_sample_session() {
    let gray = address(Some("Terry Gray"), "gray", "cac.washington.edu");
    let envelope = Envelope {
        date: some("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)"),
        subject: some("IMAP4rev1 WG mtg summary and minutes"),
        from: vec![gray],
        to: vec![address(None, "imap", "cac.washington.edu")],
        cc: vec![
            address(None, "minutes", "CNRI.Reston.VA.US"),
            address(Some("John Klensin"), "KLENSIN", "MIT.EDU"),
        ],
        message_id: some("<B27397-0100000@cac.washington.edu>"),
        ..Envelope::default()
    };
    let expect = "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev1 WG mtg summary and minutes\" \
        ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
        ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
        ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
        ((NIL NIL \"imap\" \"cac.washington.edu\")) \
        ((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL \
        \"<B27397-0100000@cac.washington.edu>\")";
    assert_eq!(text(|out| encode_envelope(&envelope, out)), expect);
}

#[test]
fn eight_bit_header_text_goes_as_a_literal() {
    let envelope = Envelope {
        subject: some("Grüße"),
        ..Envelope::default()
    };
    let expect = "(NIL {7}\r\nGrüße NIL NIL NIL NIL NIL NIL NIL NIL)";
    assert_eq!(text(|out| encode_envelope(&envelope, out)), expect);
}

fn plain(octets: u64, lines: u64) -> SinglePart {
    SinglePart {
        media_type: b"TEXT".to_vec(),
        subtype: b"PLAIN".to_vec(),
        parameters: vec![(b"CHARSET".to_vec(), b"US-ASCII".to_vec())],
        octets,
        kind: PartKind::Text { lines },
        ..SinglePart::default()
    }
}

/// [rfc3501 7.4.2] [rfc9051 7.5.2]
/// [rfc9051 7.5.2 #8 #10 #11] [rfc9051 9 #6 #7 #8]
/// [rfc3501 7.4.2 #5 #7 #8] [rfc3501 9 #6 #7 #8]
#[test]
fn body_structures_of_the_rfc() {
    let single = BodyStructure::Single(plain(2279, 48));
    let expect = "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 2279 48)";
    assert_eq!(text(|out| encode_body(&single, out)), expect);
    let full = format!("{} NIL NIL NIL NIL)", &expect[..expect.len() - 1]);
    assert_eq!(text(|out| encode_bodystructure(&single, out)), full);

    let mut attached = plain(4554, 73);
    attached
        .parameters
        .push((b"NAME".to_vec(), b"cc.diff".to_vec()));
    attached.id = some("<960723163407.20117h@cac.washington.edu>");
    attached.description = some("Compiler diff");
    attached.encoding = b"BASE64".to_vec();
    attached.disposition = Some(Disposition {
        kind: b"attachment".to_vec(),
        parameters: vec![],
    });
    attached.language = vec![b"en".to_vec(), b"de".to_vec()];
    let mixed = BodyStructure::Multipart(Multipart {
        parts: vec![
            BodyStructure::Single(plain(1152, 23)),
            BodyStructure::Single(attached),
        ],
        subtype: b"MIXED".to_vec(),
        parameters: vec![(b"boundary".to_vec(), b"x\"y".to_vec())],
        ..Multipart::default()
    });
    let expect = "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1152 23)\
        (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\" \"NAME\" \"cc.diff\") \
        \"<960723163407.20117h@cac.washington.edu>\" \"Compiler diff\" \"BASE64\" 4554 73) \"MIXED\")";
    assert_eq!(text(|out| encode_body(&mixed, out)), expect);
    let full = text(|out| encode_bodystructure(&mixed, out));
    assert!(full.ends_with(
        " 4554 73 NIL (\"attachment\" NIL) (\"en\" \"de\") NIL) \"MIXED\" (\"boundary\" \"x\\\"y\") NIL NIL NIL)"
    ));
}

/// [rfc9051 9 #9]
/// [rfc3501 9 #9]
#[test]
fn what_does_not_fit_together_still_keeps_to_the_grammar() {
    let mut part = plain(10, 1);
    part.kind = PartKind::Basic;
    let lines_anyway = text(|out| encode_body(&BodyStructure::Single(part.clone()), out));
    assert!(lines_anyway.ends_with(" 10 0)"), "{lines_anyway}");
    part.media_type = b"message".to_vec();
    for subtype in ["rfc822", "GLOBAL"] {
        part.subtype = subtype.into();
        let opaque = text(|out| encode_body(&BodyStructure::Single(part.clone()), out));
        assert!(
            opaque.starts_with("(\"application\" \"octet-stream\" "),
            "{opaque}"
        );
    }
    let empty = text(|out| encode_body(&BodyStructure::Multipart(Multipart::default()), out));
    assert_eq!(
        empty,
        "((\"text\" \"plain\" NIL NIL NIL \"7BIT\" 0 0) \"mixed\")"
    );
}

#[test]
fn deep_trees_are_cut_at_the_bound() {
    let mut body = BodyStructure::Single(plain(1, 1));
    for level in 0..400 {
        body = if level % 2 == 0 {
            BodyStructure::Multipart(Multipart {
                parts: vec![body],
                subtype: b"mixed".to_vec(),
                ..Multipart::default()
            })
        } else {
            let kind = PartKind::Message {
                envelope: Box::default(),
                body: Box::new(body),
                lines: 1,
            };
            let (media_type, subtype) = (b"message".to_vec(), b"rfc822".to_vec());
            BodyStructure::Single(SinglePart {
                media_type,
                subtype,
                kind,
                ..SinglePart::default()
            })
        };
    }
    let full = text(|out| encode_bodystructure(&body, out));
    let short = text(|out| encode_body(&body, out));
    assert_eq!(
        body_from_bodystructure(full.as_bytes()),
        Some(short.into_bytes())
    );
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-z\"\\\\(){} ]{0,6}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..6)
    ]
}

fn optional() -> impl Strategy<Value = Option<Vec<u8>>> {
    proptest::option::of(word())
}

fn parameters() -> impl Strategy<Value = structure::Parameters> {
    proptest::collection::vec((word(), word()), 0..3)
}

fn disposition() -> impl Strategy<Value = Option<Disposition>> {
    proptest::option::of(
        (word(), parameters()).prop_map(|(kind, parameters)| Disposition { kind, parameters }),
    )
}

fn any_envelope() -> impl Strategy<Value = Envelope> {
    let address =
        (optional(), optional(), optional(), optional()).prop_map(|(name, adl, mailbox, host)| {
            Address {
                name,
                adl,
                mailbox,
                host,
            }
        });
    (optional(), proptest::collection::vec(address, 0..3)).prop_map(|(subject, from)| Envelope {
        subject,
        from,
        ..Envelope::default()
    })
}

fn leaf() -> impl Strategy<Value = SinglePart> {
    let types = prop_oneof![
        Just(("text", "plain")),
        Just(("image", "png")),
        Just(("MESSAGE", "RFC822")),
        Just(("message", "x"))
    ];
    let kinds = prop_oneof![
        Just(PartKind::Basic),
        any::<u64>().prop_map(|lines| PartKind::Text { lines })
    ];
    (
        types,
        kinds,
        parameters(),
        optional(),
        word(),
        any::<u64>(),
        disposition(),
    )
        .prop_map(
            |((media_type, subtype), kind, parameters, id, encoding, octets, disposition)| {
                SinglePart {
                    media_type: media_type.into(),
                    subtype: subtype.into(),
                    parameters,
                    md5: id.clone(),
                    id,
                    encoding,
                    octets,
                    kind,
                    disposition,
                    ..SinglePart::default()
                }
            },
        )
}

fn any_body() -> impl Strategy<Value = BodyStructure> {
    leaf()
        .prop_map(BodyStructure::Single)
        .prop_recursive(5, 24, 4, |inner| {
            let multipart = (
                proptest::collection::vec(inner.clone(), 0..4),
                word(),
                parameters(),
                disposition(),
                proptest::collection::vec(word(), 0..3),
                optional(),
            )
                .prop_map(
                    |(parts, subtype, parameters, disposition, language, location)| {
                        BodyStructure::Multipart(Multipart {
                            parts,
                            subtype,
                            parameters,
                            disposition,
                            language,
                            location,
                        })
                    },
                );
            let message = (leaf(), any_envelope(), inner, any::<u64>()).prop_map(
                |(part, envelope, body, lines)| {
                    let kind = PartKind::Message {
                        envelope: Box::new(envelope),
                        body: Box::new(body),
                        lines,
                    };
                    BodyStructure::Single(SinglePart { kind, ..part })
                },
            );
            prop_oneof![multipart, message]
        })
}

proptest! {
    #[test]
    fn body_is_made_from_bodystructure(body in any_body()) {
        let (mut full, mut short) = (Vec::new(), Vec::new());
        encode_bodystructure(&body, &mut full);
        encode_body(&body, &mut short);
        prop_assert_eq!(body_from_bodystructure(&full), Some(short));
    }

    #[test]
    fn reading_a_bodystructure_never_panics(bytes in "[()\"{}0-9a-z \\\\]{0,40}") {
        let _ = body_from_bodystructure(bytes.as_bytes());
    }
}

#[test]
fn refuses_what_is_no_bodystructure() {
    for bytes in [
        "",
        "(",
        "()",
        "NIL",
        "(\"a\"",
        "((\"a\" \"b\"",
        "(\"text\" {99999999999999999999}\r\n)",
        "(\"a\\",
    ] {
        assert_eq!(body_from_bodystructure(bytes.as_bytes()), None, "{bytes}");
    }
}
