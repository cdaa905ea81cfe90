//! Working through the schedule: one task for each attempt, as many at a time as may be.
//!
//! What a server has acknowledged is noted before anything else is done with the entry, and noted
//! again until the store takes it. A stop gives attempts a moment to end; what is unsure then is
//! repeated after the next start. What never happens here: what is said to a server (`road`).

use crate::limits;
use crate::queue::entry::{EntryNumber, EntryRecord, RecipientState, Standing, Whither};
use crate::queue::here::{self, Arrived};
use crate::queue::message::MessageRecord;
use crate::queue::schedule::Next;
use crate::queue::settle::{self, Settled};
use crate::queue::{AttemptRecord, Queue, keys};
use crate::road::{Content, Load, LoadRecipient, Permit, Road, Terms};
use net::time::{Duration, sleep, timeout};
use net::{Stop, Time};
use smtp::client::Recipient;
use smtp::{BodyType, MailParameters, RcptParameters};
use std::collections::HashMap;
use store::Fault;
use tally::Metric;
use tokio::task::{Id, JoinError, JoinSet};

/// The attempts that run.
#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    entries: HashMap<Id, EntryNumber>,
}

impl Queue {
    /// Sends what is due, until `stop`.
    pub async fn run(&self, road: &Road, stop: &Stop) {
        *self.road() = Some(road.clone());
        let mut running = Running::default();
        loop {
            let wait = self.begin_all(road, stop, &mut running);
            tokio::select! {
                biased;
                () = stop.stopped() => break,
                Some(ended) = running.tasks.join_next_with_id() => self.forget_task(&mut running, ended),
                () = self.inner.bell.notified() => {}
                () = sleep(wait) => {}
            }
        }
        *self.road() = None;
        let all = async { while running.tasks.join_next().await.is_some() {} };
        if timeout(limits::LAST_ATTEMPTS, all).await.is_err() {
            let attempts = running.tasks.len();
            tracing::info!(target: "queue", attempts, "cutting attempts that did not end in time; they are repeated");
            running.tasks.shutdown().await;
        }
    }

    /// Begins what may begin; says how long there is nothing else.
    fn begin_all(&self, road: &Road, stop: &Stop, running: &mut Running) -> Duration {
        let now = self.inner.clock.now();
        let attempts = self.wanted().settings.attempts;
        loop {
            let mut schedule = self.schedule();
            let noted = schedule.noted().min(limits::NOTES_BESIDE);
            if running.tasks.len() >= attempts + noted {
                return limits::LONGEST_LOOK;
            }
            let next = schedule.next(now, |destination| road.begin(destination.clone()));
            drop(schedule);
            let (number, permit) = match next {
                Next::Try(number, permit) => (number, Some(permit)),
                Next::Look(number) => (number, None),
                Next::Nothing(until) => return wait(now, until),
            };
            let (queue, stop) = (self.clone(), stop.clone());
            let task = async move { queue.handle(number, permit, &stop).await };
            let id = running.tasks.spawn(task).id();
            running.entries.insert(id, number);
        }
    }

    fn forget_task(&self, running: &mut Running, ended: Result<(Id, ()), JoinError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        let Some(number) = running.entries.remove(&id) else {
            return;
        };
        if let Err(error) = ended
            && error.is_panic()
        {
            tracing::error!(target: "queue", entry = %number, %error, "an attempt panicked; this is a bug");
            self.put_back(number, limits::AFTER_TROUBLE);
        }
    }

    /// One entry whose time has come.
    async fn handle(&self, number: EntryNumber, mut permit: Option<Permit>, stop: &Stop) {
        let read = self.read(number);
        let (message, entry) = match read {
            Ok(Some((message, entry))) if entry.standing == Standing::Free => (message, entry),
            other => {
                if let Some(permit) = permit {
                    permit.give_back();
                }
                return self.pass_over(number, other);
            }
        };
        if message.holds(&entry, self.inner.clock.now()) {
            // the clock was set back, and nothing goes before its time by any clock
            if let Some(permit) = permit {
                permit.give_back();
            }
            return self.again(number, (&message, &entry), |_| {});
        }
        let way = self.destination(&message, &entry);
        if let Some(permit) = permit.take_if(|permit| *permit.destination() != way) {
            // the routes are others since it came into its line
            permit.give_back();
            return self.again(number, (&message, &entry), |_| {});
        }
        let (settled, records) = match (permit, entry.whither) {
            (Some(permit), Whither::Here) => {
                let arrived = self.arrive(number, &message, &entry).await;
                permit.ended();
                let Arrived {
                    entry,
                    settled,
                    records,
                } = arrived;
                let noted = (number, &message, &entry);
                return self.note_until_done(noted, settled, &records, stop).await;
            }
            (Some(permit), Whither::Elsewhere) => {
                let attempted = self.attempt(&message, &entry, permit).await;
                self.schedule().carried(number);
                self.inner.bell.notify_one();
                attempted
            }
            (None, _) => (self.look(&message, &entry), Vec::new()),
        };
        self.note_until_done((number, &message, &entry), settled, &records, stop)
            .await;
    }

