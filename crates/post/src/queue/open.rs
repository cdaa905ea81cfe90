//! The queue as a running server has it: opened over the store, with the schedule made anew.
//!
//! What never happens here: an attempt.

use crate::customer::{Customer, Customers, Holds};
use crate::judge::QueueRoom;
use crate::limits;
use crate::queue::Amount;
use crate::queue::entry::{EntryNumber, EntryRecord, Lease, Standing, Whither};
use crate::queue::held::HeldBy;
use crate::queue::keys;
use crate::queue::message::MessageRecord;
use crate::queue::noting::Noting;
use crate::queue::pick_up::Picking;
use crate::queue::schedule::{Schedule, Timing};
use crate::queue::settings::QueueSettings;
use crate::queue::settle::{Notice, Why};
use crate::queue::walk::walk;
use crate::road::Road;
use crate::road::route::{Destination, Routes};
use crate::trail;
use mail::Mail;
use mail::codec::{Damaged, Decoded, Reader, Record, Writer};
use mail::road::{MessageNumber, RoadLook};
use net::{Clock, Random, Time};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::Fault;
use tally::Metric;
use tokio::sync::Notify;

/// The queue. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub mail: Mail,
    pub clock: Clock,
    pub random: Random,
    wanted: Mutex<Arc<Wanted>>,
    incarnation: u64,
    next_message: AtomicU64,
    /// No message below this number waits.
    oldest: AtomicU64,
    schedule: Mutex<Schedule>,
    held: Mutex<HeldBy>,
    /// By which it is sent, while it is.
    road: Mutex<Option<Road>>,
    pub noting: Noting,
    /// When customers' servers came for their mail, by customers' names.
    picking: Mutex<BTreeMap<Arc<str>, Picking>>,
    /// Wakes who works through the schedule.
    pub bell: Notify,
}

/// What the operator wants of it.
pub(super) struct Wanted {
    /// Our name, in reports.
    pub hostname: String,
    pub settings: QueueSettings,
    /// By which destinations are told apart.
    pub routes: Routes,
}

/// How often a node has begun to look after this queue.
struct Incarnation(u64);

impl Record for Incarnation {
    const WHAT: &'static str = "the queue's incarnation";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(1);
        w.uint(self.0);
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, 1)?;
        let number = r.counter()?;
        r.is_empty().then_some(Self(number)).ok_or(Damaged)
    }
}

impl Queue {
    /// Begins to look after the queue of this store. What an earlier start had leased is ours at
    /// once: only one process has a data folder.
    pub async fn open(
        mail: Mail,
        clock: Clock,
        random: Random,
        hostname: impl Into<String>,
        settings: QueueSettings,
        routes: Routes,
    ) -> Result<Queue, Fault> {
        let incarnation = begin(&mail).await?;
        let look = mail.road();
        let next_message = next_message(&look)?;
        let queue = Queue {
            inner: Arc::new(Inner {
                mail,
                clock,
                random,
                incarnation,
                next_message: AtomicU64::new(next_message),
                oldest: AtomicU64::new(0),
                held: Mutex::default(),
                schedule: Mutex::new(Schedule::new(settings.max_entries)),
                road: Mutex::new(None),
                noting: Noting::default(),
                picking: Mutex::default(),
                bell: Notify::new(),
                wanted: Mutex::new(Arc::new(Wanted {
                    hostname: hostname.into(),
                    settings,
                    routes,
                })),
            }),
        };
        queue.rebuild(&look)?;
        Ok(queue)
    }

    /// Takes what the operator wants now. What waits goes by the new routes at its next attempt, at
    /// the time that was planned.
    pub fn renew(
        &self,
        hostname: impl Into<String>,
        settings: QueueSettings,
        routes: Routes,
    ) -> Result<(), Fault> {
        let is_other_way = self.wanted().routes != routes;
        {
            // who adds an entry finds its way and adds it in one step
            let mut schedule = self.schedule();
            schedule.set_max_entries(settings.max_entries);
            *self.wanted_lock() = Arc::new(Wanted {
                hostname: hostname.into(),
                settings,
                routes,
            });
        }
        if is_other_way {
            walk(&self.inner.mail.road(), |number, message, entry| {
                let mut schedule = self.schedule();
                schedule.reroute(number, self.timing(message, &entry));
            })?;
        }
        self.inner.bell.notify_one();
        Ok(())
    }

