//! The program: what a client's keys mean for this mailbox, and which messages match.

use super::{Facts, charset};
use crate::limits;
use crate::reply::Trouble;
use crate::sets;
use imap::{Date, Ids, MessageSet, Search, SearchKey};
use mail::{Fault, ModSeq, Ready, SystemFlags, View};
use net::{Time, Turns};
use roaring::RoaringBitmap;
use std::cell::Cell;
use std::cmp::Ordering;
use std::pin::Pin;

/// Is a flag asked for, or its absence?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Is {
    Set,
    Clear,
}

/// Which date of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Internal,
    /// The Date field.
    Sent,
}

/// A key made ready: sets are UIDs, strings are UTF-8 in lower case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Program {
    Among(RoaringBitmap),
    System(SystemFlags, Is),
    Keyword(String, Is),
    Recent(Is),
    /// The message's day compared with this one (days since 1970-01-01).
    Day(Which, &'static [Ordering], i32),
    Size(Ordering, u64),
    /// INTERNALDATE, to the second, compared with this moment.
    Came(&'static [Ordering], i64),
    /// The message with this id, under any name.
    Email(String),
    /// Of the conversation with this id.
    Thread(String),
    /// A mod-sequence of at least this.
    ModSeq(ModSeq),
    Field {
        name: String,
        text: String,
    },
    Body(String),
    Text(String),
    Not(Box<Program>),
    Or(Box<Program>, Box<Program>),
    And(Vec<Program>),
}

/// An answer that comes in several turns.
type Matching<'a> = Pin<Box<dyn Future<Output = Result<bool, Fault>> + Send + 'a>>;

/// How much a key has to read of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cost {
    Nothing,
    Flags,
    Record,
    Header,
    Body,
}

const BEFORE: &[Ordering] = &[Ordering::Less];
const ON: &[Ordering] = &[Ordering::Equal];
const UP_TO: &[Ordering] = &[Ordering::Less, Ordering::Equal];
const SINCE: &[Ordering] = &[Ordering::Equal, Ordering::Greater];

/// What a search is made ready for.
pub(crate) struct Ground<'a> {
    pub view: &'a View,
    /// What `$` stands for [rfc5182 2.1].
    pub saved: &'a RoaringBitmap,
    pub now: Time,
}

/// The program of a SEARCH in this mailbox.
pub(crate) fn compile(search: &Search, ground: &Ground<'_>) -> Result<Program, Trouble> {
    let compiler = Compiler {
        ground,
        charset: charset::named(search.charset.as_deref())?,
        log_reads: Cell::new(0),
    };
    compiler.key(&search.key)
}

struct Compiler<'a> {
    ground: &'a Ground<'a>,
    charset: charset::Charset,
    log_reads: Cell<u32>,
}

