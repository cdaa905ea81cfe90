//! A session's picture of one mailbox. It changes only by `advance` and by its own calls that say
//! so.

use crate::account::Account;
use crate::bits::{self, Kind};
use crate::change::{AccountEdit, no_account};
use crate::codec::{Look, Moment, decode};
use crate::error::{MailboxError, ViewError};
use crate::flags::{Flags, Keyword};
use crate::history::{LogChange, LogEntry};
use crate::ids::{AccountId, MailboxId, ModSeq};
use crate::keys;
use crate::keywords::Keywords;
use crate::limits;
use crate::mailbox;
use crate::name::MailboxName;
use crate::pictures;
use crate::ready::{Form, Ready};
use crate::rows;
use crate::sessions::Registration;
use crate::since::insert;
use crate::state::{AccountState, FlagSet, MailboxState};
use crate::tree::{self, Node, ROOT};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::{Bell, Fault};
use tally::{Held, Metric};

/// SELECT or EXAMINE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// SELECT: may change, claims `\Recent`.
    ReadWrite,
    /// EXAMINE.
    ReadOnly,
}

/// May `advance` tell of expunges now?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expunges {
    /// They wait: sequence numbers must not move during FETCH, STORE, SEARCH [rfc9051 7.5.1].
    Hold,
    /// They are told.
    Tell,
}

/// What a view learned. In an order that a session can send as it stands: every sequence number is
/// right at the moment it is said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Update {
    /// The new count of messages.
    Exists(u32),
    /// The new count of `\Recent` messages.
    Recent(u32),
    /// A message is gone.
    Expunged { seq: u32, uid: u32 },
    /// A message has these flags now. Also said of this view's own changes unless the change
    /// was a `store` of this view.
    Flags {
        seq: u32,
        uid: u32,
        flags: Flags,
        modseq: ModSeq,
    },
}

/// What `fetch` shall read besides UID, sequence number and `\Recent`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Want {
    /// Flags and modseq only.
    Flags,
    /// The ready-to-send record only.
    Ready,
    /// Both.
    Both,
}

/// What a list of sizes says of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Weight {
    /// Its UID.
    pub uid: u32,
    /// Its sequence number in this view.
    pub seq: u32,
    /// Its octets as `Ready::size` says.
    pub octets: u64,
    /// As `Ready::form` says.
    pub form: Form,
}

/// What all messages of a view added up to when it was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sums {
    /// Octets as `Ready::size` says.
    pub octets: u64,
    /// Messages of the form `LastLine::Open`.
    pub open: u32,
    /// Messages of the form `Headers::Utf8`.
    pub utf8: u32,
}

/// Where `fetch` goes on: the first UID not yet looked at. It starts at 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cursor(pub u64);

impl Cursor {
    /// From the first message.
    pub fn start() -> Self {
        Self(0)
    }
}

/// A message as `fetch` gives it.
#[derive(Clone)]
pub struct Message {
    /// Its UID.
    pub uid: u32,
    /// Its sequence number in this view.
    pub seq: u32,
    /// Its flags; empty if not wanted.
    pub flags: Flags,
    /// Is it `\Recent` in this view?
    pub recent: bool,
    /// Its last change; 0 if flags were not wanted.
    pub modseq: ModSeq,
    /// Its octets as `Ready::size` says.
    pub size: u64,
    /// Its ready-to-send record, if wanted.
    pub ready: Option<Ready>,
}

/// What STORE did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StoreResult {
    /// Messages that have these flags now, whether they changed or not.
    pub changed: Vec<(u32, Flags, ModSeq)>,
    /// Messages left alone, as they changed after `unchanged_since` [rfc7162 3.1.3].
    pub modified: Vec<u32>,
    /// Messages that were expunged by somebody else; this view may not have told yet.
    pub gone: Vec<u32>,
}

/// What COPY or MOVE did; `from` and `to` go in pairs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Copied {
    /// UIDVALIDITY of the target.
    pub uid_validity: u32,
    /// UIDs here.
    pub from: Vec<u32>,
    /// UIDs there.
    pub to: Vec<u32>,
}

/// Sequence numbers of UIDs that rise: the neighbour of the last one costs no search.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seqs(Option<(u32, u32)>);

impl Seqs {
    /// The number of a UID in this view, if it is there.
    pub fn of(&mut self, view: &View, uid: u32) -> Option<u32> {
        if !view.uids.contains(uid) {
            return None;
        }
        let seq = match self.0 {
            Some((last, seq)) if last.checked_add(1) == Some(uid) => seq + 1,
            _ => view.rank(uid),
        };
        self.0 = Some((uid, seq));
        Some(seq)
    }
}

