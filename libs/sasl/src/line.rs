//! How an exchange stands on the wire of SMTP, IMAP and POP3: lines of base64.
//!
//! Strict: no white space, canonical padding, and a bound before anything is decoded.

use crate::exchange::Failure;
use crate::limits::LINE_BYTES;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Base64 of a challenge.
pub fn encode(challenge: &[u8]) -> String {
    STANDARD.encode(challenge)
}

/// A client's line without its line end.
///
/// ```text
/// response = base64 / "*"        ; * cancels [rfc4954 4] [rfc9051 6.2.2] [rfc5034 4]
/// ```
pub(crate) fn decode(line: &[u8]) -> Result<Vec<u8>, Failure> {
    if line == b"*" {
        return Err(Failure::Cancelled);
    }
    if line.len() > LINE_BYTES {
        return Err(Failure::TooLong);
    }
    STANDARD.decode(line).map_err(|_| Failure::BadBase64)
}

/// The initial response that follows a mechanism's name.
///
/// ```text
/// initial-response = base64 / "="    ; = is an empty one [rfc4954 4] [rfc9051 6.2.2] [rfc5034 4]
/// ```
pub(crate) fn decode_initial(word: &[u8]) -> Result<Vec<u8>, Failure> {
    match word {
        b"=" => Ok(Vec::new()),
        // a command cannot be cancelled by its own argument
        b"*" | b"" => Err(Failure::BadBase64),
        _ => decode(word),
    }
}
