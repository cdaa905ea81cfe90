//! What can be wrong with an address.

use crate::limits::{ADDRESS_BYTES, DOMAIN_BYTES, LOCAL_BYTES, PATH_BYTES};
use std::fmt;

/// What is wrong with an address. Display is a short text that is safe to show: it repeats nothing
/// of the input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressError {
    Empty,
    NoAt,
    LocalPart,
    LocalPartTooLong,
    Domain,
    DomainTooLong,
    /// An address literal `[…]` that is none.
    Literal,
    /// SMTPUTF8 was not asked for.
    NotAscii,
    NotUtf8,
    AddressTooLong,
    PathTooLong,
    /// A path that does not begin with `<`, or does not end with `>`.
    NoAngle,
    /// Something stands behind the address.
    Trailing,
    /// A source route where none is taken.
    SourceRoute,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressError::Empty => f.write_str("the address is empty"),
            AddressError::NoAt => f.write_str("the address has no @"),
            AddressError::LocalPart => f.write_str("the part before the @ is malformed"),
            AddressError::LocalPartTooLong => {
                write!(
                    f,
                    "the part before the @ has more than {LOCAL_BYTES} octets"
                )
            }
            AddressError::Domain => f.write_str("the domain is malformed"),
            AddressError::DomainTooLong => {
                write!(f, "the domain has more than {DOMAIN_BYTES} octets")
            }
            AddressError::Literal => f.write_str("the address literal is malformed"),
            AddressError::NotAscii => f.write_str("the address is not ASCII (SMTPUTF8 not in use)"),
            AddressError::NotUtf8 => f.write_str("the address is not UTF-8"),
            AddressError::AddressTooLong => {
                write!(f, "the address has more than {ADDRESS_BYTES} octets")
            }
            AddressError::PathTooLong => write!(f, "the path has more than {PATH_BYTES} octets"),
            AddressError::NoAngle => f.write_str("the path must stand between < and >"),
            AddressError::Trailing => f.write_str("something stands behind the address"),
            AddressError::SourceRoute => f.write_str("source routes are not taken"),
        }
    }
}

impl std::error::Error for AddressError {}
