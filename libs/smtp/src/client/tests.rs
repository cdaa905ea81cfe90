//! The machine as a caller drives it, against servers honest and not.

use super::*;
use crate::command::{BodyType, MailParameters, Protection, RcptParameters};
use crate::dsn::{EnvelopeId, Notify, OriginalRecipient, Ret};
use crate::limits::{self, AUTH_COMMAND_BYTES, CHUNKS_AHEAD, CONTENT_BYTES};
use addr::{Charset, Domain, ForwardPath, ReversePath};

fn name() -> ClientName {
    ClientName::from(&"client.example".parse::<Domain>().unwrap())
}

fn envelope(recipients: &[&str]) -> Envelope {
    let recipient = |to: &&str| Recipient {
        to: ForwardPath::Address(to.parse().unwrap()),
        parameters: RcptParameters::default(),
    };
    Envelope {
        from: ReversePath::Address("bob@example.test".parse().unwrap()),
        parameters: MailParameters::default(),
        recipients: recipients.iter().map(recipient).collect(),
    }
}

/// A client and what its server says, line by line.
struct Play(Client);

impl Play {
    fn new(protocol: Protocol) -> Play {
        Play(Client::new(protocol, name()))
    }

    /// Behind the answer to EHLO, which offers this.
    fn ready(keywords: &[&str]) -> Play {
        Play::ready_at(Protocol::Smtp, keywords)
    }

    fn ready_at(protocol: Protocol, keywords: &[&str]) -> Play {
        let mut play = Play::new(protocol);
        play.says("220 ready");
        play.0.send(Request::Hello);
        let mut lines = vec!["mx.example.test"];
        lines.extend(keywords);
        let last = lines.pop().unwrap();
        for line in lines {
            play.0.receive(format!("250-{line}\r\n").as_bytes());
        }
        play.says(&format!("250 {last}"));
        play.0.output();
        play
    }

    fn says(&mut self, lines: &str) -> Vec<Event> {
        self.0.receive(lines.replace('|', "\r\n").as_bytes());
        self.0.receive(b"\r\n");
        self.events()
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.0.next()).collect()
    }

    fn wrote(&mut self) -> String {
        String::from_utf8(self.0.output())
            .unwrap()
            .replace("\r\n", "|")
    }

    /// The outcomes of a transaction that ends with this, as `STAGE CODE` or `STAGE -`.
    fn outcomes(events: &[Event]) -> Vec<String> {
        let done = events.iter().find_map(|event| match event {
            Event::Done(outcomes) => Some(outcomes),
            _ => None,
        });
        let shown = |outcome: &Outcome| {
            let code = outcome.reply().map(|reply| reply.code().to_string());
            format!("{:?} {}", outcome.stage(), code.unwrap_or("-".into()))
        };
        done.expect("the transaction has ended")
            .iter()
            .map(shown)
            .collect()
    }
}

#[test]
fn sends_one_command_at_a_time_without_pipelining() {
    // [rfc5321 3.3 #5] [rfc5321 4.3.1 #1] [rfc5321 4.3.1]
    let mut play = Play::ready(&[]);
    play.0.begin(envelope(&["a@x.test", "b@x.test"])).unwrap();
    assert_eq!(play.wrote(), "MAIL FROM:<bob@example.test>|");
    play.says("250 ok");
    assert_eq!(play.wrote(), "RCPT TO:<a@x.test>|");
    play.says("250 ok");
    assert_eq!(play.wrote(), "RCPT TO:<b@x.test>|");
    play.says("550 5.1.1 no");
    assert_eq!(play.wrote(), "DATA|");
    assert!(!play.0.wants_content());
    assert_eq!(play.says("354 go"), [Event::Content]);
    assert!(play.0.wants_content());
    play.0.content(b"a\r\n.b").unwrap();
    play.0.content_end();
    assert_eq!(play.wrote(), "a|..b|.|");
    let events = play.says("250 2.0.0 taken");
    assert_eq!(Play::outcomes(&events), ["ContentEnd 250", "Rcpt 550"]);
    // the connection serves for another message
    play.0.begin(envelope(&["c@x.test"])).unwrap();
    assert_eq!(play.wrote(), "MAIL FROM:<bob@example.test>|");
}

