//! Hosts of SDPS: domains all of whose mail goes to one account, each recipient's message by itself.
//! What never happens here: passwords (only their verifiers are kept), mail.

use super::record::{AddressRecord, DomainRecord, HostRecord};
use super::{Directory, LoginRecord, domain_of};
use crate::auth::{NewPassword, Verifiers};
use crate::codec::{Look, Record, decode};
use crate::error::DirectoryError;
use crate::ids::AccountId;
use crate::keys::{DIRECTORY, directory as key};
use crate::limits;
use crate::proof::Admin;
use addr::{Address, Domain};
use store::{Edit, Fault};

/// A host as the operator sees it.
#[derive(Clone, Debug)]
pub struct HostInfo {
    /// The domain that it is.
    pub domain: Domain,
    /// The account that gets its mail.
    pub account: AccountId,
    /// Whether it has a second password, beside its account's.
    pub has_second: bool,
}

/// What a login by the name of a host needs.
pub(crate) struct HostLogin {
    pub record: LoginRecord,
    pub second: Option<Verifiers>,
    /// The user whose mail alone is wanted, in lower case.
    pub user: Option<String>,
}

/// What is to be changed of a host; `None` leaves it.
#[derive(Clone, Default)]
pub struct HostChange {
    pub account: Option<AccountId>,
    /// `Some(None)` takes the second password away.
    pub second: Option<Option<NewPassword>>,
}

impl Directory {
    /// Makes a domain a host. Every address of it leads to the account, so it may have no other
    /// addresses.
    pub async fn add_host(
        &self,
        _: &Admin,
        domain: &Domain,
        account: AccountId,
        second: Option<&NewPassword>,
    ) -> Result<(), DirectoryError> {
        let mut edit = self.db.edit(DIRECTORY).await;
        let record = edit.record::<DomainRecord>(&key::domain(domain.as_str()))?;
        if record.ok_or(DirectoryError::NotFound)?.host.is_some() {
            return Err(DirectoryError::Exists);
        }
        let second = second.map(|password| password.verifiers.clone());
        put_host(&mut edit, domain, account, HostRecord { second })?;
        edit.submit().await?;
        Ok(())
    }

    /// Gives a host another account, another second password, or none.
    pub async fn change_host(
        &self,
        _: &Admin,
        domain: &Domain,
        change: HostChange,
    ) -> Result<(), DirectoryError> {
        let mut edit = self.db.edit(DIRECTORY).await;
        let record = edit.record::<DomainRecord>(&key::domain(domain.as_str()))?;
        let had = record.and_then(|record| record.host);
        let had = had.ok_or(DirectoryError::NotFound)?;
        let host = edit.record::<HostRecord>(&key::host(domain.as_str()))?;
        let second = match change.second {
            None => host.and_then(|host| host.second),
            Some(second) => second.map(|password| password.verifiers),
        };
        let account = change.account.unwrap_or(had);
        put_host(&mut edit, domain, account, HostRecord { second })?;
        edit.submit().await?;
        Ok(())
    }

    /// The domain is a host no more; what the account has stays with it.
    pub async fn remove_host(&self, _: &Admin, domain: &Domain) -> Result<(), DirectoryError> {
        let mut edit = self.db.edit(DIRECTORY).await;
        let domain_key = key::domain(domain.as_str());
        let record = edit.record::<DomainRecord>(&domain_key)?;
        let mut record = record.ok_or(DirectoryError::NotFound)?;
        record.host.take().ok_or(DirectoryError::NotFound)?;
        edit.put(domain_key, record.encode());
        edit.delete(key::host(domain.as_str()));
        edit.submit().await?;
        Ok(())
    }

    /// All hosts by domain.
    pub fn host_list(&self, _: &Admin) -> Result<Vec<HostInfo>, Fault> {
        let look = self.now();
        let mut list = Vec::new();
        for row in look.below(key::DOMAINS) {
            let (row_key, value) = row?;
            let account = decode::<DomainRecord>(&row_key, &value)?.host;
            if let (Some(account), Some(domain)) = (account, domain_of(&row_key)) {
                let record = look.record::<HostRecord>(&key::host(domain.as_str()))?;
                list.push(HostInfo {
                    has_second: record.is_some_and(|record| record.second.is_some()),
                    domain,
                    account,
                });
            }
        }
        Ok(list)
    }

