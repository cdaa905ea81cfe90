//! Delivery: from the first connection until every copy shows in its mailbox.
//!
//! A server that queues is measured to the moment when the queue has run dry: STATUS is asked until
//! it tells all messages. Commands are pipelined, as mail servers send them. Never here: another
//! group's rows.

mod sender;
mod watch;

use crate::Outcome;
use crate::clock::{Histogram, Spread};
use crate::report::{Curve, Goal, Report, Row, Sample, Scale, Unit};
use crate::target::{ACCOUNTS, Target};
use crate::work::{Meter, Plan, alternate, sessions};
use sender::{Letters, Sender, Sent};
use std::sync::Arc;
use std::time::{Duration, Instant};
use watch::Watch;

const SECTION: &str = "Delivery until visible";
const SESSIONS: [usize; 3] = [1, 16, 64];
const KIB: usize = 1024;

/// Where the copies go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum To {
    /// Each session has a mailbox of its own.
    Own,
    /// All sessions have one mailbox.
    OneInbox,
    /// Each message goes to so many mailboxes.
    Many(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Load {
    octets: usize,
    sessions: usize,
    /// Messages before a session ends and the next begins.
    per_session: usize,
    to: To,
}

pub async fn run(targets: &mut [Target], plan: &Plan, report: &mut Report) -> Outcome<()> {
    let mut curves = Curves::default();
    let mut before = None;
    for load in loads() {
        let row = load.row();
        let letters = Arc::new(Letters::new(load.octets));
        if before != Some(load.octets) {
            for target in targets.iter_mut() {
                target.wipe()?;
            }
        }
        before = Some(load.octets);
        let time = load.time(plan.round);
        alternate(targets, plan, report, &row, async |target, _| {
            let sample = round(target, load, time, &letters).await?;
            curves.add(load, target.name, sample.value);
            Ok(sample)
        })
        .await;
    }
    report.curve(curves.of_small_messages());
    report.note(
        SECTION,
        "Messages are sent for a part of a second in each round (each session sends one at least); the \
         round lasts until all show. The mailboxes of a table's rows are the same, so they grow.",
    );
    Ok(())
}

fn loads() -> Vec<Load> {
    let mut loads = Vec::new();
    for octets in [8 * KIB, 100 * KIB] {
        let with = |sessions, per_session, to| Load {
            octets,
            sessions,
            per_session,
            to,
        };
        for per_session in [1, 20] {
            loads.extend(SESSIONS.map(|sessions| with(sessions, per_session, To::Own)));
        }
        loads.extend(SESSIONS.map(|sessions| with(sessions, 20, To::Many(50))));
        if octets == 8 * KIB {
            loads.push(with(64, 20, To::OneInbox));
        }
    }
    loads
}

impl Load {
    fn row(self) -> Row {
        let size = format!("{} KiB", self.octets / KIB);
        let sessions = match self.sessions {
            1 => "1 session".to_owned(),
            several => format!("{several} sessions"),
        };
        let to = match self.to {
            To::Own => String::new(),
            To::OneInbox => ", one INBOX".to_owned(),
            To::Many(count) => format!(", {count} recipients (copies)"),
        };
        let name = format!("{size}, {sessions} of {}{to}", self.per_session);
        let row = Row::new(SECTION, name, Unit::MESSAGES);
        match (self.octets / KIB, self.sessions, self.per_session, self.to) {
            (8, 64, 20, To::Own) => row
                .goal(Goal::TimesPeers(25.0))
                .goal(Goal::OfNull(0.5))
                .goal(Goal::ProcessorAtMost(0.15)),
            (8, 16, 20, To::Own) => row.goal(Goal::P99Under(Duration::from_millis(5))),
            // Half the rate of as many mailboxes.
            (8, 64, 20, To::OneInbox) => row.goal(Goal::ProcessorAtMost(0.3)),
            _ => row,
        }
    }

    /// How long messages are sent; servers that queue need several times that until all show.
    fn time(self, round: Duration) -> Duration {
        match self.to {
            To::Many(_) => round / 4,
            _ => round * 3 / 4,
        }
    }

    /// The accounts that a session's messages go to.
    fn recipients(self, session: usize) -> Vec<usize> {
        match self.to {
            To::Own => vec![session % ACCOUNTS + 1],
            To::OneInbox => vec![1],
            To::Many(count) => (1..=count).collect(),
        }
    }
}

async fn round(
    target: &mut Target,
    load: Load,
    time: Duration,
    letters: &Arc<Letters>,
) -> Outcome<Sample> {
    let accounts = (0..load.sessions).flat_map(|number| load.recipients(number));
    let mut watch = match target.is_null() {
        true => Watch::nothing(),
        false => Watch::begin(target, accounts).await?,
    };
    let meter = Meter::begin(target);
    let until = Instant::now() + time;
    let sent: Vec<Sent> = sessions(load.sessions, |number| {
        let recipients = load.recipients(number);
        let addresses = recipients.iter().map(|account| target.address(*account));
        let sender = Sender::new(target.smtp, number, &addresses.collect::<Vec<_>>(), letters);
        sender.send(load.per_session, until)
    })
    .await?;
    let mut latency = Histogram::new();
    let mut copies = 0;
    for (number, sent) in sent.iter().enumerate() {
        latency.add(&sent.latency);
        for account in load.recipients(number) {
            watch.expect(account, sent.messages);
            copies += sent.messages;
        }
    }
    watch.until_all_show().await?;
    Ok(meter.rate(target, copies).with_latency(latency))
}

/// What becomes of the rate while sessions grow.
#[derive(Default)]
struct Curves(Vec<(Load, &'static str, f64)>);

impl Curves {
    fn add(&mut self, load: Load, target: &'static str, value: f64) {
        self.0.push((load, target, value));
    }

    fn of_small_messages(&self) -> Curve {
        let mut series: Vec<(&'static str, Vec<(f64, f64)>)> = Vec::new();
        for (_, target, _) in &self.0 {
            if !series.iter().any(|(name, _)| name == target) {
                series.push((target, self.points(target)));
            }
        }
        Curve {
            section: SECTION,
            title: "Delivery of 8 KiB, 20 messages a session".to_owned(),
            x: ("sessions".to_owned(), Scale::Logarithmic),
            y: ("messages a second".to_owned(), Scale::Logarithmic),
            series,
        }
    }

    fn points(&self, target: &str) -> Vec<(f64, f64)> {
        let point = |sessions: usize| {
            let load = Load {
                octets: 8 * KIB,
                sessions,
                per_session: 20,
                to: To::Own,
            };
            let those = self
                .0
                .iter()
                .filter(|(l, name, _)| *l == load && *name == target);
            let spread = Spread::of(those.map(|(_, _, value)| *value))?;
            Some((sessions as f64, spread.median))
        };
        SESSIONS.into_iter().filter_map(point).collect()
    }
}
