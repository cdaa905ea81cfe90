//! What a peer can make grow, with the minimum of the RFC beside it.

/// A command line with its CRLF. RFC minimum: 512, and with the MAIL parameters that we offer
/// (SIZE +26, BODY +16, SMTPUTF8 +10, AUTH +500, RET and ENVID +116, REQUIRETLS +11, HOLDFOR or
/// HOLDUNTIL +34, BY +17, MT-PRIORITY +15) 1,257; with those of RCPT
/// (NOTIFY +28, ORCPT +501) 1,041. [rfc5321 4.5.3.1.4] [rfc4865 3] [rfc2852 2] [rfc6710 3]
pub const COMMAND_LINE_BYTES: usize = 2_048;

/// An AUTH command or a line of its exchange. RFC minimum: 12,288 of base64, to which command
/// word, mechanism and CRLF are added. [rfc4954 4.5]
pub const AUTH_LINE_BYTES: usize = 12_288 + 34;

/// The name in EHLO or HELO. RFC minimum: 255. [rfc5321 4.5.3.1.2]
pub const CLIENT_NAME_BYTES: usize = 255;

/// A line of the message content with its CRLF. RFC minimum: 1,000. Mail with longer lines is not
/// rare (generated HTML, JSON), so far longer ones are kept as they are; what reads a message
/// streams it and does not care. [rfc5321 4.5.3.1.6]
pub const DATA_LINE_BYTES: u64 = 1024 * 1024;

/// A reply line with its CRLF; RFC maximum: 512. [rfc5321 4.5.3.1.5]
pub const REPLY_LINE_BYTES: usize = 512;

/// The value of ENVID=. RFC maximum: 100. [rfc3461 4.4]
pub const ENVID_BYTES: usize = 100;

/// The value of ORCPT=. RFC maximum: 500. [rfc3461 4.2]
pub const ORCPT_BYTES: usize = 500;

/// The value of HOLDUNTIL=. RFC maximum: 23. [rfc4865 3]
pub const DATE_TIME_BYTES: usize = 40;

/// ESMTP parameters of one command. No RFC minimum; ten are known.
pub const PARAMETERS: usize = 16;

/// The name of a SASL mechanism. RFC maximum: 20. [rfc4422 3.1]
pub const MECHANISM_BYTES: usize = 20;

/// How much of an unknown word or parameter is kept for the reply and the log.
pub const QUOTED_BYTES: usize = 32;

/// A line of a server's reply with its CRLF, as the client reads it. RFC maximum: 512, which some
/// servers exceed with long texts. [rfc5321 4.5.3.1.5]
pub const RECEIVED_LINE_BYTES: usize = 2_048;

/// The same for a challenge of an AUTH exchange. RFC minimum: 12,288 of base64. [rfc4954 4]
pub const CHALLENGE_LINE_BYTES: usize = 12_288 + 6;

/// All lines of one reply. No RFC has a bound; the longest answers to EHLO have about 1,000.
pub const RECEIVED_REPLY_BYTES: usize = 16 * 1_024;

/// How much text of a reply is kept for the record and the report.
pub const KEPT_REPLY_BYTES: usize = 2_048;

/// Recipients of one transaction of the client. RFC minimum of what a server takes: 100; one that
/// takes fewer than it is given refuses those behind with 452. [rfc5321 4.5.3.1.8]
pub const ENVELOPE_RECIPIENTS: usize = 1_000;

/// An AUTH command of the client with its initial response and CRLF; a longer response follows as
/// a line of its own. [rfc4954 4]
pub const AUTH_COMMAND_BYTES: usize = 512;

/// Content that waits in the client, and the size of a chunk of BDAT.
pub const CONTENT_BYTES: usize = 64 * 1_024;

/// Chunks whose replies may be awaited at once, where PIPELINING is offered.
pub const CHUNKS_AHEAD: usize = 4;

// How long the client waits. All are minimums of the RFC, and a caller may wait longer.

/// For the greeting. [rfc5321 4.5.3.2.1]
pub const GREETING_TIMEOUT_S: u64 = 5 * 60;
/// For the answers to EHLO, HELO, STARTTLS, AUTH and RSET, of which the RFC has none of its own; as
/// for MAIL.
pub const COMMAND_TIMEOUT_S: u64 = 5 * 60;
/// For the answer to MAIL. [rfc5321 4.5.3.2.2]
pub const MAIL_TIMEOUT_S: u64 = 5 * 60;
/// For the answer to RCPT. [rfc5321 4.5.3.2.3]
pub const RCPT_TIMEOUT_S: u64 = 5 * 60;
/// For the 354. [rfc5321 4.5.3.2.4]
pub const DATA_TIMEOUT_S: u64 = 2 * 60;
/// For each write of content, and the answer to a chunk that is not the last. [rfc5321 4.5.3.2.5]
pub const CONTENT_TIMEOUT_S: u64 = 3 * 60;
/// For the answer to the end of the content: who gives up too early sends twice.
/// [rfc5321 4.5.3.2.6]
pub const CONTENT_END_TIMEOUT_S: u64 = 10 * 60;
/// For the answer to QUIT. The RFC has none; nothing depends on it.
pub const QUIT_TIMEOUT_S: u64 = 30;
