//! FETCH items of extensions: BINARY, PREVIEW, EMAILID and THREADID; MAILBOXID in STATUS and codes.
//! Never here: connections.

use imap::*;

fn fetch(text: &str) -> Result<Vec<FetchItem>, What> {
    let text = format!("A1 FETCH 1 {text}");
    match parse_command(text.as_bytes(), NameEncoding::ModifiedUtf7) {
        Ok((_, Command::Fetch { items, .. })) => Ok(items),
        Ok((_, other)) => panic!("{other:?}"),
        Err((_, refusal)) => Err(refusal.what),
    }
}

fn binary(path: &[u32], partial: Option<(u64, u64)>, peek: Peek) -> FetchItem {
    FetchItem::Binary {
        path: path.to_vec(),
        partial: partial.map(|(origin, octets)| Partial { origin, octets }),
        peek,
    }
}

/// [rfc3516 7] [rfc3516 4.2]
#[test]
fn reads_binary_items() {
    let read = fetch("(binary[] BINARY.PEEK[1.2]<10.20> BINARY.SIZE[3])");
    let expect = vec![
        binary(&[], None, Peek::SetsSeen),
        binary(&[1, 2], Some((10, 20)), Peek::LeavesUnseen),
        FetchItem::BinarySize { path: vec![3] },
    ];
    assert_eq!(read, Ok(expect));
    for (text, what) in [
        ("BINARY", What::UnknownFetchItem),
        ("BINARY.SIZE", What::UnknownFetchItem),
        ("BINARY[1.MIME]", What::Expected("part numbers only")),
        ("BINARY[HEADER]", What::Expected("part numbers only")),
        ("BINARY[0]", What::Expected("a number from 1")),
        ("BINARY[1]<0.0>", What::Expected("a number from 1")),
        ("BINARY.SIZE[1]<0.1>", What::TrailingText),
    ] {
        assert_eq!(fetch(text), Err(what), "{text}");
    }
    assert!(binary(&[], None, Peek::SetsSeen).sets_seen());
    assert!(!binary(&[], None, Peek::LeavesUnseen).sets_seen());
    assert!(!FetchItem::BinarySize { path: Vec::new() }.sets_seen());
}

/// [rfc8970 6]
#[test]
fn reads_preview_with_lazy_or_without() {
    use FetchItem::{Flags, Preview, Uid};
    for (text, expect) in [
        ("PREVIEW", vec![Preview]),
        ("preview (lazy)", vec![Preview]),
        ("(PREVIEW (LAZY LAZY) UID)", vec![Preview, Uid]),
        ("(PREVIEW FLAGS)", vec![Preview, Flags]),
        ("PREVIEW (CHANGEDSINCE 5)", vec![Preview]),
        ("PREVIEW (LAZY) (CHANGEDSINCE 5)", vec![Preview]),
    ] {
        assert_eq!(fetch(text), Ok(expect), "{text}");
    }
    assert_eq!(fetch("PREVIEW (LAZYX)"), Err(What::Expected("LAZY")));
    assert_eq!(fetch("(PREVIEW (X))"), Err(What::UnknownFetchItem));
}

/// [rfc8474 5.3] [rfc8474 6] [rfc8474 7]
#[test]
fn reads_ids() {
    let ids = vec![FetchItem::EmailId, FetchItem::ThreadId];
    assert_eq!(fetch("(EmailId THREADID)"), Ok(ids));
    let search = |text: &str| {
        let text = format!("A1 SEARCH {text}");
        match parse_command(text.as_bytes(), NameEncoding::ModifiedUtf7) {
            Ok((_, Command::Search(search))) => Ok(search.key),
            Ok((_, other)) => panic!("{other:?}"),
            Err((_, refusal)) => Err(refusal.what),
        }
    };
    let id = |text| ObjectId::new(text).expect("an id");
    assert_eq!(search("EMAILID M1f"), Ok(SearchKey::EmailId(id("M1f"))));
    assert_eq!(search("threadid T_-"), Ok(SearchKey::ThreadId(id("T_-"))));
    assert_eq!(search("EMAILID M.1"), Err(What::Expected("an id")));
    assert_eq!(search("EMAILID"), Err(What::Expected("a space")));
}

fn encoded(response: &Response) -> String {
    let mut out = Vec::new();
    encode::encode(response, NameEncoding::ModifiedUtf7, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// [rfc8474 7] [rfc3516 7] [rfc8970 3.2]
#[test]
fn spells_the_items() {
    let id = |text| ObjectId::new(text).expect("an id");
    let label = |item: &FetchItem| SectionLabel::of(item).expect("a text");
    let items = vec![
        FetchData::EmailId(id("M1")),
        FetchData::ThreadId(id("T1")),
        FetchData::Preview("Grüße \"x\"".to_owned()),
        FetchData::Preview(String::new()),
        FetchData::BinarySize {
            path: vec![1, 2],
            octets: 7,
        },
        FetchData::Text {
            label: label(&binary(&[2], Some((5, 9)), Peek::LeavesUnseen)),
            text: None,
        },
    ];
    assert_eq!(
        encoded(&Response::Fetch { seq: 1, items }),
        "* 1 FETCH (EMAILID (M1) THREADID (T1) PREVIEW {11}\r\nGrüße \"x\" PREVIEW \"\" BINARY.SIZE[1.2] 7 BINARY[2]<5> NIL)\r\n"
    );
    let value = StatusValue {
        item: StatusItem::MailboxId,
        value: StatusData::Id(id("B7")),
    };
    let status = Response::Status {
        mailbox: Mailbox::new("a"),
        values: vec![value],
    };
    assert_eq!(encoded(&status), "* STATUS a (MAILBOXID (B7))\r\n");
    let code = Response::untagged_ok(ResponseCode::MailboxId(id("B7")), "x");
    assert_eq!(encoded(&code), "* OK [MAILBOXID (B7)] x\r\n");
}

/// [rfc3516 4.3]
/// [rfc9051 9 #4]
/// [rfc3501 9 #4]
#[test]
fn octets_with_nul_are_a_literal8() {
    let mut out = Vec::new();
    let mut writer = FetchWriter::start(1, &mut out);
    let label = SectionLabel::Binary {
        path: vec![1],
        origin: None,
    };
    writer.announce_binary(&label, 3, &mut out);
    writer.chunk(b"a\0b", &mut out);
    writer.end(&mut out);
    assert_eq!(out, b"* 1 FETCH (BINARY[1] ~{3}\r\na\0b)\r\n");
}
