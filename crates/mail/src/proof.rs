//! Proofs: who holds one may open what it stands for. Their constructors are private to this crate.

use crate::ids::AccountId;
use addr::Address;
use std::sync::Arc;

/// Somebody has logged in. Made by `auth` alone.
#[derive(Clone, Debug)]
pub struct Login {
    pub(crate) account: AccountId,
    pub(crate) name: Arc<str>,
    pub(crate) primary: Address,
    pub(crate) addresses: Arc<Vec<Address>>,
}

impl Login {
    /// The account.
    pub fn account_id(&self) -> AccountId {
        self.account
    }
    /// The login name as the account has it (its primary address).
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The account's own address.
    pub fn primary(&self) -> &Address {
        &self.primary
    }
    /// The primary address and the aliases that lead only to this account, as of the login.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }
    /// May it send as this address? Its own addresses, and `user+detail` of them.
    pub fn may_send_as(&self, address: &Address) -> bool {
        let (whole, bare) = (address.key(), address.without_detail().key());
        self.addresses
            .iter()
            .map(Address::key)
            .any(|own| own == whole || own == bare)
    }
}

/// A recipient resolved to an account. Made by `directory` alone.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub(crate) account: AccountId,
    /// As of the moment when it was resolved.
    pub(crate) quota_bytes: Option<u64>,
    pub(crate) recipient: Address,
    pub(crate) detail: Option<Arc<str>>,
    pub(crate) owner: Option<Address>,
    /// At a host of SDPS: the recipient's key, which tells its message from other recipients'.
    pub(crate) at_host: Option<Arc<str>>,
}

/// Where a delivery goes: an account, and at a host each recipient by itself. Of one message there is
/// one delivery to each place.
pub type Place = (AccountId, Option<Arc<str>>);

impl Delivery {
    /// The account.
    pub fn account_id(&self) -> AccountId {
        self.account
    }
    /// Where it goes.
    pub fn place(&self) -> Place {
        (self.account, self.at_host.clone())
    }
    /// The recipient as the sender gave it; at a host, the one that an alias led to.
    pub fn recipient(&self) -> &Address {
        &self.recipient
    }
    /// The owner of the list that leads here, if it is one; it stands in the sender's place.
    pub fn owner(&self) -> Option<&Address> {
        self.owner.as_ref()
    }
    /// What stood behind `+`. Mail goes to INBOX all the same; filters will read it.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }
}

/// The owner of the data folder, or the server's own upkeep.
#[derive(Clone, Debug)]
pub struct Admin(());

impl Admin {
    /// The server's own upkeep.
    pub fn upkeep() -> Self {
        Self(())
    }
    /// Whoever holds the data folder open is its owner.
    pub fn owner_of(_db: &store::Db) -> Self {
        Self(())
    }
}
