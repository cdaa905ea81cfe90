//! From a recipient to accounts and addresses elsewhere: exact address, without detail, postmaster,
//! catch-all; aliases are followed to a bounded depth and number, and never twice. Behind a list
//! (an alias with an owner) its owner stands in the sender's place. [rfc5321 3.9]

use crate::codec::{Look, Moment, decode};
use crate::directory::{
    AccountRecord, AddressRecord, AliasRecord, Company, DomainRecord, Forward, Standing,
};
use crate::ids::AccountId;
use crate::keys::{self, directory as key};
use crate::limits;
use addr::Address;
use std::collections::{BTreeSet, HashSet};
use store::Fault;

/// An account that takes mail.
#[derive(Clone)]
pub(crate) struct Target {
    pub account: AccountId,
    /// Its own quota, if it has one.
    pub quota_bytes: Option<u64>,
    /// The owner of the list that leads there.
    pub owner: Option<Address>,
    /// The address at the host whose account it is.
    pub at_host: Option<Address>,
}

/// Where an address leads.
pub(crate) enum Targets {
    Accounts(Vec<Target>),
    /// Addresses elsewhere, at least one.
    Onward {
        here: Vec<Target>,
        onward: Vec<Forward>,
    },
    NotOurs,
    Nobody,
    /// Every account it leads to takes no mail.
    Closed,
    TooMany,
}

/// The accounts that an address leads to, each once, in the order of the aliases' targets. The
/// local part of an address at a domain that is not ours is looked up nowhere [rfc5321 2.3.11].
pub(crate) fn targets(look: &Moment, recipient: &Address) -> Result<Targets, Fault> {
    let Some(domain) = recipient.domain() else {
        return Ok(Targets::NotOurs);
    };
    let Some(domain) = look.record::<DomainRecord>(&key::domain(domain.as_str()))? else {
        return Ok(Targets::NotOurs);
    };
    let mut search = Search::default();
    match first(look, recipient, &domain)? {
        None => return Ok(Targets::Nobody),
        Some(First::Host(id)) => search.add_host(id, None, recipient.clone()),
        Some(First::Account(id)) => search.add(id, None),
        Some(First::Alias(start)) => search.alias(start, None),
    }
    for _ in 0..limits::ALIAS_DEPTH {
        if search.aliases.is_empty() {
            break;
        }
        search.expand(look)?;
        let found = search.accounts.len() + search.onward.len();
        if search.seen.len() + found > limits::ALIAS_TARGETS {
            return Ok(Targets::TooMany);
        }
    }
    let leads_somewhere = !search.accounts.is_empty() || !search.onward.is_empty();
    // else it is too deep, or everything went in a circle
    if !search.aliases.is_empty() || !leads_somewhere {
        return Ok(Targets::TooMany);
    }
    let here = open_ones(look, search.accounts)?;
    let mut onward = search.onward;
    if here.len() + onward.len() == 1 && !search.branched {
        onward
            .iter_mut()
            .for_each(|one| one.company = Company::Alone);
    }
    Ok(match (here.is_empty(), onward.is_empty()) {
        (_, false) => Targets::Onward { here, onward },
        (false, true) => Targets::Accounts(here),
        (true, true) => Targets::Closed,
    })
}

/// Those that take mail; who is not there any more is found out at the delivery.
fn open_ones(look: &Moment, accounts: Vec<Found>) -> Result<Vec<Target>, Fault> {
    let mut open = Vec::with_capacity(accounts.len());
    for (account, owner, at_host) in accounts {
        let record = look.record::<AccountRecord>(&key::account(account))?;
        let is_open = |record: &AccountRecord| record.standing != Standing::Closed;
        if record.as_ref().is_none_or(is_open) {
            let quota_bytes = record.and_then(|record| record.quota_bytes);
            open.push(Target {
                account,
                quota_bytes,
                owner,
                at_host,
            });
        }
    }
    Ok(open)
}

