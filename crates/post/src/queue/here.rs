//! Mail for mailboxes here whose sender wanted it held: put there when its time has come.
//!
//! It goes into mailboxes as all mail does, and its entry says so in the same commit, so that nobody
//! gets it twice. Whoever cannot have it is noted as after any attempt. What never happens here: a
//! connection, mail for elsewhere.

use crate::limits;
use crate::queue::entry::{EntryNumber, EntryRecord, Onward, RecipientState, Said};
use crate::queue::message::MessageRecord;
use crate::queue::settle::{self, Settled};
use crate::queue::{AttemptRecord, Queue, keys};
use crate::report::Happened;
use crate::road::failure::{
    Attempt, Backoff, Before, Class, Decision, Failure, HostsLeft, Others, decide,
};
use crate::road::{Fate, Terms};
use crate::trace;
use addr::{Address, ForwardPath};
use mail::codec::{Record, decode};
use mail::{Addressed, DeliverError, Delivery, Dsn, Incoming, Prefix, Resolved};
use net::Time;
use smtp::Status;
use smtp::dsn::{EnvelopeId, Notify, OriginalRecipient, Ret};
use store::{Body, BodyRefusal, Edit, Fault};

/// What is said of what was done here, for people.
const STAGE: &str = "the mailbox here";

/// What an attempt came to.
pub(super) struct Arrived {
    /// As it is kept now.
    pub entry: EntryRecord,
    pub settled: Settled,
    pub records: Vec<AttemptRecord>,
}

/// Why a recipient does not get it.
struct NotHere {
    class: Class,
    status: Status,
    why: &'static str,
}

const NOBODY: NotHere = NotHere {
    class: Class::Permanent,
    status: Status(5, 1, 1),
    why: "there is no such mailbox any more",
};
const CLOSED: NotHere = NotHere {
    class: Class::Permanent,
    status: Status(5, 2, 1),
    why: "the mailbox takes no mail",
};
const FULL: NotHere = NotHere {
    class: Class::Transient,
    status: Status(4, 2, 2),
    why: "the mailbox is full",
};
const TROUBLE: NotHere = NotHere {
    class: Class::Transient,
    status: Status(4, 3, 0),
    why: "a fault on our side",
};

/// A recipient, by its place in the entry, and where it leads.
type Going = (usize, Vec<Delivery>);

impl Queue {
    /// Puts a message into the mailboxes of those who wait.
    pub(super) async fn arrive(
        &self,
        number: EntryNumber,
        message: &MessageRecord,
        before: &EntryRecord,
    ) -> Arrived {
        let begun = self.inner.clock.now();
        let (mut going, mut not) = (Vec::new(), Vec::new());
        for place in before.waiting() {
            match self.mailboxes(&before.recipients[place].to).await {
                Ok(deliveries) => going.push((place, deliveries)),
                Err(why) => not.push((place, why)),
            }
        }
        let entry = self
            .put(number, message, before, &mut going, &mut not)
            .await;
        // also those of before a crash
        let arrived: Vec<usize> = entry.places(RecipientState::Arrived).collect();
        let fates: Vec<(usize, Fate)> = not
            .into_iter()
            .map(|(place, why)| (place, self.fate(message, &entry, &why)))
            .collect();
        let now = self.inner.clock.now();
        let mut settled = match fates.is_empty() {
            true => Settled {
                entry: entry.clone(),
                happened: Vec::new(),
            },
            false => settle::attempted(&entry, &fates, message.given_up()),
        };
        done(&mut settled, arrived);
        settled.entry.lease = Some(self.lease(settled.entry.due));
        let settled = settle::told_of_delay(settled, now, self.delay_notice(message, &entry));
        let said = settled.entry.recipients.iter().enumerate();
        let said = said.filter_map(|(place, one)| Some((place, one.said.clone()?)));
        let record = AttemptRecord {
            begun,
            ended: now,
            host: None,
            address: Some("the mailboxes here".to_owned()),
            tls: None,
            proof: None,
            notes: Vec::new(),
            said: said.collect(),
        };
        Arrived {
            entry,
            settled,
            records: vec![record],
        }
    }

