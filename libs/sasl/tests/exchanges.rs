//! Exchanges as the specifications show them, and as rude clients have them.

use proptest::prelude::*;
use sasl::{Credentials, Exchange, Failure, Mechanism, Step, encode, limits};

fn credentials(authzid: &str, authcid: &str, password: &str) -> Step {
    Step::Credentials(Credentials {
        authzid: authzid.into(),
        authcid: authcid.into(),
        password: password.into(),
    })
}

fn plain(message: &[u8]) -> Step {
    Exchange::start(Mechanism::Plain, Some(message)).1
}

#[test]
fn takes_plain_after_an_empty_challenge() {
    // [rfc4616 4] first example
    let (mut exchange, step) = Exchange::start(Mechanism::Plain, None);
    assert_eq!(step, Step::Challenge(Vec::new()));
    assert_eq!(
        exchange.respond(b"\0tim\0tanstaaftanstaaf"),
        credentials("", "tim", "tanstaaftanstaaf")
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
        credentials("Kurt", "Kurt", "xipj3plmq")
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
    assert_eq!(plain(message.as_bytes()), credentials(&long, &long, &long));
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
    let (mut exchange, step) = Exchange::start_line(Mechanism::Login, None);
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
        credentials("", "tim", "tanstaaftanstaaf")
    );
}

#[test]
fn takes_login_with_the_name_in_the_command() {
    let (mut exchange, step) = Exchange::start_line(Mechanism::Login, Some(b"dGlt"));
    assert_eq!(step, Step::Challenge(b"Password:".to_vec()));
    assert_eq!(
        exchange.respond_line(b"cGFzcw=="),
        credentials("", "tim", "pass")
    );
}

#[test]
fn refuses_login_without_name_or_password() {
    let (mut exchange, _) = Exchange::start_line(Mechanism::Login, None);
    assert_eq!(exchange.respond_line(b""), Step::Failed(Failure::Malformed));
    let (mut exchange, _) = Exchange::start_line(Mechanism::Login, Some(b"dGlt"));
    assert_eq!(exchange.respond_line(b""), Step::Failed(Failure::Malformed));
}

#[test]
fn a_star_cancels() {
    // [rfc4954 4]
    for mechanism in [Mechanism::Plain, Mechanism::Login] {
        let (mut exchange, _) = Exchange::start_line(mechanism, None);
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
    let (_, step) = Exchange::start_line(Mechanism::Plain, Some(b"="));
    assert_eq!(step, Step::Failed(Failure::Malformed));
    let (mut exchange, _) = Exchange::start_line(Mechanism::Plain, None);
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
        let (mut exchange, _) = Exchange::start_line(Mechanism::Plain, None);
        let step = exchange.respond_line(line.as_bytes());
        assert_eq!(step, Step::Failed(Failure::BadBase64), "{line:?}");
    }
    // bits that mean nothing must be zero
    let (_, step) = Exchange::start_line(Mechanism::Login, Some(b"dGltdGltMR=="));
    assert_eq!(step, Step::Failed(Failure::BadBase64));
}

#[test]
fn reads_lines_up_to_12288_octets() {
    // [rfc4954 4]
    let (mut exchange, _) = Exchange::start_line(Mechanism::Plain, None);
    let step = exchange.respond_line(&vec![b'A'; limits::LINE_BYTES]);
    assert_eq!(step, Step::Failed(Failure::Malformed));
    let (mut exchange, _) = Exchange::start_line(Mechanism::Plain, None);
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

proptest! {
    #[test]
    fn never_panics_and_never_lets_anybody_be_another(lines in prop::collection::vec(any::<Vec<u8>>(), 0..4), raw in any::<bool>()) {
        for mechanism in [Mechanism::Plain, Mechanism::Login] {
            let (mut exchange, _) = Exchange::start_line(mechanism, lines.first().map(Vec::as_slice));
            for line in &lines {
                let step = if raw { exchange.respond(line) } else { exchange.respond_line(line) };
                if let Step::Credentials(c) = step {
                    prop_assert!(c.authzid.is_empty() || c.authzid == c.authcid);
                    prop_assert!(!c.authcid.is_empty() && !c.password.is_empty());
                }
            }
        }
    }

    #[test]
    fn what_a_client_encodes_is_what_comes_out(name in "[^\0]{1,40}", password in "[^\0]{1,40}") {
        let message = encode(format!("\0{name}\0{password}").as_bytes());
        let (_, step) = Exchange::start_line(Mechanism::Plain, Some(message.as_bytes()));
        prop_assert_eq!(step, credentials("", &name, &password));
        let (mut exchange, _) = Exchange::start_line(Mechanism::Login, Some(encode(name.as_bytes()).as_bytes()));
        prop_assert_eq!(exchange.respond_line(encode(password.as_bytes()).as_bytes()), credentials("", &name, &password));
    }
}
