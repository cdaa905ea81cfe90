//! Passwords proved a short while ago, so that clients that log in every minute cost nothing.
//!
//! What is remembered is a hash under a key that is made at start and never leaves memory; it
//! covers the verifier that was proved, so a new password makes it worthless at once. What never
//! happens here: a password, a file.

use super::password::Prepared;
use crate::ids::AccountId;
use crate::limits::PROVEN_LOGINS;
use net::Random;
use net::time::{self, Duration, Instant};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) struct Proven {
    key: [u8; 32],
    keep: Duration,
    /// Proofs, and when they end.
    known: Mutex<HashMap<Proof, Instant>>,
}

/// Stands for: this password, against this verifier, of this account.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Proof([u8; 32]);

impl Proven {
    pub fn new(random: &Random, keep_s: u64) -> Proven {
        let mut key = [0; 32];
        random.fill(&mut key);
        Proven {
            key,
            keep: Duration::from_secs(keep_s),
            known: Mutex::default(),
        }
    }

    pub fn proof(&self, account: AccountId, verifier: &str, password: &Prepared) -> Proof {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&account.0.to_le_bytes());
        // lengths keep one field from running into the next
        for field in [verifier.as_bytes(), password.octets()] {
            hasher.update(&(field.len() as u64).to_le_bytes());
            hasher.update(field);
        }
        Proof(*hasher.finalize().as_bytes())
    }

    pub fn knows(&self, proof: &Proof) -> bool {
        self.known()
            .get(proof)
            .is_some_and(|&ends| time::now() < ends)
    }

    pub fn remember(&self, proof: Proof) {
        if self.keep.is_zero() {
            return;
        }
        let now = time::now();
        let mut known = self.known();
        if known.len() >= PROVEN_LOGINS {
            make_room(&mut known, now);
        }
        known.insert(proof, now + self.keep);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Proof, Instant>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what has ended; if that is not enough, the older half.
fn make_room(known: &mut HashMap<Proof, Instant>, now: Instant) {
    known.retain(|_, ends| now < *ends);
    if known.len() < PROVEN_LOGINS {
        return;
    }
    let mut ends: Vec<Instant> = known.values().copied().collect();
    let half = ends.len() / 2;
    let (_, &mut median, _) = ends.select_nth_unstable(half);
    known.retain(|_, ends| median < *ends);
}

#[cfg(test)]
mod tests {
    use super::super::password::prepare;
    use super::*;

    fn proof(proven: &Proven, account: u64, verifier: &str, password: &str) -> Proof {
        let password = prepare(password.as_bytes()).expect("neither empty nor too long");
        proven.proof(AccountId(account), verifier, &password)
    }

    #[tokio::test(start_paused = true)]
    async fn forgets_after_its_time() {
        let proven = Proven::new(&Random::seeded(1), 300);
        let known = proof(&proven, 1, "v", "p");
        proven.remember(known);
        tokio::time::advance(Duration::from_secs(299)).await;
        assert!(proven.knows(&known));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!proven.knows(&known));
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_verifier_another_account_or_password_is_another_proof() {
        let proven = Proven::new(&Random::seeded(1), 300);
        proven.remember(proof(&proven, 1, "v", "p"));
        for other in [(1, "w", "p"), (2, "v", "p"), (1, "v", "q"), (1, "vp", "p")] {
            assert!(!proven.knows(&proof(&proven, other.0, other.1, other.2)));
        }
        assert!(proven.knows(&proof(&proven, 1, "v", "p")));
    }

    #[tokio::test(start_paused = true)]
    async fn remembers_nothing_when_told_so_and_never_too_much() {
        let proven = Proven::new(&Random::seeded(1), 0);
        proven.remember(proof(&proven, 1, "v", "p"));
        assert!(proven.known().is_empty());
        let proven = Proven::new(&Random::seeded(1), 300);
        for n in 0..PROVEN_LOGINS as u64 + 10 {
            proven.remember(proof(&proven, n, "v", "p"));
            assert!(proven.known().len() <= PROVEN_LOGINS);
        }
        assert!(proven.knows(&proof(&proven, PROVEN_LOGINS as u64 + 9, "v", "p")));
    }
}
