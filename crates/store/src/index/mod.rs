//! The index: every record by key, at each version that somebody may still read.
//!
//! Two shapes: the LSM tree on disk, and a map in memory (for the engine `memory`, and in place
//! of the tree where the files are simulated). Never here: a value's meaning, a lock of a
//! partition, anything that is not durable yet.

pub(crate) mod checkpoint;
mod map;
mod tree;

use crate::Fault;
use bytes::Bytes;
use std::ops::Bound;

pub(crate) use map::MapIndex;
pub(crate) use tree::TreeIndex;

/// Reads the newest of everything, with no regard to what is visible. Only for one who holds the
/// partition's lock, or reads the store's own keys.
pub(crate) const NEWEST: u64 = u64::MAX >> 2;

pub(crate) type Row = Result<(Bytes, Bytes), Fault>;
pub(crate) type Rows = Box<dyn DoubleEndedIterator<Item = Row> + Send>;

pub(crate) enum Index {
    Map(MapIndex),
    Tree(TreeIndex),
}

impl Index {
    /// The value of a key as of the transaction `at` (inclusive).
    pub(crate) fn get(&self, full_key: &[u8], at: u64) -> Result<Option<Bytes>, Fault> {
        match self {
            Index::Map(map) => Ok(map.get(full_key, at)),
            Index::Tree(tree) => tree.get(full_key, at),
        }
    }

    /// The rows between two bounds, of which the lower must not lie above the higher.
    pub(crate) fn range(&self, low: Bound<Vec<u8>>, high: Bound<Vec<u8>>, at: u64) -> Rows {
        match self {
            Index::Map(map) => Box::new(map.range(low, high, at)),
            Index::Tree(tree) => Box::new(tree.range(low, high, at)),
        }
    }

    /// Writes or deletes (None). `oldest` is the oldest transaction that somebody still reads at.
    pub(crate) fn insert(&self, full_key: Vec<u8>, value: Option<Bytes>, seqno: u64, oldest: u64) {
        match self {
            Index::Map(map) => map.insert(full_key, value, seqno, oldest),
            Index::Tree(tree) => tree.insert(full_key, value, seqno),
        }
    }
}