/// A session's picture of one mailbox.
pub struct View {
    pub(crate) account: Account,
    pub(crate) mailbox: MailboxId,
    name: MailboxName,
    access: Access,
    uid_validity: u32,
    uid_next: u32,
    modseq: ModSeq,
    /// Shared with other views of the mailbox until one of them moves on.
    pub(crate) uids: Arc<RoaringBitmap>,
    recent: RoaringBitmap,
    /// When it was opened.
    first_unseen: Option<u32>,
    /// The account's, as long as its bell has not rung again.
    keywords: Option<Arc<[Keyword]>>,
    sums: Sums,
    /// The account's change up to which the log was read.
    told: ModSeq,
    /// Messages that are expunged but not yet told, with their last flags.
    held: BTreeMap<u32, FlagSet>,
    /// The moment before the first of these.
    held_since: Option<ModSeq>,
    /// This view's own changes of flags, which the session has told already.
    own: BTreeSet<ModSeq>,
    bell: Bell,
    /// How often it had rung when the log was last read.
    heard: Option<u64>,
    needs: Registration,
    /// Counts among those that are open.
    _open: Held,
}

impl View {
    pub(crate) async fn open(
        account: &Account,
        name: &MailboxName,
        access: Access,
    ) -> Result<Self, MailboxError> {
        let sessions = &account.inner.sessions;
        // Registered before the moment is taken, so that nothing of it is forgotten.
        let needs = sessions.register(account.id);
        // As is the bell, so that it rings for all that this moment does not show.
        let bell = account.bell();
        let heard = bell.rings();
        let picture = pictures::take(account, name, heard)?;
        let state = &picture.state;
        let from = recent_from(account, access, picture.node.id, state);
        needs.needs_after(picture.told);
        let view = Self {
            account: account.clone(),
            mailbox: picture.node.id,
            name: name.clone(),
            access,
            uid_validity: picture.node.record.uid_validity,
            uid_next: state.uid_next,
            modseq: state.highest_modseq,
            recent: picture.uids.range(from..).collect(),
            uids: picture.uids.clone(),
            first_unseen: picture.first_unseen,
            keywords: Some(picture.keywords.clone()),
            sums: Sums {
                octets: state.bytes,
                open: state.forms.open,
                utf8: state.forms.utf8,
            },
            told: picture.told,
            held: BTreeMap::new(),
            held_since: None,
            own: BTreeSet::new(),
            bell,
            heard,
            needs,
            _open: account
                .inner
                .db
                .tally()
                .number(Metric::OpenViews, &[])
                .held(),
        };
        if access == Access::ReadWrite && state.recent_from < state.uid_next {
            view.keep_recent_claim().await?;
        }
        Ok(view)
    }

    /// Writes down that the newest messages are no longer `\Recent`. Nobody waits for it: if it is
    /// lost, they are recent once more, as they should be in doubt [rfc3501 2.3.2].
    async fn keep_recent_claim(&self) -> Result<(), Fault> {
        let mut change = AccountEdit::open(&self.account.inner, self.account.id).await?;
        if change.mailbox(self.mailbox).is_ok() {
            drop(change.submit(&self.account.inner));
        }
        Ok(())
    }

