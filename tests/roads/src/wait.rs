//! Waiting for what another program does.
//!
//! What never happens here: waiting without a condition and an end.

use std::time::{Duration, Instant};

/// Long enough for a busy machine; a test that passes never waits for it.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at that nothing announces.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// The first answer; a panic that says what did not come.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::park_timeout(LOOK_EVERY);
    }
}
