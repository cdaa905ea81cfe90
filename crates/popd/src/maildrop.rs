//! A mailbox as one session sees it: frozen when it was opened, with the marks of this session on it.
//!
//! Two views are held. The frozen one gives numbers and sizes and never moves; the second one moves
//! forward and says whether a message is still there. Never here: wire words.

use crate::Expire;
use crate::limits::{AHEAD_MESSAGES, BATCH_MESSAGES, CHUNK_BYTES, REMEMBERED_SIZES};
use crate::reply::{self, Refused};
use crate::session::Speech;
use crate::text::Text;
use bytes::Bytes;
use mail::{
    Access, Account, Content, Copied, Cursor, Expunges, FlagChange, Flags, Form, Headers, LastLine,
    MailboxId, MailboxName, Message, Ready, StoreError, SystemFlags, View, ViewError, Want, Weight,
    read_ahead,
};
use net::Time;
use net::time::Duration;
use pop::Surrogate;
use pop::pop4::{MessageSet, Range as Numbers};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use std::ops::Range;

/// A message that exists, is not marked, and is still there.
pub(crate) struct Found {
    pub number: u32,
    pub uid: u32,
    pub ready: Ready,
}

/// What a message is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// All its octets.
    All,
    /// Its beginning, or its size.
    Less,
}

/// Whose messages a maildrop shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose<'a> {
    Everybody,
    /// Those that came for one user of a host.
    User(&'a str),
}

/// Where the messages of a maildrop are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lies {
    Here,
    /// The mailbox was renamed, if it was INBOX, or deleted.
    Elsewhere,
}

/// With which envelope a message came.
pub(crate) struct Envelope {
    /// The message's id.
    pub id: String,
    /// Sender and recipient, without brackets; none if no envelope is known.
    pub parties: Option<(String, String)>,
}

/// What STAT says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub messages: u64,
    pub octets: u64,
}

pub(crate) struct Maildrop {
    frozen: View,
    live: View,
    marked: RoaringBitmap,
    /// Whether all messages of the mailbox are in it.
    is_whole: bool,
    /// Octets of all messages, marked or not; known from the first STAT on.
    octets: Option<u64>,
    /// What RETR sends of messages that are sent as surrogates, as far as it was counted.
    surrogates: BTreeMap<u32, u64>,
    speech: Speech,
    /// Messages that RETR has sent.
    read: RoaringBitmap,
    /// The highest number that this session has accessed.
    accessed: u32,
    /// The last message that was read, how many in a row before it, and those that were read along
    /// with it.
    last_read: u32,
    in_a_row: usize,
    ahead: VecDeque<Message>,
    now: Time,
    session: u64,
}

impl Maildrop {
    /// Opened read-only: POP3 claims no `\Recent`.
    pub async fn open(
        account: &Account,
        name: &MailboxName,
        speech: Speech,
        whose: Whose<'_>,
        (now, session): (Time, u64),
    ) -> Result<Maildrop, Refused> {
        let refuse = |error| reply::folder(&error, session);
        let mut frozen = account
            .select(name, Access::ReadOnly)
            .await
            .map_err(refuse)?;
        let live = account
            .select(name, Access::ReadOnly)
            .await
            .map_err(refuse)?;
        if let Whose::User(user) = whose {
            let uids = uids_of(&frozen, user).await;
            frozen.keep_only(&uids.map_err(|fault| reply::fault(&fault, session))?);
        }
        Ok(Maildrop {
            frozen,
            live,
            marked: RoaringBitmap::new(),
            is_whole: matches!(whose, Whose::Everybody),
            octets: None,
            surrogates: BTreeMap::new(),
            speech,
            read: RoaringBitmap::new(),
            accessed: 0,
            last_read: 0,
            in_a_row: 0,
            ahead: VecDeque::new(),
            now,
            session,
        })
    }

    /// The mailbox's id, whatever it is called now.
    pub fn id(&self) -> MailboxId {
        self.frozen.id()
    }

    /// Was it INBOX when it was opened?
    pub fn is_inbox(&self) -> bool {
        self.frozen.name().is_inbox()
    }

    /// Does anything wait for QUIT?
    pub fn has_marks(&self) -> bool {
        !self.marked.is_empty()
    }

    fn fault(&self, fault: &(impl Display + ?Sized)) -> Refused {
        reply::fault(fault, self.session)
    }