#[test]
fn sends_the_envelope_at_once_with_pipelining() {
    // [rfc2920 3.1]
    let mut play = Play::ready(&["PIPELINING"]);
    play.0.begin(envelope(&["a@x.test", "b@x.test"])).unwrap();
    let group = "MAIL FROM:<bob@example.test>|RCPT TO:<a@x.test>|RCPT TO:<b@x.test>|DATA|";
    assert_eq!(play.wrote(), group);
    assert_eq!(
        play.says("250 ok|450 later|250 ok|354 go"),
        [Event::Content]
    );
    play.0.content_end();
    let events = play.says("451 4.3.0 full");
    assert_eq!(Play::outcomes(&events), ["Rcpt 450", "ContentEnd 451"]);
    // what the server remembers after that, nobody knows
    play.0.begin(envelope(&["a@x.test"])).unwrap();
    assert!(play.wrote().starts_with(".|RSET|MAIL "), "in one group");
}

#[test]
fn a_354_for_nobody_is_answered_with_a_dot() {
    // [rfc2920 3.1]
    let mut play = Play::ready(&["PIPELINING"]);
    play.0.begin(envelope(&["a@x.test"])).unwrap();
    play.wrote();
    assert_eq!(play.says("250 ok|550 no|354 go"), []);
    assert_eq!(play.wrote(), ".|");
    assert_eq!(Play::outcomes(&play.says("554 no")), ["Rcpt 550"]);
    play.0.begin(envelope(&["a@x.test"])).unwrap();
    assert!(play.wrote().starts_with("RSET|MAIL "));
}

#[test]
fn a_refused_sender_is_said_of_all_and_of_this_transaction_only() {
    // [rfc5321 4.5.4.1]
    let mut play = Play::ready(&["PIPELINING"]);
    play.0.begin(envelope(&["a@x.test", "b@x.test"])).unwrap();
    let events = play.says("550 5.7.1 not you|503 no|250 odd|503 no");
    assert_eq!(Play::outcomes(&events), ["Mail 550", "Mail 550"]);
    let mut play = Play::ready(&[]);
    play.0.begin(envelope(&["a@x.test"])).unwrap();
    play.wrote();
    assert_eq!(Play::outcomes(&play.says("550 no")), ["Mail 550"]);
    assert_eq!(play.wrote(), "");
    play.0.begin(envelope(&["a@x.test"])).unwrap();
    assert_eq!(play.wrote(), "MAIL FROM:<bob@example.test>|");
}

#[test]
fn sends_chunks_where_they_are_offered() {
    // [rfc3030 2] [rfc3030 3]
    let mut play = Play::ready(&["CHUNKING", "PIPELINING", "BINARYMIME"]);
    let mut binary = envelope(&["a@x.test"]);
    binary.parameters.body = Some(BodyType::BinaryMime);
    play.0.begin(binary).unwrap();
    let group = "MAIL FROM:<bob@example.test> BODY=BINARYMIME|RCPT TO:<a@x.test>|";
    assert_eq!(play.wrote(), group);
    // only when somebody is there to get it
    assert_eq!(play.says("250 ok|250 ok"), [Event::Content]);
    play.0.content(b"\n.\xff").unwrap();
    assert_eq!(play.0.output(), b"");
    play.0.content_end();
    assert_eq!(play.0.output(), b"BDAT 3 LAST\r\n\n.\xff");
    assert_eq!(Play::outcomes(&play.says("250 ok")), ["ContentEnd 250"]);
}

#[test]
fn long_content_goes_in_several_chunks_of_which_few_wait_for_answers() {
    // [rfc3030 2]
    let piece = vec![b'x'; CONTENT_BYTES];
    for (keywords, ahead) in [
        (&["CHUNKING", "PIPELINING"][..], CHUNKS_AHEAD),
        (&["CHUNKING"][..], 1),
    ] {
        let mut play = Play::ready(keywords);
        play.0.begin(envelope(&["a@x.test"])).unwrap();
        play.says("250 ok");
        play.says("250 ok");
        play.wrote();
        for _ in 0..ahead {
            assert!(play.0.wants_content());
            play.0.content(&piece).unwrap();
            assert!(play.wrote().starts_with("BDAT 65536|x"));
        }
        play.0.content(&piece).unwrap();
        play.0.content_end();
        assert!(!play.0.wants_content());
        assert_eq!(play.wrote(), "", "{ahead} answers are awaited");
        play.says("250 ok");
        assert!(play.wrote().starts_with("BDAT 65536 LAST|x"));
        let answers = vec!["250 ok"; ahead].join("|");
        assert_eq!(Play::outcomes(&play.says(&answers)), ["ContentEnd 250"]);
    }
}

