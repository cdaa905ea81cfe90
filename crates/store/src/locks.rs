//! The short async locks of the partitions: first come, first served.
//!
//! Never here: a lock held while a commit is awaited.

use crate::Partition;
use crate::sync::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::OwnedMutexGuard;

type Map = Arc<Mutex<BTreeMap<Partition, Arc<tokio::sync::Mutex<()>>>>>;

#[derive(Clone, Default)]
pub(crate) struct Locks(Map);

impl Locks {
    pub(crate) async fn take(&self, partition: Partition) -> PartitionLock {
        // The claim keeps the entry tidy even if the caller stops waiting.
        let mut claim = PartitionLock {
            partition,
            map: self.0.clone(),
            guard: None,
        };
        let mutex = lock(&self.0).entry(partition).or_default().clone();
        claim.guard = Some(mutex.lock_owned().await);
        claim
    }
}

/// Held by the one edit of the partition; dropping it lets the next one in.
pub(crate) struct PartitionLock {
    partition: Partition,
    map: Map,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Drop for PartitionLock {
    fn drop(&mut self) {
        let mut map = lock(&self.map);
        self.guard = None;
        if map
            .get(&self.partition)
            .is_some_and(|mutex| Arc::strong_count(mutex) == 1)
        {
            map.remove(&self.partition);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_unused_lock_leaves_nothing_behind() {
        let locks = Locks::default();
        let first = locks.take(Partition(1)).await;
        let waiting = tokio::spawn({
            let locks = locks.clone();
            async move { drop(locks.take(Partition(1)).await) }
        });
        tokio::task::yield_now().await;
        waiting.abort();
        assert!(waiting.await.is_err());
        assert_eq!(lock(&locks.0).len(), 1);
        drop(first);
        assert!(lock(&locks.0).is_empty());
    }
}
