//! Hosts of SDPS: domains all of whose mail goes to one account (docs/sdps.md).

use super::{Answered, Office, done, fault, of_directory, read_domain};
use crate::admin::request::{self, Answer, Kind, Refused, Second, Secret};
use addr::{Address, Domain};
use mail::{DirectoryError, HostChange};

impl Office {
    fn all_hosts(&self) -> Result<Vec<request::Host>, Refused> {
        let hosts = self.directory().host_list(&self.admin).map_err(fault)?;
        let shown = hosts.into_iter().map(|host| {
            let account = self.directory().account(&self.admin, host.account);
            let account = account.map_err(fault)?;
            let has_first = account.as_ref().is_some_and(|one| one.has_password);
            Ok(request::Host {
                host: host.domain.to_string(),
                account: account.map_or_else(String::new, |one| one.address.to_string()),
                passwords: u8::from(has_first) + u8::from(host.has_second),
            })
        });
        shown.collect()
    }

    pub(super) fn host_list(&self) -> Answered {
        Ok(Answer::Hosts(self.all_hosts()?))
    }

    pub(super) fn host_show(&self, host: &str) -> Answered {
        Ok(Answer::Hosts(vec![self.one_host(host)?]))
    }

    fn one_host(&self, host: &str) -> Result<request::Host, Refused> {
        let domain = read_domain(host)?.to_string();
        let found = self.all_hosts()?.into_iter().find(|one| one.host == domain);
        found.ok_or_else(|| Refused::new(Kind::NotFound, format!("{domain} is no host")))
    }

    /// The domain has to be hosted, the account to be there.
    pub(super) async fn host_add(
        &self,
        host: &str,
        account: &str,
        second: Option<Secret>,
    ) -> Answered {
        let domain = self.hosted(host)?;
        let (id, address) = self.found(account)?;
        let second = match &second {
            Some(secret) => Some(self.hashed(&address, secret).await?),
            None => None,
        };
        let add = self
            .directory()
            .add_host(&self.admin, &domain, id, second.as_ref());
        add.await.map_err(|error| refused(&domain, &error))?;
        let label = domain.as_str().split('.').next().unwrap_or_default();
        done([
            leads(&domain, &address),
            format!(
                "by POP3 {label} sees all of it, USER@{label} that of one user, with the password \
                 of {address}{}",
                match second {
                    Some(_) => " or the second one",
                    None => "",
                }
            ),
        ])
    }

    /// What is not said stays.
    pub(super) async fn host_set(
        &self,
        host: &str,
        account: Option<&str>,
        second: Second,
    ) -> Answered {
        let domain = self.hosted(host)?;
        let before = self.one_host(host)?;
        let account = account.map(|account| self.found(account)).transpose()?;
        let mut lines = Vec::new();
        let mut change = HostChange::default();
        if let Some((id, address)) = &account {
            change.account = Some(*id);
            lines.push(leads(&domain, address));
        }
        match second {
            Second::Stays => {}
            Second::Goes => {
                change.second = Some(None);
                lines.push(format!("{domain} has no second password"));
            }
            Second::Set(secret) => {
                let address = match account {
                    Some((_, address)) => address,
                    None => self.found(&before.account)?.1,
                };
                change.second = Some(Some(self.hashed(&address, &secret).await?));
                lines.push(format!("{domain} has a new second password"));
            }
        }
        let set = self.directory().change_host(&self.admin, &domain, change);
        set.await.map_err(|error| refused(&domain, &error))?;
        // one of them may have come by what opens the host no more
        lines.extend(self.end_sessions_of(&before.account));
        done(lines)
    }

    pub(super) async fn host_remove(&self, host: &str) -> Answered {
        let before = self.one_host(host)?;
        let domain = self.hosted(host)?;
        let removed = self.directory().remove_host(&self.admin, &domain).await;
        removed.map_err(|error| of_directory(&format!("cannot change {domain}"), &error))?;
        let said =
            format!("{domain} is no host any more; mail for it is refused until it has addresses");
        done(
            [said]
                .into_iter()
                .chain(self.end_sessions_of(&before.account)),
        )
    }
}

fn leads(domain: &Domain, account: &Address) -> String {
    format!("mail for every address of {domain} goes to {account}")
}

fn refused(domain: &Domain, error: &DirectoryError) -> Refused {
    match error {
        DirectoryError::Exists => {
            let text = format!("{domain} is a host already; `whimbrel host set` changes it");
            Refused::new(Kind::Exists, text)
        }
        DirectoryError::InUse => {
            let text = format!(
                "{domain} has addresses of other accounts, or aliases; a host has none: all of its \
                 mail goes to one account"
            );
            Refused::new(Kind::InUse, text)
        }
        other => of_directory(&format!("cannot make {domain} a host"), other),
    }
}