#[test]
fn a_refused_chunk_ends_the_transaction_and_the_next_one_begins_with_rset() {
    // [rfc3030 2]
    let mut play = Play::ready(&["CHUNKING", "PIPELINING"]);
    play.0.begin(envelope(&["a@x.test"])).unwrap();
    play.says("250 ok|250 ok");
    let piece = vec![b'x'; CONTENT_BYTES];
    play.0.content(&piece).unwrap();
    play.0.content(&piece).unwrap();
    play.wrote();
    let events = play.says("552 5.3.4 too much");
    assert_eq!(Play::outcomes(&events), ["Content 552"]);
    assert!(!play.0.wants_content());
    play.0.content(&piece).unwrap();
    play.0.content_end();
    assert_eq!(play.wrote(), "");
    play.0.begin(envelope(&["a@x.test"])).unwrap();
    assert!(play.wrote().starts_with("RSET|MAIL "));
    // the answer to the second chunk comes before that to RSET
    assert_eq!(
        play.says("503 no|250 reset|250 ok|250 ok"),
        [Event::Content]
    );
}

#[test]
fn lmtp_answers_for_each_accepted_recipient() {
    // [rfc2033 4.2] [rfc2033 4.3]
    for keywords in [&["PIPELINING"][..], &["PIPELINING", "CHUNKING"]] {
        let mut play = Play::ready_at(Protocol::Lmtp, keywords);
        let to = ["a@x.test", "b@x.test", "c@x.test"];
        play.0.begin(envelope(&to)).unwrap();
        play.says("250 ok|250 ok|550 no|250 ok");
        if keywords.len() == 1 {
            play.says("354 go");
        }
        play.0.content_end();
        assert_eq!(play.says("250 taken"), []);
        let events = play.says("452 4.2.2 full");
        assert_eq!(
            Play::outcomes(&events),
            ["ContentEnd 250", "Rcpt 550", "ContentEnd 452"]
        );
    }
}

#[test]
fn says_helo_to_who_does_not_know_ehlo() {
    // [rfc5321 3.2] [rfc5321 4.1.4] [rfc5321 4.1.1.1] [rfc5321 2.3.5 #3] [rfc2033 4.1]
    let mut play = Play::new(Protocol::Smtp);
    play.says("220 old");
    play.0.send(Request::Hello);
    assert_eq!(play.wrote(), "EHLO client.example|");
    assert_eq!(play.says("502 what"), []);
    assert_eq!(play.wrote(), "HELO client.example|");
    assert!(matches!(&play.says("250 hi")[..], [Event::Hello(_)]));
    assert!(!play.0.capabilities().offers(Extension::Pipelining));
    // not now is no answer to that
    let mut play = Play::new(Protocol::Smtp);
    play.says("220 old");
    play.0.send(Request::Hello);
    assert!(
        matches!(&play.says("451 4.3.0 later")[..], [Event::Hello(reply)]
        if reply.class() == Class::Transient && reply.status().is_some())
    );
    let mut play = Play::new(Protocol::Lmtp);
    play.says("220 lmtp");
    play.0.send(Request::Hello);
    assert_eq!(play.wrote(), "LHLO client.example|");
    assert!(matches!(&play.says("500 what")[..], [Event::Hello(_)]));
}

#[test]
fn a_client_without_a_name_gives_its_address() {
    // [rfc5321 4.1.4] [rfc5321 4.1.3] [rfc5321 2.3.5] [rfc5321 2.3.5 #3]
    let address: std::net::IpAddr = "2001:db8::1".parse().unwrap();
    assert_eq!(ClientName::from(address).as_str(), "[IPv6:2001:db8::1]");
    let address: std::net::IpAddr = "192.0.2.1".parse().unwrap();
    assert_eq!(ClientName::from(address).as_str(), "[192.0.2.1]");
}

