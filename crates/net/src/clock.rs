//! The time of day: what the system's clock, a simulation or a test says it is.
//!
//! Waiting is not here: it goes through `net::time`, which is tokio's clock.

use crate::civil::Civil;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub i64);

impl Time {
    /// Times outside of some 290,000 years around 1970 become the nearest one inside.
    pub fn from_seconds(seconds: i64) -> Time {
        Time(seconds.saturating_mul(1_000_000))
    }

    /// Whole seconds, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The date-time of a header field, in UTC: `Mon, 23 Nov 2026 01:20:09 +0000` [rfc5322 3.3]
    pub fn rfc5322(self) -> String {
        let c = self.civil();
        format!(
            "{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000",
            WEEKDAYS[usize::from(c.weekday)],
            c.day,
            MONTHS[usize::from(c.month) - 1],
            c.year,
            c.hour,
            c.minute,
            c.second
        )
    }

    /// As C's asctime writes it, in UTC: `Mon Nov 23 01:20:09 2026`
    pub fn asctime(self) -> String {
        let c = self.civil();
        format!(
            "{} {} {:2} {:02}:{:02}:{:02} {}",
            WEEKDAYS[usize::from(c.weekday)],
            MONTHS[usize::from(c.month) - 1],
            c.day,
            c.hour,
            c.minute,
            c.second,
            c.year
        )
    }

    /// Calendar and clock in UTC.
    pub fn civil(self) -> Civil {
        Civil::from_seconds(self.seconds())
    }

    /// This moment so much later.
    pub fn after(self, by: Duration) -> Time {
        Time(self.0.saturating_add(micros(by)))
    }
}

fn micros(of: Duration) -> i64 {
    i64::try_from(of.as_micros()).unwrap_or(i64::MAX)
}

/// Says what time it is.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
    Tokio {
        start: Arc<AtomicI64>,
        since: Instant,
    },
}

impl Clock {
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// Stands still until `advance` moves it; all clones move together.
    pub fn manual(start: Time) -> Clock {
        Clock(Source::Manual(Arc::new(AtomicI64::new(start.0))))
    }

    /// Shows `start` now and goes on as tokio's clock does, paused time included.
    pub fn following_tokio(start: Time) -> Clock {
        Clock(Source::Tokio {
            start: Arc::new(AtomicI64::new(start.0)),
            since: Instant::now(),
        })
    }

    pub fn now(&self) -> Time {
        match &self.0 {
            Source::System => match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(since) => Time(micros(since)),
                Err(before) => Time(-micros(before.duration())),
            },
            Source::Manual(at) => Time(at.load(Ordering::SeqCst)),
            Source::Tokio { start, since } => {
                Time(start.load(Ordering::SeqCst)).after(since.elapsed())
            }
        }
    }

    /// Moves a manual clock forward. The other clocks cannot be moved so.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(at) = &self.0 {
            at.fetch_add(micros(by), Ordering::SeqCst);
        }
    }

    /// Sets a manual clock, or one that follows tokio, forward or back, as whoever corrects a
    /// machine's clock does. The system's clock is not ours to set.
    pub fn jump(&self, by_us: i64) {
        match &self.0 {
            Source::System => {}
            Source::Manual(at) | Source::Tokio { start: at, .. } => {
                at.fetch_add(by_us, Ordering::SeqCst);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_dates_as_header_fields_have_them() {
        // [rfc5322 3.3]
        assert_eq!(
            Time::from_seconds(1_795_396_809).rfc5322(),
            "Mon, 23 Nov 2026 01:20:09 +0000"
        );
        let time = Time::from_seconds(1_795_396_809);
        assert_eq!(time.asctime(), "Mon Nov 23 01:20:09 2026");
        assert_eq!(Time(-1).rfc5322(), "Wed, 31 Dec 1969 23:59:59 +0000");
    }

    #[test]
    fn manual_clock_moves_only_when_told() {
        let clock = Clock::manual(Time::from_seconds(100));
        let other = clock.clone();
        assert_eq!(clock.now(), Time::from_seconds(100));
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(other.now(), Time(101_500_000));
        assert_eq!(other.now().seconds(), 101);
    }

    #[tokio::test(start_paused = true)]
    async fn clock_that_follows_tokio_moves_with_paused_time() {
        let clock = Clock::following_tokio(Time::from_seconds(7));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(clock.now(), Time::from_seconds(67));
        clock.clone().jump(-10_000_000);
        assert_eq!(clock.now(), Time::from_seconds(57));
    }

    #[test]
    fn system_clock_is_past_2020() {
        assert!(Clock::system().now() > Time::from_seconds(1_577_836_800));
    }
}
