//! Mailbox addresses: domains, local parts, SMTP paths, and the address lists of header fields.
//!
//! Bytes in, values out; every value is valid by construction. What never happens here: I/O, DNS,
//! a decision whether an address exists.
#![forbid(unsafe_code)]

mod address;
mod domain;
mod error;
pub mod header;
pub mod limits;
mod literal;
mod local;
mod path;

pub use address::Address;
pub use domain::{Domain, Host};
pub use error::AddressError;
pub use literal::AddressLiteral;
pub use local::LocalPart;
pub use path::{ForwardPath, ReversePath, Taken};

/// Which octets the other side may use: plain SMTP has ASCII, SMTPUTF8 has UTF-8 [rfc6531 3.3].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Charset {
    Ascii,
    Utf8,
}

impl Charset {
    /// The text, if it is written in this charset.
    fn text(self, octets: &[u8]) -> Result<&str, AddressError> {
        if self == Charset::Ascii && !octets.is_ascii() {
            return Err(AddressError::NotAscii);
        }
        std::str::from_utf8(octets).map_err(|_| AddressError::NotUtf8)
    }
}
