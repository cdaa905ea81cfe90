//! The small records: an account's state, a mailbox's record and state, a message's flags.

use crate::codec::{Damaged, Decoded, Reader, Record, Writer};
use crate::flags::SystemFlags;
use crate::ids::{MailboxId, ModSeq};
use crate::name::SpecialUse;
use crate::ready::{Form, Headers, LastLine};
use net::Time;

const VERSION: u8 = 1;
/// Of a mailbox's state. 1 did not count forms.
const STATE_VERSION: u8 = 2;

/// What an account counts. Every change of the account rewrites it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AccountState {
    /// The last change.
    pub modseq: ModSeq,
    pub next_mailbox: u32,
    pub next_uid_validity: u32,
    pub next_email: u64,
    pub used_bytes: u64,
    pub used_messages: u64,
    /// Octets of expunged messages that are still kept.
    pub history_bytes: u64,
    /// The last change that the log no longer has.
    pub forgotten: ModSeq,
    pub mailboxes: u32,
    pub subscriptions: u32,
}

impl Record for AccountState {
    const WHAT: &'static str = "an account's state";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(VERSION);
        w.uint(self.modseq.0)
            .uint(self.next_mailbox)
            .uint(self.next_uid_validity);
        w.uint(self.next_email)
            .uint(self.used_bytes)
            .uint(self.used_messages);
        w.uint(self.history_bytes).uint(self.forgotten.0);
        w.uint(self.mailboxes).uint(self.subscriptions);
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        Ok(Self {
            modseq: ModSeq(r.counter()?),
            next_mailbox: r.counter32()?,
            next_uid_validity: r.counter32()?,
            next_email: r.counter()?,
            used_bytes: r.counter()?,
            used_messages: r.counter()?,
            history_bytes: r.counter()?,
            forgotten: ModSeq(r.counter()?),
            mailboxes: r.counter32()?,
            subscriptions: r.counter32()?,
        })
    }
}

/// What seldom changes of a mailbox. The name is a leaf below its parent, so that RENAME costs the
/// same whatever is below.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MailboxRecord {
    /// `MailboxId(0)`: none.
    pub parent: MailboxId,
    pub leaf: String,
    pub uid_validity: u32,
    pub special_use: Option<SpecialUse>,
    pub created: Time,
    pub selectable: bool,
}

impl MailboxRecord {
    pub fn write(&self, w: &mut Writer) {
        w.uint(self.parent.0)
            .str(&self.leaf)
            .uint(self.uid_validity);
        w.u8(self.special_use.map_or(0, special_use_number));
        w.time(self.created).u8(u8::from(self.selectable));
    }
    pub fn read(r: &mut Reader<'_>) -> Decoded<Self> {
        Ok(Self {
            parent: MailboxId(r.u32()?),
            leaf: r.str()?.to_owned(),
            uid_validity: r.u32()?,
            special_use: special_use_from(r.u8()?)?,
            created: r.time()?,
            selectable: r.u8()? == 1,
        })
    }
}

impl Record for MailboxRecord {
    const WHAT: &'static str = "a mailbox's record";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(VERSION);
        self.write(&mut w);
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        Self::read(&mut Reader::new(bytes, VERSION)?)
    }
}

fn special_use_number(value: SpecialUse) -> u8 {
    match value {
        SpecialUse::Archive => 1,
        SpecialUse::Drafts => 2,
        SpecialUse::Junk => 3,
        SpecialUse::Sent => 4,
        SpecialUse::Trash => 5,
    }
}

fn special_use_from(number: u8) -> Decoded<Option<SpecialUse>> {
    if number == 0 {
        return Ok(None);
    }
    let found = SpecialUse::ALL
        .into_iter()
        .find(|u| special_use_number(*u) == number);
    found.map(Some).ok_or(Damaged)
}

/// What often changes of a mailbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MailboxState {
    pub uid_next: u32,
    /// The mailbox's own last change.
    pub highest_modseq: ModSeq,
    /// Up to here expunges are forgotten [rfc7162 3.2.6].
    pub forgotten: ModSeq,
    pub messages: u32,
    pub unseen: u32,
    pub deleted: u32,
    pub bytes: u64,
    /// Messages of which POP3 sends other octets than `bytes` counts.
    pub forms: Forms,
    /// Messages from this UID on have been told to no session yet.
    pub recent_from: u32,
}

