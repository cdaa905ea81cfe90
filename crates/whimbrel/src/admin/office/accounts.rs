//! Accounts and their quotas.
//!
//! What never happens here: a password in an answer or a log line.

use super::{Answered, Office, done, fault, of_directory};
use crate::admin::measure;
use crate::admin::request::{self, Answer, Change, Kind, QuotaWord, Refused, Switch};
use addr::Address;
use mail::{
    AccountChange, AccountInfo, DirectoryError, NewPassword, PasswordRefusal, ReadablePassword,
    SharedKey, Standing, limits,
};

impl Office {
    pub(super) fn account_list(&self, domain: Option<&str>) -> Answered {
        let is_wanted = self.of_domain(domain)?;
        let known = self.directory().accounts(&self.admin).map_err(fault)?;
        let wanted = known.into_iter().filter(|a| is_wanted(&a.address));
        let mut all = wanted
            .map(|info| self.account_of(&info))
            .collect::<Result<Vec<_>, _>>()?;
        for removed in self
            .directory()
            .removed_accounts(&self.admin)
            .map_err(fault)?
        {
            if is_wanted(&removed.address) {
                all.push(request::Account {
                    account: removed.address.to_string(),
                    id: removed.id.0,
                    name: None,
                    created: String::new(),
                    login: false,
                    mail: false,
                    has_password: false,
                    cram_md5: false,
                    apop: false,
                    messages: 0,
                    bytes: 0,
                    quota_bytes: None,
                    own_quota: false,
                    aliases: Vec::new(),
                    kept_until: Some(measure::date(removed.kept_until)),
                });
            }
        }
        all.sort_by(|a, b| a.account.cmp(&b.account));
        Ok(Answer::Accounts(all))
    }

    pub(super) fn account_show(&self, account: &str) -> Answered {
        let (id, address) = self.found(account)?;
        let info = self.directory().account(&self.admin, id).map_err(fault)?;
        let info = info.ok_or_else(|| self.no_account(&address))?;
        let mut shown = self.account_of(&info)?;
        let aliases = self.directory().aliases(&self.admin).map_err(fault)?;
        let leading = aliases
            .iter()
            .filter(|alias| alias.targets.contains(&address));
        shown.aliases = leading.map(|alias| alias.address.to_string()).collect();
        Ok(Answer::Account(Box::new(shown)))
    }

    fn account_of(&self, info: &AccountInfo) -> Result<request::Account, Refused> {
        let quota = self.mail.account_as_admin(&self.admin, info.id).quota();
        let quota = quota.map_err(fault)?;
        Ok(request::Account {
            account: info.address.to_string(),
            id: info.id.0,
            name: info.display_name.clone(),
            created: measure::date(info.created),
            login: info.standing == Standing::Active,
            mail: info.standing != Standing::Closed,
            has_password: info.has_password,
            cram_md5: info.shared_key == SharedKey::Kept,
            apop: info.readable == ReadablePassword::Kept,
            messages: quota.used_messages,
            bytes: quota.used_bytes,
            quota_bytes: quota.limit_bytes,
            own_quota: info.quota_bytes.is_some(),
            aliases: Vec::new(),
            kept_until: None,
        })
    }

    pub(super) async fn account_add(&self, account: &str, change: Change) -> Answered {
        let address = self.read_address(account)?;
        if let Some(domain) = address.domain() {
            self.hosted(domain.as_str())?;
        }
        let has_password = change.password.is_some();
        let change = self
            .account_change(&address, change, Standing::Active)
            .await?;
        let added = self
            .directory()
            .add_account_with(&self.admin, &address, change)
            .await;
        added.map_err(|error| match error {
            DirectoryError::Exists => {
                let text = format!("{address} is there already, as an account or an alias");
                Refused::new(Kind::Exists, text)
            }
            other => of_directory(&format!("cannot add the account {address}"), &other),
        })?;
        let mut lines = vec![format!(
            "the account {address} is there, with INBOX, Drafts, Sent, Junk, Trash and Archive"
        )];
        if !has_password {
            lines.push(format!(
                "nobody can log in yet: `whimbrel account set {address} --generate` makes a password"
            ));
        }
        done(lines)
    }

