//! What a peer can make grow, with the minimum of the RFC beside it.

/// A command line with its CRLF. RFC minimum: 512, and with the MAIL parameters that we offer
/// (SIZE +26, BODY +16, SMTPUTF8 +10, AUTH +500, RET and ENVID +116) 1,180; with those of RCPT
/// (NOTIFY +28, ORCPT +501) 1,041. [rfc5321 4.5.3.1.4]
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

/// ESMTP parameters of one command. No RFC minimum; six are known.
pub const PARAMETERS: usize = 16;

/// The name of a SASL mechanism. RFC maximum: 20. [rfc4422 3.1]
pub const MECHANISM_BYTES: usize = 20;

/// How much of an unknown word or parameter is kept for the reply and the log.
pub const QUOTED_BYTES: usize = 32;
