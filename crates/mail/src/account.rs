//! An opened account: its mailboxes, subscriptions and quota.

use crate::deliver::Inner;
use crate::error::{AppendError, MailboxError};
use crate::flags::Flags;
use crate::history::ChangeEntry;
use crate::ids::{AccountId, MailboxId, ModSeq};
use crate::mailbox::{MailboxInfo, Status};
use crate::name::{MailboxName, SpecialUse};
use crate::view::{Access, View};
use net::Time;
use std::sync::Arc;
use store::{Bell, Body, Fault};

/// An account, opened with a proof. Cheap to clone.
#[derive(Clone)]
pub struct Account {
    pub(crate) inner: Arc<Inner>,
    pub(crate) id: AccountId,
}

/// A message that a client puts into a mailbox.
#[derive(Clone)]
pub struct NewMessage {
    /// Its octets.
    pub body: Body,
    /// Its flags.
    pub flags: Flags,
    /// Its date; now, if none is given.
    pub internal_date: Option<Time>,
}

/// Where appended messages are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Appended {
    /// The mailbox's UIDVALIDITY.
    pub uid_validity: u32,
    /// Their UIDs, in the order given.
    pub uids: Vec<u32>,
}

/// How much an account holds and may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// Octets of all messages.
    pub used_bytes: u64,
    /// Messages.
    pub used_messages: u64,
    /// The limit; `None` = none.
    pub limit_bytes: Option<u64>,
}

impl Account {
    /// Its id.
    pub fn id(&self) -> AccountId {
        self.id
    }
    /// All mailboxes by name, INBOX first.
    pub fn mailboxes(&self) -> Result<Vec<MailboxInfo>, Fault> {
        todo!()
    }
    /// One mailbox by name.
    pub fn mailbox(&self, name: &MailboxName) -> Result<Option<MailboxInfo>, Fault> {
        todo!()
    }
    /// Subscribed names; there may be no mailbox of that name.
    pub fn subscriptions(&self) -> Result<Vec<MailboxName>, Fault> {
        todo!()
    }
    /// Makes a mailbox; superior names are made too [rfc9051 6.3.4].
    pub async fn create(
        &self,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<MailboxId, MailboxError> {
        todo!()
    }
    /// Deletes a mailbox; with inferiors it becomes `\Noselect` [rfc9051 6.3.5].
    pub async fn delete(&self, name: &MailboxName) -> Result<(), MailboxError> {
        todo!()
    }
    /// Renames a mailbox and those below it; INBOX: moves its messages [rfc9051 6.3.6].
    pub async fn rename(&self, from: &MailboxName, to: &MailboxName) -> Result<(), MailboxError> {
        todo!()
    }
    /// Subscribes a name.
    pub async fn subscribe(&self, name: &MailboxName) -> Result<(), MailboxError> {
        todo!()
    }
    /// Unsubscribes a name; fine if it was not subscribed.
    pub async fn unsubscribe(&self, name: &MailboxName) -> Result<(), MailboxError> {
        todo!()
    }
    /// A mailbox's counts; the cost does not depend on its size.
    pub fn status(&self, name: &MailboxName) -> Result<Status, MailboxError> {
        todo!()
    }
    /// Opens a mailbox. `ReadWrite` claims `\Recent`.
    pub async fn select(&self, name: &MailboxName, access: Access) -> Result<View, MailboxError> {
        todo!()
    }
    /// Adds messages, all or none.
    pub async fn append(
        &self,
        name: &MailboxName,
        messages: Vec<NewMessage>,
    ) -> Result<Appended, AppendError> {
        todo!()
    }
    /// What it holds and may hold.
    pub fn quota(&self) -> Result<Quota, Fault> {
        todo!()
    }
    /// At most `limit` entries of the change log after `since`.
    pub fn changes(&self, since: ModSeq, limit: usize) -> Result<Vec<ChangeEntry>, Fault> {
        todo!()
    }
    /// Rings when the account has changed.
    pub fn bell(&self) -> Bell {
        todo!()
    }
}
