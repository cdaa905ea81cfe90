//! The client's side, against the specifications, against our own server's side, and against
//! servers that lie.
#![allow(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use sasl::{
    Bindings, Claim, ClientExchange, ClientFailure, Credentials, Exchange, Exposure, Hash,
    Mechanism, ScramKeys, Step, Terms,
};

const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

fn credentials(name: &str, password: &str) -> Credentials {
    Credentials {
        name: name.to_owned(),
        password: password.as_bytes().to_vec(),
    }
}

/// SCRAM-SHA-256 as the RFC's example begins it, up to the answer to `server_first`.
fn scram(server_first: &str) -> (ClientExchange, Result<String, ClientFailure>) {
    let user = credentials("user", "pencil");
    let (mut exchange, initial) =
        ClientExchange::start(Mechanism::ScramSha256, &user, "rOprNGfwEbeRWgbNEkqO").unwrap();
    assert_eq!(initial.unwrap(), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    let answer = exchange.respond(server_first.as_bytes());
    let answer = answer.map(|answer| String::from_utf8(answer).unwrap());
    (exchange, answer)
}

const SERVER_FIRST: &str =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

#[test]
fn speaks_the_example_of_rfc_7677() {
    // [rfc7677 3] [rfc5802 5]
    let (mut exchange, answer) = scram(SERVER_FIRST);
    assert_eq!(
        answer.unwrap(),
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
         p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    assert!(!exchange.is_proven());
    let last = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    assert_eq!(exchange.respond(last), Ok(Vec::new()));
    assert!(exchange.is_proven());
}

#[test]
fn a_server_that_does_not_know_the_password_is_found_out() {
    // [rfc5802 5]
    for (last, failure) in [
        (
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=",
            ClientFailure::Malformed,
        ),
        (
            "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            ClientFailure::WrongSignature,
        ),
        ("v=", ClientFailure::WrongSignature),
        ("v=6rriTRBi", ClientFailure::WrongSignature),
        ("e=invalid-proof", ClientFailure::Refused),
        ("", ClientFailure::Malformed),
        ("ok", ClientFailure::Malformed),
    ] {
        let (mut exchange, _) = scram(SERVER_FIRST);
        assert_eq!(exchange.respond(last.as_bytes()), Err(failure), "{last}");
        assert!(!exchange.is_proven(), "{last}");
        assert_eq!(exchange.respond(b""), Err(ClientFailure::Malformed));
    }
}

#[test]
fn a_first_message_that_is_not_as_it_must_be_is_not_answered() {
    // [rfc5802 5.1] [rfc5802 7]
    let ours = "rOprNGfwEbeRWgbNEkqO";
    let check = |message: &str, failure| assert_eq!(scram(message).1, Err(failure), "{message}");
    for message in [
        &format!("r={ours},s=W22Z,i=4096")[..], // nothing of the server's
        "r=somebodyelses,s=W22Z,i=4096",
        &format!("m=x,r={ours}x,s=W22Z,i=4096"),
        &format!("r={ours}x,s=,i=4096"),
        &format!("r={ours}x,s=!,i=4096"),
        &format!("r={ours}x,s=W22Z"),
        &format!("r={ours}x,s=W22Z,i="),
        &format!("r={ours}x,s=W22Z,i=+5000"),
        "x",
    ] {
        check(message, ClientFailure::Malformed);
    }
    // [rfc7677 4] and a server that would have us work for hours
    for count in ["1", "4095", "1000001", "4294967296", "99999999999999"] {
        check(
            &format!("r={ours}x,s=W22Z,i={count}"),
            ClientFailure::Iterations,
        );
    }
    check(&"x".repeat(4_097), ClientFailure::TooLong);
    assert!(scram(&format!("r={ours}x,s=W22Z,i=4096,x=later")).1.is_ok());
}

#[test]
fn plain_says_all_at_once() {
    // [rfc4616 2]
    let user = credentials("tim", "tanstaaftanstaaf");
    let (mut exchange, initial) = ClientExchange::start_line(Mechanism::Plain, &user, "").unwrap();
    assert_eq!(initial.unwrap(), "AHRpbQB0YW5zdGFhZnRhbnN0YWFm");
    assert!(exchange.is_proven());
    // where the server asks, because it did not come with the command
    assert_eq!(
        exchange.respond_line(b"").unwrap(),
        "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"
    );
    assert_eq!(exchange.respond_line(b""), Err(ClientFailure::Malformed));
    assert!(!exchange.is_proven());
}

#[test]
fn login_says_name_and_password_whatever_it_is_asked() {
    let user = credentials("tim", "secret");
    let (mut exchange, initial) = ClientExchange::start_line(Mechanism::Login, &user, "").unwrap();
    assert_eq!(initial, None);
    assert_eq!(exchange.respond_line(b"VXNlcm5hbWU6").unwrap(), "dGlt");
    assert!(!exchange.is_proven());
    assert_eq!(exchange.respond_line(b"").unwrap(), "c2VjcmV0");
    assert!(exchange.is_proven());
    assert_eq!(exchange.respond_line(b""), Err(ClientFailure::Malformed));
}

#[test]
fn a_challenge_that_is_no_base64_ends_the_exchange() {
    let user = credentials("tim", "secret");
    for (challenge, failure) in [
        (&b"no base64!"[..], ClientFailure::BadBase64),
        (&[b'A'; 12_289][..], ClientFailure::TooLong),
    ] {
        let (mut exchange, _) = ClientExchange::start_line(Mechanism::Login, &user, "").unwrap();
        assert_eq!(exchange.respond_line(challenge), Err(failure));
        assert_eq!(exchange.respond_line(b""), Err(ClientFailure::Malformed));
    }
}

#[test]
fn chooses_what_shows_least_and_shows_no_password_to_listeners() {
    // [rfc4616 6] [rfc4954 9]
    let check = |offered: &str, exposure, expect| {
        let chosen = ClientExchange::choose(offered.split(' '), exposure);
        assert_eq!(chosen, expect, "{offered} {exposure:?}");
    };
    let all = "login PLAIN SCRAM-SHA-1 SCRAM-SHA-256 GSSAPI";
    check(all, Exposure::Private, Some(Mechanism::ScramSha256));
    check(all, Exposure::Public, Some(Mechanism::ScramSha256));
    check("LOGIN PLAIN", Exposure::Private, Some(Mechanism::Plain));
    check("LOGIN", Exposure::Private, Some(Mechanism::Login));
    check("LOGIN PLAIN", Exposure::Public, None);
    check(
        "CRAM-MD5 SCRAM-SHA-256-PLUS XOAUTH2",
        Exposure::Private,
        None,
    );
}

#[test]
fn what_no_message_can_carry_is_told_before_anything_is_said() {
    let start = |name: &str, password: &str, nonce: &str, mechanism| {
        let user = credentials(name, password);
        ClientExchange::start(mechanism, &user, nonce).map(drop)
    };
    let failed = Err(ClientFailure::Credentials);
    for (name, password) in [("", "x"), ("x", ""), ("a\0b", "x"), ("x", "a\0b")] {
        assert_eq!(start(name, password, "n", Mechanism::Plain), failed);
    }
    assert_eq!(
        start(&"x".repeat(1_025), "x", "n", Mechanism::Login),
        failed
    );
    for nonce in ["", "a,b", "a b"] {
        assert_eq!(start("x", "x", nonce, Mechanism::ScramSha1), failed);
    }
    let other = start("x", "x", "n", Mechanism::XOAuth2);
    assert_eq!(other, Err(ClientFailure::Mechanism));
}

/// Both sides with each other; what the server was asked to believe, and whether the client
/// believes the server.
fn play(mechanism: Mechanism, user: &Credentials, known: &[u8]) -> (Option<Claim>, bool) {
    let bindings = Bindings::default();
    let terms = Terms {
        nonce: SERVER_NONCE,
        host: "mail.example.test",
        bindings: &bindings,
        offered: &[mechanism],
    };
    let (mut client, initial) =
        ClientExchange::start_line(mechanism, user, "clientsidesnonce00").unwrap();
    let initial = initial.map(String::into_bytes);
    let (mut server, mut step) = Exchange::start_line(mechanism, terms, initial.as_deref());
    let mut believed = None;
    loop {
        step = match step {
            Step::Challenge(challenge) => {
                match client.respond_line(sasl::encode(&challenge).as_bytes()) {
                    Ok(line) => server.respond_line(line.as_bytes()),
                    Err(_) => return (believed, false),
                }
            }
            Step::Keys { hash, .. } => {
                server.keys(ScramKeys::of_password(hash, known, b"salt", 4_096))
            }
            Step::SharedKey { .. } => panic!("the client does not speak CRAM-MD5"),
            Step::Check(claim) => {
                believed = Some(claim);
                server.accept()
            }
            Step::Done => return (believed, client.is_proven()),
            Step::Failed(_) => return (None, false),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn our_server_understands_our_client(name in "[a-z=,]{1,20}", password in "[ -~]{1,30}") {
        // [rfc5802 5.1] [rfc4616 2]
        let user = credentials(&name, &password);
        let proof = Some(Claim::Proof { name: name.clone() });
        for mechanism in [Mechanism::ScramSha256, Mechanism::ScramSha1] {
            let got = play(mechanism, &user, password.as_bytes());
            prop_assert_eq!(got, (proof.clone(), true));
        }
        for mechanism in [Mechanism::Plain, Mechanism::Login] {
            let got = play(mechanism, &user, b"");
            prop_assert_eq!(got, (Some(Claim::Password(user.clone())), true));
        }
    }
}

#[test]
fn a_wrong_password_leads_nowhere() {
    let user = credentials("user", "wrong");
    assert_eq!(play(Mechanism::ScramSha256, &user, b"right"), (None, false));
}

#[test]
fn every_hash_has_a_mechanism_of_the_client() {
    for (hash, mechanism) in [
        (Hash::Sha1, Mechanism::ScramSha1),
        (Hash::Sha256, Mechanism::ScramSha256),
    ] {
        let user = credentials("user", "pencil");
        assert!(
            ClientExchange::start(mechanism, &user, "nonce").is_ok(),
            "{hash:?}"
        );
    }
}