    /// The mailbox's id.
    pub fn id(&self) -> MailboxId {
        self.mailbox
    }
    /// The account.
    pub fn account_id(&self) -> AccountId {
        self.account.id
    }
    /// Its name when it was opened.
    pub fn name(&self) -> &MailboxName {
        &self.name
    }
    /// How it was opened.
    pub fn access(&self) -> Access {
        self.access
    }
    /// UIDVALIDITY
    pub fn uid_validity(&self) -> u32 {
        self.uid_validity
    }
    /// UIDNEXT as of this picture.
    pub fn uid_next(&self) -> u32 {
        self.uid_next
    }
    /// The mailbox's HIGHESTMODSEQ as of this picture.
    pub fn modseq(&self) -> ModSeq {
        self.modseq
    }
    /// Everything up to here was told: HIGHESTMODSEQ, or the moment before the first expunge that
    /// waits, so that a client that is cut off asks for that expunge [rfc7162 3.2].
    pub fn told_modseq(&self) -> ModSeq {
        self.held_since
            .map_or(self.modseq, |since| since.min(self.modseq))
    }
    /// Messages in this picture.
    pub fn len(&self) -> u32 {
        u32::try_from(self.uids.len()).expect("because a mailbox has fewer than 2^32 UIDs")
    }
    /// No message?
    pub fn is_empty(&self) -> bool {
        self.uids.is_empty()
    }
    /// The UIDs of this picture.
    pub fn uids(&self) -> &RoaringBitmap {
        &self.uids
    }
    /// Shows only these of its messages from now on; `sums` still is of all.
    pub fn keep_only(&mut self, uids: &RoaringBitmap) {
        *Arc::make_mut(&mut self.uids) &= uids;
    }
    /// What its messages add up to when it was opened.
    pub fn sums(&self) -> Sums {
        self.sums
    }
    /// The sequence number of a UID: its place among them [rfc3501 2.3.1.2] [rfc9051 2.3.1.2].
    pub fn seq_of(&self, uid: u32) -> Option<u32> {
        self.uids.contains(uid).then(|| self.rank(uid))
    }
    /// The UID of a sequence number.
    pub fn uid_at(&self, seq: u32) -> Option<u32> {
        self.uids.select(seq.checked_sub(1)?)
    }
    pub(crate) fn rank(&self, uid: u32) -> u32 {
        self.uids.rank(uid) as u32
    }
    /// The sequence number of the first message without `\Seen` when this picture was opened.
    pub fn first_unseen(&self) -> Option<u32> {
        self.first_unseen.and_then(|uid| self.seq_of(uid))
    }
    /// Is this session the first that was told of the message?
    pub fn is_recent(&self, uid: u32) -> bool {
        self.recent.contains(uid)
    }
    /// How many are.
    pub fn recent(&self) -> u32 {
        self.recent.len() as u32
    }
    /// The account's keywords, for FLAGS and PERMANENTFLAGS.
    pub fn keywords(&self) -> Result<Arc<[Keyword]>, Fault> {
        match &self.keywords {
            Some(keywords) if self.is_quiet(self.bell.rings()) => Ok(keywords.clone()),
            _ => Ok(Keywords::load(&self.account.now())?.names().into()),
        }
    }
    /// No commit since the log was last read: what was true is true, also for who has read since
    /// then.
    fn is_quiet(&self, rings: Option<u64>) -> bool {
        rings.is_some() && rings == self.heard
    }
    /// How many keywords the account may have.
    pub fn max_keywords(&self) -> usize {
        self.account.inner.settings.max_keywords.into()
    }
    /// Messages of this picture without `\Seen`, as of now.
    pub fn unseen(&self) -> Result<RoaringBitmap, Fault> {
        self.set(Kind::Unseen)
    }
    /// Messages of this picture with `\Deleted`, as of now.
    pub fn deleted(&self) -> Result<RoaringBitmap, Fault> {
        self.set(Kind::Deleted)
    }
    fn set(&self, kind: Kind) -> Result<RoaringBitmap, Fault> {
        let place = (self.mailbox, self.uid_next);
        Ok(bits::load(&self.account.now(), place, kind)? & &*self.uids)
    }
    pub(crate) fn note_own(&mut self, modseqs: impl IntoIterator<Item = ModSeq>) {
        self.own.extend(modseqs);
    }
    pub(crate) fn held(&self) -> &BTreeMap<u32, FlagSet> {
        &self.held
    }
    pub(crate) fn told(&self) -> ModSeq {
        self.told
    }
    /// Is the mailbox still the one that was opened?
    pub(crate) fn is_same(&self, node: Option<&Node>) -> bool {
        node.is_some_and(|node| {
            let record = &node.record;
            let moved = self.name.is_inbox() && (record.parent != ROOT || record.leaf != "INBOX");
            record.selectable && record.uid_validity == self.uid_validity && !moved
        })
    }

    /// Reads the change log since the last advance.
    pub fn advance(&mut self, expunges: Expunges) -> Result<Vec<Update>, ViewError> {
        let rings = self.bell.rings();
        if self.is_quiet(rings) && (self.held.is_empty() || expunges == Expunges::Hold) {
            return Ok(Vec::new());
        }
        let updates = self.read_news(expunges)?;
        (self.heard, self.keywords) = (rings, None);
        Ok(updates)
    }

    fn read_news(&mut self, expunges: Expunges) -> Result<Vec<Update>, ViewError> {
        let look = self.account.now();
        if !self.is_same(tree::node(&look, self.mailbox)?.as_ref()) {
            return Err(ViewError::Gone);
        }
        let now = account_modseq(&look, &self.account)?;
        let state = mailbox::state(&look, self.mailbox)?;
        let mut news = News::default();
        if state.highest_modseq > self.modseq && !self.did_all_since(now) {
            news = self.read_log(&look)?;
        }
        // All that can fail is read before anything moves: what a client was not told it must
        // still be told, and its mod-sequence must not pass over it [rfc7162 3.2].
        let flagged = self.read_flags(&look, &news)?;
        (self.told, self.modseq, self.uid_next) = (now, state.highest_modseq, state.uid_next);
        let mut updates = Vec::new();
        if expunges == Expunges::Tell {
            self.tell_expunges(&mut updates);
        }
        self.tell_added(&news, &state, &mut updates);
        self.tell_flags(flagged, &mut updates);
        self.own.clear();
        self.needs.needs_after(self.held_since.unwrap_or(self.told));
        Ok(updates)
    }

