//! The keys that sign now, read once and kept until the directory changes: reading an RSA key costs
//! as much as signing with it.
//!
//! What never happens here: a key that does not sign.

use super::key::{self, SigningKey};
use crate::limits::KEYRING_DOMAINS;
use addr::Domain;
use mail::{Directory, Fault, KeyState};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The keys of one domain that sign now.
pub(crate) type Keys = Arc<[SigningKey]>;

#[derive(Default)]
pub(crate) struct Keyring(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// As of which change of the directory.
    changes: u64,
    domains: BTreeMap<String, Keys>,
}

impl Keyring {
    pub fn of(&self, directory: &Directory, domain: &Domain) -> Result<Keys, Fault> {
        let changes = directory.changes();
        if let Some(known) = changes.and_then(|changes| self.known(changes, domain)) {
            return Ok(known);
        }
        let keys = read(directory, domain)?;
        if changes.is_some() && directory.changes() == changes {
            self.put(changes.unwrap_or_default(), domain, &keys);
        }
        Ok(keys)
    }

    fn known(&self, changes: u64, domain: &Domain) -> Option<Keys> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = known.changes == changes;
        is_new.then(|| known.domains.get(domain.as_str()).cloned())?
    }

    fn put(&self, changes: u64, domain: &Domain, keys: &Keys) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.changes != changes || known.domains.len() >= KEYRING_DOMAINS {
            known.domains.clear();
            known.changes = changes;
        }
        known
            .domains
            .insert(domain.as_str().to_owned(), keys.clone());
    }
}

/// Those of a domain that sign now.
pub(crate) fn read(directory: &Directory, domain: &Domain) -> Result<Keys, Fault> {
    let mut keys = Vec::new();
    for one in directory.dkim_keys(domain)? {
        if one.state != KeyState::Active {
            continue;
        }
        match key::read(domain, &one) {
            Ok(key) => keys.extend(key),
            Err(error) => {
                let selector = &one.selector;
                tracing::error!(target: "post", %domain, %selector, %error, "a key cannot be used");
            }
        }
    }
    Ok(keys.into())
}
