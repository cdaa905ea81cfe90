//! What an operator may set. Each with the value it has when nothing is said.

use crate::auth::{Argon2Cost, IssuerSettings};
use crate::name::{MailboxName, SpecialUse};
use sasl::{Hash, Mechanism};
use std::collections::BTreeMap;

/// A mailbox that every new account begins with, besides INBOX.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FirstMailbox {
    pub name: MailboxName,
    pub special_use: Option<SpecialUse>,
}

/// What failed logins cost. Failures fade: what they count halves every five minutes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThrottleSettings {
    /// So many failures of one source, and no more is tried.
    pub source_failures: u32,
    /// So many failures at one account, and little more is tried.
    pub account_failures: u32,
    /// The longest that a failure's answer is delayed.
    pub longest_delay_s: u64,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self {
            source_failures: 20,
            account_failures: 50,
            longest_delay_s: 10,
        }
    }
}

/// What becomes of passwords that are guessed in a few tries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum WeakPasswords {
    /// None is set; one that attackers try first opens nothing.
    #[default]
    Refused,
    /// For tests.
    Allowed,
}

/// The settings of mail at rest.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// How long expunged mail and the change log are kept.
    pub history_s: u64,
    /// How many bytes of expunged mail an account keeps; `None` = its quota, or 1 GiB.
    pub history_max_bytes: Option<u64>,
    /// The quota of accounts that have none of their own; `None` = no limit.
    pub default_quota_bytes: Option<u64>,
    /// Keep keys of SCRAM-SHA-256 beside the password hash; without them no SCRAM is offered.
    pub scram_verifier: bool,
    /// Keep keys of SCRAM-SHA-1 as well, for programs that know no newer one.
    pub scram_sha1: bool,
    /// The mechanisms that may be offered; each is only where it can lead to a login.
    pub mechanisms: Vec<Mechanism>,
    /// The login names of client certificates that stand for others than the addresses in them, by
    /// SHA-256 of the certificate in lower-case hexadecimal digits.
    pub certificate_logins: BTreeMap<String, String>,
    /// Whose tokens are believed.
    pub issuer: Option<IssuerSettings>,
    /// Whether a password may be one that is guessed soon.
    pub weak_passwords: WeakPasswords,
    /// The cost of a password hash.
    pub argon2: Argon2Cost,
    /// What failed logins cost.
    pub throttle: ThrottleSettings,
    /// Password hashes computed at one time.
    pub hash_workers: usize,
    /// How long a proven password is remembered (as a keyed hash, in memory).
    pub login_cache_s: u64,
    /// What a new account begins with besides INBOX.
    pub first_mailboxes: Vec<FirstMailbox>,
    /// Mailboxes of one account.
    pub max_mailboxes: u32,
    /// Keywords of one account.
    pub max_keywords: u16,
    /// Message bytes in memory for parsing, all deliveries together.
    pub parse_memory_bytes: usize,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            history_s: 30 * 24 * 3600,
            history_max_bytes: None,
            default_quota_bytes: None,
            scram_verifier: true,
            scram_sha1: true,
            mechanisms: Mechanism::all().collect(),
            certificate_logins: BTreeMap::new(),
            issuer: None,
            weak_passwords: WeakPasswords::default(),
            argon2: Argon2Cost::default(),
            throttle: ThrottleSettings::default(),
            hash_workers: 2,
            login_cache_s: 300,
            first_mailboxes: usual_mailboxes(),
            max_mailboxes: 10_000,
            max_keywords: 1_000,
            parse_memory_bytes: 128 * 1024 * 1024,
        }
    }
}

/// One for each use, by the names that mail programs look for.
fn usual_mailboxes() -> Vec<FirstMailbox> {
    let uses = [
        ("Drafts", SpecialUse::Drafts),
        ("Sent", SpecialUse::Sent),
        ("Junk", SpecialUse::Junk),
        ("Trash", SpecialUse::Trash),
        ("Archive", SpecialUse::Archive),
    ];
    let mailboxes = uses.into_iter().map(|(name, special_use)| FirstMailbox {
        name: MailboxName::try_from(name).expect("because these names are possible"),
        special_use: Some(special_use),
    });
    mailboxes.collect()
}

impl MailSettings {
    /// The hash functions of which SCRAM's keys are kept.
    pub(crate) fn scram_hashes(&self) -> Vec<Hash> {
        match (self.scram_verifier, self.scram_sha1) {
            (false, _) => Vec::new(),
            (true, false) => vec![Hash::Sha256],
            (true, true) => vec![Hash::Sha256, Hash::Sha1],
        }
    }
}