#[test]
fn what_was_said_before_tls_is_forgotten() {
    // [rfc3207 4.2]
    let mut play = Play::ready(&["STARTTLS", "AUTH PLAIN"]);
    play.0.send(Request::StartTls);
    assert_eq!(play.wrote(), "STARTTLS|");
    let events = play.says("220 go|250 smuggled");
    assert!(matches!(&events[..], [Event::StartTls(_)]));
    assert!(play.0.awaits_tls());
    assert_eq!(play.says("250 smuggled too"), []);
    play.0.tls_started();
    assert_eq!(play.events(), []);
    assert!(!play.0.capabilities().offers(Extension::Auth));
    play.0.send(Request::Hello);
    assert!(matches!(&play.says("250 mx")[..], [Event::Hello(_)]));
    // who does not want to is asked on in clear text, if the caller will
    let mut play = Play::ready(&["STARTTLS"]);
    play.0.send(Request::StartTls);
    assert!(matches!(
        &play.says("454 4.7.0 not now")[..],
        [Event::StartTls(_)]
    ));
    assert!(!play.0.awaits_tls());
}

#[test]
fn logs_in() {
    // [rfc4954 4]
    let mut play = Play::ready(&["AUTH LOGIN"]);
    play.0.send(Request::Auth {
        mechanism: "LOGIN".into(),
        initial_response: None,
    });
    assert_eq!(play.wrote(), "AUTH LOGIN|");
    assert_eq!(
        play.says("334 VXNlcm5hbWU6"),
        [Event::Challenge(b"VXNlcm5hbWU6".to_vec())]
    );
    play.0.send(Request::Response("dGlt".into()));
    assert_eq!(play.wrote(), "dGlt|");
    assert_eq!(play.says("334 "), [Event::Challenge(Vec::new())]);
    play.0.send(Request::CancelAuth);
    assert_eq!(play.wrote(), "*|");
    assert!(matches!(
        &play.says("501 5.7.0 as you like")[..],
        [Event::Auth(_)]
    ));
}

#[test]
fn an_initial_response_that_is_too_long_follows_by_itself() {
    // [rfc4954 4]
    let auth = |bytes: usize| Request::Auth {
        mechanism: "PLAIN".into(),
        initial_response: Some("A".repeat(bytes)),
    };
    let mut play = Play::ready(&["AUTH PLAIN"]);
    play.0.send(auth(AUTH_COMMAND_BYTES - 13));
    assert_eq!(play.wrote().len(), AUTH_COMMAND_BYTES - 1);
    play.says("535 5.7.8 no");
    play.0.send(auth(AUTH_COMMAND_BYTES - 12));
    assert_eq!(play.wrote(), "AUTH PLAIN|");
    assert_eq!(play.says("334 "), []);
    assert_eq!(
        play.wrote(),
        format!("{}|", "A".repeat(AUTH_COMMAND_BYTES - 12))
    );
    assert!(matches!(&play.says("235 2.7.0 in")[..], [Event::Auth(_)]));
}

#[test]
fn asks_only_for_what_is_offered() {
    // [rfc5321 4.1.1.3 #3] [rfc5321 4.1.1.3] [rfc3461 5.2.1]
    let mut full = envelope(&["a@x.test"]);
    full.parameters = MailParameters {
        size_bytes: Some(100),
        body: Some(BodyType::SevenBit),
        auth: Some("<>".into()),
        ret: Some(Ret::Hdrs),
        envid: EnvelopeId::read("id"),
        ..MailParameters::default()
    };
    full.recipients[0].parameters = RcptParameters {
        notify: Some(Notify::Never),
        orcpt: OriginalRecipient::read("utf-8;ü@x.test"),
    };
    let sent = |keywords: &[&str]| {
        let mut play = Play::ready(&[keywords, &["PIPELINING"][..]].concat());
        play.0.begin(full.clone()).unwrap();
        play.wrote()
    };
    assert_eq!(
        sent(&[]),
        "MAIL FROM:<bob@example.test>|RCPT TO:<a@x.test>|DATA|"
    );
    assert_eq!(
        sent(&["SIZE", "8BITMIME", "AUTH PLAIN", "DSN"]),
        "MAIL FROM:<bob@example.test> SIZE=100 BODY=7BIT AUTH=<> RET=HDRS ENVID=id|\
         RCPT TO:<a@x.test> NOTIFY=NEVER ORCPT=utf-8;\\x{FC}@x.test|DATA|"
    );
}