    /// The UID of a number that names a message which this session has not marked.
    fn unmarked(&self, number: u32) -> Result<u32, Refused> {
        // numbers begin with 1
        let uid = number
            .checked_sub(1)
            .and_then(|_| self.frozen.uid_at(number));
        let uid = uid.ok_or_else(|| Refused::new(Text::NoSuchMessage))?;
        if self.marked.contains(uid) {
            return Err(Refused::new(Text::IsDeleted(number)));
        }
        Ok(uid)
    }

    /// A message by its number. One that somebody else has removed since is refused.
    pub fn find(&mut self, number: u32, for_what: For) -> Result<Found, Refused> {
        let uid = self.unmarked(number)?;
        let gone = || Refused::new(Text::IsGone(number));
        // INBOX was renamed: its messages are elsewhere now
        if self.look_again()? == Lies::Elsewhere || !self.live.uids().contains(uid) {
            return Err(gone());
        }
        let read = self.read(number, uid, for_what);
        let message = read.map_err(|fault| self.fault(&fault))?;
        let ready = message.and_then(|message| message.ready).ok_or_else(gone)?;
        Ok(Found { number, uid, ready })
    }

    /// Moves the second view forward.
    fn look_again(&mut self) -> Result<Lies, Refused> {
        match self.live.advance(Expunges::Tell) {
            Ok(_) => Ok(Lies::Here),
            Err(ViewError::Gone) => Ok(Lies::Elsewhere),
            Err(ViewError::Unavailable(fault)) => Err(self.fault(&fault)),
        }
    }

    /// The messages of a set. A number that is named by itself has to be there; of a range is
    /// taken what is there and not marked.
    pub fn choose(&mut self, set: &MessageSet) -> Result<RoaringBitmap, Refused> {
        let lies = self.look_again()?;
        let mut chosen = RoaringBitmap::new();
        for range in set.ranges() {
            let (first, last) = match *range {
                Numbers::One(number) => {
                    let uid = self.unmarked(number)?;
                    if lies == Lies::Elsewhere || !self.live.uids().contains(uid) {
                        return Err(Refused::new(Text::IsGone(number)));
                    }
                    chosen.insert(uid);
                    continue;
                }
                Numbers::Between(one, other) => (one.min(other), one.max(other)),
                Numbers::From(first) => (first, u32::MAX),
            };
            let last = self.frozen.uid_at(last.min(self.frozen.len()));
            if let (Some(first), Some(last)) = (self.frozen.uid_at(first), last) {
                chosen.extend(self.frozen.uids().range(first..=last));
            }
        }
        chosen -= &self.marked;
        match lies {
            Lies::Here => chosen &= self.live.uids(),
            Lies::Elsewhere => chosen.clear(),
        }
        match chosen.is_empty() {
            true => Err(Refused::new(Text::NoSuchMessage)),
            false => Ok(chosen),
        }
    }

    /// Copies messages into a mailbox, all of them or none.
    pub async fn copy(
        &mut self,
        uids: &RoaringBitmap,
        to: &MailboxName,
    ) -> Result<Copied, Refused> {
        let copied = self.live.copy(uids, to).await;
        copied.map_err(|error| reply::append(&error, self.session))
    }

    /// Marks messages that were moved to another mailbox.
    pub fn mark_moved(&mut self, uids: impl IntoIterator<Item = u32>) {
        for uid in uids {
            let number = self.frozen.seq_of(uid).unwrap_or(0);
            self.marked.insert(uid);
            self.accessed = self.accessed.max(number);
        }
    }

    /// Numbers and flags, as they are now, of a batch of messages.
    pub fn flags(
        &self,
        uids: &RoaringBitmap,
        cursor: &mut Cursor,
    ) -> Result<Vec<(u32, Flags)>, Refused> {
        let batch = self.frozen.fetch(uids, Want::Flags, cursor, BATCH_MESSAGES);
        let batch = batch.map_err(|fault| self.fault(&fault))?;
        Ok(batch.into_iter().map(|m| (m.seq, m.flags)).collect())
    }

    /// All keywords of the account.
    pub fn keywords(&self) -> Result<std::sync::Arc<[mail::Keyword]>, Refused> {
        self.live.keywords().map_err(|fault| self.fault(&fault))
    }