    /// One that is not sent now.
    pub(super) fn pass_over(
        &self,
        number: EntryNumber,
        read: Result<Option<(MessageRecord, EntryRecord)>, Fault>,
    ) {
        match read {
            Ok(Some((message, entry))) => {
                let mut schedule = self.schedule();
                schedule.add_held(number, self.timing(&message, &entry));
            }
            // removed by the operator, or never committed
            Ok(None) => self.schedule().forget(number),
            Err(fault) => {
                tracing::error!(target: "queue", entry = %number, %fault, "an entry cannot be read and is not sent");
                self.inner.mail.tally().count(Metric::QueueDamaged, &[]);
                self.schedule().forget(number);
            }
        }
    }

    /// A message and one of its entries as they are kept.
    pub(super) fn read(
        &self,
        number: EntryNumber,
    ) -> Result<Option<(MessageRecord, EntryRecord)>, Fault> {
        let look = self.inner.mail.road();
        let Some(entry) = look.record::<EntryRecord>(&keys::entry(number))? else {
            return Ok(None);
        };
        match look.record::<MessageRecord>(&keys::message(number.message))? {
            Some(message) => Ok(Some((message, entry))),
            None => Err(Fault::new("reading an entry", "its message is not there")),
        }
    }

    /// Nothing may be sent now, and something is due all the same.
    fn look(&self, message: &MessageRecord, entry: &EntryRecord) -> Settled {
        let now = self.inner.clock.now();
        let nobody = match self.keeping(entry) {
            Some(_) => settle::NOT_ASKED_FOR,
            None => settle::NO_ANSWER,
        };
        let notice = self.delay_notice(message, entry);
        let mut settled = settle::looked_at(entry, now, (message.given_up(), nobody), notice);
        // a crash came before their sender was told
        here::done(
            &mut settled,
            entry.places(RecipientState::Arrived).collect(),
        );
        settled
    }

    async fn attempt(
        &self,
        message: &MessageRecord,
        entry: &EntryRecord,
        permit: Permit,
    ) -> (Settled, Vec<AttemptRecord>) {
        let load = self.load(message, entry);
        let terms = Terms {
            earlier: entry.attempts,
            expires: message.given_up().at,
        };
        let carried = permit.carry(&load, terms).await;
        let now = self.inner.clock.now();
        let mut settled = settle::attempted(entry, &carried.fates, message.given_up());
        settled.entry.lease = Some(self.lease(settled.entry.due));
        let settled = settle::told_of_delay(settled, now, self.delay_notice(message, entry));
        (settled, carried.records)
    }

    pub(super) fn load(&self, message: &MessageRecord, entry: &EntryRecord) -> Load {
        let recipients = entry.waiting().map(|place| {
            let onward = &entry.recipients[place];
            LoadRecipient {
                place,
                recipient: Recipient {
                    to: onward.to.clone(),
                    parameters: RcptParameters {
                        notify: onward.notify.clone(),
                        orcpt: onward.orcpt.clone(),
                    },
                },
            }
        });
        // what came in as binary was made lines
        let body = message.body_type.map(|body_type| match body_type {
            BodyType::BinaryMime => BodyType::EightBitMime,
            other => other,
        });
        let mail = self.inner.mail.clone();
        Load {
            sender: message.sender.clone(),
            parameters: MailParameters {
                body,
                charset: message.charset,
                ret: message.ret,
                envid: message.envid.clone(),
                protection: message.asked.protection,
                // also where none was asked [rfc6710 4.2]
                priority: Some(message.asked.priority),
                ..MailParameters::default()
            },
            deliver_by: message.asked.deliver_by,
            recipients: recipients.collect(),
            content: Content::held(
                message.prefix.clone(),
                mail,
                message.body,
                message.body_bytes,
            ),
        }
    }

    /// Until the store has taken it: what is forgotten would be sent twice.
    pub(super) async fn note_until_done(
        &self,
        (number, message, before): (EntryNumber, &MessageRecord, &EntryRecord),
        settled: Settled,
        records: &[AttemptRecord],
        stop: &Stop,
    ) {
        loop {
            match self
                .note((number, message, before), &settled, records)
                .await
            {
                Ok(()) => break,
                Err(fault) => {
                    tracing::error!(target: "queue", entry = %number, %fault, "what became of a message cannot be noted yet");
                }
            }
            tokio::select! {
                biased;
                () = stop.stopped() => return,
                () = sleep(limits::NOTE_AGAIN) => {}
            }
        }
        match settled.entry.is_over() {
            true => self.schedule().done(number, None),
            // as it is written: the operator may have wanted it tried at once meanwhile
            false => match self.read(number) {
                Ok(None) => self.schedule().done(number, None),
                Ok(Some((_, entry))) => self.come_again(number, message, &entry),
                Err(_) => self.come_again(number, message, &settled.entry),
            },
        }
        self.inner.bell.notify_one();
    }

    fn come_again(&self, number: EntryNumber, message: &MessageRecord, entry: &EntryRecord) {
        let mut schedule = self.schedule();
        schedule.done(number, Some(self.timing(message, entry)));
        if entry.standing == Standing::Held {
            schedule.hold(number);
        }
    }

