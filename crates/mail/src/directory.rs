//! Domains, accounts and aliases: who gets mail for an address, and the operator's side of it.
//! What never happens here: passwords (only their verifiers are kept), mail.

mod accounts;
mod dkim;
mod hosts;
mod known;
mod readable;
mod record;

use crate::auth::Verifiers;
use crate::codec::{Look, Moment, Record, damaged, decode};
use crate::error::DirectoryError;
use crate::ids::AccountId;
use crate::keys::{self, DIRECTORY, directory as key};
use crate::limits;
use crate::proof::{Admin, Delivery};
use crate::resolve;
use crate::settings::{FirstMailbox, MailSettings};
use crate::state::AccountState;
use addr::{Address, Domain};
use net::{Clock, Random};
use std::collections::BTreeSet;
use std::sync::Arc;
use store::{Db, Edit, Fault};
use tally::Tally;

use known::Known;

pub use accounts::{AccountChange, AccountInfo, RemovedInfo, SharedKey, Standing};
pub use dkim::{DkimKey, KeyAlgorithm, KeySecret, KeyState};
pub use hosts::{HostChange, HostInfo};
pub(crate) use hosts::{HostLogin, is_user};
pub use readable::ReadablePassword;
pub(crate) use record::{
    AccountRecord, AddressRecord, AliasRecord, DirectoryState, DomainRecord, RemovedRecord,
    SecretRecord,
};

/// What an address leads to.
#[derive(Clone, Debug)]
pub enum Resolved {
    /// Accounts here; at least one.
    Local(Vec<Delivery>),
    /// Addresses elsewhere, at least one, and accounts here.
    Onward {
        /// Accounts here.
        here: Vec<Delivery>,
        /// Addresses elsewhere.
        onward: Vec<Forward>,
    },
    /// The domain is not hosted here.
    NotOurs,
    /// The domain is, the address leads nowhere.
    UnknownUser,
    /// Every account it leads to takes no mail: the operator has closed it.
    Closed,
    /// Every account it leads to is over its quota.
    OverQuota,
    /// An alias loop, or more targets than the limit.
    TooManyTargets,
}

/// An address elsewhere that an alias of ours leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Forward {
    /// The address.
    pub to: Address,
    /// The owner of the list that leads there, if it is one: failures are told to nobody else.
    pub owner: Option<Address>,
    /// Whether it is the only address that the recipient leads to.
    pub company: Company,
}

/// Whether an alias leads to one address or to several. [rfc3461 5.2.7]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Company {
    Alone,
    WithOthers,
}

/// Domains, accounts, aliases. Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    db: Db,
    clock: Clock,
    default_quota_bytes: Option<u64>,
    max_mailboxes: u32,
    first_mailboxes: Arc<[FirstMailbox]>,
    history_s: u64,
    known: Arc<Known>,
}

/// A hosted domain.
#[derive(Clone, Debug)]
pub struct DomainInfo {
    /// Its name.
    pub name: Domain,
    /// Where mail for unknown users goes.
    pub catch_all: Option<Address>,
}

/// Where an alias is to lead.
#[derive(Clone, Debug)]
pub struct AliasTo {
    /// Addresses here or elsewhere.
    pub targets: Vec<Address>,
    /// Of a list: who hears of failures, in place of the sender.
    pub owner: Option<Address>,
}

/// What is to happen if an alias is there already, or is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Existing {
    /// It must not be there.
    Refused,
    /// It must be there, and is replaced.
    Needed,
    /// Either.
    Replaced,
}

/// An alias as the operator sees it.
#[derive(Clone, Debug)]
pub struct AliasInfo {
    /// The address.
    pub address: Address,
    /// Where it leads.
    pub targets: Vec<Address>,
    /// Of a list: who hears of failures.
    pub owner: Option<Address>,
}

