//! Which entry is tried when: in memory, made anew at each start. Pure but for what it remembers.
//!
//! Entries wait in the order of their time. One whose time has come stands in line at its
//! destination, and the destinations take turns, so that one with much mail or without an answer
//! keeps no other waiting. What is urgent comes sooner, in its line and by its turn, but nobody waits
//! for ever behind it [rfc6710 5.1]. Whether a destination takes an attempt now, `road` says (its lanes); while
//! it takes none its line stands still and costs nothing. What is done costs the same however much
//! waits. What never happens here: a row, a clock, an attempt.

use crate::limits::PRIORITY_STEP;
use crate::queue::Amount;
use crate::queue::entry::EntryNumber;
use crate::road::{NotNow, route};
use net::Time;
use net::time::Duration;
use smtp::Priority;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use turns::{Number, Turns};

mod turns;

/// After which a destination is asked again that is full of what others send.
const FULL_WITHOUT_US: Duration = Duration::from_secs(1);

/// What the schedule knows of an entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Timing {
    pub destination: route::Destination,
    pub due: Time,
    /// When something is to be done even if the destination takes no attempt: the sender is told of
    /// the delay, or the message has expired.
    pub deadline: Time,
    /// How urgent it is beside others.
    pub priority: Priority,
    /// Its size.
    pub bytes: u64,
    /// For whom it is kept: a customer's name.
    pub kept_for: Option<Arc<str>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// In `waiting`, until this time.
    Waiting(Time),
    /// In line at its destination, at this place, and in `deadlines`.
    InLine(Rank),
    UnderWay,
    /// Its attempt has ended, and what became of it is being written.
    Noted,
    /// The operator keeps it back.
    Held,
}

struct Place {
    destination: Arc<route::Destination>,
    deadline: Time,
    priority: Priority,
    state: State,
    bytes: u64,
    kept_for: Option<Arc<str>>,
}

/// A place in a line: when it came into it, which a step of priority moves back or forth, and which
/// number it drew.
type Rank = (Time, u64);

/// Whether a destination takes its turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    /// In `turns`.
    Takes(Number),
    /// Its line is empty, or an attempt has to end first.
    Idle,
    /// In `asleep`.
    Asleep(Time),
}

/// All entries to one place.
struct Destination {
    line: BTreeMap<Rank, EntryNumber>,
    turn: Turn,
    /// Entries that know it.
    entries: usize,
    /// Of these, with an attempt that runs.
    under_way: usize,
}

/// What is to be done next. Who gets an entry says `done` in the end.
#[derive(Debug)]
pub(crate) enum Next<P> {
    Try(EntryNumber, P),
    /// Its deadline has come while it stands in line.
    Look(EntryNumber),
    /// Nothing before this time.
    Nothing(Option<Time>),
}

/// The schedule.
pub(crate) struct Schedule {
    places: HashMap<EntryNumber, Place>,
    waiting: BTreeSet<(Time, EntryNumber)>,
    /// Of those in line.
    deadlines: BTreeSet<(Time, EntryNumber)>,
    destinations: HashMap<Arc<route::Destination>, Destination>,
    turns: Turns<Arc<route::Destination>>,
    asleep: BTreeSet<(Time, Arc<route::Destination>)>,
    /// What is kept for whom, by name.
    kept: HashMap<Arc<str>, Amount>,
    /// Room for entries whose commit is under way.
    reserved: usize,
    max_entries: usize,
    /// When it was looked at last.
    looked: Time,
    /// Entries that came into a line.
    lined_up: u64,
    /// Entries whose attempt has ended and is not noted yet.
    noted: usize,
}

impl Schedule {
    pub fn new(max_entries: usize) -> Schedule {
        Schedule {
            places: HashMap::new(),
            waiting: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            destinations: HashMap::new(),
            turns: Turns::default(),
            asleep: BTreeSet::new(),
            kept: HashMap::new(),
            reserved: 0,
            max_entries,
            looked: Time(i64::MIN),
            lined_up: 0,
            noted: 0,
        }
    }

    /// Entries whose attempt has ended and is not noted yet.
    pub fn noted(&self) -> usize {
        self.noted
    }

    /// Entries that are known.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether so many more have room; then it is kept for them.
    pub fn reserve(&mut self, entries: usize) -> bool {
        let has_room = self.places.len() + self.reserved + entries <= self.max_entries;
        if has_room {
            self.reserved += entries;
        }
        has_room
    }

    /// Keeps room for so many, also where there is none.
    pub fn reserve_beyond(&mut self, entries: usize) {
        self.reserved += entries;
    }

    pub fn set_max_entries(&mut self, max_entries: usize) {
        self.max_entries = max_entries;
    }

