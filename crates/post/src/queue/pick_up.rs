//! A customer's server is there and takes what is kept for it, over the connection by which it came.
//!
//! Every message takes the settle path of all others: what the customer's server acknowledged is noted
//! before the next one goes, and what it did not take stays for the next time. So nothing is lost,
//! and nothing goes twice but where the connection was lost between its 250 and our knowing of it.
//! What never happens here: who may ask (the door knows), a connection of our own.

use crate::Post;
use crate::customer::Customer;
use crate::limits;
use crate::queue::entry::{EntryNumber, EntryRecord, Standing};
use crate::queue::message::MessageRecord;
use crate::queue::{Queue, settle};
use crate::road::Terms;
use crate::road::route::{Destination, Next};
use crate::road::turned::Turned;
use crate::road::{Carried, Road};
use addr::{Domain, Host};
use net::time::{Duration, sleep};
use net::{Conn, Stop, Time};
use std::collections::VecDeque;
use std::sync::Arc;

/// Why there is nothing to hand over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoPickUp {
    /// A domain that is not his, or mail that is not kept for this. [rfc2645 5.2.1]
    NotYours,
    /// Another connection of the same customer is at it.
    AnotherRuns,
    /// He asked as often as he may within a time. [rfc2645 5.2.1]
    TooOften,
    NothingWaits,
    /// Nothing is sent from here at this time.
    NotNow,
}

/// Mail that is about to be handed over. As long as this lives, nobody else picks up for the customer.
pub struct PickUp {
    queue: Queue,
    road: Road,
    customer: Arc<Customer>,
    /// None: all of his.
    domains: Vec<Domain>,
}

/// What was handed over.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PickedUp {
    /// Entries that are done with.
    pub settled: usize,
    /// Entries that stay for the next time.
    pub kept: usize,
}

/// When to stop: at once between two messages, and soon within one.
#[derive(Clone, Copy)]
pub struct Until<'a> {
    /// The session's.
    pub session: &'a Stop,
    /// The server's: until then what was taken is noted.
    pub server: &'a Stop,
}

/// How often a customer came, and whether he is there.
#[derive(Default)]
pub(super) struct Picking {
    runs: Runs,
    /// When he came last, the oldest first.
    came: VecDeque<Time>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Runs {
    #[default]
    Not,
    Now,
}

impl Picking {
    fn begin(&mut self, now: Time) -> Result<(), NoPickUp> {
        // also what a clock that was set back has left
        let is_recent = |at: &Time| *at <= now && now < at.after(limits::PICK_UPS_WITHIN);
        self.came.retain(is_recent);
        if self.came.len() >= limits::PICK_UPS {
            return Err(NoPickUp::TooOften);
        }
        self.came.push_back(now);
        match self.runs {
            Runs::Now => return Err(NoPickUp::AnotherRuns),
            Runs::Not => self.runs = Runs::Now,
        }
        Ok(())
    }
}

impl Post {
    /// Whether mail can be handed over to this customer, now: for these of his domains, or all if none
    /// is named. [rfc2645 5.2.1]
    pub fn pick_up(&self, customer: &str, domains: Vec<Domain>) -> Result<PickUp, NoPickUp> {
        let queue = self.inner.queue.as_ref().ok_or(NoPickUp::NotNow)?;
        queue.pick_up(customer, domains)
    }
}

impl Queue {
    fn pick_up(&self, customer: &str, domains: Vec<Domain>) -> Result<PickUp, NoPickUp> {
        let customers = self.customers();
        let customer = customers.named(customer).ok_or(NoPickUp::NotYours)?;
        let is_his = |domain: &Domain| {
            let whose = customers.of(&Host::Name(domain.clone()));
            whose.is_some_and(|whose| whose.name == customer.name)
        };
        if !domains.iter().all(is_his) {
            return Err(NoPickUp::NotYours);
        }
        let road = self.road().clone().ok_or(NoPickUp::NotNow)?;
        let now = self.inner.clock.now();
        let mut picking = self.picking();
        let of_his = picking.entry(customer.name.clone()).or_default();
        of_his.begin(now)?;
        drop(picking);
        let pick_up = PickUp {
            queue: self.clone(),
            road,
            customer: customer.clone(),
            domains,
        };
        match pick_up.after(None).is_empty() {
            true => Err(NoPickUp::NothingWaits),
            false => Ok(pick_up),
        }
    }
}

impl Drop for PickUp {
    fn drop(&mut self) {
        if let Some(picking) = self.queue.picking().get_mut(&self.customer.name) {
            picking.runs = Runs::Not;
        }
    }
}

impl PickUp {
    /// What waits to be picked up, behind this entry.
    fn after(&self, last: Option<EntryNumber>) -> Vec<EntryNumber> {
        let is_meant = |way: &Destination| {
            let Next::PickUp(name) = &way.next else {
                return false;
            };
            let domain = way.domain.as_ref().and_then(Host::domain);
            let all = self.domains.is_empty();
            let is_asked = all || domain.is_some_and(|domain| self.domains.contains(domain));
            *name == self.customer.name && is_asked
        };
        let mut numbers = self.queue.schedule().waiting_at(is_meant);
        numbers.retain(|number| Some(*number) > last);
        numbers
    }

