//! One transaction: reads through what was handed over, writes, asserts, and is submitted.
//!
//! Never here: a transaction over two partitions (groups are several edits), waiting for the disk.

use crate::body::{Body, Claim};
use crate::engine::Engine;
use crate::index::NEWEST;
use crate::key::{self, Space};
use crate::limits::{MAX_EDIT_BYTES, MAX_GROUP_BYTES, MAX_KEY_BYTES};
use crate::locks::PartitionLock;
use crate::queue::{Parcel, Transaction, Writes};
use crate::snapshot::{Layer, owned};
use crate::sync::lock;
use crate::{BodyId, CommitError, Fault, Partition, Scan, Value, Version};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::future::Future;
use std::ops::RangeBounds;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Sleep;

/// A transaction inside one partition. Holds the partition's lock until submitted or dropped
/// (dropped: nothing happens).
pub struct Edit {
    partition: Partition,
    epoch: u64,
    writes: Writes,
    expects: Vec<(Vec<u8>, Option<Version>)>,
    bodies: Vec<(Arc<Claim>, Body)>,
    record_bytes: usize,
    longest_key_bytes: usize,
    engine: Arc<Engine>,
    _lock: PartitionLock,
}

impl Edit {
    pub(crate) async fn begin(engine: Arc<Engine>, partition: Partition) -> Edit {
        engine.queue.room().await;
        let held = engine.locks.take(partition).await;
        let epoch = lock(&engine.queue.inner).epoch();
        Edit {
            partition,
            epoch,
            writes: Writes::new(),
            expects: Vec::new(),
            bodies: Vec::new(),
            record_bytes: 0,
            longest_key_bytes: 0,
            engine,
            _lock: held,
        }
    }

    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// Own writes, then what is handed to the committer, then what is durable.
    pub fn get(&self, key: &[u8]) -> Result<Option<Value>, Fault> {
        match self.writes.get(key) {
            Some(payload) => Ok(payload.as_ref().map(unsubmitted)),
            None => self.before(key),
        }
    }

    /// The same, for keys that the edits of this partition read each time: what the index holds is
    /// kept at hand for the next edit.
    pub fn get_often(&self, key: &[u8]) -> Result<Option<Value>, Fault> {
        if let Some(payload) = self.writes.get(key) {
            return Ok(payload.as_ref().map(unsubmitted));
        }
        if let Some(value) = self.at_hand(key) {
            return Ok(value);
        }
        let found = self.engine.get(self.partition, key, NEWEST)?;
        let overlay = &self.engine.overlay;
        overlay.keep(self.partition, key, found.as_ref());
        Ok(found)
    }

    /// What was handed over of this key, or is kept of it; outer None: nothing.
    fn at_hand(&self, key: &[u8]) -> Option<Option<Value>> {
        self.engine.overlay.get(self.partition, key)
    }

    /// What the key has before this transaction.
    fn before(&self, key: &[u8]) -> Result<Option<Value>, Fault> {
        match self.at_hand(key) {
            Some(value) => Ok(value),
            None => self.engine.get(self.partition, key, NEWEST),
        }
    }

    /// The same merged view over a range.
    pub fn scan(&self, range: impl RangeBounds<Vec<u8>>) -> Scan {
        let Some((low, high)) = key::bounds(self.partition, &range) else {
            return Scan::new(self.engine.clone(), None, None, Layer::new());
        };
        // The overlay first: what leaves it in between stands in the index by then.
        let handed_over = self.engine.overlay.range(self.partition, owned(&range));
        let mut layer: BTreeMap<Vec<u8>, Option<Value>> = handed_over.into_iter().collect();
        for (key, payload) in self.writes.range(owned(&range)) {
            layer.insert(key.clone(), payload.as_ref().map(unsubmitted));
        }
        let rows = self.engine.index.range(low, high, NEWEST);
        Scan::new(
            self.engine.clone(),
            Some(rows),
            None,
            layer.into_iter().collect(),
        )
    }

