//! The order in which entries are tried, and that none is lost or tried twice.

use super::*;
use addr::{Charset, Host};
use mail::road::MessageNumber;
use proptest::prelude::*;
use route::{Next as Way, Sources};
use std::collections::BTreeMap;

fn number(message: u64) -> EntryNumber {
    EntryNumber {
        message: MessageNumber(message),
        part: 0,
    }
}

fn s(seconds: i64) -> Time {
    Time::from_seconds(seconds)
}

fn timing(domain: &str, due: i64) -> Timing {
    let host = Host::parse(domain.as_bytes(), Charset::Ascii).expect("because it is a name");
    Timing {
        destination: route::Destination {
            domain: Some(host),
            next: Way::Exchanges,
            sources: Sources::default(),
        },
        due: s(due),
        deadline: s(1_000_000),
        priority: Priority::USUAL,
        bytes: 7,
        kept_for: None,
    }
}

/// Every destination takes what it gets.
fn any(_: &route::Destination) -> Result<(), NotNow> {
    Ok(())
}

fn tried(next: Next<()>) -> u64 {
    match next {
        Next::Try(number, ()) => number.message.0,
        other => panic!("not tried: {other:?}"),
    }
}

fn nothing_before(next: Next<()>) -> Option<Time> {
    match next {
        Next::Nothing(at) => at,
        other => panic!("something is to do: {other:?}"),
    }
}

#[test]
fn entries_come_when_they_are_due_and_not_before() {
    let mut schedule = Schedule::new(10);
    schedule.add(number(1), timing("a", 20));
    schedule.add(number(2), timing("b", 10));
    assert_eq!(nothing_before(schedule.next(s(5), any)), Some(s(10)));
    assert_eq!(tried(schedule.next(s(10), any)), 2);
    assert!(schedule.is_under_way(number(2)));
    assert_eq!(nothing_before(schedule.next(s(10), any)), Some(s(20)));
    assert_eq!(tried(schedule.next(s(30), any)), 1);
    schedule.done(number(2), Some(timing("b", 40)));
    schedule.done(number(1), None);
    assert_eq!(nothing_before(schedule.next(s(30), any)), Some(s(40)));
    assert_eq!(schedule.len(), 1);
}

#[test]
fn a_full_destination_takes_the_next_while_the_last_is_still_being_noted() {
    let mut schedule = Schedule::new(10);
    (1..=2).for_each(|n| schedule.add(number(n), timing("a", 1)));
    assert_eq!(tried(schedule.next(s(1), any)), 1);
    let full = |_: &route::Destination| Err::<(), _>(NotNow::Full);
    assert_eq!(
        nothing_before(schedule.next(s(1), full)),
        Some(s(1_000_000))
    );
    schedule.carried(number(1));
    assert!(schedule.is_under_way(number(1)));
    assert_eq!(schedule.noted(), 1);
    assert_eq!(tried(schedule.next(s(1), any)), 2);
    schedule.done(number(1), None);
    schedule.done(number(2), None);
    assert_eq!((schedule.len(), schedule.noted()), (0, 0));
}

#[test]
fn destinations_take_turns() {
    let mut schedule = Schedule::new(100);
    for n in 0..10 {
        schedule.add(number(n), timing("busy", 0));
    }
    schedule.add(number(50), timing("other", 1));
    let first: Vec<_> = (0..3).map(|_| tried(schedule.next(s(1), any))).collect();
    assert_eq!(first, [0, 50, 1]);
}

#[test]
fn one_that_is_full_goes_on_when_an_attempt_ends() {
    let mut schedule = Schedule::new(10);
    for n in 0..3 {
        schedule.add(number(n), timing("a", 0));
    }
    assert_eq!(tried(schedule.next(s(0), any)), 0);
    let full = |_: &route::Destination| Err(NotNow::Full);
    let far = nothing_before(schedule.next(s(0), full));
    assert_eq!(far, Some(s(1_000_000)), "the deadline");
    nothing_before(schedule.next(s(0), |_| -> Result<(), NotNow> {
        panic!("it is not asked again before")
    }));
    schedule.done(number(0), None);
    assert_eq!(tried(schedule.next(s(0), any)), 1);
}

