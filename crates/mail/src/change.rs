//! One transaction of an account: its writes keep rows, bitmaps, counts and the change log in step.
//! Everything that changes an account goes through here. What never happens here: deciding what to
//! change.

use crate::before::{Before, Run, add_run};
use crate::bits::{Chunk, Kind, chunk_of};
use crate::codec::{Look, Record};
use crate::deliver::Inner;
use crate::flags::{Flags, SystemFlags};
use crate::history::{Fate, LogChange, LogEntry};
use crate::ids::{AccountId, EmailId, MailboxId, ModSeq, ThreadId};
use crate::keys;
use crate::keywords::Keywords;
use crate::record;
use crate::rows::{Block, ShownRanges, block_of};
use crate::state::{AccountState, FlagRow, FlagSet, Forms, MailboxState, Shown};
use net::Time;
use roaring::RoaringBitmap;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use store::{Body, BodyId, Edit, Fault, Pending, limits::MAX_EDIT_BYTES};

/// Records of one piece of a large change; well below the store's limit, as the last message may
/// be a large one.
pub(crate) const PIECE_BYTES: usize = MAX_EDIT_BYTES / 4;

/// Bodies that wait in memory, of one piece: a piece is one frame of the log.
pub(crate) const PIECE_BODY_BYTES: usize = 8 * 1024 * 1024;

/// About what a block takes in a transaction, and a keyword in a block and in the log entry.
const BLOCK_BYTES: usize = 512;
const KEYWORD_BYTES: usize = 3;

/// Octets of a body that would travel with the records.
pub(crate) fn waiting_bytes(body: &Body) -> usize {
    body.bytes().map_or(0, |bytes| bytes.len())
}

/// A transaction of an account. Dropped: nothing happens.
pub(crate) struct AccountEdit {
    pub edit: Edit,
    pub account: AccountId,
    pub state: AccountState,
    pub at: Time,
    log: Vec<LogChange>,
    boxes: BTreeMap<MailboxId, MailboxState>,
    chunks: BTreeMap<(MailboxId, Kind, u16), RoaringBitmap>,
    /// Chunks that are not as they are kept.
    changed_chunks: BTreeSet<(MailboxId, Kind, u16)>,
    /// Small rows, by the number of their block.
    blocks: BTreeMap<(MailboxId, u32), Block>,
    /// Blocks that are not as they are kept.
    changed_blocks: BTreeSet<(MailboxId, u32)>,
    /// About as many octets as these blocks and the log entry will have.
    waiting_bytes: usize,
    shown: ShownRanges,
    added: BTreeMap<MailboxId, Vec<Run>>,
    flagged: BTreeMap<MailboxId, Before>,
    removed: BTreeMap<MailboxId, Before>,
    moved: BTreeMap<MailboxId, Before>,
    keywords: Option<Keywords>,
    keywords_kept: usize,
    /// Bodies that travel with the records.
    body_bytes: usize,
}

impl AccountEdit {
    /// Waits for the account's lock.
    pub async fn open(inner: &Inner, account: AccountId) -> Result<Self, Fault> {
        let edit = inner.db.edit(keys::partition(account)).await;
        let at = inner.clock.now();
        let Some(state) = edit.record_often::<AccountState>(keys::ACCOUNT)? else {
            return Err(no_account(account));
        };
        Ok(Self::with_state(edit, account, state, at))
    }

    /// Over an edit that is held already.
    pub fn with_state(edit: Edit, account: AccountId, state: AccountState, at: Time) -> Self {
        Self {
            edit,
            account,
            state,
            at,
            log: Vec::new(),
            boxes: BTreeMap::new(),
            chunks: BTreeMap::new(),
            changed_chunks: BTreeSet::new(),
            blocks: BTreeMap::new(),
            changed_blocks: BTreeSet::new(),
            waiting_bytes: 0,
            shown: ShownRanges::default(),
            added: BTreeMap::new(),
            flagged: BTreeMap::new(),
            removed: BTreeMap::new(),
            moved: BTreeMap::new(),
            keywords: None,
            keywords_kept: 0,
            body_bytes: 0,
        }
    }

    /// The number that this transaction's changes get: each STORE, expunge and new message of a
    /// mailbox a higher one than those before [rfc7162 3.1] [rfc7162 3.2].
    pub fn modseq(&self) -> ModSeq {
        ModSeq(self.state.modseq.0 + 1)
    }

