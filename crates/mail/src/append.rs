//! Adding messages to a mailbox: APPEND, and the invisible filling that large COPYs and APPENDs
//! use to be all or nothing although no transaction is large.

use crate::account::{Account, Appended, NewMessage};
use crate::change::{AccountEdit, PIECE_BODY_BYTES, PIECE_BYTES, ShownSets, waiting_bytes};
use crate::deliver::Inner;
use crate::error::AppendError;
use crate::flags::SystemFlags;
use crate::ids::{AccountId, ModSeq};
use crate::limits;
use crate::name::MailboxName;
use crate::parse::Parsed;
use crate::record::{self, Saved};
use crate::sessions::Filling;
use crate::state::{AccountState, FlagRow, FlagSet};
use crate::tree::{self, Node};
use store::Pending;

/// APPEND [rfc9051 6.3.12] of one or more messages [rfc3502]: all or none.
pub(crate) async fn append(
    account: &Account,
    name: &MailboxName,
    messages: Vec<NewMessage>,
) -> Result<Appended, AppendError> {
    if messages.len() > limits::APPEND_MESSAGES {
        return Err(AppendError::TooMany);
    }
    let inner = &account.inner;
    let mut parsed = Vec::with_capacity(messages.len());
    let mut records = 0;
    for message in &messages {
        let one = inner.parse(&message.body).await?;
        records += one.record_bytes();
        // They are in memory together until the last is read.
        if messages.len() > 1 && records > limits::APPEND_RECORDS_BYTES {
            return Err(AppendError::TooMany);
        }
        parsed.push(one);
    }
    let (mut change, target) = open_target(inner, account.id, name).await?;
    let bytes: u64 = messages.iter().map(|m| m.body.len()).sum();
    check_quota(inner, &change.state, account.id, bytes)?;
    let bodies: usize = messages.iter().map(|m| waiting_bytes(&m.body)).sum();
    let uid_validity = target.record.uid_validity;
    let fits = records <= PIECE_BYTES && bodies <= PIECE_BODY_BYTES;
    let uids = if fits || messages.len() == 1 {
        let mut uids = Vec::with_capacity(messages.len());
        for (message, parsed) in messages.iter().zip(&parsed) {
            let (ready, flags) = prepare(inner, &mut change, message, parsed)?;
            let uid = change.add(target.id, ready, flags, message.body.len())?;
            uids.push(uid.ok_or(AppendError::TooMany)?);
        }
        change.submit(inner).await?;
        uids
    } else {
        let mut fill = Fill::begin(account, change, target, messages.len())?;
        for (message, parsed) in messages.iter().zip(&parsed) {
            let (ready, flags) = prepare(inner, fill.change(), message, parsed)?;
            fill.push(ready, flags, message.body.len()).await?;
        }
        fill.show().await?
    };
    Ok(Appended { uid_validity, uids })
}

/// A message's record and flags, with its body handed to the transaction.
fn prepare(
    inner: &Inner,
    change: &mut AccountEdit,
    message: &NewMessage,
    parsed: &Parsed,
) -> Result<(Vec<u8>, FlagSet), AppendError> {
    let flags = change.flag_set(&message.flags, inner.settings.max_keywords)?;
    let flags = flags.ok_or(AppendError::TooManyKeywords)?;
    let email = change.next_email();
    let thread = change.thread(&parsed.hashes(), email)?;
    let saved = Saved {
        email,
        thread,
        internal_date: message.internal_date.unwrap_or(change.at),
        saved: change.at,
        body: change.add_body(&message.body),
        prefix: b"",
        delivered: None,
    };
    Ok((record::encode(parsed, &saved), flags))
}

/// A transaction on the account in which nobody else is filling the mailbox of that name.
pub(crate) async fn open_target(
    inner: &Inner,
    account: AccountId,
    name: &MailboxName,
) -> Result<(AccountEdit, Node), AppendError> {
    loop {
        let change = AccountEdit::open(inner, account).await?;
        let node = tree::find(&change.edit, name)?.ok_or(AppendError::NotFound)?;
        if !node.record.selectable {
            return Err(AppendError::NoSelect);
        }
        match inner.sessions.filled_by_other(account, node.id) {
            None => return Ok((change, node)),
            Some(wait) => {
                drop(change);
                wait.over().await;
            }
        }
    }
}

/// Refuses what would bring the account over its quota.
pub(crate) fn check_quota(
    inner: &Inner,
    state: &AccountState,
    account: AccountId,
    more_bytes: u64,
) -> Result<(), AppendError> {
    let limit = inner.directory.quota_of(account)?;
    match limit {
        Some(limit) if state.used_bytes.saturating_add(more_bytes) > limit => {
            Err(AppendError::OverQuota)
        }
        _ => Ok(()),
    }
}