#[test]
fn one_that_takes_nothing_now_is_asked_again_at_its_time() {
    let mut schedule = Schedule::new(10);
    for n in 0..3 {
        schedule.add(number(n), timing("dead", 0));
    }
    let closed = |_: &route::Destination| Err(NotNow::Until(s(60)));
    assert_eq!(nothing_before(schedule.next(s(0), closed)), Some(s(60)));
    nothing_before(schedule.next(s(59), |_| -> Result<(), NotNow> {
        panic!("it is not asked before")
    }));
    assert_eq!(tried(schedule.next(s(60), any)), 0);
}

#[test]
fn a_deadline_comes_although_the_line_stands_still() {
    let mut schedule = Schedule::new(10);
    schedule.add(number(0), timing("dead", 0));
    let deadline = s(30);
    schedule.add(
        number(1),
        Timing {
            deadline,
            ..timing("dead", 0)
        },
    );
    let closed = |_: &route::Destination| -> Result<(), NotNow> { Err(NotNow::Until(s(600))) };
    assert_eq!(nothing_before(schedule.next(s(0), closed)), Some(deadline));
    let next = schedule.next(deadline, closed);
    assert!(matches!(next, Next::Look(found) if found == number(1)));
    schedule.done(number(1), Some(timing("dead", 30)));
    assert_eq!(
        nothing_before(schedule.next(deadline, closed)),
        Some(s(600))
    );
    assert_eq!(tried(schedule.next(s(600), any)), 0);
    assert_eq!(tried(schedule.next(s(600), any)), 1);
    nothing_before(schedule.next(s(600), any));
}

fn urgent(domain: &str, due: i64, priority: i8) -> Timing {
    let priority = Priority::new(priority).expect("a priority");
    Timing {
        priority,
        ..timing(domain, due)
    }
}

#[test]
fn what_is_urgent_goes_first_in_its_line() {
    // [rfc6710 5.1]
    let mut schedule = Schedule::new(10);
    for (n, priority) in [(1, -4), (2, 0), (3, 4), (4, 0), (5, 9)] {
        schedule.add(number(n), urgent("a", 0, priority));
    }
    let order: Vec<_> = (0..5).map(|_| tried(schedule.next(s(1), any))).collect();
    assert_eq!(order, [5, 3, 2, 4, 1]);
}

#[test]
fn what_is_urgent_goes_before_the_usual_of_other_destinations() {
    // [rfc6710 5.1]
    let mut schedule = Schedule::new(10);
    for n in 0..3 {
        schedule.add(number(n), timing(&format!("d{n}"), 0));
    }
    schedule.add(number(7), urgent("d3", 0, 4));
    schedule.add(number(8), urgent("d3", 0, 4));
    let order: Vec<_> = (0..5).map(|_| tried(schedule.next(s(1), any))).collect();
    assert_eq!(order, [7, 0, 8, 1, 2]);
}

#[test]
fn nobody_waits_for_ever_behind_what_is_urgent() {
    let mut schedule = Schedule::new(10_000);
    schedule.add(number(0), timing("a", 0));
    assert!(matches!(
        schedule.next(s(0), |_| Err::<(), _>(NotNow::Full)),
        Next::Nothing(_)
    ));
    // one that is urgent comes in each minute, and one goes out
    let minute = |n: u64| i64::try_from(n).unwrap() * 60;
    let passed = (1..10_000).find(|n| {
        schedule.add(number(*n), urgent("a", minute(*n), 9));
        let done = tried(schedule.next(s(minute(*n)), any));
        schedule.done(number(done), None);
        done == 0
    });
    let after = PRIORITY_STEP.as_secs() * 9 / 60;
    assert_eq!(passed, Some(after));
}

#[test]
fn what_is_held_waits_for_the_operator() {
    let mut schedule = Schedule::new(10);
    schedule.add(number(1), timing("a", 0));
    schedule.add_held(number(2), timing("a", 0));
    schedule.hold(number(1));
    assert_eq!(nothing_before(schedule.next(s(9), any)), None);
    schedule.hurry(number(2), s(9));
    assert_eq!(tried(schedule.next(s(9), any)), 2);
    schedule.forget(number(1));
    assert_eq!(schedule.len(), 1);
}

#[test]
fn a_wish_to_try_at_once_wakes_the_destination() {
    let mut schedule = Schedule::new(10);
    schedule.add(number(1), timing("a", 0));
    let closed = |_: &route::Destination| Err(NotNow::Until(s(600)));
    nothing_before(schedule.next(s(0), closed));
    assert_eq!(
        schedule.hurry(number(1), s(5)),
        Some(timing("a", 0).destination)
    );
    assert_eq!(tried(schedule.next(s(5), any)), 1);
}

