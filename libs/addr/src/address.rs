//! Mailbox addresses.

use crate::Charset;
use crate::domain::{Domain, Host};
use crate::error::AddressError;
use crate::limits::ADDRESS_BYTES;
use crate::local::LocalPart;
use std::fmt;
use std::str::FromStr;

/// A mailbox address. Display is the wire form `local@host`. Two addresses are equal if their local
/// parts are the same to the letter; whoever looks for a mailbox compares `key()`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address {
    local: LocalPart,
    host: Host,
}

impl Address {
    /// Fails if the whole would not fit into a path.
    pub fn new(local: LocalPart, host: Host) -> Result<Address, AddressError> {
        let address = Address { local, host };
        if address.to_string().len() > ADDRESS_BYTES {
            return Err(AddressError::AddressTooLong);
        }
        Ok(address)
    }

    /// A text that is `local@host` and nothing else, without angle brackets.
    ///
    /// ```text
    /// Mailbox = Local-part "@" ( Domain / address-literal )    ; [rfc5321 4.1.2]
    /// ```
    pub fn parse(text: &[u8], charset: Charset) -> Result<Address, AddressError> {
        match Address::take(text, charset)? {
            (address, len) if len == text.len() => Ok(address),
            _ => Err(AddressError::Trailing),
        }
    }

    /// Reads an address from the front of a text; gives its length on the wire as well.
    pub(crate) fn take(text: &[u8], charset: Charset) -> Result<(Address, usize), AddressError> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let (local, at) = LocalPart::take(text, charset)?;
        match text.get(at) {
            Some(b'@') => {}
            Some(b'>') | None => return Err(AddressError::NoAt),
            Some(_) => return Err(AddressError::LocalPart),
        }
        let (host, len) = take_host(&text[at + 1..], charset)?;
        Ok((Address::new(local, host)?, at + 1 + len))
    }

    pub fn local(&self) -> &LocalPart {
        &self.local
    }

    pub fn host(&self) -> &Host {
        &self.host
    }

    /// None for an address literal.
    pub fn domain(&self) -> Option<&Domain> {
        self.host.domain()
    }

    /// The form for look-up: local part in lower case, quoted only if needed; domain in A-labels.
    pub fn key(&self) -> String {
        format!("{}@{}", self.local.key(), self.host)
    }

    /// `user+detail@…` has the detail `detail`.
    pub fn detail(&self) -> Option<&str> {
        self.local.split_detail().map(|(_, detail)| detail)
    }

    /// The address with `+detail` taken off; itself if there is none.
    pub fn without_detail(&self) -> Address {
        let local = match self.local.split_detail() {
            Some((user, _)) => self.local.part(user),
            None => self.local.clone(),
        };
        Address {
            local,
            host: self.host.clone(),
        }
    }

    /// True if it can be sent only under SMTPUTF8.
    pub fn needs_utf8(&self) -> bool {
        !self.local.as_str().is_ascii()
    }
}

/// Reads what can stand behind an `@`, up to an octet that cannot be part of it.
pub(crate) fn take_host(text: &[u8], charset: Charset) -> Result<(Host, usize), AddressError> {
    let len = if text.starts_with(b"[") {
        text.iter()
            .position(|&b| b == b']')
            .map(|at| at + 1)
            .ok_or(AddressError::Literal)?
    } else {
        let ends = |&b: &u8| matches!(b, b'>' | b',' | b':' | 0..=b' ');
        text.iter().position(ends).unwrap_or(text.len())
    };
    Host::parse(&text[..len], charset).map(|host| (host, len))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.host)
    }
}

impl FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Address, AddressError> {
        Address::parse(text.as_bytes(), Charset::Utf8)
    }
}

impl TryFrom<&str> for Address {
    type Error = AddressError;
    fn try_from(text: &str) -> Result<Address, AddressError> {
        text.parse()
    }
}
