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
        Code::of_status(reply.and_then(smtp::Reply::status))
    }

    /// The same of one line: `550 5.1.1 …`.
    pub fn of_line(line: &str) -> Code {
        let mut words = line.split(' ');
        if !words.next().is_some_and(|code| code.starts_with('5')) {
            return Code::Temporary;
        }
        let numbers = words.next().unwrap_or_default();
        let mut numbers = numbers.splitn(3, '.').map(str::parse::<u16>);
        let status = match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(Ok(5)), Some(Ok(subject)), Some(Ok(detail))) => Some(Status(5, subject, detail)),
            _ => None,
        };
        Code::of_status(status)
    }

    fn of_status(status: Option<Status>) -> Code {
        match status {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_a_program_ends() {
        // [rfc3463 3]
        for (line, code) in [
            ("550 5.1.1 No such user", Code::NoUser),
            ("550 5.1.2 No such host", Code::NoHost),
            ("550 5.7.1 Not you", Code::NotAllowed),
            ("550 No", Code::Unavailable),
            ("451 4.3.0 Later", Code::Temporary),
            ("", Code::Temporary),
        ] {
            assert_eq!(Code::of_line(line), code, "{line}");
        }
    }
}
