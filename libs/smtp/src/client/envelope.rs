//! What is to be sent, and whether a server can be sent it.
//!
//! What never happens here: bytes, an order of commands.

use crate::client::capabilities::{Capabilities, Extension};
use crate::command::{BodyType, MailParameters, Protection, RcptParameters};
use crate::limits::ENVELOPE_RECIPIENTS;
use addr::{Charset, ForwardPath, ReversePath};
use std::fmt;

/// One message's envelope, as it was taken from the sender. What a server does not offer of DSN,
/// SIZE and AUTH is left out on the wire; what the message cannot go without is an `Unfit`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    pub from: ReversePath,
    /// `body` says what the content is: none and `SevenBit` promise that it is all ASCII.
    /// `charset` is `Utf8` if the header is not ASCII (an address above ASCII is seen here by
    /// itself).
    pub parameters: MailParameters,
    /// At least one, and at most `limits::ENVELOPE_RECIPIENTS`.
    pub recipients: Vec<Recipient>,
}

/// One RCPT.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recipient {
    pub to: ForwardPath,
    pub parameters: RcptParameters,
}

/// Why a message cannot be sent to this server as it is. Nothing was said to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// The server says how much it takes. [rfc1870 4]
    TooLarge { max_bytes: u64 },
    /// An address or the header is not ASCII, and SMTPUTF8 is not offered. [rfc6531 3.2]
    SmtpUtf8,
    /// The content is not ASCII, and 8BITMIME is not offered. [rfc6152 3]
    EightBitMime,
    /// The content is no lines, and BINARYMIME (with CHUNKING) is not offered. [rfc3030 3]
    BinaryMime,
    /// The message requires TLS all the way, and REQUIRETLS is not offered. [rfc8689 4.2.1]
    RequireTls,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::TooLarge { max_bytes } => write!(f, "server takes {max_bytes} octets at most"),
            Unfit::SmtpUtf8 => f.write_str("server does not offer SMTPUTF8"),
            Unfit::EightBitMime => f.write_str("server does not offer 8BITMIME"),
            Unfit::BinaryMime => f.write_str("server does not offer BINARYMIME"),
            Unfit::RequireTls => f.write_str("server does not offer REQUIRETLS"),
        }
    }
}

impl std::error::Error for Unfit {}

impl Envelope {
    /// What goes out with MAIL. [rfc5321 4.1.1.3]
    pub(crate) fn mail_parameters(&self, server: &Capabilities) -> Result<MailParameters, Unfit> {
        let asked = &self.parameters;
        let max_bytes = server.max_bytes().unwrap_or(u64::MAX);
        if asked.size_bytes.is_some_and(|bytes| bytes > max_bytes) {
            return Err(Unfit::TooLarge { max_bytes });
        }
        let charset = self.charset();
        if charset == Charset::Utf8 && !server.offers(Extension::SmtpUtf8) {
            return Err(Unfit::SmtpUtf8);
        }
        let mut sent = asked.clone();
        sent.charset = charset;
        match asked.body {
            Some(BodyType::BinaryMime) if !server.offers(Extension::BinaryMime) => {
                return Err(Unfit::BinaryMime);
            }
            Some(BodyType::EightBitMime) if !server.offers(Extension::EightBitMime) => {
                return Err(Unfit::EightBitMime);
            }
            Some(BodyType::SevenBit) if !server.offers(Extension::EightBitMime) => sent.body = None,
            _ => {}
        }
        if !server.offers(Extension::Size) {
            sent.size_bytes = None;
        }
        if !server.offers(Extension::Auth) || sent.auth.as_deref() == Some("") {
            sent.auth = None;
        }
        if !server.offers(Extension::Dsn) {
            (sent.ret, sent.envid) = (None, None);
        }
        if !server.offers(Extension::RequireTls) && asked.protection == Protection::Required {
            // a report that gets there says more than one that is lost [rfc8689 5]
            if self.from.address().is_some() {
                return Err(Unfit::RequireTls);
            }
            sent.protection = Protection::AsPublished;
        }
        Ok(sent)
    }

    /// What goes out with the RCPT of one recipient. [rfc3461 5.2.1]
    pub(crate) fn rcpt_parameters(&self, index: usize, server: &Capabilities) -> RcptParameters {
        if !server.offers(Extension::Dsn) {
            return RcptParameters::default();
        }
        let mut sent = self.recipients[index].parameters.clone();
        if self.charset() == Charset::Ascii {
            sent.orcpt = sent.orcpt.and_then(|orcpt| orcpt.in_ascii());
        }
        sent
    }

    /// Whether this needs SMTPUTF8. [rfc6531 3.4]
    pub(crate) fn charset(&self) -> Charset {
        let above_ascii = |address: Option<&addr::Address>| address.is_some_and(|a| a.needs_utf8());
        let any = above_ascii(self.from.address())
            || self.recipients.iter().any(|r| above_ascii(r.to.address()));
        match any {
            true => Charset::Utf8,
            false => self.parameters.charset,
        }
    }

    pub(crate) fn assert_bounds(&self) {
        assert!(
            (1..=ENVELOPE_RECIPIENTS).contains(&self.recipients.len()),
            "an envelope with {} recipients",
            self.recipients.len()
        );
    }
}
