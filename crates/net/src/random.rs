//! Random numbers: from the system, or from a seed for simulation.
//!
//! What never happens here: a seeded source in a running server; only `Random::system` is fit for
//! keys and passwords.

use std::sync::{Arc, Mutex, PoisonError};

/// Letters and digits that nobody mistakes for one another: no i, l, o, 0, 1.
const LETTERS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// A source of random numbers. Clones draw from the same source.
#[derive(Clone, Debug)]
pub struct Random(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Seeded(Arc<Mutex<Xoshiro>>),
}

impl Random {
    /// The system's own source.
    pub fn system() -> Random {
        Random(Source::System)
    }

    /// The same numbers for the same seed. Not for secrets.
    pub fn seeded(seed: u64) -> Random {
        Random(Source::Seeded(Arc::new(Mutex::new(Xoshiro::new(seed)))))
    }

    pub fn fill(&self, bytes: &mut [u8]) {
        match &self.0 {
            Source::System => getrandom::fill(bytes)
                .expect("because no supported system runs without its random source"),
            Source::Seeded(state) => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                for chunk in bytes.chunks_mut(8) {
                    chunk.copy_from_slice(&state.next().to_le_bytes()[..chunk.len()]);
                }
            }
        }
    }

    pub fn u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// `len` letters and digits without look-alikes, nearly 5 bits each.
    pub fn token(&self, len: usize) -> String {
        let mut token = String::with_capacity(len);
        let mut bytes = [0; 32];
        while token.len() < len {
            self.fill(&mut bytes);
            let letters = bytes
                .iter()
                .filter_map(|b| LETTERS.get(usize::from(b & 31)));
            token.extend(letters.take(len - token.len()).map(|&b| char::from(b)));
        }
        token
    }
}

/// xoshiro256++ by Blackman and Vigna (public domain algorithm), seeded by splitmix64.
#[derive(Debug)]
struct Xoshiro([u64; 4]);

impl Xoshiro {
    fn new(seed: u64) -> Xoshiro {
        let mut at = seed;
        Xoshiro(std::array::from_fn(|_| {
            at = at.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (at ^ (at >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }))
    }

    fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let drawn = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_same_numbers() {
        let (a, b, c) = (Random::seeded(1), Random::seeded(1), Random::seeded(2));
        let drawn: Vec<u64> = (0..8).map(|_| a.u64()).collect();
        assert_eq!(drawn, (0..8).map(|_| b.u64()).collect::<Vec<_>>());
        assert_ne!(drawn, (0..8).map(|_| c.u64()).collect::<Vec<_>>());
    }

    #[test]
    fn clones_draw_from_one_source() {
        let a = Random::seeded(1);
        let b = a.clone();
        assert_ne!(a.u64(), b.u64());
    }

    #[test]
    fn tokens_have_no_look_alikes() {
        for random in [Random::system(), Random::seeded(3)] {
            let token = random.token(200);
            assert_eq!(token.len(), 200);
            assert!(token.bytes().all(|b| LETTERS.contains(&b)));
            assert_ne!(token, random.token(200));
        }
    }
}
