//! Passwords that are kept readable, of accounts that asked for APOP: each in a row of its own, which
//! goes with the password. A removed account has none, nor when it is restored.
//!
//! What never happens here: a password of an account that did not ask.

use super::Directory;
use crate::auth::{NewPassword, ReadableSecret};
use crate::codec::{Look, Record};
use crate::error::DirectoryError;
use crate::ids::AccountId;
use crate::keys::directory as key;
use store::{Edit, Fault};

/// Whether an account's password is kept as it is: whoever steals a copy of the store has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadablePassword {
    Kept,
    NotKept,
}

impl Directory {
    /// Whether any account asked for APOP.
    pub(crate) fn has_readable_secrets(&self) -> Result<bool, Fault> {
        let look = self.now();
        Ok(look
            .below(key::READABLE_SECRETS)
            .next()
            .transpose()?
            .is_some())
    }

    /// Looks for one in any case, so that an account that is not there takes as long.
    pub(crate) fn readable_secret(
        &self,
        account: Option<AccountId>,
    ) -> Result<Option<ReadableSecret>, Fault> {
        let id = account.unwrap_or(AccountId(0));
        self.now().record(&key::readable_secret(id))
    }
}

/// What comes of a change of the password, or of what is asked for. A new password is kept only if
/// that is asked for anew with it.
pub(super) fn change(
    edit: &mut Edit,
    id: AccountId,
    password: Option<&Option<NewPassword>>,
    asked: Option<ReadablePassword>,
) -> Result<(), DirectoryError> {
    let key = key::readable_secret(id);
    let is_asked = asked == Some(ReadablePassword::Kept);
    match password {
        Some(Some(new)) if is_asked => edit.put(key, new.readable.encode()),
        Some(_) => edit.delete(key),
        None if is_asked && edit.get(&key)?.is_none() => {
            let why = "APOP needs a new password: the one that is set is not kept readable";
            return Err(DirectoryError::Invalid(why));
        }
        None if asked == Some(ReadablePassword::NotKept) => edit.delete(key),
        None => {}
    }
    Ok(())
}
