//! Accounts as the operator makes, changes, removes and restores them.
//! What never happens here: a password (only its verifiers are kept), mail.

use super::readable::{self, ReadablePassword};
use super::record::{AccountRecord, AddressRecord, DirectoryState, RemovedRecord};
use super::{Directory, check_new_address};
use crate::auth::{NewPassword, Verifiers};
use crate::change::AccountEdit;
use crate::codec::{Look, Record, damaged, decode};
use crate::error::DirectoryError;
use crate::ids::{AccountId, ModSeq};
use crate::keys::{self, DIRECTORY, directory as key};
use crate::limits;
use crate::mailbox;
use crate::name::MailboxName;
use crate::proof::Admin;
use crate::settings::FirstMailbox;
use crate::state::AccountState;
use crate::subscription;
use crate::tree::ROOT;
use addr::Address;
use net::Time;
use store::{Edit, Fault};

/// The end of the year 9999, which every form of a date can say.
const LAST_SECOND: i64 = 253_402_300_799;

/// What an account may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Standing {
    /// Logins and mail.
    #[default]
    Active,
    /// No login; mail is still taken.
    NoLogin,
    /// No login, and mail to it is refused.
    Closed,
}

impl Standing {
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Active => 0,
            Self::NoLogin => 1,
            Self::Closed => 2,
        }
    }
    pub(super) fn from_number(number: u8) -> Option<Self> {
        let all = [Self::Active, Self::NoLogin, Self::Closed];
        all.into_iter().find(|s| s.number() == number)
    }
}

/// An account as the operator sees it.
#[derive(Clone, Debug)]
pub struct AccountInfo {
    /// Its id.
    pub id: AccountId,
    /// Its primary address, which is its login name.
    pub address: Address,
    /// Whose it is, for people.
    pub display_name: Option<String>,
    /// What it may do.
    pub standing: Standing,
    /// When it was made.
    pub created: Time,
    /// Its own quota; `None` = the setting's, [`limits::NO_QUOTA`] = none at all.
    pub quota_bytes: Option<u64>,
    /// Has it a password?
    pub has_password: bool,
    /// Whether CRAM-MD5's key is kept of it.
    pub shared_key: SharedKey,
    /// Whether it is kept readable, for APOP.
    pub readable: ReadablePassword,
}

/// An account that was removed and whose mail is still kept.
#[derive(Clone, Debug)]
pub struct RemovedInfo {
    /// Its id.
    pub id: AccountId,
    /// The address that it had.
    pub address: Address,
    /// When it was removed.
    pub removed: Time,
    /// Until when it can be restored.
    pub kept_until: Time,
}

/// What is to be set of an account; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct AccountChange {
    /// A new password, or none at all.
    pub password: Option<Option<NewPassword>>,
    /// Whose it is, for people.
    pub display_name: Option<Option<String>>,
    /// Its own quota, or the setting's.
    pub quota_bytes: Option<Option<u64>>,
    /// What it may do.
    pub standing: Option<Standing>,
    /// Whether CRAM-MD5's key is kept of its password.
    pub shared_key: Option<SharedKey>,
    /// Whether the password is kept readable, for APOP; a new password is not, unless this says so.
    pub readable: Option<ReadablePassword>,
}

/// Whether what CRAM-MD5 needs is kept of a password: a stolen copy of it opens the account by
/// CRAM-MD5, as no stolen hash does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SharedKey {
    Kept,
    NotKept,
}

impl AccountChange {
    fn apply(self, record: &mut AccountRecord) -> Result<(), DirectoryError> {
        change_password(record, self.password, self.shared_key)?;
        if let Some(name) = self.display_name {
            if name
                .as_ref()
                .is_some_and(|n| n.len() > limits::DISPLAY_NAME_BYTES)
            {
                return Err(DirectoryError::Invalid("the display name is too long"));
            }
            if name
                .as_ref()
                .is_some_and(|n| n.chars().any(char::is_control))
            {
                let why = "the display name has a control character";
                return Err(DirectoryError::Invalid(why));
            }
            record.display_name = name;
        }
        if let Some(quota) = self.quota_bytes {
            record.quota_bytes = quota;
        }
        record.standing = self.standing.unwrap_or(record.standing);
        Ok(())
    }
}

/// What the account asked for holds for its next passwords as well.
fn change_password(
    record: &mut AccountRecord,
    password: Option<Option<NewPassword>>,
    shared_key: Option<SharedKey>,
) -> Result<(), DirectoryError> {
    let old = record.verifiers.take();
    let had = old.as_ref().and_then(Verifiers::shared_key);
    let is_kept = shared_key.map_or(had.is_some(), |asked| asked == SharedKey::Kept);
    record.verifiers = match password {
        Some(password) => password.map(|new| {
            let shared = is_kept.then_some(&new.shared_key);
            new.verifiers.clone().with_shared_key(shared)
        }),
        None if is_kept && had.is_none() => {
            let why =
                "CRAM-MD5 needs a new password: of the one that is set, nothing is kept for it";
            return Err(DirectoryError::Invalid(why));
        }
        None => old.map(|old| old.with_shared_key(had.as_ref().filter(|_| is_kept))),
    };
    Ok(())
}

