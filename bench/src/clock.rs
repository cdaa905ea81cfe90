//! Time: a histogram of latencies that costs nothing to fill, medians and their spread.
//!
//! Never here: a figure that is an average. One slow round would move it.

use std::time::Duration;

/// Each power of two is cut into so many buckets: a value is known to 1.6 %.
const STEPS: u64 = 64;
/// 2^40 ns, a quarter of an hour; longer ones count as that.
const POWERS: u64 = 40;
const BUCKETS: usize = ((POWERS - 5) * STEPS) as usize;

/// Latencies in buckets that grow with the value.
#[derive(Clone)]
pub struct Histogram {
    counts: Vec<u32>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram::new()
    }
}

impl Histogram {
    pub fn new() -> Histogram {
        Histogram {
            counts: vec![0; BUCKETS],
            total: 0,
        }
    }

    pub fn record(&mut self, latency: Duration) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(ns)] += 1;
        self.total += 1;
    }

    pub fn add(&mut self, other: &Histogram) {
        for (own, others) in self.counts.iter_mut().zip(&other.counts) {
            *own += others;
        }
        self.total += other.total;
    }

    pub fn count(&self) -> u64 {
        self.total
    }

    /// The latency that this part of all stays under, 0.99 for the 99th percentile.
    pub fn quantile(&self, part: f64) -> Duration {
        let wanted = (self.total as f64 * part).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted {
                return Duration::from_nanos(highest(bucket));
            }
        }
        Duration::ZERO
    }
}

/// Up to [`STEPS`] a bucket for each value; then [`STEPS`] for each power of two.
fn bucket(ns: u64) -> usize {
    let ns = ns.min((1 << POWERS) - 1);
    if ns < STEPS {
        return ns as usize;
    }
    let power = u64::from(ns.ilog2()) - 6;
    (power * STEPS + (ns >> power)) as usize
}

/// The largest value of a bucket.
fn highest(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS {
        return bucket;
    }
    let power = bucket / STEPS - 1;
    let step = bucket % STEPS + STEPS;
    ((step + 1) << power) - 1
}

/// The middle of some values and where the middle half of them lies.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Spread {
    /// Nothing is said of no values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        if values.is_empty() {
            return None;
        }
        Some(Spread {
            low: at(&values, 0.25),
            median: at(&values, 0.5),
            high: at(&values, 0.75),
        })
    }
}

/// Between two values in proportion.
fn at(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = place.ceil() as usize;
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_knows_its_values_to_two_percent() {
        for ns in (0..200).chain([4_095, 4_096, 1_000_000, 123_456_789, 10_000_000_000]) {
            let told = highest(bucket(ns));
            assert!(
                told >= ns && told as f64 <= ns as f64 * 1.02,
                "{ns}: {told}"
            );
        }
        let day = Duration::from_secs(86_400);
        let mut histogram = Histogram::new();
        histogram.record(day);
        assert!(histogram.quantile(0.5) < day);
    }

    #[test]
    fn buckets_follow_each_other() {
        for bucket_number in 1..BUCKETS {
            assert_eq!(bucket(highest(bucket_number - 1) + 1), bucket_number);
        }
    }

    #[test]
    fn tells_quantiles_of_all_that_were_added() {
        let (mut one, mut other) = (Histogram::new(), Histogram::new());
        for ms in 1..=50 {
            one.record(Duration::from_millis(ms));
            other.record(Duration::from_millis(50 + ms));
        }
        one.add(&other);
        assert_eq!(one.count(), 100);
        let close = |part, ms: f64| {
            let told = one.quantile(part).as_secs_f64() * 1e3;
            assert!((told / ms - 1.0).abs() < 0.02, "{part}: {told} ms");
        };
        close(0.5, 50.0);
        close(0.99, 99.0);
        close(1.0, 100.0);
        assert_eq!(Histogram::new().quantile(0.5), Duration::ZERO);
    }

    #[test]
    fn a_spread_is_the_middle_half() {
        let spread = Spread::of([5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!(
            spread,
            Some(Spread {
                low: 2.0,
                median: 3.0,
                high: 4.0
            })
        );
        assert_eq!(Spread::of([]), None);
    }
}
