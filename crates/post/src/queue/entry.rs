//! The record of an entry: what of one message goes to one domain, and how far it has come.

use crate::limits::SAID_BYTES;
use crate::queue::codec::{Read, Write};
use addr::{Charset, ForwardPath, Host};
use mail::codec::{Damaged, Decoded, Reader, Record, Writer};
use mail::road::MessageNumber;
use net::Time;
use smtp::dsn::{Notify, OriginalRecipient};
use smtp::{Reply, Status};
use std::fmt;

const VERSION: u8 = 1;

/// Names an entry: its message, and which part of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EntryNumber {
    pub message: MessageNumber,
    pub part: u32,
}

impl fmt::Display for EntryNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.message, self.part)
    }
}

/// What of a message goes to one domain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryRecord {
    /// The host of all recipients' addresses; of those here, of the first.
    pub domain: Host,
    pub whither: Whither,
    /// Of what goes elsewhere, at most `limits::ENTRY_RECIPIENTS`.
    pub recipients: Vec<Onward>,
    /// Attempts that were made.
    pub attempts: u32,
    /// When the next one is.
    pub due: Time,
    pub standing: Standing,
    /// The node that looks after it.
    pub lease: Option<Lease>,
    /// When the sender was told that it takes long.
    pub delay_told: Option<Time>,
}

/// Where an entry goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whither {
    Elsewhere,
    /// Into mailboxes here, when its time has come.
    Here,
}

/// Whether an entry may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    Free,
    /// The operator keeps it back.
    Held,
}

/// Which node looks after an entry, and until when nobody else takes it. What a node had before it
/// was started again is void at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    pub incarnation: u64,
    pub until: Time,
}

/// One recipient that the message travels on to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Onward {
    pub to: ForwardPath,
    pub notify: Option<Notify>,
    pub orcpt: Option<OriginalRecipient>,
    pub state: RecipientState,
    /// The last word about it.
    pub said: Option<Said>,
}

/// How far a recipient has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecipientState {
    Waiting,
    /// Another server has taken the message for it, or it lies in its mailbox here.
    Done,
    /// It lies in its mailbox here, and that is not noted yet: nobody was told.
    Arrived,
    /// It will not get there.
    Failed,
}

/// What was said of a recipient, or why nothing was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    pub at: Time,
    /// The host that said it or that could not be reached; none if it did not come to a host.
    pub host: Option<String>,
    /// What was being done, for people: `RCPT`, `the connection`, `DNS`.
    pub stage: String,
    /// As the host gave it; text beyond `limits::SAID_BYTES` is left out.
    pub reply: Option<Reply>,
    /// Why, for people, where there is no reply.
    pub why: Option<String>,
    /// What a notification says, also where the host said none. [rfc3463 2]
    pub status: Status,
}

impl Onward {
    /// A recipient of whom nothing is known yet.
    pub fn new(
        to: ForwardPath,
        notify: Option<Notify>,
        orcpt: Option<OriginalRecipient>,
    ) -> Onward {
        Onward {
            to,
            notify,
            orcpt,
            state: RecipientState::Waiting,
            said: None,
        }
    }
}

impl EntryRecord {
    /// Whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        let waits = |onward: &Onward| onward.state == RecipientState::Waiting;
        !self.recipients.iter().any(waits)
    }

    /// The places of those who wait.
    pub fn waiting(&self) -> impl Iterator<Item = usize> + '_ {
        self.places(RecipientState::Waiting)
    }

    /// The places of those who have come so far.
    pub fn places(&self, state: RecipientState) -> impl Iterator<Item = usize> + '_ {
        let all = self.recipients.iter().enumerate();
        let are = all.filter(move |(_, onward)| onward.state == state);
        are.map(|(place, _)| place)
    }
}

impl Record for EntryRecord {
    const WHAT: &'static str = "an entry of the queue";

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(VERSION, 128 * (1 + self.recipients.len()));
        w.str(&self.domain.to_string())
            .uint(self.attempts)
            .time(self.due);
        let is_here = u8::from(self.whither == Whither::Here);
        w.u8(u8::from(self.standing == Standing::Held) | is_here << 1);
        match self.lease {
            None => w.u8(0),
            Some(lease) => w.u8(1).uint(lease.incarnation).time(lease.until),
        };
        w.option_time(self.delay_told);
        w.len(self.recipients.len());
        for onward in &self.recipients {
            w.forward_path(&onward.to);
            w.option_str(onward.notify.as_ref().map(Notify::to_string).as_deref());
            w.option_str(onward.orcpt.as_ref().map(OriginalRecipient::as_str));
            w.u8(match onward.state {
                RecipientState::Waiting => 0,
                RecipientState::Done => 1,
                RecipientState::Failed => 2,
                RecipientState::Arrived => 3,
            });
            match &onward.said {
                None => w.u8(0),
                Some(said) => w.u8(1).said(said),
            };
        }
        w.into_vec()
    }

    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        let domain = Host::parse(r.bytes()?, Charset::Utf8).map_err(|_| Damaged)?;
        let (attempts, due) = (r.counter32()?, r.time()?);
        let (whither, standing) = match r.u8()? {
            0 => (Whither::Elsewhere, Standing::Free),
            1 => (Whither::Elsewhere, Standing::Held),
            2 => (Whither::Here, Standing::Free),
            3 => (Whither::Here, Standing::Held),
            _ => return Err(Damaged),
        };
        let lease = match r.flag()? {
            false => None,
            true => Some(Lease {
                incarnation: r.uint()?,
                until: r.time()?,
            }),
        };
        let delay_told = r.option_time()?;
        let count = r.count()?;
        let recipients = (0..count).map(|_| onward(&mut r));
        let recipients = recipients.collect::<Decoded<_>>()?;
        let record = EntryRecord {
            domain,
            whither,
            recipients,
            attempts,
            due,
            standing,
            lease,
            delay_told,
        };
        r.is_empty().then_some(record).ok_or(Damaged)
    }
}

fn onward(r: &mut Reader<'_>) -> Decoded<Onward> {
    Ok(Onward {
        to: r.forward_path()?,
        notify: r.option_read(Notify::read)?,
        orcpt: r.option_read(OriginalRecipient::read)?,
        state: match r.u8()? {
            0 => RecipientState::Waiting,
            1 => RecipientState::Done,
            2 => RecipientState::Failed,
            3 => RecipientState::Arrived,
            _ => return Err(Damaged),
        },
        said: match r.flag()? {
            true => Some(r.said()?),
            false => None,
        },
    })
}

impl Said {
    /// With no more text than is kept.
    pub fn cut(mut self) -> Said {
        if let Some(reply) = &self.reply {
            self.reply = Some(cut(reply));
        }
        if let Some(why) = &mut self.why {
            why.truncate(why.floor_char_boundary(SAID_BYTES));
        }
        self
    }
}

fn cut(reply: &Reply) -> Reply {
    let mut room = SAID_BYTES;
    let mut lines = reply.lines().iter().map(|line| {
        let kept = &line[..line.floor_char_boundary(room)];
        room -= kept.len();
        kept.to_owned()
    });
    let first = lines.next().unwrap_or_default();
    let begun = match reply.status() {
        Some(status) => Reply::new(reply.code(), status, first),
        None => Reply::plain(reply.code(), first),
    };
    let more = lines.filter(|line| !line.is_empty());
    more.fold(begun, |reply, line| reply.and(line))
}
