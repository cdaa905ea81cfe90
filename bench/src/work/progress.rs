//! How far a run is, and how long the rest will take.
//!
//! Never here: a figure of the report.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::time::{Duration, Instant};

/// What the groups of rows are expected to take, and which of them runs.
pub struct Progress {
    begun: Instant,
    expected: RefCell<Vec<Duration>>,
    /// The group that runs, and since when.
    current: Cell<(usize, Instant)>,
}

impl Default for Progress {
    fn default() -> Progress {
        Progress::new()
    }
}

impl Progress {
    pub fn new() -> Progress {
        Progress {
            begun: Instant::now(),
            expected: RefCell::new(Vec::new()),
            current: Cell::new((0, Instant::now())),
        }
    }

    pub fn expect(&self, groups: Vec<Duration>) {
        self.expected.replace(groups);
    }

    pub fn group(&self, number: usize) {
        self.current.set((number, Instant::now()));
    }

    pub fn so_far(&self) -> Duration {
        self.begun.elapsed()
    }

    /// What the groups that are to come should take, and the rest of this one.
    fn left(&self) -> Duration {
        let (number, since) = self.current.get();
        let expected = self.expected.borrow();
        let this = expected.get(number).copied().unwrap_or_default();
        let others: Duration = expected.iter().skip(number + 1).sum();
        this.saturating_sub(since.elapsed()) + others
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let so_far = self.so_far().as_secs();
        let left = self.left().as_secs_f64() / 60.0;
        write!(
            f,
            "{}:{:02}, about {} min left",
            so_far / 60,
            so_far % 60,
            left.ceil()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_left_of_this_group_and_of_those_behind_it() {
        let progress = Progress::new();
        progress.expect(
            [10, 3, 4]
                .map(|minutes| Duration::from_secs(minutes * 60))
                .to_vec(),
        );
        assert!(progress.to_string().ends_with("about 17 min left"));
        progress.group(1);
        assert!(progress.to_string().ends_with("about 7 min left"));
        progress.group(3);
        assert!(progress.to_string().ends_with("about 0 min left"));
    }
}
