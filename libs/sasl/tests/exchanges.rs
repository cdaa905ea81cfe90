//! Exchanges of PLAIN, LOGIN and EXTERNAL as the specifications show them, and as rude clients
//! have them; and what holds for all mechanisms.

use proptest::prelude::*;
use sasl::{
    Bindings, Claim, CramKeys, Credentials, Exchange, Failure, Hash, MECHANISMS, Mechanism,
    ScramKeys, Step, Terms, TokenRefusal, encode, limits,
};

const UNBOUND: Bindings = Bindings {
    exporter: None,
    server_end_point: None,
};

const TERMS: Terms<'static> = Terms {
    nonce: "nonceoftheserver00",
    host: "mail.example.test",
    bindings: &UNBOUND,
    offered: &[Mechanism::Plain],
};

fn start(mechanism: Mechanism, initial: Option<&[u8]>) -> (Exchange, Step) {
    Exchange::start(mechanism, TERMS, initial)
}

fn start_line(mechanism: Mechanism, initial: Option<&[u8]>) -> (Exchange, Step) {
    Exchange::start_line(mechanism, TERMS, initial)
}

fn credentials(name: &str, password: &str) -> Step {
    Step::Check(Claim::Password(Credentials {
        name: name.into(),
        password: password.into(),
    }))
}

fn plain(message: &[u8]) -> Step {
    start(Mechanism::Plain, Some(message)).1
}

#[test]
fn takes_plain_after_an_empty_challenge() {
    // [rfc4616 4] first example
    let (mut exchange, step) = start(Mechanism::Plain, None);
    assert_eq!(step, Step::Challenge(Vec::new()));
    assert_eq!(
        exchange.respond(b"\0tim\0tanstaaftanstaaf"),
        credentials("tim", "tanstaaftanstaaf")
    );
}

#[test]
fn refuses_plain_for_another_identity() {
    // [rfc4616 4] second example
    assert_eq!(
        plain(b"Ursel\0Kurt\0xipj3plmq"),
        Step::Failed(Failure::OtherIdentity)
    );
    assert_eq!(
        plain(b"Kurt\0Kurt\0xipj3plmq"),
        credentials("Kurt", "xipj3plmq")
    );
}

#[test]
fn refuses_plain_that_is_not_as_the_grammar_says() {
    // [rfc4616 2]
    let malformed: [&[u8]; 9] = [
        b"",
        b"tim",
        b"\0tim",
        b"tim\0secret",
        b"\0\0secret",
        b"\0tim\0",
        b"\0tim\0sec\0ret",
        b"\0tim\0secret\0",
        b"\0t\xffm\0secret",
    ];
    for message in malformed {
        assert_eq!(
            plain(message),
            Step::Failed(Failure::Malformed),
            "{message:?}"
        );
    }
}

#[test]
fn takes_255_octets_and_refuses_what_is_over_the_limit() {
    // [rfc4616 2]
    let long = "x".repeat(255);
    let message = format!("{long}\0{long}\0{long}");
    assert_eq!(plain(message.as_bytes()), credentials(&long, &long));
    let longer = "x".repeat(limits::PASSWORD_BYTES + 1);
    assert_eq!(
        plain(format!("\0tim\0{longer}").as_bytes()),
        Step::Failed(Failure::TooLong)
    );
    assert_eq!(
        plain(format!("\0{longer}\0p").as_bytes()),
        Step::Failed(Failure::TooLong)
    );
}

#[test]
fn takes_login_in_two_lines() {
    // draft-murchison-sasl-login 2.3, with the challenges of its 2.2's note
    let (mut exchange, step) = start_line(Mechanism::Login, None);
    let Step::Challenge(challenge) = step else {
        panic!("{step:?}")
    };
    assert_eq!(encode(&challenge), "VXNlcm5hbWU6");
    let step = exchange.respond_line(b"dGlt");
    let Step::Challenge(challenge) = step else {
        panic!("{step:?}")
    };
    assert_eq!(encode(&challenge), "UGFzc3dvcmQ6");
    assert_eq!(
        exchange.respond_line(b"dGFuc3RhYWZ0YW5zdGFhZg=="),
        credentials("tim", "tanstaaftanstaaf")
    );
}

#[test]
fn takes_login_with_the_name_in_the_command() {
    let (mut exchange, step) = start_line(Mechanism::Login, Some(b"dGlt"));
    assert_eq!(step, Step::Challenge(b"Password:".to_vec()));
    assert_eq!(
        exchange.respond_line(b"cGFzcw=="),
        credentials("tim", "pass")
    );
}

