//! What can go wrong in the store, told so that the caller can act on it.
//!
//! Never here: a panic's text, a mail word.

use std::fmt;
use std::sync::Arc;

/// Our trouble: says what the store was doing. Logged once by whoever answers the peer.
#[derive(Clone, Debug)]
pub struct Fault {
    doing: Arc<str>,
    why: Arc<str>,
}

impl Fault {
    pub fn new(doing: impl Into<String>, why: impl fmt::Display) -> Fault {
        Fault {
            doing: doing.into().into(),
            why: why.to_string().into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.why)
    }
}

impl std::error::Error for Fault {}

/// Why a data folder could not be opened.
#[derive(Clone, Debug)]
pub enum OpenError {
    /// Another process has the folder.
    Locked {
        folder: String,
        holder: String,
    },
    /// The folder was written by a version that this one does not know.
    Version {
        file: String,
        found: u32,
    },
    Fault(Fault),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Locked { folder, holder } => write!(
                f,
                "the data folder {folder} is in use by another Whimbrel ({holder}); \
                 stop that one first or choose another folder"
            ),
            OpenError::Version { file, found } => write!(
                f,
                "{file} has format {found}, which this version of Whimbrel cannot read"
            ),
            OpenError::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> OpenError {
        OpenError::Fault(fault)
    }
}

/// Why a transaction was not committed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommitError {
    /// An assert did not hold; nothing was written.
    Conflict,
    /// Above the limits of a transaction or group; nothing was written.
    TooLarge,
    /// Less free space than the reserve, and the transaction brings bodies; nothing was written.
    Full,
    /// The store takes no writes for now; nothing was written.
    ReadOnly,
    /// The outcome is unknown: never to be told as success.
    Failed,
    /// Not durable within the time allowed: the outcome is unknown.
    TimedOut,
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CommitError::Conflict => "committing: an assert did not hold",
            CommitError::TooLarge => "committing: the transaction is too large",
            CommitError::Full => "committing: less free space than the reserve",
            CommitError::ReadOnly => "committing: the store is read-only for now",
            CommitError::Failed => "committing: the write failed, its outcome is unknown",
            CommitError::TimedOut => "committing: not durable within the time allowed",
        })
    }
}

impl std::error::Error for CommitError {}

/// Why a body was not taken.
#[derive(Clone, Debug)]
pub enum BodyRefusal {
    /// Too many bodies wait in memory.
    Busy,
    /// Less free space than the reserve.
    Full,
    /// The store takes no writes for now, and why.
    ReadOnly(Fault),
    Fault(Fault),
}

impl fmt::Display for BodyRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyRefusal::Busy => f.write_str("taking a body: too many bodies wait in memory"),
            BodyRefusal::Full => f.write_str("taking a body: less free space than the reserve"),
            BodyRefusal::ReadOnly(fault) | BodyRefusal::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for BodyRefusal {}

impl From<Fault> for BodyRefusal {
    fn from(fault: Fault) -> BodyRefusal {
        BodyRefusal::Fault(fault)
    }
}
