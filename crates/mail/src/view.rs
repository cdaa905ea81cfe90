//! A session's picture of one mailbox. It changes only by `advance` and by its own calls that say
//! so.

use crate::deliver::Inner;
use crate::error::{AppendError, StoreError, ViewError};
use crate::flags::{FlagChange, Flags, Keyword};
use crate::ids::{AccountId, MailboxId, ModSeq};
use crate::name::MailboxName;
use crate::ready::Ready;
use roaring::RoaringBitmap;
use std::sync::Arc;
use store::Fault;

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

/// A session's picture of one mailbox.
pub struct View {
    inner: Arc<Inner>,
    account: AccountId,
    mailbox: MailboxId,
    name: MailboxName,
    access: Access,
    uid_validity: u32,
    uid_next: u32,
    modseq: ModSeq,
    uids: RoaringBitmap,
    recent: RoaringBitmap,
}

impl View {
    /// The mailbox's id.
    pub fn id(&self) -> MailboxId {
        self.mailbox
    }
    /// The account.
    pub fn account_id(&self) -> AccountId {
        self.account
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
    /// The sequence number of a UID.
    pub fn seq_of(&self, uid: u32) -> Option<u32> {
        todo!()
    }
    /// The UID of a sequence number.
    pub fn uid_at(&self, seq: u32) -> Option<u32> {
        todo!()
    }
    /// The sequence number of the first message without `\Seen`.
    pub fn first_unseen(&self) -> Result<Option<u32>, Fault> {
        todo!()
    }
    /// Is this session the first that was told of the message?
    pub fn is_recent(&self, uid: u32) -> bool {
        self.recent.contains(uid)
    }
    /// How many are.
    pub fn recent(&self) -> u32 {
        todo!()
    }
    /// The account's keywords, for FLAGS and PERMANENTFLAGS.
    pub fn keywords(&self) -> Result<Vec<Keyword>, Fault> {
        todo!()
    }
    /// Messages of this picture without `\Seen`, as of now.
    pub fn unseen(&self) -> Result<RoaringBitmap, Fault> {
        todo!()
    }
    /// Messages of this picture with `\Deleted`, as of now.
    pub fn deleted(&self) -> Result<RoaringBitmap, Fault> {
        todo!()
    }
    /// Reads the change log since the last advance.
    pub fn advance(&mut self, expunges: Expunges) -> Result<Vec<Update>, ViewError> {
        todo!()
    }
    /// Up to `limit` messages at or after the cursor among `uids`, in UID order. A message that is
    /// expunged but not yet told still shows. Empty = no more.
    pub fn fetch(
        &self,
        uids: &RoaringBitmap,
        want: Want,
        cursor: &mut Cursor,
        limit: usize,
    ) -> Result<Vec<Message>, Fault> {
        todo!()
    }
    /// Changes flags, in pieces. The changes are not told again by the next `advance`.
    pub async fn store(
        &mut self,
        uids: &RoaringBitmap,
        change: &FlagChange,
        unchanged_since: Option<ModSeq>,
    ) -> Result<StoreResult, StoreError> {
        todo!()
    }
    /// Removes messages that have `\Deleted` (all, or those among `uids`), in pieces. They are told
    /// by the next `advance(Tell)`.
    pub async fn expunge(&mut self, uids: Option<&RoaringBitmap>) -> Result<Vec<u32>, StoreError> {
        todo!()
    }
    /// Removes messages whatever their flags, in pieces (POP3's QUIT).
    pub async fn expunge_uids(&mut self, uids: &RoaringBitmap) -> Result<Vec<u32>, StoreError> {
        todo!()
    }
    /// Copies messages, all or none.
    pub async fn copy(
        &mut self,
        uids: &RoaringBitmap,
        to: &MailboxName,
    ) -> Result<Copied, AppendError> {
        todo!()
    }
    /// Moves messages, in pieces, each whole [rfc6851 3.3].
    pub async fn move_to(
        &mut self,
        uids: &RoaringBitmap,
        to: &MailboxName,
    ) -> Result<Copied, AppendError> {
        todo!()
    }
}
