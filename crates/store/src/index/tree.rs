//! The index as an LSM tree in files of its own (the `lsm-tree` crate, without any journal: what
//! it has not flushed is replayed from our log).
//!
//! A reader at transaction `at` reads the tree below `at + 1`. The tree keeps several states of
//! itself and gives a reader the newest one that began below the reader's number; so before each
//! flush and compaction its counter is set to the next transaction: readers that are under way
//! keep the state they began with, later ones get the new one. Never here: anything that is not
//! durable in the log.

use super::Row;
use crate::Fault;
use bytes::Bytes;
use lsm_tree::compaction::Leveled;
use lsm_tree::config::BlockSizePolicy;
use lsm_tree::{AbstractTree, AnyTree, Cache, Config, Guard, SequenceNumberCounter};
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

/// What is read, summed, unpacked and cached as one: a mailbox is mostly read in a row, and for each
/// block of it the cache is asked and both ends of the range are looked for. Larger ones cost whoever
/// reads single records that are not in the cache (`docs/decisions/0012-reading-again.md`).
const BLOCK_BYTES: u32 = 16 << 10;
/// Runs of tables that have not been merged yet, from which on merging cannot wait.
const RUNS_TO_MERGE: usize = 4;
/// Merges after one flush.
const MERGES_AT_ONCE: usize = 8;

pub(crate) struct TreeIndex {
    tree: AnyTree,
    counter: SequenceNumberCounter,
}

fn fault(doing: &str, error: &lsm_tree::Error) -> Fault {
    Fault::new(format!("{doing} the index"), error)
}

impl TreeIndex {
    pub(crate) fn open(folder: &Path, cache_bytes: u64) -> Result<TreeIndex, Fault> {
        let counter = SequenceNumberCounter::default();
        let cache = Arc::new(Cache::with_capacity_bytes(cache_bytes));
        let tree = Config::new(folder, counter.clone(), SequenceNumberCounter::default())
            .use_cache(cache)
            .data_block_size_policy(BlockSizePolicy::all(BLOCK_BYTES))
            .open()
            .map_err(|error| fault("opening", &error))?;
        Ok(TreeIndex { tree, counter })
    }

    pub(crate) fn get(&self, full_key: &[u8], at: u64) -> Result<Option<Bytes>, Fault> {
        let found = self
            .tree
            .get(full_key, at + 1)
            .map_err(|error| fault("reading", &error))?;
        Ok(found.map(Bytes::from))
    }

    pub(crate) fn range(
        &self,
        low: Bound<Vec<u8>>,
        high: Bound<Vec<u8>>,
        at: u64,
    ) -> impl DoubleEndedIterator<Item = Row> + Send + use<> {
        self.tree
            .range::<Vec<u8>, _>((low, high), at + 1, None)
            .map(|guard| {
                let (key, value) = guard
                    .into_inner()
                    .map_err(|error| fault("scanning", &error))?;
                Ok((key.into(), value.into()))
            })
    }

    pub(crate) fn insert(&self, full_key: Vec<u8>, value: Option<Bytes>, seqno: u64) {
        match value {
            Some(value) => self.tree.insert(full_key, value, seqno),
            None => self.tree.remove(full_key, seqno),
        };
    }

    /// Closes what is in memory, to be flushed next. Only between two commits.
    pub(crate) fn seal(&self) {
        let _sealed = self.tree.rotate_memtable();
    }

    /// Writes what was sealed to the disk. `visible` is at least the last transaction sealed.
    pub(crate) fn flush(&self, visible: u64, oldest: u64) -> Result<(), Fault> {
        self.counter.set(visible + 1);
        let lock = self.tree.get_flush_lock();
        self.tree
            .flush(&lock, oldest + 1)
            .map_err(|error| fault("flushing", &error))?;
        Ok(())
    }

    /// Merges tables as far as is due.
    pub(crate) fn compact(&self, now: impl Fn() -> (u64, u64)) -> Result<(), Fault> {
        let strategy = Arc::new(Leveled::default());
        for round in 0..MERGES_AT_ONCE {
            if round > 0 && self.tree.l0_run_count() < RUNS_TO_MERGE {
                break;
            }
            let (visible, oldest) = now();
            self.counter.set(visible + 1);
            self.tree
                .compact(strategy.clone(), oldest + 1)
                .map_err(|error| fault("compacting", &error))?;
        }
        Ok(())
    }
}
