//! An account's mailboxes.
//!
//! What never happens here: reading a message.

use super::{Answered, Office, done, fault, of_mailbox};
use crate::admin::nearest;
use crate::admin::request::{self, Answer, Kind, MailboxChange, Refused, Use};
use mail::{Account, MailboxError, MailboxInfo, MailboxName, SpecialUse};

impl Office {
    fn account(&self, account: &str) -> Result<(Account, String), Refused> {
        let (id, address) = self.found(account)?;
        let account = self.mail.account_as_admin(&self.admin, id);
        Ok((account, address.to_string()))
    }

    pub(super) fn mailbox_list(&self, account: &str) -> Answered {
        let (account, _) = self.account(account)?;
        let known = account.mailboxes().map_err(fault)?;
        let all: Result<_, _> = known
            .iter()
            .map(|info| mailbox_of(&account, info))
            .collect();
        Ok(Answer::Mailboxes(all?))
    }

    pub(super) fn mailbox_show(&self, account: &str, mailbox: &str) -> Answered {
        let (account, address) = self.account(account)?;
        let name = read_name(mailbox)?;
        let found = account.mailbox(&name).map_err(fault)?;
        let found = found.ok_or_else(|| no_mailbox(&account, &address, &name))?;
        Ok(Answer::Mailbox(mailbox_of(&account, &found)?))
    }

    pub(super) async fn mailbox_add(
        &self,
        account: &str,
        mailbox: &str,
        special_use: Option<Use>,
    ) -> Answered {
        let (account, address) = self.account(account)?;
        let name = read_name(mailbox)?;
        let special_use = special_use.and_then(special);
        let created = account.create(&name, special_use).await;
        created.map_err(|error| {
            refused_use(&account, &address, special_use, &error)
                .unwrap_or_else(|| of_mailbox(&format!("cannot make {name} of {address}"), &error))
        })?;
        // As mail programs do; else many would not show it.
        let subscribed = account.subscribe(&name).await;
        subscribed.map_err(|error| of_mailbox(&format!("cannot subscribe {name}"), &error))?;
        done([format!(
            "{address} has the mailbox {name}, and is subscribed to it"
        )])
    }

    pub(super) async fn mailbox_set(
        &self,
        account: &str,
        mailbox: &str,
        change: MailboxChange,
    ) -> Answered {
        let (account, address) = self.account(account)?;
        let name = read_name(mailbox)?;
        let special_use = change.special_use.map(special);
        let wanted = mail::MailboxChange {
            special_use,
            subscribed: change.subscribed,
        };
        let set = account.set_mailbox(&name, wanted).await;
        set.map_err(|error| match error {
            MailboxError::NotFound => no_mailbox(&account, &address, &name),
            other => refused_use(&account, &address, special_use.flatten(), &other).unwrap_or_else(
                || of_mailbox(&format!("cannot change {name} of {address}"), &other),
            ),
        })?;
        let of_use = special_use.map(|of| match of {
            Some(of) => format!("{name} of {address} has the special use {} now", of.name()),
            None => format!("{name} of {address} has no special use now"),
        });
        let of_subscription = change.subscribed.map(|subscribed| match subscribed {
            true => format!("{address} is subscribed to {name}"),
            false => format!("{address} is not subscribed to {name}"),
        });
        done(of_use.into_iter().chain(of_subscription))
    }

    pub(super) async fn mailbox_rename(&self, account: &str, from: &str, to: &str) -> Answered {
        let (account, address) = self.account(account)?;
        let (from, to) = (read_name(from)?, read_name(to)?);
        let renamed = account.rename(&from, &to).await;
        renamed.map_err(|error| match error {
            MailboxError::NotFound => no_mailbox(&account, &address, &from),
            other => of_mailbox(&format!("cannot rename {from} of {address}"), &other),
        })?;
        done([match from.is_inbox() {
            true => format!("what was in INBOX of {address} is in {to} now; INBOX is empty"),
            false => format!("{from} of {address} is {to} now, and what is below moved with it"),
        }])
    }

    pub(super) async fn mailbox_remove(&self, account: &str, mailbox: &str) -> Answered {
        let (account, address) = self.account(account)?;
        let name = read_name(mailbox)?;
        let messages = account.status(&name).map_or(0, |status| status.messages);
        let deleted = account.delete(&name).await;
        deleted.map_err(|error| match error {
            MailboxError::NotFound => no_mailbox(&account, &address, &name),
            other => of_mailbox(&format!("cannot remove {name} of {address}"), &other),
        })?;
        done([
            format!("the mailbox {name} of {address} is gone, with {messages} messages"),
            "they count against the quota no more; the history keeps them for its time".to_owned(),
        ])
    }
}

fn mailbox_of(account: &Account, info: &MailboxInfo) -> Result<request::Mailbox, Refused> {
    let status = match info.selectable {
        true => Some(
            account
                .status(&info.name)
                .map_err(|error| of_mailbox("cannot look", &error))?,
        ),
        false => None,
    };
    Ok(request::Mailbox {
        mailbox: info.name.to_string(),
        special_use: info.special_use.map(|of| of.name().to_owned()),
        subscribed: info.subscribed,
        selectable: info.selectable,
        messages: status.map_or(0, |s| u64::from(s.messages)),
        unseen: status.map_or(0, |s| u64::from(s.unseen)),
        bytes: status.map_or(0, |s| s.bytes),
    })
}

fn read_name(text: &str) -> Result<MailboxName, Refused> {
    MailboxName::try_from(text).map_err(|why| {
        let text = format!("“{text}” cannot be a mailbox: {}", why.text());
        Refused::new(Kind::Invalid, text)
    })
}

fn no_mailbox(account: &Account, address: &str, name: &MailboxName) -> Refused {
    let known = account.mailboxes().unwrap_or_default();
    let names = || known.iter().map(|info| info.name.as_str());
    let (all, hint) = (
        nearest::listed(names()),
        nearest::hint(name.as_str(), names()),
    );
    let text = format!("{address} has no mailbox {name}; it has {all}{hint}");
    Refused::new(Kind::NotFound, text)
}

/// Which mailbox has the use that another was to get, and how to take it away.
fn refused_use(
    account: &Account,
    address: &str,
    wanted: Option<SpecialUse>,
    error: &MailboxError,
) -> Option<Refused> {
    if !matches!(error, MailboxError::SpecialUseTaken) {
        return None;
    }
    let wanted = wanted?;
    let known = account.mailboxes().ok()?;
    let other = known.iter().find(|info| info.special_use == Some(wanted))?;
    let (of, other) = (wanted.name(), &other.name);
    let text = format!(
        "{other} of {address} has the special use {of}, and only one mailbox can: \
         `whimbrel mailbox set {address} '{other}' --special-use none` takes it away"
    );
    Some(Refused::new(Kind::Exists, text))
}

fn special(of: Use) -> Option<SpecialUse> {
    match of {
        Use::None => None,
        Use::Archive => Some(SpecialUse::Archive),
        Use::Drafts => Some(SpecialUse::Drafts),
        Use::Junk => Some(SpecialUse::Junk),
        Use::Sent => Some(SpecialUse::Sent),
        Use::Trash => Some(SpecialUse::Trash),
    }
}