    /// Are all changes up to this one those of this view that the session has told already?
    fn did_all_since(&self, now: ModSeq) -> bool {
        let own = self
            .own
            .iter()
            .filter(|modseq| **modseq > self.told && **modseq <= now);
        now.0.saturating_sub(self.told.0) == own.count() as u64
    }

    fn read_log(&mut self, look: &Moment) -> Result<News, Fault> {
        let mut news = News::default();
        for row in look.range(keys::changes_after(self.told)) {
            let (key, value) = row?;
            let entry = decode::<LogEntry>(&key, &value)?;
            let modseq = keys::last_u64(&key).map(ModSeq).unwrap_or_default();
            for change in entry.changes {
                if change.mailbox() == Some(self.mailbox) {
                    self.read_change(modseq, change, &mut news);
                }
            }
        }
        Ok(news)
    }

    fn read_change(&mut self, modseq: ModSeq, change: LogChange, news: &mut News) {
        match change {
            LogChange::Added { runs, .. } => {
                insert(&mut news.added, runs);
            }
            // The session has said what its own STORE made of these. What another session did to
            // them in between it does not know, also when its own change came last.
            LogChange::Flags { .. } if self.own.contains(&modseq) => {}
            LogChange::Flags { before, .. } => {
                insert(&mut news.flagged, before.runs());
            }
            LogChange::Expunged { before, .. } => {
                for (uid, flags) in before.iter() {
                    news.added.remove(uid);
                    if self.uids.contains(uid) {
                        self.held.insert(uid, flags.clone());
                        self.held_since
                            .get_or_insert(ModSeq(modseq.0.saturating_sub(1)));
                    }
                }
            }
            _ => {}
        }
    }

    fn tell_expunges(&mut self, updates: &mut Vec<Update>) {
        for uid in std::mem::take(&mut self.held).into_keys() {
            updates.push(Update::Expunged {
                seq: self.rank(uid),
                uid,
            });
            Arc::make_mut(&mut self.uids).remove(uid);
            self.recent.remove(uid);
        }
        self.held_since = None;
    }

    fn tell_added(&mut self, news: &News, state: &MailboxState, updates: &mut Vec<Update>) {
        if news.added.is_empty() {
            return;
        }
        let from = recent_from(&self.account, self.access, self.mailbox, state);
        let recent_before = self.recent();
        self.recent.extend(news.added.range(from..));
        *Arc::make_mut(&mut self.uids) |= &news.added;
        updates.push(Update::Exists(self.len()));
        if self.recent() != recent_before {
            updates.push(Update::Recent(self.recent()));
        }
    }

    /// The flags as they are now of those messages whose flags changed.
    fn read_flags(&self, look: &Moment, news: &News) -> Result<Vec<(u32, Flags, ModSeq)>, Fault> {
        let changed = &(&news.flagged & &*self.uids) - &news.added;
        let mut flagged = Vec::new();
        if changed.is_empty() {
            return Ok(flagged);
        }
        let mut keywords = None;
        let changed: Vec<u32> = changed.iter().collect();
        for piece in changed.chunks(limits::FETCH_MESSAGES) {
            let rows = rows::rows(look, self.mailbox, piece)?;
            for (uid, row) in piece.iter().zip(rows) {
                if let Some(row) = row {
                    let flags = Keywords::flags_by(&mut keywords, look, &row.flags)?;
                    flagged.push((*uid, flags, row.modseq));
                }
            }
        }
        Ok(flagged)
    }

    fn tell_flags(&self, flagged: Vec<(u32, Flags, ModSeq)>, updates: &mut Vec<Update>) {
        let update = |(uid, flags, modseq)| Update::Flags {
            seq: self.rank(uid),
            uid,
            flags,
            modseq,
        };
        updates.extend(flagged.into_iter().map(update));
    }
}

/// What the log has to say about the mailbox.
#[derive(Default)]
struct News {
    added: RoaringBitmap,
    flagged: RoaringBitmap,
}

fn account_modseq(look: &Moment, account: &Account) -> Result<ModSeq, Fault> {
    let state = look.record::<AccountState>(keys::ACCOUNT)?;
    Ok(state.ok_or_else(|| no_account(account.id))?.modseq)
}

/// From which UID on messages are `\Recent`; claims them if the mailbox is open for writing.
fn recent_from(account: &Account, access: Access, id: MailboxId, state: &MailboxState) -> u32 {
    let sessions = &account.inner.sessions;
    match access {
        Access::ReadWrite => sessions.claim(account.id, id, state.recent_from, state.uid_next),
        Access::ReadOnly => sessions.recent_from(account.id, id, state.recent_from),
    }
}
