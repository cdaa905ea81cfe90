//! A mailbox as it is listed and its status.

use crate::ids::{MailboxId, ModSeq};
use crate::name::{MailboxName, SpecialUse};

/// A mailbox as LIST shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxInfo {
    /// Its id; stays when it is renamed.
    pub id: MailboxId,
    /// Its name.
    pub name: MailboxName,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// Is its name subscribed?
    pub subscribed: bool,
    /// `false`: `\Noselect`.
    pub selectable: bool,
    /// Are there mailboxes below it?
    pub has_children: bool,
}

/// A mailbox as STATUS shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its id.
    pub id: MailboxId,
    /// UIDVALIDITY
    pub uid_validity: u32,
    /// UIDNEXT
    pub uid_next: u32,
    /// MESSAGES
    pub messages: u32,
    /// UNSEEN
    pub unseen: u32,
    /// DELETED
    pub deleted: u32,
    /// RECENT
    pub recent: u32,
    /// SIZE, in octets
    pub bytes: u64,
    /// HIGHESTMODSEQ
    pub highest_modseq: ModSeq,
}