    pub fn unreserve(&mut self, entries: usize) {
        self.reserved = self.reserved.saturating_sub(entries);
    }

    /// An entry that is new, or comes again.
    pub fn add(&mut self, number: EntryNumber, timing: Timing) {
        self.forget(number);
        // the same once for all entries
        let known = self.destinations.get_key_value(&timing.destination);
        let known = known.map(|(known, _)| known.clone());
        let way = known.unwrap_or_else(|| Arc::new(timing.destination));
        let destination = self.destinations.entry(way.clone());
        let destination = destination.or_insert_with(|| Destination {
            line: BTreeMap::new(),
            turn: Turn::Idle,
            entries: 0,
            under_way: 0,
        });
        destination.entries += 1;
        self.waiting.insert((timing.due, number));
        if let Some(customer) = &timing.kept_for {
            self.kept
                .entry(customer.clone())
                .or_default()
                .add(timing.bytes);
        }
        let place = Place {
            destination: way,
            deadline: timing.deadline,
            priority: timing.priority,
            state: State::Waiting(timing.due),
            bytes: timing.bytes,
            kept_for: timing.kept_for,
        };
        self.places.insert(number, place);
    }

    /// The same, and it is kept back.
    pub fn add_held(&mut self, number: EntryNumber, timing: Timing) {
        self.add(number, timing);
        self.hold(number);
    }

    /// An entry goes another way from now on, at the time that was planned, or when its customer asks
    /// for it. One that is under way does so when it comes again.
    pub fn reroute(&mut self, number: EntryNumber, mut timing: Timing) {
        let Some(place) = self.places.get(&number) else {
            return;
        };
        let is_kept_as_before = place.kept_for == timing.kept_for;
        if *place.destination == timing.destination && is_kept_as_before {
            return;
        }
        let is_picked_up = matches!(timing.destination.next, route::Next::PickUp(_));
        let state = place.state;
        timing.due = match state {
            State::UnderWay | State::Noted => return,
            _ if is_picked_up || !is_kept_as_before => timing.due,
            State::Waiting(due) => due,
            State::InLine(_) | State::Held => self.looked,
        };
        match state {
            State::Held => self.add_held(number, timing),
            _ => self.add(number, timing),
        }
    }

    /// What is to be done now. `begin` asks a destination whether it takes an attempt.
    pub fn next<P>(
        &mut self,
        now: Time,
        mut begin: impl FnMut(&route::Destination) -> Result<P, NotNow>,
    ) -> Next<P> {
        if now < self.looked {
            self.set_back(self.looked.0.saturating_sub(now.0));
        }
        self.looked = now;
        self.line_up(now);
        self.wake(now);
        if let Some((deadline, number)) = self.deadlines.first().copied()
            && deadline <= now
        {
            self.take(number);
            return Next::Look(number);
        }
        while let Some(way) = self.turns.pop() {
            let Some(destination) = self.destinations.get_mut(&way) else {
                continue;
            };
            let Some((rank, number)) = destination.first() else {
                destination.turn = Turn::Idle;
                continue;
            };
            match begin(&way) {
                Ok(permit) => {
                    destination.line.remove(&rank);
                    let priority = destination.priority(&self.places);
                    destination.turn = Turn::Takes(self.turns.push(way, priority));
                    self.take(number);
                    return Next::Try(number, permit);
                }
                // the end of one of its attempts brings it back
                Err(NotNow::Full) if destination.under_way > 0 => destination.turn = Turn::Idle,
                Err(why) => {
                    let at = match why {
                        NotNow::Until(at) => at,
                        NotNow::Full => now.after(FULL_WITHOUT_US),
                    };
                    destination.turn = Turn::Asleep(at);
                    self.asleep.insert((at, way));
                }
            }
        }
        let times = [
            self.waiting.first().map(|(at, _)| *at),
            self.deadlines.first().map(|(at, _)| *at),
            self.asleep.first().map(|(at, _)| *at),
        ];
        Next::Nothing(times.into_iter().flatten().min())
    }

    /// The clock was set back: nobody waits longer for that.
    fn set_back(&mut self, by_us: i64) {
        let earlier = |at: Time| Time(at.0.saturating_sub(by_us));
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        self.waiting = waiting
            .map(|(due, number)| (earlier(due), number))
            .collect();
        for place in self.places.values_mut() {
            if let State::Waiting(due) = &mut place.state {
                *due = earlier(*due);
            }
        }
        let asleep = std::mem::take(&mut self.asleep).into_iter();
        self.asleep = asleep.map(|(at, way)| (earlier(at), way)).collect();
        for destination in self.destinations.values_mut() {
            if let Turn::Asleep(at) = &mut destination.turn {
                *at = earlier(*at);
            }
        }
    }

