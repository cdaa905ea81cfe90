//! What open sessions hold in memory: the moment that each view still needs, the `\Recent`
//! messages that were told already, and mailboxes that a large append is about to fill.
//! Nothing here is kept over a restart, and nothing here needs to be.

use crate::ids::{AccountId, MailboxId, ModSeq};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

#[derive(Default)]
pub(crate) struct Sessions {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    next_view: u64,
    views: HashMap<AccountId, HashMap<u64, ModSeq>>,
    claimed: HashMap<(AccountId, MailboxId), u32>,
    filling: HashMap<(AccountId, MailboxId), watch::Receiver<()>>,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nothing after `ModSeq(0)` of this account is forgotten.
    pub fn register(self: &Arc<Self>, account: AccountId) -> Registration {
        let mut held = self.lock();
        held.next_view += 1;
        let view = held.next_view;
        held.views
            .entry(account)
            .or_default()
            .insert(view, ModSeq(0));
        Registration {
            sessions: self.clone(),
            account,
            view,
        }
    }

    /// The oldest moment that a view of this account still needs.
    pub fn oldest_view(&self, account: AccountId) -> Option<ModSeq> {
        self.lock()
            .views
            .get(&account)
            .and_then(|views| views.values().min().copied())
    }

    /// From which UID on messages have been told to no session yet.
    pub fn recent_from(&self, account: AccountId, mailbox: MailboxId, kept: u32) -> u32 {
        self.lock()
            .claimed
            .get(&(account, mailbox))
            .copied()
            .unwrap_or(0)
            .max(kept)
    }

    /// Claims `\Recent` up to `uid_next`; gives from where on.
    pub fn claim(&self, account: AccountId, mailbox: MailboxId, kept: u32, uid_next: u32) -> u32 {
        let mut held = self.lock();
        let claimed = held.claimed.entry((account, mailbox)).or_insert(0);
        let from = (*claimed).max(kept);
        *claimed = (*claimed).max(uid_next);
        from
    }

    /// The mailbox is deleted; its number is not given out again.
    pub fn forget(&self, account: AccountId, mailbox: MailboxId) {
        self.lock().claimed.remove(&(account, mailbox));
    }

    /// Somebody fills this mailbox now; others wait until the value is dropped.
    pub fn fill(self: &Arc<Self>, account: AccountId, mailbox: MailboxId) -> Filling {
        let (done, waiting) = watch::channel(());
        self.lock().filling.insert((account, mailbox), waiting);
        Filling {
            sessions: self.clone(),
            place: (account, mailbox),
            _done: done,
        }
    }

    /// Is somebody filling this mailbox?
    pub fn filled_by_other(&self, account: AccountId, mailbox: MailboxId) -> Option<Wait> {
        self.lock()
            .filling
            .get(&(account, mailbox))
            .cloned()
            .map(Wait)
    }
}

/// A view's claim on history. Dropped with the view.
pub(crate) struct Registration {
    sessions: Arc<Sessions>,
    account: AccountId,
    view: u64,
}

impl Registration {
    /// Nothing up to here is needed any more.
    pub fn needs_after(&self, modseq: ModSeq) {
        let mut held = self.sessions.lock();
        if let Some(views) = held.views.get_mut(&self.account) {
            views.insert(self.view, modseq);
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut held = self.sessions.lock();
        if let Some(views) = held.views.get_mut(&self.account) {
            views.remove(&self.view);
            if views.is_empty() {
                held.views.remove(&self.account);
            }
        }
    }
}

/// A large append is under way; when this is dropped, others go on.
pub(crate) struct Filling {
    sessions: Arc<Sessions>,
    place: (AccountId, MailboxId),
    _done: watch::Sender<()>,
}

impl Drop for Filling {
    fn drop(&mut self) {
        self.sessions.lock().filling.remove(&self.place);
    }
}

/// Waits for somebody else's large append.
pub(crate) struct Wait(watch::Receiver<()>);

impl Wait {
    pub async fn over(mut self) {
        // An error says that the sender is gone, which is what we wait for.
        while self.0.changed().await.is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_that_come_and_go_leave_nothing_behind() {
        let sessions = Sessions::default();
        for number in 0..100 {
            let (account, mailbox) = (AccountId(1), MailboxId(number));
            assert_eq!(sessions.claim(account, mailbox, 1, 5), 1);
            assert_eq!(sessions.recent_from(account, mailbox, 1), 5);
            sessions.forget(account, mailbox);
        }
        assert!(sessions.lock().claimed.is_empty());
    }
}
