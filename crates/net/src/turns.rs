//! Turns: a session that has much to do lets the others in between. What never happens here: a
//! timer.

use std::future::poll_fn;
use std::pin::pin;
use tokio::time::{Duration, Instant};

/// How long one session may go on while others wait.
const TURN: Duration = Duration::from_micros(500);
/// Steps after which a turn ends whatever the clock says, as where it stands still.
const TURN_STEPS: u32 = 128;

/// Small steps that count as one.
const SMALL_STEPS: u32 = 16;

/// The turn of one session.
#[derive(Debug)]
pub struct Turns {
    begun: Instant,
    steps: u32,
    small: u32,
}

impl Default for Turns {
    fn default() -> Turns {
        Turns {
            begun: Instant::now(),
            steps: 0,
            small: 0,
        }
    }
}

impl Turns {
    /// Waits for something, as for what the peer says. Then a turn begins, unless it was there
    /// already: a peer that always has more to say does not make the turn longer.
    pub async fn wait<T>(&mut self, work: impl Future<Output = T>) -> T {
        let (mut work, mut has_waited) = (pin!(work), false);
        let done = poll_fn(|cx| {
            let polled = work.as_mut().poll(cx);
            has_waited |= polled.is_pending();
            polled
        });
        let done = done.await;
        if has_waited {
            self.begin();
        }
        done
    }

    fn begin(&mut self) {
        *self = Turns::default();
    }

    /// After a small step, of which there are many: looks at the clock only now and then.
    pub async fn step(&mut self) {
        self.small += 1;
        if self.small == SMALL_STEPS {
            self.small = 0;
            self.pass().await;
        }
    }

    /// After a step of some work: lets the others have their turn if this one was long.
    pub async fn pass(&mut self) {
        self.steps += 1;
        if self.steps < TURN_STEPS && self.begun.elapsed() < TURN {
            return;
        }
        tokio::task::yield_now().await;
        self.begin();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test(start_paused = true)]
    async fn others_have_their_turn_though_the_clock_stands_still() {
        let seen = Arc::new(AtomicU32::new(0));
        let other = tokio::spawn({
            let seen = seen.clone();
            async move { seen.fetch_add(1, Ordering::Relaxed) }
        });
        let mut turns = Turns::default();
        for _ in 0..TURN_STEPS - 1 {
            turns.pass().await;
        }
        assert_eq!(seen.load(Ordering::Relaxed), 0);
        turns.pass().await;
        assert_eq!(seen.load(Ordering::Relaxed), 1);
        other.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_there_already_makes_no_turn_longer() {
        let mut turns = Turns::default();
        tokio::time::advance(TURN).await;
        turns.wait(std::future::ready(())).await;
        let other = tokio::spawn(async {});
        turns.pass().await;
        assert!(other.is_finished());

        turns.wait(tokio::time::sleep(TURN)).await;
        let other = tokio::spawn(async {});
        turns.pass().await;
        assert!(!other.is_finished(), "it has waited, so a turn has begun");
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_ends_when_its_time_is_over() {
        let mut turns = Turns::default();
        tokio::time::advance(TURN).await;
        let other = tokio::spawn(async {});
        turns.pass().await;
        assert!(other.is_finished());
    }
}
