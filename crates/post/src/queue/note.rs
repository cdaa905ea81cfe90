//! Noting what became of an entry, in one durable group with the report to its sender.
//!
//! An entry goes only in the commit that writes its end, and a report that its sender is owed is
//! accepted by that same commit. What never happens here: an attempt, the words of a report.

use crate::header::Begins;
use crate::limits;
use crate::queue::entry::{EntryNumber, EntryRecord, Onward, RecipientState};
use crate::queue::leaving::{Leaving, NewMessage};
use crate::queue::message::MessageRecord;
use crate::queue::noting::Noted;
use crate::queue::settle::Settled;
use crate::queue::{AttemptRecord, Queue, keys};
use crate::report::{
    self, Action, Happened, Reporter, Returned, SenderPlace, SenderProof, Subject, Tell,
};
use crate::sign;
use crate::sign::gather::{Gather, Gathered};
use crate::srs::{self, Srs};
use crate::trail::{self, End, How};
use addr::{Address, Domain, ForwardPath, ReversePath};
use mail::codec::{Record, decode};
use mail::road::{MessageNumber, let_go};
use mail::{Addressed, DeliverError, Delivery, Dsn, Incoming, Leg, Prefix, Resolved};
use net::Time;
use smtp::Status;
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use store::{Body, BodyRefusal, BodyWriter, Edit, Fault};
use tally::Metric;

/// Letters of a report's boundary and Message-ID: about 120 bits.
const TOKEN_LETTERS: usize = 24;
/// Letters of a report's id, as of every message.
const ID_LETTERS: usize = 14;
/// Recipients, and hosts that were tried, of a note that is short.
const SHORT: usize = 2;

/// What is to be written about an entry.
pub(super) struct Note {
    number: EntryNumber,
    before: Before,
    after: EntryRecord,
    records: Vec<AttemptRecord>,
    at: Time,
    /// Of the report.
    told: Option<String>,
    /// Its id, if it is put into a mailbox here and has no trail of its own.
    report_here: Option<String>,
    /// The rows are as this note would make them, or gone: somebody was there before.
    is_late: AtomicBool,
}

/// What tells whether an entry is still as it was when its attempt began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Before {
    attempts: u32,
    due: Time,
    delay_told: Option<Time>,
}

impl Before {
    fn of(entry: &EntryRecord) -> Before {
        Before {
            attempts: entry.attempts,
            due: entry.due,
            delay_told: entry.delay_told,
        }
    }
}

/// A report that is ready to be taken.
struct Told {
    id: String,
    body: Body,
    to: Vec<Addressed>,
    /// A sender elsewhere is told by the road.
    leaving: Option<Leaving>,
}

/// Why a report goes to nobody.
type NobodyToTell = Cow<'static, str>;

impl Queue {
    /// Ok once it is durable, or somebody else has changed the entry meanwhile.
    pub(super) async fn note(
        &self,
        (number, message, before): (EntryNumber, &MessageRecord, &EntryRecord),
        settled: &Settled,
        records: &[AttemptRecord],
    ) -> Result<(), Fault> {
        let actions = actions(message, settled);
        let mut wanted = Wanted::AsAsked;
        let mut note = Note {
            number,
            before: Before::of(before),
            after: settled.entry.clone(),
            records: records.to_vec(),
            at: self.inner.clock.now(),
            told: None,
            report_here: None,
            is_late: AtomicBool::new(false),
        };
        loop {
            let told = match (&message.sender, actions.is_empty()) {
                (ReversePath::Address(sender), false) => {
                    let told = self.told(message, sender, &settled.entry, &actions, wanted);
                    match told.await {
                        Ok(told) => told,
                        // it may be the message that cannot be read any more; its sender hears of it
                        Err(fault) if wanted == Wanted::AsAsked => {
                            let id = &message.id;
                            tracing::error!(target: "queue", message_id = %id, %fault, "a report goes without its message");
                            wanted = Wanted::Short;
                            continue;
                        }
                        Err(fault) => return Err(fault),
                    }
                }
                _ => Err(nobody(message, settled)),
            };
            note.told = match &told {
                Ok(told) => Some(told.id.clone()),
                Err(why) if why.is_empty() => None,
                Err(why) => Some(why.to_string()),
            };
            let is_here = |told: &&Told| told.leaving.is_none();
            note.report_here = told
                .as_ref()
                .ok()
                .filter(is_here)
                .map(|told| told.id.clone());
            let Ok(told) = told else {
                let told = note.told.clone();
                if self.together(note).await? == Noted::Written {
                    self.count(before, &settled.entry, &[]);
                    log(message, before, &settled.entry, told.as_deref());
                }
                return Ok(());
            };
            let leg = |edit: &mut Edit| note.write(edit);
            match self.deliver(told, &leg).await {
                _ if note.is_late() => return Ok(()),
                Ok(()) => break,
                Err(DeliverError::OverQuota(_)) if wanted == Wanted::AsAsked => {
                    wanted = Wanted::Short;
                }
                Err(DeliverError::Gone(_) | DeliverError::OverQuota(_)) => wanted = Wanted::Nothing,
                Err(DeliverError::Busy) => {
                    return Err(Fault::new("reporting", "the store is busy"));
                }
                Err(DeliverError::ReadOnly(fault) | DeliverError::Unavailable(fault)) => {
                    return Err(fault);
                }
            }
        }
        self.count(before, &settled.entry, &actions);
        log(message, before, &settled.entry, note.told.as_deref());
        Ok(())
    }

