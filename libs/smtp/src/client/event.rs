//! What is said to the client machine and what it says.
//!
//! What never happens here: a state.

use crate::client::transaction::{Outcome, Stage};
use crate::limits;
use crate::reply::Reply;
use std::fmt;

/// What is spoken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Protocol {
    Smtp,
    /// LHLO instead of EHLO, and after the content an answer for each accepted recipient.
    /// [rfc2033 4.1] [rfc2033 4.2]
    Lmtp,
}

/// What may be said outside of transactions. It has no Debug: a response may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Request {
    /// EHLO, and HELO if the server does not know that; LHLO at LMTP.
    Hello,
    StartTls,
    Auth {
        mechanism: String,
        /// In base64, `=` for an empty one; `sasl` has it so.
        initial_response: Option<String>,
    },
    /// An answer to a challenge, in base64.
    Response(String),
    /// `*`
    CancelAuth,
    Quit,
}

/// What the server did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    Greeting(Reply),
    /// The answer to EHLO, LHLO, or at last HELO; with 2yz `capabilities` hold.
    Hello(Reply),
    /// 2yz: start TLS now, then `tls_started`.
    StartTls(Reply),
    /// In base64, as it stands on the wire.
    Challenge(Vec<u8>),
    /// The end of an AUTH.
    Auth(Reply),
    /// The server awaits the content.
    Content,
    /// The end of a transaction: what became of each recipient, in the envelope's order.
    Done(Vec<Outcome>),
    /// The answer to QUIT; the conversation is over.
    Quit(Reply),
    /// A 421 that answers nothing; the conversation is over.
    Closing(Reply),
    /// The server does not keep the protocol; the conversation is over.
    Broken(Violation),
}

/// How a server broke the protocol. Nothing that it says can be trusted to mean what it should, so
/// nothing of it is taken for an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Violation {
    /// A line that is no reply.
    NoReply,
    /// A reply whose lines have different codes.
    CodesDiffer,
    /// A CR or LF that stands alone.
    BareNewline,
    LineTooLong,
    ReplyTooLong,
    /// A reply to nothing.
    Unasked,
    /// A code that cannot answer this.
    Class {
        stage: Stage,
        code: u16,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Violation::NoReply => "server sent a line that is no reply",
            Violation::CodesDiffer => "server sent a reply with different codes",
            Violation::BareNewline => "server sent a CR or LF that stands alone",
            Violation::LineTooLong => "server sent a line that is too long",
            Violation::ReplyTooLong => "server sent a reply that is too long",
            Violation::Unasked => "server sent a reply to nothing",
            Violation::Class { stage, code } => {
                return write!(f, "server answered {} with {code}", stage.name());
            }
        })
    }
}

impl std::error::Error for Violation {}

/// The envelope promised ASCII, and the content is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAscii;

impl fmt::Display for NotAscii {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("content is not ASCII as its envelope says")
    }
}

impl std::error::Error for NotAscii {}

impl Stage {
    /// How long to wait for the server at least, for each command by itself.
    /// [rfc5321 4.5.3.2]
    pub fn timeout_s(self) -> u64 {
        match self {
            Stage::Greeting => limits::GREETING_TIMEOUT_S,
            Stage::Hello | Stage::StartTls | Stage::Auth => limits::COMMAND_TIMEOUT_S,
            Stage::Mail => limits::MAIL_TIMEOUT_S,
            Stage::Rcpt => limits::RCPT_TIMEOUT_S,
            Stage::Data => limits::DATA_TIMEOUT_S,
            Stage::Content => limits::CONTENT_TIMEOUT_S,
            Stage::ContentEnd => limits::CONTENT_END_TIMEOUT_S,
            Stage::Quit => limits::QUIT_TIMEOUT_S,
        }
    }

    /// For people: what was waited for.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Greeting => "the connection",
            Stage::Hello => "EHLO",
            Stage::StartTls => "STARTTLS",
            Stage::Auth => "AUTH",
            Stage::Mail => "MAIL",
            Stage::Rcpt => "RCPT",
            Stage::Data => "DATA",
            Stage::Content => "the content",
            Stage::ContentEnd => "the end of the content",
            Stage::Quit => "QUIT",
        }
    }
}