    pub fn prefix(&self, prefix: &[u8]) -> Scan {
        self.scan(key::prefix_range(prefix))
    }

    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.write(key.into(), Some(Bytes::from(value.into())));
    }

    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.write(key.into(), None);
    }

    fn write(&mut self, key: Vec<u8>, payload: Option<Bytes>) {
        let key_bytes = key.len();
        self.longest_key_bytes = self.longest_key_bytes.max(key_bytes);
        self.record_bytes += key_bytes + payload.as_ref().map_or(0, Bytes::len);
        if let Some(replaced) = self.writes.insert(key, payload) {
            self.record_bytes -= key_bytes + replaced.map_or(0, |payload| payload.len());
        }
    }

    /// Asserts the version that the key has before this transaction; None: absent.
    pub fn expect(&mut self, key: impl Into<Vec<u8>>, version: Option<Version>) {
        self.expects.push((key.into(), version));
    }

    /// The same body in several edits of one group is written once.
    pub fn add_body(&mut self, body: &Body) -> BodyId {
        let claim = body.claim(&self.engine.ids);
        let id = claim.id;
        self.bodies.push((claim, body.clone()));
        id
    }

    /// Keys and values of this transaction together; the bound is `limits::MAX_EDIT_BYTES`.
    pub fn record_bytes(&self) -> usize {
        self.record_bytes
    }

    /// Hands it to the committer and releases the lock at once; durable when the Pending says so.
    pub fn submit(self) -> Pending {
        let engine = self.engine.clone();
        submit(&engine, vec![self])
    }

    /// Changes nothing, and lets the lock go. What this edit has read may be handed over only, and
    /// may fail yet; who answers on the strength of it waits for this first.
    pub fn leave(mut self) -> Pending {
        self.writes.clear();
        self.bodies.clear();
        self.record_bytes = 0;
        if self.engine.overlay.has_pending(self.partition) {
            return self.submit();
        }
        let version = Version(self.engine.readers.visible());
        Pending(Waiting::Settled(Ok(Committed { version })))
    }

    fn check(&self) -> Result<(), CommitError> {
        if self.record_bytes > MAX_EDIT_BYTES || self.longest_key_bytes > MAX_KEY_BYTES {
            return Err(CommitError::TooLarge);
        }
        for (key, version) in &self.expects {
            let found = self.before(key).map_err(|fault| {
                tracing::error!(%fault, "an assert could not be checked");
                CommitError::Failed
            })?;
            if found.map(|value| value.version()) != *version {
                return Err(CommitError::Conflict);
            }
        }
        Ok(())
    }
}

fn unsubmitted(payload: &Bytes) -> Value {
    Value::new(payload.clone(), Version::UNSUBMITTED)
}

/// Hands the edits over as one group.
pub(crate) fn submit(engine: &Arc<Engine>, edits: Vec<Edit>) -> Pending {
    match hand_over(engine, edits) {
        Ok(pending) => pending,
        Err(error) => Pending(Waiting::Settled(Err(error))),
    }
}