    fn count(&self, before: &EntryRecord, after: &EntryRecord, told: &[(usize, Action)]) {
        let tally = self.inner.mail.tally();
        for (was, is) in before.recipients.iter().zip(&after.recipients) {
            let outcome = match is.state {
                _ if is_no_news(was, is) => continue,
                RecipientState::Done | RecipientState::Arrived => "taken",
                RecipientState::Failed => "failed",
                RecipientState::Waiting => "put-off",
            };
            tally.count(Metric::Attempts, &[outcome]);
        }
        for (_, action) in told {
            tally.count(Metric::Reports, &[action.word()]);
        }
    }

    async fn deliver(&self, told: Told, leg: Leg<'_>) -> Result<(), DeliverError> {
        let incoming = Incoming {
            body: told.body,
            sender: String::new(),
            client: String::new(),
            login: None,
            at: self.inner.clock.now(),
        };
        let leaving = told.leaving.as_ref();
        let also = leaving.map(Leaving::leg);
        let both = |edit: &mut Edit| {
            leg(edit)?;
            also.as_ref().map_or(Ok(()), |also| also(edit))
        };
        let committed = self.inner.mail.deliver_and(incoming, told.to, Some(&both));
        let committed = committed.await;
        if let Some(leaving) = leaving {
            leaving.committed(committed.as_ref().err());
        }
        committed.map(drop)
    }

    /// The report on these recipients, ready to be taken; or why there is nobody to tell.
    async fn told(
        &self,
        message: &MessageRecord,
        sender: &Address,
        entry: &EntryRecord,
        actions: &[(usize, Action)],
        wanted: Wanted,
    ) -> Result<Result<Told, NobodyToTell>, Fault> {
        if wanted == Wanted::Nothing {
            return Ok(Err("the sender's mailbox took no report".into()));
        }
        let directory = self.inner.mail.directory();
        // what was sent on for a stranger went under a return address that stands for him
        let back = match srs::has_form(sender) {
            true => {
                let srs = Srs::of(directory, &self.inner.random).await?;
                srs.origin(directory, sender, self.inner.clock.now())?
            }
            false => None,
        };
        let sender = match &back {
            Some(Ok(stranger)) => stranger,
            Some(Err(_)) | None => sender,
        };
        let mut wanted = wanted;
        let mut resolved = match wanted {
            Wanted::Short => directory.resolve_beyond_quota(sender).await?,
            _ => directory.resolve(sender).await?,
        };
        if matches!(resolved, Resolved::OverQuota) {
            wanted = Wanted::Short;
            resolved = directory.resolve_beyond_quota(sender).await?;
        }
        let (here, onward) = match resolved {
            Resolved::Local(deliveries) => (deliveries, Vec::new()),
            Resolved::NotOurs => (Vec::new(), vec![sender.clone()]),
            // an owner of a list whose mail goes on
            Resolved::Onward { here, onward } => {
                (here, onward.into_iter().map(|one| one.to).collect())
            }
            Resolved::OverQuota | Resolved::TooManyTargets => {
                return Ok(Err("the sender's mailbox took no report".into()));
            }
            Resolved::UnknownUser | Resolved::Closed => {
                return Ok(Err("the sender has no mailbox any more".into()));
            }
        };
        let place = match onward.is_empty() {
            true => SenderPlace::Here,
            false => SenderPlace::Elsewhere,
        };
        let all = actions.iter().map(|(_, action)| *action);
        let returned = match wanted {
            Wanted::AsAsked => {
                let protection = message.asked.protection;
                report::returned(message.ret, protection, message.size(), all)
            }
            Wanted::Short | Wanted::Nothing => Returned::Header,
        };
        let ours = self.in_the_name_of(message)?;
        let subject = (message, sender, ours.as_ref());
        let composed = self.compose(subject, entry, actions, returned, place);
        let id = self.inner.random.token(ID_LETTERS);
        let (body, gathered) = self.body(&composed, message, &id).await?;
        let mut told = Told {
            id,
            body,
            to: Vec::new(),
            leaving: None,
        };
        let prefix = report_prefix(&self.wanted().hostname, &told.id, self.inner.clock.now());
        told.to = addressed(here, &prefix);
        if !onward.is_empty() {
            let way = |to| Onward::new(ForwardPath::Address(to), None, None);
            let at = self.inner.clock.now();
            let signatures = match (&ours, &gathered) {
                (Some(domain), Some(gathered)) => sign::of_ours(directory, domain, gathered, at)?,
                _ => String::new(),
            };
            let mut report = self.report_message(&told.id, &composed, sender, signatures);
            // what the message needed, its report needs as well
            report.message.asked = message.asked.of_report();
            let ways = onward.into_iter().map(way).collect();
            told.leaving = Some(self.leaving_report(report, ways, &told.body));
        }
        Ok(Ok(told))
    }

