//! Domains, accounts and aliases: who gets mail for an address.

use crate::auth::NewPassword;
use crate::error::DirectoryError;
use crate::ids::AccountId;
use crate::proof::{Admin, Delivery};
use addr::{Address, Domain};
use net::{Clock, Time};
use store::{Db, Fault};

/// What an address leads to.
#[derive(Clone, Debug)]
pub enum Resolved {
    /// Accounts here; at least one.
    Local(Vec<Delivery>),
    /// The domain is not hosted here.
    NotOurs,
    /// The domain is, the address leads nowhere.
    UnknownUser,
    /// Every account it leads to is over its quota.
    OverQuota,
    /// An alias loop, or more targets than the limit.
    TooManyTargets,
}

/// Domains, accounts, aliases. Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    db: Db,
    clock: Clock,
}

/// A hosted domain.
#[derive(Clone, Debug)]
pub struct DomainInfo {
    /// Its name.
    pub name: Domain,
    /// Where mail for unknown users goes.
    pub catch_all: Option<Address>,
}

/// An account as the operator sees it.
#[derive(Clone, Debug)]
pub struct AccountInfo {
    /// Its id.
    pub id: AccountId,
    /// Its primary address, which is its login name.
    pub address: Address,
    /// When it was made.
    pub created: Time,
    /// Its own quota; `None` = the setting's.
    pub quota_bytes: Option<u64>,
    /// Can anybody log in?
    pub has_password: bool,
}

/// An alias as the operator sees it.
#[derive(Clone, Debug)]
pub struct AliasInfo {
    /// The address.
    pub address: Address,
    /// Where it leads.
    pub targets: Vec<Address>,
}

impl Directory {
    /// Who gets mail for this recipient.
    pub async fn resolve(&self, recipient: &Address) -> Result<Resolved, Fault> {
        todo!()
    }
    /// Who gets mail for `<Postmaster>` without a domain [rfc5321 4.5.1].
    pub async fn resolve_postmaster(&self) -> Result<Resolved, Fault> {
        todo!()
    }
    /// Is the domain hosted here?
    pub fn hosts(&self, domain: &Domain) -> Result<bool, Fault> {
        todo!()
    }
    /// Hosts a domain.
    pub async fn add_domain(&self, _: &Admin, name: &Domain) -> Result<(), DirectoryError> {
        todo!()
    }
    /// Hosts it no more; refused while it has accounts or aliases.
    pub async fn remove_domain(&self, _: &Admin, name: &Domain) -> Result<(), DirectoryError> {
        todo!()
    }
    /// All hosted domains.
    pub fn domains(&self, _: &Admin) -> Result<Vec<DomainInfo>, Fault> {
        todo!()
    }
    /// Where mail for unknown users of a domain goes; `None` = refused.
    pub async fn set_catch_all(
        &self,
        _: &Admin,
        domain: &Domain,
        target: Option<&Address>,
    ) -> Result<(), DirectoryError> {
        todo!()
    }
    /// Makes an account with INBOX, Drafts, Sent, Junk, Trash, Archive.
    pub async fn add_account(
        &self,
        _: &Admin,
        address: &Address,
        password: Option<&NewPassword>,
    ) -> Result<AccountId, DirectoryError> {
        todo!()
    }
    /// Removes an account and all its mail.
    pub async fn remove_account(&self, _: &Admin, id: AccountId) -> Result<(), DirectoryError> {
        todo!()
    }
    /// All accounts by id.
    pub fn accounts(&self, _: &Admin) -> Result<Vec<AccountInfo>, Fault> {
        todo!()
    }
    /// The account of a primary address.
    pub fn account_of(&self, _: &Admin, address: &Address) -> Result<Option<AccountId>, Fault> {
        todo!()
    }
    /// Sets or, with `None`, takes away the password.
    pub async fn set_password(
        &self,
        _: &Admin,
        id: AccountId,
        password: Option<&NewPassword>,
    ) -> Result<(), DirectoryError> {
        todo!()
    }
    /// Sets an account's own quota; `None` = the setting's.
    pub async fn set_quota(
        &self,
        _: &Admin,
        id: AccountId,
        limit_bytes: Option<u64>,
    ) -> Result<(), DirectoryError> {
        todo!()
    }
    /// Makes or replaces an alias. Targets outside the hosted domains are refused: mail does not
    /// travel on yet.
    pub async fn add_alias(
        &self,
        _: &Admin,
        address: &Address,
        targets: Vec<Address>,
    ) -> Result<(), DirectoryError> {
        todo!()
    }
    /// Removes an alias.
    pub async fn remove_alias(&self, _: &Admin, address: &Address) -> Result<(), DirectoryError> {
        todo!()
    }
    /// All aliases by address.
    pub fn aliases(&self, _: &Admin) -> Result<Vec<AliasInfo>, Fault> {
        todo!()
    }
    /// What `auth` needs to know of a login name.
    pub(crate) fn login_record(&self, name: &str) -> Result<Option<LoginRecord>, Fault> {
        todo!()
    }
}

/// What `auth` needs to know of an account.
#[derive(Clone, Debug)]
pub(crate) struct LoginRecord {
    pub account: AccountId,
    pub primary: Address,
    /// The primary address and the aliases that lead only to this account.
    pub addresses: Vec<Address>,
    pub verifiers: Option<crate::auth::Verifiers>,
}
