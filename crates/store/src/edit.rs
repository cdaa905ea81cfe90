//! One transaction.
use crate::*;
use std::future::Future;
use std::ops::RangeBounds;
use std::pin::Pin;
use std::task::{Context, Poll};
/// A transaction inside one partition. Holds the partition's lock until submitted or dropped
/// (dropped: nothing happens).
pub struct Edit {}
impl Edit {
    pub fn partition(&self) -> Partition {
        todo!()
    }
    /// Own writes, then what is handed to the committer, then what is durable.
    pub fn get(&self, key: &[u8]) -> Result<Option<Value>, Fault> {
        todo!()
    }
    pub fn scan(&self, range: impl RangeBounds<Vec<u8>>) -> Scan {
        todo!()
    }
    pub fn prefix(&self, prefix: &[u8]) -> Scan {
        todo!()
    }
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        todo!()
    }
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        todo!()
    }
    /// Asserts the version that the key has before this transaction; None: absent.
    pub fn expect(&mut self, key: impl Into<Vec<u8>>, version: Option<Version>) {
        todo!()
    }
    /// The same body in several edits of one group is written once.
    pub fn add_body(&mut self, body: &Body) -> BodyId {
        todo!()
    }
    /// Keys and values of this transaction together; the bound is `limits::MAX_EDIT_BYTES`.
    pub fn record_bytes(&self) -> usize {
        todo!()
    }
    /// Hands it to the committer and releases the lock at once; durable when the Pending says so.
    pub fn submit(self) -> Pending {
        todo!()
    }
}
/// A durable commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Committed {
    pub version: Version,
}
/// Waits until a commit is durable. Dropping it does not undo the commit.
#[must_use = "a commit is durable only when its Pending says so"]
pub struct Pending {}
impl Future for Pending {
    type Output = Result<Committed, CommitError>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        todo!()
    }
}
