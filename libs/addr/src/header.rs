//! The address lists of header fields: From, Sender, Reply-To, To, Cc, Bcc.
//!
//! Raw bytes in, raw bytes out, because what stands in old or broken mail may be in any charset.
//! Reading never fails and takes time in proportion to the octets: what cannot be understood is
//! read as well as it can be, and `trouble` says so. What never happens here: decoding of encoded
//! words, recursion.

mod lexer;
mod reader;

use crate::Charset;
use crate::address::Address;
use crate::domain::Host;
use crate::local::LocalPart;

/// One mailbox as it stands in a header field: unfolded, without comments and quotes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Mailbox {
    /// The display name; without one, the last comment, as old mail has it.
    pub name: Option<Vec<u8>>,
    /// The source route `@a,@b`, IMAP's addr-adl [rfc9051 7.5.2].
    pub adl: Option<Vec<u8>>,
    /// The local part without quotes.
    pub local: Vec<u8>,
    /// The domain as written, an address literal with its brackets; empty if there was no `@`.
    pub host: Vec<u8>,
}

impl Mailbox {
    /// The address, if it is a valid one.
    pub fn address(&self) -> Option<Address> {
        if self.local.is_empty() {
            return None;
        }
        let local = LocalPart::from_content(std::str::from_utf8(&self.local).ok()?).ok()?;
        let host = Host::parse(&self.host, Charset::Utf8).ok()?;
        Address::new(local, host).ok()
    }
}

/// One entry of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    Mailbox(Mailbox),
    Group {
        name: Vec<u8>,
        members: Vec<Mailbox>,
    },
}

/// What was read from a header field.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AddressList {
    pub items: Vec<Item>,
    /// The first thing that was wrong, if anything was. Whoever must be sure of what the list says
    /// (is this From the sender's own?) refuses a list with trouble.
    pub trouble: Option<Trouble>,
}

impl AddressList {
    /// All mailboxes, those of groups included.
    pub fn mailboxes(&self) -> impl Iterator<Item = &Mailbox> {
        self.items.iter().flat_map(|item| match item {
            Item::Mailbox(mailbox) => std::slice::from_ref(mailbox),
            Item::Group { members, .. } => members,
        })
    }
}

/// Why a list may say something else than what was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// Not as RFC 5322 says, its obsolete syntax included.
    Malformed,
    /// More entries than the limit; the rest is left out.
    TooMany,
    /// More octets than the limit; the rest is left out.
    TooLong,
}

/// Reads the value of a header field as it stands in the message, folding and comments included.
///
/// ```text
/// address-list = (address *("," address)) / obs-addr-list
/// address      = mailbox / group
/// mailbox      = name-addr / addr-spec
/// name-addr    = [display-name] angle-addr
/// angle-addr   = [CFWS] "<" [obs-route] addr-spec ">" [CFWS]
/// group        = display-name ":" [group-list] ";" [CFWS]
/// display-name = phrase
/// addr-spec    = local-part "@" domain
/// ```
/// [rfc5322 3.4] [rfc5322 4.4]
pub fn parse_list(raw: &[u8]) -> AddressList {
    reader::read(raw)
}
