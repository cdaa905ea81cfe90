//! Hosts of SDPS: domains all of whose mail goes to one account (docs/sdps.md).

use super::{Answered, Office, done, fault, of_directory, read_domain};
use crate::admin::request::{self, Answer, Kind, Refused, Secret};
use mail::DirectoryError;

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
        let domain = read_domain(host)?.to_string();
        let all = self.all_hosts()?;
        match all.into_iter().find(|one| one.host == domain) {
            Some(found) => Ok(Answer::Hosts(vec![found])),
            None => Err(Refused::new(Kind::NotFound, format!("{domain} is no host"))),
        }
    }

    /// The domain has to be hosted, the account to be there; a host that is there gets both anew.
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
        let set = self
            .directory()
            .set_host(&self.admin, &domain, id, second.as_ref());
        set.await.map_err(|error| match error {
            DirectoryError::InUse => {
                let text = format!(
                    "{domain} has addresses of other accounts, or aliases; a host has none: all of \
                     its mail goes to one account"
                );
                Refused::new(Kind::InUse, text)
            }
            other => of_directory(&format!("cannot make {domain} a host"), &other),
        })?;
        let label = domain.as_str().split('.').next().unwrap_or_default();
        done([
            format!("mail for every address of {domain} goes to {address}"),
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

    pub(super) async fn host_remove(&self, host: &str) -> Answered {
        self.host_show(host)?;
        let domain = self.hosted(host)?;
        let removed = self.directory().remove_host(&self.admin, &domain).await;
        removed.map_err(|error| of_directory(&format!("cannot change {domain}"), &error))?;
        done([format!(
            "{domain} is no host any more; mail for it is refused until it has addresses"
        )])
    }
}