    /// What `auth` needs to know of `host`, `user@host` or `user+host`; None if there is no such
    /// host. The host is named by its domain, or by the first label of it if no other host has that.
    pub(crate) fn host_login(&self, name: &str) -> Result<Option<HostLogin>, Fault> {
        if name.len() > limits::LOGIN_NAME_BYTES {
            return Ok(None);
        }
        let (user, host) = match name.rfind(['@', '+']) {
            Some(at) => (Some(&name[..at]), &name[at + 1..]),
            None => (None, name),
        };
        let user = user.map(str::to_lowercase);
        if user.as_ref().is_some_and(String::is_empty) {
            return Ok(None);
        }
        let Some((domain, account)) = self.host_named(&host.to_ascii_lowercase())? else {
            return Ok(None);
        };
        let look = self.now();
        let record = look.record::<HostRecord>(&key::host(&domain))?;
        let Some(own) = self.login_record_of(&look, account)? else {
            return Ok(None);
        };
        let is_open = own.verifiers.is_some();
        Ok(Some(HostLogin {
            record: own,
            second: record.and_then(|r| r.second).filter(|_| is_open),
            user,
        }))
    }

    fn host_named(&self, name: &str) -> Result<Option<(String, AccountId)>, Fault> {
        let look = self.now();
        if name.is_empty() {
            return Ok(None);
        }
        if let Some(record) = look.record::<DomainRecord>(&key::domain(name))? {
            return Ok(record.host.map(|account| (name.to_owned(), account)));
        }
        if name.contains('.') {
            return Ok(None);
        }
        let mut found = None;
        for row in look.below(&key::domain(&format!("{name}."))) {
            let (row_key, value) = row?;
            let account = decode::<DomainRecord>(&row_key, &value)?.host;
            if let (Some(account), Some(domain)) = (account, domain_of(&row_key)) {
                if found.is_some() {
                    return Ok(None);
                }
                found = Some((domain.as_str().to_owned(), account));
            }
        }
        Ok(found)
    }

    /// Whether this account is a host's.
    pub(super) fn is_hosts(&self, look: &impl Look, account: AccountId) -> Result<bool, Fault> {
        for row in look.below(key::DOMAINS) {
            let (row_key, value) = row?;
            if decode::<DomainRecord>(&row_key, &value)?.host == Some(account) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Its domain has no addresses but the account's own, from now on.
fn put_host(
    edit: &mut Edit,
    domain: &Domain,
    account: AccountId,
    host: HostRecord,
) -> Result<(), DirectoryError> {
    let domain_key = key::domain(domain.as_str());
    let record = edit.record::<DomainRecord>(&domain_key)?;
    let mut record = record.ok_or(DirectoryError::NotFound)?;
    if edit.get(&key::account(account))?.is_none() {
        return Err(DirectoryError::NotFound);
    }
    let end = format!("@{}", domain.as_str());
    for row in edit.prefix(key::ADDRESSES) {
        let (row_key, value) = row?;
        let own = AddressRecord::Account(account);
        if row_key.ends_with(end.as_bytes()) && decode::<AddressRecord>(&row_key, &value)? != own {
            return Err(DirectoryError::InUse);
        }
    }
    record.host = Some(account);
    record.catch_all = None;
    edit.put(domain_key, record.encode());
    edit.put(key::host(domain.as_str()), host.encode());
    Ok(())
}

/// The user of an address at a host, as it is compared.
pub(crate) fn is_user(recipient: &str, user: &str) -> bool {
    let Ok(address) = recipient.parse::<Address>() else {
        return false;
    };
    let is = |address: &Address| address.local().as_str().to_lowercase() == user;
    is(&address) || is(&address.without_detail())
}
