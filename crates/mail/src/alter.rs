//! Changing messages of a view: STORE, EXPUNGE, COPY, MOVE, in pieces of bounded size.

use crate::append::{Fill, check_quota, open_target};
use crate::change::{AccountEdit, Changed, PIECE_BYTES};
use crate::codec::Look;
use crate::error::{AppendError, StoreError};
use crate::flags::{FlagChange, Flags, SystemFlags};
use crate::history::Fate;
use crate::ids::ModSeq;
use crate::keys;
use crate::limits;
use crate::name::MailboxName;
use crate::record;
use crate::rows::block_of;
use crate::since::Then;
use crate::state::{FlagRow, FlagSet};
use crate::tree;
use crate::view::{Access, Copied, StoreResult, View};
use roaring::RoaringBitmap;
use store::{Pending, Value};

impl View {
    /// Those of `uids` that are in this picture.
    fn targets(&self, uids: &RoaringBitmap) -> Vec<u32> {
        (uids & &*self.uids).iter().collect()
    }

    /// A transaction in which the mailbox is still there and may be changed.
    async fn begin(&self) -> Result<AccountEdit, StoreError> {
        let change = AccountEdit::open(&self.account.inner, self.account.id).await?;
        if !self.is_same(tree::node(&change.edit, self.mailbox)?.as_ref()) {
            return Err(StoreError::Gone);
        }
        Ok(change)
    }

    /// Changes flags, in pieces. The changes are not told again by the next `advance`.
    pub async fn store(
        &mut self,
        uids: &RoaringBitmap,
        change: &FlagChange,
        unchanged_since: Option<ModSeq>,
    ) -> Result<StoreResult, StoreError> {
        if self.access() == Access::ReadOnly {
            return Err(StoreError::ReadOnlyView);
        }
        self.store_flags(uids, change, unchanged_since).await
    }

    /// The same in any view, as `expunge_uids`.
    pub async fn store_flags(
        &mut self,
        uids: &RoaringBitmap,
        change: &FlagChange,
        unchanged_since: Option<ModSeq>,
    ) -> Result<StoreResult, StoreError> {
        let targets = self.targets(uids);
        let mut left = &targets[..];
        let mut result = StoreResult::default();
        let mut pieces: Vec<(Option<ModSeq>, Pending)> = Vec::new();
        while !left.is_empty() {
            let mut edit = self.begin().await?;
            let changed =
                self.store_piece(&mut edit, &mut left, change, unchanged_since, &mut result)?;
            pieces.push(match changed {
                true => (Some(edit.modseq()), edit.submit(&self.account.inner)),
                false => (None, edit.leave()),
            });
        }
        let mut own = Vec::new();
        for (modseq, piece) in pieces {
            piece.await?;
            own.extend(modseq);
        }
        // Not before: after a fault nobody says what the pieces before it have changed.
        self.note_own(own);
        Ok(result)
    }

    /// Changes what fits into one transaction; says whether anything changed.
    fn store_piece(
        &self,
        edit: &mut AccountEdit,
        left: &mut &[u32],
        change: &FlagChange,
        unchanged_since: Option<ModSeq>,
        result: &mut StoreResult,
    ) -> Result<bool, StoreError> {
        let mut store = Store {
            view: self,
            change,
            asked: self.asked(edit, change)?,
            unchanged_since,
            then: None,
            result,
        };
        let mut changed = false;
        let piece = piece_of(left);
        for uids in piece.chunk_by(|one, next| block_of(*one) == block_of(*next)) {
            if edit.is_full() {
                break;
            }
            *left = &left[uids.len()..];
            let mut block = edit.take_block(self.mailbox, uids[0])?;
            let mut before = Vec::new();
            for &uid in uids {
                match block.get_mut(uid) {
                    Some(row) => before.extend(store.message(edit, uid, row)?),
                    None => store.result.gone.push(uid),
                }
            }
            changed |= !before.is_empty();
            edit.put_flags(self.mailbox, uids[0], block, before)?;
        }
        Ok(changed)
    }

    /// The flags of a STORE by number; keywords that are only taken away need not be there.
    fn asked(&self, edit: &mut AccountEdit, change: &FlagChange) -> Result<FlagSet, StoreError> {
        let limit = self.account.inner.settings.max_keywords;
        match change {
            FlagChange::Add(flags) | FlagChange::Replace(flags) => edit
                .flag_set(flags, limit)?
                .ok_or(StoreError::TooManyKeywords),
            FlagChange::Remove(flags) if flags.keywords.is_empty() => Ok(FlagSet {
                system: flags.system,
                keywords: Vec::new(),
            }),
            FlagChange::Remove(flags) => {
                let table = edit.keywords()?;
                let known = flags
                    .keywords
                    .iter()
                    .filter_map(|keyword| table.number(keyword));
                Ok(FlagSet {
                    system: flags.system,
                    keywords: known.collect(),
                })
            }
        }
    }

