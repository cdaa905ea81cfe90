//! Whole reports, read again by a parser that is not ours.

use super::*;
use addr::Charset;
use mail_parser::{Message, MessageParser, MimeHeaders, PartType};
use smtp::BodyType;

const HEADER: &str = "Received: by mx.example.test\r\n\
     From: Carol <carol@example.test>\r\n\
     Subject: =?utf-8?Q?Lunch_at_caf=C3=A9?=\r\n\
     Message-ID: <one@example.test>\r\n\
     \r\n\
     behind the header\r\n";

fn reporter() -> Reporter<'static> {
    Reporter {
        hostname: "mx.example.test",
        postmaster: "postmaster@example.test",
        at: Time::from_seconds(1_795_396_809),
        token: "abcdefgh",
    }
}

fn path(text: &str) -> ForwardPath {
    ForwardPath::parse(text.as_bytes(), Charset::Utf8).unwrap()
}

fn fate(recipient: &ForwardPath, action: Action) -> Fate<'_> {
    let at = Time::from_seconds(1_795_396_800);
    Fate {
        recipient: Named::Path(recipient),
        original: None,
        action,
        status: Status(5, 1, 1),
        said: Said::Server {
            host: "mx.example.net",
            reply: "550 5.1.1 no such user",
        },
        last_attempt: Some(at),
        retry_until: None,
    }
}

struct Case {
    sender: &'static str,
    header: &'static str,
    envid: Option<&'static str>,
    deliver_by: Option<Time>,
    returned: Returned,
    charset: Charset,
    original: Charset,
}

const USUAL: Case = Case {
    sender: "carol@example.test",
    header: HEADER,
    envid: None,
    deliver_by: None,
    returned: Returned::Header,
    charset: Charset::Ascii,
    original: Charset::Ascii,
};

fn report_of(case: &Case, fates: &[Fate<'_>]) -> Report {
    let sender: Address = case.sender.parse().unwrap();
    let envid = case.envid.map(|text| EnvelopeId::read(text).unwrap());
    let subject = Subject {
        id: "id123",
        sender: &sender,
        envid: envid.as_ref(),
        arrived: Time::from_seconds(1_795_390_000),
        deliver_by: case.deliver_by,
        hold: None,
        header: case.header.as_bytes(),
    };
    compose(
        &reporter(),
        &subject,
        fates,
        case.returned,
        case.charset,
        case.original,
    )
}

/// The report's octets with the message between.
fn whole(report: &Report, message: &str) -> Vec<u8> {
    let between = match report.returned {
        Returned::Whole => message.as_bytes(),
        Returned::Header => b"",
    };
    [&report.before[..], between, &report.after[..]].concat()
}

fn parsed(octets: &[u8]) -> Message<'_> {
    MessageParser::default().parse(octets).unwrap()
}

/// Type and decoded content of the three parts.
fn parts(message: &Message<'_>) -> Vec<(String, String)> {
    let kind = |part: &mail_parser::MessagePart<'_>| {
        let kind = part.content_type().unwrap();
        format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or(""))
    };
    let PartType::Multipart(children) = &message.parts[0].body else {
        panic!("no multipart");
    };
    let content = |part: &mail_parser::MessagePart<'_>| match &part.body {
        PartType::Text(text) => text.to_string(),
        PartType::Binary(octets) => String::from_utf8(octets.to_vec()).unwrap(),
        PartType::Message(inner) => {
            let root = &inner.parts[0];
            let (from, to) = (root.offset_header as usize, root.offset_end as usize);
            String::from_utf8(inner.raw_message[from..to].to_vec()).unwrap()
        }
        other => panic!("{other:?}"),
    };
    let all = children.iter().map(|id| &message.parts[*id as usize]);
    all.map(|part| (kind(part), content(part))).collect()
}

