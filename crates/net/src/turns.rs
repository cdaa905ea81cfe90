//! Turns: a session that has much to do lets the others in between. What never happens here: waiting
//! for anything.

use tokio::time::{Duration, Instant};

/// How long one session may go on while others wait.
const TURN: Duration = Duration::from_micros(500);
/// Steps after which a turn ends whatever the clock says, as where it stands still.
const TURN_STEPS: u32 = 128;

/// The turn of one session.
#[derive(Debug)]
pub struct Turns {
    begun: Instant,
    steps: u32,
}

impl Default for Turns {
    fn default() -> Turns {
        Turns {
            begun: Instant::now(),
            steps: 0,
        }
    }
}

impl Turns {
    /// The session has waited: a turn begins.
    pub fn begin(&mut self) {
        *self = Turns::default();
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
    async fn a_turn_ends_when_its_time_is_over() {
        let mut turns = Turns::default();
        tokio::time::advance(TURN).await;
        let other = tokio::spawn(async {});
        turns.pass().await;
        assert!(other.is_finished());
    }
}
