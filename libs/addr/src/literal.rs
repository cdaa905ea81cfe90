//! Address literals: `[192.0.2.1]`, `[IPv6:2001:db8::1]`, `[tag:content]`.

use crate::error::AddressError;
use crate::limits::DOMAIN_BYTES;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host named by its address [rfc5321 4.1.3].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AddressLiteral {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    /// A kind of address that a later standard names.
    General {
        tag: String,
        content: String,
    },
}

impl AddressLiteral {
    /// ```text
    /// address-literal  = "[" ( IPv4-address-literal / IPv6-address-literal /
    ///                    General-address-literal ) "]"
    /// IPv4-address-literal    = Snum 3("." Snum)
    /// IPv6-address-literal    = "IPv6:" IPv6-addr
    /// General-address-literal = Standardized-tag ":" 1*dcontent
    /// Standardized-tag        = Ldh-str
    /// dcontent                = %d33-90 / %d94-126
    /// ```
    /// [rfc5321 4.1.3] Numbers with leading zeros are refused: some read them as octal.
    pub fn parse(text: &[u8]) -> Result<AddressLiteral, AddressError> {
        if text.len() > DOMAIN_BYTES {
            return Err(AddressError::DomainTooLong);
        }
        let inner = text
            .strip_prefix(b"[")
            .and_then(|text| text.strip_suffix(b"]"));
        let inner = inner.and_then(|inner| std::str::from_utf8(inner).ok());
        inner.and_then(parse_inner).ok_or(AddressError::Literal)
    }

    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            AddressLiteral::V4(v4) => Some(IpAddr::V4(*v4)),
            AddressLiteral::V6(v6) => Some(IpAddr::V6(*v6)),
            AddressLiteral::General { .. } => None,
        }
    }
}

fn parse_inner(inner: &str) -> Option<AddressLiteral> {
    let Some((tag, content)) = inner.split_once(':') else {
        return inner.parse().ok().map(AddressLiteral::V4);
    };
    if tag.eq_ignore_ascii_case("IPv6") {
        return content.parse().ok().map(AddressLiteral::V6);
    }
    let ldh = tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let dcontent = content.bytes().all(|b| matches!(b, 33..=90 | 94..=126));
    let good = ldh && dcontent && !tag.is_empty() && !tag.ends_with('-') && !content.is_empty();
    good.then(|| AddressLiteral::General {
        tag: tag.to_owned(),
        content: content.to_owned(),
    })
}

impl fmt::Display for AddressLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressLiteral::V4(v4) => write!(f, "[{v4}]"),
            AddressLiteral::V6(v6) => write!(f, "[IPv6:{v6}]"),
            AddressLiteral::General { tag, content } => write!(f, "[{tag}:{content}]"),
        }
    }
}
