//! Why mail is not taken. The peer's case, or our trouble without its details: safe to show.
//!
//! What never happens here: a code or a text of a protocol (each door's `reply.rs`).

use crate::envelope::MessageId;
use addr::Address;
use std::fmt;

/// A refused sender, with the id under which that was logged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    pub id: MessageId,
    pub refusal: Refusal,
}

/// Why a sender, a recipient or a message is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Submission without a login.
    LoginNeeded,
    /// The login may not send as this address (MAIL FROM).
    SenderNotYours(Address),
    /// The login may not write this address into From.
    FromNotYours(Address),
    /// The login may not write this address into Sender.
    SenderFieldNotYours(Address),
    /// A From or Sender field that cannot be read, or two of them.
    FieldUnreadable(&'static str),
    /// A path with octets above ASCII, without SMTPUTF8.
    Utf8NotAsked,
    TooLarge {
        max_bytes: u64,
    },
    /// A parameter of MAIL that is not for this port, or needs a queue that is not there.
    NotOffered(&'static str),
    /// It is not held for later as its sender asks.
    NotHeld(NotHeld),
    /// The domain is not ours.
    RelayDenied,
    /// A local part that hides another host: `a%b`, `b!a`, `"a@b"`.
    RelayForm,
    /// A login sends elsewhere, and this server is not set up to send mail to others.
    NoRoad,
    /// As much waits to be sent to other servers as may.
    QueueFull,
    /// As much is kept for the customer as may.
    CustomerFull,
    UnknownUser,
    /// A bang path begins with a system that is no neighbour.
    UnknownSystem(String),
    /// A return address that was not made here or is too old, or mail to one that is no bounce.
    NoReturn,
    /// The operator has closed the account to new mail.
    MailboxClosed,
    MailboxFull,
    TooManyRecipients,
    /// The alias leads in a circle, or to too many.
    AliasTooWide,
    BareNewline,
    Nul,
    LineTooLong,
    /// Too many Received fields.
    Loop,
    /// A recipient vanished between RCPT and the end of the message.
    RecipientGone,
    /// Memory bounds reached; later there is room.
    Busy,
    /// The disk is full, or the store takes no writes.
    StoreFull,
    /// Our trouble; it was logged.
    Unavailable,
}

impl Refusal {
    /// Whether the same may be taken later.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Refusal::MailboxFull
                | Refusal::TooManyRecipients
                | Refusal::RecipientGone
                | Refusal::Busy
                | Refusal::QueueFull
                | Refusal::CustomerFull
                | Refusal::StoreFull
                | Refusal::Unavailable
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::LoginNeeded => f.write_str("no login"),
            Refusal::SenderNotYours(address) => write!(f, "may not send as {address}"),
            Refusal::FromNotYours(address) => write!(f, "may not write From {address}"),
            Refusal::SenderFieldNotYours(address) => write!(f, "may not write Sender {address}"),
            Refusal::FieldUnreadable(name) => write!(f, "the field {name} cannot be read"),
            Refusal::Utf8NotAsked => f.write_str("UTF-8 address without SMTPUTF8"),
            Refusal::TooLarge { max_bytes } => write!(f, "larger than {max_bytes} octets"),
            Refusal::NotOffered(name) => write!(f, "{name} is not offered"),
            Refusal::NotHeld(why) => why.fmt(f),
            Refusal::RelayDenied => f.write_str("relaying denied"),
            Refusal::RelayForm => f.write_str("relaying denied, another host in the local part"),
            Refusal::NoRoad => f.write_str("not set up to send to other servers"),
            Refusal::QueueFull => f.write_str("too much waits to be sent"),
            Refusal::CustomerFull => f.write_str("too much waits to be picked up"),
            Refusal::UnknownUser => f.write_str("unknown user"),
            Refusal::UnknownSystem(name) => write!(f, "unknown UUCP system {name}"),
            Refusal::NoReturn => f.write_str("no valid return address, or no bounce"),
            Refusal::MailboxClosed => f.write_str("the account takes no mail"),
            Refusal::MailboxFull => f.write_str("over quota"),
            Refusal::TooManyRecipients => f.write_str("too many recipients"),
            Refusal::AliasTooWide => f.write_str("the alias is a loop or too wide"),
            Refusal::BareNewline => f.write_str("bare CR or LF in the content"),
            Refusal::Nul => f.write_str("NUL in the content"),
            Refusal::LineTooLong => f.write_str("a line is too long"),
            Refusal::Loop => f.write_str("mail loop"),
            Refusal::RecipientGone => f.write_str("a recipient is gone"),
            Refusal::Busy => f.write_str("busy"),
            Refusal::StoreFull => f.write_str("the store takes no mail"),
            Refusal::Unavailable => f.write_str("fault"),
        }
    }
}

impl std::error::Error for Refusal {}

/// Why a message is not held for later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotHeld {
    /// Nothing is for so long.
    TooLong { most_s: u64 },
    /// It would be until after it has to be there.
    TooLate,
    /// As many messages of this login are as may be.
    TooMany,
    /// Or as many octets.
    TooMuch,
}

impl fmt::Display for NotHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotHeld::TooLong { most_s } => write!(f, "held for {most_s} s at most"),
            NotHeld::TooLate => f.write_str("held until after its time"),
            NotHeld::TooMany => f.write_str("too many messages are held for later"),
            NotHeld::TooMuch => f.write_str("too many octets are held for later"),
        }
    }
}