/// Writes messages past UIDNEXT, where nobody looks, in pieces, and shows them all with a last
/// small transaction. While it lives, no other message comes into the mailbox.
pub(crate) struct Fill<'a> {
    account: &'a Account,
    change: Option<AccountEdit>,
    target: Node,
    first: u32,
    sets: ShownSets,
    in_piece: usize,
    pending: Vec<Pending>,
    _filling: Filling,
}

impl<'a> Fill<'a> {
    pub fn begin(
        account: &'a Account,
        mut change: AccountEdit,
        target: Node,
        count: usize,
    ) -> Result<Self, AppendError> {
        let first = change.mailbox(target.id)?.uid_next;
        let count = u32::try_from(count).map_err(|_| AppendError::TooMany)?;
        first.checked_add(count).ok_or(AppendError::TooMany)?;
        let filling = account.inner.sessions.fill(account.id, target.id);
        Ok(Self {
            account,
            change: Some(change),
            target,
            first,
            sets: ShownSets::default(),
            in_piece: 0,
            pending: Vec::new(),
            _filling: filling,
        })
    }

    /// Writes one message. The piece before it may be handed to the committer first.
    pub async fn push(
        &mut self,
        ready: Vec<u8>,
        flags: FlagSet,
        size: u64,
    ) -> Result<(), AppendError> {
        let uid = self.first + self.sets.count;
        if !flags.system.contains(SystemFlags::SEEN) {
            self.sets.unseen.insert(uid);
        }
        if flags.system.contains(SystemFlags::DELETED) {
            self.sets.deleted.insert(uid);
        }
        self.sets.count += 1;
        self.sets.bytes += size;
        let row = FlagRow {
            flags,
            modseq: ModSeq(0),
            size,
            form: record::form_of(&ready),
        };
        self.sets.forms.add(row.form);
        let target = self.target.id;
        self.change().put_rows(target, uid, ready, row)?;
        self.in_piece += 1;
        if self.change().is_full() || self.in_piece >= limits::EDIT_MESSAGES {
            self.next_piece().await?;
        }
        Ok(())
    }

    async fn next_piece(&mut self) -> Result<(), AppendError> {
        let inner = &self.account.inner;
        let full = self
            .change
            .take()
            .expect("because a piece is open between calls");
        self.pending.push(full.submit(inner));
        self.in_piece = 0;
        self.change = Some(AccountEdit::open(inner, self.account.id).await?);
        Ok(())
    }

    /// Makes all of them visible at once; gives their UIDs. Nobody has seen anything before.
    pub async fn show(mut self) -> Result<Vec<u32>, AppendError> {
        let inner = &self.account.inner;
        self.next_piece().await?;
        for piece in std::mem::take(&mut self.pending) {
            piece.await?;
        }
        let mut change = self
            .change
            .take()
            .expect("because a piece is open between calls");
        if let Err(refusal) = self.check_end(&change) {
            drop(change);
            self.take_back().await?;
            return Err(refusal);
        }
        assert_eq!(
            change.mailbox(self.target.id)?.uid_next,
            self.first,
            "nobody else fills it"
        );
        if self.sets.count > 0 {
            change.show(self.target.id, &self.sets)?;
        }
        change.submit(inner).await?;
        Ok((self.first..self.first + self.sets.count).collect())
    }

    /// The mailbox, and the room in the quota, may have gone meanwhile.
    fn check_end(&self, change: &AccountEdit) -> Result<(), AppendError> {
        let node = tree::node(&change.edit, self.target.id)?;
        let uid_validity = self.target.record.uid_validity;
        if node.is_none_or(|node| node.record.uid_validity != uid_validity) {
            return Err(AppendError::NotFound);
        }
        let account = self.account;
        check_quota(&account.inner, &change.state, account.id, self.sets.bytes)
    }

    /// Removes what was written and may not be shown.
    async fn take_back(&self) -> Result<(), AppendError> {
        let (inner, target) = (&self.account.inner, self.target.id);
        let mut uids = self.first..self.first + self.sets.count;
        while !uids.is_empty() {
            let mut change = AccountEdit::open(inner, self.account.id).await?;
            for uid in uids.by_ref().take(limits::EDIT_MESSAGES) {
                change.drop_row(target, uid)?;
            }
            change.submit(inner).await?;
        }
        Ok(())
    }

    /// The piece that is open.
    pub fn change(&mut self) -> &mut AccountEdit {
        self.change
            .as_mut()
            .expect("because a piece is open between calls")
    }
}