    fn wanted_lock(&self) -> MutexGuard<'_, Arc<Wanted>> {
        let wanted = &self.inner.wanted;
        wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wanted(&self) -> Arc<Wanted> {
        self.wanted_lock().clone()
    }

    fn rebuild(&self, look: &RoadLook) -> Result<(), Fault> {
        let mut schedule = self.schedule();
        let damaged = walk(look, |number, message, entry| {
            let timing = self.timing(message, &entry);
            self.counts_held(number.message, message);
            match entry.standing {
                Standing::Free => schedule.add(number, timing),
                Standing::Held => schedule.add_held(number, timing),
            }
        })?;
        let tally = self.inner.mail.tally();
        tally.add(Metric::QueueDamaged, &[], damaged);
        Ok(())
    }

    pub(super) fn schedule(&self) -> MutexGuard<'_, Schedule> {
        let schedule = &self.inner.schedule;
        schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn road(&self) -> MutexGuard<'_, Option<Road>> {
        self.inner
            .road
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn held(&self) -> MutexGuard<'_, HeldBy> {
        let held = &self.inner.held;
        held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that its sender wants held counts until its time.
    pub(super) fn counts_held(&self, number: MessageNumber, message: &MessageRecord) {
        let now = self.inner.clock.now();
        let held = message.asked.hold.filter(|held| held.until > now);
        // a user of this machine has no login: the client is he
        let holder = message.login.as_ref().unwrap_or(&message.client);
        if let Some(held) = held {
            let one = (number, message.size());
            self.held().add(holder, held.until, one);
        }
    }

    /// What a login, or a user of this machine, has held for later.
    pub(crate) fn held_by(&self, holder: &str) -> Amount {
        self.held().amount(holder, self.inner.clock.now())
    }

