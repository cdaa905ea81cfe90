//! The committer: gathers what was handed over into one durable commit, makes it visible, rings
//! the bells, and tells those who wait, in this order.
//!
//! Never here: a reader; anything visible before it is durable; success after a failed write.

use crate::body::{Body, Claim, Content};
use crate::edit::Committed;
use crate::engine::Engine;
use crate::key::Space;
use crate::limits::{MAX_FRAME_BYTES, MAX_FRAME_TRANSACTIONS, MAX_PENDING_BYTES};
use crate::name::encode_value;
use crate::sync::lock;
use crate::{CommitError, Fault, Version};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, oneshot};

pub(crate) type Writes = BTreeMap<Vec<u8>, Option<Bytes>>;

/// One transaction as it was handed over.
pub(crate) struct Transaction {
    pub(crate) space: Space,
    pub(crate) seqno: u64,
    pub(crate) writes: Writes,
}

/// A body that a group brings.
pub(crate) struct Parcel {
    pub(crate) claim: Arc<Claim>,
    pub(crate) body: Body,
}

/// Transactions that become durable together.
pub(crate) struct Group {
    pub(crate) transactions: Vec<Transaction>,
    pub(crate) parcels: Vec<Parcel>,
    pub(crate) bytes: usize,
    pub(crate) done: oneshot::Sender<Result<Committed, CommitError>>,
}

pub(crate) struct QueueInner {
    pub(crate) groups: VecDeque<Group>,
    pub(crate) next_seqno: u64,
    /// Rises when everything that was handed over has failed: older edits have seen too much.
    pub(crate) epoch: u64,
    pub(crate) trouble: Option<Fault>,
    /// A commit takes longer than it may; taken back when it returns.
    pub(crate) stalled: Option<Fault>,
    pub(crate) closed: bool,
    pending_bytes: usize,
    /// A task is on its way to commit what is queued.
    driven: bool,
}

pub(crate) struct Queue {
    pub(crate) inner: Mutex<QueueInner>,
    room: Notify,
}

impl Queue {
    pub(crate) fn new(next_seqno: u64) -> Queue {
        let inner = QueueInner {
            groups: VecDeque::new(),
            next_seqno,
            epoch: 0,
            trouble: None,
            stalled: None,
            closed: false,
            pending_bytes: 0,
            driven: false,
        };
        Queue {
            inner: Mutex::new(inner),
            room: Notify::new(),
        }
    }

    /// Waits while too much is handed over and not yet durable.
    pub(crate) async fn room(&self) {
        loop {
            let notified = self.room.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if lock(&self.inner).pending_bytes < MAX_PENDING_BYTES {
                return;
            }
            notified.await;
        }
    }

    fn take_batch(&self) -> Vec<Group> {
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
        batch
    }

    fn settled(&self, bytes: usize) {
        lock(&self.inner).pending_bytes -= bytes;
        self.room.notify_waiters();
    }
}

impl QueueInner {
    /// Takes the group in; the caller wakes the committer after letting go of the lock.
    pub(crate) fn push(&mut self, group: Group) {
        self.pending_bytes += group.bytes;
        self.groups.push_back(group);
    }
}

impl Engine {
    /// Sees to it that what is queued gets committed.
    pub(crate) fn wake_committer(self: &Arc<Self>) {
        let mut inner = lock(&self.queue.inner);
        if inner.driven {
            return;
        }
        inner.driven = true;
        drop(inner);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                let drive = Drive { engine: self.clone(), finished: false };
                runtime.spawn(drive.run());
            }
            Err(_) => while self.commit_some() {},
        }
    }

    /// One round of the committer; false if nothing was queued.
    fn commit_some(&self) -> bool {
        let batch = self.queue.take_batch();
        if batch.is_empty() {
            return false;
        }
        self.commit(batch);
        true
    }

    fn commit(&self, batch: Vec<Group>) {
        let bytes = batch.iter().map(|group| group.bytes).sum();
        self.apply(&batch);
        for group in &batch {
            for transaction in &group.transactions {
                if let Space::Of(partition) = transaction.space {
                    self.overlay
                        .remove(partition, transaction.seqno, &transaction.writes);
                    if !transaction.writes.is_empty() {
                        self.bells.ring(partition);
                    }
                }
            }
        }
        self.queue.settled(bytes);
        for group in batch {
            let last = group
                .transactions
                .last()
                .map_or(0, |transaction| transaction.seqno);
            drop(group.parcels);
            // Nobody has to wait for it.
            let _ = group.done.send(Ok(Committed {
                version: Version(last),
            }));
        }
    }

    /// Puts what is durable into the index and shows it.
    fn apply(&self, batch: &[Group]) {
        let oldest = self.readers.oldest();
        let mut last = self.readers.visible();
        for group in batch {
            for parcel in &group.parcels {
                if !parcel.claim.written.swap(true, Ordering::AcqRel) {
                    self.bodies.adopt(parcel);
                }
            }
            for Transaction {
                space,
                seqno,
                writes,
            } in &group.transactions
            {
                for (key, payload) in writes {
                    let full_key = space.full(key);
                    let stored = payload
                        .as_ref()
                        .map(|payload| encode_value(&full_key, Version(*seqno), payload));
                    self.index.insert(full_key, stored, *seqno, oldest);
                }
                last = last.max(*seqno);
            }
        }
        self.readers.show(last);
    }
}

/// The committer as a task, where there is no thread for it. If the task is dropped on the way,
/// the next one who hands something over drives again.
struct Drive {
    engine: Arc<Engine>,
    finished: bool,
}

impl Drive {
    async fn run(mut self) {
        loop {
            // Lets others hand over first, so that a group gathers.
            tokio::task::yield_now().await;
            if !self.engine.commit_some() {
                self.finished = true;
                return;
            }
        }
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        if !self.finished {
            lock(&self.engine.queue.inner).driven = false;
        }
    }
}

/// Bytes of a body that travel in a frame.
pub(crate) fn inline_bytes(body: &Body) -> usize {
    match &body.0.content {
        Content::Memory(bytes) => bytes.len(),
    }
}
