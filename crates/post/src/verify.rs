//! Who gets mail for a name: asked by our own users (VRFY). [rfc5321 3.5.1]
//!
//! What never happens here: an answer to a stranger.

use crate::Post;
use addr::{Address, Charset};
use mail::{Login, Resolved};
use store::Fault;

/// What is known of a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verified {
    /// Mail for this address is taken.
    Address(Address),
    UnknownUser,
    /// It is not for us to say.
    NotOurs,
    /// That can be no address.
    Unreadable,
}

impl Post {
    /// Who gets mail for `name`: an address, with or without brackets, or what stands before the
    /// `@` of an address in the login's own domain.
    pub async fn verify(&self, login: &Login, name: &str) -> Result<Verified, Fault> {
        let name = name.trim();
        let bare = name.strip_prefix('<').and_then(|n| n.strip_suffix('>'));
        let mut text = bare.unwrap_or(name).to_owned();
        if !text.contains('@') {
            text = format!("{text}@{}", login.primary().host());
        }
        let Ok(address) = Address::parse(text.as_bytes(), Charset::Utf8) else {
            return Ok(Verified::Unreadable);
        };
        Ok(match self.directory().resolve(&address).await? {
            Resolved::Local(_) | Resolved::Onward { .. } | Resolved::OverQuota => {
                Verified::Address(address)
            }
            Resolved::UnknownUser | Resolved::Closed => Verified::UnknownUser,
            Resolved::NotOurs | Resolved::TooManyTargets => Verified::NotOurs,
        })
    }
}
