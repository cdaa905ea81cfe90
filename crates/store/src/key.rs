//! How a key of a partition, and the store's own keys, look in the index.
//!
//! `0x00 kind …` is the store's own; `0x01 partition:u64be key` is a partition's.
//! Never here: the meaning of a caller's key.

use crate::{BodyId, Partition};
use std::ops::{Bound, RangeBounds};

/// The two ends of a range of whole keys.
pub(crate) type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// Where the records of a transaction live.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Space {
    /// The store's own keys.
    Own,
    Of(Partition),
}

/// Bytes before a caller's key.
pub(crate) const PREFIX_BYTES: usize = 9;

const OWN: u8 = 0;
const PARTITION: u8 = 1;
const AFTER_ALL: u8 = 2;
const KIND_BODY: u8 = b'b';
const KIND_FILE: u8 = b'f';
const KIND_MARKER: u8 = b'm';

impl Space {
    /// The whole key in the index.
    pub(crate) fn full(self, key: &[u8]) -> Vec<u8> {
        match self {
            Space::Own => [&[OWN], key].concat(),
            Space::Of(partition) => full(partition, key),
        }
    }
}

pub(crate) fn full(partition: Partition, key: &[u8]) -> Vec<u8> {
    let mut full = Vec::with_capacity(PREFIX_BYTES + key.len());
    full.push(PARTITION);
    full.extend_from_slice(&partition.0.to_be_bytes());
    full.extend_from_slice(key);
    full
}

/// The bounds of a range of a partition's keys; None if no key can lie in it.
pub(crate) fn bounds(partition: Partition, range: &impl RangeBounds<Vec<u8>>) -> Option<Bounds> {
    let low = match range.start_bound() {
        Bound::Included(key) => Bound::Included(full(partition, key)),
        Bound::Excluded(key) => Bound::Excluded(full(partition, key)),
        Bound::Unbounded => Bound::Included(full(partition, &[])),
    };
    let high = match range.end_bound() {
        Bound::Included(key) => Bound::Included(full(partition, key)),
        Bound::Excluded(key) => Bound::Excluded(full(partition, key)),
        Bound::Unbounded => Bound::Excluded(match partition.0.checked_add(1) {
            Some(next) => full(Partition(next), &[]),
            None => vec![AFTER_ALL],
        }),
    };
    if is_empty(&low, &high) {
        None
    } else {
        Some((low, high))
    }
}

/// Whether no key can lie between the bounds.
pub(crate) fn is_empty<K: Ord>(low: &Bound<K>, high: &Bound<K>) -> bool {
    match (low, high) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(low), Bound::Included(high)) => low > high,
        (
            Bound::Included(low) | Bound::Excluded(low),
            Bound::Included(high) | Bound::Excluded(high),
        ) => low >= high,
    }
}

/// The range of all keys that begin with `prefix`.
pub(crate) fn prefix_range(prefix: &[u8]) -> Bounds {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return (Bound::Included(prefix.to_vec()), Bound::Excluded(end));
        }
    }
    (Bound::Included(prefix.to_vec()), Bound::Unbounded)
}

/// Where a body lies.
pub(crate) fn of_body(id: BodyId) -> Vec<u8> {
    [&[OWN, KIND_BODY][..], &id.0.to_be_bytes()].concat()
}

/// All bodies, in the order of their ids.
pub(crate) fn all_bodies() -> Bounds {
    prefix_range(&[OWN, KIND_BODY])
}

pub(crate) fn body_of(full: &[u8]) -> Option<BodyId> {
    let id = full.strip_prefix(&[OWN, KIND_BODY])?;
    Some(BodyId(u64::from_be_bytes(id.try_into().ok()?)))
}

/// That a body owns a file.
pub(crate) fn of_body_file(file: u64, id: BodyId) -> Vec<u8> {
    [
        &[OWN, KIND_FILE][..],
        &file.to_be_bytes(),
        &id.0.to_be_bytes(),
    ]
    .concat()
}

/// All bodies that own this file (more than one when a body was added again later).
pub(crate) fn owners_of_file(file: u64) -> Bounds {
    prefix_range(&[&[OWN, KIND_FILE][..], &file.to_be_bytes()].concat())
}

/// A key of the store's own as it stands in a transaction.
pub(crate) fn without_space(full: &[u8]) -> Vec<u8> {
    full.strip_prefix(&[OWN]).unwrap_or(full).to_vec()
}

/// Up to where the index holds the log's records.
pub(crate) fn marker() -> Vec<u8> {
    vec![OWN, KIND_MARKER]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partitions_range_ends_before_the_next_partition() {
        let (low, high) = bounds(Partition(7), &..).unwrap();
        assert_eq!(low, Bound::Included(full(Partition(7), b"")));
        assert_eq!(high, Bound::Excluded(full(Partition(8), b"")));
        let (_, high) = bounds(Partition(u64::MAX), &..).unwrap();
        assert_eq!(high, Bound::Excluded(vec![AFTER_ALL]));
    }

    #[test]
    fn a_backward_range_is_empty_and_never_a_panic() {
        assert!(bounds(Partition(1), &(b"b".to_vec()..b"a".to_vec())).is_none());
        assert!(bounds(Partition(1), &(b"a".to_vec()..b"a".to_vec())).is_none());
        assert!(bounds(Partition(1), &(b"a".to_vec()..=b"a".to_vec())).is_some());
    }

    #[test]
    fn a_prefix_of_highest_bytes_has_no_upper_end() {
        assert_eq!(prefix_range(&[1, 255]).1, Bound::Excluded(vec![2]));
        assert_eq!(prefix_range(&[255, 255]).1, Bound::Unbounded);
    }
}