impl Directory {
    pub(crate) fn open(db: Db, clock: Clock, settings: &MailSettings) -> Self {
        let (default_quota_bytes, max_mailboxes) =
            (settings.default_quota_bytes, settings.max_mailboxes);
        let known = Arc::new(Known::new(db.bell(DIRECTORY)));
        Self {
            db,
            clock,
            known,
            default_quota_bytes,
            max_mailboxes,
            first_mailboxes: settings.first_mailboxes.as_slice().into(),
            history_s: settings.history_s,
        }
    }
    pub(crate) fn tally(&self) -> &Tally {
        self.db.tally()
    }
    pub(crate) fn now(&self) -> Moment {
        Moment::new(self.db.snapshot(), DIRECTORY)
    }
    /// Who gets mail for this recipient.
    pub async fn resolve(&self, recipient: &Address) -> Result<Resolved, Fault> {
        let key = recipient.key();
        if let Some(targets) = self.known.get(&key) {
            return self.deliveries(resolve::Targets::Accounts(targets), recipient);
        }
        let moment = self.known.moment();
        let targets = resolve::targets(&self.now(), recipient)?;
        if let resolve::Targets::Accounts(targets) = &targets {
            self.known.put(moment, key, targets);
        }
        self.deliveries(targets, recipient)
    }
    /// Who gets mail for `<Postmaster>` without a domain [rfc5321 4.5.1]: the postmaster of the
    /// first domain.
    pub async fn resolve_postmaster(&self) -> Result<Resolved, Fault> {
        let look = self.now();
        let first = look.below(key::DOMAINS).next().transpose()?;
        let Some(domain) = first.and_then(|(key, _)| domain_of(&key)) else {
            return Ok(Resolved::NotOurs);
        };
        match format!("postmaster@{domain}").parse::<Address>() {
            Ok(address) => self.resolve(&address).await,
            Err(_) => Ok(Resolved::UnknownUser),
        }
    }

    /// The same, also where the quota is used up: for a short word about an account's own mail.
    pub async fn resolve_beyond_quota(&self, recipient: &Address) -> Result<Resolved, Fault> {
        let mut targets = resolve::targets(&self.now(), recipient)?;
        if let resolve::Targets::Accounts(targets) = &mut targets {
            for target in targets {
                target.quota_bytes = Some(limits::NO_QUOTA);
            }
        }
        self.deliveries(targets, recipient)
    }

    fn deliveries(
        &self,
        targets: resolve::Targets,
        recipient: &Address,
    ) -> Result<Resolved, Fault> {
        let (targets, onward) = match targets {
            resolve::Targets::Accounts(targets) => (targets, Vec::new()),
            resolve::Targets::Onward { here, onward } => (here, onward),
            resolve::Targets::NotOurs => return Ok(Resolved::NotOurs),
            resolve::Targets::Nobody => return Ok(Resolved::UnknownUser),
            resolve::Targets::Closed => return Ok(Resolved::Closed),
            resolve::Targets::TooMany => return Ok(Resolved::TooManyTargets),
        };
        let delivery = |target: resolve::Target| {
            let at_host = target.at_host.as_ref().map(|at| Arc::from(at.key()));
            let recipient = target.at_host.unwrap_or_else(|| recipient.clone());
            Delivery {
                account: target.account,
                quota_bytes: self.quota(target.quota_bytes),
                detail: recipient.detail().map(Arc::from),
                recipient,
                at_host,
                owner: target.owner,
            }
        };
        let deliveries: Vec<_> = targets.into_iter().map(delivery).collect();
        let mut room = false;
        for delivery in &deliveries {
            room |= !self.is_full(delivery)?;
        }
        Ok(match (room, onward.is_empty()) {
            (_, false) => Resolved::Onward {
                here: deliveries,
                onward,
            },
            (true, true) => Resolved::Local(deliveries),
            (false, true) => Resolved::OverQuota,
        })
    }

    fn is_full(&self, delivery: &Delivery) -> Result<bool, Fault> {
        let Some(limit) = delivery.quota_bytes else {
            return Ok(false);
        };
        let look = Moment::new(self.db.snapshot(), keys::partition(delivery.account));
        let state = look.record::<AccountState>(keys::ACCOUNT)?;
        Ok(state.is_none_or(|state| state.used_bytes >= limit))
    }

    /// An account's quota: its own, or the setting's.
    pub(crate) fn quota_of(&self, account: AccountId) -> Result<Option<u64>, Fault> {
        let record = self.now().record::<AccountRecord>(&key::account(account))?;
        Ok(self.quota(record.and_then(|record| record.quota_bytes)))
    }