#[test]
fn nobody_waits_longer_because_the_clock_was_set_back() {
    let mut schedule = Schedule::new(10);
    schedule.add(number(1), timing("a", 10_060));
    schedule.add(number(2), timing("b", 10_000));
    let closed = |_: &route::Destination| Err(NotNow::Until(s(10_030)));
    assert_eq!(
        nothing_before(schedule.next(s(10_000), closed)),
        Some(s(10_030))
    );
    assert_eq!(nothing_before(schedule.next(s(500), any)), Some(s(530)));
    assert_eq!(tried(schedule.next(s(530), any)), 2);
    assert_eq!(tried(schedule.next(s(560), any)), 1);
}

#[test]
fn no_more_entries_are_taken_than_may_be() {
    let mut schedule = Schedule::new(2);
    assert!(schedule.reserve(1));
    schedule.add(number(1), timing("a", 0));
    assert!(!schedule.reserve(1), "one is there, one is expected");
    schedule.unreserve(1);
    assert!(schedule.reserve(1));
}

/// What a step of the property does.
#[derive(Clone, Copy, Debug)]
enum Step {
    Add(u8),
    Next(u8),
    Done(bool),
    Hold(u8),
    Hurry(u8),
    Forget(u8),
    Later(u16),
    Reload(u8),
    SetAside(u8),
    Carried(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any_octet().prop_map(Step::Add),
        any_octet().prop_map(Step::Next),
        any_octet().prop_map(Step::Next),
        proptest::bool::ANY.prop_map(Step::Done),
        any_octet().prop_map(Step::Hold),
        any_octet().prop_map(Step::Hurry),
        any_octet().prop_map(Step::Forget),
        (0..500_u16).prop_map(Step::Later),
        any_octet().prop_map(Step::Reload),
        any_octet().prop_map(Step::SetAside),
        any_octet().prop_map(Step::Carried),
    ]
}

/// By the settings that were read last: some go to new places, some are kept for a customer, and some of
/// these for him by another name.
fn routed(number: EntryNumber, settings: u8, timing: Timing) -> Timing {
    let which = number.message.0.wrapping_add(u64::from(settings)) % 5;
    let mut way = timing.destination.clone();
    way.next = match which {
        0 => Way::PickUp("acme".into()),
        1 => Way::PickUp("other".into()),
        _ => return self::timing_at(&format!("d{which}"), timing),
    };
    let kept_for = Some(if which == 0 { "acme" } else { "other" }.into());
    Timing {
        destination: way,
        due: timing.deadline,
        kept_for,
        ..timing
    }
}

fn timing_at(domain: &str, as_said: Timing) -> Timing {
    Timing {
        destination: timing(domain, 0).destination,
        kept_for: None,
        ..as_said
    }
}

/// Each entry stands where its state says, and nowhere else; what is counted is what is there.
fn stands_once(schedule: &Schedule) -> Result<(), TestCaseError> {
    let (mut waiting, mut in_line, mut noted) = (0, 0, 0);
    let mut kept: HashMap<Arc<str>, Amount> = HashMap::new();
    let mut ways: HashMap<Arc<route::Destination>, (usize, usize)> = HashMap::new();
    for (number, place) in &schedule.places {
        let of_way = ways.entry(place.destination.clone()).or_default();
        of_way.0 += 1;
        if let Some(customer) = &place.kept_for {
            kept.entry(customer.clone()).or_default().add(place.bytes);
        }
        match place.state {
            State::Waiting(due) => {
                waiting += 1;
                prop_assert!(schedule.waiting.contains(&(due, *number)));
            }
            State::InLine(rank) => {
                in_line += 1;
                prop_assert!(schedule.deadlines.contains(&(place.deadline, *number)));
                let line = &schedule.destinations[&place.destination].line;
                prop_assert_eq!(line.get(&rank), Some(number));
            }
            State::UnderWay => of_way.1 += 1,
            State::Noted => noted += 1,
            State::Held => {}
        }
    }
    prop_assert_eq!(schedule.waiting.len(), waiting);
    prop_assert_eq!(schedule.deadlines.len(), in_line);
    let lines = schedule.destinations.values().map(|one| one.line.len());
    prop_assert_eq!(lines.sum::<usize>(), in_line);
    prop_assert_eq!(schedule.noted, noted);
    prop_assert_eq!(schedule.destinations.len(), ways.len());
    for (way, destination) in &schedule.destinations {
        prop_assert_eq!((destination.entries, destination.under_way), ways[way]);
        let is_asleep = schedule.asleep.iter().any(|(_, asleep)| asleep == way);
        prop_assert_eq!(matches!(destination.turn, Turn::Asleep(_)), is_asleep);
    }
    let asleep = schedule.asleep.iter();
    prop_assert!(asleep.map(|(_, way)| way).all(|way| ways.contains_key(way)));
    let is_kept = |amount: &Amount| *amount != Amount::default();
    let counted = schedule.kept.iter().filter(|(_, amount)| is_kept(amount));
    let counted: HashMap<Arc<str>, Amount> = counted
        .map(|(name, amount)| (name.clone(), *amount))
        .collect();
    prop_assert_eq!(counted, kept);
    Ok(())
}

