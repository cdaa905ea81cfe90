//! The work that targets are given: a module for each group of rows, and what they share.
//!
//! Never here: a figure that one target gets by other work than another.

pub mod append;
pub mod delivery;
pub mod disk;
pub mod download;
pub mod idle;
pub mod limits;
mod mailbox;
pub mod mixed;
pub mod progress;
pub mod reading;
pub mod sending;
pub mod start;

use crate::Outcome;
use crate::clock::Spread;
use crate::report::{Report, Role, Row, Sample};
use crate::target::{Kind, Target};
use progress::Progress;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How much is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Length {
    Full,
    /// A quarter of an hour: one round of each row, and smaller mailboxes.
    Quick,
    /// Only to see that everything works; its figures say nothing.
    Moment,
}

/// How often a row is measured at each target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rounds {
    pub least: usize,
    pub most: usize,
}

#[derive(Clone)]
pub struct Plan {
    pub length: Length,
    pub rounds: Rounds,
    /// How long a round lasts where the work has no end of its own.
    pub round: Duration,
    /// After so long a row gets no more rounds than the least.
    pub row: Duration,
    /// A folder on the disk that the targets use.
    pub folder: PathBuf,
    pub progress: Rc<Progress>,
}

/// A row whose rounds differ by no more than this, in the middle half of them, is known well enough.
const CALM: f64 = 0.04;

/// A row that takes so many times what a row should ends without its least rounds.
const DEAR: u32 = 4;

impl Plan {
    pub fn new(length: Length, rounds: Option<usize>, folder: PathBuf) -> Plan {
        let (least, most, round_ms, row_s) = match length {
            Length::Full => (3, 9, 700, 15),
            Length::Quick => (1, 1, 700, 15),
            Length::Moment => (1, 1, 50, 15),
        };
        Plan {
            length,
            rounds: Rounds {
                least: rounds.unwrap_or(least),
                most: rounds.unwrap_or(most),
            },
            round: Duration::from_millis(round_ms),
            row: Duration::from_secs(row_s),
            folder,
            progress: Rc::new(Progress::new()),
        }
    }

    /// One of three, by the length of the run.
    pub fn pick<T>(&self, full: T, quick: T, moment: T) -> T {
        match self.length {
            Length::Full => full,
            Length::Quick => quick,
            Length::Moment => moment,
        }
    }

    /// The same with fewer rounds, for rows that take long or do not scatter.
    pub fn at_most(&self, rounds: usize) -> Plan {
        let mut plan = self.clone();
        plan.rounds.most = plan.rounds.most.min(rounds);
        plan.rounds.least = plan.rounds.least.min(rounds);
        plan
    }

    /// Whether a row that has so many rounds, since then, is to get another.
    fn goes_on(&self, rounds: usize, begun: Instant, samples: &[Vec<Sample>]) -> bool {
        if rounds < self.rounds.least {
            return rounds == 0 || begun.elapsed() < self.row * DEAR;
        }
        let is_calm = samples.iter().all(|some| {
            let spread = Spread::of(some.iter().map(|sample| sample.value));
            spread.is_none_or(|spread| spread.high - spread.low <= CALM * spread.median)
        });
        rounds < self.rounds.most && begun.elapsed() < self.row && !is_calm
    }
}

/// Wall and processor time from one moment on.
#[derive(Clone, Copy)]
pub struct Meter {
    begun: Instant,
    cpu: Duration,
}

impl Meter {
    pub fn begin(target: &Target) -> Meter {
        Meter {
            cpu: target.cpu(),
            begun: Instant::now(),
        }
    }

    /// So many pieces of work a second.
    pub fn rate(self, target: &Target, works: u64) -> Sample {
        let seconds = self.begun.elapsed().as_secs_f64();
        self.sample(target, works, works as f64 / seconds)
    }

    /// How many seconds one of so many pieces of work took.
    pub fn seconds(self, target: &Target, works: u64) -> Sample {
        let seconds = self.begun.elapsed().as_secs_f64();
        self.sample(target, works, seconds / works.max(1) as f64)
    }

    fn sample(&self, target: &Target, works: u64, value: f64) -> Sample {
        let cpu = target.cpu().saturating_sub(self.cpu).as_secs_f64();
        let mut sample = Sample::of(value);
        sample.cpu_s_per_unit = (works > 0).then(|| cpu / works as f64);
        sample
    }
}

pub fn role(target: &Target) -> Role {
    match target.kind {
        Kind::Whimbrel => Role::Whimbrel,
        Kind::Peer => Role::Peer,
        Kind::Null => Role::Limit,
    }
}

/// Rounds of one row that go from target to target, each time beginning with the next one. A target
/// that fails is left out of the row, and the report says why. A row that scatters gets more rounds
/// than the least, as long as it does not take too long.
pub async fn alternate(
    targets: &mut [Target],
    plan: &Plan,
    report: &mut Report,
    row: &Row,
    mut step: impl AsyncFnMut(&mut Target, usize) -> Outcome<Sample>,
) {
    println!("  [{}] {}: {}", plan.progress, row.section, row.name);
    let begun = Instant::now();
    let mut samples: Vec<Vec<Sample>> = targets.iter().map(|_| Vec::new()).collect();
    let mut failed = vec![false; targets.len()];
    let mut round = 0;
    while plan.goes_on(round, begun, &samples) {
        for turn in 0..targets.len() {
            let place = (round + turn) % targets.len();
            if failed[place] {
                continue;
            }
            let target = &mut targets[place];
            match step(target, round).await {
                Ok(sample) => samples[place].push(sample),
                Err(error) => {
                    failed[place] = true;
                    report.failed(row, target.name, &error);
                }
            }
        }
        round += 1;
    }
    for (place, target) in targets.iter().enumerate() {
        if !failed[place] {
            report.add(row, target.name, role(target), &samples[place]);
        }
    }
}

/// Runs one task for each session, from 0 on; their results in that order, or the first error.
pub async fn sessions<T, F>(count: usize, session: impl Fn(usize) -> F) -> Outcome<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Outcome<T>> + Send + 'static,
{
    each(0..count, |number, _| session(number)).await
}

/// Runs one task for each of some things, such as connections that are open already.
pub async fn each<I, T, F>(
    things: impl IntoIterator<Item = I>,
    mut task: impl FnMut(usize, I) -> F,
) -> Outcome<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Outcome<T>> + Send + 'static,
{
    let mut running = JoinSet::new();
    for (number, thing) in things.into_iter().enumerate() {
        let one = task(number, thing);
        running.spawn(async move { (number, one.await) });
    }
    let mut results = Vec::new();
    while let Some(ended) = running.join_next().await {
        let (number, result) = ended.map_err(|error| error.to_string())?;
        results.push((number, result?));
    }
    results.sort_by_key(|(number, _)| *number);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// A point more on the line of each target that was measured in this row.
pub fn extend(
    curves: &mut Vec<(&'static str, Vec<(f64, f64)>)>,
    report: &Report,
    row: &Row,
    x: f64,
) {
    for (target, value) in report.medians(row) {
        match curves.iter_mut().find(|(name, _)| *name == target) {
            Some((_, points)) => points.push((x, value)),
            None => curves.push((target, vec![(x, value)])),
        }
    }
}
