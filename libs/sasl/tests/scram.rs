//! SCRAM as the specifications show it, and as attackers and broken clients have it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sasl::{
    Bindings, Claim, Exchange, Failure, Hash, Mechanism, ScramKeys, Step, Terms, TokenRefusal,
};

const UNBOUND: Bindings = Bindings {
    exporter: None,
    server_end_point: None,
};

fn bound() -> Bindings {
    Bindings {
        exporter: Some(b"exported".to_vec()),
        server_end_point: Some(b"certificate".to_vec()),
    }
}

fn decode(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).expect("base64")
}

fn challenge(step: Step) -> String {
    match step {
        Step::Challenge(octets) => String::from_utf8(octets).expect("text"),
        other => panic!("{other:?}"),
    }
}

/// One exchange, client and server: "user" with "pencil".
struct Play {
    mechanism: Mechanism,
    hash: Hash,
    server_nonce: &'static str,
    salt: &'static str,
    bindings: Bindings,
    offered: Vec<Mechanism>,
}

impl Play {
    fn sha256(mechanism: Mechanism, bindings: Bindings) -> Play {
        Play {
            mechanism,
            hash: Hash::Sha256,
            server_nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
            bindings,
            offered: vec![mechanism],
        }
    }

    fn start(&self, first: &str) -> (Exchange, Step) {
        let terms = Terms {
            nonce: self.server_nonce,
            host: "mail.example.test",
            bindings: &self.bindings,
            offered: &self.offered,
        };
        Exchange::start(self.mechanism, terms, Some(first.as_bytes()))
    }

    /// Up to the server's first message.
    fn begin(&self, first: &str) -> (Exchange, String) {
        let (mut exchange, step) = self.start(first);
        let keys = Step::Keys {
            name: "user".into(),
            hash: self.hash,
        };
        assert_eq!(step, keys);
        let keys = ScramKeys::of_password(self.hash, b"pencil", &decode(self.salt), 4_096);
        let server_first = challenge(exchange.keys(keys));
        (exchange, server_first)
    }

    /// A client's last message with the right proof, and the last word that it awaits.
    fn last(&self, bare: &str, server_first: &str, without_proof: &str) -> (String, String) {
        let message = format!("{bare},{server_first},{without_proof}");
        let salt = decode(self.salt);
        let password = (&b"pencil"[..], &salt[..], 4_096);
        let (proof, signature) = ScramKeys::client_answer(self.hash, password, message.as_bytes());
        let proof = STANDARD.encode(proof);
        let last = format!("{without_proof},p={proof}");
        (last, format!("v={}", STANDARD.encode(signature)))
    }

    /// The whole of it, with the right password.
    fn whole(&self, header: &str, cbind_input: &[u8]) -> Result<(), Failure> {
        let bare = "n=user,r=abc";
        let (exchange, step) = self.start(&format!("{header}{bare}"));
        if let Step::Failed(failure) = step {
            return Err(failure);
        }
        drop(exchange);
        let (mut exchange, server_first) = self.begin(&format!("{header}{bare}"));
        let channel = STANDARD.encode(cbind_input);
        let without_proof = format!("c={channel},r=abc{}", self.server_nonce);
        let (last, signature) = self.last(bare, &server_first, &without_proof);
        match exchange.respond(last.as_bytes()) {
            Step::Failed(failure) => return Err(failure),
            step => assert_eq!(step, proof_of_user()),
        }
        assert_eq!(challenge(exchange.accept()), signature);
        assert_eq!(exchange.respond(b""), Step::Done);
        Ok(())
    }
}

fn proof_of_user() -> Step {
    Step::Check(Claim::Proof {
        name: "user".into(),
    })
}

#[test]
fn speaks_the_example_of_rfc_7677() {
    // [rfc7677 3] [rfc5802 2.2] [rfc5802 3] [rfc5802 5]
    let play = Play::sha256(Mechanism::ScramSha256, UNBOUND);
    let (mut exchange, server_first) = play.begin("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    assert_eq!(
        server_first,
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    );
    let last = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
        p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    assert_eq!(exchange.respond(last.as_bytes()), proof_of_user());
    assert_eq!(
        challenge(exchange.accept()),
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    );
    assert_eq!(exchange.respond(b""), Step::Done);
}

