//! What was measured, collected: figures, ratios, curves, and what could not be measured.
//!
//! Here live the values; `markdown` and `plot` put them into words and pictures. Never here: a
//! measurement.

mod markdown;
mod plot;
mod words;

use crate::clock::{Histogram, Spread};
use std::time::Duration;

pub use markdown::Setting;
pub use plot::{Curve, Scale};
pub use words::thousands;

/// What a figure counts, and which of two is the better.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Unit {
    pub name: &'static str,
    pub better: Better,
    /// What processor time is told for: `("1,000 messages", 1000.0)`.
    pub work: (&'static str, f64),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Better {
    More,
    Less,
}

impl Unit {
    pub const MESSAGES: Unit = Unit {
        name: "messages/s",
        better: Better::More,
        work: ("1,000 messages", 1_000.0),
    };
    pub const COMMANDS: Unit = Unit {
        name: "commands/s",
        better: Better::More,
        work: ("1,000 commands", 1_000.0),
    };
    /// One command, or one start, and how long it takes.
    pub const SECONDS: Unit = Unit {
        name: "s",
        better: Better::Less,
        work: ("once", 1.0),
    };
    pub const MILLISECONDS: Unit = Unit {
        name: "ms",
        better: Better::Less,
        work: ("1,000 times", 1_000.0),
    };
    pub const KIB: Unit = Unit {
        name: "KiB",
        better: Better::Less,
        work: ("once", 1.0),
    };
    /// Octets on the disk for an octet of mail.
    pub const OCTETS_PER_OCTET: Unit = Unit {
        name: "octets per octet",
        better: Better::Less,
        work: ("once", 1.0),
    };
}

/// What a row is to reach.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Goal {
    /// So many times the best peer, by processor time where that is known.
    TimesPeers(f64),
    /// So much of the null server, by processor time.
    OfNull(f64),
    AtMost(f64),
    P99Under(Duration),
    /// Processor seconds for the unit's work.
    ProcessorAtMost(f64),
}

/// One kind of work, done at every target.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// The table that it stands in.
    pub section: &'static str,
    pub name: String,
    pub unit: Unit,
    pub goals: Vec<Goal>,
}

impl Row {
    pub fn new(section: &'static str, name: impl Into<String>, unit: Unit) -> Row {
        Row {
            section,
            name: name.into(),
            unit,
            goals: Vec::new(),
        }
    }

    pub fn goal(mut self, goal: Goal) -> Row {
        self.goals.push(goal);
        self
    }
}

/// What one round gave.
#[derive(Clone)]
pub struct Sample {
    pub value: f64,
    /// Processor seconds of the server for one piece of work (one message, one command).
    pub cpu_s_per_unit: Option<f64>,
    pub latency: Option<Histogram>,
}

impl Sample {
    pub fn of(value: f64) -> Sample {
        Sample {
            value,
            cpu_s_per_unit: None,
            latency: None,
        }
    }

    pub fn with_latency(mut self, latency: Histogram) -> Sample {
        self.latency = Some(latency);
        self
    }
}

/// What all rounds of a row at one target gave.
#[derive(Clone, Debug)]
pub struct Figure {
    pub target: &'static str,
    pub role: Role,
    pub rounds: usize,
    pub value: Spread,
    pub cpu_s_per_unit: Option<f64>,
    pub p50: Option<Duration>,
    pub p99: Option<Duration>,
}

/// What a figure is compared as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Whimbrel,
    Peer,
    /// Of the machine: the disk, or the null server.
    Limit,
}

impl Figure {
    fn of(target: &'static str, role: Role, samples: &[Sample]) -> Option<Figure> {
        let cpu = Spread::of(samples.iter().filter_map(|sample| sample.cpu_s_per_unit));
        let mut latency = Histogram::new();
        for sample in samples {
            if let Some(some) = &sample.latency {
                latency.add(some);
            }
        }
        let quantile = |part| (latency.count() > 0).then(|| latency.quantile(part));
        Some(Figure {
            target,
            role,
            rounds: samples.len(),
            value: Spread::of(samples.iter().map(|sample| sample.value))?,
            cpu_s_per_unit: cpu.map(|spread| spread.median),
            p50: quantile(0.5),
            p99: quantile(0.99),
        })
    }
}

/// A row with what its targets gave.
#[derive(Clone, Debug)]
struct Line {
    row: Row,
    figures: Vec<Figure>,
}

#[derive(Default)]
pub struct Report {
    lines: Vec<Line>,
    curves: Vec<Curve>,
    /// Section, and what is said below its tables.
    notes: Vec<(&'static str, String)>,
    failures: usize,
}

impl Report {
    pub fn new() -> Report {
        Report::default()
    }