#[test]
fn a_report_of_failure_says_everything_to_people_and_programs() {
    // [rfc3464 2] [rfc3464 2.1] [rfc3464 2.2.1] [rfc3464 2.2.2] [rfc3464 2.2.5] [rfc3464 2.3]
    // [rfc3464 2.3.1] [rfc3464 2.3.2] [rfc3464 2.3.3] [rfc3464 2.3.4] [rfc3464 2.3.5]
    // [rfc3464 2.3.6] [rfc3464 2.3.7] [rfc3461 6.3] [rfc6522 3] [rfc6522 4] [rfc3834 3.1.5]
    // [rfc3834 3.1.7] [rfc3464 2.4]
    let (bob, original) = (
        path("<Bob@example.net>"),
        OriginalRecipient::read("rfc822;b+2Bob@example.org").unwrap(),
    );
    let failed = Fate {
        original: Some(&original),
        ..fate(&bob, Action::Failed)
    };
    let case = Case {
        envid: Some("QQ+2B1"),
        ..USUAL
    };
    let report = report_of(&case, &[failed]);
    assert_eq!(report.body, BodyType::SevenBit);
    let octets = whole(&report, "");
    let message = parsed(&octets);
    let field = |name: &str| message.header_raw(name).unwrap().trim().to_owned();
    assert_eq!(field("To"), "carol@example.test");
    assert_eq!(field("From"), "Mail delivery <postmaster@example.test>");
    assert_eq!(field("Subject"), "Your message could not be delivered");
    assert_eq!(field("Date"), "Mon, 23 Nov 2026 01:20:09 +0000");
    assert_eq!(field("Message-ID"), "<abcdefgh@mx.example.test>");
    assert_eq!(field("In-Reply-To"), "<one@example.test>");
    assert_eq!(field("Auto-Submitted"), "auto-replied");
    let kind = message.content_type().unwrap();
    assert_eq!(kind.subtype(), Some("report"));
    assert_eq!(kind.attribute("report-type"), Some("delivery-status"));
    let parts = parts(&message);
    assert_eq!(parts[0].0, "text/plain");
    for words in [
        "could NOT be delivered",
        "Bob@example.net",
        "The server mx.example.net said:\r\n      550 5.1.1 no such user",
        "There is no such mailbox",
        "Lunch at café",
        "id123",
    ] {
        assert!(parts[0].1.contains(words), "{words}: {}", parts[0].1);
    }
    assert_eq!(parts[1].0, "message/delivery-status");
    assert_eq!(
        parts[1].1.trim_end(),
        "Original-Envelope-Id: QQ+1\r\n\
         Reporting-MTA: dns; mx.example.test\r\n\
         Arrival-Date: Sun, 22 Nov 2026 23:26:40 +0000\r\n\
         X-Whimbrel-Id: id123\r\n\
         \r\n\
         Original-Recipient: rfc822;b+ob@example.org\r\n\
         Final-Recipient: rfc822;Bob@example.net\r\n\
         Action: failed\r\n\
         Status: 5.1.1\r\n\
         Remote-MTA: dns; mx.example.net\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\
         Last-Attempt-Date: Mon, 23 Nov 2026 01:20:00 +0000"
    );
    assert_eq!(parts[2].0, "text/rfc822-headers");
    let header = HEADER.split_once("\r\n\r\n").unwrap().0;
    assert_eq!(parts[2].1.trim_end(), header);
    assert_eq!(parts.len(), 3);
}

#[test]
fn each_recipient_has_a_group_of_its_own() {
    // [rfc3464 2.3] [rfc3464 2.3.9] [rfc3461 5.2.8]
    let until = Time::from_seconds(1_795_500_000);
    let (bob, ann) = (path("<bob@example.net>"), path("<ann@example.net>"));
    let delayed = Fate {
        status: Status(4, 4, 1),
        said: Said::Ours("no server of example.net could be reached"),
        retry_until: Some(until),
        ..fate(&bob, Action::Delayed)
    };
    let delivered = Fate {
        status: Status(2, 1, 5),
        said: Said::Nothing,
        last_attempt: None,
        retry_until: Some(until),
        ..fate(&ann, Action::Delivered)
    };
    let octets = whole(&report_of(&USUAL, &[delayed, delivered]), "");
    let message = parsed(&octets);
    let parts = parts(&message);
    let groups: Vec<&str> = parts[1].1.trim_end().split("\r\n\r\n").collect();
    assert_eq!(
        groups[1..],
        [
            "Final-Recipient: rfc822;bob@example.net\r\n\
             Action: delayed\r\n\
             Status: 4.4.1\r\n\
             Diagnostic-Code: X-Whimbrel; no server of example.net could be reached\r\n\
             Last-Attempt-Date: Mon, 23 Nov 2026 01:20:00 +0000\r\n\
             Will-Retry-Until: Tue, 24 Nov 2026 06:00:00 +0000",
            "Final-Recipient: rfc822;ann@example.net\r\n\
             Action: delivered\r\n\
             Status: 2.1.5"
        ]
    );
    let text = &parts[0].1;
    assert!(text.contains("until Tue, 24 Nov"), "{text}");
    assert!(text.contains("put into the mailbox"), "{text}");
}