    fn quota(&self, own: Option<u64>) -> Option<u64> {
        own.or(self.default_quota_bytes)
            .filter(|bytes| *bytes != limits::NO_QUOTA)
    }

    /// Is the domain hosted here?
    pub fn hosts(&self, domain: &Domain) -> Result<bool, Fault> {
        Ok(self.now().value(&key::domain(domain.as_str()))?.is_some())
    }
    /// Hosts a domain.
    pub async fn add_domain(&self, _: &Admin, name: &Domain) -> Result<(), DirectoryError> {
        let mut edit = self.db.edit(DIRECTORY).await;
        let key = key::domain(name.as_str());
        if edit.get(&key)?.is_some() {
            return Err(DirectoryError::Exists);
        }
        edit.put(key, DomainRecord::default().encode());
        edit.submit().await?;
        Ok(())
    }
    /// Hosts it no more; refused while it has accounts or aliases.
    pub async fn remove_domain(&self, _: &Admin, name: &Domain) -> Result<(), DirectoryError> {
        let mut edit = self.db.edit(DIRECTORY).await;
        let key = key::domain(name.as_str());
        let record = edit.record::<DomainRecord>(&key)?;
        if record.ok_or(DirectoryError::NotFound)?.host.is_some() {
            return Err(DirectoryError::InUse);
        }
        let end = format!("@{}", name.as_str());
        for row in edit.prefix(key::ADDRESSES) {
            if row?.0.ends_with(end.as_bytes()) {
                return Err(DirectoryError::InUse);
            }
        }
        dkim::forget_keys(&mut edit, name)?;
        edit.delete(key);
        edit.submit().await?;
        Ok(())
    }
    /// All hosted domains.
    pub fn domains(&self, _: &Admin) -> Result<Vec<DomainInfo>, Fault> {
        let mut list = Vec::new();
        for row in self.now().below(key::DOMAINS) {
            let (key, value) = row?;
            let record = decode::<DomainRecord>(&key, &value)?;
            let name = domain_of(&key).ok_or_else(|| damaged("a domain", &key))?;
            let catch_all = record.catch_all.and_then(|target| target.parse().ok());
            list.push(DomainInfo { name, catch_all });
        }
        Ok(list)
    }
    /// Where mail for unknown users of a domain goes; `None` = refused.
    pub async fn set_catch_all(
        &self,
        _: &Admin,
        domain: &Domain,
        target: Option<&Address>,
    ) -> Result<(), DirectoryError> {
        let mut edit = self.db.edit(DIRECTORY).await;
        let key = key::domain(domain.as_str());
        let record = edit.record::<DomainRecord>(&key)?;
        let mut record = record.ok_or(DirectoryError::NotFound)?;
        if record.host.is_some() {
            return Err(DirectoryError::Invalid(IS_HOST));
        }
        if let Some(target) = target {
            check_target(&edit, target)?;
        }
        record.catch_all = target.map(Address::key);
        edit.put(key, record.encode());
        edit.submit().await?;
        Ok(())
    }
    /// Makes or replaces an alias. A target may be at a domain that is not hosted here: mail for it
    /// travels on.
    pub async fn add_alias(
        &self,
        admin: &Admin,
        address: &Address,
        targets: Vec<Address>,
    ) -> Result<(), DirectoryError> {
        let to = AliasTo {
            targets,
            owner: None,
        };
        self.set_alias(admin, address, to, Existing::Replaced).await
    }
    /// Makes or replaces an alias, as `existing` says. The owner of a list is an address here.
    pub async fn set_alias(
        &self,
        _: &Admin,
        address: &Address,
        to: AliasTo,
        existing: Existing,
    ) -> Result<(), DirectoryError> {
        let targets: BTreeSet<String> = unique(&to.targets);
        if targets.is_empty() {
            return Err(DirectoryError::Invalid("an alias needs a target"));
        }
        if targets.len() > limits::ALIAS_TARGETS {
            return Err(DirectoryError::TooManyTargets);
        }
        let mut edit = self.db.edit(DIRECTORY).await;
        let old = edit.record::<AddressRecord>(&key::address(&address.key()))?;
        match old {
            Some(AddressRecord::Account(_)) => return Err(DirectoryError::Exists),
            Some(_) if existing == Existing::Refused => return Err(DirectoryError::Exists),
            None if existing == Existing::Needed => return Err(DirectoryError::NotFound),
            Some(AddressRecord::Alias(old)) => forget_targets(&mut edit, &address.key(), &old),
            None => check_new_address(&edit, address)?,
        }
        if let Some(owner) = &to.owner {
            check_owner(&edit, owner, address)?;
        }
        for target in &targets {
            let parsed = target.parse::<Address>();
            check_target(&edit, &parsed.map_err(|_| DirectoryError::NotFound)?)?;
            edit.put(key::targeted_by(target, &address.key()), [1]);
        }
        let record = AddressRecord::Alias(AliasRecord {
            targets: targets.into_iter().collect(),
            owner: to.owner.as_ref().map(Address::key),
        });
        edit.put(key::address(&address.key()), record.encode());
        edit.submit().await?;
        Ok(())
    }
    /// Removes an alias.
    pub async fn remove_alias(&self, _: &Admin, address: &Address) -> Result<(), DirectoryError> {
        let mut edit = self.db.edit(DIRECTORY).await;
        let key = key::address(&address.key());
        match edit.record::<AddressRecord>(&key)? {
            Some(AddressRecord::Alias(old)) => forget_targets(&mut edit, &address.key(), &old),
            _ => return Err(DirectoryError::NotFound),
        }
        edit.delete(key);
        edit.submit().await?;
        Ok(())
    }
    /// All aliases by address.
    pub fn aliases(&self, _: &Admin) -> Result<Vec<AliasInfo>, Fault> {
        let mut list = Vec::new();
        for row in self.now().below(key::ADDRESSES) {
            let (key, value) = row?;
            if let AddressRecord::Alias(alias) = decode::<AddressRecord>(&key, &value)? {
                let address = std::str::from_utf8(&key[1..])
                    .ok()
                    .and_then(|a| a.parse().ok());
                list.push(AliasInfo {
                    address: address.ok_or_else(|| damaged("an alias", &key))?,
                    targets: alias
                        .targets
                        .iter()
                        .filter_map(|target| target.parse().ok())
                        .collect(),
                    owner: alias.owner.and_then(|owner| owner.parse().ok()),
                });
            }
        }
        Ok(list)
    }
    /// The server's own secret, made when it is first asked for. Where it cannot be kept, it holds
    /// for as long as the caller remembers it.
    pub(crate) async fn secret(&self, random: &Random) -> Result<[u8; 32], Fault> {
        if let Some(SecretRecord(secret)) = self.now().record(key::SECRET)? {
            return Ok(secret);
        }
        let mut edit = self.db.edit(DIRECTORY).await;
        if let Some(SecretRecord(secret)) = edit.record(key::SECRET)? {
            return Ok(secret);
        }
        let mut secret = [0; 32];
        random.fill(&mut secret);
        edit.put(key::SECRET, SecretRecord(secret).encode());
        if let Err(error) = edit.submit().await {
            tracing::warn!(?error, "the server's secret cannot be kept yet");
        }
        Ok(secret)
    }
    /// A secret of its own for one purpose, named so that no other has it.
    pub async fn derived_secret(&self, random: &Random, purpose: &str) -> Result<[u8; 32], Fault> {
        let secret = self.secret(random).await?;
        Ok(blake3::derive_key(purpose, &secret))
    }
    /// One spelling for all those of a login name that lead to the same place.
    pub(crate) fn login_key(&self, name: &str) -> Result<String, Fault> {
        let whole = match name.contains('@') {
            true => name.to_owned(),
            false => match resolve::only_domain(&self.now())? {
                Some(domain) => format!("{name}@{domain}"),
                None => name.to_owned(),
            },
        };
        let address = whole.parse::<Address>();
        Ok(address.map_or_else(|_| whole.to_lowercase(), |address| address.key()))
    }
    /// What `auth` needs to know of a login name: the primary address, an alias that leads only to
    /// it, or the local part alone where only one domain is hosted.
    pub(crate) fn login_record(&self, name: &str) -> Result<Option<LoginRecord>, Fault> {
        let look = self.now();
        let name = match name.contains('@') {
            true => name.to_owned(),
            false => match resolve::only_domain(&look)? {
                Some(domain) => format!("{name}@{domain}"),
                None => return Ok(None),
            },
        };
        let Ok(address) = name.parse::<Address>() else {
            return Ok(None);
        };
        match resolve::login_account(&look, &address)? {
            Some(account) => self.login_record_of(&look, account),
            None => Ok(None),
        }
    }

