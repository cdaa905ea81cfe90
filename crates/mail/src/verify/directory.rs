//! Verifying the directory: addresses and accounts point to each other, targets exist.

use super::{LOST, VerifyReport};
use crate::codec::{Look, decode};
use crate::deliver::Inner;
use crate::directory::{AccountRecord, AddressRecord, DirectoryState, DomainRecord};
use crate::ids::AccountId;
use crate::keys::{self, directory as key};
use crate::state::AccountState;
use store::Fault;

const ADDRESS: &str = "remove the address and add it again";

/// Gives all accounts with their addresses.
pub(super) fn verify(
    inner: &Inner,
    report: &mut VerifyReport,
) -> Result<Vec<(AccountId, String)>, Fault> {
    let look = inner.directory.now();
    let mut accounts = Vec::new();
    let state = look
        .record::<DirectoryState>(key::STATE)?
        .unwrap_or_default();
    for row in look.below(key::ACCOUNTS) {
        let (row_key, value) = row?;
        let id = AccountId(keys::last_u64(&row_key).unwrap_or_default());
        let record = decode::<AccountRecord>(&row_key, &value)?;
        let place = format!("account {id} <{}>", record.address);
        if id.0 >= state.next_account {
            report.problem(&place, "its number will be given again", LOST);
        }
        let own = look.record::<AddressRecord>(&key::address(&record.address))?;
        if own != Some(AddressRecord::Account(id)) {
            report.problem(&place, "its address does not lead to it", ADDRESS);
        }
        if inner
            .moment(id)
            .record::<AccountState>(keys::ACCOUNT)?
            .is_none()
        {
            report.problem(&place, "it has no mailboxes at all", LOST);
        }
        accounts.push((id, record.address));
    }
    verify_addresses(&look, report)?;
    Ok(accounts)
}

fn verify_addresses(look: &impl Look, report: &mut VerifyReport) -> Result<(), Fault> {
    for row in look.below(key::ADDRESSES) {
        let (row_key, value) = row?;
        let address = String::from_utf8_lossy(&row_key[1..]).into_owned();
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        if look.record::<DomainRecord>(&key::domain(domain))?.is_none() {
            report.problem(&address, "its domain is not hosted here", ADDRESS);
        }
        match decode::<AddressRecord>(&row_key, &value)? {
            AddressRecord::Account(id) => {
                if look.value(&key::account(id))?.is_none() {
                    report.problem(&address, format!("account {id} is not there"), ADDRESS);
                }
            }
            AddressRecord::Alias(alias) => {
                for target in alias.targets {
                    if look.value(&key::targeted_by(&target, &address))?.is_none() {
                        let found = format!("target {target} does not know of it");
                        report.problem(&address, found, ADDRESS);
                    }
                }
            }
        }
    }
    Ok(())
}
