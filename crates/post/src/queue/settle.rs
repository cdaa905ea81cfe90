//! What an attempt, or the passing of time, means for an entry. Pure.
//!
//! What never happens here: a row, a report's words.

use crate::queue::entry::{EntryRecord, RecipientState, Said};
use crate::queue::message::{EXPIRED, GivenUp, TOO_LATE};
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
pub(super) fn attempted(
    before: &EntryRecord,
    fates: &[(usize, Fate)],
    given_up: GivenUp,
) -> Settled {
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
                    said.status = given_up.status;
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
    (given_up, nobody): (GivenUp, &str),
    notice: Option<Notice>,
) -> Settled {
    if now < given_up.at {
        let settled = Settled {
            entry: before.clone(),
            happened: Vec::new(),
        };
        return told_of_delay(settled, now, notice);
    }
    let mut entry = before.clone();
    let waiting: Vec<usize> = entry.waiting().collect();
    for place in &waiting {
        let onward = &mut entry.recipients[*place];
        onward.state = RecipientState::Failed;
        let why = match given_up.status {
            TOO_LATE => BACK,
            _ => nobody,
        };
        let said = onward.said.get_or_insert_with(|| nothing_said(now, why));
        said.status = given_up.status;
    }
    let happened = waiting.into_iter().map(|place| (place, Happened::Failed));
    Settled {
        happened: happened.collect(),
        entry,
    }
}

/// The operator gives them back: nothing more is tried.
pub(super) fn given_back(before: &EntryRecord, now: Time) -> Settled {
    let mut entry = before.clone();
    let waiting: Vec<usize> = entry.waiting().collect();
    for place in &waiting {
        let onward = &mut entry.recipients[*place];
        onward.state = RecipientState::Failed;
        onward.said = Some(Said {
            status: Status(5, 0, 0),
            ..nothing_said(now, GIVEN_BACK)
        });
    }
    let happened = waiting.into_iter().map(|place| (place, Happened::Failed));
    Settled {
        happened: happened.collect(),
        entry,
    }
}

/// The sender hears once of those who still wait when it takes long. [rfc3461 5.2.5]
/// [rfc2852 4.1.3]
pub(super) fn told_of_delay(settled: Settled, now: Time, notice: Option<Notice>) -> Settled {
    let Settled {
        mut entry,
        mut happened,
    } = settled;
    let notice = notice.filter(|notice| now >= notice.at);
    let Some(notice) = notice.filter(|_| entry.delay_told.is_none() && !entry.is_over()) else {
        return Settled { entry, happened };
    };
    entry.delay_told = Some(now);
    let waiting: Vec<usize> = entry.waiting().collect();
    for place in &waiting {
        if notice.why == Why::Late {
            let onward = &mut entry.recipients[*place];
            let said = onward.said.get_or_insert_with(|| nothing_said(now, LATE));
            said.status = EXPIRED;
        }
        happened.push((*place, Happened::Delayed));
    }
    Settled { entry, happened }
}

/// When a sender hears that a message takes long, and why then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Notice {
    pub at: Time,
    pub why: Why,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Why {
    /// So long is long.
    Delayed,
    /// The sender has set a time.
    Late,
}

/// Why nothing was said in all the time that a message was kept.
pub(super) const NO_ANSWER: &str = "there was no answer in all the time that the message was kept";
pub(super) const NOT_ASKED_FOR: &str =
    "the recipient's server did not ask for it in all the time that it was kept for pick-up";
const GIVEN_BACK: &str = "the operator of this server has taken it out of the queue";
const BACK: &str = "it could not be delivered within the time that its sender has set";
const LATE: &str = "it is not delivered yet, and the time that its sender has set is over";

fn nothing_said(at: Time, why: &str) -> Said {
    Said {
        at,
        host: None,
        stage: "the queue".to_owned(),
        reply: None,
        why: Some(why.to_owned()),
        status: EXPIRED,
    }
}

