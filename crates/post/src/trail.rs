//! The trail of every message that travels on: who handed it in, each attempt, the end.
//!
//! Its rows lie beside the queue's, are written by the transactions that do what they tell of, and
//! outlive the queue's: they are kept as long as the history of mailboxes is. Mail that only stays
//! here has no trail of its own, so that taking it costs nothing more: each mailbox keeps with a
//! message who brought it and when. What never happens here: a decision, words for people.

mod check;
mod find;
mod forget;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use check::{check, unread};
pub use find::{Passage, by_address, by_id, by_message_id, passage};
pub(crate) use find::{ends_of, of_row, read, read_by};
pub use forget::forget;
pub(crate) use forget::{first, take_out};
pub(crate) use rows::TRAILS;
pub use rows::{attempted, begun, ended, told};

use crate::queue::codec::{Read, Write};
use crate::queue::{EntryRecord, MessageNumber};
use addr::{ForwardPath, ReversePath};
use mail::codec::{Damaged, Decoded, Reader, Record, Writer, number, read_number};
use net::Time;

const VERSION: u8 = 1;

/// A message as it was handed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trail {
    /// Ours.
    pub id: String,
    /// What its Message-ID field says, with the angle brackets.
    pub message_id: Option<String>,
    pub sender: ReversePath,
    pub recipients: Vec<Destination>,
    /// Name and address of the client, for people.
    pub client: String,
    pub login: Option<String>,
    pub arrived: Time,
    pub bytes: u64,
}

/// One of the recipients.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Destination {
    pub path: ForwardPath,
    pub place: Place,
}

/// Where a recipient is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The commit that took the message put it into the mailbox.
    Here,
    Elsewhere,
}

/// How an entry of the queue ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct End {
    pub at: Time,
    pub how: How,
    /// The entry as it was last: what became of each recipient, and what was said of it.
    pub entry: EntryRecord,
    /// Of the report to the sender: its id, or why there is none.
    pub told: Option<String>,
}

/// Why an entry is in the queue no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// Every recipient has it or never will.
    Over,
    /// The operator took it out.
    Removed,
}

impl Record for Trail {
    const WHAT: &'static str = "the trail of a message";

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(VERSION, 128 + 64 * self.recipients.len());
        w.str(&self.id).option_str(self.message_id.as_deref());
        w.reverse_path(&self.sender).str(&self.client);
        w.option_str(self.login.as_deref()).time(self.arrived);
        w.uint(self.bytes).len(self.recipients.len());
        for one in &self.recipients {
            w.u8(u8::from(one.place == Place::Elsewhere));
            w.forward_path(&one.path);
        }
        w.into_vec()
    }

    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        let mut trail = Trail {
            id: r.str()?.to_owned(),
            message_id: r.option_str()?.map(str::to_owned),
            sender: r.reverse_path()?,
            recipients: Vec::new(),
            client: r.str()?.to_owned(),
            login: r.option_str()?.map(str::to_owned),
            arrived: r.time()?,
            bytes: r.uint()?,
        };
        for _ in 0..r.count()? {
            let place = match r.flag()? {
                true => Place::Elsewhere,
                false => Place::Here,
            };
            let path = r.forward_path()?;
            trail.recipients.push(Destination { path, place });
        }
        r.is_empty().then_some(trail).ok_or(Damaged)
    }
}

impl Record for End {
    const WHAT: &'static str = "the end of an entry";

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(VERSION);
        w.time(self.at).u8(u8::from(self.how == How::Removed));
        w.option_str(self.told.as_deref());
        w.bytes(&self.entry.encode());
        w.into_vec()
    }

    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        let end = End {
            at: r.time()?,
            how: match r.flag()? {
                true => How::Removed,
                false => How::Over,
            },
            told: r.option_str()?.map(str::to_owned),
            entry: EntryRecord::decode(r.bytes()?)?,
        };
        r.is_empty().then_some(end).ok_or(Damaged)
    }
}

/// The row of the first message whose trail is kept, so that forgetting does not begin where
/// everything is gone already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct First(MessageNumber);

impl Record for First {
    const WHAT: &'static str = "the first trail";
    fn encode(&self) -> Vec<u8> {
        number(VERSION, self.0.0)
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        read_number(bytes, VERSION).map(|number| First(MessageNumber(number)))
    }
}
