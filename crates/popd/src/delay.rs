//! The time that must pass between two logins of one account [rfc2449 6.5].
//!
//! Never here: whether a password is right, and waiting: whoever comes too early is told.

use crate::limits::REMEMBERED_LOGINS;
use mail::AccountId;
use net::time::{Duration, Instant, now};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(crate) struct LastLogins(Mutex<BTreeMap<AccountId, Instant>>);

impl LastLogins {
    fn by_account(&self) -> MutexGuard<'_, BTreeMap<AccountId, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// May this account log in now? Else in so many seconds.
    pub fn admit(&self, account: AccountId, every: Duration) -> Result<(), u64> {
        let passed = self.by_account().get(&account).map(|last| now() - *last);
        match passed {
            Some(passed) if passed < every => Err((every - passed).as_secs_f64().ceil() as u64),
            _ => Ok(()),
        }
    }

    /// It has logged in.
    pub fn note(&self, account: AccountId, every: Duration) {
        if every.is_zero() {
            return;
        }
        let now = now();
        let mut last = self.by_account();
        if last.len() >= REMEMBERED_LOGINS {
            last.retain(|_, at| now - *at < every);
        }
        if last.len() >= REMEMBERED_LOGINS {
            // rather let some in early than grow without a bound
            last.clear();
        }
        last.insert(account, now);
    }
}
