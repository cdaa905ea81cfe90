//! The keys that a domain's mail is signed with: one record for each, from its making to its end.
//!
//! A key waits until the DNS shows its public half, then it signs, then it is retired: it signs no
//! more, and its secret is gone, but its public half has to stay in the DNS as long as mail that it
//! signed is on the road. What never happens here: a signature, a look into the DNS.

use super::Directory;
use crate::codec::{Damaged, Decoded, Look, Reader, Record, Writer, damaged, decode};
use crate::error::DirectoryError;
use crate::keys::{DIRECTORY, directory as key};
use crate::limits;
use crate::proof::Admin;
use addr::Domain;
use net::Time;
use std::fmt;
use store::{Edit, Fault};

/// How a key signs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum KeyAlgorithm {
    /// RSA with SHA-256 [rfc6376 3.3.1].
    Rsa,
    /// Ed25519 with SHA-256 [rfc8463 3].
    Ed25519,
}

/// Where a key is in its life, and since when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyState {
    /// Its record is to be published; it does not sign.
    Waiting,
    /// It signs.
    Active,
    /// It signs no more; its record stays in the DNS for a time.
    Retired,
}

/// The secret half of a key. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret(pub Vec<u8>);

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret")
    }
}

/// A key of a domain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DkimKey {
    /// Names it among the keys of its domain.
    pub selector: Domain,
    /// How it signs.
    pub algorithm: KeyAlgorithm,
    /// The public half, as it stands in the DNS before base64.
    pub public: Vec<u8>,
    /// The secret half (RSA: PKCS #1, Ed25519: PKCS #8); `None` once it is retired.
    pub secret: Option<KeySecret>,
    /// The selector of the key that is retired when this one begins to sign.
    pub replaces: Option<Domain>,
    /// Where it is in its life.
    pub state: KeyState,
    /// Since when.
    pub since: Time,
}

impl Record for DkimKey {
    const WHAT: &'static str = "a signing key";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(1);
        w.str(self.selector.as_str())
            .u8(match self.algorithm {
                KeyAlgorithm::Rsa => 0,
                KeyAlgorithm::Ed25519 => 1,
            })
            .bytes(&self.public)
            .bytes(self.secret.as_ref().map_or(&[], |secret| &secret.0))
            .option_str(self.replaces.as_ref().map(Domain::as_str))
            .u8(match self.state {
                KeyState::Waiting => 0,
                KeyState::Active => 1,
                KeyState::Retired => 2,
            })
            .time(self.since);
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, 1)?;
        let name = |text: &str| text.parse::<Domain>().map_err(|_| Damaged);
        Ok(Self {
            selector: name(r.str()?)?,
            algorithm: match r.u8()? {
                0 => KeyAlgorithm::Rsa,
                1 => KeyAlgorithm::Ed25519,
                _ => return Err(Damaged),
            },
            public: r.bytes()?.to_vec(),
            secret: match r.bytes()? {
                [] => None,
                secret => Some(KeySecret(secret.to_vec())),
            },
            replaces: r.option_str()?.map(name).transpose()?,
            state: match r.u8()? {
                0 => KeyState::Waiting,
                1 => KeyState::Active,
                2 => KeyState::Retired,
                _ => return Err(Damaged),
            },
            since: r.time()?,
        })
    }
}

impl Directory {
    /// The keys of a domain, in the order of their selectors.
    pub fn dkim_keys(&self, domain: &Domain) -> Result<Vec<DkimKey>, Fault> {
        keys_of(&self.now(), domain)
    }

    /// Every domain that has keys that wait, with those keys.
    pub fn waiting_dkim_keys(&self, admin: &Admin) -> Result<Vec<(Domain, DkimKey)>, Fault> {
        let mut waiting = Vec::new();
        for domain in self.domains(admin)? {
            let keys = self.dkim_keys(&domain.name)?;
            let wait = |key: &DkimKey| key.state == KeyState::Waiting;
            let of = keys.into_iter().filter(wait);
            waiting.extend(of.map(|key| (domain.name.clone(), key)));
        }
        Ok(waiting)
    }

    /// How often anything in the directory has changed: what was read of it holds as long as this
    /// stays the same. `None` = nobody knows.
    pub fn changes(&self) -> Option<u64> {
        self.known.moment()
    }

