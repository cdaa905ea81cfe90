//! Every bound of this library, each with the RFC's minimum beside it.
//!
//! Bounds on time, logins and sessions are not here: a machine has no clock, the door keeps those.

/// A command line with its CRLF. Minimum (and maximum) 255 [rfc2449 4].
pub const COMMAND_LINE_BYTES: usize = 255;

/// An `AUTH` line or the answer to a challenge, with its CRLF. RFC 5034 leaves the length to the
/// mechanism; 12,288 is what RFC 4954 section 4 asks of SMTP, so that one bound serves all doors.
pub const AUTH_LINE_BYTES: usize = 12_288;

/// The first line of an answer with its CRLF. Maximum 512 [rfc2449 4].
pub const ANSWER_LINE_BYTES: usize = 512;

/// A header field that is held while the surrogate of a message is made. No minimum; a line of a
/// message has 1,000 octets at most.
pub const FIELD_BYTES: usize = 64 * 1024;

/// A unique-id: 1 to 70 characters from 0x21 to 0x7E [rfc1939 7].
pub const UNIQUE_ID_BYTES: usize = 70;

/// Ranges in a set of messages. No minimum; a line of 255 octets has room for fewer.
pub const RANGES: usize = 128;

/// Octets of a message from the client that one event brings.
pub const UPLOAD_BYTES: usize = 64 * 1024;
