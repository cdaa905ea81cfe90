//! Does what an operator asks, in the server's process or in one that has opened the store.
//!
//! Each request is one durable change or none. What never happens here: arguments, a socket, the
//! words of an answer (`words`).

mod accounts;
mod aliases;
mod damaged;
mod dkim;
mod domains;
mod hosts;
mod mailboxes;
mod road;
mod sessions;

use super::nearest;
use super::request::{Answer, Kind, Refused, Request};
use addr::{Address, Domain};
use mail::{AccountId, Admin, Directory, DirectoryError, Fault, Mail, MailboxError};
use net::{Resolver, Sessions};
use post::queue::Queue;

type Answered = Result<Answer, Refused>;

/// Where requests are done. Cheap to clone.
#[derive(Clone)]
pub struct Office {
    pub mail: Mail,
    pub admin: Admin,
    /// None: no server runs.
    pub sessions: Option<Sessions>,
    /// None: the DNS cannot be asked.
    pub resolver: Option<Resolver>,
    /// The server's own name, where it is known.
    pub hostname: Option<String>,
    /// What waits to be sent.
    pub queue: Queue,
}

impl Office {
    pub async fn answer(&self, request: Request) -> Answered {
        use Request as R;
        match request {
            R::DomainList => self.domain_list(),
            R::DomainShow { domain, hostname } => self.domain_show(&domain, hostname),
            R::DomainAdd {
                domain,
                hostname,
                keys,
            } => self.domain_add(&domain, hostname, keys).await,
            R::DomainSet { domain, catch_all } => self.domain_set(&domain, catch_all).await,
            R::DomainRemove { domain } => self.domain_remove(&domain).await,
            R::AccountList { domain } => self.account_list(domain.as_deref()),
            R::AccountShow { account } => self.account_show(&account),
            R::AccountAdd { account, change } => self.account_add(&account, change).await,
            R::AccountSet { account, change } => self.account_set(&account, change).await,
            R::AccountRemove { account } => self.account_remove(&account).await,
            R::AccountRestore { account } => self.account_restore(&account).await,
            R::AliasList { domain } => self.alias_list(domain.as_deref()),
            R::AliasShow { alias } => self.alias_show(&alias),
            R::AliasAdd {
                alias,
                targets,
                owner,
            } => self.alias_add(&alias, &targets, owner).await,
            R::AliasSet {
                alias,
                targets,
                owner,
            } => self.alias_set(&alias, &targets, owner).await,
            R::AliasRemove { alias } => self.alias_remove(&alias).await,
            R::HostList => self.host_list(),
            R::HostShow { host } => self.host_show(&host),
            R::HostAdd {
                host,
                account,
                second,
            } => self.host_add(&host, &account, second).await,
            R::HostSet {
                host,
                account,
                second,
            } => self.host_set(&host, account.as_deref(), second).await,
            R::HostRemove { host } => self.host_remove(&host).await,
            R::DkimList { domain } => self.dkim_list(domain.as_deref()),
            R::DkimShow { domain, selector } => self.dkim_show(&domain, selector.as_deref()),
            R::DkimAdd {
                domain,
                algorithm,
                selector,
            } => self.dkim_add(&domain, algorithm, selector.as_deref()).await,
            R::DkimRotate { domain } => self.dkim_rotate(&domain).await,
            R::DkimLook { domain } => self.dkim_look(&domain).await,
            R::DkimActivate { domain } => self.dkim_activate(&domain).await,
            R::DkimRetire { domain, selector } => self.dkim_retire(&domain, &selector).await,
            R::DkimRemove { domain, selector } => self.dkim_remove(&domain, &selector).await,
            R::MailboxList { account } => self.mailbox_list(&account),
            R::MailboxShow { account, mailbox } => self.mailbox_show(&account, &mailbox),
            R::MailboxAdd {
                account,
                mailbox,
                special_use,
            } => self.mailbox_add(&account, &mailbox, special_use).await,
            R::MailboxSet {
                account,
                mailbox,
                change,
            } => self.mailbox_set(&account, &mailbox, change).await,
            R::MailboxRename {
                account,
                mailbox,
                to,
            } => self.mailbox_rename(&account, &mailbox, &to).await,
            R::MailboxRemove { account, mailbox } => self.mailbox_remove(&account, &mailbox).await,
            R::QuotaList { domain } => self.quota_list(domain.as_deref()),
            R::QuotaShow { account } => self.quota_show(&account),
            R::QuotaAdd { account, quota } => self.quota_add(&account, quota).await,
            R::QuotaSet { account, quota } => self.quota_set(&account, quota).await,
            R::SessionList { account } => self.session_list(account.as_deref()),
            R::SessionEnd { id } => self.session_end(id),
            R::SessionEndAll { account } => self.session_end_all(&account),
            R::QueueList { selection, limit } => self.queue_list(&selection, limit),
            R::QueueDamaged { ids } => self.queue_damaged(&ids),
            R::QueueClear { ids } => self.queue_clear(&ids).await,
            R::QueueShow { id } => self.queue_show(&id).await,
            R::QueueChange { action, selection } => self.queue_change(action, &selection).await,
            R::Why { about, limit } => self.why(&about, limit).await,
            R::LogFollow(_) => Err(not_running()),
        }
    }

    fn directory(&self) -> &Directory {
        self.mail.directory()
    }

