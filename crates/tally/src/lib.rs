//! What a running server counts: one table of metrics, the handle to count with, and Prometheus'
//! text of it.
//!
//! A [`Tally`] is handed from room to room; there is none that all share, so two servers in one
//! process (a simulation, tests) count apart. Label values are `&'static str`: they come from
//! tables of the program and never from a peer, so their number is bounded. What never happens
//! here: a clock, a socket, a log line.
#![forbid(unsafe_code)]

mod table;
mod text;

pub use table::{Kind, Metric, Row, TABLE, row};
pub use text::document;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// The values of a metric's labels, in the order of its row; those that it has not are empty.
type Labels = [&'static str; table::MAX_LABELS];

/// The counters of one server. Cheap to clone; clones count together.
#[derive(Clone, Default)]
pub struct Tally(Arc<Inner>);

impl std::fmt::Debug for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tally")
    }
}

struct Inner {
    /// One place for each metric, so that those who count meet nobody who counts something else.
    numbers: Vec<RwLock<Vec<(Labels, Number)>>>,
    histograms: Mutex<BTreeMap<Metric, Histogram>>,
}

impl Default for Inner {
    fn default() -> Inner {
        Inner {
            numbers: TABLE.iter().map(|_| RwLock::default()).collect(),
            histograms: Mutex::default(),
        }
    }
}

/// One counter or gauge, for places that count often.
#[derive(Clone, Debug, Default)]
pub struct Number(Arc<AtomicI64>);

impl Number {
    pub fn add(&self, amount: u64) {
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub fn set(&self, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// One more for as long as the value lives.
    pub fn held(&self) -> Held {
        self.add(1);
        Held(self.clone())
    }
}

/// One of a gauge; dropped, it is one less.
#[derive(Debug)]
pub struct Held(Number);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Observations, as Prometheus wants them: how many up to each bound, and their sum.
#[derive(Clone, Debug, Default)]
struct Histogram {
    up_to: Vec<u64>,
    count: u64,
    sum: f64,
}

impl Tally {
    pub fn new() -> Tally {
        Tally::default()
    }

    /// A counter or gauge; the same labels give the same number.
    ///
    /// # Panics
    /// If the row has another number of labels.
    pub fn number(&self, metric: Metric, labels: &[&'static str]) -> Number {
        let expected = row(metric).labels.len();
        assert_eq!(labels.len(), expected, "{metric:?} has {expected} labels");
        let place = &self.0.numbers[metric as usize];
        let is_it = |(known, _): &&(Labels, Number)| known[..expected] == *labels;
        let known = place.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, number)) = known.iter().find(is_it) {
            return number.clone();
        }
        drop(known);
        let mut known = place.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, number)) = known.iter().find(is_it) {
            return number.clone();
        }
        let mut key = Labels::default();
        key[..expected].copy_from_slice(labels);
        let number = Number::default();
        known.push((key, number.clone()));
        number
    }

    /// One more.
    pub fn count(&self, metric: Metric, labels: &[&'static str]) {
        self.number(metric, labels).add(1);
    }

    pub fn add(&self, metric: Metric, labels: &[&'static str], amount: u64) {
        self.number(metric, labels).add(amount);
    }

    /// Sets a gauge.
    pub fn set(&self, metric: Metric, labels: &[&'static str], value: u64) {
        self.number(metric, labels).set(value);
    }

    /// An observation of a histogram.
    pub fn observe(&self, metric: Metric, value: f64) {
        let Kind::Histogram(bounds) = row(metric).kind else {
            return;
        };
        let mut histograms = lock(&self.0.histograms);
        let histogram = histograms.entry(metric).or_default();
        histogram.up_to.resize(bounds.len(), 0);
        for (count, bound) in histogram.up_to.iter_mut().zip(bounds) {
            *count += u64::from(value <= *bound);
        }
        histogram.count += 1;
        histogram.sum += value;
    }

    /// Prometheus' text of all that is counted.
    pub fn text(&self) -> String {
        let mut numbers = BTreeMap::new();
        for (row, place) in TABLE.iter().zip(&self.0.numbers) {
            let known = place.read().unwrap_or_else(PoisonError::into_inner);
            for (labels, number) in known.iter() {
                numbers.insert((row.metric, *labels), number.get());
            }
        }
        text::of(&numbers, &lock(&self.0.histograms))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
