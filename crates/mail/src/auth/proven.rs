//! Passwords proved a short while ago, so that clients that log in every minute cost nothing.
//!
//! What is remembered is a hash under a key that is made at start and never leaves memory; it
//! covers the verifier that was proved, so a new password makes it worthless at once. What never
//! happens here: a password, a file.

use super::password::Prepared;
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

/// Stands for: this password, against this verifier. The account is not in it: a verifier has a salt
/// of its own, so accounts share one only if they were given the same password in one act, and then
/// one proof is right for all of them.
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

    pub fn proof(&self, verifier: &str, password: &Prepared) -> Proof {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
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

    fn proof(proven: &Proven, verifier: &str, password: &str) -> Proof {
        let password = prepare(password.as_bytes()).expect("neither empty nor too long");
        proven.proof(verifier, &password)
    }

    #[tokio::test(start_paused = true)]
    async fn forgets_after_its_time() {
        let proven = Proven::new(&Random::seeded(1), 300);
        let known = proof(&proven, "v", "p");
        proven.remember(known);
        tokio::time::advance(Duration::from_secs(299)).await;
        assert!(proven.knows(&known));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!proven.knows(&known));
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_verifier_or_another_password_is_another_proof() {
        let proven = Proven::new(&Random::seeded(1), 300);
        proven.remember(proof(&proven, "v", "p"));
        for other in [("w", "p"), ("v", "q"), ("vp", "p"), ("v", "pp")] {
            assert!(!proven.knows(&proof(&proven, other.0, other.1)));
        }
        assert!(proven.knows(&proof(&proven, "v", "p")));
    }

    #[tokio::test(start_paused = true)]
    async fn remembers_nothing_when_told_so_and_never_too_much() {
        let proven = Proven::new(&Random::seeded(1), 0);
        proven.remember(proof(&proven, "v", "p"));
        assert!(proven.known().is_empty());
        let proven = Proven::new(&Random::seeded(1), 300);
        for n in 0..PROVEN_LOGINS + 10 {
            proven.remember(proof(&proven, &n.to_string(), "p"));
            assert!(proven.known().len() <= PROVEN_LOGINS);
        }
        assert!(proven.knows(&proof(&proven, &(PROVEN_LOGINS + 9).to_string(), "p")));
    }
}
