//! What a server offers, as its answer to EHLO or LHLO says it.
//!
//! What never happens here: the use of an extension.
//!
//! ```abnf
//! ehlo-line    = ehlo-keyword *( SP ehlo-param )
//! ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
//! ehlo-param   = 1*(%d33-126)
//! ```

use crate::by;
use crate::reply::Reply;

/// The extensions that the client knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Extension {
    /// RFC 2920
    Pipelining,
    /// RFC 1870
    Size,
    /// RFC 6152
    EightBitMime,
    /// RFC 3030; means nothing without `Chunking`
    BinaryMime,
    /// RFC 3030
    Chunking,
    /// RFC 6531
    SmtpUtf8,
    /// RFC 3461
    Dsn,
    /// RFC 3207
    StartTls,
    /// RFC 4954
    Auth,
    /// RFC 8689
    RequireTls,
    /// RFC 2852
    DeliverBy,
    /// RFC 6710
    MtPriority,
}

/// All extensions with their keywords.
pub const EXTENSIONS: &[(Extension, &str)] = &[
    (Extension::Pipelining, "PIPELINING"),
    (Extension::Size, "SIZE"),
    (Extension::EightBitMime, "8BITMIME"),
    (Extension::BinaryMime, "BINARYMIME"),
    (Extension::Chunking, "CHUNKING"),
    (Extension::SmtpUtf8, "SMTPUTF8"),
    (Extension::Dsn, "DSN"),
    (Extension::StartTls, "STARTTLS"),
    (Extension::Auth, "AUTH"),
    (Extension::RequireTls, "REQUIRETLS"),
    (Extension::DeliverBy, "DELIVERBY"),
    (Extension::MtPriority, "MT-PRIORITY"),
];

/// The offered extensions. Nothing before the answer to EHLO, after HELO and after STARTTLS.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Capabilities {
    offered: Vec<Extension>,
    max_bytes: Option<u64>,
    least_by_s: Option<u32>,
    mechanisms: Vec<String>,
}

impl Capabilities {
    /// Reads the lines behind the first. Keywords that are not known, and lines that are none,
    /// mean nothing. [rfc5321 4.1.1.1]
    pub(crate) fn of(reply: &Reply) -> Capabilities {
        let mut capabilities = Capabilities::default();
        for line in reply.lines().iter().skip(1) {
            // what some servers of old said instead of `AUTH `
            let ends = |c: char| c == ' ' || c == '=';
            let (keyword, parameters) = line.split_once(ends).unwrap_or((line, ""));
            let known = EXTENSIONS
                .iter()
                .find(|(_, word)| word.eq_ignore_ascii_case(keyword));
            if let Some((extension, _)) = known {
                capabilities.add(*extension, parameters);
            }
        }
        // [rfc3030 3]
        if !capabilities.offers(Extension::Chunking) {
            capabilities
                .offered
                .retain(|offered| *offered != Extension::BinaryMime);
        }
        capabilities
    }

    fn add(&mut self, extension: Extension, parameters: &str) {
        if !self.offers(extension) {
            self.offered.push(extension);
        }
        let mut words = parameters.split(' ').filter(|word| !word.is_empty());
        match extension {
            // 0 and nothing: no fixed bound [rfc1870 4]
            Extension::Size => {
                let said = words.next().and_then(|word| word.parse().ok());
                self.max_bytes = said.filter(|bytes| *bytes > 0);
            }
            Extension::Auth => {
                let words = words.map(str::to_ascii_uppercase);
                self.mechanisms.extend(words);
            }
            Extension::DeliverBy => self.least_by_s = words.next().and_then(by::least_seconds),
            _ => {}
        }
    }

    pub fn offers(&self, extension: Extension) -> bool {
        self.offered.contains(&extension)
    }

    /// The largest message that is taken, where the server says one. [rfc1870 4]
    pub fn max_bytes(&self) -> Option<u64> {
        self.max_bytes
    }

    /// The least time that the server needs where a message is to come back if it is late, where it
    /// says one. [rfc2852 3]
    pub fn least_by_s(&self) -> Option<u32> {
        self.least_by_s
    }

    /// The SASL mechanisms in upper case, in the server's order. [rfc4954 3]
    pub fn mechanisms(&self) -> &[String] {
        &self.mechanisms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Capabilities {
        let lines = ["PIPELINING is my name"].iter().chain(lines);
        let reply = Reply::received(250, lines.map(|line| line.as_bytes().to_vec()).collect());
        Capabilities::of(&reply)
    }

    #[test]
    fn reads_keywords_in_any_case_and_passes_over_the_rest() {
        // [rfc5321 4.1.1.1 #3]
        let got = read(&["Size 1000", "8bitMime", "X-ODD a b", "", "chunking"]);
        assert_eq!(
            got.offered,
            [
                Extension::Size,
                Extension::EightBitMime,
                Extension::Chunking
            ]
        );
        assert_eq!(got.max_bytes(), Some(1_000));
    }

    #[test]
    fn a_size_of_nothing_is_no_bound() {
        // [rfc1870 4]
        for line in ["SIZE", "SIZE 0", "SIZE many", "SIZE 99999999999999999999"] {
            assert!(read(&[line]).offers(Extension::Size));
            assert_eq!(read(&[line]).max_bytes(), None, "{line}");
        }
    }

    #[test]
    fn reads_the_least_time_that_a_server_needs() {
        // [rfc2852 2] [rfc2852 3] [rfc6710 3]
        for (line, least) in [
            ("DELIVERBY", None),
            ("deliverby 240", Some(240)),
            ("DELIVERBY 30,x", Some(30)),
        ] {
            let got = read(&[line]);
            assert!(got.offers(Extension::DeliverBy), "{line}");
            assert_eq!(got.least_by_s(), least, "{line}");
        }
        assert!(read(&["MT-PRIORITY MIXER"]).offers(Extension::MtPriority));
    }

    #[test]
    fn reads_mechanisms_in_both_forms() {
        // [rfc4954 3]
        let got = read(&["AUTH PLAIN login", "AUTH=SCRAM-SHA-256"]);
        assert_eq!(got.mechanisms(), ["PLAIN", "LOGIN", "SCRAM-SHA-256"]);
    }

    #[test]
    fn binary_needs_chunks() {
        // [rfc3030 3]
        assert!(!read(&["BINARYMIME"]).offers(Extension::BinaryMime));
        assert!(read(&["BINARYMIME", "CHUNKING"]).offers(Extension::BinaryMime));
    }
}
