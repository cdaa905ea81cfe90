//! Logins: password hashes, the pool that computes them, and limits on failures.

use crate::deliver::Inner;
use crate::directory::Directory;
use crate::proof::{Admin, Login};
use crate::settings::MailSettings;
use net::{Clock, Random};
use std::net::IpAddr;
use store::Fault;

/// The cost of an argon2id hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Argon2Cost {
    /// Memory.
    pub m_kib: u32,
    /// Passes.
    pub t: u32,
    /// Lanes.
    pub p: u32,
}

impl Default for Argon2Cost {
    fn default() -> Self {
        Self {
            m_kib: 19_456,
            t: 2,
            p: 1,
        }
    }
}

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Verifiers {
    /// A PHC string.
    pub argon2: String,
    /// SCRAM-SHA-256: iterations, salt, StoredKey, ServerKey.
    pub scram: Option<String>,
}

/// A password, already hashed; one may be given to many accounts.
#[derive(Clone)]
pub struct NewPassword {
    pub(crate) verifiers: Verifiers,
}

/// Logins. Cheap to clone.
#[derive(Clone)]
pub struct Auth(());

/// Why a login is refused.
#[derive(Clone, Debug)]
pub enum LoginRefusal {
    /// Wrong name or password; which of them is not said.
    Wrong,
    /// Too many failures of this address or for this account.
    TooManyFailures {
        /// When to try again.
        retry_after_s: u64,
    },
    /// The hash pool's queue is full.
    Busy,
    /// Our trouble.
    Unavailable(Fault),
}

impl Auth {
    pub(crate) fn new(
        directory: Directory,
        clock: Clock,
        random: Random,
        settings: &MailSettings,
    ) -> Self {
        todo!()
    }
    /// Hashes a new password in the pool.
    pub async fn new_password(&self, password: &[u8]) -> Result<NewPassword, LoginRefusal> {
        todo!()
    }
    /// Proves who somebody is. Delays are inside.
    pub async fn login(
        &self,
        name: &str,
        password: &[u8],
        peer: IpAddr,
        door: &'static str,
    ) -> Result<Login, LoginRefusal> {
        todo!()
    }
}
