//! What changed in a mailbox since a moment that a client remembers, read from the change log.
//! What never happens here: telling it to a client, and the moving of a view.

use crate::before::{self, Run};
use crate::codec::{Look, decode};
use crate::error::ViewError;
use crate::history::{LogChange, LogEntry};
use crate::ids::{MailboxId, ModSeq};
use crate::keys;
use crate::limits;
use crate::state::{AccountState, FlagSet, MailboxState};
use crate::view::View;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use store::Fault;

/// What became of a picture's messages since a moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Since {
    /// Messages of the picture that came or got other flags. `None`: the log says it no longer,
    /// and each message's own modseq tells.
    pub changed: Option<RoaringBitmap>,
    /// UIDs below UIDNEXT that are not in the picture: those expunged since then, or all that are
    /// missing where the log does not reach back [rfc7162 3.2.6].
    pub gone: RoaringBitmap,
}

impl View {
    /// What became of this picture's messages after a change. What happens to them later is told
    /// by `advance`, even if it happened before this call.
    pub fn since(&self, since: ModSeq) -> Result<Since, ViewError> {
        let look = self.account.now();
        let state = look.record::<MailboxState>(&keys::state(self.mailbox))?;
        let state = state.ok_or(ViewError::Gone)?;
        let news = read(&look, self.mailbox, since)?;
        let mut gone = match &news {
            // [rfc7162 3.2.6]
            Some(news) if since >= state.forgotten => news.expunged.clone(),
            _ => {
                let mut all = RoaringBitmap::new();
                all.insert_range(1..self.uid_next());
                all
            }
        };
        // What was never in the picture came later, and what still is goes later.
        gone.remove_range(self.uid_next()..);
        gone -= self.uids();
        Ok(Since {
            changed: news
                .filter(|news| news.complete)
                .map(|news| news.changed & self.uids()),
            gone,
        })
    }
}

/// What the log says of one mailbox after a change.
struct News {
    changed: RoaringBitmap,
    expunged: RoaringBitmap,
    /// Nothing after that change is forgotten.
    complete: bool,
}

/// `None`: more than is read for one client.
fn read(look: &impl Look, id: MailboxId, since: ModSeq) -> Result<Option<News>, Fault> {
    let mut news = News {
        changed: RoaringBitmap::new(),
        expunged: RoaringBitmap::new(),
        complete: log_reaches(look, since)?,
    };
    for (count, row) in look.range(keys::changes_after(since)).enumerate() {
        if count == limits::SINCE_ENTRIES {
            return Ok(None);
        }
        let (key, value) = row?;
        for change in decode::<LogEntry>(&key, &value)?.changes {
            if change.mailbox() != Some(id) {
                continue;
            }
            match change {
                LogChange::Added { runs, .. } => insert(&mut news.changed, runs),
                LogChange::Flags { before, .. } => insert(&mut news.changed, before.runs()),
                LogChange::Expunged { before, .. } => insert(&mut news.expunged, before.runs()),
                _ => {}
            }
        }
    }
    Ok(Some(news))
}

/// Adds the UIDs of runs.
pub(crate) fn insert(uids: &mut RoaringBitmap, runs: impl IntoIterator<Item = Run>) {
    for (first, count) in runs {
        uids.insert_range(first..first.saturating_add(count));
    }
}

/// Does the account's log still have every change after this one?
fn log_reaches(look: &impl Look, since: ModSeq) -> Result<bool, Fault> {
    let state = look.record::<AccountState>(keys::ACCOUNT)?;
    Ok(state.is_some_and(|state| state.forgotten <= since))
}

/// The flags that messages had at a moment.
pub(crate) enum Then {
    /// The log no longer says.
    Unknown,
    /// Of those that changed after it; `None`: came after it.
    Known(BTreeMap<u32, Option<FlagSet>>),
}

impl Then {
    pub fn read(look: &impl Look, id: MailboxId, since: ModSeq) -> Result<Then, Fault> {
        if !log_reaches(look, since)? {
            return Ok(Then::Unknown);
        }
        let mut then = BTreeMap::new();
        let mut messages = 0;
        for (count, row) in look.range(keys::changes_after(since)).enumerate() {
            if count == limits::STORE_SINCE_ENTRIES {
                return Ok(Then::Unknown);
            }
            let (key, value) = row?;
            for change in decode::<LogEntry>(&key, &value)?.changes {
                if change.mailbox() != Some(id) {
                    continue;
                }
                messages += change.messages();
                if messages > limits::STORE_SINCE_MESSAGES {
                    return Ok(Then::Unknown);
                }
                note(&mut then, change);
            }
        }
        Ok(Then::Known(then))
    }

    /// Do these flags of a message stand as they stood then? In doubt no. (That another flag
    /// changed is no reason to refuse `+FLAGS` and `-FLAGS` [rfc7162 3.1.12].)
    pub fn stood(&self, uid: u32, now: &FlagSet, asked: &FlagSet) -> bool {
        let Then::Known(changed) = self else {
            return false;
        };
        let Some(Some(then)) = changed.get(&uid) else {
            return false;
        };
        let has = |set: &FlagSet, number| set.keywords.binary_search(number).is_ok();
        let keyword_stood = |number| has(then, number) == has(now, number);
        (then.system.bits() ^ now.system.bits()) & asked.system.bits() == 0
            && asked.keywords.iter().all(keyword_stood)
    }
}

/// The first change after the moment says what was before.
fn note(then: &mut BTreeMap<u32, Option<FlagSet>>, change: LogChange) {
    match change {
        LogChange::Added { runs, .. } => {
            for uid in before::uids(&runs) {
                then.entry(uid).or_insert(None);
            }
        }
        LogChange::Flags { before, .. } => {
            for (uid, flags) in before.iter() {
                then.entry(uid).or_insert_with(|| Some(flags.clone()));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::before::Before;
    use crate::codec::Record;
    use net::Time;
    use store::{Db, Partition};

    #[tokio::test]
    async fn a_conditional_store_reads_no_more_of_the_log_than_the_limit() {
        let state = AccountState {
            modseq: ModSeq(1),
            next_mailbox: 2,
            next_uid_validity: 2,
            next_email: 1,
            used_bytes: 0,
            used_messages: 0,
            history_bytes: 0,
            forgotten: ModSeq(0),
            mailboxes: 1,
            subscriptions: 0,
        };
        let mut edit = Db::memory().edit(Partition(1)).await;
        edit.put(keys::ACCOUNT, state.encode());
        let mailbox = MailboxId(1);
        let mut before = Before::default();
        let most = u32::try_from(limits::STORE_SINCE_MESSAGES).unwrap();
        for (more, is_known) in [(1..=most, true), (most + 1..=most + 1, false)] {
            more.for_each(|uid| before.note(uid, FlagSet::default()));
            let change = LogChange::Flags {
                mailbox,
                before: before.clone(),
            };
            let entry = LogEntry {
                at: Time::from_seconds(0),
                changes: vec![change],
            };
            edit.put(keys::change(ModSeq(1)), entry.encode());
            let then = Then::read(&edit, mailbox, ModSeq(0)).unwrap();
            assert_eq!(matches!(then, Then::Known(_)), is_known);
        }
    }
}