fn any_octet() -> impl Strategy<Value = u8> {
    proptest::num::u8::ANY
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]
    #[test]
    fn nothing_is_tried_twice_at_a_time_and_nothing_is_lost(
        steps in proptest::collection::vec(step(), 0..200)
    ) {
        let mut schedule = Schedule::new(1_000);
        let (mut now, mut under_way) = (0, Vec::new());
        // who is there, and whether it is held
        let mut there: BTreeMap<EntryNumber, bool> = BTreeMap::new();
        let (mut names, mut settings) = (0, 0);
        for step in steps {
            let chosen = |which: u8| there.keys().nth(usize::from(which) % there.len().max(1)).copied();
            match step {
                Step::Add(to) => {
                    names += 1;
                    let deadline = s(now + 700);
                    let timing = timing(&format!("d{}", to % 3), now + i64::from(to));
                    let priority = i8::try_from(to % 19).unwrap() - 9;
                    let priority = Priority::new(priority).expect("a priority");
                    let timing = Timing { deadline, priority, ..timing };
                    schedule.add(number(names), routed(number(names), settings, timing));
                    there.insert(number(names), false);
                }
                Step::Next(answer) => {
                    let begin = |_: &route::Destination| match answer % 4 {
                        0 if !under_way.is_empty() => Err(NotNow::Full),
                        1 => Err(NotNow::Until(s(now + i64::from(answer) + 1))),
                        _ => Ok(()),
                    };
                    match schedule.next(s(now), begin) {
                        Next::Try(found, ()) | Next::Look(found) => {
                            prop_assert!(!under_way.contains(&found));
                            prop_assert_eq!(there.get(&found), Some(&false));
                            under_way.push(found);
                        }
                        Next::Nothing(_) => {}
                    }
                }
                Step::Done(comes_again) => if let Some(number) = under_way.pop() {
                    if !comes_again {
                        there.remove(&number);
                    }
                    let again = comes_again.then(|| {
                        let timing = Timing { deadline: s(now + 700), ..timing("d0", now + 60) };
                        routed(number, settings, timing)
                    });
                    schedule.done(number, again);
                },
                Step::Hold(which) => if let Some(number) = chosen(which)
                    && !under_way.contains(&number)
                {
                    schedule.hold(number);
                    there.insert(number, true);
                },
                Step::Hurry(which) => if let Some(number) = chosen(which)
                    && !under_way.contains(&number)
                {
                    schedule.hurry(number, s(now));
                    there.insert(number, false);
                },
                Step::Forget(which) => if let Some(number) = chosen(which)
                    && !under_way.contains(&number)
                {
                    schedule.forget(number);
                    there.remove(&number);
                },
                Step::Later(seconds) => now += i64::from(seconds),
                Step::Reload(read) => {
                    settings = read;
                    for number in there.keys() {
                        let timing = Timing { deadline: s(now + 700), ..timing("d0", now) };
                        schedule.reroute(*number, routed(*number, settings, timing));
                    }
                }
                Step::SetAside(which) => if let Some(number) = chosen(which)
                    && schedule.take_now(number)
                {
                    prop_assert!(!under_way.contains(&number));
                    under_way.push(number);
                },
                Step::Carried(which) => if !under_way.is_empty() {
                    schedule.carried(under_way[usize::from(which) % under_way.len()]);
                },
            }
            prop_assert_eq!(schedule.len(), there.len());
            stands_once(&schedule)?;
        }
        // once everybody answers, all come who are not held
        let mut left = there.values().filter(|held| !**held).count();
        for number in under_way {
            schedule.done(number, Some(timing("d1", now)));
        }
        now += 10_000;
        while let Next::Try(found, ()) | Next::Look(found) = schedule.next(s(now), any) {
            schedule.done(found, None);
            left -= 1;
        }
        prop_assert_eq!(left, 0);
    }
}