    pub fn record(&mut self, change: LogChange) {
        self.log.push(change);
    }

    /// A mailbox's state, to be changed.
    pub fn mailbox(&mut self, id: MailboxId) -> Result<&mut MailboxState, Fault> {
        if !self.boxes.contains_key(&id) {
            let state = self.edit.record_often::<MailboxState>(&keys::state(id))?;
            let state = state.ok_or_else(|| missing_state(id))?;
            self.boxes.insert(id, state);
        }
        Ok(self
            .boxes
            .get_mut(&id)
            .expect("because it was just put there"))
    }

    /// Gives a mailbox a first, or a fresh, state.
    pub fn put_mailbox(&mut self, id: MailboxId, state: MailboxState) {
        self.boxes.insert(id, state);
    }

    /// Takes a mailbox's state away.
    pub fn drop_mailbox(&mut self, id: MailboxId) {
        self.boxes.remove(&id);
        self.edit.delete(keys::state(id));
    }

    /// Forgets a mailbox's bitmaps: a record for every 65,536 UIDs.
    pub fn drop_bits(&mut self, id: MailboxId) -> Result<(), Fault> {
        let rows: Vec<_> = self
            .edit
            .prefix(&keys::all_bits(id))
            .collect::<Result<_, _>>()?;
        for (key, _) in rows {
            self.edit.delete(key.to_vec());
        }
        Ok(())
    }

    fn chunk(&mut self, id: MailboxId, kind: Kind, uid: u32) -> Result<&mut RoaringBitmap, Fault> {
        let place = (id, kind, chunk_of(uid));
        if !self.chunks.contains_key(&place) {
            let key = keys::bits(id, kind as u8, place.2);
            let kept = self.edit.record_often::<Chunk>(&key)?.unwrap_or_default();
            self.chunks.insert(place, kept.0);
        }
        Ok(self
            .chunks
            .get_mut(&place)
            .expect("because it was just put there"))
    }

    /// Makes a message a member of a set, or not; says by how much the set grew.
    fn set(&mut self, id: MailboxId, kind: Kind, uid: u32, member: bool) -> Result<i32, Fault> {
        let bits = self.chunk(id, kind, uid)?;
        let by = match member {
            true => i32::from(bits.insert(uid)),
            false => -i32::from(bits.remove(uid)),
        };
        if by != 0 {
            self.changed_chunks.insert((id, kind, chunk_of(uid)));
        }
        Ok(by)
    }

    /// Brings the bitmaps and counts of one message in step with its flags, before and after;
    /// `None`: it is not there. A set that does not change is not looked at.
    fn count(
        &mut self,
        id: MailboxId,
        uid: u32,
        [before, after]: [Option<SystemFlags>; 2],
    ) -> Result<(), Fault> {
        let mut step = |kind, is_in: fn(SystemFlags) -> bool| {
            let (was, is) = (before.is_some_and(is_in), after.is_some_and(is_in));
            match was == is {
                true => Ok(0),
                false => self.set(id, kind, uid, is),
            }
        };
        let all = step(Kind::All, |_| true)?;
        let unseen = step(Kind::Unseen, |flags| !flags.contains(SystemFlags::SEEN))?;
        let deleted = step(Kind::Deleted, |flags| flags.contains(SystemFlags::DELETED))?;
        let modseq = self.modseq();
        let state = self.mailbox(id)?;
        state.messages = moved_by(state.messages, all);
        state.unseen = moved_by(state.unseen, unseen);
        state.deleted = moved_by(state.deleted, deleted);
        state.highest_modseq = modseq;
        Ok(())
    }

    /// Adds a message; `None`: the mailbox has no UID left.
    pub fn add(
        &mut self,
        id: MailboxId,
        ready: Vec<u8>,
        flags: FlagSet,
        size: u64,
    ) -> Result<Option<u32>, Fault> {
        let state = self.mailbox(id)?;
        let uid = state.uid_next;
        let Some(next) = uid.checked_add(1) else {
            return Ok(None);
        };
        state.uid_next = next;
        state.bytes += size;
        let system = flags.system;
        let form = record::form_of(&ready);
        self.mailbox(id)?.forms.add(form);
        self.put_rows(
            id,
            uid,
            ready,
            FlagRow {
                flags,
                modseq: self.modseq(),
                size,
                form,
            },
        )?;
        self.count(id, uid, [None, Some(system)])?;
        self.state.used_bytes += size;
        self.state.used_messages += 1;
        self.note_added(id, uid, 1);
        Ok(Some(uid))
    }

