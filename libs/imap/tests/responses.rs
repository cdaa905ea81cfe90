//! Tables of responses and their spelling. Never here: which response is due.

use imap::*;

fn spell(response: &Response) -> String {
    let mut out = Vec::new();
    encode::encode(response, NameEncoding::ModifiedUtf7, &mut out);
    String::from_utf8(out).expect("text")
}

fn check(response: Response, expect: &str) {
    assert_eq!(spell(&response), format!("{expect}\r\n"));
}

fn tag() -> Tag {
    Tag::new(b"A1").expect("a tag")
}

fn set(text: &str) -> SequenceSet {
    SequenceSet::parse(text.as_bytes()).expect("a set")
}

fn section(text: &str) -> FetchItem {
    let text = format!("A1 FETCH 1 {text}");
    let (_, command) = parse_command(text.as_bytes(), NameEncoding::ModifiedUtf7).expect("a fetch");
    let Command::Fetch { mut items, .. } = command else {
        panic!("no fetch")
    };
    items.remove(0)
}

#[test]
fn spells_conditions_and_codes() {
    check(Response::ok(&tag(), "done"), "A1 OK done");
    check(Response::bad(&tag(), ""), "A1 BAD .");
    check(Response::bye("Autologout"), "* BYE Autologout");
    check(
        Response::no(&tag(), Some(ResponseCode::TryCreate), "no such mailbox"),
        "A1 NO [TRYCREATE] no such mailbox",
    );
    for (code, expect) in [
        (ResponseCode::ReadOnly, "READ-ONLY"),
        (ResponseCode::UidValidity(7), "UIDVALIDITY 7"),
        (ResponseCode::UidNext(8), "UIDNEXT 8"),
        (ResponseCode::Unseen(9), "UNSEEN 9"),
        (ResponseCode::HighestModSeq(10), "HIGHESTMODSEQ 10"),
        (
            ResponseCode::PermanentFlags(vec![Flag::Seen, Flag::Any]),
            "PERMANENTFLAGS (\\Seen \\*)",
        ),
        (ResponseCode::PermanentFlags(vec![]), "PERMANENTFLAGS ()"),
        (
            ResponseCode::AppendUid {
                uid_validity: 1,
                uids: set("3955"),
            },
            "APPENDUID 1 3955",
        ),
        (
            ResponseCode::CopyUid {
                uid_validity: 1,
                from: set("304,319:320"),
                to: set("3956:3958"),
            },
            "COPYUID 1 304,319:320 3956:3958",
        ),
        (ResponseCode::BadCharset(vec![]), "BADCHARSET"),
        (
            ResponseCode::BadCharset(vec!["US-ASCII".into(), "UTF-8".into()]),
            "BADCHARSET (US-ASCII UTF-8)",
        ),
        (
            ResponseCode::Capability(vec!["IMAP4rev1".into()]),
            "CAPABILITY IMAP4rev1",
        ),
        (ResponseCode::OverQuota, "OVERQUOTA"),
    ] {
        check(
            Response::untagged_ok(code, "x"),
            &format!("* OK [{expect}] x"),
        );
    }
}

#[test]
fn text_for_people_stays_one_line_and_no_code() {
    // [rfc3501 9 resp-text]
    check(
        Response::ok(&tag(), "a\r\nA2 OK b\0ü"),
        "A1 OK a??A2 OK b??",
    );
    check(Response::ok(&tag(), "[ALERT] x"), "A1 OK  [ALERT] x");
    check(Response::Continue("".into()), "+ .");
}

