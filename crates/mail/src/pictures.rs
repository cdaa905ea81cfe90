//! Pictures of mailboxes, kept at hand from one opening to the next: whoever opens a mailbox of a
//! million messages does not read a million UIDs again. A picture of which its account's bell has
//! not rung since is taken as it is; an older one is brought forward by the change log. What never
//! happens here: a picture that shows what is not durable; more memory than the limit.

use crate::account::Account;
use crate::bits::{self, Kind};
use crate::change::no_account;
use crate::codec::{Look, Moment, decode};
use crate::error::MailboxError;
use crate::flags::Keyword;
use crate::history::{LogChange, LogEntry};
use crate::ids::{AccountId, ModSeq};
use crate::keys;
use crate::keywords::Keywords;
use crate::limits;
use crate::mailbox;
use crate::name::MailboxName;
use crate::since::insert;
use crate::state::{AccountState, MailboxState};
use crate::tree::{self, Node};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{Bell, Fault};

/// About what a picture takes besides its bitmap.
const PICTURE_BYTES: usize = 512;

/// A mailbox at one moment.
#[derive(Clone)]
pub(crate) struct Picture {
    pub node: Node,
    pub state: MailboxState,
    /// The account's last change.
    pub told: ModSeq,
    pub uids: Arc<RoaringBitmap>,
    /// The first message without `\Seen`.
    pub first_unseen: Option<u32>,
    /// The account's.
    pub keywords: Arc<[Keyword]>,
}

/// A picture that is kept.
struct Kept {
    name: MailboxName,
    picture: Arc<Picture>,
    /// How often the bell had rung before it was taken.
    rings: u64,
    /// Held, so that its rings are counted on.
    _bell: Bell,
    bytes: usize,
}

#[derive(Default)]
struct Held {
    accounts: BTreeMap<AccountId, Vec<Kept>>,
    bytes: usize,
}

#[derive(Default)]
pub(crate) struct Pictures(Mutex<Held>);

impl Pictures {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, account: AccountId, name: &MailboxName) -> Option<(Arc<Picture>, u64)> {
        let held = self.lock();
        let mut kept = held.accounts.get(&account)?.iter();
        let kept = kept.find(|kept| kept.name == *name)?;
        Some((kept.picture.clone(), kept.rings))
    }

    /// Once there is too much, all others go.
    fn keep(&self, account: AccountId, kept: Kept) {
        let held = &mut *self.lock();
        if kept.bytes > limits::PICTURES_BYTES {
            return;
        }
        if held.bytes + kept.bytes > limits::PICTURES_BYTES {
            *held = Held::default();
        }
        held.bytes += kept.bytes;
        let others = held.accounts.entry(account).or_default();
        match others.iter_mut().find(|other| other.name == kept.name) {
            Some(other) => {
                held.bytes -= other.bytes;
                *other = kept;
            }
            None => others.push(kept),
        }
    }
}

/// A mailbox as it is now. The number of rings is that of before this look.
pub(crate) fn take(
    account: &Account,
    name: &MailboxName,
    rings: Option<u64>,
) -> Result<Arc<Picture>, MailboxError> {
    let pictures = &account.inner.pictures;
    let before = pictures.find(account.id, name);
    if let Some((picture, then)) = &before
        && Some(*then) == rings
    {
        return Ok(picture.clone());
    }
    let before = before.map(|(picture, _)| picture);
    let picture = Arc::new(look(account, name, before.as_deref())?);
    if let Some(rings) = rings {
        let kept = Kept {
            name: name.clone(),
            picture: picture.clone(),
            rings,
            _bell: account.bell(),
            bytes: PICTURE_BYTES + picture.uids.serialized_size(),
        };
        pictures.keep(account.id, kept);
    }
    Ok(picture)
}

fn look(
    account: &Account,
    name: &MailboxName,
    before: Option<&Picture>,
) -> Result<Picture, MailboxError> {
    let look = account.now();
    let node = tree::find(&look, name)?.ok_or(MailboxError::NotFound)?;
    if !node.record.selectable {
        return Err(MailboxError::NoSelect);
    }
    let of_account = look.record::<AccountState>(keys::ACCOUNT)?;
    let of_account = of_account.ok_or_else(|| no_account(account.id))?;
    let state = mailbox::state(&look, node.id)?;
    let sets = match before.filter(|before| before.leads_to(&node, &of_account)) {
        Some(before) => before.sets_at(&look, &state)?,
        None => read_sets(&look, &node, &state)?,
    };
    Ok(Picture {
        node,
        state,
        told: of_account.modseq,
        uids: sets.uids,
        first_unseen: sets.first_unseen,
        keywords: Keywords::load(&look)?.names().into(),
    })
}

/// What is read of a mailbox's bitmaps.
struct Sets {
    uids: Arc<RoaringBitmap>,
    first_unseen: Option<u32>,
}

