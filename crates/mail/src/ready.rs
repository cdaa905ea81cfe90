//! The ready-to-send record as the doors read it. What never happens here: parsing of a message.

use crate::ids::{EmailId, ThreadId};
use crate::parts::PartTree;
use bytes::Bytes;
use net::Time;
use std::borrow::Cow;
use store::{Db, Fault};

/// What is kept ready of a message, in the form in which it is sent.
#[derive(Clone)]
pub struct Ready {
    pub(crate) record: Bytes,
    pub(crate) db: Db,
}

impl Ready {
    /// The content's id [rfc8474 5.1].
    pub fn email_id(&self) -> EmailId {
        todo!()
    }
    /// The conversation's id [rfc8474 5.2].
    pub fn thread_id(&self) -> ThreadId {
        todo!()
    }
    /// INTERNALDATE.
    pub fn internal_date(&self) -> Time {
        todo!()
    }
    /// When it came into this mailbox [rfc8514].
    pub fn saved(&self) -> Time {
        todo!()
    }
    /// Octets as RETR and RFC822.SIZE say, prefix included.
    pub fn size(&self) -> u64 {
        todo!()
    }
    /// The IMAP ENVELOPE value as sent, `(…)`.
    pub fn envelope(&self) -> &[u8] {
        todo!()
    }
    /// The extensible BODYSTRUCTURE value as sent.
    pub fn bodystructure(&self) -> &[u8] {
        todo!()
    }
    /// The BODY value as sent: without extension data.
    pub fn body(&self) -> Cow<'_, [u8]> {
        todo!()
    }
    /// Where every MIME part begins and ends.
    pub fn parts(&self) -> PartTree {
        todo!()
    }
    /// The first words of the text.
    pub fn preview(&self) -> &str {
        todo!()
    }
    /// The envelope with which it was delivered; none for messages that a client has put there.
    pub fn delivered(&self) -> Option<DeliveredEnvelope> {
        todo!()
    }
    /// The raw, unfolded value of the first header field of this name, if it is one of those that
    /// are kept (`record::KEPT_FIELDS`). `None`: not there. `Some(None)` is never said for a kept
    /// field; use `is_kept_field` before you trust a `None`.
    pub fn header_field(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        todo!()
    }
    /// Is a field of this name kept in the record, if the message has it?
    pub fn is_kept_field(name: &str) -> bool {
        todo!()
    }
    /// The message's octets.
    pub fn content(&self) -> Content {
        todo!()
    }
}

/// With which envelope a message came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeliveredEnvelope {
    /// The reverse path without brackets; empty for a bounce.
    pub sender: String,
    /// The recipient as given.
    pub recipient: String,
    /// The client, as the door describes it.
    pub client: String,
    /// The login, if there was one.
    pub login: Option<String>,
    /// When it was accepted.
    pub at: Time,
}

/// Prefix and body as one.
#[derive(Clone)]
pub struct Content {
    prefix: Bytes,
    body: u64,
    len: u64,
    db: Db,
}

impl Content {
    /// Octets in all.
    pub fn len(&self) -> u64 {
        self.len
    }
    /// No octet at all?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// At most `len` octets from `from`; fewer only at the end.
    pub fn read(&self, from: u64, len: usize) -> Result<Bytes, Fault> {
        todo!()
    }
}