    /// Changes flags at once.
    pub async fn set_flags(
        &mut self,
        uids: &RoaringBitmap,
        change: &FlagChange,
    ) -> Result<(), Refused> {
        match self.live.store_flags(uids, change, None).await {
            Ok(_) => Ok(()),
            Err(error) => Err(reply::store(&error, self.session)),
        }
    }

    /// RETR was asked to tell others that the message was read.
    pub async fn set_seen(&mut self, uid: u32) -> Result<(), Refused> {
        let seen = FlagChange::Add(Flags::system(SystemFlags::SEEN));
        self.set_flags(&RoaringBitmap::from([uid]), &seen).await
    }

    /// A message's record; for who reads one after the other the next ones are read along with it,
    /// as many as there were already.
    fn read(
        &mut self,
        number: u32,
        uid: u32,
        for_what: For,
    ) -> Result<Option<Message>, mail::Fault> {
        self.in_a_row = match self.last_read.checked_add(1) == Some(number) {
            true => self.in_a_row.saturating_add(1),
            false => 1,
        };
        while self
            .ahead
            .pop_front_if(|message| message.uid < uid)
            .is_some()
        {}
        if self.ahead.front().is_none_or(|message| message.uid != uid) {
            let many = self.in_a_row.min(AHEAD_MESSAGES);
            let mut cursor = Cursor(u64::from(uid));
            let frozen = &self.frozen;
            let mut batch = frozen.fetch(frozen.uids(), Want::Ready, &mut cursor, many)?;
            if for_what == For::All {
                let read = read_ahead(&mut batch);
                batch.truncate(read);
            }
            self.ahead = batch.into();
        }
        self.last_read = number;
        Ok(self.ahead.pop_front_if(|message| message.uid == uid))
    }

    /// With which envelope a message of this session came, whatever became of it since.
    pub fn envelope(&self, number: u32) -> Result<Envelope, Refused> {
        let uid = number
            .checked_sub(1)
            .and_then(|_| self.frozen.uid_at(number));
        let uid = uid.ok_or_else(|| Refused::new(Text::NoSuchMessage))?;
        // what was read ahead stays: RETR of this message follows, or has come before
        let ready = match self.ahead.front() {
            Some(message) if message.uid == uid => message.ready.clone(),
            _ => {
                let (only, mut cursor) = (RoaringBitmap::from([uid]), Cursor::start());
                let found = self.frozen.fetch(&only, Want::Ready, &mut cursor, 1);
                let found = found.map_err(|fault| self.fault(&fault))?.pop();
                found.and_then(|message| message.ready)
            }
        };
        let delivered = ready.as_ref().and_then(Ready::delivered);
        Ok(Envelope {
            id: ready.map_or_else(|| uid.to_string(), |ready| ready.email_id().0.to_string()),
            parties: delivered.map(|envelope| (envelope.sender, envelope.recipient)),
        })
    }

    /// The unique-id: the same in every session, never used for another message [rfc1939 7].
    pub fn unique_id(&self, uid: u32) -> String {
        format!("{}.{uid}", self.frozen.uid_validity())
    }

    /// The messages that this session may list.
    pub fn unmarked_uids(&self) -> RoaringBitmap {
        self.frozen.uids() - &self.marked
    }

    /// A batch of messages with their numbers and sizes.
    pub fn batch(&self, uids: &RoaringBitmap, cursor: &mut Cursor) -> Result<Vec<Weight>, Refused> {
        let batch = self.frozen.weigh(uids, cursor, BATCH_MESSAGES);
        batch.map_err(|fault| self.fault(&fault))
    }

    /// Numbers and UIDs of up to a batch of messages at or after `number` that are not marked.
    /// No record is read for them.
    pub fn numbers(&self, number: &mut u32) -> Vec<(u32, u32)> {
        let mut batch = Vec::new();
        while batch.len() < BATCH_MESSAGES {
            let Some(uid) = self.frozen.uid_at(*number) else {
                break;
            };
            if !self.marked.contains(uid) {
                batch.push((*number, uid));
            }
            *number += 1;
        }
        batch
    }

    /// Number and octets of the messages that are not marked [rfc1939 5].
    pub fn totals(&mut self) -> Result<Totals, Refused> {
        let all = match self.octets {
            Some(octets) => octets,
            None => self.octets_of_all()?,
        };
        self.octets = Some(all);
        let marked = self.sum(&self.marked.clone())?;
        Ok(Totals {
            messages: u64::from(self.frozen.len()) - self.marked.len(),
            octets: all.saturating_sub(marked),
        })
    }