#[test]
fn spells_mailbox_data() {
    let entry = |name: &str, separator| ListEntry {
        attributes: vec!["\\HasNoChildren", "\\Drafts"],
        separator,
        mailbox: Mailbox::new(name),
        child_info: Vec::new(),
        old_name: None,
    };
    check(
        Response::List(entry("Entwürfe", Some('/'))),
        "* LIST (\\HasNoChildren \\Drafts) \"/\" Entw&APw-rfe",
    );
    check(
        Response::Lsub(entry("a b", Some('\\'))),
        "* LSUB (\\HasNoChildren \\Drafts) \"\\\\\" \"a b\"",
    );
    check(
        Response::List(entry("inbox", None)),
        "* LIST (\\HasNoChildren \\Drafts) NIL INBOX",
    );
    let values = vec![
        StatusValue {
            item: StatusItem::Messages,
            value: StatusData::Number(231),
        },
        StatusValue {
            item: StatusItem::UidNext,
            value: StatusData::Number(44292),
        },
    ];
    check(
        Response::Status {
            mailbox: Mailbox::new("blurdybloop"),
            values,
        },
        "* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)",
    );
    let search = |numbers, modseq| Response::Search { numbers, modseq };
    check(search(vec![2, 3, 6], None), "* SEARCH 2 3 6");
    check(search(vec![], None), "* SEARCH");
    // [rfc7162 3.1.5]
    check(search(vec![2, 5], Some(9)), "* SEARCH 2 5 (MODSEQ 9)");
    check(search(vec![], Some(9)), "* SEARCH");
    check(
        Response::Flags(vec![Flag::Answered, Flag::Seen]),
        "* FLAGS (\\Answered \\Seen)",
    );
    check(Response::Exists(23), "* 23 EXISTS");
    check(Response::Recent(5), "* 5 RECENT");
    check(Response::Expunge(44), "* 44 EXPUNGE");
    check(
        Response::Capability(vec!["IMAP4rev1".into(), "IDLE".into()]),
        "* CAPABILITY IMAP4rev1 IDLE",
    );
    check(Response::Enabled(vec![]), "* ENABLED");
    // [rfc2971 3.2]
    check(Response::Id(vec![]), "* ID NIL");
    check(
        Response::Id(vec![("name", "Whimbrel".into())]),
        "* ID (\"name\" \"Whimbrel\")",
    );
    // [rfc2342 6]
    let namespaces = Namespaces {
        personal: vec![(Mailbox::new(""), '/')],
        ..Namespaces::default()
    };
    check(
        Response::Namespace(namespaces),
        "* NAMESPACE ((\"\" \"/\")) NIL NIL",
    );
}

#[test]
fn spells_fetch_data() {
    let moment = DateTime::parse(b"17-Jul-1996 02:44:25 -0700").expect("a moment");
    let items = vec![
        FetchData::Uid(7),
        FetchData::Flags(vec![Flag::Seen, Flag::Recent]),
        FetchData::InternalDate(moment),
        FetchData::Rfc822Size(44_827),
        FetchData::ModSeq(65_402),
        FetchData::Envelope(b"(E)".to_vec()),
        FetchData::Body(b"(B)".to_vec()),
        FetchData::BodyStructure(b"(S)".to_vec()),
    ];
    check(
        Response::Fetch { seq: 23, items },
        "* 23 FETCH (UID 7 FLAGS (\\Seen \\Recent) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 44827 \
         MODSEQ (65402) ENVELOPE (E) BODY (B) BODYSTRUCTURE (S))",
    );
    check(
        Response::Fetch {
            seq: 1,
            items: vec![],
        },
        "* 1 FETCH ()",
    );
}

#[test]
fn section_labels_are_spelled_as_they_were_asked() {
    for (asked, label) in [
        ("BODY[]", "BODY[]"),
        ("BODY.PEEK[1.2.TEXT]<10.20>", "BODY[1.2.TEXT]<10>"),
        ("body[header.fields (From \"a b\" x)]", ""),
        (
            "BODY[2.HEADER.FIELDS (From x-Y)]",
            "BODY[2.HEADER.FIELDS (From x-Y)]",
        ),
        (
            "BODY[HEADER.FIELDS.NOT (\"To\")]",
            "BODY[HEADER.FIELDS.NOT (To)]",
        ),
        ("BODY[3.MIME]", "BODY[3.MIME]"),
        ("RFC822", "RFC822"),
        ("RFC822.HEADER", "RFC822.HEADER"),
        ("RFC822.TEXT", "RFC822.TEXT"),
    ] {
        if label.is_empty() {
            // A field name with a space is none.
            assert!(
                parse_command(format!("A1 FETCH 1 {asked}").as_bytes(), NameEncoding::Utf8)
                    .is_err()
            );
            continue;
        }
        let label_of = SectionLabel::of(&section(asked)).expect("a label");
        let items = vec![FetchData::Text {
            label: label_of.clone(),
            text: Some(b"a\r\n\xc3\xa4".to_vec()),
        }];
        check(
            Response::Fetch { seq: 2, items },
            &format!("* 2 FETCH ({label} {{5}}\r\na\r\nä)"),
        );
        let items = vec![FetchData::Text {
            label: label_of,
            text: None,
        }];
        check(
            Response::Fetch { seq: 2, items },
            &format!("* 2 FETCH ({label} NIL)"),
        );
    }
    assert_eq!(SectionLabel::of(&FetchItem::Uid), None);
}

