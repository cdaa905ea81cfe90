//! What is to be sent, and whether a server can be sent it.
//!
//! What never happens here: bytes, an order of commands.

use crate::by::ByMode;
use crate::client::capabilities::{Capabilities, Extension};
use crate::command::{BodyType, MailParameters, Protection, RcptParameters};
use crate::dsn::Notify;
use crate::limits::ENVELOPE_RECIPIENTS;
use addr::{Charset, ForwardPath, ReversePath};
use std::fmt;

/// One message's envelope, as it was taken from the sender. What a server does not offer of DSN,
/// SIZE, AUTH and MT-PRIORITY is left out on the wire; what the message cannot go without is an
/// `Unfit`. How long it is to be held is a matter between its sender and whoever took it first, and
/// is never said. [rfc4865 3]
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
    /// It is to come back if it is late, and DELIVERBY is not offered. [rfc2852 4.1.4.1]
    DeliverBy,
    /// The server needs so much time, and less is left. [rfc2852 4.1.4.1]
    TooLittleTime { least_s: u32 },
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::TooLarge { max_bytes } => write!(f, "server takes {max_bytes} octets at most"),
            Unfit::SmtpUtf8 => f.write_str("server does not offer SMTPUTF8"),
            Unfit::EightBitMime => f.write_str("server does not offer 8BITMIME"),
            Unfit::BinaryMime => f.write_str("server does not offer BINARYMIME"),
            Unfit::RequireTls => f.write_str("server does not offer REQUIRETLS"),
            Unfit::DeliverBy => f.write_str(
                "server does not offer DELIVERBY, so nobody knows that it delivers in time",
            ),
            Unfit::TooLittleTime { least_s } => {
                write!(
                    f,
                    "less time is left than the {least_s} s that the server needs"
                )
            }
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
        sent.hold = None;
        if !server.offers(Extension::MtPriority) {
            sent.priority = None; // [rfc6710 4.3]
        }
        self.in_time(server)?;
        if !server.offers(Extension::DeliverBy) {
            sent.by = None;
        }
        Ok(sent)
    }

    /// Whether the server is one for a message that comes back if it is late. [rfc2852 4.1.4.1]
    fn in_time(&self, server: &Capabilities) -> Result<(), Unfit> {
        let Some(by) = self.parameters.by.filter(|by| by.mode == ByMode::Return) else {
            return Ok(());
        };
        if !server.offers(Extension::DeliverBy) {
            return Err(Unfit::DeliverBy);
        }
        let least_s = server.least_by_s().unwrap_or(1).max(1);
        match i64::from(by.seconds) < i64::from(least_s) {
            true => Err(Unfit::TooLittleTime { least_s }),
            false => Ok(()),
        }
    }

    /// Whether the server has to tell of delay because it knows nothing of the time: then whoever
    /// wants to hear of anything hears of delay. [rfc2852 4.1.4.2]
    fn watches_for_us(&self, server: &Capabilities) -> bool {
        let by = self.parameters.by;
        let is_in_time = by.is_some_and(|by| by.mode == ByMode::Notify && by.seconds > 0);
        is_in_time && !server.offers(Extension::DeliverBy)
    }

    /// What goes out with the RCPT of one recipient. [rfc3461 5.2.1]
    pub(crate) fn rcpt_parameters(&self, index: usize, server: &Capabilities) -> RcptParameters {
        if !server.offers(Extension::Dsn) {
            return RcptParameters::default();
        }
        let mut sent = self.recipients[index].parameters.clone();
        if self.watches_for_us(server) {
            sent.notify = Some(Notify::and_delay(sent.notify));
        }
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
