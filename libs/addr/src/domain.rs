//! Domains: names in A-labels and lower case, or address literals.

use crate::Charset;
use crate::error::AddressError;
use crate::limits::{DOMAIN_BYTES, LABEL_BYTES};
use crate::literal::AddressLiteral;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use std::fmt;
use std::str::FromStr;

/// The longest name that the DNS can hold, without the root's dot [rfc1035 2.3.4].
const DNS_NAME_BYTES: usize = 253;

/// A DNS name: A-labels, lower case, no dot at the end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Domain(String);

impl Domain {
    /// ```text
    /// Domain     = sub-domain *("." sub-domain)
    /// sub-domain = Let-dig [Ldh-str]      ; [rfc5321 4.1.2]
    /// sub-domain =/ U-label               ; [rfc6531 3.3], with Charset::Utf8
    /// ```
    /// U-labels become A-labels [rfc5891 5], mapped as UTS 46 says.
    pub fn parse(text: &[u8], charset: Charset) -> Result<Domain, AddressError> {
        let text = charset.text(text)?;
        // a U-label has never more octets than four times those of its A-label
        if text.len() > DOMAIN_BYTES * 4 {
            return Err(AddressError::DomainTooLong);
        }
        let lower = text.to_ascii_lowercase();
        let name = if text.is_ascii() && !lower.contains("xn--") {
            lower
        } else {
            let ascii = Uts46::new().to_ascii(
                text.as_bytes(),
                AsciiDenyList::STD3,
                Hyphens::CheckFirstLast,
                DnsLength::Ignore,
            );
            ascii.map_err(|_| AddressError::Domain)?.into_owned()
        };
        if name.len() > DNS_NAME_BYTES {
            return Err(AddressError::DomainTooLong);
        }
        if !name.split('.').all(is_sub_domain) {
            return Err(AddressError::Domain);
        }
        Ok(Domain(name))
    }

    /// A-labels, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// U-labels, for people to read.
    pub fn to_unicode(&self) -> String {
        let (name, valid) = Uts46::new().to_unicode(
            self.0.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
        );
        if valid.is_ok() {
            name.into_owned()
        } else {
            self.0.clone()
        }
    }
}

fn is_sub_domain(label: &str) -> bool {
    (1..=LABEL_BYTES).contains(&label.len())
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Domain {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Domain, AddressError> {
        Domain::parse(text.as_bytes(), Charset::Utf8)
    }
}

impl TryFrom<&str> for Domain {
    type Error = AddressError;
    fn try_from(text: &str) -> Result<Domain, AddressError> {
        text.parse()
    }
}

/// What stands behind the `@` and in EHLO: a name or an address literal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Host {
    Name(Domain),
    Literal(AddressLiteral),
}

impl Host {
    pub fn parse(text: &[u8], charset: Charset) -> Result<Host, AddressError> {
        if text.starts_with(b"[") {
            AddressLiteral::parse(text).map(Host::Literal)
        } else {
            Domain::parse(text, charset).map(Host::Name)
        }
    }

    /// None for an address literal.
    pub fn domain(&self) -> Option<&Domain> {
        match self {
            Host::Name(domain) => Some(domain),
            Host::Literal(_) => None,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(domain) => domain.fmt(f),
            Host::Literal(literal) => literal.fmt(f),
        }
    }
}
