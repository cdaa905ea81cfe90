//! What an attempt, or the passing of time, means for an entry. Pure.
//!
//! What never happens here: a row, a report's words.

use crate::queue::entry::{EntryRecord, RecipientState, Said};
use crate::report::{Happened, NextHost};
use crate::road::failure::End;
use crate::road::{Fate, Reports};
use net::Time;
use smtp::Status;

/// An entry afterwards, and what its sender may want to hear of: the places of recipients, and what
/// happened to them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Settled {
    pub entry: EntryRecord,
    pub happened: Vec<(usize, Happened)>,
}

/// After an attempt.
pub(super) fn attempted(before: &EntryRecord, fates: &[(usize, Fate)]) -> Settled {
    let mut entry = before.clone();
    entry.attempts = entry.attempts.saturating_add(1);
    let mut happened = Vec::new();
    let mut due: Option<Time> = None;
    for (place, fate) in fates {
        let Some(onward) = entry.recipients.get_mut(*place) else {
            continue;
        };
        let mut said = fate.said().clone();
        match fate {
            Fate::Taken { reports, .. } => {
                onward.state = RecipientState::Done;
                happened.push((*place, Happened::PassedOn(next_host(*reports))));
            }
            Fate::Retry { at, .. } => due = Some(due.map_or(*at, |due| due.min(*at))),
            Fate::Failed { end, .. } => {
                onward.state = RecipientState::Failed;
                if *end == End::Expired {
                    said.status = EXPIRED;
                }
                happened.push((*place, Happened::Failed));
            }
        }
        onward.said = Some(said);
    }
    entry.due = due.unwrap_or(entry.due);
    Settled { entry, happened }
}

/// Its time is over, or it takes so long that the sender is to hear of it; nothing was tried.
/// [rfc3463 3.5]
pub(super) fn looked_at(
    before: &EntryRecord,
    now: Time,
    expires: Time,
    delay_notice: Option<Time>,
) -> Settled {
    if now < expires {
        let settled = Settled {
            entry: before.clone(),
            happened: Vec::new(),
        };
        return told_of_delay(settled, now, delay_notice);
    }
    let mut entry = before.clone();
    let waiting: Vec<usize> = entry.waiting().collect();
    for place in &waiting {
        let onward = &mut entry.recipients[*place];
        onward.state = RecipientState::Failed;
        let said = onward.said.get_or_insert_with(|| nothing_said(now));
        said.status = EXPIRED;
    }
    let happened = waiting.into_iter().map(|place| (place, Happened::Failed));
    Settled {
        happened: happened.collect(),
        entry,
    }
}

/// The sender hears once of those who still wait when it takes long. [rfc3461 5.2.5]
pub(super) fn told_of_delay(settled: Settled, now: Time, delay_notice: Option<Time>) -> Settled {
    let Settled {
        mut entry,
        mut happened,
    } = settled;
    let is_time = delay_notice.is_some_and(|at| now >= at);
    if is_time && entry.delay_told.is_none() && !entry.is_over() {
        entry.delay_told = Some(now);
        happened.extend(entry.waiting().map(|place| (place, Happened::Delayed)));
    }
    Settled { entry, happened }
}

/// Delivery time expired. [rfc3463 3.5]
const EXPIRED: Status = Status(4, 4, 7);

fn nothing_said(at: Time) -> Said {
    Said {
        at,
        host: None,
        stage: "the queue".to_owned(),
        reply: None,
        why: Some("there was no answer in all the time that the message was kept".to_owned()),
        status: EXPIRED,
    }
}

fn next_host(reports: Reports) -> NextHost {
    match reports {
        Reports::TheirMatter => NextHost::KnowsDsn,
        Reports::Ours => NextHost::WithoutDsn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::{Onward, Standing};
    use addr::{Charset, ForwardPath};

    fn entry(recipients: usize) -> EntryRecord {
        let onward = |n| {
            let to = format!("<u{n}@b.example>");
            let to = ForwardPath::parse(to.as_bytes(), Charset::Ascii).unwrap();
            Onward::new(to, None, None)
        };
        EntryRecord {
            domain: "b.example".parse().map(addr::Host::Name).unwrap(),
            recipients: (0..recipients).map(onward).collect(),
            attempts: 3,
            due: Time(10),
            standing: Standing::Free,
            lease: None,
            delay_told: None,
        }
    }

    fn said(class: u8) -> Said {
        Said {
            at: Time(11),
            host: Some("mx.b.example".to_owned()),
            stage: "RCPT".to_owned(),
            reply: None,
            why: None,
            status: Status(class, 1, 1),
        }
    }

    #[test]
    fn each_recipient_has_its_own_fate_and_the_rest_comes_again() {
        let fates = [
            (
                0,
                Fate::Taken {
                    said: said(2),
                    reports: Reports::Ours,
                },
            ),
            (
                1,
                Fate::Retry {
                    at: Time(500),
                    said: said(4),
                },
            ),
            (
                2,
                Fate::Failed {
                    end: End::Refused,
                    said: said(5),
                },
            ),
            (
                3,
                Fate::Retry {
                    at: Time(400),
                    said: said(4),
                },
            ),
        ];
        let Settled { entry, happened } = attempted(&entry(4), &fates);
        let states: Vec<_> = entry.recipients.iter().map(|onward| onward.state).collect();
        use RecipientState::{Done, Failed, Waiting};
        assert_eq!(states, [Done, Waiting, Failed, Waiting]);
        assert_eq!((entry.attempts, entry.due), (4, Time(400)));
        assert!(!entry.is_over());
        let passed_on = Happened::PassedOn(NextHost::WithoutDsn);
        assert_eq!(happened, [(0, passed_on), (2, Happened::Failed)]);
        assert_eq!(entry.recipients[2].said, Some(said(5)));
    }

    #[test]
    fn what_has_expired_fails_with_the_last_word_that_was_said() {
        // [rfc3463 3.5]
        let mut before = entry(2);
        before.recipients[0].state = RecipientState::Done;
        before.recipients[1].said = Some(said(4));
        let settled = looked_at(&before, Time(100), Time(100), Some(Time(1)));
        assert!(settled.entry.is_over());
        assert_eq!(settled.happened, [(1, Happened::Failed)]);
        let last = settled.entry.recipients[1].said.clone().unwrap();
        assert_eq!((last.status, last.host), (EXPIRED, said(4).host));
    }

    #[test]
    fn the_sender_hears_once_that_it_takes_long() {
        // [rfc3461 5.2.5]
        let notice = Some(Time(50));
        let early = looked_at(&entry(1), Time(49), Time(100), notice);
        assert_eq!(early.happened, []);
        let first = looked_at(&entry(1), Time(50), Time(100), notice);
        assert_eq!(first.happened, [(0, Happened::Delayed)]);
        assert_eq!(first.entry.delay_told, Some(Time(50)));
        let second = looked_at(&first.entry, Time(60), Time(100), notice);
        assert_eq!(second.happened, []);
    }
}