    /// A domain that is hosted here.
    fn hosted(&self, text: &str) -> Result<Domain, Refused> {
        let domain = read_domain(text)?;
        if self.directory().hosts(&domain).map_err(fault)? {
            return Ok(domain);
        }
        let known = self.directory().domains(&self.admin).map_err(fault)?;
        let names: Vec<_> = known.iter().map(|d| d.name.to_string()).collect();
        let rest = match names.is_empty() {
            true => "; none is hosted yet, add it with `whimbrel domain add`".to_owned(),
            false => {
                let all = nearest::listed(names.iter().map(String::as_str));
                let hint = nearest::hint(text, names.iter().map(String::as_str));
                format!("; hosted are: {all}{hint}")
            }
        };
        let text = format!("there is no domain {domain} here{rest}");
        Err(Refused::new(Kind::NotFound, text))
    }

    /// An account by its primary address, or the local part alone where one domain is hosted.
    fn found(&self, text: &str) -> Result<(AccountId, Address), Refused> {
        let address = self.read_address(text)?;
        let known = self.directory().account_of(&self.admin, &address);
        match known.map_err(fault)? {
            Some(id) => Ok((id, address)),
            None => Err(self.no_account(&address)),
        }
    }

    fn no_account(&self, address: &Address) -> Refused {
        let known = self.directory().accounts(&self.admin).unwrap_or_default();
        let names: Vec<String> = known.iter().map(|a| a.address.to_string()).collect();
        let domain = address.domain().map(Domain::to_string).unwrap_or_default();
        let end = format!("@{domain}");
        let here = nearest::listed(
            names
                .iter()
                .map(String::as_str)
                .filter(|n| n.ends_with(&end)),
        );
        let here = match here.is_empty() {
            true => format!("{domain} has no accounts"),
            false => format!("accounts of {domain}: {here}"),
        };
        let wanted = address.to_string();
        let hint = nearest::hint(&wanted, names.iter().map(String::as_str));
        let aliases = self.directory().aliases(&self.admin).unwrap_or_default();
        let alias = aliases.iter().find(|alias| alias.address == *address);
        let is_alias = alias.map_or("", |_| " (it is an alias)");
        let text = format!("there is no account {wanted}{is_alias}; {here}{hint}");
        Refused::new(Kind::NotFound, text)
    }

    /// An address; without `@`, of the only domain.
    fn read_address(&self, text: &str) -> Result<Address, Refused> {
        let whole = match text.contains('@') {
            true => text.to_owned(),
            false => {
                let known = self.directory().domains(&self.admin).map_err(fault)?;
                match known.as_slice() {
                    [only] => format!("{text}@{}", only.name),
                    _ => text.to_owned(),
                }
            }
        };
        whole.parse().map_err(|why| {
            let text = format!("“{text}” is no address: {why}");
            Refused::new(Kind::Invalid, text)
        })
    }

    /// Of one domain, or all.
    fn of_domain(&self, domain: Option<&str>) -> Result<impl Fn(&Address) -> bool, Refused> {
        let domain = domain.map(|text| self.hosted(text)).transpose()?;
        Ok(move |address: &Address| domain.is_none() || address.domain() == domain.as_ref())
    }
}

fn read_domain(text: &str) -> Result<Domain, Refused> {
    text.parse().map_err(|why| {
        let text = format!("“{text}” is no domain: {why}");
        Refused::new(Kind::Invalid, text)
    })
}

fn not_running() -> Refused {
    let text = "no server runs on this data folder, so there are no sessions and no log to follow";
    Refused::new(Kind::NotRunning, text)
}

fn fault(fault: Fault) -> Refused {
    Refused::new(Kind::Unavailable, fault.to_string())
}

/// What the directory says, about what was asked for.
fn of_directory(what: &str, error: &DirectoryError) -> Refused {
    let kind = match error {
        DirectoryError::Exists => Kind::Exists,
        DirectoryError::NotFound | DirectoryError::NotOurs => Kind::NotFound,
        DirectoryError::InUse => Kind::InUse,
        DirectoryError::ReadOnly(_) | DirectoryError::Unavailable(_) => Kind::Unavailable,
        DirectoryError::Invalid(_) | DirectoryError::TooManyTargets => Kind::Invalid,
    };
    Refused::new(kind, format!("{what}: {error}"))
}

fn of_mailbox(what: &str, error: &MailboxError) -> Refused {
    let kind = match error {
        MailboxError::NotFound => Kind::NotFound,
        MailboxError::Exists | MailboxError::SpecialUseTaken => Kind::Exists,
        MailboxError::HasChildren | MailboxError::NotEmpty => Kind::InUse,
        MailboxError::ReadOnly(_) | MailboxError::Unavailable(_) => Kind::Unavailable,
        _ => Kind::Invalid,
    };
    Refused::new(kind, format!("{what}: {error}"))
}

fn done(lines: impl IntoIterator<Item = String>) -> Answered {
    Ok(Answer::Done(lines.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::MailSettings;
    use net::{Clock, Random, Time};
    use post::queue::QueueSettings;
    use post::road::route::Routes;
    use store::Db;

    /// Of an empty house, where no server runs.
    pub async fn office(resolver: Option<Resolver>) -> Office {
        let db = Db::memory();
        let admin = Admin::owner_of(&db);
        let (clock, random) = (Clock::manual(Time::from_seconds(1)), Random::seeded(1));
        let mail = Mail::open(db, clock.clone(), random.clone(), MailSettings::default()).await;
        let mail = mail.unwrap();
        let (settings, routes) = (QueueSettings::default(), Routes::default());
        let queue = Queue::open(mail.clone(), clock, random, "localhost", settings, routes).await;
        Office {
            queue: queue.unwrap(),
            mail,
            admin,
            sessions: None,
            resolver,
            hostname: None,
        }
    }
}
