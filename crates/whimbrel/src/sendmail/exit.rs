//! How these programs end: the codes of `sysexits.h`, which their callers read.
//!
//! What never happens here: a word to anybody.

use smtp::client::Outcome;
use smtp::{Class, Status};

/// One of the codes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Code {
    /// It was not called as it wants to be.
    Usage,
    /// The message, or the batch, is not as it should be.
    Data,
    NoUser,
    NoHost,
    Unavailable,
    /// Ours.
    Software,
    /// Try again later.
    Temporary,
    NotAllowed,
    Config,
}

impl Code {
    pub fn number(self) -> u8 {
        match self {
            Code::Usage => 64,
            Code::Data => 65,
            Code::NoUser => 67,
            Code::NoHost => 68,
            Code::Unavailable => 69,
            Code::Software => 70,
            Code::Temporary => 75,
            Code::NotAllowed => 77,
            Code::Config => 78,
        }
    }

    /// What a server's last word on a recipient means. [rfc3463 3]
    pub fn of(outcome: &Outcome) -> Code {
        let reply = outcome.reply();
        match outcome.class() {
            Class::Permanent => {}
            _ => return Code::Temporary,
        }
        match reply.and_then(smtp::Reply::status) {
            Some(Status(_, 1, 2)) => Code::NoHost,
            Some(Status(_, 1 | 2, _)) => Code::NoUser,
            Some(Status(_, 6, _) | Status(_, 3, 4)) => Code::Data,
            Some(Status(_, 7, _)) => Code::NotAllowed,
            _ => Code::Unavailable,
        }
    }
}

/// Why a program did not do what was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    pub code: Code,
    /// For people; may have lines.
    pub why: String,
}

impl Ended {
    pub fn new(code: Code, why: impl Into<String>) -> Ended {
        Ended {
            code,
            why: why.into(),
        }
    }
}

/// What other parts of the program say of their own trouble.
impl From<String> for Ended {
    fn from(why: String) -> Ended {
        Ended::new(Code::Software, why)
    }
}
