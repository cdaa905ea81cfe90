//! A bound for everything that a client can make grow in a session, each with what the RFCs ask
//! for beside it. What a command may be is bounded in `imap::limits`.

/// Wrong passwords in one session. RFC 3501 sets no minimum.
pub const FAILED_LOGINS: u32 = 3;
/// Commands in a row that are answered BAD. RFC 3501 sets no minimum.
pub const BAD_COMMANDS: u32 = 10;
/// Output that waits in memory before it is written. RFC 2683 section 3.4.10.1 leaves it to us.
pub const OUTPUT_BYTES: usize = 64 * 1024;
/// One write to the connection; it is the unit of the clock for slow readers.
pub const WRITE_BYTES: usize = 16 * 1024;
/// One read of a message's octets.
pub const CONTENT_BYTES: usize = 64 * 1024;
/// Messages of which records are in memory at one time.
pub const BATCH_MESSAGES: usize = 200;
/// Messages that one change of flags touches before its answers are written.
pub const STORE_MESSAGES: usize = mail::limits::FLAG_MESSAGES;
/// Keywords that these messages may have together: they are in memory until the client has read.
pub const STORE_KEYWORDS: usize = 32 * 1024;
/// Ranges of UIDs in one VANISHED response; what is beyond comes in another.
pub const VANISHED_RANGES: usize = 1_000;
/// Messages of one APPEND that wait in memory for the last one; what comes beyond waits in files.
pub const APPEND_WAITING_BYTES: u64 = 1024 * 1024;
/// How much of a header HEADER.FIELDS and SEARCH look at; fields beyond are not found.
/// Each session may hold it three times (as read, as chosen, as waiting for the client).
pub const HEADER_BYTES: usize = 256 * 1024;
/// How much of one message's text parts and inner headers (still encoded) SEARCH looks at.
pub const SEARCH_PART_BYTES: usize = 8 * 1024 * 1024;
/// Reads of the change log for MODSEQ keys of one SEARCH; further keys ask each message.
pub const SEARCH_LOG_READS: u32 = 2;
/// Searches that read texts at one time, in all sessions together.
pub const TEXT_SEARCHES: usize = 4;
