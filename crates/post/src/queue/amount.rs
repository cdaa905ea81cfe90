//! How much of something waits: how many, and of how many octets together.
//!
//! What never happens here: a bound.

/// So many, and their octets.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Amount {
    pub count: usize,
    pub bytes: u64,
}

impl Amount {
    pub fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    pub fn take(&mut self, bytes: u64) {
        self.count = self.count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Whether one more fits below these bounds; of an unknown size, at least one octet.
    pub fn has_room(&self, bytes: u64, most: Amount) -> bool {
        self.count < most.count && self.bytes.saturating_add(bytes.max(1)) <= most.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_fits_by_number_and_by_octets() {
        let most = Amount {
            count: 2,
            bytes: 10,
        };
        let mut amount = Amount::default();
        assert!(amount.has_room(10, most) && !amount.has_room(11, most));
        amount.add(10);
        assert!(!amount.has_room(0, most), "one octet at least");
        amount.take(10);
        amount.add(1);
        amount.add(1);
        assert!(!amount.has_room(1, most));
    }
}