#[test]
fn what_a_server_cannot_take_is_not_begun() {
    // [rfc5321 2.4 #3] [rfc6531 3.2] [rfc1870 4] [rfc3030 3] [rfc6152 3]
    let check = |keywords: &[&str], envelope: &Envelope, expect| {
        let mut play = Play::ready(keywords);
        assert_eq!(play.0.fits(envelope), expect);
        assert_eq!(play.0.begin(envelope.clone()), expect);
        assert_eq!(play.wrote().is_empty(), expect.is_err());
    };
    let mut large = envelope(&["a@x.test"]);
    large.parameters.size_bytes = Some(101);
    check(
        &["SIZE 100"],
        &large,
        Err(Unfit::TooLarge { max_bytes: 100 }),
    );
    check(&["SIZE 101"], &large, Ok(()));
    let eight_bit = |body| {
        let mut envelope = envelope(&["a@x.test"]);
        envelope.parameters.body = Some(body);
        envelope
    };
    check(
        &[],
        &eight_bit(BodyType::EightBitMime),
        Err(Unfit::EightBitMime),
    );
    check(&["8BITMIME"], &eight_bit(BodyType::EightBitMime), Ok(()));
    check(
        &["BINARYMIME"],
        &eight_bit(BodyType::BinaryMime),
        Err(Unfit::BinaryMime),
    );
    let international = envelope(&["a@x.test", "jürgen@x.test"]);
    check(&["8BITMIME"], &international, Err(Unfit::SmtpUtf8));
    // [rfc8689 4.2.1] [rfc8689 5]
    let mut required = envelope(&["a@x.test"]);
    required.parameters.protection = Protection::Required;
    check(&["8BITMIME"], &required, Err(Unfit::RequireTls));
    check(&["REQUIRETLS"], &required, Ok(()));
    required.from = ReversePath::parse(b"<>", Charset::Ascii).unwrap();
    check(&["8BITMIME"], &required, Ok(()));
    check(&["8BITMIME", "SMTPUTF8"], &international, Ok(()));
}

#[test]
fn eight_bit_content_does_not_slip_out() {
    // [rfc5321 2.4 #3]
    let mut play = Play::ready(&["8BITMIME", "PIPELINING"]);
    play.0.begin(envelope(&["a@x.test"])).unwrap();
    play.says("250 ok|250 ok|354 go");
    play.wrote();
    assert_eq!(play.0.content(b"\xc3\xbc"), Err(NotAscii));
    assert_eq!(play.wrote(), "");
    play.0.lost();
    assert_eq!(Play::outcomes(&play.events()), ["Content -"]);
}

#[test]
fn a_421_is_said_of_all_that_waits() {
    // [rfc5321 3.8] [rfc5321 4.2.2]
    let said = |lines: &str| {
        let mut play = Play::ready(&["PIPELINING"]);
        play.0.begin(envelope(&["a@x.test", "b@x.test"])).unwrap();
        let events = play.says(lines);
        assert!(play.0.is_closed());
        Play::outcomes(&events)
    };
    assert_eq!(said("421 4.3.2 bye"), ["Mail 421", "Mail 421"]);
    assert_eq!(said("250 ok|250 ok|421 bye"), ["Data 421", "Rcpt 421"]);
    assert_eq!(
        said("250 ok|550 no|250 ok|421 bye"),
        ["Rcpt 550", "Data 421"]
    );
    assert_eq!(
        said("250 ok|250 ok|250 ok|354 go|421 bye"),
        ["Content 421", "Content 421"]
    );
    // and outside of transactions
    let mut play = Play::ready(&[]);
    assert!(matches!(
        &play.says("421 4.4.2 too slow")[..],
        [Event::Closing(_)]
    ));
    assert!(play.0.is_closed());
    let mut play = Play::new(Protocol::Smtp);
    assert!(matches!(&play.says("421 busy")[..], [Event::Greeting(_)]));
    assert!(play.0.is_closed());
}