    /// Into the schedule again, after some time.
    pub(super) fn put_back(&self, number: EntryNumber, after: Duration) {
        let due = self.inner.clock.now().after(after);
        match self.read(number) {
            Ok(Some((message, entry))) => {
                self.again(number, (&message, &entry), |timing| {
                    if timing.kept_for.is_none() {
                        timing.due = due;
                    }
                });
            }
            Ok(None) | Err(_) => self.schedule().forget(number),
        }
    }
}

/// From now until then, and at most so long that a clock that was set does no harm.
fn wait(now: Time, until: Option<Time>) -> Duration {
    let micros = until.map_or(i64::MAX, |until| until.0.saturating_sub(now.0).max(0));
    let wait = Duration::from_micros(micros.cast_unsigned());
    wait.min(limits::LONGEST_LOOK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::{Onward, QueueSettings};
    use crate::report::{Happened, SenderProof};
    use crate::road::route::Routes;
    use addr::{Charset, ForwardPath, ReversePath};
    use mail::codec::Record;
    use mail::road::MessageNumber;
    use mail::{Mail, MailSettings};
    use net::{Clock, Random};
    use store::Db;

    const ONE: EntryNumber = EntryNumber {
        message: MessageNumber(1),
        part: 0,
    };

    fn message() -> MessageRecord {
        let (null, proof) = (ReversePath::Null, SenderProof::Known);
        MessageRecord {
            expires: Time::from_seconds(10_000),
            ..MessageRecord::new("abc".to_owned(), null, proof, Time(0))
        }
    }

    fn entry() -> EntryRecord {
        let to = ForwardPath::parse(b"<bob@b.test>", Charset::Ascii).unwrap();
        EntryRecord {
            domain: "b.test".parse().map(addr::Host::Name).unwrap(),
            whither: Whither::Elsewhere,
            recipients: vec![Onward::new(to, None, None)],
            attempts: 0,
            due: Time(0),
            standing: Standing::Free,
            lease: None,
            delay_told: None,
        }
    }

    /// A queue with that one entry.
    async fn queue(clock: Clock) -> Queue {
        let random = Random::seeded(1);
        let settings = MailSettings::default();
        let mail = Mail::open(Db::memory(), clock.clone(), random.clone(), settings).await;
        let mail = mail.unwrap();
        let mut edit = mail.road_edit().await;
        edit.put(keys::message(ONE.message), message().encode());
        edit.put(keys::entry(ONE), entry().encode());
        mail.road_commit(edit).await.unwrap();
        let (settings, routes) = (QueueSettings::default(), Routes::default());
        let queue = Queue::open(mail, clock, random, "localhost", settings, routes).await;
        queue.unwrap()
    }

    #[tokio::test]
    async fn whoever_has_got_it_before_a_crash_is_told_of_also_if_it_has_expired_since() {
        let queue = queue(Clock::manual(Time::from_seconds(20_000))).await;
        let mut arrived = entry();
        arrived.whither = Whither::Here;
        arrived.recipients[0].state = RecipientState::Arrived;
        let settled = queue.look(&message(), &arrived);
        assert_eq!(settled.happened, [(0, Happened::Delivered)]);
        assert_eq!(settled.entry.recipients[0].state, RecipientState::Done);
    }

    #[tokio::test]
    async fn a_wish_to_try_at_once_is_heard_while_others_get_it_here() {
        let (now, later) = (Time::from_seconds(100), Time::from_seconds(900));
        let queue = queue(Clock::manual(now)).await;
        // as it was when the attempt began, and as it is since
        let before = EntryRecord {
            due: later,
            ..entry()
        };
        let mut edit = queue.inner.mail.road_edit().await;
        let wished = EntryRecord {
            due: now,
            ..entry()
        };
        edit.put(keys::entry(ONE), wished.encode());
        here::write(&mut edit, ONE, &before, &before).unwrap();
        queue.inner.mail.road_commit(edit).await.unwrap();
        let (_, kept) = queue.read(ONE).unwrap().unwrap();
        assert_eq!(kept.due, now);
    }

    #[tokio::test]
    async fn a_wish_to_try_at_once_is_heard_while_an_attempt_is_being_noted() {
        let (now, later) = (Time::from_seconds(100), Time::from_seconds(900));
        let queue = queue(Clock::manual(now)).await;
        assert!(queue.schedule().take_now(ONE));
        queue.schedule().carried(ONE);
        assert_eq!(queue.retry(&[ONE]).await.unwrap(), 1);
        let mut settled = Settled {
            entry: entry(),
            happened: Vec::new(),
        };
        (settled.entry.attempts, settled.entry.due) = (1, later);
        let (message, before) = (message(), entry());
        let noted = (ONE, &message, &before);
        queue
            .note_until_done(noted, settled, &[], &Stop::new())
            .await;
        let (_, kept) = queue.read(ONE).unwrap().unwrap();
        assert_eq!((kept.attempts, kept.due), (1, now));
        let next = queue.schedule().next(now, |_| Ok(()));
        assert!(matches!(next, Next::Try(ONE, ())), "{next:?}");
    }
}