    /// The domain of ours that reports about this message are from, so that it can sign them.
    fn in_the_name_of(&self, message: &MessageRecord) -> Result<Option<Domain>, Fault> {
        let domain = message.sender.address().and_then(Address::domain);
        match domain {
            Some(domain) if self.inner.mail.directory().hosts(domain)? => Ok(Some(domain.clone())),
            _ => Ok(None),
        }
    }

    /// A report that travels on to a sender elsewhere, with our signatures.
    pub(crate) fn report_message(
        &self,
        id: &str,
        composed: &report::Report,
        to: &Address,
        signatures: String,
    ) -> NewMessage {
        let (at, null) = (self.inner.clock.now(), ReversePath::Null); // [rfc5321 6.1] [rfc3464 2]
        NewMessage {
            message: MessageRecord {
                body_type: Some(composed.body),
                charset: composed.charset,
                prefix: signatures.into(),
                client: "this server".to_owned(),
                ..MessageRecord::new(id.to_owned(), null, SenderProof::Known, at)
            },
            message_id: None,
            recipients: vec![trail::Destination {
                path: ForwardPath::Address(to.clone()),
                place: trail::Place::Elsewhere,
            }],
        }
    }

    fn compose(
        &self,
        (message, sender, ours): (&MessageRecord, &Address, Option<&Domain>),
        entry: &EntryRecord,
        actions: &[(usize, Action)],
        returned: Returned,
        place: SenderPlace,
    ) -> report::Report {
        let charset = report::charset(sender, message.charset, place);
        let header = self.header(message);
        let (at, token) = (
            self.inner.clock.now(),
            self.inner.random.token(TOKEN_LETTERS),
        );
        let wanted = self.wanted();
        let hostname = wanted.hostname.as_str();
        let postmaster = format!("postmaster@{}", ours.map_or(hostname, Domain::as_str));
        let reporter = Reporter {
            hostname,
            postmaster: &postmaster,
            at,
            token: &token,
        };
        let subject = Subject {
            id: &message.id,
            sender,
            envid: message.envid.as_ref(),
            arrived: message.arrived,
            deliver_by: message.asked.deliver_by.map(|by| by.by),
            hold: message.asked.hold.map(|held| held.asked),
            header: &header,
        };
        let replies: Vec<String> = actions
            .iter()
            .map(|(place, _)| reply_line(&entry.recipients[*place]))
            .collect();
        let fates: Vec<report::Fate<'_>> = actions
            .iter()
            .zip(&replies)
            .map(|((place, action), reply)| {
                fate(&entry.recipients[*place], *action, reply, message.expires)
            })
            .collect();
        let original = message.charset;
        report::compose(&reporter, &subject, &fates, returned, charset, original)
    }