    fn login_record_of(
        &self,
        look: &Moment,
        account: AccountId,
    ) -> Result<Option<LoginRecord>, Fault> {
        let Some(record) = look.record::<AccountRecord>(&key::account(account))? else {
            return Ok(None);
        };
        let Ok(primary) = record.address.parse::<Address>() else {
            return Err(damaged("an address", record.address.as_bytes()));
        };
        let addresses = resolve::addresses_of(look, &primary)?;
        Ok(Some(LoginRecord {
            account,
            primary,
            addresses,
            // Without a verifier a login fails like one with a wrong password.
            verifiers: record
                .verifiers
                .filter(|_| record.standing == Standing::Active),
            standing: record.standing,
        }))
    }
}

/// What `auth` needs to know of an account.
#[derive(Clone, Debug)]
pub(crate) struct LoginRecord {
    pub account: AccountId,
    pub primary: Address,
    /// The primary address and the aliases that lead only to this account.
    pub addresses: Vec<Address>,
    pub verifiers: Option<Verifiers>,
    /// Whether other ways to log in are open.
    pub standing: Standing,
}

/// Why a host's domain has no addresses of its own.
const IS_HOST: &str = "the domain is a host: all of its mail goes to one account";

fn unique(targets: &[Address]) -> BTreeSet<String> {
    targets.iter().map(Address::key).collect()
}