#[test]
fn refuses_login_without_name_or_password() {
    let (mut exchange, _) = start_line(Mechanism::Login, None);
    assert_eq!(exchange.respond_line(b""), Step::Failed(Failure::Malformed));
    let (mut exchange, _) = start_line(Mechanism::Login, Some(b"dGlt"));
    assert_eq!(exchange.respond_line(b""), Step::Failed(Failure::Malformed));
}

#[test]
fn a_star_cancels() {
    // [rfc4954 4]
    for mechanism in [Mechanism::Plain, Mechanism::Login] {
        let (mut exchange, _) = start_line(mechanism, None);
        assert_eq!(
            exchange.respond_line(b"*"),
            Step::Failed(Failure::Cancelled)
        );
        assert_eq!(
            exchange.respond_line(b"dGlt"),
            Step::Failed(Failure::Malformed)
        );
    }
}

#[test]
fn an_equals_sign_is_an_empty_initial_response() {
    // [rfc4954 4] [rfc9051 6.2.2] [rfc5034 4] it is a response, so no challenge follows
    let (_, step) = start_line(Mechanism::Plain, Some(b"="));
    assert_eq!(step, Step::Failed(Failure::Malformed));
    let (mut exchange, _) = start_line(Mechanism::Plain, None);
    assert_eq!(
        exchange.respond_line(b"="),
        Step::Failed(Failure::BadBase64)
    );
}

#[test]
fn refuses_base64_that_is_not_canonical() {
    for line in [
        "AHRpbQBwYXNz=",
        " AHRpbQBwYXNz",
        "AHRpbQBwYXNz\r",
        "AHRpbQBwYXM",
        "AHRpbQBwYX N=",
    ] {
        let (mut exchange, _) = start_line(Mechanism::Plain, None);
        let step = exchange.respond_line(line.as_bytes());
        assert_eq!(step, Step::Failed(Failure::BadBase64), "{line:?}");
    }
    // bits that mean nothing must be zero
    let (_, step) = start_line(Mechanism::Login, Some(b"dGltdGltMR=="));
    assert_eq!(step, Step::Failed(Failure::BadBase64));
}

#[test]
fn reads_lines_up_to_12288_octets() {
    // [rfc4954 4]
    let (mut exchange, _) = start_line(Mechanism::Plain, None);
    let step = exchange.respond_line(&vec![b'A'; limits::LINE_BYTES]);
    assert_eq!(step, Step::Failed(Failure::Malformed));
    let (mut exchange, _) = start_line(Mechanism::Plain, None);
    let step = exchange.respond_line(&vec![b'A'; limits::LINE_BYTES + 4]);
    assert_eq!(step, Step::Failed(Failure::TooLong));
}

#[test]
fn debug_shows_no_password() {
    let shown = format!("{:?}", plain(b"\0tim\0tanstaaf"));
    assert!(
        shown.contains("tim") && !shown.contains("tanstaaf"),
        "{shown}"
    );
    assert!(!shown.contains(&format!("{:?}", b"tanstaaf")), "{shown}");
}

#[test]
fn takes_external_with_and_without_a_name() {
    // [rfc4422 A]
    let (mut exchange, step) = start(Mechanism::External, None);
    assert_eq!(step, Step::Challenge(Vec::new()));
    let nobody = Step::Check(Claim::Certificate { name: None });
    assert_eq!(exchange.respond(b""), nobody);
    assert_eq!(exchange.accept(), Step::Done);
    let (_, step) = start_line(Mechanism::External, Some(b"="));
    assert_eq!(step, nobody);
    let (mut exchange, step) = start(Mechanism::External, Some(b"tim"));
    let tim = Some("tim".to_owned());
    assert_eq!(step, Step::Check(Claim::Certificate { name: tim }));
    let refused = exchange.refuse(&TokenRefusal::default());
    assert_eq!(refused, Step::Failed(Failure::Refused));
    for bad in [&b"t\0m"[..], b"t\xff", b"\0"] {
        let (_, step) = start(Mechanism::External, Some(bad));
        assert_eq!(step, Step::Failed(Failure::Malformed), "{bad:?}");
    }
}