#[test]
fn nobody_tries_what_the_operator_has_in_hand() {
    let mut schedule = Schedule::new(10);
    for n in 1..=4 {
        schedule.add(number(n), timing("a", 1));
    }
    assert_eq!(tried(schedule.next(s(1), any)), 1);
    assert!(!schedule.set_aside(number(1)), "an attempt runs");
    // in line, kept back, not due
    schedule.hold(number(3));
    schedule.add(number(4), timing("a", 9));
    for n in 2..=4 {
        assert!(schedule.set_aside(number(n)));
        assert!(!schedule.set_aside(number(n)), "once");
    }
    assert!(!schedule.set_aside(number(5)), "unknown");
    assert_eq!(nothing_before(schedule.next(s(20), any)), None);
    schedule.add(number(2), timing("a", 1));
    assert_eq!(tried(schedule.next(s(20), any)), 2);
    for n in 1..=4 {
        schedule.forget(number(n));
    }
    assert_eq!(
        (schedule.len(), nothing_before(schedule.next(s(30), any))),
        (0, None)
    );
}

#[test]
fn what_goes_another_way_keeps_its_time_and_leaves_a_dead_line() {
    let mut schedule = Schedule::new(10);
    for (n, due) in [(1, 0), (2, 0), (3, 50), (4, 50)] {
        schedule.add(number(n), timing("dead", due));
    }
    assert_eq!(tried(schedule.next(s(0), any)), 1);
    let closed = |way: &route::Destination| match way.to_string().as_str() {
        "dead" => Err(NotNow::Until(s(900))),
        _ => Ok(()),
    };
    assert_eq!(nothing_before(schedule.next(s(0), closed)), Some(s(50)));
    schedule.hold(number(4));
    for n in 1..=5 {
        schedule.reroute(number(n), timing("alive", 0));
    }
    assert_eq!(schedule.len(), 4, "one that is not there does not come");
    assert!(schedule.is_under_way(number(1)), "it is not tried twice");
    schedule.done(number(1), None);
    assert_eq!(tried(schedule.next(s(0), closed)), 2, "its time had come");
    assert_eq!(nothing_before(schedule.next(s(0), closed)), Some(s(50)));
    assert_eq!(tried(schedule.next(s(50), closed)), 3);
    assert_eq!(
        nothing_before(schedule.next(s(60), closed)),
        None,
        "held as before, and nobody asks the dead one again"
    );
    schedule.hurry(number(4), s(60));
    assert_eq!(tried(schedule.next(s(60), closed)), 4);
}

#[test]
fn what_is_kept_for_a_customer_from_now_on_waits_for_him() {
    let mut schedule = Schedule::new(10);
    let kept = |due| Timing {
        kept_for: Some("acme".into()),
        due: s(1_000_000),
        ..timing("b", due)
    };
    schedule.add(number(1), timing("b", 0));
    assert_eq!(
        nothing_before(schedule.next(s(0), |_| Err(NotNow::Until(s(60))) as Result<(), _>)),
        Some(s(60))
    );
    schedule.reroute(number(1), kept(0));
    assert_eq!(schedule.kept_for("acme"), Amount { count: 1, bytes: 7 });
    assert_eq!(
        nothing_before(schedule.next(s(70), any)),
        Some(s(1_000_000))
    );
    // asked for; another route changes nothing of that
    schedule.hurry(number(1), s(80));
    let elsewhere = Timing {
        destination: timing("c", 0).destination,
        ..kept(0)
    };
    schedule.reroute(number(1), elsewhere);
    assert_eq!(schedule.kept_for("acme"), Amount { count: 1, bytes: 7 });
    assert_eq!(tried(schedule.next(s(80), any)), 1);
    schedule.done(number(1), Some(kept(0)));
    schedule.reroute(number(1), timing("b", 5));
    assert_eq!(schedule.kept_for("acme"), Amount::default());
    assert_eq!(tried(schedule.next(s(90), any)), 1);
}