#[test]
fn a_large_text_is_written_in_pieces() {
    let label = SectionLabel::of(&section("BODY[]")).expect("a label");
    let mut out = Vec::new();
    let mut writer = FetchWriter::start(9, &mut out);
    writer.item(&FetchData::Uid(3), &mut out);
    writer.announce(&label, 6, &mut out);
    assert_eq!(std::mem::take(&mut out), b"* 9 FETCH (UID 3 BODY[] {6}\r\n");
    writer.chunk(b"abc", &mut out);
    writer.sent(2);
    assert_eq!(writer.text_left(), 1);
    writer.chunk(b"f", &mut out);
    writer.value("ENVELOPE", b"(E)", &mut out);
    writer.end(&mut out);
    assert_eq!(out, b"abcf ENVELOPE (E))\r\n");
}

#[test]
#[should_panic(expected = "as long as announced")]
fn a_text_shorter_than_announced_ends_the_session() {
    let mut out = Vec::new();
    let mut writer = FetchWriter::start(9, &mut out);
    writer.announce(&SectionLabel::Rfc822, 6, &mut out);
    writer.chunk(b"abc", &mut out);
    writer.end(&mut out);
}

#[test]
fn refusals_are_bad_no_or_untagged() {
    let refused =
        |tag: Option<&Tag>, what| spell(&Response::refused(tag, &Refusal { what, at_octet: 5 }));
    let a1 = tag();
    assert_eq!(
        refused(Some(&a1), What::Expected("a space")),
        "A1 BAD expected a space at octet 5\r\n"
    );
    assert_eq!(
        refused(Some(&a1), What::LiteralTooLarge),
        "A1 NO [TOOBIG] literal too large at octet 5\r\n"
    );
    assert_eq!(
        refused(Some(&a1), What::TooDeep),
        "A1 NO [LIMIT] nested too deep at octet 5\r\n"
    );
    assert!(refused(Some(&a1), What::MailboxEncoding).starts_with("A1 NO [CANNOT] "));
    assert_eq!(refused(None, What::EmptyLine), "* BAD empty line\r\n");
}

/// [rfc4466 2.6.2]
#[test]
fn extended_searches_say_whose_they_are() {
    let none = ESearch {
        tag: tag(),
        ids: Ids::Sequence,
        min: None,
        max: None,
        all: None,
        count: None,
        modseq: None,
    };
    // [rfc4731 3.1]
    check(Response::ESearch(none.clone()), "* ESEARCH (TAG \"A1\")");
    let all = ESearch {
        ids: Ids::Uid,
        min: Some(2),
        max: Some(11),
        all: Some(set("2,10:11")),
        count: Some(3),
        modseq: Some(917),
        ..none
    };
    check(
        Response::ESearch(all),
        "* ESEARCH (TAG \"A1\") UID MIN 2 MAX 11 ALL 2,10:11 COUNT 3 MODSEQ 917",
    );
}

/// [rfc7162 7]
#[test]
fn vanished_messages_are_told_in_two_ways() {
    check(Response::Vanished(set("405,407")), "* VANISHED 405,407");
    check(
        Response::VanishedEarlier(set("1:5,7")),
        "* VANISHED (EARLIER) 1:5,7",
    );
    let modified = ResponseCode::Modified(set("7,9"));
    check(
        Response::tagged(&tag(), Condition::Ok, Some(modified), "some changed"),
        "A1 OK [MODIFIED 7,9] some changed",
    );
}
