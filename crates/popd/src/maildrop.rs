//! INBOX as one session sees it: frozen at login, with the marks of this session on it.
//!
//! Two views are held. The frozen one gives numbers and sizes and never moves; the second one moves
//! forward and says whether a message is still there. Never here: wire words.

use crate::limits::{BATCH_MESSAGES, CHUNK_BYTES};
use crate::reply::{self, Refused};
use bytes::Bytes;
use mail::{
    Access, Account, Content, Cursor, Expunges, LastLine, MailboxName, Message, Ready, View,
    ViewError, Want,
};
use roaring::RoaringBitmap;
use std::fmt::Display;

/// A message that exists, is not marked, and is still there.
pub(crate) struct Found {
    pub uid: u32,
    pub ready: Ready,
}

/// What STAT says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub messages: u64,
    pub octets: u64,
}

pub(crate) struct Maildrop {
    frozen: View,
    live: View,
    marked: RoaringBitmap,
    /// Octets of all messages, marked or not; counted at the first STAT.
    octets: Option<u64>,
    session: u64,
}

impl Maildrop {
    /// Opened read-only: POP3 claims no `\Recent`.
    pub async fn open(account: &Account, session: u64) -> Result<Maildrop, Refused> {
        let inbox = MailboxName::inbox();
        let refuse = |error| reply::mailbox(&error, session);
        let frozen = account
            .select(&inbox, Access::ReadOnly)
            .await
            .map_err(refuse)?;
        let live = account
            .select(&inbox, Access::ReadOnly)
            .await
            .map_err(refuse)?;
        Ok(Maildrop {
            frozen,
            live,
            marked: RoaringBitmap::new(),
            octets: None,
            session,
        })
    }

    fn fault(&self, fault: &(impl Display + ?Sized)) -> Refused {
        reply::fault(fault, self.session)
    }

    /// The UID of a number that names a message which this session has not marked.
    fn unmarked(&self, number: u32) -> Result<u32, Refused> {
        // numbers begin with 1
        let uid = number
            .checked_sub(1)
            .and_then(|_| self.frozen.uid_at(number));
        let uid = uid.ok_or_else(|| Refused::new("no such message"))?;
        if self.marked.contains(uid) {
            return Err(Refused::new(format!("message {number} is deleted")));
        }
        Ok(uid)
    }

    /// A message by its number. One that somebody else has removed since is refused.
    pub fn find(&mut self, number: u32) -> Result<Found, Refused> {
        let uid = self.unmarked(number)?;
        let gone = || {
            Refused::new(format!(
                "message {number} is gone, another session removed it"
            ))
        };
        match self.live.advance(Expunges::Tell) {
            Ok(_) => {}
            // INBOX was renamed: its messages are elsewhere now
            Err(ViewError::Gone) => return Err(gone()),
            Err(ViewError::Unavailable(fault)) => return Err(self.fault(&fault)),
        }
        if !self.live.uids().contains(uid) {
            return Err(gone());
        }
        let only = RoaringBitmap::from([uid]);
        let found = self
            .frozen
            .fetch(&only, Want::Ready, &mut Cursor::start(), 1);
        let message = found
            .map_err(|fault| self.fault(&fault))?
            .pop()
            .ok_or_else(gone)?;
        let ready = message.ready.ok_or_else(gone)?;
        Ok(Found { uid, ready })
    }

    /// The unique-id: the same in every session, never used for another message [rfc1939 7].
    pub fn unique_id(&self, uid: u32) -> String {
        format!("{}.{uid}", self.frozen.uid_validity())
    }

    /// The messages that are not marked, with their numbers; a batch at a time.
    pub fn batch(&self, cursor: &mut Cursor) -> Result<Vec<Message>, Refused> {
        let uids = self.frozen.uids() - &self.marked;
        self.read(&uids, cursor)
    }

    fn read(&self, uids: &RoaringBitmap, cursor: &mut Cursor) -> Result<Vec<Message>, Refused> {
        let batch = self.frozen.fetch(uids, Want::Ready, cursor, BATCH_MESSAGES);
        batch.map_err(|fault| self.fault(&fault))
    }

    /// Numbers and UIDs of up to a batch of messages at or after `number` that are not marked.
    /// No record is read for them.
    pub fn numbers(&self, number: &mut u32) -> Vec<(u32, u32)> {
        let mut batch = Vec::new();
        while batch.len() < BATCH_MESSAGES {
            let Some(uid) = self.frozen.uid_at(*number) else {
                break;
            };
            if !self.marked.contains(uid) {
                batch.push((*number, uid));
            }
            *number += 1;
        }
        batch
    }

    /// Number and octets of the messages that are not marked [rfc1939 5].
    pub fn totals(&mut self) -> Result<Totals, Refused> {
        let all = match self.octets {
            Some(octets) => octets,
            None => self.sum(self.frozen.uids())?,
        };
        self.octets = Some(all);
        let marked = self.sum(&self.marked)?;
        Ok(Totals {
            messages: u64::from(self.frozen.len()) - self.marked.len(),
            octets: all.saturating_sub(marked),
        })
    }

    fn sum(&self, uids: &RoaringBitmap) -> Result<u64, Refused> {
        let (mut cursor, mut octets) = (Cursor::start(), 0);
        if uids.is_empty() {
            return Ok(0);
        }
        loop {
            let batch = self.read(uids, &mut cursor)?;
            if batch.is_empty() {
                return Ok(octets);
            }
            for ready in batch.iter().filter_map(|message| message.ready.as_ref()) {
                octets += octets_of(ready);
            }
        }
    }

    /// Marks a message. That somebody else has removed it already does not matter.
    pub fn mark(&mut self, number: u32) -> Result<(), Refused> {
        let uid = self.unmarked(number)?;
        self.marked.insert(uid);
        Ok(())
    }

    /// Takes all marks off.
    pub fn unmark_all(&mut self) {
        self.marked.clear();
    }

    /// The UPDATE state: removes what is marked; durable when this returns [rfc1939 6].
    pub async fn update(mut self) -> Result<u64, Refused> {
        if self.marked.is_empty() {
            return Ok(0);
        }
        match self.live.expunge_uids(&self.marked).await {
            Ok(removed) => Ok(removed.len() as u64),
            Err(error) => Err(reply::update(&error, self.session)),
        }
    }
}

/// Exactly what RETR sends, before stuffing [rfc1939 11].
pub(crate) fn octets_of(ready: &Ready) -> u64 {
    match ready.last_line() {
        LastLine::Ended => ready.size(),
        LastLine::Open => ready.size() + 2,
    }
}

/// A message's octets, in pieces.
pub(crate) struct Pieces {
    content: Content,
    at: u64,
}

impl Pieces {
    pub fn of(ready: &Ready) -> Pieces {
        Pieces {
            content: ready.content(),
            at: 0,
        }
    }

    /// The next piece; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Bytes>, String> {
        if self.at == self.content.len() {
            return Ok(None);
        }
        let piece = self
            .content
            .read(self.at, CHUNK_BYTES)
            .map_err(|fault| fault.to_string())?;
        if piece.is_empty() {
            return Err(format!(
                "reading a message: it ends at {} of {}",
                self.at,
                self.content.len()
            ));
        }
        self.at += piece.len() as u64;
        Ok(Some(piece))
    }
}
