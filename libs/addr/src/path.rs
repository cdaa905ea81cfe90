//! The paths of MAIL FROM and RCPT TO, between angle brackets.
//!
//! A source route is read and told apart; whether it is ignored or refused is the caller's matter.

use crate::Charset;
use crate::address::{Address, take_host};
use crate::domain::Host;
use crate::error::AddressError;
use crate::limits::PATH_BYTES;
use std::fmt;

const POSTMASTER: &[u8] = b"postmaster";

/// MAIL FROM. Display is the wire form with angle brackets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ReversePath {
    /// `<>`: nobody wants to hear of failures.
    Null,
    Address(Address),
}

/// RCPT TO. Display is the wire form with angle brackets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ForwardPath {
    Address(Address),
    /// `<postmaster>` in any case, without a domain [rfc5321 2.3.5] [rfc5321 4.1.1.3].
    Postmaster,
}

/// A path read from the front of a longer text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taken<P> {
    pub path: P,
    /// The hops of a source route `@a,@b:`; empty if there was none. [rfc5321 C]
    pub route: Vec<Host>,
    /// How many octets of the text the path took, `>` included.
    pub len: usize,
}

impl ReversePath {
    /// Reads `<…>` from the front of a text; parameters may follow.
    ///
    /// ```text
    /// Reverse-path = Path / "<>"    ; [rfc5321 4.1.2]
    /// ```
    pub fn take(text: &[u8], charset: Charset) -> Result<Taken<ReversePath>, AddressError> {
        if text.starts_with(b"<>") {
            return Ok(Taken {
                path: ReversePath::Null,
                route: Vec::new(),
                len: 2,
            });
        }
        take_path(text, charset, |inner| {
            take_address(inner, charset, ReversePath::Address)
        })
    }

    /// A text that is the path and nothing else; a source route is an error.
    pub fn parse(text: &[u8], charset: Charset) -> Result<ReversePath, AddressError> {
        whole(ReversePath::take(text, charset)?, text)
    }

    /// None for the null path.
    pub fn address(&self) -> Option<&Address> {
        match self {
            ReversePath::Null => None,
            ReversePath::Address(address) => Some(address),
        }
    }
}

impl ForwardPath {
    /// Reads `<…>` from the front of a text; parameters may follow.
    ///
    /// ```text
    /// Forward-path = Path
    /// rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) …
    /// ```
    /// [rfc5321 4.1.1.3] [rfc5321 4.1.2]
    pub fn take(text: &[u8], charset: Charset) -> Result<Taken<ForwardPath>, AddressError> {
        take_path(text, charset, |inner| {
            let name = inner.get(..POSTMASTER.len());
            let is_postmaster = name.is_some_and(|name| name.eq_ignore_ascii_case(POSTMASTER));
            if is_postmaster && inner.get(POSTMASTER.len()) == Some(&b'>') {
                return Ok((ForwardPath::Postmaster, POSTMASTER.len()));
            }
            take_address(inner, charset, ForwardPath::Address)
        })
    }

    /// A text that is the path and nothing else; a source route is an error.
    pub fn parse(text: &[u8], charset: Charset) -> Result<ForwardPath, AddressError> {
        whole(ForwardPath::take(text, charset)?, text)
    }

    /// None for `<postmaster>`.
    pub fn address(&self) -> Option<&Address> {
        match self {
            ForwardPath::Postmaster => None,
            ForwardPath::Address(address) => Some(address),
        }
    }
}

/// ```text
/// Path      = "<" [ A-d-l ":" ] Mailbox ">"
/// A-d-l     = At-domain *( "," At-domain )
/// At-domain = "@" Domain
/// ```
/// [rfc5321 4.1.2]
fn take_path<P>(
    text: &[u8],
    charset: Charset,
    mailbox: impl Fn(&[u8]) -> Result<(P, usize), AddressError>,
) -> Result<Taken<P>, AddressError> {
    let inner = text.strip_prefix(b"<").ok_or(AddressError::NoAngle)?;
    let (route, route_len) = take_route(inner, charset)?;
    let (path, len) = mailbox(&inner[route_len..])?;
    let len = 1 + route_len + len;
    match text.get(len) {
        Some(b'>') if len < PATH_BYTES => Ok(Taken {
            path,
            route,
            len: len + 1,
        }),
        Some(b'>') => Err(AddressError::PathTooLong),
        _ => Err(AddressError::NoAngle),
    }
}

fn take_route(inner: &[u8], charset: Charset) -> Result<(Vec<Host>, usize), AddressError> {
    let mut route = Vec::new();
    let mut at = 0;
    while inner.get(at) == Some(&b'@') {
        let (host, len) = take_host(&inner[at + 1..], charset)?;
        route.push(host);
        at += 1 + len;
        match inner.get(at) {
            Some(b':') => return Ok((route, at + 1)),
            Some(b',') if inner.get(at + 1) == Some(&b'@') => at += 1,
            _ => return Err(AddressError::LocalPart),
        }
        if at > PATH_BYTES {
            return Err(AddressError::PathTooLong);
        }
    }
    Ok((route, 0))
}

fn take_address<P>(
    inner: &[u8],
    charset: Charset,
    wrap: impl Fn(Address) -> P,
) -> Result<(P, usize), AddressError> {
    if inner.first() == Some(&b'>') {
        return Err(AddressError::Empty);
    }
    Address::take(inner, charset).map(|(address, len)| (wrap(address), len))
}

fn whole<P>(taken: Taken<P>, text: &[u8]) -> Result<P, AddressError> {
    if taken.len != text.len() {
        Err(AddressError::Trailing)
    } else if !taken.route.is_empty() {
        Err(AddressError::SourceRoute)
    } else {
        Ok(taken.path)
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReversePath::Null => f.write_str("<>"),
            ReversePath::Address(address) => write!(f, "<{address}>"),
        }
    }
}

impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ForwardPath::Postmaster => f.write_str("<postmaster>"),
            ForwardPath::Address(address) => write!(f, "<{address}>"),
        }
    }
}
