//! What was handed over and waits for the committer, and whether anything is taken at all.
//!
//! Its lock is what makes "read-only from now on, and nothing handed over survives" one step.
//! Never here: the disk.

use crate::body::{Body, Claim, Stored};
use crate::edit::Committed;
use crate::key::Space;
use crate::limits::{MAX_FRAME_BYTES, MAX_FRAME_TRANSACTIONS, MAX_PENDING_BYTES};
use crate::sync::lock;
use crate::{BodyId, CommitError, Fault, Partition};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// Between two tries to write again.
const RESUME_INTERVAL: Duration = Duration::from_secs(1);

pub(crate) type Writes = BTreeMap<Vec<u8>, Option<Bytes>>;
type Done = oneshot::Sender<Result<Committed, CommitError>>;

/// One transaction as it was handed over.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) space: Space,
    pub(crate) seqno: u64,
    pub(crate) writes: Writes,
}

impl Transaction {
    /// Whose bell tells of it.
    pub(crate) fn rings_at(&self) -> Option<Partition> {
        match self.space {
            Space::Of(partition) if !self.writes.is_empty() => Some(partition),
            _ => None,
        }
    }
}

/// A body that a group brings.
pub(crate) struct Parcel {
    pub(crate) id: BodyId,
    pub(crate) stored: Stored,
    pub(crate) len: u64,
    pub(crate) hash: [u8; 32],
    pub(crate) tag: Bytes,
    /// None: a stored body that moves.
    pub(crate) claim: Option<(Arc<Claim>, Body)>,
}

impl Parcel {
    pub(crate) fn new(claim: Arc<Claim>, body: &Body) -> Parcel {
        Parcel {
            id: claim.id,
            stored: body.0.content.stored(),
            len: body.0.len,
            hash: body.0.hash,
            tag: body.0.tag.clone(),
            claim: Some((claim, body.clone())),
        }
    }

    /// Whether a durable frame holds the body already.
    pub(crate) fn is_written(&self) -> bool {
        self.claim
            .as_ref()
            .is_some_and(|(claim, _)| claim.written.load(Ordering::Acquire))
    }

    pub(crate) fn set_written(&self) {
        if let Some((claim, _)) = &self.claim {
            claim.written.store(true, Ordering::Release);
        }
    }

    /// From now on a frame may speak of it.
    pub(crate) fn give(&self) {
        if let Stored::File(file) = &self.stored {
            file.give();
        }
    }
}

/// Transactions that become durable together.
pub(crate) struct Group {
    pub(crate) transactions: Vec<Transaction>,
    pub(crate) parcels: Vec<Parcel>,
    pub(crate) bytes: usize,
    pub(crate) done: Done,
}

pub(crate) struct QueueInner {
    groups: VecDeque<Group>,
    next_seqno: u64,
    /// Rises when everything that was handed over has failed: older edits have seen too much.
    epoch: u64,
    pending_bytes: usize,
    /// Why nothing is taken.
    trouble: Option<Fault>,
    /// A commit takes longer than it may; taken back when it returns.
    stalled: Option<Fault>,
    /// A batch was taken and is not settled yet.
    committing: bool,
    closed: bool,
    /// A task is on its way to commit what is queued.
    driven: bool,
    resume_wished: bool,
    last_resume: Option<Instant>,
    hopeless: bool,
}

impl QueueInner {
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn refuses(&self) -> bool {
        self.closed || self.trouble.is_some() || self.stalled.is_some()
    }

    fn lets_begin(&self) -> bool {
        self.pending_bytes < MAX_PENDING_BYTES || self.refuses()
    }

    pub(crate) fn why(&self) -> Option<Fault> {
        if self.closed {
            return Some(Fault::new("writing", "the store is closed"));
        }
        self.trouble.as_ref().or(self.stalled.as_ref()).cloned()
    }

    /// How many groups wait for the committer, and the bytes of all that is not settled.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        (self.groups.len(), self.pending_bytes)
    }

    pub(crate) fn next_seqno(&mut self) -> u64 {
        self.next_seqno += 1;
        self.next_seqno - 1
    }

    /// Takes a group in; the caller wakes the committer after letting go of the lock.
    pub(crate) fn push(
        &mut self,
        transactions: Vec<Transaction>,
        parcels: Vec<Parcel>,
        bytes: usize,
    ) -> oneshot::Receiver<Result<Committed, CommitError>> {
        let (done, told) = oneshot::channel();
        self.pending_bytes += bytes;
        self.groups.push_back(Group {
            transactions,
            parcels,
            bytes,
            done,
        });
        told
    }
}

pub(crate) struct Queue {
    pub(crate) inner: Mutex<QueueInner>,
    room: Notify,
    work: Condvar,
}

impl Queue {
    pub(crate) fn new(next_seqno: u64) -> Queue {
        let inner = QueueInner {
            groups: VecDeque::new(),
            next_seqno,
            epoch: 0,
            pending_bytes: 0,
            trouble: None,
            stalled: None,
            committing: false,
            closed: false,
            driven: false,
            resume_wished: false,
            last_resume: None,
            hopeless: false,
        };
        Queue {
            inner: Mutex::new(inner),
            room: Notify::new(),
            work: Condvar::new(),
        }
    }

    /// Waits while too much is handed over and not yet durable. While nothing is taken nobody waits:
    /// reading goes on, and handing over is refused.
    pub(crate) async fn room(&self) {
        loop {
            let notified = self.room.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if lock(&self.inner).lets_begin() {
                return;
            }
            notified.await;
        }
    }