    /// Removes messages that have `\Deleted` (all, or those among `uids`), in pieces. They are told
    /// by the next `advance(Tell)`.
    pub async fn expunge(&mut self, uids: Option<&RoaringBitmap>) -> Result<Vec<u32>, StoreError> {
        if self.access() == Access::ReadOnly {
            return Err(StoreError::ReadOnlyView);
        }
        let deleted = self.deleted()?;
        let wanted = uids.map_or(deleted.clone(), |uids| uids & &deleted);
        self.expunge_if(&wanted, |flags| flags.contains(SystemFlags::DELETED))
            .await
    }

    /// Removes messages whatever their flags, in pieces (POP3's QUIT). Any view may: POP3 opens
    /// read-only so that it claims no `\Recent`.
    pub async fn expunge_uids(&mut self, uids: &RoaringBitmap) -> Result<Vec<u32>, StoreError> {
        self.expunge_if(uids, |_| true).await
    }

    async fn expunge_if(
        &mut self,
        uids: &RoaringBitmap,
        may_go: impl Fn(SystemFlags) -> bool,
    ) -> Result<Vec<u32>, StoreError> {
        let targets = self.targets(uids);
        let mut left = &targets[..];
        let (mut gone, mut pieces) = (Vec::new(), Vec::new());
        while !left.is_empty() {
            let mut edit = self.begin().await?;
            let before = gone.len();
            let piece = piece_of(left);
            for &uid in piece {
                if edit.is_full() {
                    break;
                }
                left = &left[1..];
                match edit.row(self.mailbox, uid)? {
                    Some(row) if may_go(row.flags.system) => {
                        edit.expunge(self.mailbox, uid, row, Fate::Removed)?;
                        gone.push(uid);
                    }
                    _ => {}
                }
            }
            pieces.push(match gone.len() > before {
                true => edit.submit(&self.account.inner),
                false => edit.leave(),
            });
        }
        for piece in pieces {
            piece.await?;
        }
        Ok(gone)
    }

    /// Copies messages, all or none [rfc9051 6.4.7]. Messages that somebody else has expunged
    /// meanwhile are left out.
    pub async fn copy(
        &mut self,
        uids: &RoaringBitmap,
        to: &MailboxName,
    ) -> Result<Copied, AppendError> {
        let inner = self.account.inner.clone();
        let (mut change, target) = open_target(&inner, self.account.id, to).await?;
        self.check_source(&change)?;
        let mut targets = self.targets(uids).into_iter().peekable();
        let uid_validity = target.record.uid_validity;
        let mut small = Vec::new();
        let mut records = 0;
        while records <= PIECE_BYTES && small.len() < limits::EDIT_MESSAGES {
            let Some(uid) = targets.next() else { break };
            if let Some((ready, flags, size)) = self.source(&mut change, uid)? {
                records += ready.len();
                small.push((uid, ready, flags, size));
            }
        }
        let mut from: Vec<u32> = small.iter().map(|(uid, ..)| *uid).collect();
        let bytes = small.iter().map(|(.., size)| *size).sum();
        check_quota(&inner, &change.state, self.account.id, bytes)?;
        let saved = change.at;
        if targets.peek().is_none() {
            let mut to = Vec::with_capacity(small.len());
            for (_, ready, flags, size) in small {
                let uid = change.add(target.id, record::copied(&ready, saved), flags, size)?;
                to.push(uid.ok_or(AppendError::TooMany)?);
            }
            match to.is_empty() {
                true => change.leave().await?,
                false => change.submit(&inner).await?,
            };
            return Ok(Copied {
                uid_validity,
                from,
                to,
            });
        }
        let account = self.account.clone();
        let mut fill = Fill::begin(&account, change, target, small.len() + targets.len())?;
        for (_, ready, flags, size) in small {
            fill.push(record::copied(&ready, saved), flags, size)
                .await?;
        }
        for uid in targets {
            if let Some((ready, flags, size)) = self.source(fill.change(), uid)? {
                fill.push(record::copied(&ready, saved), flags, size)
                    .await?;
                from.push(uid);
            }
        }
        let to = fill.show().await?;
        Ok(Copied {
            uid_validity,
            from,
            to,
        })
    }

    fn check_source(&self, change: &AccountEdit) -> Result<(), AppendError> {
        match self.is_same(tree::node(&change.edit, self.mailbox)?.as_ref()) {
            true => Ok(()),
            false => Err(AppendError::SourceGone),
        }
    }

    /// A message's record, flags and size, if it is still there.
    fn source(
        &self,
        change: &mut AccountEdit,
        uid: u32,
    ) -> Result<Option<(Value, FlagSet, u64)>, AppendError> {
        let Some(row) = change.row(self.mailbox, uid)? else {
            return Ok(None);
        };
        let ready = change.edit.value(&keys::ready(self.mailbox, uid))?;
        Ok(ready.map(|ready| (ready, row.flags, row.size)))
    }