    /// Those whose time has come go to their destinations.
    fn line_up(&mut self, now: Time) {
        while let Some((due, number)) = self.waiting.first().copied()
            && due <= now
        {
            self.waiting.pop_first();
            let Some(place) = self.places.get_mut(&number) else {
                continue;
            };
            let rank = (rank(now, place.priority), self.lined_up);
            place.state = State::InLine(rank);
            self.deadlines.insert((place.deadline, number));
            let way = place.destination.clone();
            if let Some(destination) = self.destinations.get_mut(&way) {
                self.lined_up += 1;
                destination.line.insert(rank, number);
                match destination.turn {
                    Turn::Idle => destination.takes_turn(way, &mut self.turns, &self.places),
                    Turn::Takes(turn) => {
                        let priority = destination.priority(&self.places);
                        self.turns.set(turn, priority);
                    }
                    Turn::Asleep(_) => {}
                }
            }
        }
    }

    /// Destinations that may be asked again.
    fn wake(&mut self, now: Time) {
        while let Some((at, _)) = self.asleep.first()
            && *at <= now
        {
            let Some((_, way)) = self.asleep.pop_first() else {
                return;
            };
            if let Some(destination) = self.destinations.get_mut(&way) {
                destination.takes_turn(way, &mut self.turns, &self.places);
            }
        }
    }

    /// Out of its line, and under way.
    fn take(&mut self, number: EntryNumber) {
        self.step_out(number);
        if let Some(place) = self.places.get_mut(&number) {
            place.state = State::UnderWay;
            if let Some(destination) = self.destinations.get_mut(&place.destination) {
                destination.under_way += 1;
            }
        }
    }

    /// Out of the list in which it stands. Else it would stand in two lines, or twice in one, once it goes
    /// another way and comes back.
    fn step_out(&mut self, number: EntryNumber) {
        let Some(place) = self.places.get(&number) else {
            return;
        };
        match place.state {
            State::Waiting(due) => {
                self.waiting.remove(&(due, number));
            }
            State::InLine(rank) => {
                self.deadlines.remove(&(place.deadline, number));
                if let Some(destination) = self.destinations.get_mut(&place.destination) {
                    destination.line.remove(&rank);
                }
            }
            State::UnderWay | State::Noted | State::Held => {}
        }
    }

    /// An attempt has ended, and what became of it is yet to be written: its destination has room for
    /// the next.
    pub fn carried(&mut self, number: EntryNumber) {
        let Some(place) = self.places.get_mut(&number) else {
            return;
        };
        if place.state != State::UnderWay {
            return;
        }
        place.state = State::Noted;
        self.noted += 1;
        let way = place.destination.clone();
        if let Some(destination) = self.destinations.get_mut(&way) {
            destination.under_way -= 1;
            if destination.turn == Turn::Idle && !destination.line.is_empty() {
                destination.takes_turn(way, &mut self.turns, &self.places);
            }
        }
    }

    /// What was under way is over for now; with a timing it comes again.
    pub fn done(&mut self, number: EntryNumber, again: Option<Timing>) {
        match again {
            Some(timing) => self.add(number, timing),
            None => self.forget(number),
        }
    }

    /// An entry is no more.
    pub fn forget(&mut self, number: EntryNumber) {
        self.step_out(number);
        let Some(place) = self.places.remove(&number) else {
            return;
        };
        let customer = place.kept_for.as_ref();
        if let Some(kept) = customer.and_then(|customer| self.kept.get_mut(customer)) {
            kept.take(place.bytes);
        }
        if place.state == State::Noted {
            self.noted -= 1;
        }
        self.leave(&place.destination, place.state);
    }

    /// One entry less at a destination. An attempt that ended makes room for the next.
    fn leave(&mut self, way: &Arc<route::Destination>, state: State) {
        let Some(destination) = self.destinations.get_mut(way) else {
            return;
        };
        destination.entries -= 1;
        if state == State::UnderWay {
            destination.under_way -= 1;
        }
        if destination.entries == 0 {
            match destination.turn {
                Turn::Asleep(at) => drop(self.asleep.remove(&(at, way.clone()))),
                Turn::Takes(turn) => drop(self.turns.remove(turn)),
                Turn::Idle => {}
            }
            self.destinations.remove(way);
            return;
        }
        let has_line = !destination.line.is_empty();
        if state == State::UnderWay && has_line && destination.turn == Turn::Idle {
            destination.takes_turn(way.clone(), &mut self.turns, &self.places);
        }
    }

    /// Keeps an entry back. One that is under way is kept back when it comes again (its row says so).
    pub fn hold(&mut self, number: EntryNumber) {
        if !self.may_go(number) {
            return;
        }
        self.step_out(number);
        if let Some(place) = self.places.get_mut(&number) {
            place.state = State::Held;
        }
    }