impl Compiler<'_> {
    fn key(&self, search: &SearchKey) -> Result<Program, Trouble> {
        use SearchKey as K;
        if let Some(key) = flag_key(search) {
            return Ok(key);
        }
        let day = |which, when, date: &Date| Ok(Program::Day(which, when, date.days()));
        match search {
            K::Before(date) => day(Which::Internal, BEFORE, date),
            K::On(date) => day(Which::Internal, ON, date),
            K::Since(date) => day(Which::Internal, SINCE, date),
            K::SentBefore(date) => day(Which::Sent, BEFORE, date),
            K::SentOn(date) => day(Which::Sent, ON, date),
            K::SentSince(date) => day(Which::Sent, SINCE, date),
            K::Older(seconds) => Ok(self.came(UP_TO, *seconds)),
            K::Younger(seconds) => Ok(self.came(SINCE, *seconds)),
            K::Larger(octets) => Ok(Program::Size(Ordering::Greater, *octets)),
            K::Smaller(octets) => Ok(Program::Size(Ordering::Less, *octets)),
            K::EmailId(id) => Ok(Program::Email(id.as_str().to_owned())),
            K::ThreadId(id) => Ok(Program::Thread(id.as_str().to_owned())),
            K::ModSeq(modseq) => self.modseq(ModSeq(*modseq)),
            K::Bcc(text) => self.field("bcc", text),
            K::Cc(text) => self.field("cc", text),
            K::From(text) => self.field("from", text),
            K::Subject(text) => self.field("subject", text),
            K::To(text) => self.field("to", text),
            K::Header { field: name, text } => self.field(name, text),
            K::Body(text) => Ok(Program::Body(self.needle(text)?)),
            K::Text(text) => Ok(Program::Text(self.needle(text)?)),
            K::Uid(set) => self.among(Ids::Uid, set),
            K::Sequence(set) => self.among(Ids::Sequence, set),
            K::Not(inner) => Ok(Program::Not(Box::new(self.key(inner)?))),
            K::Or(one, other) => {
                let (one, other) = cheap_first(self.key(one)?, self.key(other)?);
                Ok(Program::Or(Box::new(one), Box::new(other)))
            }
            K::And(keys) => {
                let keys: Result<Vec<Program>, Trouble> =
                    keys.iter().map(|inner| self.key(inner)).collect();
                let mut keys = keys?;
                keys.sort_by_key(Program::cost);
                Ok(Program::And(keys))
            }
            flag => unreachable!("because flag_key knows {flag:?}"),
        }
    }

    fn among(&self, ids: Ids, set: &MessageSet) -> Result<Program, Trouble> {
        let ground = self.ground;
        let uids = sets::uids(ground.view, ground.saved, ids, set)?;
        Ok(Program::Among(uids))
    }

    /// The change log answers for all messages at once; if it cannot, or was asked often enough,
    /// each message says it itself.
    fn modseq(&self, modseq: ModSeq) -> Result<Program, Trouble> {
        let reads = self.log_reads.replace(self.log_reads.get() + 1);
        if reads >= limits::SEARCH_LOG_READS || modseq == ModSeq(0) {
            return Ok(Program::ModSeq(modseq));
        }
        let since = self.ground.view.since(ModSeq(modseq.0 - 1))?;
        Ok(match since.changed {
            Some(changed) => Program::Among(changed),
            None => Program::ModSeq(modseq),
        })
    }

    /// The target time, "subtracting the interval … from the current date and time" [rfc5032 2].
    fn came(&self, when: &'static [Ordering], seconds: u32) -> Program {
        Program::Came(when, self.ground.now.seconds() - i64::from(seconds))
    }

    fn field(&self, name: &str, text: &[u8]) -> Result<Program, Trouble> {
        let name = name.to_owned();
        let text = self.needle(text)?;
        Ok(Program::Field { name, text })
    }

    /// Letters are compared without case [rfc3501 6.4.4].
    fn needle(&self, text: &[u8]) -> Result<String, Trouble> {
        Ok(self.charset.decode(text)?.to_lowercase())
    }
}

/// The keys that are about flags, and ALL.
fn flag_key(search: &SearchKey) -> Option<Program> {
    use SearchKey as K;
    let system = |flag, is| Some(Program::System(flag, is));
    match search {
        K::All => Some(Program::And(Vec::new())),
        K::Answered => system(SystemFlags::ANSWERED, Is::Set),
        K::Deleted => system(SystemFlags::DELETED, Is::Set),
        K::Draft => system(SystemFlags::DRAFT, Is::Set),
        K::Flagged => system(SystemFlags::FLAGGED, Is::Set),
        K::Seen => system(SystemFlags::SEEN, Is::Set),
        K::Unanswered => system(SystemFlags::ANSWERED, Is::Clear),
        K::Undeleted => system(SystemFlags::DELETED, Is::Clear),
        K::Undraft => system(SystemFlags::DRAFT, Is::Clear),
        K::Unflagged => system(SystemFlags::FLAGGED, Is::Clear),
        K::Unseen => system(SystemFlags::SEEN, Is::Clear),
        K::Keyword(word) => Some(Program::Keyword(word.as_str().to_owned(), Is::Set)),
        K::Unkeyword(word) => Some(Program::Keyword(word.as_str().to_owned(), Is::Clear)),
        K::Recent => Some(Program::Recent(Is::Set)),
        K::Old => Some(Program::Recent(Is::Clear)),
        K::New => Some(Program::And(vec![
            Program::Recent(Is::Set),
            Program::System(SystemFlags::SEEN, Is::Clear),
        ])),
        _ => None,
    }
}

