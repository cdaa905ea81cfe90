//! The ready-to-send record as the doors read it. What never happens here: parsing of a message.

use crate::codec::damaged;
use crate::ids::{EmailId, MailboxId, ThreadId};
use crate::keys;
use crate::limits;
use crate::parts::PartTree;
use crate::record::{self, Head, KEPT_FIELDS, Sect};
use crate::view::Message;
use bytes::{Bytes, BytesMut};
use net::Time;
use std::borrow::Cow;
use store::{BodyId, Db, Fault};

/// What is kept ready of a message, in the form in which it is sent. Sections are looked at only
/// when they are asked for.
#[derive(Clone)]
pub struct Ready {
    record: Bytes,
    head: Head,
    /// The whole body, if it was read ahead.
    ahead: Option<Bytes>,
    db: Db,
}

/// A header field as the record knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeptField<'a> {
    /// The message has no such field.
    Absent,
    /// The raw, unfolded value of the only field of this name.
    Value(&'a [u8]),
    /// Not kept (not a usual field, too long, or there more than once): read the header.
    Unknown,
}

impl Ready {
    pub(crate) fn new(db: &Db, mailbox: MailboxId, uid: u32, record: Bytes) -> Result<Self, Fault> {
        let head = Head::read(&record)
            .map_err(|_| damaged("a ready-to-send record", &keys::ready(mailbox, uid)))?;
        Ok(Self {
            record,
            head,
            ahead: None,
            db: db.clone(),
        })
    }
    fn section(&self, section: Sect) -> &[u8] {
        self.head.section(&self.record, section)
    }
    /// The content's id [rfc8474 5.1].
    pub fn email_id(&self) -> EmailId {
        self.head.email
    }
    /// The conversation's id [rfc8474 5.2].
    pub fn thread_id(&self) -> ThreadId {
        self.head.thread
    }
    /// INTERNALDATE.
    pub fn internal_date(&self) -> Time {
        self.head.internal_date
    }
    /// When it came into this mailbox [rfc8514].
    pub fn saved(&self) -> Time {
        self.head.saved
    }
    /// Octets as RETR and RFC822.SIZE say, prefix included.
    pub fn size(&self) -> u64 {
        self.head.size()
    }
    /// Whether its last line has its CRLF, and whether its headers are ASCII.
    pub fn form(&self) -> Form {
        self.head.form
    }
    /// The IMAP ENVELOPE value as sent, `(…)`.
    pub fn envelope(&self) -> &[u8] {
        self.section(Sect::Envelope)
    }
    /// The extensible BODYSTRUCTURE value as sent.
    pub fn bodystructure(&self) -> &[u8] {
        self.section(Sect::BodyStructure)
    }
    /// The BODY value as sent: without extension data.
    pub fn body(&self) -> Cow<'_, [u8]> {
        let full = self.bodystructure();
        imap::body_from_bodystructure(full).map_or(Cow::Borrowed(full), Cow::Owned)
    }
    /// Where every MIME part begins and ends.
    pub fn parts(&self) -> PartTree {
        PartTree::decode(self.section(Sect::Parts), self.head.prefix_len())
            .unwrap_or_else(|_| PartTree::opaque(self.size()))
    }
    /// The first words of the text [rfc8970].
    pub fn preview(&self) -> &str {
        std::str::from_utf8(self.section(Sect::Preview)).unwrap_or_default()
    }
    /// The envelope with which it was delivered; none for messages that a client has put there.
    pub fn delivered(&self) -> Option<DeliveredEnvelope> {
        record::decode_delivered(self.section(Sect::Delivered))
            .ok()
            .flatten()
    }
    /// The value of a usual header field, if it is kept; `kept_field` says more.
    pub fn header_field(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        match self.kept_field(name) {
            KeptField::Value(value) => Some(Cow::Borrowed(value)),
            KeptField::Absent | KeptField::Unknown => None,
        }
    }
    /// Are fields of this name usually kept?
    pub fn is_kept_field(name: &str) -> bool {
        KEPT_FIELDS
            .iter()
            .any(|field| field.eq_ignore_ascii_case(name))
    }
    /// A usual header field of the body (the prefix is not looked at).
    pub fn kept_field(&self, name: &str) -> KeptField<'_> {
        let Some(number) = KEPT_FIELDS
            .iter()
            .position(|f| f.eq_ignore_ascii_case(name))
        else {
            return KeptField::Unknown;
        };
        let fields = self.section(Sect::Fields);
        match record::find_field(fields, number as u8) {
            Ok(None) => KeptField::Absent,
            Ok(Some(Some(range))) => KeptField::Value(&fields[range]),
            Ok(Some(None)) | Err(_) => KeptField::Unknown,
        }
    }
    /// What was put before the body at the delivery.
    pub(crate) fn prefix(&self) -> Bytes {
        self.record.slice(self.head.range(Sect::Prefix))
    }
    /// The message's octets.
    pub fn content(&self) -> Content {
        Content {
            prefix: self.prefix(),
            body: self.head.body,
            len: self.size(),
            ahead: self.ahead.clone(),
            db: self.db.clone(),
        }
    }
}

