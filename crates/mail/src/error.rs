//! Refusals of mail at rest: closed enums that are safe to show; `Unavailable` carries our fault.
//! What never happens here: a protocol's reply text or code (each door's `reply.rs`).

use crate::proof::Delivery;
use std::fmt;
use store::{CommitError, Fault};

/// Why a mailbox command is refused.
#[derive(Clone, Debug)]
pub enum MailboxError {
    /// No such mailbox.
    NotFound,
    /// There is one of that name.
    Exists,
    /// The name is not possible; says why.
    Invalid(&'static str),
    /// INBOX cannot be deleted [rfc9051 6.3.5].
    InboxCannotBeDeleted,
    /// It is `\Noselect`: only a name with others below it.
    NoSelect,
    /// It has mailboxes below it, and is `\Noselect` or has to have none.
    HasChildren,
    /// It has messages, and has to have none.
    NotEmpty,
    /// Another mailbox has that special use [rfc6154 3].
    SpecialUseTaken,
    /// The account has as many mailboxes, or subscriptions, as it may.
    TooMany,
    /// The account is over its quota.
    OverQuota,
    /// The store takes no writes: the disk is full, or a write failed.
    ReadOnly(Fault),
    /// Our trouble.
    Unavailable(Fault),
}

/// Why messages cannot be added to a mailbox.
#[derive(Clone, Debug)]
pub enum AppendError {
    /// No such mailbox; creating it would help (TRYCREATE).
    NotFound,
    /// It is `\Noselect`.
    NoSelect,
    /// The mailbox that the messages come from is gone, or was opened read-only (for MOVE).
    SourceGone,
    /// The source was opened read-only (MOVE only).
    ReadOnlyView,
    /// The account would be over its quota.
    OverQuota,
    /// More messages in one command than the limit, or the mailbox has no UIDs left.
    TooMany,
    /// More keywords than the account, or a message, may have.
    TooManyKeywords,
    /// Memory for parsing or bodies is all in use; later it will be free.
    Busy,
    /// The store takes no writes: the disk is full, or a write failed.
    ReadOnly(Fault),
    /// Our trouble.
    Unavailable(Fault),
}

/// Why a change of messages is refused.
#[derive(Clone, Debug)]
pub enum StoreError {
    /// The mailbox was opened read-only.
    ReadOnlyView,
    /// The mailbox is deleted.
    Gone,
    /// More keywords than the account, or a message, may have.
    TooManyKeywords,
    /// The store takes no writes: the disk is full, or a write failed.
    ReadOnly(Fault),
    /// Our trouble.
    Unavailable(Fault),
}

/// Why a view cannot move forward.
#[derive(Clone, Debug)]
pub enum ViewError {
    /// The mailbox is deleted.
    Gone,
    /// Our trouble.
    Unavailable(Fault),
}

/// Why a message is not delivered. Nothing of it is in any mailbox then, except after `Unavailable`
/// (the outcome of a failed commit is unknown).
#[derive(Clone, Debug)]
pub enum DeliverError {
    /// These are over quota.
    OverQuota(Vec<Delivery>),
    /// These accounts, or their INBOX, are gone since they were resolved.
    Gone(Vec<Delivery>),
    /// Memory for parsing is all in use.
    Busy,
    /// The store takes no writes: the disk is full, or a write failed.
    ReadOnly(Fault),
    /// Our trouble.
    Unavailable(Fault),
}

/// Why the directory is not changed.
#[derive(Clone, Debug)]
pub enum DirectoryError {
    /// There is such a domain, account or alias.
    Exists,
    /// There is none.
    NotFound,
    /// The domain is not hosted here.
    NotOurs,
    /// The local part cannot be an account's or alias's; says why.
    Invalid(&'static str),
    /// The domain still has accounts or aliases.
    InUse,
    /// More targets than an alias may have.
    TooManyTargets,
    /// The store takes no writes: the disk is full, or a write failed.
    ReadOnly(Fault),
    /// Our trouble.
    Unavailable(Fault),
}

/// Our trouble, and what the store says to a commit, fit every refusal that has room for them.
macro_rules! takes_trouble {
    ($($refusal:ty),*) => {$(
        impl From<Fault> for $refusal {
            fn from(fault: Fault) -> Self {
                Self::Unavailable(fault)
            }
        }
        impl From<CommitError> for $refusal {
            fn from(error: CommitError) -> Self {
                let fault = commit_fault(error);
                match error {
                    CommitError::Full | CommitError::ReadOnly => Self::ReadOnly(fault),
                    _ => Self::Unavailable(fault),
                }
            }
        }
    )*};
}

takes_trouble!(
    MailboxError,
    AppendError,
    StoreError,
    DeliverError,
    DirectoryError
);

impl From<Fault> for ViewError {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(fault)
    }
}

/// What the store said, as a fault.
pub(crate) fn commit_fault(error: CommitError) -> Fault {
    Fault::new("saving a change", error)
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("it exists already"),
            Self::NotFound => f.write_str("there is no such thing"),
            Self::NotOurs => f.write_str("the domain is not hosted here"),
            Self::Invalid(why) => f.write_str(why),
            Self::InUse => f.write_str("the domain still has accounts or aliases"),
            Self::TooManyTargets => f.write_str("an alias may not have so many targets"),
            Self::ReadOnly(fault) | Self::Unavailable(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for DirectoryError {}

impl fmt::Display for MailboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("there is no such mailbox"),
            Self::Exists => f.write_str("there is a mailbox of that name"),
            Self::Invalid(why) => f.write_str(why),
            Self::InboxCannotBeDeleted => f.write_str("INBOX cannot be deleted"),
            Self::NoSelect => f.write_str("it is a name only, with mailboxes below it"),
            Self::HasChildren => f.write_str("there are mailboxes below it"),
            Self::NotEmpty => f.write_str("there are messages in it"),
            Self::SpecialUseTaken => f.write_str("another mailbox has that special use"),
            Self::TooMany => f.write_str("the account has as many as it may"),
            Self::OverQuota => f.write_str("the account is over its quota"),
            Self::ReadOnly(fault) | Self::Unavailable(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for MailboxError {}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("there is no such mailbox"),
            Self::NoSelect => f.write_str("it is a name only, with mailboxes below it"),
            Self::SourceGone => f.write_str("the mailbox that they come from is gone"),
            Self::ReadOnlyView => f.write_str("the mailbox was opened read-only"),
            Self::OverQuota => f.write_str("the account is over its quota"),
            Self::TooMany => f.write_str("too many messages at once"),
            Self::TooManyKeywords => f.write_str("too many keywords"),
            Self::Busy => f.write_str("memory for new messages is all in use"),
            Self::ReadOnly(fault) | Self::Unavailable(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for AppendError {}
