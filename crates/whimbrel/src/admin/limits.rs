//! A limit on everything that a client of the control socket can make grow. No logic here.

use std::time::Duration;

/// Connections at one time.
pub const CLIENTS: usize = 32;
/// Octets of one request; the longest names an alias with a thousand targets.
pub const REQUEST_BYTES: usize = 512 * 1024;
/// A client that says nothing for so long is let go.
pub const SILENCE: Duration = Duration::from_secs(300);
/// A client that does not take a reply within this time is let go.
pub const SLOWNESS: Duration = Duration::from_secs(30);
/// Log lines that wait for a slow follower; then the oldest are lost.
pub const WAITING_LINES: usize = 1_024;
/// Entries of the queue that are listed if nothing is said.
pub const LISTED_ENTRIES: usize = 100;
/// Messages that `why` tells of if nothing is said.
pub const LISTED_MESSAGES: usize = 10;