    /// The password is hashed here, in the pool that all logins share.
    async fn account_change(
        &self,
        account: &Address,
        change: Change,
        before: Standing,
    ) -> Result<AccountChange, Refused> {
        let password = match &change.password {
            None => None,
            Some(secret) => Some(Some(self.hashed(account, secret).await?)),
        };
        let name = change
            .name
            .map(|name| Some(name).filter(|name| !name.is_empty()));
        Ok(AccountChange {
            password,
            display_name: name,
            quota_bytes: change.quota.map(quota_bytes),
            standing: standing(before, change.login, change.mail)?,
            shared_key: change.cram_md5.map(|switch| match switch.is_on() {
                true => SharedKey::Kept,
                false => SharedKey::NotKept,
            }),
            readable: change.apop.map(|switch| match switch.is_on() {
                true => ReadablePassword::Kept,
                false => ReadablePassword::NotKept,
            }),
        })
    }

    /// A new password for this account, or for what is its.
    pub(super) async fn hashed(
        &self,
        account: &Address,
        secret: &request::Secret,
    ) -> Result<NewPassword, Refused> {
        let (auth, password) = (self.mail.auth(), secret.0.as_bytes());
        auth.check_new_password(account, password)
            .map_err(not_possible)?;
        auth.new_password(password).await.map_err(not_possible)
    }

    pub(super) async fn account_set(&self, account: &str, change: Change) -> Answered {
        let (id, address) = self.found(account)?;
        let before = self.directory().account(&self.admin, id).map_err(fault)?;
        let before = before.ok_or_else(|| self.no_account(&address))?;
        let mut lines = said(&address.to_string(), &change);
        let had_apop = before.readable == ReadablePassword::Kept;
        if had_apop && change.password.is_some() && change.apop.is_none() {
            lines.push(format!(
                "{address} cannot log in by APOP any more: that needs --apop on with each new password"
            ));
        }
        let locks_out = change.login == Some(Switch::Off) || change.password.is_some();
        let change = self
            .account_change(&address, change, before.standing)
            .await?;
        let set = self
            .directory()
            .change_account(&self.admin, id, change)
            .await;
        set.map_err(|error| of_directory(&format!("cannot change the account {address}"), &error))?;
        let ended = match locks_out {
            true => self.end_sessions_of(&address.to_string()),
            false => None,
        };
        done(lines.into_iter().chain(ended))
    }

    pub(super) async fn account_remove(&self, account: &str) -> Answered {
        let (id, address) = self.found(account)?;
        let removed = self.directory().remove_account(&self.admin, id).await;
        removed.map_err(|error| {
            of_directory(&format!("cannot remove the account {address}"), &error)
        })?;
        let kept = self
            .directory()
            .removed_accounts(&self.admin)
            .map_err(fault)?;
        let until = kept.iter().find(|removed| removed.id == id);
        let until = until.map_or_else(String::new, |r| measure::date(r.kept_until));
        let mut lines = vec![
            format!("the account {address} is gone; mail to it is refused"),
            format!(
                "its mail is kept until {until}: `whimbrel account restore {address}` brings back \
                 the account with mail and password, as long as nobody else has the address"
            ),
        ];
        lines.extend(self.end_sessions_of(&address.to_string()));
        done(lines)
    }

    pub(super) async fn account_restore(&self, account: &str) -> Answered {
        let address = self.read_address(account)?;
        let restored = self
            .directory()
            .restore_account(&self.admin, &address)
            .await;
        restored.map_err(|error| match error {
            DirectoryError::NotFound => {
                let kept = self
                    .directory()
                    .removed_accounts(&self.admin)
                    .unwrap_or_default();
                let names: Vec<_> = kept.iter().map(|r| r.address.to_string()).collect();
                let names = super::nearest::listed(names.iter().map(String::as_str));
                let text = format!("no removed account {address} is kept; kept are: {names}");
                Refused::new(Kind::NotFound, text)
            }
            other => of_directory(&format!("cannot restore the account {address}"), &other),
        })?;
        done([format!(
            "the account {address} is back, with its mail and its password"
        )])
    }

    pub(super) fn quota_list(&self, domain: Option<&str>) -> Answered {
        let is_wanted = self.of_domain(domain)?;
        let known = self.directory().accounts(&self.admin).map_err(fault)?;
        let wanted = known.iter().filter(|a| is_wanted(&a.address));
        let all: Result<_, _> = wanted.map(|info| self.quota_of(info)).collect();
        Ok(Answer::Quotas(all?))
    }

    fn quota_of(&self, info: &AccountInfo) -> Result<request::Quota, Refused> {
        let account = self.account_of(info)?;
        Ok(request::Quota {
            account: account.account,
            bytes: account.bytes,
            messages: account.messages,
            quota_bytes: account.quota_bytes,
            own_quota: account.own_quota,
        })
    }

