//! Limits on what a neighbour can make grow.

/// One From_ line, its end included. No text says how long it may be; a path has 256 octets on the
/// wire [rfc5321 4.5.3.1.3], and Sendmail writes up to 800 for a sender.
pub const FROM_LINE_BYTES: usize = 2_048;

/// From_ lines before a message: one for each system on the way.
pub const FROM_LINES: usize = 64;

/// Messages of a batch that cannot be read, and are named to the neighbour.
pub const NAMED_MESSAGES: usize = 20;

/// What a batch may unpack to, and the most that is read of one.
pub const BATCH_BYTES: u64 = 256 * 1024 * 1024;
