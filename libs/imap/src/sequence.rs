//! Sets of sequence numbers or UIDs as clients write them. Never here: what is in a mailbox.

use std::ops::RangeInclusive;

/// `seq-number = nz-number / "*"`
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Bound {
    /// Never zero.
    Number(u32),
    /// `*`: the highest in use.
    Highest,
}

/// `sequence-set = (seq-number / seq-range) *("," sequence-set)`; never empty, at most `limits::SEQUENCE_RANGES`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SequenceSet(Vec<(Bound, Bound)>);

impl SequenceSet {
    /// The set that the text writes ("2,4:7,9,12:*").
    pub fn parse(text: &[u8]) -> Option<SequenceSet> {
        let _ = text;
        todo!()
    }

    /// From numbers or ranges in any order (for tests and answers); zeros are left out.
    pub fn from_numbers(numbers: impl IntoIterator<Item = u32>) -> Option<SequenceSet> {
        let _ = numbers.into_iter();
        todo!()
    }

    pub fn ranges(&self) -> &[(Bound, Bound)] {
        &self.0
    }

    /// The numbers meant when `*` is `highest`: ranges rising, without overlap, merged.
    /// For UIDs `12:*` holds the highest even when that is below 12. [rfc3501 6.4.8]
    /// With `highest` = 0 (an empty mailbox) `*` means nothing and is left out.
    pub fn resolve(&self, highest: u32) -> Vec<RangeInclusive<u32>> {
        let _ = highest;
        todo!()
    }

    /// Whether every sequence number of the set exists in a mailbox of `count` messages;
    /// `*` in an empty mailbox does not.
    pub fn fits(&self, count: u32) -> bool {
        let _ = count;
        todo!()
    }
}