/// How many messages have a form that is not the usual one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Forms {
    /// Without a CRLF behind the last line.
    pub open: u32,
    /// With more than ASCII in the headers.
    pub utf8: u32,
}

impl Forms {
    pub fn add(&mut self, form: Form) {
        self.open += u32::from(form.last_line == LastLine::Open);
        self.utf8 += u32::from(form.headers == Headers::Utf8);
    }
    pub fn remove(&mut self, form: Form) {
        let one = |is: bool| u32::from(is);
        self.open = self
            .open
            .saturating_sub(one(form.last_line == LastLine::Open));
        self.utf8 = self.utf8.saturating_sub(one(form.headers == Headers::Utf8));
    }
    pub fn add_all(&mut self, more: Forms) {
        self.open = self.open.saturating_add(more.open);
        self.utf8 = self.utf8.saturating_add(more.utf8);
    }
}

impl MailboxState {
    pub fn new(uid_next: u32, at: ModSeq) -> Self {
        Self {
            uid_next,
            highest_modseq: at,
            forgotten: at,
            messages: 0,
            unseen: 0,
            deleted: 0,
            bytes: 0,
            forms: Forms::default(),
            recent_from: uid_next,
        }
    }
    pub fn write(&self, w: &mut Writer) {
        w.uint(self.uid_next)
            .uint(self.highest_modseq.0)
            .uint(self.forgotten.0);
        w.uint(self.messages).uint(self.unseen).uint(self.deleted);
        w.uint(self.bytes).uint(self.forms.open);
        w.uint(self.forms.utf8).uint(self.recent_from);
    }
    pub fn read(r: &mut Reader<'_>) -> Decoded<Self> {
        Ok(Self {
            uid_next: r.u32()?,
            highest_modseq: ModSeq(r.counter()?),
            forgotten: ModSeq(r.counter()?),
            messages: r.counter32()?,
            unseen: r.counter32()?,
            deleted: r.counter32()?,
            bytes: r.counter()?,
            forms: Forms {
                open: r.counter32()?,
                utf8: r.counter32()?,
            },
            recent_from: r.u32()?,
        })
    }
}

impl Record for MailboxState {
    const WHAT: &'static str = "a mailbox's state";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(STATE_VERSION);
        self.write(&mut w);
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        Self::read(&mut Reader::new(bytes, STATE_VERSION)?)
    }
}

/// A message's flags as they are kept: keywords by their number in the account.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct FlagSet {
    pub system: SystemFlags,
    /// Sorted, each once.
    pub keywords: Vec<u16>,
}

impl FlagSet {
    /// System flags alone; bits that are none are dropped.
    pub fn of_bits(bits: u8) -> Self {
        Self {
            system: SystemFlags::from_bits(bits),
            keywords: Vec::new(),
        }
    }
    pub fn write(&self, w: &mut Writer) {
        w.u8(self.system.bits());
        self.write_keywords(w);
    }
    pub fn read(r: &mut Reader<'_>) -> Decoded<Self> {
        let mut flags = Self::of_bits(r.u8()?);
        flags.read_keywords(r)?;
        Ok(flags)
    }
    pub fn write_keywords(&self, w: &mut Writer) {
        w.len(self.keywords.len());
        for number in &self.keywords {
            w.uint(*number);
        }
    }
    pub fn read_keywords(&mut self, r: &mut Reader<'_>) -> Decoded<()> {
        let count = r.count()?;
        self.keywords = (0..count).map(|_| r.u16()).collect::<Decoded<_>>()?;
        Ok(())
    }
}

/// The mutable row of a message; `rows` keeps them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FlagRow {
    pub flags: FlagSet,
    /// 0: as the `shown` range that the message is in says.
    pub modseq: ModSeq,
    /// Octets of the message, here so that neither EXPUNGE nor a list of sizes reads the large
    /// record.
    pub size: u64,
    /// As the large record says.
    pub form: Form,
}

/// A range of messages that one large COPY or APPEND showed at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shown {
    pub last_uid: u32,
    pub modseq: ModSeq,
}

impl Record for Shown {
    const WHAT: &'static str = "a range of messages shown at once";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(VERSION);
        w.uint(self.last_uid).uint(self.modseq.0);
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        Ok(Self {
            last_uid: r.u32()?,
            modseq: ModSeq(r.counter()?),
        })
    }
}
