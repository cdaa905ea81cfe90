//! Delivery status notifications: who is told what of a message's fate, and the octets of it.
//!
//! `decide` says who hears of what, `compose` makes the message with the parts of `words` (for
//! people) and `status` (for programs). All are pure functions. What never happens here: sending (a
//! report enters by `accept`, as everything does), the reading of the message that is returned.

mod compose;
mod decide;
mod status;
#[cfg(test)]
mod tests;
mod words;

pub use compose::{Report, compose};
pub use decide::{
    HandedInBy, Happened, NextHost, Returned, SenderPlace, SenderProof, SpfResult, Tell, WhyNobody,
    charset, returned, sender_proof, tell,
};

use addr::{Address, ForwardPath};
use net::Time;
use smtp::dsn::{EnvelopeId, OriginalRecipient};
use smtp::{Hold, Status};

/// What became of a message for one recipient. [rfc3464 2.3.3]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Action {
    /// Given up.
    Failed,
    /// Not yet delivered; it is tried further.
    Delayed,
    /// In the mailbox.
    Delivered,
    /// With a server that will not tell of the delivery.
    Relayed,
    /// Sent on to all whom an alias leads to.
    Expanded,
}

impl Action {
    /// The word of the Action field.
    pub fn word(self) -> &'static str {
        match self {
            Action::Failed => "failed",
            Action::Delayed => "delayed",
            Action::Delivered => "delivered",
            Action::Relayed => "relayed",
            Action::Expanded => "expanded",
        }
    }
}

/// Who reports, when.
#[derive(Clone, Copy, Debug)]
pub struct Reporter<'a> {
    /// Our name.
    pub hostname: &'a str,
    /// Whom people may ask: an address that somebody reads.
    pub postmaster: &'a str,
    pub at: Time,
    /// Letters that nobody can guess, for the boundary and the Message-ID.
    pub token: &'a str,
}

/// The message that is reported on.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Our id of it.
    pub id: &'a str,
    /// Who is told.
    pub sender: &'a Address,
    pub envid: Option<&'a EnvelopeId>,
    pub arrived: Time,
    /// By when it was to be there, as its sender has set it. [rfc2852 5]
    pub deliver_by: Option<Time>,
    /// How its sender wanted it held. [rfc4865 5.1.2]
    pub hold: Option<Hold>,
    /// Its header as it went out; what stands behind it is not looked at, and it may be cut.
    pub header: &'a [u8],
}

/// What is told of one recipient.
#[derive(Clone, Copy, Debug)]
pub struct Fate<'a> {
    pub recipient: Named<'a>,
    pub original: Option<&'a OriginalRecipient>,
    pub action: Action,
    pub status: Status,
    pub said: Said<'a>,
    pub last_attempt: Option<Time>,
    /// When it is given up; only of what is delayed.
    pub retry_until: Option<Time>,
}

/// What a recipient was called by who sent the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Named<'a> {
    Path(&'a ForwardPath),
    /// What stood where an address should.
    Unreadable(&'a str),
}

/// Who said what about one recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Said<'a> {
    Nothing,
    /// Another server, in one line.
    Server {
        host: &'a str,
        reply: &'a str,
    },
    /// No server said anything: why, in our own words.
    Ours(&'a str),
}