    /// Writes a message's rows where nobody looks yet.
    pub fn put_rows(
        &mut self,
        id: MailboxId,
        uid: u32,
        ready: Vec<u8>,
        row: FlagRow,
    ) -> Result<(), Fault> {
        self.edit.put(keys::ready(id, uid), ready);
        self.change_block(id, uid, row.flags.keywords.len())?
            .put(uid, row);
        Ok(())
    }

    /// The block of a UID.
    fn block(&mut self, id: MailboxId, uid: u32) -> Result<&mut Block, Fault> {
        match self.blocks.entry((id, block_of(uid))) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let key = keys::flags(id, block_of(uid));
                let kept = self.edit.record_often::<Block>(&key)?;
                Ok(entry.insert(kept.unwrap_or_default()))
            }
        }
    }

    /// The same, to be changed in a row with so many keywords. The rows beside it are written anew
    /// with it, so that what they have counts as well.
    fn change_block(
        &mut self,
        id: MailboxId,
        uid: u32,
        keywords: usize,
    ) -> Result<&mut Block, Fault> {
        let beside = self.block(id, uid)?.keywords();
        self.waiting_bytes += keywords * KEYWORD_BYTES;
        if self.changed_blocks.insert((id, block_of(uid))) {
            self.waiting_bytes += BLOCK_BYTES + beside * KEYWORD_BYTES;
        }
        self.block(id, uid)
    }

    /// Removes the rows of a message that nobody sees.
    pub fn drop_row(&mut self, id: MailboxId, uid: u32) -> Result<(), Fault> {
        self.edit.delete(keys::ready(id, uid));
        self.change_block(id, uid, 0)?.remove(uid);
        Ok(())
    }

    /// Shows the messages whose rows lie from `uid_next` on; their rows say modseq 0.
    pub fn show(&mut self, id: MailboxId, sets: &ShownSets) -> Result<(), Fault> {
        let modseq = self.modseq();
        let first = self.mailbox(id)?.uid_next;
        let last = first + (sets.count - 1);
        for (kind, bits) in [
            (Kind::All, None),
            (Kind::Unseen, Some(&sets.unseen)),
            (Kind::Deleted, Some(&sets.deleted)),
        ] {
            self.insert_range(id, kind, first, last, bits)?;
        }
        let state = self.mailbox(id)?;
        state.uid_next = last + 1;
        state.messages += sets.count;
        state.unseen += sets.unseen.len() as u32;
        state.deleted += sets.deleted.len() as u32;
        state.bytes += sets.bytes;
        state.forms.add_all(sets.forms);
        state.highest_modseq = modseq;
        self.state.used_bytes += sets.bytes;
        self.state.used_messages += u64::from(sets.count);
        self.edit.put(
            keys::shown(id, first),
            Shown {
                last_uid: last,
                modseq,
            }
            .encode(),
        );
        self.note_added(id, first, sets.count);
        Ok(())
    }

    fn insert_range(
        &mut self,
        id: MailboxId,
        kind: Kind,
        first: u32,
        last: u32,
        only: Option<&RoaringBitmap>,
    ) -> Result<(), Fault> {
        let mut from = first;
        loop {
            let to = (from | 0xffff).min(last);
            self.changed_chunks.insert((id, kind, chunk_of(from)));
            let chunk = self.chunk(id, kind, from)?;
            match only {
                None => {
                    chunk.insert_range(from..=to);
                }
                Some(bits) => {
                    for uid in bits.range(from..=to) {
                        chunk.insert(uid);
                    }
                }
            }
            if to == last {
                return Ok(());
            }
            from = to + 1;
        }
    }

    fn note_added(&mut self, id: MailboxId, first: u32, count: u32) {
        add_run(self.added.entry(id).or_default(), (first, count));
    }

    /// The block of a UID, to be changed outside of here and put back.
    pub fn take_block(&mut self, id: MailboxId, uid: u32) -> Result<Block, Fault> {
        Ok(std::mem::take(self.block(id, uid)?))
    }

    /// Puts a block back whose messages have got other flags, each with this modseq.
    pub fn put_flags(
        &mut self,
        id: MailboxId,
        uid: u32,
        block: Block,
        changed: Vec<Changed>,
    ) -> Result<(), Fault> {
        *self.block(id, uid)? = block;
        if changed.is_empty() {
            return Ok(());
        }
        self.change_block(id, uid, 0)?;
        for Changed {
            uid,
            before,
            system,
        } in changed
        {
            self.waiting_bytes += before.keywords.len() * KEYWORD_BYTES * 2;
            self.count(id, uid, [Some(before.system), Some(system)])?;
            self.flagged.entry(id).or_default().note(uid, before);
        }
        Ok(())
    }

    /// Takes a message out of its mailbox. Its ready-to-send record stays while history is kept.
    pub fn expunge(
        &mut self,
        id: MailboxId,
        uid: u32,
        row: FlagRow,
        fate: Fate,
    ) -> Result<(), Fault> {
        let keywords = row.flags.keywords.len();
        self.change_block(id, uid, keywords)?.remove(uid);
        self.count(id, uid, [Some(row.flags.system), None])?;
        let state = self.mailbox(id)?;
        state.bytes = state.bytes.saturating_sub(row.size);
        state.forms.remove(row.form);
        self.state.used_bytes = self.state.used_bytes.saturating_sub(row.size);
        self.state.used_messages = self.state.used_messages.saturating_sub(1);
        let list = match fate {
            Fate::Removed => {
                self.state.history_bytes += row.size;
                &mut self.removed
            }
            Fate::Moved => &mut self.moved,
        };
        list.entry(id).or_default().note(uid, row.flags);
        Ok(())
    }

    /// A message's flags, with its true modseq.
    pub fn row(&mut self, id: MailboxId, uid: u32) -> Result<Option<FlagRow>, Fault> {
        let Some(row) = self.block(id, uid)?.get(uid).cloned() else {
            return Ok(None);
        };
        Ok(Some(self.shown.complete(&self.edit, id, (uid, row))?))
    }

    /// The modseq of a row that says this one.
    pub fn true_modseq(
        &mut self,
        id: MailboxId,
        uid: u32,
        modseq: ModSeq,
    ) -> Result<ModSeq, Fault> {
        match modseq {
            ModSeq(0) => self.shown.modseq(&self.edit, id, uid),
            modseq => Ok(modseq),
        }
    }

    pub fn keywords(&mut self) -> Result<&mut Keywords, Fault> {
        if self.keywords.is_none() {
            let table = Keywords::load(&self.edit)?;
            self.keywords_kept = table.names().len();
            self.keywords = Some(table);
        }
        Ok(self.keywords.as_mut().expect("because it was just loaded"))
    }

    /// Flags as they are kept; `None`: more keywords than the account or a message may have.
    pub fn flag_set(&mut self, flags: &Flags, limit: u16) -> Result<Option<FlagSet>, Fault> {
        let mut set = FlagSet {
            system: flags.system,
            keywords: Vec::new(),
        };
        if flags.keywords.is_empty() {
            return Ok(Some(set));
        }
        let table = self.keywords()?;
        for keyword in &flags.keywords {
            match table.number_or_new(keyword, limit) {
                Some(number) => set.keywords.push(number),
                None => return Ok(None),
            }
        }
        set.keywords.sort_unstable();
        set.keywords.dedup();
        let fits = set.keywords.len() <= crate::limits::KEYWORDS_PER_MESSAGE;
        Ok(fits.then_some(set))
    }

    /// The next message's id.
    pub fn next_email(&mut self) -> EmailId {
        let id = self.state.next_email;
        self.state.next_email += 1;
        EmailId(id)
    }

    /// The conversation that these Message-IDs belong to; a new one has the message's own number.
    pub fn thread(&mut self, references: &[u64], email: EmailId) -> Result<ThreadId, Fault> {
        let mut found = None;
        let mut unknown = Vec::new();
        for hash in references {
            match self.edit.get(&keys::thread(*hash))? {
                Some(value) => found = found.or_else(|| keys::last_u64(&value)),
                None => unknown.push(*hash),
            }
        }
        let thread = found.unwrap_or(email.0);
        for hash in unknown {
            self.edit.put(keys::thread(hash), thread.to_be_bytes());
        }
        Ok(ThreadId(thread))
    }

    /// Hands over a body for the records of this transaction.
    pub fn add_body(&mut self, body: &Body) -> BodyId {
        self.body_bytes += waiting_bytes(body);
        self.edit.add_body(body)
    }

    /// Is this piece of a large change full?
    pub fn is_full(&self) -> bool {
        let records = self.edit.record_bytes() + self.waiting_bytes;
        records >= PIECE_BYTES || self.body_bytes >= PIECE_BODY_BYTES
    }

    /// Writes states, bitmaps and the log entry; the edit is ready to be submitted then.
    pub fn finish(mut self, inner: &Inner) -> Edit {
        for (id, state) in &mut self.boxes {
            let told = inner
                .sessions
                .recent_from(self.account, *id, state.recent_from);
            state.recent_from = told.min(state.uid_next);
        }
        self.finish_alone()
    }

    /// The same for an account that no session can have open.
    pub fn finish_alone(mut self) -> Edit {
        let modseq = self.modseq();
        self.collect_log();
        if !self.log.is_empty() {
            let entry = LogEntry {
                at: self.at,
                changes: std::mem::take(&mut self.log),
            };
            self.edit.put(keys::change(modseq), entry.encode());
            self.state.modseq = modseq;
        }
        if let Some(table) = &self.keywords {
            for (number, name) in table.names().iter().enumerate().skip(self.keywords_kept) {
                self.edit.put(keys::keyword(number as u16), name.as_str());
            }
        }
        for (place, bits) in self.chunks {
            if !self.changed_chunks.contains(&place) {
                continue;
            }
            let (id, kind, chunk) = place;
            let key = keys::bits(id, kind as u8, chunk);
            if bits.is_empty() {
                self.edit.delete(key);
            } else {
                self.edit.put(key, Chunk(bits).encode());
            }
        }
        for (id, number) in self.changed_blocks {
            let key = keys::flags(id, number);
            match self.blocks.remove(&(id, number)) {
                Some(block) if !block.is_empty() => self.edit.put(key, block.encode()),
                _ => self.edit.delete(key),
            }
        }
        for (id, state) in self.boxes {
            self.edit.put(keys::state(id), state.encode());
        }
        self.edit.put(keys::ACCOUNT, self.state.encode());
        self.edit
    }

    fn collect_log(&mut self) {
        for (mailbox, runs) in std::mem::take(&mut self.added) {
            self.log.push(LogChange::Added { mailbox, runs });
        }
        for (mailbox, before) in std::mem::take(&mut self.flagged) {
            self.log.push(LogChange::Flags { mailbox, before });
        }
        for (mailbox, before) in std::mem::take(&mut self.removed) {
            self.log.push(LogChange::Expunged {
                mailbox,
                fate: Fate::Removed,
                before,
            });
        }
        for (mailbox, before) in std::mem::take(&mut self.moved) {
            self.log.push(LogChange::Expunged {
                mailbox,
                fate: Fate::Moved,
                before,
            });
        }
    }

    /// Nothing is to be changed; ends when all that was read here is durable. Without this, an
    /// answer such as "that is gone already" could rest on a change that fails yet.
    pub fn leave(self) -> Pending {
        self.edit.leave()
    }

    /// Hands it to the committer and lets the account's lock go.
    pub fn submit(self, inner: &Inner) -> Pending {
        self.finish(inner).submit()
    }
}

/// A message that has got other flags.
pub(crate) struct Changed {
    pub uid: u32,
    pub before: FlagSet,
    /// Its system flags now.
    pub system: SystemFlags,
}

/// What a range that is shown at once has in its bitmaps and counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShownSets {
    pub count: u32,
    pub unseen: RoaringBitmap,
    pub deleted: RoaringBitmap,
    pub bytes: u64,
    pub forms: Forms,
}

fn moved_by(count: u32, by: i32) -> u32 {
    count.saturating_add_signed(by)
}

pub(crate) fn no_account(account: AccountId) -> Fault {
    Fault::new(
        format!("opening account {account}"),
        "there is no such account",
    )
}

fn missing_state(id: MailboxId) -> Fault {
    Fault::new(format!("opening mailbox {id}"), "its state is missing")
}