    /// The beginning of a message as it is sent; of one that cannot be read, what we have added.
    fn header(&self, message: &MessageRecord) -> Vec<u8> {
        let mut header = message.prefix.to_vec();
        let most = limits::RETURNED_HEADER_BYTES;
        match self.inner.mail.held_body(message.body, 0, most) {
            Ok(begin) => header.extend_from_slice(&begin),
            Err(fault) => {
                let id = &message.id;
                tracing::error!(target: "queue", message_id = %id, %fault, "a message on the road cannot be read");
            }
        }
        header
    }

    async fn body(
        &self,
        composed: &report::Report,
        message: &MessageRecord,
        id: &str,
    ) -> Result<(Body, Option<Gathered>), Fault> {
        let written = async {
            let mut writing = Writing {
                writer: self.inner.mail.new_body().await?,
                gather: Gather::new(),
            };
            writing.write(&composed.before).await?;
            if composed.returned == Returned::Whole {
                self.copy(message, &mut writing).await?;
            }
            writing.write(&composed.after).await?;
            let tag = format!("id={id}\nfrom=<>\nto={}\n", message.sender);
            let Writing { writer, gather } = writing;
            let body = writer.finish(tag.as_bytes()).await?;
            Ok((body, gather.finish(Begins::WithHeader)))
        };
        written
            .await
            .map_err(|refused: BodyRefusal| Fault::new("writing a report", refused))
    }

    async fn copy(&self, message: &MessageRecord, writer: &mut Writing) -> Result<(), BodyRefusal> {
        writer.write(&message.prefix).await?;
        let mut from = 0;
        while from < message.body_bytes {
            let piece = self
                .inner
                .mail
                .held_body(message.body, from, limits::COPIED_BYTES)?;
            if piece.is_empty() {
                break;
            }
            from += piece.len() as u64;
            writer.write(&piece).await?;
        }
        Ok(())
    }
}

/// A report on its way to the store, and to its signatures.
struct Writing {
    writer: BodyWriter,
    gather: Gather,
}

impl Writing {
    async fn write(&mut self, piece: &[u8]) -> Result<(), BodyRefusal> {
        self.gather.piece(piece, Begins::WithHeader);
        self.writer.write(piece).await
    }
}

/// What kind of report a sender gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wanted {
    AsAsked,
    /// With the header only, also where the quota is used up.
    Short,
    Nothing,
}

/// What stands before a report that is put into a mailbox here: with its id, by which it is found as
/// all mail is. [rfc5321 4.4]
pub(crate) fn report_prefix(hostname: &str, id: &str, at: Time) -> Prefix {
    let at = at.rfc5322();
    let lines = format!("Return-Path: <>\r\nReceived: by {hostname} id {id};\r\n {at}\r\n");
    Prefix(lines.into())
}

/// A report is put into mailboxes.
pub(crate) fn addressed(deliveries: Vec<Delivery>, prefix: &Prefix) -> Vec<Addressed> {
    let one = |delivery| Addressed {
        delivery,
        prefix: prefix.clone(),
        dsn: Dsn::default(),
    };
    deliveries.into_iter().map(one).collect()
}

/// Why nobody is told of a failure; empty if nothing failed.
fn nobody(message: &MessageRecord, settled: &Settled) -> NobodyToTell {
    let mut happened = settled.happened.iter();
    let failed = happened.find(|(_, happened)| *happened == Happened::Failed);
    match failed.map(|(place, _)| told_of(message, settled, *place, Happened::Failed)) {
        Some(Tell::Nobody(why)) => why.to_string().into(),
        Some(Tell::Sender(_)) | None => "".into(),
    }
}

fn told_of(message: &MessageRecord, settled: &Settled, place: usize, happened: Happened) -> Tell {
    let notify = settled.entry.recipients[place].notify.as_ref();
    report::tell(&message.sender, message.proof, notify, happened)
}

/// Whom the sender is told of.
fn actions(message: &MessageRecord, settled: &Settled) -> Vec<(usize, Action)> {
    let told = settled.happened.iter().filter_map(|(place, happened)| {
        match told_of(message, settled, *place, *happened) {
            Tell::Sender(action) => Some((*place, action)),
            Tell::Nobody(_) => None,
        }
    });
    told.collect()
}

fn reply_line(onward: &Onward) -> String {
    let reply = onward.said.as_ref().and_then(|said| said.reply.as_ref());
    reply.map_or_else(String::new, ToString::to_string)
}