    /// Moves messages, in pieces: each message is in one of the two mailboxes at any time
    /// [rfc6851 3.3].
    pub async fn move_to(
        &mut self,
        uids: &RoaringBitmap,
        to: &MailboxName,
    ) -> Result<Copied, AppendError> {
        if self.access() == Access::ReadOnly {
            return Err(AppendError::ReadOnlyView);
        }
        let inner = self.account.inner.clone();
        let mut targets = self.targets(uids).into_iter().peekable();
        let mut copied = Copied {
            uid_validity: 0,
            from: Vec::new(),
            to: Vec::new(),
        };
        let mut pieces = Vec::new();
        loop {
            let (mut change, target) = open_target(&inner, self.account.id, to).await?;
            self.check_source(&change)?;
            copied.uid_validity = target.record.uid_validity;
            let before = copied.to.len();
            for uid in targets.by_ref() {
                let Some((ready, flags, size)) = self.source(&mut change, uid)? else {
                    continue;
                };
                let row = change.row(self.mailbox, uid)?;
                let row = row.expect("because its record was just read under the lock");
                let ready = record::copied(&ready, change.at);
                let there = change.add(target.id, ready, flags, size)?;
                change.expunge(self.mailbox, uid, row, Fate::Moved)?;
                copied.from.push(uid);
                copied.to.push(there.ok_or(AppendError::TooMany)?);
                if copied.to.len() - before >= limits::EDIT_MESSAGES || change.is_full() {
                    break;
                }
            }
            pieces.push(match copied.to.len() > before {
                true => change.submit(&inner),
                false => change.leave(),
            });
            if targets.peek().is_none() {
                break;
            }
        }
        for piece in pieces {
            piece.await?;
        }
        Ok(copied)
    }
}

/// A STORE on its way through messages.
struct Store<'a> {
    view: &'a View,
    change: &'a FlagChange,
    asked: FlagSet,
    unchanged_since: Option<ModSeq>,
    then: Option<Then>,
    result: &'a mut StoreResult,
}

impl Store<'_> {
    /// Gives a message its new flags; what it had before if they are others.
    fn message(
        &mut self,
        edit: &mut AccountEdit,
        uid: u32,
        row: &mut FlagRow,
    ) -> Result<Option<Changed>, StoreError> {
        let modseq = edit.true_modseq(self.view.mailbox, uid, row.modseq)?;
        // [rfc7162 3.1.3]
        if let Some(since) = self.unchanged_since.filter(|since| modseq > *since)
            && !self.stood(edit, since, (uid, &row.flags))?
        {
            self.result.modified.push(uid);
            return Ok(None);
        }
        let after = apply(&row.flags, &self.asked, self.change);
        if after.keywords.len() > limits::KEYWORDS_PER_MESSAGE {
            return Err(StoreError::TooManyKeywords);
        }
        let told = match after.keywords.is_empty() {
            true => Flags::system(after.system),
            false => edit.keywords()?.flags(&after),
        };
        if after == row.flags {
            self.result.changed.push((uid, told, modseq));
            return Ok(None);
        }
        row.modseq = edit.modseq();
        self.result.changed.push((uid, told, row.modseq));
        let system = after.system;
        let before = std::mem::replace(&mut row.flags, after);
        Ok(Some(Changed {
            uid,
            before,
            system,
        }))
    }

    /// A message changed after the moment of a conditional STORE: only in other flags than asked?
    fn stood(
        &mut self,
        edit: &AccountEdit,
        since: ModSeq,
        (uid, now): (u32, &FlagSet),
    ) -> Result<bool, StoreError> {
        if matches!(self.change, FlagChange::Replace(_)) {
            return Ok(false);
        }
        let then = match &mut self.then {
            Some(then) => then,
            None => self
                .then
                .insert(Then::read(&edit.edit, self.view.mailbox, since)?),
        };
        Ok(then.stood(uid, now, &self.asked))
    }
}

/// The first of these UIDs, which rise: as many as one transaction looks at.
fn piece_of(uids: &[u32]) -> &[u32] {
    let blocks = uids.chunk_by(|one, next| block_of(*one) == block_of(*next));
    let count: usize = blocks.take(limits::FLAG_BLOCKS).map(<[u32]>::len).sum();
    &uids[..count.min(limits::FLAG_MESSAGES)]
}

fn apply(before: &FlagSet, asked: &FlagSet, change: &FlagChange) -> FlagSet {
    let mut after = before.clone();
    match change {
        FlagChange::Add(_) => {
            after.system.insert(asked.system);
            after.keywords.extend(&asked.keywords);
            after.keywords.sort_unstable();
            after.keywords.dedup();
        }
        FlagChange::Remove(_) => {
            after.system.remove(asked.system);
            after
                .keywords
                .retain(|number| !asked.keywords.contains(number));
        }
        FlagChange::Replace(_) => after = asked.clone(),
    }
    after
}
