//! SASL exchanges: lines of a client, as they stand on the wire, for each mechanism, bound to a TLS
//! connection and not. Nothing is ever accepted, so no exchange may end well.
#![no_main]

use sasl::{
    Bindings, Claim, CramKeys, Exchange, Hash, MECHANISMS, ScramKeys, Step, Terms, TokenRefusal,
};
use std::sync::LazyLock;

static KEYS: LazyLock<ScramKeys> =
    LazyLock::new(|| ScramKeys::of_password(Hash::Sha256, b"pencil", b"salt", 1));

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let bound = Bindings {
        exporter: Some(vec![7; 32]),
        server_end_point: None,
    };
    let offered: Vec<_> = MECHANISMS.iter().map(|row| row.mechanism).collect();
    for row in MECHANISMS {
        for (has_initial, bindings) in [
            (false, &bound),
            (true, &bound),
            (true, &Bindings::default()),
        ] {
            let terms = Terms {
                nonce: "nonceoftheserver00",
                host: "mail.example.test",
                bindings,
                offered: if bindings.is_empty() { &[] } else { &offered },
            };
            let mut lines = data.split(|&octet| octet == b'\n');
            let initial = if has_initial { lines.next() } else { None };
            let (mut exchange, step) = Exchange::start_line(row.mechanism, terms, initial);
            let mut step = decide(&mut exchange, step);
            for line in lines {
                let over = !matches!(step, Step::Challenge(_));
                let next = exchange.respond_line(line);
                step = decide(&mut exchange, next);
                assert!(!over || matches!(step, Step::Failed(_)));
            }
        }
    }
});

/// Gives keys, refuses claims.
fn decide(exchange: &mut Exchange, step: Step) -> Step {
    match step {
        Step::Keys { name, .. } => {
            assert!(!name.is_empty() && !name.contains('\0'));
            exchange.keys(KEYS.clone())
        }
        Step::SharedKey { name } => {
            assert!(!name.is_empty() && !name.contains('\0'));
            exchange.shared_key(&CramKeys::of_password(b"secret"))
        }
        Step::Check(claim) => {
            match claim {
                Claim::Password(c) => assert!(!c.name.is_empty() && !c.password.is_empty()),
                Claim::Proof { .. } => panic!("a proof was guessed"),
                Claim::Token(bearer) => assert!(!bearer.token.is_empty()),
                Claim::Certificate { .. } => {}
            }
            exchange.refuse(&TokenRefusal::default())
        }
        Step::Done => panic!("nothing was accepted"),
        other => other,
    }
}