    /// As the mailbox counts them, unless some are sent as surrogates.
    fn octets_of_all(&mut self) -> Result<u64, Refused> {
        let sums = self.frozen.sums();
        match self.is_whole && (self.speech == Speech::Utf8 || sums.utf8 == 0) {
            true => Ok(sums.octets + 2 * u64::from(sums.open)),
            false => self.sum(&self.frozen.uids().clone()),
        }
    }

    fn sum(&mut self, uids: &RoaringBitmap) -> Result<u64, Refused> {
        let (mut cursor, mut octets) = (Cursor::start(), 0);
        if uids.is_empty() {
            return Ok(0);
        }
        loop {
            let batch = self.batch(uids, &mut cursor)?;
            if batch.is_empty() {
                return Ok(octets);
            }
            for weight in &batch {
                octets += self.octets_of(weight)?;
            }
        }
    }

    /// Marks a message. That somebody else has removed it already does not matter.
    pub fn mark(&mut self, number: u32) -> Result<(), Refused> {
        let uid = self.unmarked(number)?;
        self.marked.insert(uid);
        self.accessed = self.accessed.max(number);
        Ok(())
    }

    /// RETR has sent a message whole.
    pub fn was_read(&mut self, number: u32, uid: u32) {
        self.read.insert(uid);
        self.accessed = self.accessed.max(number);
    }

    /// What LAST says: RFC 1460 remembers what earlier sessions accessed, and here `\Seen` does.
    pub fn last(&self) -> Result<u32, Refused> {
        let unseen = self.frozen.unseen().map_err(|fault| self.fault(&fault))?;
        let seen = (self.frozen.uids() - unseen).max();
        let seen = seen.and_then(|uid| self.frozen.seq_of(uid)).unwrap_or(0);
        Ok(self.accessed.max(seen))
    }

    /// Takes all marks off.
    pub fn unmark_all(&mut self) {
        self.marked.clear();
        self.accessed = 0;
    }

    /// The UPDATE state: removes what is marked or expired; durable when this returns
    /// [rfc1939 6].
    pub async fn update(mut self, expire: Expire) -> Result<u64, Refused> {
        let expired = match expire {
            Expire::Never => RoaringBitmap::new(),
            Expire::Days(0) => std::mem::take(&mut self.read),
            Expire::Days(days) => self.older_than(days)?,
        };
        let removed = &self.marked | expired;
        if removed.is_empty() {
            return Ok(0);
        }
        match self.live.expunge_uids(&removed).await {
            Ok(removed) => Ok(removed.len() as u64),
            // a folder was deleted, and its messages with it
            Err(StoreError::Gone) if !self.is_inbox() => Ok(0),
            Err(error) => Err(reply::store(&error, self.session)),
        }
    }
}

impl Maildrop {
    /// Messages that came so many days before this session or earlier. UIDs rise with the time.
    fn older_than(&self, days: u32) -> Result<RoaringBitmap, Refused> {
        let age = Duration::from_secs(u64::from(days) * 86_400);
        let mut cursor = Cursor::start();
        let mut old = RoaringBitmap::new();
        loop {
            let uids = self.frozen.uids();
            let batch = self
                .frozen
                .fetch(uids, Want::Ready, &mut cursor, BATCH_MESSAGES);
            let batch = batch.map_err(|fault| self.fault(&fault))?;
            if batch.is_empty() {
                return Ok(old);
            }
            for message in batch {
                match &message.ready {
                    Some(ready) if ready.saved().after(age) <= self.now => old.insert(message.uid),
                    Some(_) => return Ok(old),
                    None => false,
                };
            }
        }
    }

