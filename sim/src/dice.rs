//! All choices of a run, from its seed.

use net::Random;

/// Chooses. Each client has dice of its own, so that one more choice of one leaves the others be.
#[derive(Clone)]
pub struct Dice(Random);

impl Dice {
    pub fn new(seed: u64, who: &str) -> Dice {
        Dice(Random::seeded(xxhash_rust::xxh3::xxh3_64_with_seed(
            who.as_bytes(),
            seed,
        )))
    }

    pub fn number(&self) -> u64 {
        self.0.u64()
    }

    /// A number below this one.
    pub fn below(&self, sides: u64) -> u64 {
        self.0.u64() % sides.max(1)
    }

    pub fn between(&self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    pub fn one_in(&self, sides: u64) -> bool {
        self.below(sides) == 0
    }

    pub fn pick<'a, T>(&self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}