    /// Takes the rounds of a row at one target, and says them on the terminal.
    pub fn add(&mut self, row: &Row, target: &'static str, role: Role, samples: &[Sample]) {
        let Some(figure) = Figure::of(target, role, samples) else {
            return;
        };
        println!("    {}", words::figure(row, &figure));
        match self.lines.iter_mut().find(|line| line.row == *row) {
            Some(line) => line.figures.push(figure),
            None => self.lines.push(Line {
                row: row.clone(),
                figures: vec![figure],
            }),
        }
    }

    /// A row that a target could not do.
    pub fn failed(&mut self, row: &Row, target: &'static str, reason: &str) {
        self.note(
            row.section,
            format!("{}: {target} failed: {reason}", row.name),
        );
        self.failures += 1;
    }

    /// Whether every row was measured at every target.
    pub fn is_whole(&self) -> bool {
        self.failures == 0
    }

    /// Name and content of each plot.
    pub fn pictures(&self) -> Vec<(String, String)> {
        let curves = self.curves.iter();
        curves
            .map(|curve| (curve.file_name(), curve.svg()))
            .collect()
    }

    /// What each target gave in a row.
    pub fn medians(&self, row: &Row) -> Vec<(&'static str, f64)> {
        let line = self.lines.iter().find(|line| line.row == *row);
        let figures = line.map(|line| line.figures.as_slice()).unwrap_or_default();
        figures
            .iter()
            .map(|figure| (figure.target, figure.value.median))
            .collect()
    }

    pub fn curve(&mut self, curve: Curve) {
        self.curves.push(curve);
    }

    /// What a reader of the section has to know, such as what could not be measured.
    pub fn note(&mut self, section: &'static str, text: impl Into<String>) {
        let text = text.into();
        println!("    note: {text}");
        if !self.notes.iter().any(|(s, t)| *s == section && *t == text) {
            self.notes.push((section, text));
        }
    }

    /// Sections in the order in which they were measured.
    fn sections(&self) -> Vec<&'static str> {
        let mut sections = Vec::new();
        let lines = self.lines.iter().map(|line| line.row.section);
        for section in lines.chain(self.notes.iter().map(|(section, _)| *section)) {
            if !sections.contains(&section) {
                sections.push(section);
            }
        }
        sections
    }
}

/// How many times better `own` is: above 1 where it wins.
fn times(better: Better, own: f64, other: f64) -> Option<f64> {
    let (above, below) = match better {
        Better::More => (own, other),
        Better::Less => (other, own),
    };
    (below > 0.0).then(|| above / below)
}

impl Line {
    fn own(&self) -> Option<&Figure> {
        self.figures
            .iter()
            .find(|figure| figure.role == Role::Whimbrel)
    }

    fn with(&self, role: Role) -> impl Iterator<Item = &Figure> {
        self.figures
            .iter()
            .filter(move |figure| figure.role == role)
    }

    /// Against the best of some others, by the figure itself.
    fn ratio(&self, role: Role) -> Option<f64> {
        let own = self.own()?;
        let all = self
            .with(role)
            .filter_map(|other| times(self.row.unit.better, own.value.median, other.value.median));
        all.min_by(f64::total_cmp)
    }

    /// Against the best of some others, by processor time for the same work.
    fn cpu_ratio(&self, role: Role) -> Option<f64> {
        let own = self.own()?.cpu_s_per_unit?;
        let others = self.with(role).filter_map(|other| other.cpu_s_per_unit);
        others
            .filter_map(|other| times(Better::Less, own, other))
            .min_by(f64::total_cmp)
    }

    /// Whether a goal is reached, and by what; nothing where it was not measured.
    fn reached(&self, goal: Goal) -> Option<(bool, f64)> {
        let own = self.own()?;
        let at_least = |wanted: f64, got: f64| (got >= wanted, got);
        let at_most = |wanted: f64, got: f64| (got <= wanted, got);
        match goal {
            Goal::TimesPeers(wanted) => {
                let got = self.cpu_ratio(Role::Peer).or(self.ratio(Role::Peer))?;
                Some(at_least(wanted, got))
            }
            Goal::OfNull(wanted) => {
                let got = self.cpu_ratio(Role::Limit).or(self.ratio(Role::Limit))?;
                Some(at_least(wanted, got))
            }
            Goal::AtMost(wanted) => Some(at_most(wanted, own.value.median)),
            Goal::P99Under(wanted) => Some(at_most(
                wanted.as_secs_f64() * 1e3,
                own.p99?.as_secs_f64() * 1e3,
            )),
            Goal::ProcessorAtMost(wanted) => {
                Some(at_most(wanted, own.cpu_s_per_unit? * self.row.unit.work.1))
            }
        }
    }
}

#[cfg(test)]
mod tests;