/// Reads the bodies of the first of these messages at once, as many as may wait in memory, so that
/// their contents cost less afterwards; says of how many messages. What cannot be read this way is
/// read, and its trouble told, when its content is asked for.
pub fn read_ahead(messages: &mut [Message]) -> usize {
    let mut bytes = 0;
    let mut small: Vec<&mut Ready> = Vec::new();
    let mut seen = 0;
    for message in messages {
        let body_len = message
            .ready
            .as_ref()
            .map_or(0, |ready| ready.head.body_len);
        bytes += body_len;
        if seen > 0 && bytes > limits::READ_AHEAD_BYTES {
            break;
        }
        seen += 1;
        let fits = body_len <= limits::READ_AHEAD_BODY_BYTES;
        small.extend(message.ready.as_mut().filter(|_| fits));
    }
    if small.len() > 1 {
        let ids: Vec<BodyId> = small.iter().map(|ready| ready.head.body).collect();
        let bodies = small[0].db.read_ahead(&ids);
        for (ready, body) in small.into_iter().zip(bodies) {
            ready.ahead = body.filter(|body| body.len() as u64 == ready.head.body_len);
        }
    }
    seen
}

/// What must be known of a message before its octets are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Form {
    /// How it ends.
    pub last_line: LastLine,
    /// What stands in its headers.
    pub headers: Headers,
}

/// What the headers of a message and of its parts hold. One that was too long to be looked at
/// counts as `Utf8`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Headers {
    /// ASCII only.
    #[default]
    Ascii,
    /// Other octets as well: UTF-8 [rfc6532], or what was sent instead of it.
    Utf8,
}

impl Form {
    pub(crate) fn bits(self) -> u8 {
        u8::from(self.last_line == LastLine::Open) | u8::from(self.headers == Headers::Utf8) << 1
    }
    pub(crate) fn from_bits(bits: u8) -> Option<Self> {
        let last_line = match bits & 1 {
            0 => LastLine::Ended,
            _ => LastLine::Open,
        };
        let headers = match bits & 2 {
            0 => Headers::Ascii,
            _ => Headers::Utf8,
        };
        (bits < 4).then_some(Self { last_line, headers })
    }
}

/// Whether a message's last line has its CRLF. An empty message has no line to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LastLine {
    #[default]
    Ended,
    /// A protocol of lines sends a CRLF more than is stored.
    Open,
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
    /// What the sender asked about notifications.
    pub dsn: Dsn,
}

impl DeliveredEnvelope {
    /// Whether it came for this user, whose name is in lower case: of his address, or of
    /// `user+detail`.
    pub fn is_for(&self, user: &str) -> bool {
        crate::directory::is_user(&self.recipient, user)
    }
}

/// What a sender asked about delivery status notifications, in the words in which it came, because
/// so they are passed on [rfc3461 5.2.1].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dsn {
    /// How much of the message a notification brings back.
    pub ret: Option<String>,
    /// The sender's name for the transaction.
    pub envid: Option<String>,
    /// When to notify about this recipient.
    pub notify: Option<String>,
    /// This recipient as the first sender named it.
    pub orcpt: Option<String>,
}

/// Prefix and body as one.
#[derive(Clone)]
pub struct Content {
    prefix: Bytes,
    body: BodyId,
    len: u64,
    ahead: Option<Bytes>,
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
    fn read_body(&self, from: u64, len: usize) -> Result<Bytes, Fault> {
        let Some(body) = &self.ahead else {
            return self.db.read_body(self.body, from, len);
        };
        let from = usize::try_from(from).map_or(body.len(), |from| from.min(body.len()));
        Ok(body.slice(from..body.len().min(from.saturating_add(len))))
    }
    /// At most `len` octets from `from`; fewer only at the end.
    pub fn read(&self, from: u64, len: usize) -> Result<Bytes, Fault> {
        let prefix_len = self.prefix.len() as u64;
        if from >= prefix_len {
            return self.read_body(from - prefix_len, len);
        }
        let start = from as usize;
        let taken = self
            .prefix
            .slice(start..self.prefix.len().min(start.saturating_add(len)));
        if taken.len() == len || self.len == prefix_len {
            return Ok(taken);
        }
        let rest = self.read_body(0, len - taken.len())?;
        let mut both = BytesMut::with_capacity(taken.len() + rest.len());
        both.extend_from_slice(&taken);
        both.extend_from_slice(&rest);
        Ok(both.freeze())
    }
}
