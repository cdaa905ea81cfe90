//! What a peer can make grow or last, with the minimum of the RFC beside it.

use std::time::Duration;

/// For the next command. RFC minimum: 5 minutes. [rfc5321 4.5.3.2.7]
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// For the next piece of content. RFC minimum: 3 minutes. [rfc5321 4.5.3.2.5]
pub const DATA_BLOCK_TIMEOUT: Duration = Duration::from_secs(3 * 60);
/// For the whole content; each `DATA_OCTETS_A_SECOND` that came add a second.
pub const DATA_START_TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// A client that stays slower than this is only holding a place. No RFC minimum.
pub const DATA_OCTETS_A_SECOND: u64 = 512;
/// For the whole session; looked at between messages. No RFC minimum.
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// For our last words to a client that may not read.
pub const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(1);

/// MAIL commands of one session; announced as MAILMAX. No RFC minimum. [rfc9422 4.1]
pub const TRANSACTIONS: u32 = 10_000;
/// Lines of one session that are no command, or not now, before it is ended.
pub const BAD_COMMANDS: u32 = 10;
/// Refused recipients of one session before it is ended: somebody is guessing names.
pub const REFUSED_RECIPIENTS: u32 = 100;
/// Wrong passwords of one session before it is ended.
pub const FAILED_LOGINS: u32 = 3;
/// Replies that wait to be written, before they are written in the middle of a group.
pub const OUTPUT_BYTES: usize = 16 * 1024;