fn cheap_first(one: Program, other: Program) -> (Program, Program) {
    if other.cost() < one.cost() {
        (other, one)
    } else {
        (one, other)
    }
}

impl Program {
    /// What it costs to answer for one message.
    pub fn cost(&self) -> Cost {
        match self {
            Program::Among(_) | Program::Recent(_) => Cost::Nothing,
            Program::System(..) | Program::Keyword(..) => Cost::Flags,
            Program::ModSeq(_) | Program::Size(..) => Cost::Flags,
            Program::Day(..) | Program::Came(..) => Cost::Record,
            Program::Email(_) | Program::Thread(_) => Cost::Record,
            Program::Field { .. } => Cost::Header,
            Program::Body(_) | Program::Text(_) => Cost::Body,
            Program::Not(inner) => inner.cost(),
            Program::Or(one, other) => one.cost().max(other.cost()),
            Program::And(keys) => keys
                .iter()
                .map(Program::cost)
                .max()
                .unwrap_or(Cost::Nothing),
        }
    }

    /// Does it ask for what changes of a message: flags, mod-sequence?
    pub fn asks_flags(&self) -> bool {
        match self {
            Program::System(..) | Program::Keyword(..) | Program::ModSeq(_) => true,
            Program::Not(inner) => inner.asks_flags(),
            Program::Or(one, other) => one.asks_flags() || other.asks_flags(),
            Program::And(keys) => keys.iter().any(Program::asks_flags),
            _ => false,
        }
    }

    /// Will it read the octets of most messages that it looks at?
    pub fn reads_all(&self) -> bool {
        match self {
            Program::Body(_) | Program::Text(_) => true,
            Program::Field { name, .. } => !Ready::is_kept_field(name),
            Program::Not(inner) => inner.reads_all(),
            Program::Or(one, other) => one.reads_all() || other.reads_all(),
            Program::And(keys) => {
                keys.iter()
                    .all(|key| key.reads_all() || key.cost() < Cost::Record)
                    && keys.iter().any(Program::reads_all)
            }
            _ => false,
        }
    }

    /// The messages of the view that match, if no message needs to be read to know.
    pub fn bitmap(&self, view: &View) -> Result<Option<RoaringBitmap>, Fault> {
        let all = view.uids();
        let either = |set: RoaringBitmap, is: Is| match is {
            Is::Set => Some(set),
            Is::Clear => Some(all - set),
        };
        Ok(match self {
            Program::Among(uids) => Some(uids.clone()),
            Program::Recent(is) => {
                let recent = all.iter().filter(|&uid| view.is_recent(uid)).collect();
                either(recent, *is)
            }
            Program::System(SystemFlags::SEEN, is) => Some(match is {
                Is::Set => all - view.unseen()?,
                Is::Clear => view.unseen()?,
            }),
            Program::System(SystemFlags::DELETED, is) => either(view.deleted()?, *is),
            Program::Not(inner) => inner.bitmap(view)?.map(|matching| all - matching),
            Program::Or(one, other) => match (one.bitmap(view)?, other.bitmap(view)?) {
                (Some(one), Some(other)) => Some(one | other),
                _ => None,
            },
            Program::And(keys) => {
                let mut matching = all.clone();
                for key in keys {
                    match key.bitmap(view)? {
                        Some(more) => matching &= more,
                        None => return Ok(None),
                    }
                }
                Some(matching)
            }
            _ => None,
        })
    }

