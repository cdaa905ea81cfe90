//! Domains: which are hosted, and what their DNS needs.
//!
//! What never happens here: a change of the DNS.

use super::{Answered, Office, done, fault, of_directory, read_domain};
use crate::admin::dns;
use crate::admin::request::{self, Answer, Keys, Kind, Refused};
use addr::Address;
use mail::{DirectoryError, DomainInfo};

impl Office {
    pub(super) fn domain_list(&self) -> Answered {
        let known = self.directory().domains(&self.admin).map_err(fault)?;
        let all: Result<_, _> = known.into_iter().map(|one| self.domain_of(one)).collect();
        Ok(Answer::Domains(all?))
    }

    fn domain_of(&self, info: DomainInfo) -> Result<request::Domain, Refused> {
        let accounts = self.directory().accounts(&self.admin).map_err(fault)?;
        let aliases = self.directory().aliases(&self.admin).map_err(fault)?;
        let is_here = |address: &&Address| address.domain() == Some(&info.name);
        Ok(request::Domain {
            accounts: accounts.iter().map(|a| &a.address).filter(is_here).count() as u64,
            aliases: aliases.iter().map(|a| &a.address).filter(is_here).count() as u64,
            catch_all: info.catch_all.as_ref().map(Address::to_string),
            domain: info.name.to_string(),
            records: None,
        })
    }

    pub(super) fn domain_show(&self, domain: &str, hostname: Option<String>) -> Answered {
        let name = self.hosted(domain)?;
        let known = self.directory().domains(&self.admin).map_err(fault)?;
        let info = known.into_iter().find(|info| info.name == name);
        let info = info.ok_or_else(|| of_directory(domain, &DirectoryError::NotFound))?;
        let mut shown = self.domain_of(info)?;
        let hostname = hostname.or_else(|| self.hostname.clone());
        let keys = self.directory().dkim_keys(&name).map_err(fault)?;
        shown.records = Some(dns::records(name.as_str(), hostname.as_deref(), &keys));
        Ok(Answer::Domain(shown))
    }

    pub(super) async fn domain_add(
        &self,
        domain: &str,
        hostname: Option<String>,
        keys: Keys,
    ) -> Answered {
        let name = read_domain(domain)?;
        let added = self.directory().add_domain(&self.admin, &name).await;
        added.map_err(|error| of_directory(&format!("cannot add the domain {name}"), &error))?;
        if keys == Keys::Made {
            self.first_keys(&name).await?;
        }
        self.domain_show(name.as_str(), hostname)
    }

    pub(super) async fn domain_set(&self, domain: &str, catch_all: Option<String>) -> Answered {
        let name = self.hosted(domain)?;
        let target = catch_all.map(|text| self.read_address(&text)).transpose()?;
        let set = self
            .directory()
            .set_catch_all(&self.admin, &name, target.as_ref());
        set.await.map_err(|error| match (&error, &target) {
            (DirectoryError::NotFound, Some(target)) => self.no_account(target),
            _ => of_directory(&format!("cannot set the catch-all of {name}"), &error),
        })?;
        done([match target {
            Some(target) => format!("mail for unknown users of {name} goes to {target}"),
            None => format!("mail for unknown users of {name} is refused"),
        }])
    }

    pub(super) async fn domain_remove(&self, domain: &str) -> Answered {
        let name = self.hosted(domain)?;
        let removed = self.directory().remove_domain(&self.admin, &name).await;
        removed.map_err(|error| match error {
            DirectoryError::InUse => {
                let text = format!(
                    "{name} still has accounts or aliases: see `whimbrel account list --domain \
                     {name}` and `whimbrel alias list --domain {name}`, remove them first"
                );
                Refused::new(Kind::InUse, text)
            }
            other => of_directory(&format!("cannot remove the domain {name}"), &other),
        })?;
        done([format!(
            "the domain {name} is not hosted here any more; mail for it is refused"
        )])
    }
}