    /// Where a recipient leads by now.
    async fn mailboxes(&self, to: &ForwardPath) -> Result<Vec<Delivery>, NotHere> {
        let directory = self.inner.mail.directory();
        let resolved = match to {
            ForwardPath::Address(address) => directory.resolve(address).await,
            ForwardPath::Postmaster => directory.resolve_postmaster().await,
        };
        match resolved {
            Ok(Resolved::Local(here)) => Ok(here),
            // what goes on was sent on when it was accepted
            Ok(Resolved::Onward { here, .. }) if !here.is_empty() => Ok(here),
            Ok(Resolved::OverQuota) => Err(FULL),
            Ok(Resolved::Closed) => Err(CLOSED),
            Ok(_) => Err(NOBODY),
            Err(fault) => {
                tracing::error!(target: "queue", %fault, "where a message leads cannot be read");
                Err(TROUBLE)
            }
        }
    }

    /// Delivers to all who can be delivered to, each account once; gives the entry as it is then. Who
    /// cannot is moved to `not`.
    async fn put(
        &self,
        number: EntryNumber,
        message: &MessageRecord,
        before: &EntryRecord,
        going: &mut Vec<Going>,
        not: &mut Vec<(usize, NotHere)>,
    ) -> EntryRecord {
        let mut body = None;
        // each round leaves somebody out, or is the last
        while !going.is_empty() {
            let copied = match body.take() {
                Some(copied) => Ok(copied),
                None => self.copied(message).await,
            };
            let copied = match copied {
                Ok(copied) => copied,
                Err(fault) => {
                    tracing::error!(target: "queue", entry = %number, %fault, "a held message cannot be read");
                    break;
                }
            };
            let now = self.inner.clock.now();
            let after = arrived(before, going, now);
            let leg = |edit: &mut Edit| write(edit, number, before, &after);
            let incoming = incoming(message, copied.clone(), now);
            let to = addressed(message, before, going);
            let committed = self.inner.mail.deliver_and(incoming, to, Some(&leg)).await;
            let (whom, why) = match committed {
                Ok(_) => {
                    log(message, &after, going);
                    return after;
                }
                Err(DeliverError::OverQuota(whom)) => (whom, FULL),
                Err(DeliverError::Gone(whom)) => (whom, NOBODY),
                Err(DeliverError::Busy) => break,
                Err(DeliverError::ReadOnly(fault) | DeliverError::Unavailable(fault)) => {
                    tracing::error!(target: "queue", entry = %number, %fault, "a held message cannot be delivered yet");
                    break;
                }
            };
            let is_of = |deliveries: &[Delivery]| {
                let mut accounts = deliveries.iter().map(Delivery::account_id);
                accounts.any(|one| whom.iter().any(|other| other.account_id() == one))
            };
            let (out, rest): (Vec<_>, Vec<_>) = going
                .drain(..)
                .partition(|(_, deliveries)| is_of(deliveries));
            if out.is_empty() {
                *going = rest;
                break;
            }
            let NotHere { class, status, why } = why;
            let why = || NotHere { class, status, why };
            not.extend(out.into_iter().map(|(place, _)| (place, why())));
            *going = rest;
            body = Some(copied);
        }
        not.extend(going.drain(..).map(|(place, _)| (place, TROUBLE)));
        before.clone()
    }

    /// What follows for one who does not get it now.
    fn fate(&self, message: &MessageRecord, entry: &EntryRecord, not: &NotHere) -> Fate {
        let at = self.inner.clock.now();
        let said = Said {
            at,
            host: None,
            stage: STAGE.to_owned(),
            reply: None,
            why: Some(not.why.to_owned()),
            status: not.status,
        };
        let terms = Terms {
            earlier: entry.attempts,
            expires: message.given_up().at,
        };
        let attempt = match &*self.road() {
            Some(road) => road.attempt(terms, HostsLeft::None, Before::NoHope),
            None => Attempt {
                now: at,
                earlier: terms.earlier,
                expires: terms.expires,
                hosts_left: HostsLeft::None,
                before: Before::NoHope,
                others: Others::NoneTaken,
                backoff: Backoff::default(),
                random: 0,
            },
        };
        let Failure {
            stage,
            scope,
            class,
        } = Failure::of_program(not.class);
        match decide(stage, scope, class, &attempt) {
            Decision::Bounce(end) => Fate::Failed { end, said },
            Decision::Retry(at) => Fate::Retry { at, said },
            Decision::Again | Decision::NextHost => Fate::Retry {
                at: at.after(attempt.backoff.first),
                said,
            },
        }
    }