    /// Splits into what bitmaps answer and what is left to ask of each message.
    pub fn narrow(self, view: &View) -> Result<(RoaringBitmap, Option<Program>), Fault> {
        let keys = match self {
            Program::And(keys) => keys,
            other => vec![other],
        };
        let mut candidates = view.uids().clone();
        let mut left = Vec::new();
        for key in keys {
            match key.bitmap(view)? {
                Some(matching) => candidates &= matching,
                None => left.push(key),
            }
        }
        let left = (!left.is_empty()).then_some(Program::And(left));
        Ok((candidates, left))
    }

    /// As `matches`, from what is kept ready alone; `None`: a text has to be read to know.
    pub fn matches_record(&self, facts: &Facts<'_>) -> Option<bool> {
        match self {
            Program::Among(uids) => Some(uids.contains(facts.uid())),
            Program::Recent(is) => Some(facts.is_recent() == (*is == Is::Set)),
            Program::System(flag, is) => Some(facts.has_flag(*flag) == (*is == Is::Set)),
            Program::Keyword(word, is) => Some(facts.has_keyword(word) == (*is == Is::Set)),
            Program::Day(which, when, day) => {
                let found = facts.kept_day(*which)?;
                Some(found.is_some_and(|found| when.contains(&found.cmp(day))))
            }
            Program::Size(order, octets) => Some(facts.size().cmp(octets) == *order),
            Program::Came(when, at) => Some(when.contains(&facts.came_s().cmp(at))),
            Program::Email(id) => Some(facts.email_id() == *id),
            Program::Thread(id) => Some(facts.thread_id() == *id),
            Program::ModSeq(modseq) => Some(facts.modseq() >= *modseq),
            Program::Field { name, text } => facts.kept_field_contains(name, text),
            Program::Body(_) | Program::Text(_) => None,
            Program::Not(inner) => inner.matches_record(facts).map(|matches| !matches),
            Program::Or(one, other) => {
                match (one.matches_record(facts), other.matches_record(facts)) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                }
            }
            Program::And(keys) => {
                let mut all = Some(true);
                for key in keys {
                    match key.matches_record(facts) {
                        Some(true) => {}
                        Some(false) => return Some(false),
                        None => all = None,
                    }
                }
                all
            }
        }
    }

    /// As `matches`; others have their turn after each key that looks at a text.
    pub fn matches_in_turns<'a>(
        &'a self,
        facts: &'a mut Facts<'_>,
        turns: &'a mut Turns,
    ) -> Matching<'a> {
        Box::pin(async move {
            if self.cost() < Cost::Header {
                return self.matches(facts);
            }
            match self {
                Program::Not(inner) => Ok(!inner.matches_in_turns(facts, turns).await?),
                Program::Or(one, other) => Ok(one.matches_in_turns(facts, turns).await?
                    || other.matches_in_turns(facts, turns).await?),
                Program::And(keys) => {
                    for key in keys {
                        if !key.matches_in_turns(facts, turns).await? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
                key => {
                    let found = key.matches(facts);
                    turns.pass().await;
                    found
                }
            }
        })
    }

    /// Does the message match?
    fn matches(&self, facts: &mut Facts<'_>) -> Result<bool, Fault> {
        Ok(match self {
            Program::Day(which, when, day) => facts
                .day(*which)?
                .is_some_and(|found| when.contains(&found.cmp(day))),
            Program::Field { name, text } => facts.field_contains(name, text)?,
            Program::Body(text) => facts.body_contains(text)?,
            Program::Text(text) => facts.header_contains(text)? || facts.body_contains(text)?,
            Program::Not(inner) => !inner.matches(facts)?,
            Program::Or(one, other) => one.matches(facts)? || other.matches(facts)?,
            Program::And(keys) => {
                for key in keys {
                    if !key.matches(facts)? {
                        return Ok(false);
                    }
                }
                true
            }
            kept => kept
                .matches_record(facts)
                .expect("because no text is read for what is left"),
        })
    }
}
