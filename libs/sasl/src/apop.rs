//! What proves a password in POP3's APOP: a digest of the greeting's time stamp and the password.
//!
//! The password stands behind the stamp, so that a server must keep it readable; nothing made from
//! it beforehand would do. What never happens here: a look-up, a comparison, a random number.

use crate::cram::{self, BEGIN};

/// In hexadecimal, "using lower-case ASCII characters" [rfc1939 7]. The stamp has its angle brackets.
pub fn apop_digest(stamp: &[u8], secret: &[u8]) -> String {
    let digest = cram::md5(BEGIN, 0, &[stamp, secret].concat());
    digest.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_standards_example() {
        // [rfc1939 7]
        assert_eq!(
            apop_digest(b"<1896.697170952@dbc.mtview.ca.us>", b"tanstaaf"),
            "c4c9334bac560ecc979e58001b3e22fb"
        );
    }
}
