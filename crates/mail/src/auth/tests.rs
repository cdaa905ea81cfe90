//! Logins from the outside, apart from the look-up of the account.

use super::*;
use crate::ids::AccountId;
use net::time::{Duration, Instant};
use tokio::time::advance;

/// Without workers, so that paused time does not run on while a thread hashes.
fn gate() -> Gate {
    let settings = MailSettings {
        argon2: Argon2Cost::LEAST,
        hash_workers: 0,
        weak_passwords: WeakPasswords::Allowed,
        ..MailSettings::default()
    };
    Gate::new(Random::seeded(1), &settings)
}

async fn record(gate: &Gate, account: u64, password: &str) -> LoginRecord {
    let made = gate.new_password(password.as_bytes()).await.expect("made");
    let primary: addr::Address = "alice@example.test".parse().expect("valid");
    LoginRecord {
        account: AccountId(account),
        addresses: vec![primary.clone()],
        primary,
        verifiers: Some(made.verifiers),
        standing: Standing::Active,
    }
}

fn from(last: u8) -> Source {
    Source::of([192, 0, 2, last].into())
}

impl Gate {
    async fn tries(
        &self,
        record: &LoginRecord,
        password: &str,
        host: u8,
    ) -> Result<(), LoginRefusal> {
        self.prove("alice", Some(record), password.as_bytes(), from(host))
            .await
    }
}

#[tokio::test(start_paused = true)]
async fn takes_the_right_password_and_no_other() {
    let gate = gate();
    let alice = record(&gate, 1, "secret").await;
    assert!(gate.tries(&alice, "secret", 1).await.is_ok());
    let long = "x".repeat(PASSWORD_BYTES + 1);
    for wrong in ["Secret", "secret ", "", &long] {
        assert!(matches!(
            gate.tries(&alice, wrong, 1).await,
            Err(LoginRefusal::Wrong)
        ));
    }
    let none = LoginRecord {
        verifiers: None,
        ..alice.clone()
    };
    assert!(matches!(
        gate.tries(&none, "secret", 1).await,
        Err(LoginRefusal::Wrong)
    ));
    let nobody = gate.prove("nobody", None, b"secret", from(1)).await;
    assert!(matches!(nobody, Err(LoginRefusal::Wrong)));
}