    /// Hands everything over: the customer's greeting comes next. `heard` of it came already.
    pub async fn hand_over(self, conn: Conn, heard: &[u8], until: Until<'_>) -> PickedUp {
        let customer = &self.customer;
        let peer = conn.peer();
        let mut done = PickedUp::default();
        let mut turned = match self.road.turned(customer, conn, heard).await {
            Ok(turned) => turned,
            Err(why) => {
                tracing::info!(target: "queue", %customer, %peer, why, "nothing picked up");
                return done;
            }
        };
        let mut last = None;
        // what comes in meanwhile goes along
        loop {
            let numbers = self.after(last);
            let Some(highest) = numbers.last().copied() else {
                break;
            };
            for number in numbers {
                if !turned.is_open() || until.session.is_stopped() {
                    done.kept += 1;
                } else if self.one(number, &mut turned, until).await {
                    done.settled += 1;
                } else {
                    done.kept += 1;
                }
            }
            last = Some(highest);
        }
        turned.quit().await;
        let PickedUp { settled, kept } = done;
        tracing::info!(target: "queue", %customer, %peer, settled, kept, "picked up");
        done
    }

    /// One entry. Whether it is done with.
    async fn one(&self, number: EntryNumber, turned: &mut Turned, until: Until<'_>) -> bool {
        let queue = &self.queue;
        if !queue.schedule().take_now(number) {
            return false;
        }
        let mut taken = Taken {
            queue,
            number: Some(number),
        };
        let now = queue.inner.clock.now();
        let (message, entry) = match queue.read(number) {
            // one that has to wait, or is over, is the schedule's
            Ok(Some((message, entry)))
                if now >= message.given_up().at || message.holds(&entry, now) =>
            {
                return false;
            }
            Ok(Some((message, entry))) if entry.standing == Standing::Free => (message, entry),
            other => {
                taken.number = None;
                queue.pass_over(number, other);
                return false;
            }
        };
        let Some(carried) = self.carry(&message, &entry, turned, until.session).await else {
            return false;
        };
        let mut settled = settle::attempted(&entry, &carried.fates, message.given_up());
        settled.entry.lease = Some(queue.lease(settled.entry.due));
        let notice = queue.delay_notice(&message, &entry);
        let settled = settle::told_of_delay(settled, queue.inner.clock.now(), notice);
        let is_over = settled.entry.is_over();
        let before = (number, &message, &entry);
        taken.number = None;
        queue
            .note_until_done(before, settled, &carried.records, until.server)
            .await;
        is_over
    }

    /// None: the session ends, and what became of it is not known.
    async fn carry(
        &self,
        message: &MessageRecord,
        entry: &EntryRecord,
        turned: &mut Turned,
        stop: &Stop,
    ) -> Option<Carried> {
        let load = self.queue.load(message, entry);
        let terms = Terms {
            earlier: entry.attempts,
            expires: message.given_up().at,
        };
        tokio::select! {
            biased;
            carried = turned.carry(&load, terms) => Some(carried),
            () = soon_after(stop) => None,
        }
    }
}

async fn soon_after(stop: &Stop) {
    stop.stopped().await;
    sleep(limits::LAST_ATTEMPTS).await;
}

/// An entry that was taken out of the schedule, and goes back if nobody says otherwise.
struct Taken<'a> {
    queue: &'a Queue,
    number: Option<EntryNumber>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.queue.put_back(number, Duration::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_who_asks_all_the_time_is_told_to_wait() {
        // [rfc2645 5.2.1]
        let mut picking = Picking::default();
        let at = Time::from_seconds;
        for n in 0..limits::PICK_UPS {
            let expect = match n {
                0 => Ok(()),
                _ => Err(NoPickUp::AnotherRuns),
            };
            assert_eq!(picking.begin(at(100)), expect);
        }
        picking.runs = Runs::Not;
        assert_eq!(picking.begin(at(101)), Err(NoPickUp::TooOften));
        let later = at(100).after(limits::PICK_UPS_WITHIN);
        assert_eq!(picking.begin(later), Ok(()));
        picking.runs = Runs::Not;
        assert_eq!(picking.begin(at(5)), Ok(()), "the clock was set back");
    }
}