fn domain_of(key: &[u8]) -> Option<Domain> {
    std::str::from_utf8(key.get(1..)?).ok()?.parse().ok()
}

/// An address that an account or alias may have: ours, free, and without `+`, which marks details.
fn check_new_address(edit: &Edit, address: &Address) -> Result<(), DirectoryError> {
    let domain = address.domain().ok_or(DirectoryError::NotOurs)?;
    let record = edit.record::<DomainRecord>(&key::domain(domain.as_str()))?;
    if record.ok_or(DirectoryError::NotOurs)?.host.is_some() {
        return Err(DirectoryError::Invalid(IS_HOST));
    }
    if address.detail().is_some() {
        return Err(DirectoryError::Invalid(
            "what stands behind + is a detail, not a name",
        ));
    }
    match edit.get(&key::address(&address.key()))? {
        Some(_) => Err(DirectoryError::Exists),
        None => Ok(()),
    }
}

/// What an address here has to lead somewhere; what others call their mailboxes is their matter.
fn check_target(edit: &Edit, target: &Address) -> Result<(), DirectoryError> {
    let Some(domain) = target.domain() else {
        return Ok(());
    };
    // every address of a host leads to its account
    match edit.record::<DomainRecord>(&key::domain(domain.as_str()))? {
        None => return Ok(()),
        Some(record) if record.host.is_some() => return Ok(()),
        Some(_) => {}
    }
    let bare = target.without_detail();
    if edit.get(&key::address(&bare.key()))?.is_none() {
        return Err(DirectoryError::NotFound);
    }
    Ok(())
}

fn is_ours(edit: &Edit, address: &Address) -> Result<bool, Fault> {
    match address.domain() {
        Some(domain) => Ok(edit.get(&key::domain(domain.as_str()))?.is_some()),
        None => Ok(false),
    }
}

/// Bounces of a list's mail come to its owner: an address here, and not the list.
fn check_owner(edit: &Edit, owner: &Address, list: &Address) -> Result<(), DirectoryError> {
    if !is_ours(edit, owner)? {
        return Err(DirectoryError::Invalid(
            "the owner of a list has to be an address here: failures come back to it",
        ));
    }
    if owner.key() == list.key() {
        return Err(DirectoryError::Invalid(
            "a list that owns itself would send failures to everybody on it",
        ));
    }
    check_target(edit, owner)
}

fn forget_targets(edit: &mut Edit, alias: &str, old: &AliasRecord) {
    for target in &old.targets {
        edit.delete(key::targeted_by(target, alias));
    }
}