fn read_sets(look: &Moment, node: &Node, state: &MailboxState) -> Result<Sets, Fault> {
    let place = (node.id, state.uid_next);
    Ok(Sets {
        uids: Arc::new(bits::load(look, place, Kind::All)?),
        first_unseen: bits::first_from(look, place, Kind::Unseen, 0)?,
    })
}

impl Picture {
    /// Is it of the same mailbox, and does the log still have the changes since, few enough to be
    /// read?
    fn leads_to(&self, node: &Node, account: &AccountState) -> bool {
        let changes = account.modseq.0.checked_sub(self.told.0);
        self.node.id == node.id
            && self.node.record.uid_validity == node.record.uid_validity
            && self.told >= account.forgotten
            && changes.is_some_and(|changes| changes <= limits::PICTURE_CHANGES)
    }

    /// Its bitmaps as they are at this moment.
    fn sets_at(&self, look: &Moment, state: &MailboxState) -> Result<Sets, Fault> {
        if state.highest_modseq == self.state.highest_modseq {
            return Ok(Sets {
                uids: self.uids.clone(),
                first_unseen: self.first_unseen,
            });
        }
        let news = self.news(look)?;
        let mut uids = self.uids.clone();
        let changed = Arc::make_mut(&mut uids);
        *changed |= news.added;
        *changed -= news.expunged;
        // What lies before all that was unread, and before all that changed, is still read.
        let from = self.first_unseen.into_iter().chain(news.first).min();
        let first_unseen = match from {
            Some(from) if state.unseen > 0 => {
                let place = (self.node.id, state.uid_next);
                bits::first_from(look, place, Kind::Unseen, from)?
            }
            _ => None,
        };
        Ok(Sets { uids, first_unseen })
    }

    fn news(&self, look: &Moment) -> Result<News, Fault> {
        let mut news = News::default();
        for row in look.range(keys::changes_after(self.told)) {
            let (key, value) = row?;
            for change in decode::<LogEntry>(&key, &value)?.changes {
                if change.mailbox() == Some(self.node.id) {
                    news.read(change);
                }
            }
        }
        Ok(news)
    }
}

/// What happened to a mailbox's messages.
#[derive(Default)]
struct News {
    added: RoaringBitmap,
    expunged: RoaringBitmap,
    /// The first message that came or whose flags changed.
    first: Option<u32>,
}

impl News {
    fn read(&mut self, change: LogChange) {
        let first = match change {
            LogChange::Added { runs, .. } => {
                let first = runs.iter().map(|(first, _)| *first).min();
                insert(&mut self.added, runs);
                first
            }
            LogChange::Flags { before, .. } => before.runs().map(|(first, _)| first).min(),
            LogChange::Expunged { before, .. } => {
                insert(&mut self.expunged, before.runs());
                None
            }
            _ => None,
        };
        self.first = self.first.into_iter().chain(first).min();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::MailboxId;
    use crate::state::MailboxRecord;
    use net::Time;
    use store::{Db, Partition};

    fn kept(name: &str, messages: u32) -> Kept {
        let record = MailboxRecord {
            parent: tree::ROOT,
            leaf: name.to_owned(),
            uid_validity: 1,
            special_use: None,
            created: Time::from_seconds(0),
            selectable: true,
        };
        // No two are neighbours, so that each takes its place.
        let uids: RoaringBitmap = (0..messages).map(|n| n * 2).collect();
        let bytes = PICTURE_BYTES + uids.serialized_size();
        let picture = Picture {
            node: Node {
                id: MailboxId(1),
                record,
            },
            state: MailboxState::new(messages * 2, ModSeq(1)),
            told: ModSeq(1),
            uids: Arc::new(uids),
            first_unseen: None,
            keywords: Arc::new([]),
        };
        Kept {
            name: MailboxName::try_from(name).expect("a name"),
            picture: Arc::new(picture),
            rings: 0,
            _bell: Db::memory().bell(Partition(1)),
            bytes,
        }
    }

    #[test]
    fn what_is_kept_has_a_bound_and_the_newest_stays() {
        let pictures = Pictures::default();
        for n in 0..3_000 {
            let account = AccountId(n % 700);
            let kept = kept(&format!("of {n}"), 2_000);
            let name = kept.name.clone();
            pictures.keep(account, kept);
            assert!(pictures.find(account, &name).is_some());
            let held = pictures.lock();
            let all = held.accounts.values().flatten();
            assert_eq!(held.bytes, all.map(|kept| kept.bytes).sum::<usize>());
            assert!(held.bytes <= limits::PICTURES_BYTES);
        }
    }

    #[test]
    fn a_newer_picture_takes_the_place_of_the_older() {
        let pictures = Pictures::default();
        pictures.keep(AccountId(1), kept("one", 10));
        pictures.keep(AccountId(1), kept("one", 5_000));
        let newest = kept("one", 20);
        let bytes = newest.bytes;
        pictures.keep(AccountId(1), newest);
        let held = pictures.lock();
        assert_eq!((held.bytes, held.accounts[&AccountId(1)].len()), (bytes, 1));
    }
}
