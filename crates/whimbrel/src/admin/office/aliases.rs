//! Aliases, and the catch-all of a domain, which is the alias `*@domain`.
//!
//! What never happens here: following them (`mail` does).

use super::{Answered, Office, done, fault, of_directory};
use crate::admin::nearest;
use crate::admin::request::{self, Answer, Kind, Owner, Refused};
use addr::Address;
use mail::{AliasInfo, AliasTo, DirectoryError, Existing};

/// `*@example.org` gives `example.org`.
fn catch_all(alias: &str) -> Option<&str> {
    alias.strip_prefix("*@")
}

fn shown(info: &AliasInfo) -> request::Alias {
    request::Alias {
        alias: info.address.to_string(),
        targets: info.targets.iter().map(Address::to_string).collect(),
        owner: info.owner.as_ref().map(Address::to_string),
    }
}

impl Office {
    fn all_aliases(&self) -> Result<Vec<request::Alias>, Refused> {
        let known = self.directory().aliases(&self.admin).map_err(fault)?;
        let domains = self.directory().domains(&self.admin).map_err(fault)?;
        let catching = domains.iter().filter_map(|domain| {
            Some(request::Alias {
                alias: format!("*@{}", domain.name),
                targets: vec![domain.catch_all.as_ref()?.to_string()],
                owner: None,
            })
        });
        Ok(known.iter().map(shown).chain(catching).collect())
    }

    pub(super) fn alias_list(&self, domain: Option<&str>) -> Answered {
        let mut all = self.all_aliases()?;
        if let Some(domain) = domain {
            let end = format!("@{}", self.hosted(domain)?);
            all.retain(|alias| alias.alias.ends_with(&end));
        }
        Ok(Answer::Aliases(all))
    }

    pub(super) fn alias_show(&self, alias: &str) -> Answered {
        let name = match catch_all(alias) {
            Some(domain) => format!("*@{}", self.hosted(domain)?),
            None => self.read_address(alias)?.to_string(),
        };
        let all = self.all_aliases()?;
        match all.iter().find(|one| one.alias == name) {
            Some(found) => Ok(Answer::Alias(found.clone())),
            None => Err(self.no_alias(&name)),
        }
    }

    fn no_alias(&self, name: &str) -> Refused {
        let all = self.all_aliases().unwrap_or_default();
        let names = || all.iter().map(|alias| alias.alias.as_str());
        let end = name.rsplit_once('@').map_or("", |(_, domain)| domain);
        let here = nearest::listed(names().filter(|n| n.ends_with(&format!("@{end}"))));
        let here = match here.is_empty() {
            true => format!("{end} has no aliases"),
            false => format!("aliases of {end}: {here}"),
        };
        let hint = nearest::hint(name, names());
        Refused::new(
            Kind::NotFound,
            format!("there is no alias {name}; {here}{hint}"),
        )
    }

    pub(super) async fn alias_add(
        &self,
        alias: &str,
        targets: &[String],
        owner: Option<String>,
    ) -> Answered {
        if let Some(domain) = catch_all(alias) {
            let name = self.hosted(domain)?;
            let known = self.directory().domains(&self.admin).map_err(fault)?;
            let before = known.into_iter().find(|info| info.name == name);
            if let Some(there) = before.and_then(|info| info.catch_all) {
                let text =
                    format!("*@{name} leads to {there} already; `whimbrel alias set` changes it");
                return Err(Refused::new(Kind::Exists, text));
            }
        }
        self.put_alias(alias, targets, owner, Existing::Refused)
            .await
    }

    pub(super) async fn alias_set(
        &self,
        alias: &str,
        targets: &[String],
        owner: Owner,
    ) -> Answered {
        let Answer::Alias(before) = self.alias_show(alias)? else {
            return Err(self.no_alias(alias));
        };
        let owner = match owner {
            Owner::Kept => before.owner,
            Owner::Nobody => None,
            Owner::Is(owner) => Some(owner),
        };
        self.put_alias(alias, targets, owner, Existing::Needed)
            .await
    }

    async fn put_alias(
        &self,
        alias: &str,
        targets: &[String],
        owner: Option<String>,
        existing: Existing,
    ) -> Answered {
        if let Some(domain) = catch_all(alias) {
            if owner.is_some() {
                let text = "a catch-all is no list and has no owner";
                return Err(Refused::new(Kind::Invalid, text));
            }
            let [target] = targets else {
                let text = "a catch-all has one target; where there are to be several, make an \
                            alias that leads to them and name it";
                return Err(Refused::new(Kind::Invalid, text));
            };
            return self.domain_set(domain, Some(target.clone())).await;
        }
        let address = self.read_address(alias)?;
        if let Some(domain) = address.domain() {
            self.hosted(domain.as_str())?;
        }
        let targets = targets.iter().map(|target| self.read_address(target));
        let targets = targets.collect::<Result<Vec<_>, _>>()?;
        let names: Vec<String> = targets.iter().map(Address::to_string).collect();
        let owner = owner.map(|text| self.read_address(&text)).transpose()?;
        let to = AliasTo {
            targets: targets.clone(),
            owner: owner.clone(),
        };
        let set = self
            .directory()
            .set_alias(&self.admin, &address, to, existing);
        let named: Vec<Address> = targets.into_iter().chain(owner.clone()).collect();
        set.await
            .map_err(|error| self.alias_error(&address, &named, &error))?;
        let goes = format!("mail for {address} goes to {}", names.join(", "));
        let tells = owner.map(|owner| format!("failures are told to {owner}, not to the sender"));
        done(std::iter::once(goes).chain(tells))
    }

    fn alias_error(&self, alias: &Address, targets: &[Address], error: &DirectoryError) -> Refused {
        match error {
            DirectoryError::Exists => {
                let text = format!(
                    "{alias} is there already, as an account or an alias; `whimbrel alias set` \
                     changes an alias"
                );
                Refused::new(Kind::Exists, text)
            }
            DirectoryError::NotFound => {
                let missing = targets.iter().find(|target| self.is_missing(target));
                missing.map_or_else(|| self.no_alias(&alias.to_string()), |t| self.no_account(t))
            }
            other => of_directory(&format!("cannot set the alias {alias}"), other),
        }
    }

    fn is_missing(&self, target: &Address) -> bool {
        let is_ours = |domain| self.directory().hosts(domain).unwrap_or(true);
        if !target.domain().is_some_and(is_ours) {
            return false;
        }
        let bare = target.without_detail();
        let account = self.directory().account_of(&self.admin, &bare);
        let aliases = self.directory().aliases(&self.admin).unwrap_or_default();
        !matches!(account, Ok(Some(_))) && aliases.iter().all(|alias| alias.address != bare)
    }

    pub(super) async fn alias_remove(&self, alias: &str) -> Answered {
        self.alias_show(alias)?;
        if let Some(domain) = catch_all(alias) {
            return self.domain_set(domain, None).await;
        }
        let address = self.read_address(alias)?;
        let removed = self.directory().remove_alias(&self.admin, &address).await;
        removed.map_err(|error| match error {
            DirectoryError::NotFound => self.no_alias(&address.to_string()),
            other => of_directory(&format!("cannot remove the alias {address}"), &other),
        })?;
        done([format!("{address} leads nowhere any more")])
    }
}