enum First {
    Host(AccountId),
    Account(AccountId),
    Alias(AliasRecord),
}

/// The record that a recipient of a hosted domain begins with.
fn first(
    look: &Moment,
    recipient: &Address,
    domain: &DomainRecord,
) -> Result<Option<First>, Fault> {
    if let Some(account) = domain.host {
        return Ok(Some(First::Host(account)));
    }
    let found = |address: String| look.record::<AddressRecord>(&key::address(&address));
    let mut record = found(recipient.key())?;
    let bare = recipient.without_detail();
    if record.is_none() && recipient.detail().is_some() {
        record = found(bare.key())?;
    }
    if let Some(record) = record {
        return Ok(Some(match record {
            AddressRecord::Account(id) => First::Account(id),
            AddressRecord::Alias(alias) => First::Alias(alias),
        }));
    }
    // Every hosted domain has a postmaster [rfc5321 4.5.1].
    if bare.local().as_str().eq_ignore_ascii_case("postmaster") {
        return Ok(postmaster(look)?.map(First::Account));
    }
    Ok(domain.catch_all.clone().map(|target| {
        First::Alias(AliasRecord {
            targets: vec![target],
            owner: None,
        })
    }))
}

/// The first account whose owner can log in and read it; if there is none, the first.
fn postmaster(look: &Moment) -> Result<Option<AccountId>, Fault> {
    let mut first = None;
    for row in look.below(key::ACCOUNTS).take(limits::POSTMASTER_ACCOUNTS) {
        let (key, value) = row?;
        let id = keys::last_u64(&key).map(AccountId);
        let account = decode::<AccountRecord>(&key, &value)?;
        if account.standing == Standing::Active {
            return Ok(id);
        }
        first = first.or(id);
    }
    Ok(first)
}

/// An account, the owner of the list that leads there, the address at a host.
type Found = (AccountId, Option<Address>, Option<Address>);

#[derive(Default)]
struct Search {
    accounts: Vec<Found>,
    known: HashSet<(AccountId, Option<String>)>,
    onward: Vec<Forward>,
    /// An alias with several targets was followed.
    branched: bool,
    /// Addresses that were looked at.
    seen: HashSet<String>,
    /// Aliases whose targets are still to be looked at.
    aliases: Vec<Branch>,
}

/// Targets of one alias, and the owner of the list that they stand behind.
struct Branch {
    targets: Vec<String>,
    owner: Option<Address>,
}

impl Search {
    fn add(&mut self, id: AccountId, owner: Option<Address>) {
        if self.known.insert((id, None)) {
            self.accounts.push((id, owner, None));
        }
    }

    /// The account of a host: each address of it is a delivery by itself.
    fn add_host(&mut self, id: AccountId, owner: Option<Address>, address: Address) {
        if self.known.insert((id, Some(address.key()))) {
            self.accounts.push((id, owner, Some(address)));
        }
    }

    /// An alias that stands behind the list of `owner`; the list that is nearest counts.
    fn alias(&mut self, alias: AliasRecord, owner: Option<Address>) {
        let own = alias.owner.and_then(|owner| owner.parse().ok());
        self.branched |= alias.targets.len() > 1;
        self.aliases.push(Branch {
            targets: alias.targets,
            owner: own.or(owner),
        });
    }

    /// Goes one level down.
    fn expand(&mut self, look: &Moment) -> Result<(), Fault> {
        for Branch { targets, owner } in std::mem::take(&mut self.aliases) {
            for target in targets {
                if self.seen.len() > limits::ALIAS_TARGETS || !self.seen.insert(target.clone()) {
                    continue;
                }
                if let Some((id, address)) = at_host(look, &target)? {
                    self.add_host(id, owner.clone(), address);
                    continue;
                }
                match find(look, &target)? {
                    Some(AddressRecord::Account(id)) => self.add(id, owner.clone()),
                    Some(AddressRecord::Alias(alias)) => self.alias(alias, owner.clone()),
                    // what is ours was removed since
                    None => self.onward.extend(elsewhere(look, &target, &owner)?),
                }
            }
        }
        Ok(())
    }
}