    /// The content once more: mailboxes have bodies of their own.
    async fn copied(&self, message: &MessageRecord) -> Result<Body, Fault> {
        let copied = async {
            let mut writer = self.inner.mail.new_body().await?;
            let mut from = 0;
            while from < message.body_bytes {
                let mail = &self.inner.mail;
                let piece = mail.held_body(message.body, from, limits::COPIED_BYTES)?;
                if piece.is_empty() {
                    break;
                }
                from += piece.len() as u64;
                writer.write(&piece).await?;
            }
            let tag = format!("id={}\nfrom={}\n", message.id, message.sender);
            writer.finish(tag.as_bytes()).await
        };
        let copied: Result<Body, BodyRefusal> = copied.await;
        copied.map_err(|refused| Fault::new("copying a message", refused))
    }
}

/// These have it, and their sender can be told of that.
pub(super) fn done(settled: &mut Settled, arrived: Vec<usize>) {
    for place in arrived {
        settled.entry.recipients[place].state = RecipientState::Done;
        settled.happened.push((place, Happened::Delivered));
    }
}

/// The entry when these have it.
fn arrived(before: &EntryRecord, going: &[Going], at: Time) -> EntryRecord {
    let mut after = before.clone();
    after.attempts = after.attempts.saturating_add(1);
    for (place, _) in going {
        let onward = &mut after.recipients[*place];
        onward.state = RecipientState::Arrived;
        onward.said = Some(Said {
            at,
            host: None,
            stage: STAGE.to_owned(),
            reply: None,
            why: None,
            status: Status(2, 1, 5),
        });
    }
    after
}

/// In the group that delivers. What the operator has said meanwhile stays: to keep it back, or to try it
/// at once.
pub(super) fn write(
    edit: &mut Edit,
    number: EntryNumber,
    before: &EntryRecord,
    after: &EntryRecord,
) -> Result<(), Fault> {
    let key = keys::entry(number);
    let current = match edit.get(&key)? {
        Some(value) => Some(decode::<EntryRecord>(&key, &value)?),
        None => None,
    };
    let Some(current) = current.filter(|current| current.attempts == before.attempts) else {
        return Err(Fault::new("delivering", "the entry has changed"));
    };
    let entry = EntryRecord {
        standing: current.standing,
        due: current.due,
        ..after.clone()
    };
    edit.put(key, entry.encode());
    Ok(())
}

fn incoming(message: &MessageRecord, body: Body, at: Time) -> Incoming {
    let sender = message.sender.address().map(Address::to_string);
    Incoming {
        body,
        sender: sender.unwrap_or_default(),
        client: message.client.clone(),
        login: message.login.clone(),
        at,
    }
}

fn addressed(message: &MessageRecord, entry: &EntryRecord, going: &[Going]) -> Vec<Addressed> {
    let line = format!("Return-Path: {}\r\n", message.sender);
    let prefix = Prefix([line.as_bytes(), &message.prefix].concat().into());
    let all = going.iter().flat_map(|(place, deliveries)| {
        let onward = &entry.recipients[*place];
        deliveries.iter().map(move |delivery| (onward, delivery))
    });
    let one = |(onward, delivery): (&Onward, &Delivery)| Addressed {
        delivery: delivery.clone(),
        prefix: trace::for_delivery(delivery, &prefix),
        dsn: dsn(message, onward),
    };
    all.map(one).collect()
}

fn dsn(message: &MessageRecord, onward: &Onward) -> Dsn {
    Dsn {
        ret: message.ret.map(Ret::word).map(str::to_owned),
        envid: message
            .envid
            .as_ref()
            .map(EnvelopeId::as_str)
            .map(str::to_owned),
        notify: onward.notify.as_ref().map(Notify::to_string),
        orcpt: onward
            .orcpt
            .as_ref()
            .map(OriginalRecipient::as_str)
            .map(str::to_owned),
    }
}

fn log(message: &MessageRecord, entry: &EntryRecord, going: &[Going]) {
    for (place, _) in going {
        tracing::info!(
            target: "post",
            message_id = %message.id,
            from = %crate::Escaped(&message.sender.to_string()),
            to = %crate::Escaped(&entry.recipients[*place].to.to_string()),
            "released into the mailbox"
        );
    }
}