#[test]
fn codes_that_are_not_known_are_read_by_their_first_digit() {
    // [rfc5321 4.2 #2 #4] [rfc5321 4.3.2 #1]
    let mut play = Play::ready(&["PIPELINING"]);
    play.0
        .begin(envelope(&["a@x.test", "b@x.test", "c@x.test"]))
        .unwrap();
    assert_eq!(
        play.says("299 ok|298 ok|497 later|596 no|399 go"),
        [Event::Content]
    );
    play.0.content_end();
    let events = play.says("279 ok");
    assert_eq!(
        Play::outcomes(&events),
        ["ContentEnd 279", "Rcpt 497", "Rcpt 596"]
    );
    let Some(Event::Done(outcomes)) = events.first() else {
        panic!("{events:?}");
    };
    let classes: Vec<Class> = outcomes.iter().map(Outcome::class).collect();
    assert_eq!(
        classes,
        [Class::Completion, Class::Transient, Class::Permanent]
    );
}

#[test]
fn too_many_recipients_are_for_later_in_the_old_form_as_well() {
    // [rfc5321 4.5.3.1.10]
    let outcome = |stage, code| Outcome::Answered {
        stage,
        reply: Reply::plain(code, "too many"),
    };
    assert_eq!(outcome(Stage::Rcpt, 552).class(), Class::Transient);
    assert_eq!(outcome(Stage::Rcpt, 452).class(), Class::Transient);
    assert_eq!(outcome(Stage::ContentEnd, 552).class(), Class::Permanent);
}

#[test]
fn a_lost_connection_leaves_what_is_known() {
    // [rfc5321 4.1.1.10] [rfc5321 6.1]
    let lost_after = |lines: &[&str], content_ended| {
        let mut play = Play::ready(&[]);
        play.0.begin(envelope(&["a@x.test", "b@x.test"])).unwrap();
        lines
            .iter()
            .for_each(|line| assert!(Play::is_quiet(&play.says(line))));
        if content_ended {
            play.0.content_end();
        }
        play.0.lost();
        Play::outcomes(&play.events())
    };
    assert_eq!(lost_after(&[], false), ["Mail -", "Mail -"]);
    assert_eq!(
        lost_after(&["250 ok", "550 no"], false),
        ["Rcpt 550", "Rcpt -"]
    );
    let accepted = ["250 ok", "550 no", "250 ok"];
    assert_eq!(lost_after(&accepted, false), ["Rcpt 550", "Data -"]);
    let begun = [&accepted[..], &["354 go"]].concat();
    assert_eq!(lost_after(&begun, false), ["Rcpt 550", "Content -"]);
    // here nobody knows whether the server has it
    assert_eq!(lost_after(&begun, true), ["Rcpt 550", "ContentEnd -"]);
}

impl Play {
    fn is_quiet(events: &[Event]) -> bool {
        events.iter().all(|event| *event == Event::Content)
    }
}