#[test]
fn speaks_the_example_of_rfc_5802() {
    // [rfc5802 5]
    let play = Play {
        hash: Hash::Sha1,
        server_nonce: "3rfcNHYJY1ZVvWVs7j",
        salt: "QSXCR+Q6sek8bf92",
        ..Play::sha256(Mechanism::ScramSha1, UNBOUND)
    };
    let (mut exchange, server_first) = play.begin("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
    assert_eq!(
        server_first,
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
    );
    let last = "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";
    assert_eq!(exchange.respond(last.as_bytes()), proof_of_user());
    assert_eq!(
        challenge(exchange.accept()),
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
    );
    assert_eq!(exchange.respond(b""), Step::Done);
}

#[test]
fn a_wrong_proof_fails_and_says_no_last_word() {
    let play = Play::sha256(Mechanism::ScramSha256, UNBOUND);
    for proof in [
        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVA=",
        "",
        "AAAA",
        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQAAAAA",
    ] {
        let (mut exchange, _) = play.begin("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let last = format!("c=biws,r={nonce},p={proof}");
        let step = exchange.respond(last.as_bytes());
        assert_eq!(step, Step::Failed(Failure::WrongProof), "{proof}");
        assert_eq!(exchange.accept(), Step::Failed(Failure::Malformed));
    }
}

#[test]
fn a_right_proof_that_is_refused_gets_no_last_word_either() {
    let play = Play::sha256(Mechanism::ScramSha256, UNBOUND);
    let (mut exchange, server_first) = play.begin("n,,n=user,r=abc");
    let without_proof = format!("c=biws,r=abc{}", play.server_nonce);
    let (last, _) = play.last("n=user,r=abc", &server_first, &without_proof);
    assert_eq!(exchange.respond(last.as_bytes()), proof_of_user());
    let refused = exchange.refuse(&TokenRefusal::default());
    assert_eq!(refused, Step::Failed(Failure::Refused));
}

#[test]
fn binds_to_the_channel_that_the_client_names() {
    // [rfc5802 6] [rfc9266 2] [rfc5929 4.1]
    let play = Play::sha256(Mechanism::ScramSha256Plus, bound());
    assert_eq!(
        play.whole("p=tls-exporter,,", b"p=tls-exporter,,exported"),
        Ok(())
    );
    let end_point = b"p=tls-server-end-point,,certificate";
    assert_eq!(play.whole("p=tls-server-end-point,,", end_point), Ok(()));
}

#[test]
fn a_proof_for_another_channel_is_somebody_in_the_middle() {
    // [rfc5802 6]
    let play = Play::sha256(Mechanism::ScramSha256Plus, bound());
    for cbind in [&b"p=tls-exporter,,another"[..], b"p=tls-exporter,,", b"n,,"] {
        let ended = play.whole("p=tls-exporter,,", cbind);
        assert_eq!(ended, Err(Failure::Channel), "{cbind:?}");
    }
    // a type that is not there, and none at all
    for header in ["p=tls-unique,,", "n,,", "y,,"] {
        let ended = play.whole(header, header.as_bytes());
        assert_eq!(ended, Err(Failure::Channel), "{header}");
    }
    // bound, but by the mechanism without binding
    let play = Play::sha256(Mechanism::ScramSha256, bound());
    let ended = play.whole("p=tls-exporter,,", b"p=tls-exporter,,exported");
    assert_eq!(ended, Err(Failure::Channel));
}

#[test]
fn a_client_that_was_not_told_of_plus_is_not_let_in() {
    // [rfc5802 6] somebody took it from the list
    let mut play = Play::sha256(Mechanism::ScramSha256, bound());
    play.offered = vec![Mechanism::ScramSha256Plus, Mechanism::ScramSha256];
    assert_eq!(play.whole("y,,", b"y,,"), Err(Failure::Channel));
    assert_eq!(play.whole("n,,", b"n,,"), Ok(()), "it cannot bind at all");
    play.offered = vec![Mechanism::ScramSha256];
    assert_eq!(play.whole("y,,", b"y,,"), Ok(()));
}

#[test]
fn names_may_hold_commas_and_equals_signs() {
    // [rfc5802 5.1]
    let play = Play::sha256(Mechanism::ScramSha256, UNBOUND);
    let name = |text: &str| match play.start(&format!("n,,n={text},r=abc")).1 {
        Step::Keys { name, .. } => Ok(name),
        Step::Failed(failure) => Err(failure),
        other => panic!("{other:?}"),
    };
    assert_eq!(name("a=2Cb=3Dc"), Ok("a,b=c".to_owned()));
    assert_eq!(name("j\u{f6}rg"), Ok("j\u{f6}rg".to_owned()));
    for bad in ["a=b", "a=2c", "a=", "", "a\0b"] {
        assert_eq!(name(bad), Err(Failure::Malformed), "{bad:?}");
    }
}

#[test]
fn nobody_acts_for_somebody_else() {
    let play = Play::sha256(Mechanism::ScramSha256, UNBOUND);
    let (_, step) = play.start("n,a=admin,n=user,r=abc");
    assert_eq!(step, Step::Failed(Failure::OtherIdentity));
    assert_eq!(play.whole("n,a=user,", b"n,a=user,"), Ok(()));
}

#[test]
fn refuses_a_first_message_that_is_not_as_the_grammar_says() {
    // [rfc5802 7]
    let play = Play::sha256(Mechanism::ScramSha256, UNBOUND);
    for message in [
        "",
        "n",
        "n,",
        "n,,",
        "n,,n=user",
        "n,,r=abc,n=user",
        "n,,n=user,r=",
        "n,,n=user,r=a b",
        "n,,n=user,r=abc,x",
        "n,,n=user,r=abc,",
        // an extension that must be understood
        "n,,m=x,n=user,r=abc",
        "n,,n=user,r=abc,m=x",
        "x,,n=user,r=abc",
        "n,b=user,n=user,r=abc",
        "N,,n=user,r=abc",
    ] {
        let (_, step) = play.start(message);
        assert_eq!(step, Step::Failed(Failure::Malformed), "{message}");
    }
    let long = format!("n,,n=user,r={}", "x".repeat(5_000));
    assert_eq!(play.start(&long).1, Step::Failed(Failure::TooLong));
    assert!(matches!(
        play.start("n,,n=user,r=abc,x=y").1,
        Step::Keys { .. }
    ));
}

#[test]
fn refuses_a_last_message_that_belongs_to_another_exchange_or_to_none() {
    // [rfc5802 7]
    let play = Play::sha256(Mechanism::ScramSha256, UNBOUND);
    let nonce = format!("abc{}", play.server_nonce);
    for without_proof in [
        "c=biws,r=abc".to_owned(),
        format!("c=biws,r={nonce}x"),
        format!("r={nonce},c=biws"),
        format!("c=!,r={nonce}"),
        format!("c=biws,r={nonce},m=x"),
        format!("c=biws,r={nonce},"),
        String::new(),
    ] {
        let (mut exchange, server_first) = play.begin("n,,n=user,r=abc");
        let (last, _) = play.last("n=user,r=abc", &server_first, &without_proof);
        let step = exchange.respond(last.as_bytes());
        assert_eq!(step, Step::Failed(Failure::Malformed), "{without_proof}");
    }
    let (mut exchange, _) = play.begin("n,,n=user,r=abc");
    let step = exchange.respond(b"c=biws,r=abc");
    assert_eq!(step, Step::Failed(Failure::Malformed));
}

#[test]
fn after_the_last_word_only_nothing_may_follow() {
    // [rfc4954 4] [rfc5034 4]
    let play = Play::sha256(Mechanism::ScramSha256, UNBOUND);
    let (mut exchange, server_first) = play.begin("n,,n=user,r=abc");
    let without_proof = format!("c=biws,r=abc{}", play.server_nonce);
    let (last, _) = play.last("n=user,r=abc", &server_first, &without_proof);
    exchange.respond(last.as_bytes());
    exchange.accept();
    assert_eq!(exchange.respond(b"x"), Step::Failed(Failure::Malformed));
    let (mut exchange, _) = play.begin("n,,n=user,r=abc");
    exchange.respond(last.as_bytes());
    exchange.accept();
    // a client that does not like our signature
    assert_eq!(
        exchange.respond_line(b"*"),
        Step::Failed(Failure::Cancelled)
    );
}

#[test]
fn debug_shows_no_keys() {
    let keys = ScramKeys::of_password(Hash::Sha256, b"pencil", b"salt", 1);
    assert_eq!(format!("{keys:?}"), "ScramKeys { .. }");
}