#[tokio::test(start_paused = true)]
async fn a_changed_password_counts_at_once() {
    let gate = gate();
    let before = record(&gate, 1, "old").await;
    assert!(gate.tries(&before, "old", 1).await.is_ok());
    let after = record(&gate, 1, "new").await;
    assert!(matches!(
        gate.tries(&after, "old", 1).await,
        Err(LoginRefusal::Wrong)
    ));
    assert!(gate.tries(&after, "new", 1).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_proven_password_needs_no_turn_in_the_pool() {
    let gate = gate();
    let alice = record(&gate, 1, "secret").await;
    assert!(gate.tries(&alice, "secret", 1).await.is_ok());
    let mut turns = Vec::new();
    while let Ok(turn) = gate.pool.turn().await {
        turns.push(turn);
    }
    assert!(gate.tries(&alice, "secret", 2).await.is_ok());
    assert!(matches!(
        gate.tries(&alice, "wrong", 3).await,
        Err(LoginRefusal::Busy)
    ));
    advance(Duration::from_secs(301)).await;
    assert!(matches!(
        gate.tries(&alice, "secret", 2).await,
        Err(LoginRefusal::Busy)
    ));
    drop(turns);
    assert!(gate.tries(&alice, "secret", 2).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn accounts_that_share_a_hash_share_its_proof() {
    let gate = gate();
    let alice = record(&gate, 1, "secret").await;
    let bob = LoginRecord {
        account: AccountId(2),
        ..alice.clone()
    };
    assert!(gate.tries(&alice, "secret", 1).await.is_ok());
    let mut turns = Vec::new();
    while let Ok(turn) = gate.pool.turn().await {
        turns.push(turn);
    }
    assert!(gate.tries(&bob, "secret", 1).await.is_ok());
    assert!(matches!(
        gate.tries(&bob, "wrong", 1).await,
        Err(LoginRefusal::Busy)
    ));
}

#[tokio::test(start_paused = true)]
async fn failures_take_longer_and_longer_and_then_are_refused() {
    let gate = gate();
    let alice = record(&gate, 1, "secret").await;
    let start = Instant::now();
    for _ in 0..3 {
        assert!(matches!(
            gate.tries(&alice, "wrong", 1).await,
            Err(LoginRefusal::Wrong)
        ));
    }
    assert!(start.elapsed() < Duration::from_millis(100));
    assert!(matches!(
        gate.tries(&alice, "wrong", 1).await,
        Err(LoginRefusal::Wrong)
    ));
    assert!(start.elapsed() >= Duration::from_secs(1));
    let mut tries = 4;
    while !matches!(
        gate.tries(&alice, "wrong", 1).await,
        Err(LoginRefusal::TooManyFailures { .. })
    ) {
        tries += 1;
        assert!(tries < 100, "guessing goes on without end");
    }
    // even the right password, remembered or not: an answer would be an oracle
    assert!(gate.tries(&alice, "secret", 2).await.is_ok());
    let refused = gate.tries(&alice, "secret", 1).await;
    assert!(matches!(refused, Err(LoginRefusal::TooManyFailures { .. })));
}

#[tokio::test(start_paused = true)]
async fn many_guesses_at_once_do_not_slip_through() {
    let gate = Arc::new(gate());
    let alice = record(&gate, 1, "secret").await;
    let guesses: Vec<_> = (0..100)
        .map(|n| {
            let (gate, alice) = (gate.clone(), alice.clone());
            tokio::spawn(async move { gate.tries(&alice, &format!("guess{n}"), 1).await })
        })
        .collect();
    let mut checked = 0;
    for guess in guesses {
        if matches!(guess.await.expect("no panic"), Err(LoginRefusal::Wrong)) {
            checked += 1;
        }
    }
    assert!(
        (1..=25).contains(&checked),
        "{checked} guesses were checked"
    );
}

#[tokio::test]
async fn whoever_goes_away_while_a_password_is_hashed_has_failed() {
    let settings = MailSettings {
        argon2: Argon2Cost::LEAST,
        hash_workers: 30,
        ..MailSettings::default()
    };
    let gate = Gate::new(Random::seeded(1), &settings);
    let alice = record(&gate, 1, "secret").await;
    for _ in 0..25 {
        let mut guess = std::pin::pin!(gate.tries(&alice, "wrong", 1));
        std::future::poll_fn(|cx| {
            let _ = guess.as_mut().poll(cx);
            std::task::Poll::Ready(())
        })
        .await;
    }
    let refused = gate.tries(&alice, "wrong", 1).await;
    assert!(matches!(refused, Err(LoginRefusal::TooManyFailures { .. })));
}

#[tokio::test(start_paused = true)]
async fn the_owner_gets_in_while_others_guess() {
    let gate = gate();
    let alice = record(&gate, 1, "secret").await;
    assert!(gate.tries(&alice, "secret", 1).await.is_ok());
    for host in 2..80 {
        let _ = gate.tries(&alice, "guess", host).await;
    }
    advance(Duration::from_secs(301)).await;
    for host in 80..160 {
        let _ = gate.tries(&alice, "guess", host).await;
    }
    let start = Instant::now();
    assert!(gate.tries(&alice, "secret", 1).await.is_ok());
    assert!(start.elapsed() < Duration::from_millis(100));
}

#[tokio::test]
async fn an_unknown_name_is_checked_at_the_full_cost() {
    let gate = gate();
    assert!(gate.dummy.contains("$m=8,t=1,p=1$"));
    // the pool is asked for a turn all the same
    let mut turns = Vec::new();
    while let Ok(turn) = gate.pool.turn().await {
        turns.push(turn);
    }
    let nobody = gate.prove("nobody", None, b"secret", from(1)).await;
    assert!(matches!(nobody, Err(LoginRefusal::Busy)));
}

#[test]
fn log_lines_show_names_escaped_and_bounded() {
    assert_eq!(Logged("a\r\nb\"\u{1b}").to_string(), "a\\r\\nb\\\"\\u{1b}");
    assert_eq!(
        Logged(&"é".repeat(200)).to_string(),
        format!("{}…", "é".repeat(100))
    );
}

#[tokio::test(start_paused = true)]
async fn a_well_known_password_opens_nothing_even_where_it_is_the_right_one() {
    // [rfc9051 11.7 #2]
    let mut gate = gate();
    gate.weak_passwords = WeakPasswords::Refused;
    let alice = record(&gate, 1, "Summer2026!").await;
    for _ in 0..2 {
        let refused = gate.tries(&alice, "Summer2026!", 1).await;
        assert!(matches!(refused, Err(LoginRefusal::WellKnown)));
    }
    // Whoever guesses wrong is not told that he was near.
    let refused = gate.tries(&alice, "Summer2025!", 1).await;
    assert!(matches!(refused, Err(LoginRefusal::Wrong)));
    let bob = record(&gate, 2, "nobody tries this").await;
    assert!(gate.tries(&bob, "nobody tries this", 2).await.is_ok());
}