fn hand_over(engine: &Arc<Engine>, mut edits: Vec<Edit>) -> Result<Pending, CommitError> {
    if edits.is_empty() {
        let version = Version(engine.readers.visible());
        return Ok(Pending(Waiting::Settled(Ok(Committed { version }))));
    }
    for edit in &edits {
        assert!(
            Arc::ptr_eq(engine, &edit.engine),
            "an edit is submitted to the store that began it"
        );
        edit.check()?;
    }
    let parcels = parcels(&mut edits);
    let bytes = edits.iter().map(|edit| edit.record_bytes).sum::<usize>()
        + parcels
            .iter()
            .map(|parcel| parcel.stored.inline_bytes())
            .sum::<usize>();
    if bytes > MAX_GROUP_BYTES {
        return Err(CommitError::TooLarge);
    }
    if !parcels.is_empty() && engine.is_full() {
        return Err(CommitError::Full);
    }
    let mut queue = lock(&engine.queue.inner);
    if queue.refuses() {
        drop(queue);
        engine.ask_to_resume();
        return Err(CommitError::ReadOnly);
    }
    if edits.iter().any(|edit| edit.epoch != queue.epoch()) {
        return Err(CommitError::Failed);
    }
    let mut transactions = Vec::with_capacity(edits.len());
    for edit in &mut edits {
        let (space, seqno) = (Space::Of(edit.partition), queue.next_seqno());
        let writes = std::mem::take(&mut edit.writes);
        engine.overlay.add(edit.partition, seqno, &writes);
        transactions.push(Transaction {
            space,
            seqno,
            writes,
        });
    }
    let told = queue.push(transactions, parcels, bytes);
    drop(queue);
    drop(edits);
    engine.wake_committer();
    Ok(Pending::on(engine, told))
}

/// Hands over writes of the store's own, and bodies that move.
pub(crate) fn hand_over_own(
    engine: &Arc<Engine>,
    writes: Writes,
    parcels: Vec<Parcel>,
) -> Result<Pending, CommitError> {
    let bytes = writes.keys().map(Vec::len).sum::<usize>()
        + parcels
            .iter()
            .map(|parcel| parcel.stored.inline_bytes())
            .sum::<usize>();
    let mut queue = lock(&engine.queue.inner);
    if queue.refuses() {
        return Err(CommitError::ReadOnly);
    }
    let seqno = queue.next_seqno();
    let told = queue.push(
        vec![Transaction {
            space: Space::Own,
            seqno,
            writes,
        }],
        parcels,
        bytes,
    );
    drop(queue);
    engine.wake_committer();
    Ok(Pending::on(engine, told))
}

/// Each body of the group once.
fn parcels(edits: &mut [Edit]) -> Vec<Parcel> {
    let mut once = BTreeMap::new();
    for (claim, body) in edits.iter_mut().flat_map(|edit| edit.bodies.drain(..)) {
        once.insert(claim.id, Parcel::new(claim, &body));
    }
    once.into_values().collect()
}

/// A durable commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Committed {
    /// The version of what the group's last transaction wrote.
    pub version: Version,
}

enum Waiting {
    Settled(Result<Committed, CommitError>),
    On {
        told: oneshot::Receiver<Result<Committed, CommitError>>,
        engine: Arc<Engine>,
        timer: Option<Pin<Box<Sleep>>>,
    },
}

/// Waits until a commit is durable. Dropping it does not undo the commit.
#[must_use = "a commit is durable only when its Pending says so"]
pub struct Pending(Waiting);

impl Pending {
    fn on(
        engine: &Arc<Engine>,
        told: oneshot::Receiver<Result<Committed, CommitError>>,
    ) -> Pending {
        Pending(Waiting::On {
            told,
            engine: engine.clone(),
            timer: None,
        })
    }
}

impl Future for Pending {
    type Output = Result<Committed, CommitError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (told, engine, timer) = match &mut self.get_mut().0 {
            Waiting::Settled(result) => return Poll::Ready(*result),
            Waiting::On {
                told,
                engine,
                timer,
            } => (told, engine, timer),
        };
        if let Poll::Ready(result) = Pin::new(told).poll(cx) {
            // A committer that went away without a word leaves the outcome unknown.
            return Poll::Ready(result.unwrap_or(Err(CommitError::Failed)));
        }
        if timer.is_none() && tokio::runtime::Handle::try_current().is_ok() {
            let limit = Duration::from_secs(engine.settings.commit_timeout_s);
            *timer = Some(Box::pin(tokio::time::sleep(limit)));
        }
        let Some(timer) = timer else {
            return Poll::Pending;
        };
        if timer.as_mut().poll(cx).is_ready() {
            engine.stall();
            return Poll::Ready(Err(CommitError::TimedOut));
        }
        Poll::Pending
    }
}