    pub(super) fn picking(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Picking>> {
        let picking = &self.inner.picking;
        picking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it takes no more.
    pub fn is_full(&self) -> bool {
        self.room() == QueueRoom::Full
    }

    /// Whether one more entry of this size would be taken, for this customer if it is his.
    pub(crate) fn room_for(&self, customer: Option<&Customer>, bytes: u64) -> QueueRoom {
        let keeps = customer.filter(|customer| customer.holds != Holds::Nothing);
        if keeps.is_some_and(|customer| !self.kept_for(customer).has_room(bytes, customer.most)) {
            return QueueRoom::CustomerFull;
        }
        self.room()
    }

    /// The entries that are kept for a customer.
    pub fn kept_for(&self, customer: &Customer) -> Amount {
        self.schedule().kept_for(&customer.name)
    }

    fn room(&self) -> QueueRoom {
        let mut schedule = self.schedule();
        match schedule.reserve(1) {
            true => {
                schedule.unreserve(1);
                QueueRoom::Enough
            }
            false => QueueRoom::Full,
        }
    }

    /// Counts what waits, when somebody looks at the metrics.
    pub fn refresh_tally(&self) {
        let tally = self.inner.mail.tally();
        tally.set(Metric::QueueEntries, &[], self.len() as u64);
        let oldest = self.oldest().unwrap_or_default();
        let seconds = oldest.map_or(0, |at| u64::try_from(at.seconds()).unwrap_or(0));
        tally.set(Metric::QueueOldest, &[], seconds);
    }

    /// When the oldest message that waits was handed in. Numbers only rise, so it is looked for
    /// from where the last one was.
    fn oldest(&self) -> Result<Option<Time>, Fault> {
        let from = MessageNumber(self.inner.oldest.load(Ordering::Relaxed));
        let end = vec![keys::MESSAGES[0] + 1];
        let look = self.inner.mail.road();
        let first = look.range(keys::message(from)..end).next().transpose()?;
        let Some((key, value)) = first else {
            return Ok(None);
        };
        let number = keys::message_of(&key).unwrap_or(from);
        let none_below = number.0.saturating_sub(limits::COMMITTED_LATE);
        self.inner.oldest.store(none_below, Ordering::Relaxed);
        Ok(Some(
            mail::codec::decode::<MessageRecord>(&key, &value)?.arrived,
        ))
    }

    /// Entries that wait or are under way.
    pub fn len(&self) -> usize {
        self.schedule().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn new_message(&self) -> MessageNumber {
        MessageNumber(self.inner.next_message.fetch_add(1, Ordering::Relaxed))
    }

    /// Ours, until some time after the next attempt.
    pub(super) fn lease(&self, due: Time) -> Lease {
        Lease {
            incarnation: self.inner.incarnation,
            until: due.after(limits::LEASE),
        }
    }

    /// Where and when an entry stands in the schedule.
    pub(super) fn timing(&self, message: &MessageRecord, entry: &EntryRecord) -> Timing {
        let deadline = self.deadline(message, entry);
        let kept_for = self.keeping(entry).map(|customer| customer.name.clone());
        if kept_for.is_some() {
            return Timing {
                destination: self.destination(message, entry),
                due: deadline,
                deadline,
                priority: message.asked.priority,
                bytes: message.size(),
                kept_for,
            };
        }
        let now = self.inner.clock.now();
        let latest = now.after(self.wanted().settings.longest_wait);
        let held = message.asked.hold.filter(|_| message.holds(entry, now));
        let latest = held.map_or(latest, |held| latest.max(held.until));
        Timing {
            destination: self.destination(message, entry),
            due: entry.due.min(deadline).min(latest),
            deadline,
            priority: message.asked.priority,
            bytes: message.size(),
            kept_for: None,
        }
    }

    /// For whom an entry is kept until he asks for it.
    pub(super) fn keeping(&self, entry: &EntryRecord) -> Option<Arc<Customer>> {
        match entry.whither {
            Whither::Elsewhere => self.customers().keeping(&entry.domain).cloned(),
            Whither::Here => None,
        }
    }

    /// Whose mail is taken from everybody, and may be kept.
    pub fn customers(&self) -> Arc<Customers> {
        self.wanted().routes.customers().clone()
    }

    /// Where it goes as things are.
    pub(super) fn destination(&self, message: &MessageRecord, entry: &EntryRecord) -> Destination {
        match entry.whither {
            Whither::Elsewhere => {
                let routes = &self.wanted().routes;
                routes.destination(&message.sender, &entry.domain)
            }
            Whither::Here => Destination::here(),
        }
    }

    /// When something is due whether or not there is somebody to talk to.
    fn deadline(&self, message: &MessageRecord, entry: &EntryRecord) -> Time {
        let given_up = message.given_up().at;
        match (entry.delay_told, self.delay_notice(message, entry)) {
            (None, Some(notice)) => notice.at.min(given_up),
            _ => given_up,
        }
    }

    /// When the sender is told that it takes long: as he wants it, or as is usual here. What is kept for
    /// a customer is where it is to be.
    pub(super) fn delay_notice(
        &self,
        message: &MessageRecord,
        entry: &EntryRecord,
    ) -> Option<Notice> {
        if let Some(at) = message.told_late() {
            let why = Why::Late;
            return Some(Notice { at, why });
        }
        if self.keeping(entry).is_some() {
            return None;
        }
        let after = self.wanted().settings.delay_notice;
        // what its sender wanted to wait is no delay
        let begun = message.asked.release(message.arrived);
        (!after.is_zero()).then(|| Notice {
            at: begun.after(after),
            why: Why::Delayed,
        })
    }

    /// An entry that is new, or is to be tried again: not before its time, with `change`.
    pub(super) fn again(
        &self,
        number: EntryNumber,
        (message, entry): (&MessageRecord, &EntryRecord),
        change: impl FnOnce(&mut Timing),
    ) {
        let mut schedule = self.schedule();
        let mut timing = self.timing(message, entry);
        change(&mut timing);
        schedule.add(number, timing);
        drop(schedule);
        self.inner.bell.notify_one();
    }
}

/// The next incarnation, durably.
async fn begin(mail: &Mail) -> Result<u64, Fault> {
    let last = mail.road().record::<Incarnation>(keys::INCARNATION)?;
    let next = last.map_or(1, |last| last.0 + 1);
    let mut edit = mail.road_edit().await;
    edit.put(keys::INCARNATION, Incarnation(next).encode());
    mail.road_commit(edit).await?;
    Ok(next)
}

/// Above every number that a row speaks of.
fn next_message(look: &RoadLook) -> Result<u64, Fault> {
    let mut next = trail::first(look)?.0.max(1);
    for prefix in [keys::MESSAGES, keys::ENTRIES, trail::TRAILS] {
        if let Some(row) = look.below(prefix).next_back() {
            let (key, _) = row?;
            let number = key.get(prefix.len()..).and_then(|rest| rest.first_chunk());
            let number = number.map_or(0, |number| u64::from_be_bytes(*number));
            next = next.max(number.saturating_add(1));
        }
    }
    Ok(next)
}