fn fate<'a>(onward: &'a Onward, action: Action, reply: &'a str, expires: Time) -> report::Fate<'a> {
    let said = onward.said.as_ref();
    report::Fate {
        recipient: report::Named::Path(&onward.to),
        original: onward.orcpt.as_ref(),
        action,
        status: said.map_or(Status(4, 0, 0), |said| said.status),
        said: match said {
            Some(said) if said.reply.is_some() => report::Said::Server {
                host: said.host.as_deref().unwrap_or_default(),
                reply,
            },
            Some(said) => said
                .why
                .as_deref()
                .map_or(report::Said::Nothing, report::Said::Ours),
            None => report::Said::Nothing,
        },
        last_attempt: said.map(|said| said.at),
        retry_until: (action == Action::Delayed).then_some(expires),
    }
}

impl Note {
    /// Whether writing it showed that somebody was there before.
    pub(super) fn is_late(&self) -> bool {
        self.is_late.load(Ordering::Relaxed)
    }

    /// Whether it is short enough to be written in one transaction with many others.
    pub(super) fn is_short(&self) -> bool {
        self.after.recipients.len() <= SHORT && self.records.len() <= SHORT
    }

    /// In the group that takes the report, if there is one. Of a note that comes too late nothing is
    /// written.
    pub(super) fn write(&self, edit: &mut Edit) -> Result<(), Fault> {
        let key = keys::entry(self.number);
        let current = match edit.get(&key)? {
            Some(value) => Some(decode::<EntryRecord>(&key, &value)?),
            None => None,
        };
        let current = current.filter(|current| {
            let told = current.delay_told == self.before.delay_told;
            current.attempts == self.before.attempts && told
        });
        let Some(current) = current else {
            self.is_late.store(true, Ordering::Relaxed);
            return Err(Fault::new("noting an attempt", "the entry has changed"));
        };
        trail::attempted(edit, self.number, self.before.attempts, &self.records);
        if let Some(report) = &self.report_here {
            trail::told(edit, self.number.message, report);
        }
        if !self.after.is_over() {
            // the operator may have said something meanwhile: to keep it back, or to try it at once
            let due = match current.due == self.before.due {
                true => self.after.due,
                false => current.due.min(self.after.due),
            };
            let entry = EntryRecord {
                standing: current.standing,
                due,
                ..self.after.clone()
            };
            edit.put(key, entry.encode());
            return Ok(());
        }
        let end = End {
            at: self.at,
            how: How::Over,
            entry: self.after.clone(),
            told: self.told.clone(),
        };

        remove(edit, self.number, &end)
    }
}

/// Takes an entry out, and its message with the last one.
pub(super) fn remove(edit: &mut Edit, number: EntryNumber, end: &End) -> Result<(), Fault> {
    edit.delete(keys::entry(number));
    trail::ended(edit, number, end);
    match has_entries(edit, number.message)? {
        true => {}
        false => {
            edit.delete(keys::message(number.message));
            let_go(edit, number.message);
        }
    }
    Ok(())
}

pub(super) fn has_entries(edit: &Edit, message: MessageNumber) -> Result<bool, Fault> {
    let first = edit.prefix(&keys::entries_of(message)).next().transpose()?;
    Ok(first.is_some())
}

/// Whether nothing new is known; that it lies in a mailbox here was said when it was put there.
fn is_no_news(was: &Onward, is: &Onward) -> bool {
    let arrived = was.state == RecipientState::Arrived;
    was.said == is.said && (was.state == is.state || arrived)
}

/// One line for each recipient of whom something new is known.
fn log(message: &MessageRecord, before: &EntryRecord, after: &EntryRecord, told: Option<&str>) {
    for (was, is) in before.recipients.iter().zip(&after.recipients) {
        if is_no_news(was, is) {
            continue;
        }
        let word = match is.state {
            RecipientState::Done | RecipientState::Arrived => "sent",
            RecipientState::Failed => "gave up",
            RecipientState::Waiting => "put off",
        };
        let said = is.said.as_ref();
        let text = said.map(|said| match &said.reply {
            Some(reply) => reply.to_string(),
            None => said.why.clone().unwrap_or_default(),
        });
        tracing::info!(
            target: "post",
            message_id = %message.id,
            from = %crate::Escaped(&message.sender.to_string()),
            to = %crate::Escaped(&is.to.to_string()),
            host = said.and_then(|said| said.host.as_deref()).unwrap_or(""),
            said = %crate::Escaped(&text.unwrap_or_default()),
            attempts = after.attempts,
            report = told.unwrap_or(""),
            "{word}"
        );
    }
}
