//! Mailbox addresses: domains, local parts, SMTP paths, and the address lists of header fields.
//!
//! Bytes in, values out; every value is valid by construction. What never happens here: I/O, DNS,
//! a decision whether an address exists.
#![forbid(unsafe_code)]
#![allow(clippy::todo, unused_variables)]

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which octets the other side may use: plain SMTP has ASCII, SMTPUTF8 has UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Charset {
    Ascii,
    Utf8,
}

/// What is wrong with an address; Display is a short English text that is safe to show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressError {
    Empty,
    NoAt,
    LocalPart,
    LocalPartTooLong,
    Domain,
    DomainTooLong,
    Literal,
    NotAscii,
    NotUtf8,
    PathTooLong,
    NoAngle,
    Trailing,
    SourceRoute,
}
impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
impl std::error::Error for AddressError {}

/// A DNS name: A-labels, lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Domain(String);
impl Domain {
    pub fn parse(text: &[u8], charset: Charset) -> Result<Domain, AddressError> {
        todo!()
    }
    /// A-label form, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// U-label form, for people.
    pub fn to_unicode(&self) -> String {
        todo!()
    }
}
impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::str::FromStr for Domain {
    type Err = AddressError;
    fn from_str(s: &str) -> Result<Self, AddressError> {
        Domain::parse(s.as_bytes(), Charset::Utf8)
    }
}
impl TryFrom<&str> for Domain {
    type Error = AddressError;
    fn try_from(s: &str) -> Result<Self, AddressError> {
        s.parse()
    }
}

/// `[1.2.3.4]`, `[IPv6:…]`, `[tag:…]` [rfc5321 4.1.3]
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AddressLiteral {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    General { tag: String, content: String },
}
impl AddressLiteral {
    pub fn parse(text: &[u8]) -> Result<AddressLiteral, AddressError> {
        todo!()
    }
    pub fn ip(&self) -> Option<IpAddr> {
        todo!()
    }
}
impl fmt::Display for AddressLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
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
        todo!()
    }
    pub fn domain(&self) -> Option<&Domain> {
        todo!()
    }
}
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

/// The part before the `@`, without quotes; Display adds quotes where they are needed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LocalPart(String);
impl LocalPart {
    /// Dot-string or quoted-string.
    pub fn parse(text: &[u8], charset: Charset) -> Result<LocalPart, AddressError> {
        todo!()
    }
    /// The content, without quotes and escapes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Lower case, quoted only if needed.
    pub fn key(&self) -> String {
        todo!()
    }
}
impl fmt::Display for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

/// A mailbox address. Display is the wire form `local@host`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address {
    local: LocalPart,
    host: Host,
}
impl Address {
    pub fn new(local: LocalPart, host: Host) -> Result<Address, AddressError> {
        todo!()
    }
    /// `local@host`, without angle brackets.
    pub fn parse(text: &[u8], charset: Charset) -> Result<Address, AddressError> {
        todo!()
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
    /// The form for look-up: local part lower case, quoted only if needed, domain in A-labels.
    pub fn key(&self) -> String {
        todo!()
    }
    /// `user+detail@…` has the detail `detail`; nothing before the `+` is no detail.
    pub fn detail(&self) -> Option<&str> {
        todo!()
    }
    /// The address with `+detail` taken off (itself if there is none).
    pub fn without_detail(&self) -> Address {
        todo!()
    }
    /// True if SMTPUTF8 is needed to send it.
    pub fn needs_utf8(&self) -> bool {
        todo!()
    }
}
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.host)
    }
}
impl std::str::FromStr for Address {
    type Err = AddressError;
    fn from_str(s: &str) -> Result<Self, AddressError> {
        Address::parse(s.as_bytes(), Charset::Utf8)
    }
}
impl TryFrom<&str> for Address {
    type Error = AddressError;
    fn try_from(s: &str) -> Result<Self, AddressError> {
        s.parse()
    }
}

/// MAIL FROM. Display is the wire form with angle brackets.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ReversePath {
    Null,
    Address(Address),
}
/// RCPT TO. `Postmaster` is `<postmaster>` without a domain [rfc5321 4.1.1.3].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ForwardPath {
    Address(Address),
    Postmaster,
}
/// A path taken from the front of a longer text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taken<P> {
    pub path: P,
    /// The hops of a source route `@a,@b:`; empty if there was none. [rfc5321 appendix C]
    pub route: Vec<Host>,
    /// How many octets of the text the path took, `>` included.
    pub len: usize,
}
impl ReversePath {
    /// Reads `<…>` from the front of `text`; parameters may follow.
    pub fn take(text: &[u8], charset: Charset) -> Result<Taken<ReversePath>, AddressError> {
        todo!()
    }
    /// Reads a text that is the path and nothing else; a source route is an error.
    pub fn parse(text: &[u8], charset: Charset) -> Result<ReversePath, AddressError> {
        todo!()
    }
    pub fn address(&self) -> Option<&Address> {
        todo!()
    }
}
impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
impl ForwardPath {
    pub fn take(text: &[u8], charset: Charset) -> Result<Taken<ForwardPath>, AddressError> {
        todo!()
    }
    pub fn parse(text: &[u8], charset: Charset) -> Result<ForwardPath, AddressError> {
        todo!()
    }
}
impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

pub mod limits {
    //! What a peer can make grow here.
}

/// The address list of a header field: From, Sender, Reply-To, To, Cc, Bcc.
pub mod header {
    /// One mailbox as it stands in a header field; raw bytes, unfolded, without comments and quotes.
    #[derive(Clone, PartialEq, Eq, Debug, Default)]
    pub struct Mailbox {
        /// Display name (or, without one, the last comment, as old mail has it).
        pub name: Option<Vec<u8>>,
        /// Source route `@a,@b`, as IMAP's addr-adl.
        pub adl: Option<Vec<u8>>,
        /// Local part without quotes.
        pub local: Vec<u8>,
        /// Domain as written; empty if there was no `@`.
        pub host: Vec<u8>,
    }
    impl Mailbox {
        /// The address, if it is a valid one.
        pub fn address(&self) -> Option<crate::Address> {
            todo!()
        }
    }
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub enum Item {
        Mailbox(Mailbox),
        Group {
            name: Vec<u8>,
            members: Vec<Mailbox>,
        },
    }
    #[derive(Clone, PartialEq, Eq, Debug, Default)]
    pub struct AddressList {
        pub items: Vec<Item>,
        /// What was wrong, if anything: such a list shows what could be read.
        pub trouble: Option<Trouble>,
    }
    impl AddressList {
        /// All mailboxes, those of groups included.
        pub fn mailboxes(&self) -> impl Iterator<Item = &Mailbox> {
            [].into_iter()
        }
    }
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub enum Trouble {
        Malformed,
        TooMany,
        TooLong,
    }
    /// Reads the raw value of a header field (folding and comments included). Never fails: broken
    /// parts are read as well as they can be and `trouble` is set.
    pub fn parse_list(raw: &[u8]) -> AddressList {
        todo!()
    }
}