fn next_host(reports: Reports) -> NextHost {
    match reports {
        Reports::TheirMatter => NextHost::KnowsDsn,
        Reports::Ours => NextHost::WithoutDsn,
        Reports::Traced => NextHost::Traced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::{Onward, Standing};
    use addr::{Charset, ForwardPath};

    fn notice(at: i64) -> Option<Notice> {
        Some(Notice {
            at: Time(at),
            why: Why::Delayed,
        })
    }

    const EXPIRES: GivenUp = GivenUp {
        at: Time(100),
        status: EXPIRED,
    };

    fn entry(recipients: usize) -> EntryRecord {
        let onward = |n| {
            let to = format!("<u{n}@b.example>");
            let to = ForwardPath::parse(to.as_bytes(), Charset::Ascii).unwrap();
            Onward::new(to, None, None)
        };
        EntryRecord {
            domain: "b.example".parse().map(addr::Host::Name).unwrap(),
            whither: crate::queue::Whither::Elsewhere,
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
        let Settled { entry, happened } = attempted(&entry(4), &fates, EXPIRES);
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
    fn what_the_operator_gives_back_fails_for_those_who_wait() {
        let mut before = entry(2);
        before.recipients[0].state = RecipientState::Done;
        before.recipients[1].said = Some(said(4));
        let settled = given_back(&before, Time(100));
        assert!(settled.entry.is_over());
        assert_eq!(settled.happened, [(1, Happened::Failed)]);
        let last = settled.entry.recipients[1].said.clone().unwrap();
        assert_eq!((last.status, last.host), (Status(5, 0, 0), None));
    }

    #[test]
    fn what_has_expired_fails_with_the_last_word_that_was_said() {
        // [rfc3463 3.5]
        let mut before = entry(2);
        before.recipients[0].state = RecipientState::Done;
        before.recipients[1].said = Some(said(4));
        let settled = looked_at(&before, Time(100), (EXPIRES, NO_ANSWER), notice(1));
        assert!(settled.entry.is_over());
        assert_eq!(settled.happened, [(1, Happened::Failed)]);
        let last = settled.entry.recipients[1].said.clone().unwrap();
        assert_eq!((last.status, last.host), (EXPIRED, said(4).host));
    }

    #[test]
    fn what_is_late_comes_back_for_good_where_its_sender_wants_that() {
        // [rfc2852 4.1.3]
        let given_up = GivenUp {
            status: TOO_LATE,
            ..EXPIRES
        };
        let settled = looked_at(&entry(1), Time(100), (given_up, NO_ANSWER), None);
        assert_eq!(settled.happened, [(0, Happened::Failed)]);
        let last = settled.entry.recipients[0].said.clone().unwrap();
        assert_eq!((last.status, last.why.as_deref()), (TOO_LATE, Some(BACK)));
        let fate = Fate::Failed {
            end: End::Expired,
            said: said(4),
        };
        let settled = attempted(&entry(1), &[(0, fate)], given_up);
        let last = settled.entry.recipients[0].said.clone().unwrap();
        assert_eq!((last.status, last.host), (TOO_LATE, said(4).host));
    }

    #[test]
    fn who_wants_to_hear_that_it_is_late_hears_that_the_time_is_over() {
        // [rfc2852 4.1.3]
        let notice = Some(Notice {
            at: Time(50),
            why: Why::Late,
        });
        let settled = looked_at(&entry(1), Time(50), (EXPIRES, NO_ANSWER), notice);
        assert_eq!(settled.happened, [(0, Happened::Delayed)]);
        let last = settled.entry.recipients[0].said.clone().unwrap();
        assert_eq!((last.status, last.why.as_deref()), (EXPIRED, Some(LATE)));
        let mut before = entry(1);
        before.recipients[0].said = Some(said(4));
        let settled = looked_at(&before, Time(50), (EXPIRES, NO_ANSWER), notice);
        let last = settled.entry.recipients[0].said.clone().unwrap();
        assert_eq!((last.status, last.host), (EXPIRED, said(4).host));
    }

    #[test]
    fn the_sender_hears_once_that_it_takes_long() {
        // [rfc3461 5.2.5]
        let notice = notice(50);
        let early = looked_at(&entry(1), Time(49), (EXPIRES, NO_ANSWER), notice);
        assert_eq!(early.happened, []);
        let first = looked_at(&entry(1), Time(50), (EXPIRES, NO_ANSWER), notice);
        assert_eq!(first.happened, [(0, Happened::Delayed)]);
        assert_eq!(first.entry.delay_told, Some(Time(50)));
        let second = looked_at(&first.entry, Time(60), (EXPIRES, NO_ANSWER), notice);
        assert_eq!(second.happened, []);
    }
}
