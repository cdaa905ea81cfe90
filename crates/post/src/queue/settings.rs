//! What an operator may set about the queue. Each with the value it has when nothing is said.

use crate::limits;
use net::time::Duration;

/// The settings of the queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueSettings {
    /// Entries that may wait; what comes beyond is put off at the door.
    pub max_entries: usize,
    /// How long a message is tried. RFC advice: 4 to 5 days. [rfc5321 4.5.4.1]
    pub lifetime: Duration,
    /// After which the sender hears that it takes long; zero: never.
    pub delay_notice: Duration,
    /// No attempt is further away, but what its sender wants to wait: a row that says so was written
    /// before the clock was set back.
    pub longest_wait: Duration,
    /// Attempts at one time.
    pub attempts: usize,
}

impl Default for QueueSettings {
    fn default() -> QueueSettings {
        QueueSettings {
            max_entries: limits::QUEUE_ENTRIES,
            lifetime: Duration::from_secs(5 * 24 * 3600),
            delay_notice: Duration::from_secs(4 * 3600),
            longest_wait: Duration::from_secs(4 * 3600),
            attempts: limits::ATTEMPTS,
        }
    }
}
