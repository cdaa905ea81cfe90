//! What mail at rest knows of mail on the road: where its rows lie, and which bodies they hold.
//!
//! | key | value |
//! |---|---|
//! | `b` message | the body that is held for a message on the road |
//!
//! All other rows of the partition belong to the room `post`. A held body is live for the vacuum
//! whatever became of the mailboxes it was delivered to. What never happens here: a recipient, a
//! decision when to let go.

use crate::codec::{Damaged, Decoded, Look, Moment, Record, damaged, decode, number, read_number};
use crate::deliver::{Inner, Mail};
use crate::error::commit_fault;
use crate::keys;
use bytes::Bytes;
use roaring::RoaringTreemap;
use std::fmt;
use store::{Body, BodyId, Db, Edit, Fault, Partition, Scan, Value};

/// Where everything about mail on the road is. The last partition: in a group with accounts its
/// lock is taken last and held shortly.
pub const ROAD: Partition = Partition(u64::MAX);

/// The prefix of the rows that hold bodies.
const HELD: &[u8] = b"b";
const VERSION: u8 = 1;

/// A message on the road. Numbers rise; one is not given again while any row speaks of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MessageNumber(pub u64);

impl fmt::Display for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The body that is held for a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Held(BodyId);

impl Record for Held {
    const WHAT: &'static str = "a held body";
    fn encode(&self) -> Vec<u8> {
        number(VERSION, self.0.0)
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        read_number(bytes, VERSION).map(|id| Self(BodyId(id)))
    }
}

fn held(message: MessageNumber) -> Vec<u8> {
    [HELD, &message.0.to_be_bytes()].concat()
}

/// Holds a body for a message, in the transaction that writes the message's rows.
pub fn hold(edit: &mut Edit, message: MessageNumber, body: &Body) -> BodyId {
    let id = edit.add_body(body);
    edit.put(held(message), Held(id).encode());
    id
}

/// Lets the body of a message go, in the transaction that removes the message's rows.
pub fn let_go(edit: &mut Edit, message: MessageNumber) {
    edit.delete(held(message));
}

/// The road at the last durable commit.
pub struct RoadLook(Moment);

impl RoadLook {
    /// What a key has.
    pub fn get(&self, key: &[u8]) -> Result<Option<Value>, Fault> {
        self.0.value(key)
    }
    /// A record, if there is one.
    pub fn record<T: Record>(&self, key: &[u8]) -> Result<Option<T>, Fault> {
        self.0.record(key)
    }
    /// All keys that begin so, in order.
    pub fn below(&self, prefix: &[u8]) -> Scan {
        self.0.below(prefix)
    }
    /// The body that is held for a message.
    pub fn held(&self, message: MessageNumber) -> Result<Option<BodyId>, Fault> {
        let held = self.record::<Held>(&held(message))?;
        Ok(held.map(|held| held.0))
    }
    /// The messages for which bodies are held.
    pub fn holding(&self) -> impl Iterator<Item = Result<MessageNumber, Fault>> {
        self.below(HELD).map(|row| {
            let (key, _) = row?;
            let number = keys::last_u64(&key).ok_or_else(|| damaged(Held::WHAT, &key))?;
            Ok(MessageNumber(number))
        })
    }
    /// A range of keys.
    pub fn range(&self, range: impl std::ops::RangeBounds<Vec<u8>>) -> Scan {
        self.0.range(range)
    }
}

impl Mail {
    /// The road as it is now, durably.
    pub fn road(&self) -> RoadLook {
        RoadLook(moment(&self.inner.db))
    }
    /// A transaction on the road. Its lock is every submission's: nothing is waited for under it.
    pub async fn road_edit(&self) -> Edit {
        self.inner.db.edit(ROAD).await
    }
    /// Hands a transaction over; Ok when it is durable.
    pub async fn road_commit(&self, edit: Edit) -> Result<(), Fault> {
        edit.submit().await.map(drop).map_err(commit_fault)
    }
    /// The octets of a held body: at most `len` from `from`, fewer at the end.
    pub fn held_body(&self, body: BodyId, from: u64, len: usize) -> Result<Bytes, Fault> {
        self.inner.db.read_body(body, from, len)
    }
}

fn moment(db: &Db) -> Moment {
    Moment::new(db.snapshot(), ROAD)
}

/// Marks the bodies that are held.
pub(crate) fn mark(inner: &Inner, live: &mut RoaringTreemap) -> Result<(), Fault> {
    for row in moment(&inner.db).below(HELD) {
        let (key, value) = row?;
        live.insert(decode::<Held>(&key, &value)?.0.0);
    }
    Ok(())
}

/// Every held body must be there; gives their number and octets.
pub(crate) fn verify(inner: &Inner, mut problem: impl FnMut(String)) -> Result<(u64, u64), Fault> {
    let (mut messages, mut bytes) = (0, 0);
    for row in moment(&inner.db).below(HELD) {
        let (key, value) = row?;
        let number = keys::last_u64(&key).ok_or_else(|| damaged(Held::WHAT, &key))?;
        messages += 1;
        match Held::decode(&value).map(|held| inner.db.body_len(held.0)) {
            Ok(Ok(Some(len))) => bytes += len,
            Ok(Ok(None)) => problem(format!("the body of message {number} is not there")),
            Ok(Err(fault)) => problem(format!("message {number}: {fault}")),
            Err(Damaged) => problem(format!("which body message {number} has cannot be read")),
        }
    }
    Ok((messages, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_body_reads_as_written() {
        let held = Held(BodyId(7 << 40));
        assert_eq!(Held::decode(&held.encode()), Ok(held));
        assert_eq!(Held::decode(&[VERSION, 1]), Err(Damaged));
    }
}
