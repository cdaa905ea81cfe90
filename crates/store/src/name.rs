//! The names of things in the store: partitions, bodies, values and their versions.

use bytes::{Buf, Bytes};
use std::fmt;
use std::ops::Deref;

/// A transaction stays inside one partition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Partition(pub u64);

/// A stored body. Ids only rise and are never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BodyId(pub u64);

/// The transaction that wrote a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Version(pub u64);

impl Version {
    /// The version of a value that an edit wrote itself and has not submitted yet.
    pub const UNSUBMITTED: Version = Version(u64::MAX);
}

/// A value with the version in which it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    payload: Bytes,
    version: Version,
}

impl Value {
    pub(crate) fn new(payload: Bytes, version: Version) -> Value {
        Value { payload, version }
    }

    pub fn version(&self) -> Version {
        self.version
    }

    /// The value without a copy.
    pub fn bytes(&self) -> &Bytes {
        &self.payload
    }

    /// The same for who needs no more than that.
    pub fn into_bytes(self) -> Bytes {
        self.payload
    }
}

impl Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.payload
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{}", self.payload, self.version.0)
    }
}

/// Checksum and version before the payload of a stored value.
const HEAD_BYTES: usize = 12;

fn checksum(full_key: &[u8], version: Version, payload: &[u8]) -> u32 {
    let seed = xxhash_rust::xxh3::xxh3_64(full_key) ^ version.0;
    xxhash_rust::xxh3::xxh3_64_with_seed(payload, seed) as u32
}

/// A value as it is stored: checksum (over key, version and payload), version, payload.
pub(crate) fn encode_value(full_key: &[u8], version: Version, payload: &[u8]) -> Bytes {
    let mut stored = Vec::with_capacity(HEAD_BYTES + payload.len());
    stored.extend_from_slice(&checksum(full_key, version, payload).to_le_bytes());
    stored.extend_from_slice(&version.0.to_le_bytes());
    stored.extend_from_slice(payload);
    stored.into()
}

/// None if the checksum does not fit.
pub(crate) fn decode_value(full_key: &[u8], mut stored: Bytes) -> Option<Value> {
    let (head, payload) = stored.split_at_checked(HEAD_BYTES)?;
    let sum = u32::from_le_bytes(head[..4].try_into().ok()?);
    let version = Version(u64::from_le_bytes(head[4..].try_into().ok()?));
    if checksum(full_key, version, payload) != sum {
        return None;
    }
    // Not a slice: that would count one reader more and one less for each row.
    stored.advance(HEAD_BYTES);
    Some(Value {
        payload: stored,
        version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_anywhere_in_a_value_is_noticed() {
        let stored = encode_value(b"key", Version(7), b"payload");
        assert_eq!(
            &decode_value(b"key", stored.clone()).unwrap()[..],
            b"payload"
        );
        for bit in 0..stored.len() * 8 {
            let mut bad = stored.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(decode_value(b"key", bad.into()).is_none(), "bit {bit}");
        }
        assert!(decode_value(b"other", stored).is_none());
    }
}