/// The account of the host that the target is an address of.
fn at_host(look: &Moment, target: &str) -> Result<Option<(AccountId, Address)>, Fault> {
    let Ok(address) = target.parse::<Address>() else {
        return Ok(None);
    };
    let domain = address.domain().map(|domain| key::domain(domain.as_str()));
    let record = match domain {
        Some(domain) => look.record::<DomainRecord>(&domain)?,
        None => None,
    };
    Ok(record.and_then(|record| Some((record.host?, address))))
}

/// The target, if its domain is not hosted here.
fn elsewhere(
    look: &Moment,
    target: &str,
    owner: &Option<Address>,
) -> Result<Option<Forward>, Fault> {
    let Ok(to) = target.parse::<Address>() else {
        return Ok(None);
    };
    if let Some(domain) = to.domain()
        && look.value(&key::domain(domain.as_str()))?.is_some()
    {
        return Ok(None);
    }
    Ok(Some(Forward {
        to,
        owner: owner.clone(),
        company: Company::WithOthers,
    }))
}

fn find(look: &Moment, target: &str) -> Result<Option<AddressRecord>, Fault> {
    if let Some(found) = look.record::<AddressRecord>(&key::address(target))? {
        return Ok(Some(found));
    }
    match target.parse::<Address>() {
        Ok(address) if address.detail().is_some() => {
            look.record::<AddressRecord>(&key::address(&address.without_detail().key()))
        }
        _ => Ok(None),
    }
}

/// The hosted domain, if there is exactly one.
pub(crate) fn only_domain(look: &Moment) -> Result<Option<String>, Fault> {
    let mut rows = look.below(key::DOMAINS);
    let first = rows.next().transpose()?;
    let second = rows.next().transpose()?;
    Ok(match (first, second) {
        (Some((key, _)), None) => std::str::from_utf8(&key[1..]).ok().map(str::to_owned),
        _ => None,
    })
}

/// The account that an address, or an alias with one target after another, names.
pub(crate) fn login_account(look: &Moment, address: &Address) -> Result<Option<AccountId>, Fault> {
    let mut at = address.key();
    for _ in 0..limits::ALIAS_DEPTH {
        match look.record::<AddressRecord>(&key::address(&at))? {
            Some(AddressRecord::Account(id)) => return Ok(Some(id)),
            Some(AddressRecord::Alias(alias)) if alias.targets.len() == 1 => {
                at = alias.targets[0].clone();
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// A primary address, and the aliases that lead only to it.
pub(crate) fn addresses_of(look: &Moment, primary: &Address) -> Result<Vec<Address>, Fault> {
    let mut found = BTreeSet::new();
    let mut level = vec![primary.key()];
    for _ in 0..limits::ALIAS_DEPTH {
        let mut next = Vec::new();
        for target in level {
            let prefix = key::targeted(&target);
            for row in look.below(&prefix) {
                let (row_key, _) = row?;
                let Ok(alias) = std::str::from_utf8(&row_key[prefix.len()..]) else {
                    continue;
                };
                if found.len() < limits::ALIAS_TARGETS
                    && leads_nowhere_else(look, alias)?
                    && found.insert(alias.to_owned())
                {
                    next.push(alias.to_owned());
                }
            }
        }
        level = next;
    }
    let mut addresses = vec![primary.clone()];
    addresses.extend(
        found
            .iter()
            .filter_map(|alias| alias.parse::<Address>().ok()),
    );
    Ok(addresses)
}

fn leads_nowhere_else(look: &Moment, alias: &str) -> Result<bool, Fault> {
    let record = look.record::<AddressRecord>(&key::address(alias))?;
    Ok(matches!(record, Some(AddressRecord::Alias(alias)) if alias.targets.len() == 1))
}