impl Directory {
    /// Makes an account with INBOX, Drafts, Sent, Junk, Trash, Archive.
    pub async fn add_account(
        &self,
        admin: &Admin,
        address: &Address,
        password: Option<&NewPassword>,
    ) -> Result<AccountId, DirectoryError> {
        let change = AccountChange {
            password: Some(password.cloned()),
            ..AccountChange::default()
        };
        self.add_account_with(admin, address, change).await
    }
    /// The same, with more set; all of it in one durable group.
    pub async fn add_account_with(
        &self,
        _: &Admin,
        address: &Address,
        change: AccountChange,
    ) -> Result<AccountId, DirectoryError> {
        let mut edit = self.db.edit(DIRECTORY).await;
        check_new_address(&edit, address)?;
        let mut state = edit
            .record::<DirectoryState>(key::STATE)?
            .unwrap_or_default();
        let (id, account) = self.free_account(&mut state).await?;
        let now = self.clock.now();
        let mut record = AccountRecord {
            address: address.key(),
            verifiers: None,
            quota_bytes: None,
            created: now,
            display_name: None,
            standing: Standing::Active,
        };
        readable::change(&mut edit, id, change.password.as_ref(), change.readable)?;
        change.apply(&mut record)?;
        edit.put(key::STATE, state.encode());
        edit.put(key::account(id), record.encode());
        edit.put(
            key::address(&address.key()),
            AddressRecord::Account(id).encode(),
        );
        let account = self.first_mailboxes(account, id, now)?;
        self.db.submit_group(vec![edit, account]).await?;
        Ok(id)
    }
    /// The next number, with its partition. Should damage have taken the count, what is there is
    /// somebody's mail, which a new account must not show.
    async fn free_account(&self, state: &mut DirectoryState) -> Result<(AccountId, Edit), Fault> {
        loop {
            let id = AccountId(state.next_account);
            state.next_account += 1;
            // The directory comes before every account in the order of locks.
            let account = self.db.edit(keys::partition(id)).await;
            if account.scan(..).next().transpose()?.is_none() {
                return Ok((id, account));
            }
        }
    }
    /// Removes an account: nobody finds it any more. Its mail is kept as long as the history is,
    /// then the upkeep sweeps it.
    pub async fn remove_account(&self, _: &Admin, id: AccountId) -> Result<(), DirectoryError> {
        let mut edit = self.db.edit(DIRECTORY).await;
        let record = edit.record::<AccountRecord>(&key::account(id))?;
        let record = record.ok_or(DirectoryError::NotFound)?;
        if self.is_hosts(&edit, id)? {
            return Err(DirectoryError::Invalid("a host's mail goes to it"));
        }
        edit.delete(key::account(id));
        edit.delete(key::address(&record.address));
        edit.delete(key::readable_secret(id));
        let removed = RemovedRecord {
            at: self.clock.now(),
            account: record,
        };
        edit.put(key::removed(id), removed.encode());
        let mut account = self.db.edit(keys::partition(id)).await;
        if let Some(state) = account.get(keys::ACCOUNT)? {
            account.put(keys::REMOVED_ACCOUNT, state.to_vec());
        }
        account.delete(keys::ACCOUNT);
        self.db.submit_group(vec![edit, account]).await?;
        Ok(())
    }
    /// Brings back the account of this address that was removed last, with its mail and password.
    pub async fn restore_account(
        &self,
        admin: &Admin,
        address: &Address,
    ) -> Result<AccountId, DirectoryError> {
        let known = self.removed_accounts(admin)?;
        let last = known
            .into_iter()
            .filter(|r| r.address == *address)
            .max_by_key(|r| r.id);
        let id = last.ok_or(DirectoryError::NotFound)?.id;
        let mut edit = self.db.edit(DIRECTORY).await;
        let removed = edit.record::<RemovedRecord>(&key::removed(id))?;
        let removed = removed.ok_or(DirectoryError::NotFound)?;
        check_new_address(&edit, address)?;
        let mut account = self.db.edit(keys::partition(id)).await;
        let state = account.get(keys::REMOVED_ACCOUNT)?;
        // The upkeep has begun to sweep it.
        let state = state.ok_or(DirectoryError::NotFound)?;
        account.put(keys::ACCOUNT, state.to_vec());
        account.delete(keys::REMOVED_ACCOUNT);
        edit.delete(key::removed(id));
        edit.put(key::account(id), removed.account.encode());
        edit.put(
            key::address(&removed.account.address),
            AddressRecord::Account(id).encode(),
        );
        self.db.submit_group(vec![edit, account]).await?;
        Ok(id)
    }
    /// Removed accounts that can be restored, by id.
    pub fn removed_accounts(&self, _: &Admin) -> Result<Vec<RemovedInfo>, Fault> {
        let mut list = Vec::new();
        for row in self.now().below(key::REMOVED) {
            let (key, value) = row?;
            // What an earlier version removed cannot be brought back.
            let Ok(removed) = RemovedRecord::decode(&value) else {
                continue;
            };
            let id = keys::last_u64(&key)
                .map(AccountId)
                .ok_or_else(|| damaged("account", &key))?;
            let address = removed.account.address.parse();
            let kept_s = i64::try_from(self.history_s).unwrap_or(i64::MAX);
            let until_s = removed.at.seconds().saturating_add(kept_s);
            list.push(RemovedInfo {
                id,
                address: address.map_err(|_| damaged("an address", &key))?,
                removed: removed.at,
                kept_until: Time::from_seconds(until_s.min(LAST_SECOND)),
            });
        }
        Ok(list)
    }
    /// All accounts by id.
    pub fn accounts(&self, _: &Admin) -> Result<Vec<AccountInfo>, Fault> {
        let mut list = Vec::new();
        for row in self.now().below(key::ACCOUNTS) {
            let (key, value) = row?;
            let record = decode::<AccountRecord>(&key, &value)?;
            let id = keys::last_u64(&key)
                .map(AccountId)
                .ok_or_else(|| damaged("account", &key))?;
            list.push(self.info(id, record, &key)?);
        }
        Ok(list)
    }
    /// One account.
    pub fn account(&self, _: &Admin, id: AccountId) -> Result<Option<AccountInfo>, Fault> {
        let key = key::account(id);
        let record = self.now().record::<AccountRecord>(&key)?;
        record.map(|record| self.info(id, record, &key)).transpose()
    }
    /// The account of a primary address.
    pub fn account_of(&self, _: &Admin, address: &Address) -> Result<Option<AccountId>, Fault> {
        let record = self
            .now()
            .record::<AddressRecord>(&key::address(&address.key()))?;
        Ok(match record {
            Some(AddressRecord::Account(id)) => Some(id),
            _ => None,
        })
    }
    /// Sets or, with `None`, takes away the password.
    pub async fn set_password(
        &self,
        admin: &Admin,
        id: AccountId,
        password: Option<&NewPassword>,
    ) -> Result<(), DirectoryError> {
        let change = AccountChange {
            password: Some(password.cloned()),
            ..AccountChange::default()
        };
        self.change_account(admin, id, change).await
    }
    /// Sets what is said, all of it in one durable change.
    pub async fn change_account(
        &self,
        _: &Admin,
        id: AccountId,
        change: AccountChange,
    ) -> Result<(), DirectoryError> {
        let mut edit = self.db.edit(DIRECTORY).await;
        let record = edit.record::<AccountRecord>(&key::account(id))?;
        let mut record = record.ok_or(DirectoryError::NotFound)?;
        readable::change(&mut edit, id, change.password.as_ref(), change.readable)?;
        change.apply(&mut record)?;
        edit.put(key::account(id), record.encode());
        edit.submit().await?;
        Ok(())
    }
}