    /// Lets an entry go at this time: one that is held, or one that waits for longer; what somebody picks
    /// up goes on waiting for that. Gives where it goes.
    pub fn hurry(&mut self, number: EntryNumber, due: Time) -> Option<route::Destination> {
        let place = self.places.get_mut(&number)?;
        let due = match place.destination.next {
            route::Next::PickUp(_) => place.deadline,
            _ => due,
        };
        if let State::Waiting(until) = place.state {
            self.waiting.remove(&(until, number));
        }
        // who is in line or under way is early enough
        if matches!(place.state, State::Waiting(_) | State::Held) {
            place.state = State::Waiting(due);
            self.waiting.insert((due, number));
        }
        let way = place.destination.clone();
        let destination = self.destinations.get_mut(&way)?;
        if let Turn::Asleep(at) = destination.turn {
            self.asleep.remove(&(at, way.clone()));
            destination.takes_turn(way.clone(), &mut self.turns, &self.places);
        }
        Some(route::Destination::clone(&way))
    }

    /// Lets an entry go that was held; one that is kept for a customer waits for him again.
    pub fn release(&mut self, number: EntryNumber, due: Time) {
        let place = self.places.get(&number);
        let kept = place.filter(|place| place.kept_for.is_some());
        let due = kept.map_or(due, |place| place.deadline);
        let _ = self.hurry(number, due);
    }

    /// All entries whose destination is such a one, in the order of their numbers.
    pub fn going(&self, is_such: impl Fn(&route::Destination) -> bool) -> Vec<EntryNumber> {
        let such = |place: &Place| is_such(&place.destination);
        let all = self.places.iter().filter(|(_, place)| such(place));
        let mut numbers: Vec<EntryNumber> = all.map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The same, without those that are held or under way.
    pub fn waiting_at(&self, is_such: impl Fn(&route::Destination) -> bool) -> Vec<EntryNumber> {
        let mut numbers = self.going(is_such);
        numbers.retain(|number| self.may_go(*number));
        numbers
    }

    fn may_go(&self, number: EntryNumber) -> bool {
        let place = self.places.get(&number);
        place.is_some_and(|place| matches!(place.state, State::Waiting(_) | State::InLine(_)))
    }

    /// Takes an entry that waits, or stands in line, for an attempt that the schedule did not ask for.
    /// False: it is not there to be taken.
    pub fn take_now(&mut self, number: EntryNumber) -> bool {
        self.may_go(number) && self.set_aside(number)
    }

    /// Takes one out that waits, stands in line or is kept back, so that no attempt begins at it; `add`
    /// or `forget` ends that. False: one runs, or it is not there.
    pub fn set_aside(&mut self, number: EntryNumber) -> bool {
        match self.places.get(&number).map(|place| place.state) {
            Some(State::Waiting(_) | State::InLine(_) | State::Held) => {
                self.take(number);
                true
            }
            Some(State::UnderWay | State::Noted) | None => false,
        }
    }

    /// The entries that are kept for a customer.
    pub fn kept_for(&self, customer: &str) -> Amount {
        self.kept.get(customer).copied().unwrap_or_default()
    }

    /// Whether an attempt at it runs, or its end is not written yet.
    pub fn is_under_way(&self, number: EntryNumber) -> bool {
        let place = self.places.get(&number);
        place.is_some_and(|place| matches!(place.state, State::UnderWay | State::Noted))
    }
}

impl Destination {
    fn first(&self) -> Option<(Rank, EntryNumber)> {
        let first = self.line.first_key_value();
        first.map(|(rank, number)| (*rank, *number))
    }

    /// Of the first in line.
    fn priority(&self, places: &HashMap<EntryNumber, Place>) -> Priority {
        let first = self.first();
        let place = first.and_then(|(_, number)| places.get(&number));
        place.map(|place| place.priority).unwrap_or_default()
    }

    fn takes_turn(
        &mut self,
        way: Arc<route::Destination>,
        turns: &mut Turns<Arc<route::Destination>>,
        places: &HashMap<EntryNumber, Place>,
    ) {
        let priority = self.priority(places);
        self.turn = Turn::Takes(turns.push(way, priority));
    }
}

/// Each step of priority is worth as much waiting: what is urgent overtakes, but not what has waited
/// that much longer.
fn rank(now: Time, priority: Priority) -> Time {
    let step = i64::try_from(PRIORITY_STEP.as_micros()).unwrap_or(i64::MAX);
    let worth = step.saturating_mul(i64::from(priority.number()));
    Time(now.0.saturating_sub(worth))
}

#[cfg(test)]
mod tests;
