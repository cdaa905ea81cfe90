//! What edits see before the index: what was handed to the committer and is not yet durable, and
//! the newest values of keys that the edits of a partition read each time.
//!
//! Whoever delivers to a mailbox reads and rewrites the same few records; searching the index for
//! them was a tenth of a delivery's work. They stay here, up to a bound, when they are durable. Only
//! an edit looks here: it holds its partition's lock, so nobody else writes what it reads. Never
//! here: what a reader sees.

use crate::limits::MAX_KEPT_BYTES;
use crate::sync::lock;
use crate::{Partition, Value, Version};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::RangeBounds;
use std::sync::Mutex;

/// What an entry takes besides its key and value, roughly.
const ENTRY_BYTES: usize = 128;

/// The newest value of a key; None: it is not there.
struct Entry {
    /// The transaction that wrote it; 0 for a key that was not there when it was read.
    seqno: u64,
    payload: Option<Bytes>,
    stay: Stay,
}

/// How long an entry stays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stay {
    /// Until it is durable.
    Pending,
    /// Beyond that: the next edit will read it.
    Kept,
}

#[derive(Default)]
struct Entries {
    by_key: BTreeMap<Vec<u8>, Entry>,
    /// Transactions that are not durable yet.
    pending: usize,
}

#[derive(Default)]
struct Inner {
    partitions: BTreeMap<Partition, Entries>,
    kept_bytes: usize,
}

#[derive(Default)]
pub(crate) struct Overlay(Mutex<Inner>);

impl Entry {
    fn value(&self) -> Option<Value> {
        let payload = self.payload.clone()?;
        Some(Value::new(payload, Version(self.seqno)))
    }

    /// What it counts against the bound.
    fn kept_bytes(&self, key: &[u8]) -> usize {
        match self.stay {
            Stay::Pending => 0,
            Stay::Kept => ENTRY_BYTES + key.len() + self.payload.as_ref().map_or(0, Bytes::len),
        }
    }
}

impl Inner {
    /// Forgets all that is kept, also of a partition that always has something pending. What is
    /// not durable yet stays until it is: transactions become durable in their order, `settled`
    /// last.
    fn forget_kept(&mut self, settled: u64) {
        self.partitions.retain(|_, entries| {
            entries.by_key.retain(|_, entry| {
                entry.stay = Stay::Pending;
                entry.seqno > settled
            });
            !entries.by_key.is_empty()
        });
        self.kept_bytes = 0;
    }
}

impl Overlay {
    /// Takes in the writes of a transaction that is handed over.
    pub(crate) fn add(
        &self,
        partition: Partition,
        seqno: u64,
        writes: &BTreeMap<Vec<u8>, Option<Bytes>>,
    ) {
        if writes.is_empty() {
            return;
        }
        let inner = &mut *lock(&self.0);
        let entries = inner.partitions.entry(partition).or_default();
        entries.pending += 1;
        for (key, payload) in writes {
            let payload = payload.clone();
            if let Some(entry) = entries.by_key.get_mut(key) {
                inner.kept_bytes -= entry.kept_bytes(key);
                (entry.seqno, entry.payload) = (seqno, payload);
                inner.kept_bytes += entry.kept_bytes(key);
            } else {
                let stay = Stay::Pending;
                let entry = Entry {
                    seqno,
                    payload,
                    stay,
                };
                entries.by_key.insert(key.clone(), entry);
            }
        }
    }

    /// The writes of this transaction are visible in the index now; later ones stay.
    pub(crate) fn settle(
        &self,
        partition: Partition,
        seqno: u64,
        writes: &BTreeMap<Vec<u8>, Option<Bytes>>,
    ) {
        let inner = &mut *lock(&self.0);
        let Some(entries) = inner.partitions.get_mut(&partition) else {
            return;
        };
        if writes.is_empty() {
            return;
        }
        entries.pending -= 1;
        for key in writes.keys() {
            let is_done = |entry: &Entry| entry.seqno == seqno && entry.stay == Stay::Pending;
            if entries.by_key.get(key).is_some_and(is_done) {
                entries.by_key.remove(key);
            }
        }
        if entries.by_key.is_empty() {
            inner.partitions.remove(&partition);
        }
        if inner.kept_bytes > MAX_KEPT_BYTES {
            inner.forget_kept(seqno);
        }
    }

    /// Keeps what an edit, which holds the partition's lock, found in the index: nothing newer was
    /// handed over. Once there is too much nothing more is kept until the next commit makes room:
    /// edits that write nothing come without any.
    pub(crate) fn keep(&self, partition: Partition, key: &[u8], found: Option<&Value>) {
        let entry = Entry {
            seqno: found.map_or(0, |value| value.version().0),
            // a copy: the value may be a small piece of a large block
            payload: found.map(|value| Bytes::copy_from_slice(value)),
            stay: Stay::Kept,
        };
        let inner = &mut *lock(&self.0);
        if inner.kept_bytes > MAX_KEPT_BYTES {
            return;
        }
        let entries = inner.partitions.entry(partition).or_default();
        if !entries.by_key.contains_key(key) {
            inner.kept_bytes += entry.kept_bytes(key);
            entries.by_key.insert(key.to_vec(), entry);
        }
    }

