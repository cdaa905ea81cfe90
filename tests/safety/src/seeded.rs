//! Numbers that follow from a seed.
//!
//! What never happens here: the system's randomness.

/// SplitMix64, which is short and good enough to choose by.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// The stream `number` of a seed; streams do not resemble each other.
    pub fn new(seed: u64, number: u64) -> Seeded {
        let mut seeded = Seeded(seed ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        seeded.next();
        seeded
    }

    #[allow(
        clippy::should_implement_trait,
        reason = "it never ends, so it is no iterator"
    )]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let count = u64::try_from(all.len()).expect("because memory is smaller than that");
        let at = usize::try_from(self.below(count)).expect("because it is below a length");
        &all[at]
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> Once {
        match self.below(times) {
            0 => Once::Now,
            _ => Once::NotNow,
        }
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }
}

/// The answer of a throw.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Once {
    Now,
    NotNow,
}