    pub(super) fn quota_show(&self, account: &str) -> Answered {
        let (id, address) = self.found(account)?;
        let info = self.directory().account(&self.admin, id).map_err(fault)?;
        let info = info.ok_or_else(|| self.no_account(&address))?;
        Ok(Answer::Quota(self.quota_of(&info)?))
    }

    pub(super) async fn quota_add(&self, account: &str, quota: QuotaWord) -> Answered {
        let (id, address) = self.found(account)?;
        if quota == QuotaWord::Default {
            let text = "the server's usual quota is none of its own: say a size, or none";
            return Err(Refused::new(Kind::Invalid, text));
        }
        let info = self.directory().account(&self.admin, id).map_err(fault)?;
        if info.is_some_and(|info| info.quota_bytes.is_some()) {
            let text = format!(
                "{address} has a quota of its own; `whimbrel quota set {address}` changes it"
            );
            return Err(Refused::new(Kind::Exists, text));
        }
        self.quota_set(account, quota).await
    }

    pub(super) async fn quota_set(&self, account: &str, quota: QuotaWord) -> Answered {
        let change = Change {
            quota: Some(quota),
            ..Change::default()
        };
        self.account_set(account, change).await
    }
}

fn not_possible(why: PasswordRefusal) -> Refused {
    let kind = match why {
        PasswordRefusal::Busy | PasswordRefusal::Unavailable(_) => Kind::Unavailable,
        _ => Kind::Invalid,
    };
    let text = format!("{why}; nothing was changed. --generate makes a good one");
    Refused::new(kind, text)
}

fn quota_bytes(word: QuotaWord) -> Option<u64> {
    match word {
        QuotaWord::Default => None,
        QuotaWord::None => Some(limits::NO_QUOTA),
        QuotaWord::Bytes(bytes) => Some(bytes),
    }
}

/// Login and mail are set apart from each other; a login without mail there is not.
fn standing(
    before: Standing,
    login: Option<Switch>,
    mail: Option<Switch>,
) -> Result<Option<Standing>, Refused> {
    if login.is_none() && mail.is_none() {
        return Ok(None);
    }
    let may_log_in = login.map_or(before == Standing::Active, Switch::is_on);
    let takes_mail = mail.map_or(before != Standing::Closed, Switch::is_on);
    match (may_log_in, takes_mail) {
        (true, true) => Ok(Some(Standing::Active)),
        (false, true) => Ok(Some(Standing::NoLogin)),
        (false, false) => Ok(Some(Standing::Closed)),
        (true, false) => {
            let text = "an account that takes no mail has no login either: say --login off as well";
            Err(Refused::new(Kind::Invalid, text))
        }
    }
}

/// What will have been done, a line for each thing.
fn said(address: &str, change: &Change) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |text: String| lines.push(text);
    if change.password.is_some() {
        say(format!(
            "{address} has a new password; the old one is worth nothing any more"
        ));
    }
    match change.name.as_deref() {
        None => {}
        Some("") => say(format!("{address} has no display name")),
        Some(name) => say(format!("{address} is shown as {name}")),
    }
    match change.quota {
        None => {}
        Some(QuotaWord::Default) => say(format!("{address} has the server's usual quota")),
        Some(QuotaWord::None) => say(format!("{address} has no quota")),
        Some(QuotaWord::Bytes(bytes)) => {
            say(format!("{address} may hold {}", measure::bytes(bytes)));
        }
    }
    match change.login {
        None => {}
        Some(Switch::On) => say(format!("{address} may log in")),
        Some(Switch::Off) => say(format!("{address} cannot log in")),
    }
    match change.mail {
        None => {}
        Some(Switch::On) => say(format!("mail to {address} is taken")),
        Some(Switch::Off) => say(format!("mail to {address} is refused")),
    }
    match change.cram_md5 {
        None => {}
        Some(Switch::On) => say(format!(
            "{address} may log in by CRAM-MD5 for on-demand mail relay"
        )),
        Some(Switch::Off) => say(format!("{address} cannot log in by CRAM-MD5")),
    }
    match change.apop {
        None => {}
        Some(Switch::On) => say(format!(
            "{address} may log in by APOP; its password is kept readable"
        )),
        Some(Switch::Off) => say(format!("{address} cannot log in by APOP")),
    }
    lines
}