impl Directory {
    fn info(&self, id: AccountId, record: AccountRecord, key: &[u8]) -> Result<AccountInfo, Fault> {
        let address = record.address.parse();
        Ok(AccountInfo {
            id,
            address: address.map_err(|_| damaged("an address", key))?,
            display_name: record.display_name,
            standing: record.standing,
            created: record.created,
            quota_bytes: record.quota_bytes,
            has_password: record.verifiers.is_some(),
            shared_key: match record.verifiers.as_ref().and_then(Verifiers::shared_key) {
                Some(_) => SharedKey::Kept,
                None => SharedKey::NotKept,
            },
            readable: match self.readable_secret(Some(id))? {
                Some(_) => ReadablePassword::Kept,
                None => ReadablePassword::NotKept,
            },
        })
    }

    /// The mailboxes that every account begins with, subscribed.
    fn first_mailboxes(
        &self,
        edit: Edit,
        account: AccountId,
        now: Time,
    ) -> Result<Edit, DirectoryError> {
        let state = AccountState {
            modseq: ModSeq(0),
            next_mailbox: 1,
            next_uid_validity: 1,
            next_email: 1,
            used_bytes: 0,
            used_messages: 0,
            history_bytes: 0,
            forgotten: ModSeq(0),
            mailboxes: 0,
            subscriptions: 0,
        };
        let mut change = AccountEdit::with_state(edit, account, state, now);
        let inbox = FirstMailbox {
            name: MailboxName::inbox(),
            special_use: None,
        };
        let first = [&inbox].into_iter().chain(self.first_mailboxes.iter());
        let failed = |_| Fault::new("making an account's first mailboxes", "it was refused");
        // The operator's own list goes before the limit for users.
        let limit = self.max_mailboxes.max(1_000);
        for FirstMailbox { name, special_use } in first {
            mailbox::make(&mut change, ROOT, name, *special_use, limit).map_err(failed)?;
            subscription::subscribe(&mut change, name).map_err(failed)?;
        }
        Ok(change.finish_alone())
    }
}
