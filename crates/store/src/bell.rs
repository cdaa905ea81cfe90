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
pub(crate) struct Bells(Arc<Mutex<BTreeMap<Partition, Arc<Rope>>>>);

impl Bells {
    pub(crate) fn listen(&self, partition: Partition) -> Bell {
        let rope = lock(&self.0).entry(partition).or_default().clone();
        let heard = rope.pulls.load(Ordering::Acquire);
        Bell {
            partition,
            bells: self.clone(),
            rope,
            heard,
        }
    }

    pub(crate) fn ring(&self, partition: Partition) {
        if let Some(rope) = lock(&self.0).get(&partition) {
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
    /// How often it has rung since somebody listens: a number to compare with a later one, for who
    /// does not wait.
    pub fn rings(&self) -> u64 {
        self.rope.pulls.load(Ordering::Acquire)
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
        let mut bells = lock(&self.bells.0);
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
    fn an_unheard_bell_leaves_nothing_behind() {
        let bells = Bells::default();
        let first = bells.listen(Partition(3));
        let second = bells.listen(Partition(3));
        drop(first);
        assert_eq!(lock(&bells.0).len(), 1);
        drop(second);
        assert!(lock(&bells.0).is_empty());
    }
}