    /// What one frame takes of what is queued; a group is never split.
    pub(crate) fn take_batch(&self) -> Vec<Group> {
        let mut inner = lock(&self.inner);
        let (mut bytes, mut transactions) = (0, 0);
        let mut batch = Vec::new();
        while let Some(group) = inner.groups.front() {
            bytes += group.bytes;
            transactions += group.transactions.len();
            let full = bytes > MAX_FRAME_BYTES || transactions > MAX_FRAME_TRANSACTIONS;
            if full && !batch.is_empty() {
                break;
            }
            batch.extend(inner.groups.pop_front());
        }
        inner.driven &= !batch.is_empty();
        inner.committing = !batch.is_empty();
        batch
    }

    pub(crate) fn settled(&self, bytes: usize) {
        lock(&self.inner).pending_bytes -= bytes;
        self.room.notify_waiters();
    }

    /// Everything that was handed over has failed.
    pub(crate) fn fail(&self, fault: Fault, forget: impl FnOnce()) -> Vec<Group> {
        let mut inner = lock(&self.inner);
        inner.trouble = Some(fault);
        inner.epoch += 1;
        inner.pending_bytes = 0;
        inner.last_resume = Some(Instant::now());
        forget();
        let failed = inner.groups.drain(..).collect();
        self.room.notify_waiters();
        failed
    }

    /// Nothing more is taken until writing is resumed; what was handed over goes on.
    pub(crate) fn stop(&self, why: Fault) {
        let mut inner = lock(&self.inner);
        inner.trouble.get_or_insert(why);
        inner.last_resume = Some(Instant::now());
        self.room.notify_waiters();
    }

    pub(crate) fn resumed(&self, resumed: Result<(), Fault>) {
        let mut inner = lock(&self.inner);
        if !inner.hopeless {
            inner.trouble = resumed.err();
        }
    }

    /// A bug: nothing is taken until the next start.
    pub(crate) fn abandon(&self, fault: Fault) {
        // Not through `lock`: the bug may have struck while the lock was held.
        let Ok(mut inner) = self.inner.lock() else {
            return;
        };
        inner.trouble = Some(fault);
        inner.hopeless = true;
        inner.groups.clear();
        inner.pending_bytes = 0;
        self.room.notify_waiters();
    }

    /// Somebody has waited too long for a commit. If it returned in this very moment, nothing is
    /// under way that would take the word back.
    pub(crate) fn stall(&self, fault: Fault) {
        let mut inner = lock(&self.inner);
        if inner.committing || !inner.groups.is_empty() {
            inner.stalled = Some(fault);
            self.room.notify_waiters();
        }
    }

    /// The commit that took so long has returned.
    pub(crate) fn relax(&self) {
        let mut inner = lock(&self.inner);
        inner.stalled = None;
        inner.committing = false;
    }

    pub(crate) fn close(&self) {
        lock(&self.inner).closed = true;
        self.work.notify_all();
        self.room.notify_waiters();
    }

    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.inner).groups.is_empty()
    }

    /// Whether it is time to try to write again; then the committer is to be woken.
    pub(crate) fn wish_to_resume(&self) -> bool {
        let mut inner = lock(&self.inner);
        if inner.trouble.is_none() || inner.hopeless || inner.closed || inner.resume_wished {
            return false;
        }
        if inner
            .last_resume
            .is_some_and(|last| last.elapsed() < RESUME_INTERVAL)
        {
            return false;
        }
        inner.last_resume = Some(Instant::now());
        inner.resume_wished = true;
        true
    }

    pub(crate) fn take_resume_wish(&self) -> bool {
        std::mem::take(&mut lock(&self.inner).resume_wished)
    }

    pub(crate) fn wake_thread(&self) {
        self.work.notify_one();
    }

    /// The committer's thread waits here; false when the store is closed and nothing is left.
    pub(crate) fn wait_for_work(&self) -> bool {
        let mut inner = lock(&self.inner);
        loop {
            if !inner.groups.is_empty() || inner.resume_wished {
                return true;
            }
            if inner.closed {
                return false;
            }
            inner = self
                .work
                .wait(inner)
                .expect("because a panic inside the store is a bug that nothing may build upon");
        }
    }

    /// True for the one who is to drive the committer.
    pub(crate) fn begin_drive(&self) -> bool {
        !std::mem::replace(&mut lock(&self.inner).driven, true)
    }

    pub(crate) fn drive_ended(&self) {
        lock(&self.inner).driven = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(queue: &Queue) {
        drop(lock(&queue.inner).push(Vec::new(), Vec::new(), MAX_PENDING_BYTES));
    }

    #[test]
    fn a_stall_told_after_the_commit_has_returned_stops_nobody() {
        let queue = Queue::new(1);
        full(&queue);
        assert_eq!(queue.take_batch().len(), 1);
        queue.stall(Fault::new("committing", "too slow"));
        assert!(lock(&queue.inner).refuses());
        queue.settled(MAX_PENDING_BYTES);
        queue.relax();
        queue.stall(Fault::new("committing", "too slow"));
        assert!(!lock(&queue.inner).refuses(), "nobody would take it back");
    }

    #[tokio::test]
    async fn nobody_waits_for_room_behind_a_commit_that_hangs() {
        let queue = Queue::new(1);
        full(&queue);
        assert_eq!(queue.take_batch().len(), 1);
        let waiting = tokio::time::timeout(Duration::from_secs(5), queue.room());
        let hanging = async { queue.stall(Fault::new("committing", "too slow")) };
        let (waited, ()) = tokio::join!(waiting, hanging);
        waited.expect("because handing over is refused now");
    }

    #[tokio::test]
    async fn nobody_waits_for_room_once_the_committer_is_gone() {
        let queue = Queue::new(1);
        full(&queue);
        queue.abandon(Fault::new("committing", "a bug"));
        tokio::time::timeout(Duration::from_secs(5), queue.room())
            .await
            .expect("because nothing is pending any more");
    }
}