#[test]
fn a_message_that_comes_back_whole_is_not_changed() {
    // [rfc3461 6.2] [rfc6522 3]
    let bob = path("<bob@example.net>");
    let case = Case {
        returned: Returned::Whole,
        ..USUAL
    };
    let report = report_of(&case, &[fate(&bob, Action::Failed)]);
    assert_eq!(report.body, BodyType::EightBitMime);
    let sent = format!("{HEADER}--boundary--\r\n. é without an end");
    let octets = whole(&report, &sent);
    let message = parsed(&octets);
    let parts = parts(&message);
    assert_eq!(parts[2].0, "message/rfc822");
    assert_eq!(parts[2].1, sent);
}

#[test]
fn utf8_is_told_in_the_parts_that_are_made_for_it() {
    // [rfc6533 3] [rfc6533 4.1] [rfc6533 4.2] [rfc6533 4.3] [rfc6533 4.4]
    let jan = path("<jürgen@example.net>");
    let original = OriginalRecipient::read("utf-8;j\\x{FC}rgen@example.org").unwrap();
    let failed = Fate {
        original: Some(&original),
        said: Said::Server {
            host: "mx.example.net",
            reply: "550 5.1.1 nö",
        },
        ..fate(&jan, Action::Failed)
    };
    let header = Case {
        sender: "cärol@example.test",
        header: "Subject: café\r\n\r\n",
        charset: Charset::Utf8,
        original: Charset::Utf8,
        ..USUAL
    };
    let report = report_of(&header, &[failed]);
    let octets = whole(&report, "");
    let message = parsed(&octets);
    let found = parts(&message);
    assert_eq!(found[1].0, "message/global-delivery-status");
    for field in [
        "Original-Recipient: utf-8;jürgen@example.org\r\n",
        "Final-Recipient: utf-8;jürgen@example.net\r\n",
        "Diagnostic-Code: smtp; 550 5.1.1 nö\r\n",
    ] {
        assert!(found[1].1.contains(field), "{}", found[1].1);
    }
    assert_eq!(found[2].0, "message/global-headers");
    assert!(found[2].1.contains("Subject: café"));
    let case = Case {
        returned: Returned::Whole,
        ..header
    };
    let octets = whole(&report_of(&case, &[failed]), "Subject: café\r\n\r\nx");
    assert_eq!(parts(&parsed(&octets))[2].0, "message/global");
}

#[test]
fn utf8_is_told_in_ascii_where_nothing_else_gets_through() {
    // [rfc6533 3] [rfc6533 4.4] [rfc6533 4.5] [rfc6522 4]
    let jan = path("<jürgen@example.net>");
    let failed = fate(&jan, Action::Failed);
    let case = Case {
        header: "Subject: café\r\n\r\n",
        returned: Returned::Whole,
        original: Charset::Utf8,
        ..USUAL
    };
    let report = report_of(&case, &[failed]);
    assert_eq!(report.returned, Returned::Header);
    let octets = whole(&report, "");
    assert!(octets.is_ascii());
    let message = parsed(&octets);
    let parts = parts(&message);
    assert_eq!(parts[1].0, "message/delivery-status");
    let field = "Final-Recipient: utf-8;j\\x{FC}rgen@example.net\r\n";
    assert!(parts[1].1.contains(field), "{}", parts[1].1);
    assert_eq!(parts[2].0, "message/global-headers");
    assert!(parts[2].1.contains("Subject: café"), "{}", parts[2].1);
}

#[test]
fn a_header_that_was_cut_comes_back_in_whole_lines_and_names_no_message() {
    // [rfc6522 4]
    let bob = path("<bob@example.net>");
    let odd = [
        ("Subject: x\r\nMessage-ID: <a@b", "Subject: x\r\n"),
        (
            "Message-ID: <a@b>\r\nMessage-ID: <c@d>\r\n\r\n",
            "Message-ID: <a@b>\r\nMessage-ID: <c@d>\r\n",
        ),
        (
            "Message-ID: <a\u{1}@b>\r\n\r\n",
            "Message-ID: <a\u{1}@b>\r\n",
        ),
    ];
    for (header, comes_back) in odd {
        let case = Case { header, ..USUAL };
        let octets = whole(&report_of(&case, &[fate(&bob, Action::Failed)]), "");
        let message = parsed(&octets);
        assert!(message.header_raw("In-Reply-To").is_none(), "{header}");
        assert_eq!(parts(&message)[2].1.trim_end(), comes_back.trim_end());
    }
}
