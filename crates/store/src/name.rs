//! The names of things in the store: partitions, bodies, values and their versions.

use bytes::Bytes;
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