    /// Exactly what RETR sends, before stuffing [rfc1939 11] [rfc6856 2.1].
    pub fn octets_of(&mut self, weight: &Weight) -> Result<u64, Refused> {
        let mut stored = weight.octets;
        if self.is_surrogate(weight.form) {
            if let Some(octets) = self.surrogates.get(&weight.uid) {
                return Ok(*octets);
            }
            let only = RoaringBitmap::from([weight.uid]);
            let mut cursor = Cursor::start();
            let found = self.frozen.fetch(&only, Want::Ready, &mut cursor, 1);
            let found = found.map_err(|fault| self.fault(&fault))?.pop();
            if let Some(ready) = found.and_then(|message| message.ready) {
                stored = surrogate_octets(&ready).map_err(|fault| self.fault(&fault))?;
            }
        }
        let octets = match weight.form.last_line {
            LastLine::Ended => stored,
            LastLine::Open => stored + 2,
        };
        if self.is_surrogate(weight.form) && self.surrogates.len() < REMEMBERED_SIZES {
            self.surrogates.insert(weight.uid, octets);
        }
        Ok(octets)
    }

    /// The same of a message that was found.
    pub fn octets_of_found(&mut self, found: &Found) -> Result<u64, Refused> {
        self.octets_of(&Weight {
            uid: found.uid,
            seq: found.number,
            octets: found.ready.size(),
            form: found.ready.form(),
        })
    }

    /// Whether this client gets a surrogate of such a message [rfc6856 2.1].
    fn is_surrogate(&self, form: Form) -> bool {
        self.speech == Speech::Ascii && form.headers == Headers::Utf8
    }

    /// What makes the surrogate, if this client needs one.
    pub fn surrogate(&self, ready: &Ready) -> Option<Surrogate> {
        self.is_surrogate(ready.form())
            .then(|| Surrogate::new(headers(ready)))
    }
}

/// The messages that came for one user of a host. All records are read for it: the mail of a host
/// is fetched and goes, it does not pile up.
async fn uids_of(view: &View, user: &str) -> Result<RoaringBitmap, mail::Fault> {
    let (mut cursor, mut found) = (Cursor::start(), RoaringBitmap::new());
    loop {
        let batch = view.fetch(view.uids(), Want::Ready, &mut cursor, BATCH_MESSAGES)?;
        if batch.is_empty() {
            return Ok(found);
        }
        for message in batch {
            let envelope = message.ready.as_ref().and_then(Ready::delivered);
            if envelope.is_some_and(|envelope| envelope.is_for(user)) {
                found.insert(message.uid);
            }
        }
        tokio::task::yield_now().await;
    }
}

/// Where the headers of a message and of its parts lie.
fn headers(ready: &Ready) -> Vec<Range<u64>> {
    let parts = ready.parts();
    parts
        .parts()
        .iter()
        .map(|part| part.header.clone())
        .collect()
}

/// Only headers are read: all else has the octets that are stored.
fn surrogate_octets(ready: &Ready) -> Result<u64, mail::Fault> {
    let content = ready.content();
    let mut octets = ready.size();
    for header in headers(ready) {
        let len = header.end.saturating_sub(header.start);
        let mut surrogate = Surrogate::new(std::iter::once(0..len));
        let (mut at, mut made, mut out) = (header.start, 0, Vec::new());
        while at < header.end {
            let most = usize::try_from(header.end - at).unwrap_or(CHUNK_BYTES);
            let piece = content.read(at, most.min(CHUNK_BYTES))?;
            if piece.is_empty() {
                break;
            }
            surrogate.push(&piece, &mut out);
            made += std::mem::take(&mut out).len() as u64;
            at += piece.len() as u64;
        }
        surrogate.finish(&mut out);
        octets = octets - len + made + out.len() as u64;
    }
    Ok(octets)
}

/// A message's octets, in pieces.
pub(crate) struct Pieces {
    content: Content,
    at: u64,
    end: u64,
}

impl Pieces {
    pub fn of(ready: &Ready) -> Pieces {
        Pieces::within(ready, 0..ready.size())
    }

    /// Of a part of it.
    pub fn within(ready: &Ready, range: Range<u64>) -> Pieces {
        let content = ready.content();
        Pieces {
            at: range.start,
            end: range.end.min(content.len()),
            content,
        }
    }

    /// The next piece; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Bytes>, String> {
        if self.at >= self.end {
            return Ok(None);
        }
        let most = usize::try_from(self.end - self.at).unwrap_or(CHUNK_BYTES);
        let piece = self
            .content
            .read(self.at, most.min(CHUNK_BYTES))
            .map_err(|fault| fault.to_string())?;
        if piece.is_empty() {
            return Err(format!(
                "reading a message: it ends at {} of {}",
                self.at, self.end
            ));
        }
        self.at += piece.len() as u64;
        Ok(Some(piece))
    }
}