    /// Adds keys to a hosted domain; all or none.
    pub async fn add_dkim_keys(
        &self,
        _: &Admin,
        domain: &Domain,
        keys: Vec<DkimKey>,
    ) -> Result<(), DirectoryError> {
        let mut edit = self.db.edit(DIRECTORY).await;
        if edit.get(&key::domain(domain.as_str()))?.is_none() {
            return Err(DirectoryError::NotOurs);
        }
        let known = keys_of(&edit, domain)?;
        if known.len() + keys.len() > limits::DKIM_KEYS {
            return Err(DirectoryError::Invalid(
                "the domain has as many keys as it may; `whimbrel dkim remove` forgets retired ones",
            ));
        }
        for one in keys {
            let key = key::dkim(domain.as_str(), one.selector.as_str());
            if edit.get(&key)?.is_some() {
                return Err(DirectoryError::Exists);
            }
            edit.put(key, one.encode());
        }
        edit.submit().await?;
        Ok(())
    }

    /// Lets keys that wait sign from now on, and retires what they replace; all or none.
    pub async fn activate_dkim_keys(
        &self,
        _: &Admin,
        domain: &Domain,
        selectors: &[Domain],
    ) -> Result<(), DirectoryError> {
        let now = self.clock.now();
        let mut edit = self.db.edit(DIRECTORY).await;
        for selector in selectors {
            let mut one = find(&edit, domain, selector)?;
            match one.state {
                KeyState::Waiting => {}
                KeyState::Active => continue,
                KeyState::Retired => {
                    return Err(DirectoryError::Invalid("a retired key signs no more"));
                }
            }
            (one.state, one.since) = (KeyState::Active, now);
            if let Some(old) = one.replaces.take() {
                match find(&edit, domain, &old) {
                    Ok(old) => retire(&mut edit, domain, old, now),
                    Err(DirectoryError::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
            put(&mut edit, domain, &one);
        }
        edit.submit().await?;
        Ok(())
    }

    /// Lets a key sign no more. One that never signed is forgotten at once.
    pub async fn retire_dkim_key(
        &self,
        _: &Admin,
        domain: &Domain,
        selector: &Domain,
    ) -> Result<(), DirectoryError> {
        let now = self.clock.now();
        let mut edit = self.db.edit(DIRECTORY).await;
        let one = find(&edit, domain, selector)?;
        match one.state {
            KeyState::Waiting => edit.delete(key::dkim(domain.as_str(), selector.as_str())),
            KeyState::Active => retire(&mut edit, domain, one, now),
            KeyState::Retired => {
                return Err(DirectoryError::Invalid("the key is retired already"));
            }
        }
        edit.submit().await?;
        Ok(())
    }

    /// Forgets a retired key.
    pub async fn remove_dkim_key(
        &self,
        _: &Admin,
        domain: &Domain,
        selector: &Domain,
    ) -> Result<(), DirectoryError> {
        let mut edit = self.db.edit(DIRECTORY).await;
        if find(&edit, domain, selector)?.state != KeyState::Retired {
            return Err(DirectoryError::InUse);
        }
        edit.delete(key::dkim(domain.as_str(), selector.as_str()));
        edit.submit().await?;
        Ok(())
    }
}

pub(super) fn forget_keys(edit: &mut Edit, domain: &Domain) -> Result<(), Fault> {
    for one in keys_of(edit, domain)? {
        edit.delete(key::dkim(domain.as_str(), one.selector.as_str()));
    }
    Ok(())
}

fn keys_of(look: &impl Look, domain: &Domain) -> Result<Vec<DkimKey>, Fault> {
    let mut keys = Vec::new();
    for row in look.below(&key::dkim_keys(domain.as_str())) {
        let (key, value) = row?;
        let one = decode::<DkimKey>(&key, &value)?;
        if !key.ends_with(one.selector.as_str().as_bytes()) {
            return Err(damaged(DkimKey::WHAT, &key));
        }
        keys.push(one);
    }
    Ok(keys)
}

fn find(edit: &Edit, domain: &Domain, selector: &Domain) -> Result<DkimKey, DirectoryError> {
    let key = key::dkim(domain.as_str(), selector.as_str());
    edit.record(&key)?.ok_or(DirectoryError::NotFound)
}

fn put(edit: &mut Edit, domain: &Domain, one: &DkimKey) {
    let key = key::dkim(domain.as_str(), one.selector.as_str());
    edit.put(key, one.encode());
}

fn retire(edit: &mut Edit, domain: &Domain, mut one: DkimKey, now: Time) {
    if one.state != KeyState::Retired {
        (one.state, one.since) = (KeyState::Retired, now);
        one.secret = None;
        put(edit, domain, &one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::MailSettings;
    use net::Clock;
    use store::Db;

    fn key(selector: &str, replaces: Option<&str>) -> DkimKey {
        DkimKey {
            selector: selector.parse().unwrap(),
            algorithm: KeyAlgorithm::Ed25519,
            public: vec![1; 32],
            secret: Some(KeySecret(vec![2; 83])),
            replaces: replaces.map(|name| name.parse().unwrap()),
            state: KeyState::Waiting,
            since: Time::from_seconds(7),
        }
    }

    async fn directory() -> (Directory, Admin, Domain) {
        let clock = Clock::manual(Time::from_seconds(1_000));
        let directory = Directory::open(Db::memory(), clock, &MailSettings::default());
        let (admin, domain) = (Admin::upkeep(), "example.test".parse().unwrap());
        directory.add_domain(&admin, &domain).await.unwrap();
        (directory, admin, domain)
    }

    #[tokio::test]
    async fn a_key_that_begins_to_sign_retires_the_one_it_replaces_and_its_secret_goes() {
        let (directory, admin, domain) = directory().await;
        let keys = vec![
            key("old", None),
            key("other", None),
            key("new", Some("old")),
        ];
        let [old, other, new] = [0, 1, 2].map(|i: usize| keys[i].selector.clone());
        directory
            .add_dkim_keys(&admin, &domain, keys)
            .await
            .unwrap();
        let first = [old.clone(), other];
        let activated = directory.activate_dkim_keys(&admin, &domain, &first);
        activated.await.unwrap();
        assert_eq!(directory.waiting_dkim_keys(&admin).unwrap().len(), 1);
        let second = [new];
        let activated = directory.activate_dkim_keys(&admin, &domain, &second);
        activated.await.unwrap();
        let states: Vec<_> = directory
            .dkim_keys(&domain)
            .unwrap()
            .into_iter()
            .map(|key| (key.selector.to_string(), key.state, key.secret.is_some()))
            .collect();
        let expect = [
            ("new", KeyState::Active, true),
            ("old", KeyState::Retired, false),
            ("other", KeyState::Active, true),
        ];
        assert_eq!(states, expect.map(|(n, s, has)| (n.to_owned(), s, has)));
        let again = directory.activate_dkim_keys(&admin, &domain, &[old]).await;
        assert!(matches!(again, Err(DirectoryError::Invalid(_))));
    }

    #[tokio::test]
    async fn a_key_is_forgotten_only_when_it_signs_no_more_and_goes_with_its_domain() {
        let (directory, admin, domain) = directory().await;
        let (one, two) = (key("one", None), key("two", None));
        let [a, b] = [&one, &two].map(|key| key.selector.clone());
        let added = directory.add_dkim_keys(&admin, &domain, vec![one.clone(), two]);
        added.await.unwrap();
        let again = directory.add_dkim_keys(&admin, &domain, vec![one]).await;
        assert!(matches!(again, Err(DirectoryError::Exists)));
        let first = [a.clone()];
        let activated = directory.activate_dkim_keys(&admin, &domain, &first);
        activated.await.unwrap();
        let early = directory.remove_dkim_key(&admin, &domain, &a).await;
        assert!(matches!(early, Err(DirectoryError::InUse)));
        // one that never signed leaves nothing behind
        let retired = directory.retire_dkim_key(&admin, &domain, &b);
        retired.await.unwrap();
        let retired = directory.retire_dkim_key(&admin, &domain, &a);
        retired.await.unwrap();
        assert_eq!(directory.dkim_keys(&domain).unwrap().len(), 1);
        directory.remove_domain(&admin, &domain).await.unwrap();
        directory.add_domain(&admin, &domain).await.unwrap();
        assert!(directory.dkim_keys(&domain).unwrap().is_empty());
        let elsewhere = "example.org".parse().unwrap();
        let added = directory.add_dkim_keys(&admin, &elsewhere, vec![key("x", None)]);
        assert!(matches!(added.await, Err(DirectoryError::NotOurs)));
    }

    #[test]
    fn a_key_reads_back_as_it_was_written_and_shows_no_secret() {
        let key = key("one", Some("two"));
        assert_eq!(DkimKey::decode(&key.encode()), Ok(key.clone()));
        assert!(!format!("{key:?}").contains("2, 2"));
    }
}
