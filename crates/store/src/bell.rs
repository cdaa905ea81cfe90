//! Bells: "look again". A bell carries no news; the truth is read from the store, so a lost bell
//! costs time and never a record.

use crate::Partition;
use crate::sync::lock;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

#[derive(Default)]
struct Rope {
    pulls: AtomicU64,
    notify: Notify,
}

/// All bells that somebody listens to.
#[derive(Clone, Default)]
pub(crate) struct Bells(Arc<Inner>);

#[derive(Default)]
struct Inner {
    ropes: Mutex<BTreeMap<Partition, Arc<Rope>>>,
    /// Commits whose showing has begun, and is over.
    begun: AtomicU64,
    shown: AtomicU64,
}

impl Bells {
    pub(crate) fn listen(&self, partition: Partition) -> Bell {
        let rope = lock(&self.0.ropes).entry(partition).or_default().clone();
        let heard = rope.pulls.load(Ordering::Acquire);
        Bell {
            partition,
            bells: self.clone(),
            rope,
            heard,
        }
    }

    /// Shows a commit to these partitions. It counts before anybody can see it, so that nobody who
    /// sees it finds the number of rings as it was.
    pub(crate) fn show(&self, partitions: impl Iterator<Item = Partition>, show: impl FnOnce()) {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        {
            let ropes = lock(&self.0.ropes);
            for rope in partitions.filter_map(|partition| ropes.get(&partition)) {
                rope.pulls.fetch_add(1, Ordering::SeqCst);
            }
        }
        show();
        self.0.shown.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn ring(&self, partition: Partition) {
        if let Some(rope) = lock(&self.0.ropes).get(&partition) {
            rope.pulls.fetch_add(1, Ordering::AcqRel);
            rope.notify.notify_waiters();
        }
    }
}

/// Rings when a commit to its partition has become visible.
pub struct Bell {
    partition: Partition,
    bells: Bells,
    rope: Arc<Rope>,
    heard: u64,
}

impl Bell {
    /// A number to compare with a later one, for who does not wait: if they are the same, no commit
    /// became visible from before the first look to the second. `None`: one is just being shown.
    pub fn rings(&self) -> Option<u64> {
        let shown = self.bells.0.shown.load(Ordering::SeqCst);
        let rings = self.rope.pulls.load(Ordering::SeqCst);
        let begun = self.bells.0.begun.load(Ordering::SeqCst);
        (begun == shown).then_some(rings)
    }

    /// Returns when the partition had a visible commit since the last return (or creation).
    pub async fn rung(&mut self) {
        loop {
            let notified = self.rope.notify.notified();
            tokio::pin!(notified);
            // Enlisted before looking, so that no pull falls between the look and the sleep.
            notified.as_mut().enable();
            let pulls = self.rope.pulls.load(Ordering::Acquire);
            if pulls != self.heard {
                self.heard = pulls;
                return;
            }
            notified.await;
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        let mut bells = lock(&self.bells.0.ropes);
        // The map's and this one.
        if Arc::strong_count(&self.rope) == 2 {
            bells.remove(&self.partition);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_pulls_before_the_look_are_one_ring() {
        let bells = Bells::default();
        let mut bell = bells.listen(Partition(3));
        bells.ring(Partition(4));
        bells.ring(Partition(3));
        bells.ring(Partition(3));
        bell.rung().await;
        let mut again = Box::pin(bell.rung());
        assert!(
            std::future::poll_fn(|cx| std::task::Poll::Ready(again.as_mut().poll(cx).is_pending()))
                .await
        );
        bells.ring(Partition(3));
        again.await;
    }

    #[test]
    fn the_number_of_rings_is_another_from_before_a_commit_is_visible() {
        let bells = Bells::default();
        let bell = bells.listen(Partition(3));
        let before = bell.rings();
        bells.show([Partition(4)].into_iter(), || ());
        assert_eq!((before, bell.rings()), (Some(0), Some(0)));
        bells.show([Partition(3)].into_iter(), || {
            assert_eq!(bell.rings(), None, "it may be visible, or not");
            assert_eq!(bells.listen(Partition(3)).rings(), None);
        });
        assert_ne!(bell.rings(), before, "though it has not rung yet");
    }

    #[test]
    fn an_unheard_bell_leaves_nothing_behind() {
        let bells = Bells::default();
        let first = bells.listen(Partition(3));
        let second = bells.listen(Partition(3));
        drop(first);
        assert_eq!(lock(&bells.0.ropes).len(), 1);
        drop(second);
        assert!(lock(&bells.0.ropes).is_empty());
    }
}