#[test]
fn a_server_that_lies_is_not_believed() {
    let check = |lines: &str, violation, outcomes: &[&str]| {
        let mut play = Play::ready(&["PIPELINING"]);
        play.0.begin(envelope(&["a@x.test"])).unwrap();
        let events = play.says(lines);
        assert!(
            events.contains(&Event::Broken(violation)),
            "{lines}: {events:?}"
        );
        assert_eq!(Play::outcomes(&events), outcomes, "{lines}");
        assert!(play.0.is_closed());
        assert_eq!(play.says("250 ok"), []);
    };
    let class = |stage, code| Violation::Class { stage, code };
    check("354 go", class(Stage::Mail, 354), &["Mail -"]);
    check("250 ok|354 go", class(Stage::Rcpt, 354), &["Rcpt -"]);
    // the message was never sent
    check("250 ok|250 ok|250 ok", class(Stage::Data, 250), &["Data -"]);
    check(
        "250 ok|250 ok|354 go|250 ok",
        Violation::Unasked,
        &["Content -"],
    );
    check("250 ok|hello", Violation::NoReply, &["Rcpt -"]);
    check("250-ok|251 ok", Violation::CodesDiffer, &["Mail -"]);
    let mut play = Play::ready(&[]);
    assert_eq!(play.says("250 ok"), [Event::Broken(Violation::Unasked)]);
    let mut play = Play::ready(&["AUTH PLAIN"]);
    play.0.send(Request::Auth {
        mechanism: "PLAIN".into(),
        initial_response: None,
    });
    play.says("334 ");
    play.0.send(Request::CancelAuth);
    let violation = class(Stage::Auth, 235);
    assert_eq!(play.says("235 in"), [Event::Broken(violation)]);
    let mut play = Play::ready_at(Protocol::Lmtp, &["PIPELINING"]);
    play.0.begin(envelope(&["a@x.test"])).unwrap();
    let events = play.says("250 ok|550 no|354 go");
    assert_eq!(events[0], Event::Broken(class(Stage::Data, 354)));
    assert_eq!(Play::outcomes(&events), ["Rcpt 550"]);
}

#[test]
fn content_that_is_refused_on_its_way_ends_the_connection() {
    let mut play = Play::ready(&["PIPELINING"]);
    play.0.begin(envelope(&["a@x.test"])).unwrap();
    play.says("250 ok|250 ok|354 go");
    play.0.content(b"half").unwrap();
    assert_eq!(
        Play::outcomes(&play.says("552 5.3.4 enough")),
        ["Content 552"]
    );
    assert!(play.0.is_closed());
}

#[test]
fn ends_with_quit() {
    // [rfc5321 4.1.1.10] [rfc5321 4.1.4]
    let mut play = Play::new(Protocol::Smtp);
    assert!(
        matches!(&play.says("554 5.3.2 no mail here")[..], [Event::Greeting(reply)]
        if reply.class() == Class::Permanent)
    );
    assert!(!play.0.is_closed());
    play.0.send(Request::Quit);
    assert_eq!(play.wrote(), "QUIT|");
    assert!(!play.0.is_closed());
    assert!(matches!(&play.says("221 2.0.0 bye")[..], [Event::Quit(_)]));
    assert!(play.0.is_closed());
}

#[test]
fn every_command_has_its_time() {
    // [rfc5321 4.5.3.2.1] [rfc5321 4.5.3.2.2] [rfc5321 4.5.3.2.3]
    // [rfc5321 4.5.3.2.4] [rfc5321 4.5.3.2.5] [rfc5321 4.5.3.2.6] [rfc5321 4.5.3.2]
    let mut play = Play::new(Protocol::Smtp);
    let minutes = |play: &Play| play.0.stage().map(|stage| stage.timeout_s() / 60);
    assert_eq!(minutes(&play), Some(5));
    play.says("220 hi");
    assert_eq!(minutes(&play), None);
    play.0.send(Request::Hello);
    play.says("250 mx");
    play.0.begin(envelope(&["a@x.test"])).unwrap();
    assert_eq!(
        (play.0.stage(), minutes(&play)),
        (Some(Stage::Mail), Some(5))
    );
    play.says("250 ok");
    assert_eq!(
        (play.0.stage(), minutes(&play)),
        (Some(Stage::Rcpt), Some(5))
    );
    play.says("250 ok");
    assert_eq!(
        (play.0.stage(), minutes(&play)),
        (Some(Stage::Data), Some(2))
    );
    play.says("354 go");
    assert_eq!(
        (play.0.stage(), minutes(&play)),
        (Some(Stage::Content), Some(3))
    );
    play.0.content_end();
    assert_eq!(
        (play.0.stage(), minutes(&play)),
        (Some(Stage::ContentEnd), Some(10))
    );
    play.says("250 ok");
    assert_eq!(play.0.stage(), None);
}

#[test]
#[should_panic(expected = "an envelope with 1001 recipients")]
fn an_envelope_has_its_bound() {
    let to = vec!["a@x.test"; limits::ENVELOPE_RECIPIENTS + 1];
    let _ = Play::ready(&[]).0.begin(envelope(&to));
}