    /// Whether anything of this partition is handed over and not yet durable.
    pub(crate) fn has_pending(&self, partition: Partition) -> bool {
        let inner = lock(&self.0);
        let entries = inner.partitions.get(&partition);
        entries.is_some_and(|entries| entries.pending > 0)
    }

    /// Nothing that was handed over survives.
    pub(crate) fn clear(&self) {
        *lock(&self.0) = Inner::default();
    }

    /// Outer None: nothing is known of this key.
    pub(crate) fn get(&self, partition: Partition, key: &[u8]) -> Option<Option<Value>> {
        let inner = lock(&self.0);
        let entry = inner.partitions.get(&partition)?.by_key.get(key)?;
        Some(entry.value())
    }

    pub(crate) fn range(
        &self,
        partition: Partition,
        range: impl RangeBounds<Vec<u8>>,
    ) -> Vec<(Vec<u8>, Option<Value>)> {
        let inner = lock(&self.0);
        let Some(entries) = inner.partitions.get(&partition) else {
            return Vec::new();
        };
        let rows = entries.by_key.range(range);
        rows.map(|(key, entry)| (key.clone(), entry.value()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTITION: Partition = Partition(1);

    fn writes(key: &[u8], payload: &'static [u8]) -> BTreeMap<Vec<u8>, Option<Bytes>> {
        BTreeMap::from([(key.to_vec(), Some(Bytes::from_static(payload)))])
    }

    fn payload(overlay: &Overlay, key: &[u8]) -> Option<Option<Vec<u8>>> {
        let found = overlay.get(PARTITION, key)?;
        Some(found.map(|value| value.to_vec()))
    }

    #[test]
    fn what_is_kept_follows_what_is_handed_over_and_outlives_the_commit() {
        let overlay = Overlay::default();
        let found = Value::new(Bytes::from_static(b"old"), Version(3));
        overlay.keep(PARTITION, b"often", Some(&found));
        overlay.keep(PARTITION, b"absent", None);
        let both: BTreeMap<_, _> = [writes(b"often", b"new"), writes(b"once", b"new")]
            .into_iter()
            .flatten()
            .collect();
        overlay.add(PARTITION, 4, &both);
        assert!(overlay.has_pending(PARTITION));
        overlay.settle(PARTITION, 4, &both);
        assert!(!overlay.has_pending(PARTITION));
        assert_eq!(payload(&overlay, b"often"), Some(Some(b"new".to_vec())));
        assert_eq!(payload(&overlay, b"absent"), Some(None));
        assert_eq!(payload(&overlay, b"once"), None);
    }

    #[test]
    fn what_is_kept_has_a_bound_and_what_is_pending_survives_it() {
        let overlay = Overlay::default();
        let pending = writes(b"pending", b"new");
        overlay.add(Partition(2), 3, &pending);
        let large = Value::new(vec![0; 64 * 1024].into(), Version(1));
        for n in 0..(MAX_KEPT_BYTES / (64 * 1024) + 1) {
            overlay.keep(PARTITION, &n.to_be_bytes(), Some(&large));
        }
        let other = writes(b"other", b"new");
        overlay.add(PARTITION, 2, &other);
        overlay.settle(PARTITION, 2, &other);
        assert_eq!(payload(&overlay, &0_usize.to_be_bytes()), None);
        assert!(overlay.get(Partition(2), b"pending").is_some());
        assert_eq!(lock(&overlay.0).kept_bytes, 0);
    }

    #[test]
    fn edits_that_write_nothing_keep_no_more_than_the_bound() {
        let overlay = Overlay::default();
        for n in 0..2 * MAX_KEPT_BYTES / ENTRY_BYTES {
            overlay.keep(PARTITION, &n.to_be_bytes(), None);
        }
        let kept = lock(&overlay.0).kept_bytes;
        assert!(kept <= MAX_KEPT_BYTES + 2 * ENTRY_BYTES, "{kept}");
    }

    #[test]
    fn a_partition_that_is_never_at_rest_is_bounded_too() {
        let overlay = Overlay::default();
        let found = Value::new(vec![0; MAX_KEPT_BYTES].into(), Version(1));
        overlay.keep(PARTITION, b"often", None);
        overlay.keep(PARTITION, b"large", Some(&found));
        let (other, pending) = (writes(b"other", b"new"), writes(b"often", b"new"));
        overlay.add(Partition(2), 2, &other);
        overlay.add(PARTITION, 3, &pending);
        overlay.settle(Partition(2), 2, &other);
        assert_eq!(payload(&overlay, b"large"), None);
        assert_eq!(lock(&overlay.0).kept_bytes, 0);
        // It is not durable yet, so that the index does not have it.
        assert_eq!(payload(&overlay, b"often"), Some(Some(b"new".to_vec())));
        overlay.settle(PARTITION, 3, &pending);
        assert!(lock(&overlay.0).partitions.is_empty());
    }
}
