//! The change log: one entry per transaction of an account, with its time and what was before.

use crate::flags::Flags;
use crate::ids::{MailboxId, ModSeq};
use crate::name::MailboxName;
use net::Time;

/// One transaction's entry.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeEntry {
    /// Its number.
    pub modseq: ModSeq,
    /// When.
    pub at: Time,
    /// What changed, with what was before.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Messages came in.
    Added { mailbox: MailboxId, uids: Vec<u32> },
    /// Flags changed; with the flags before.
    Flags {
        mailbox: MailboxId,
        before: Vec<(u32, Flags)>,
    },
    /// Messages were expunged; with the flags before.
    Expunged {
        mailbox: MailboxId,
        before: Vec<(u32, Flags)>,
    },
    /// A mailbox was made.
    MailboxCreated {
        mailbox: MailboxId,
        name: MailboxName,
    },
    /// A mailbox was deleted, its messages with it.
    MailboxDeleted {
        mailbox: MailboxId,
        name: MailboxName,
    },
    /// A mailbox was renamed; `before` is its old name.
    MailboxRenamed {
        mailbox: MailboxId,
        before: MailboxName,
    },
    /// A name was subscribed.
    Subscribed { name: MailboxName },
    /// A name was unsubscribed.
    Unsubscribed { name: MailboxName },
}
