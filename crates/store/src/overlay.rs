//! What was handed to the committer and is not yet durable: seen only by later edits of the same
//! partition, never by readers.

use crate::sync::lock;
use crate::{Partition, Value, Version};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::RangeBounds;
use std::sync::Mutex;

/// A write with the transaction that made it; None is a deletion.
type Written = (u64, Option<Bytes>);
type PartitionWrites = BTreeMap<Vec<u8>, Written>;

#[derive(Default)]
pub(crate) struct Overlay(Mutex<BTreeMap<Partition, PartitionWrites>>);

fn value((seqno, payload): &Written) -> Option<Value> {
    payload
        .as_ref()
        .map(|payload| Value::new(payload.clone(), Version(*seqno)))
}

impl Overlay {
    pub(crate) fn add(
        &self,
        partition: Partition,
        seqno: u64,
        writes: &BTreeMap<Vec<u8>, Option<Bytes>>,
    ) {
        if writes.is_empty() {
            return;
        }
        let mut all = lock(&self.0);
        let of_partition = all.entry(partition).or_default();
        for (key, payload) in writes {
            of_partition.insert(key.clone(), (seqno, payload.clone()));
        }
    }

    /// The writes of this transaction are visible in the index now; later ones stay.
    pub(crate) fn remove(
        &self,
        partition: Partition,
        seqno: u64,
        writes: &BTreeMap<Vec<u8>, Option<Bytes>>,
    ) {
        let mut all = lock(&self.0);
        let Some(of_partition) = all.get_mut(&partition) else {
            return;
        };
        for key in writes.keys() {
            if of_partition.get(key).is_some_and(|(by, _)| *by == seqno) {
                of_partition.remove(key);
            }
        }
        if of_partition.is_empty() {
            all.remove(&partition);
        }
    }

    /// Whether anything of this partition is handed over and not yet durable.
    pub(crate) fn has(&self, partition: Partition) -> bool {
        lock(&self.0).contains_key(&partition)
    }

    /// Nothing that was handed over survives.
    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// Outer None: nothing handed over for this key.
    pub(crate) fn get(&self, partition: Partition, key: &[u8]) -> Option<Option<Value>> {
        lock(&self.0).get(&partition)?.get(key).map(value)
    }

    pub(crate) fn range(
        &self,
        partition: Partition,
        range: impl RangeBounds<Vec<u8>>,
    ) -> Vec<(Vec<u8>, Option<Value>)> {
        let all = lock(&self.0);
        let Some(of_partition) = all.get(&partition) else {
            return Vec::new();
        };
        of_partition
            .range(range)
            .map(|(key, written)| (key.clone(), value(written)))
            .collect()
    }
}