#[test]
fn cram_md5_shows_who_knows_the_password_and_not_the_password() {
    // [rfc2195 2] [rfc2645 5.1.2]
    let answer = |password: &[u8]| {
        let (mut exchange, step) = start(Mechanism::CramMd5, None);
        let Step::Challenge(challenge) = step else {
            panic!("{step:?}")
        };
        assert_eq!(challenge, b"<nonceoftheserver00@mail.example.test>");
        let digest = CramKeys::of_password(password).digest(&challenge);
        let hex: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
        let step = exchange.respond(format!("tim {hex}").as_bytes());
        let name = "tim".to_owned();
        assert_eq!(step, Step::SharedKey { name });
        let step = exchange.shared_key(&CramKeys::of_password(b"secret"));
        (exchange, step)
    };
    let (mut exchange, step) = answer(b"secret");
    let name = "tim".to_owned();
    assert_eq!(step, Step::Check(Claim::Proof { name }));
    assert_eq!(exchange.accept(), Step::Done);
    let (mut exchange, step) = answer(b"Secret");
    assert_eq!(step, Step::Failed(Failure::WrongProof));
    assert_eq!(exchange.accept(), Step::Failed(Failure::Malformed));
    // what was not asked cannot be answered
    let (_, step) = start_line(Mechanism::CramMd5, Some(b"dGlt"));
    assert_eq!(step, Step::Failed(Failure::Malformed));
    let (mut exchange, _) = start(Mechanism::CramMd5, None);
    assert_eq!(exchange.respond(b"tim"), Step::Failed(Failure::Malformed));
}

#[test]
fn what_was_answered_once_is_over() {
    let (mut exchange, _) = start(Mechanism::Plain, Some(b"\0tim\0secret"));
    assert_eq!(exchange.accept(), Step::Done);
    let over = Step::Failed(Failure::Malformed);
    assert_eq!(exchange.accept(), over);
    assert_eq!(exchange.respond(b"\0tim\0secret"), over);
    assert_eq!(exchange.accept(), over);
}

/// Lets a client's lines loose on an exchange; nothing is ever accepted.
fn drive(mechanism: Mechanism, lines: &[Vec<u8>], wire: impl Fn(&mut Exchange, &[u8]) -> Step) {
    let keys = ScramKeys::of_password(Hash::Sha256, b"x", b"salt", 1);
    let bindings = Bindings {
        exporter: Some(vec![1; 32]),
        server_end_point: None,
    };
    let terms = Terms {
        bindings: &bindings,
        ..TERMS
    };
    let (mut exchange, mut step) =
        Exchange::start(mechanism, terms, lines.first().map(Vec::as_slice));
    for line in lines {
        step = match step {
            Step::Keys { name, .. } => {
                assert!(!name.is_empty() && !name.contains('\0'));
                exchange.keys(keys.clone())
            }
            Step::SharedKey { name } => {
                assert!(!name.is_empty() && !name.contains('\0'));
                exchange.shared_key(&CramKeys::of_password(b"x"))
            }
            Step::Check(Claim::Proof { .. }) => panic!("nobody can guess a proof"),
            Step::Check(Claim::Password(c)) => {
                assert!(!c.name.is_empty() && !c.password.is_empty());
                exchange.refuse(&TokenRefusal::default())
            }
            Step::Check(_) => exchange.refuse(&TokenRefusal::default()),
            Step::Challenge(_) => wire(&mut exchange, line),
            Step::Done => panic!("nothing was accepted"),
            Step::Failed(_) => {
                let after = wire(&mut exchange, line);
                assert!(matches!(after, Step::Failed(_)));
                after
            }
        };
    }
}

proptest! {
    #[test]
    fn no_octets_make_an_exchange_panic_or_end_well(lines in prop::collection::vec(any::<Vec<u8>>(), 0..6)) {
        for row in MECHANISMS {
            drive(row.mechanism, &lines, |exchange, line| exchange.respond(line));
            drive(row.mechanism, &lines, |exchange, line| exchange.respond_line(line));
        }
    }

    #[test]
    fn nor_do_messages_that_are_nearly_right(lines in prop::collection::vec(
        "(n|y|p=tls-exporter|p=x)?,(a=tim)?,(n=tim|n=t=2Cm)?,?(r=[!-~]{0,20})?(,[a-z]=x)?(,p=)?|c=biws,r=[!-~]{1,30},p=[a-zA-Z]{4}\
        |tim [0-9a-f]{31,33}|n,(a=tim)?,\u{1}(auth=Bearer x)?\u{1}\u{1}|user=tim\u{1}auth=Bearer x\u{1}\u{1}", 0..5)) {
        let lines: Vec<Vec<u8>> = lines.into_iter().map(String::into_bytes).collect();
        for row in MECHANISMS {
            drive(row.mechanism, &lines, |exchange, line| exchange.respond(line));
        }
    }

    #[test]
    fn what_a_client_encodes_is_what_comes_out(name in "[^\0]{1,40}", password in "[^\0]{1,40}") {
        let message = encode(format!("\0{name}\0{password}").as_bytes());
        let (_, step) = start_line(Mechanism::Plain, Some(message.as_bytes()));
        prop_assert_eq!(step, credentials(&name, &password));
        let (mut exchange, _) = start_line(Mechanism::Login, Some(encode(name.as_bytes()).as_bytes()));
        prop_assert_eq!(exchange.respond_line(encode(password.as_bytes()).as_bytes()), credentials(&name, &password));
    }
}
