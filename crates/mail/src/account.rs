//! An opened account: its mailboxes, subscriptions and quota.

use crate::append;
use crate::bits::{self, Kind};
use crate::change::{AccountEdit, no_account};
use crate::codec::{Look, Moment, damaged, decode};
use crate::deliver::Inner;
use crate::error::{AppendError, MailboxError};
use crate::flags::Flags;
use crate::history::{ChangeEntry, LogEntry};
use crate::ids::{AccountId, MailboxId, ModSeq};
use crate::keys;
use crate::keywords::Keywords;
use crate::mailbox::{self, MailboxChange, MailboxInfo, Status};
use crate::name::{MailboxName, SpecialUse};
use crate::state::AccountState;
use crate::subscription;
use crate::tree::{self, Node};
use crate::view::{Access, View};
use net::Time;
use std::collections::HashSet;
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
    pub(crate) fn now(&self) -> Moment {
        self.inner.moment(self.id)
    }
    /// All mailboxes by name, INBOX first.
    pub fn mailboxes(&self) -> Result<Vec<MailboxInfo>, Fault> {
        let look = self.now();
        let list = tree::all(&look)?;
        let parents = tree::parents(&list);
        let subscribed: HashSet<_> = subscription::subscribed_names(&look)?.into_iter().collect();
        let info = |(name, node): (MailboxName, Node)| MailboxInfo {
            id: node.id,
            subscribed: subscribed.contains(&name),
            name,
            special_use: node.record.special_use,
            selectable: node.record.selectable,
            has_children: parents.contains(&node.id),
        };
        Ok(list.into_iter().map(info).collect())
    }
    /// One mailbox by name.
    pub fn mailbox(&self, name: &MailboxName) -> Result<Option<MailboxInfo>, Fault> {
        let look = self.now();
        let Some(node) = tree::find(&look, name)? else {
            return Ok(None);
        };
        Ok(Some(MailboxInfo {
            id: node.id,
            name: tree::name(&look, &node)?,
            special_use: node.record.special_use,
            subscribed: look.value(&keys::subscription(name.as_str()))?.is_some(),
            selectable: node.record.selectable,
            has_children: tree::has_children(&look, node.id)?,
        }))
    }
    /// Subscribed names; there may be no mailbox of that name.
    pub fn subscriptions(&self) -> Result<Vec<MailboxName>, Fault> {
        let mut names = subscription::subscribed_names(&self.now())?;
        names.sort_by(MailboxName::listing_order);
        Ok(names)
    }
    /// Makes a mailbox; superior names are made too [rfc9051 6.3.4].
    pub async fn create(
        &self,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<MailboxId, MailboxError> {
        let mut change = AccountEdit::open(&self.inner, self.id).await?;
        let limit = self.inner.settings.max_mailboxes;
        let id = mailbox::create(&mut change, name, special_use, limit)?;
        change.submit(&self.inner).await?;
        Ok(id)
    }
    /// Deletes a mailbox; with inferiors it becomes `\Noselect` [rfc9051 6.3.5].
    pub async fn delete(&self, name: &MailboxName) -> Result<(), MailboxError> {
        let mut change = AccountEdit::open(&self.inner, self.id).await?;
        let gone = mailbox::delete(&mut change, name)?;
        change.submit(&self.inner).await?;
        self.inner.sessions.forget(self.id, gone);
        Ok(())
    }
    /// Makes a mailbox and subscribes it, and what above it was missing too.
    pub async fn create_subscribed(&self, name: &MailboxName) -> Result<MailboxId, MailboxError> {
        let mut change = AccountEdit::open(&self.inner, self.id).await?;
        let made = subscription::missing(&change, name)?;
        let limit = self.inner.settings.max_mailboxes;
        let id = mailbox::create(&mut change, name, None, limit)?;
        subscription::add(&mut change, &made)?;
        change.submit(&self.inner).await?;
        Ok(id)
    }
    /// Deletes a mailbox that has no messages and none below it, and its subscription.
    pub async fn delete_empty(&self, name: &MailboxName) -> Result<(), MailboxError> {
        let mut change = AccountEdit::open(&self.inner, self.id).await?;
        mailbox::check_empty(&mut change, name)?;
        let gone = mailbox::delete(&mut change, name)?;
        subscription::unsubscribe(&mut change, name)?;
        change.submit(&self.inner).await?;
        self.inner.sessions.forget(self.id, gone);
        Ok(())
    }
    /// Renames a mailbox and those below it; INBOX: moves its messages [rfc9051 6.3.6].
    pub async fn rename(&self, from: &MailboxName, to: &MailboxName) -> Result<(), MailboxError> {
        let mut change = AccountEdit::open(&self.inner, self.id).await?;
        let limit = self.inner.settings.max_mailboxes;
        if from.is_inbox() {
            mailbox::rename_inbox(&mut change, to, limit)?;
        } else {
            mailbox::rename(&mut change, from, to, limit)?;
        }
        change.submit(&self.inner).await?;
        Ok(())
    }
    /// Renames a mailbox that is not INBOX; its subscription and those below it go with it, and what is
    /// made above it is subscribed as by `create_subscribed`.
    pub async fn rename_subscribed(
        &self,
        from: &MailboxName,
        to: &MailboxName,
    ) -> Result<(), MailboxError> {
        let mut change = AccountEdit::open(&self.inner, self.id).await?;
        let made = to
            .superior()
            .map(|above| subscription::missing(&change, &above));
        let made = made.transpose()?.unwrap_or_default();
        let limit = self.inner.settings.max_mailboxes;
        mailbox::rename(&mut change, from, to, limit)?;
        subscription::follow(&mut change, from, to)?;
        subscription::add(&mut change, &made)?;
        change.submit(&self.inner).await?;
        Ok(())
    }
    /// Does what may change nothing: then what it rests on is durable when this ends.
    async fn change(
        &self,
        change: impl FnOnce(&mut AccountEdit) -> Result<bool, MailboxError>,
    ) -> Result<(), MailboxError> {
        let mut edit = AccountEdit::open(&self.inner, self.id).await?;
        match change(&mut edit)? {
            true => edit.submit(&self.inner).await?,
            false => edit.leave().await?,
        };
        Ok(())
    }
    /// Sets what a mailbox is for and whether it is subscribed, both or neither.
    pub async fn set_mailbox(
        &self,
        name: &MailboxName,
        wanted: MailboxChange,
    ) -> Result<(), MailboxError> {
        self.change(|change| mailbox::set(change, name, wanted))
            .await
    }
    /// Subscribes a name, whether there is such a mailbox or not.
    pub async fn subscribe(&self, name: &MailboxName) -> Result<(), MailboxError> {
        self.change(|change| subscription::subscribe(change, name))
            .await
    }
    /// Unsubscribes a name; fine if it was not subscribed.
    pub async fn unsubscribe(&self, name: &MailboxName) -> Result<(), MailboxError> {
        self.change(|change| subscription::unsubscribe(change, name))
            .await
    }
    /// A mailbox's counts; the cost does not depend on its size.
    pub fn status(&self, name: &MailboxName) -> Result<Status, MailboxError> {
        let look = self.now();
        let node = tree::find(&look, name)?.ok_or(MailboxError::NotFound)?;
        if !node.record.selectable {
            return Err(MailboxError::NoSelect);
        }
        let state = mailbox::state(&look, node.id)?;
        let told = self
            .inner
            .sessions
            .recent_from(self.id, node.id, state.recent_from);
        let recent = match told >= state.uid_next {
            true => 0,
            false => {
                let all = bits::load(&look, (node.id, state.uid_next), Kind::All)?;
                all.range_cardinality(told..) as u32
            }
        };
        Ok(Status {
            id: node.id,
            uid_validity: node.record.uid_validity,
            uid_next: state.uid_next,
            messages: state.messages,
            unseen: state.unseen,
            deleted: state.deleted,
            recent,
            bytes: state.bytes,
            highest_modseq: state.highest_modseq,
        })
    }
    /// Opens a mailbox. `ReadWrite` claims `\Recent`.
    pub async fn select(&self, name: &MailboxName, access: Access) -> Result<View, MailboxError> {
        View::open(self, name, access).await
    }
    /// Adds messages, all or none.
    pub async fn append(
        &self,
        name: &MailboxName,
        messages: Vec<NewMessage>,
    ) -> Result<Appended, AppendError> {
        append::append(self, name, messages).await
    }
    /// What it holds and may hold.
    pub fn quota(&self) -> Result<Quota, Fault> {
        let state = self.now().record::<AccountState>(keys::ACCOUNT)?;
        let state = state.ok_or_else(|| no_account(self.id))?;
        Ok(Quota {
            used_bytes: state.used_bytes,
            used_messages: state.used_messages,
            limit_bytes: self.inner.directory.quota_of(self.id)?,
        })
    }
    /// At most `limit` entries of the change log after `since`.
    pub fn changes(&self, since: ModSeq, limit: usize) -> Result<Vec<ChangeEntry>, Fault> {
        let look = self.now();
        let keywords = Keywords::load(&look)?;
        let mut entries = Vec::new();
        for row in look.range(keys::changes_after(since)).take(limit) {
            let (key, value) = row?;
            let entry = decode::<LogEntry>(&key, &value)?;
            let modseq = keys::last_u64(&key).ok_or_else(|| damaged("a change", &key))?;
            let changes = entry
                .changes
                .iter()
                .filter_map(|c| c.told(&keywords))
                .collect();
            entries.push(ChangeEntry {
                modseq: ModSeq(modseq),
                at: entry.at,
                changes,
            });
        }
        Ok(entries)
    }
    /// Rings when the account has changed.
    pub fn bell(&self) -> Bell {
        self.inner.db.bell(keys::partition(self.id))
    }
}
