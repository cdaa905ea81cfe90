//! The records of the directory. What never happens here: looking anything up.

use super::Standing;
use crate::auth::{ReadableSecret, Verifiers};
use crate::codec::{Damaged, Decoded, Reader, Record, Writer};
use crate::ids::AccountId;
use net::Time;

/// The directory's own counters.
pub(crate) struct DirectoryState {
    pub next_account: u64,
}

impl Default for DirectoryState {
    fn default() -> Self {
        Self { next_account: 1 }
    }
}

impl Record for DirectoryState {
    const WHAT: &'static str = "the directory's state";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(1);
        w.uint(self.next_account);
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        Ok(Self {
            next_account: Reader::new(bytes, 1)?.counter()?,
        })
    }
}

/// The server's own secret: what is made up for names without keys is derived from it.
pub(crate) struct SecretRecord(pub [u8; 32]);

impl Record for SecretRecord {
    const WHAT: &'static str = "the server's secret";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(1);
        w.raw(&self.0);
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let octets = Reader::new(bytes, 1)?.take(32)?;
        octets.try_into().map(Self).map_err(|_| Damaged)
    }
}

/// The password of an account that asked for APOP.
impl Record for ReadableSecret {
    const WHAT: &'static str = "a readable password";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(1);
        w.raw(&self.0);
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, 1)?;
        let len = bytes.len().saturating_sub(1);
        Ok(Self(r.take(len)?.to_vec()))
    }
}

/// A hosted domain.
#[derive(Default)]
pub(crate) struct DomainRecord {
    pub catch_all: Option<String>,
    /// The account that gets all of its mail, if the domain is a host.
    pub host: Option<AccountId>,
}

/// Version 1 knew no hosts.
const DOMAIN_VERSION: u8 = 2;

impl Record for DomainRecord {
    const WHAT: &'static str = "a domain";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(DOMAIN_VERSION);
        w.option_str(self.catch_all.as_deref());
        match self.host {
            None => w.u8(0),
            Some(account) => w.u8(1).uint(account.0),
        };
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let version = bytes.first().copied().unwrap_or_default();
        let mut r = Reader::new(bytes, version.clamp(1, DOMAIN_VERSION))?;
        let catch_all = r.option_str()?.map(str::to_owned);
        let host = match version >= 2 && r.u8()? == 1 {
            true => Some(AccountId(r.uint()?)),
            false => None,
        };
        Ok(Self { catch_all, host })
    }
}

/// The second password of a host; the first is its account's.
pub(crate) struct HostRecord {
    pub second: Option<Verifiers>,
}

impl Record for HostRecord {
    const WHAT: &'static str = "a host";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(1);
        match &self.second {
            None => w.u8(0),
            Some(v) => w.u8(1).str(&v.argon2).option_str(v.scram.as_deref()),
        };
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, 1)?;
        let second = match r.u8()? {
            0 => None,
            _ => Some(Verifiers {
                argon2: r.str()?.to_owned(),
                scram: r.option_str()?.map(str::to_owned),
            }),
        };
        Ok(Self { second })
    }
}

/// What an address is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum AddressRecord {
    Account(AccountId),
    Alias(AliasRecord),
}

/// Where an alias leads.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct AliasRecord {
    /// The keys of other addresses, here or elsewhere.
    pub targets: Vec<String>,
    /// Who hears of failures in place of the sender; then the alias is a list [rfc5321 3.9.2].
    pub owner: Option<String>,
}

impl Record for AddressRecord {
    const WHAT: &'static str = "an address";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(1);
        match self {
            Self::Account(id) => {
                w.u8(0).uint(id.0);
            }
            Self::Alias(alias) => {
                match &alias.owner {
                    None => w.u8(1),
                    Some(owner) => w.u8(2).str(owner),
                };
                w.len(alias.targets.len());
                for target in &alias.targets {
                    w.str(target);
                }
            }
        }
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, 1)?;
        match r.u8()? {
            0 => Ok(Self::Account(AccountId(r.uint()?))),
            kind @ (1 | 2) => {
                let owner = match kind {
                    1 => None,
                    _ => Some(r.str()?.to_owned()),
                };
                let count = r.count()?;
                let targets = (0..count).map(|_| r.str().map(str::to_owned));
                let targets = targets.collect::<Decoded<_>>()?;
                Ok(Self::Alias(AliasRecord { targets, owner }))
            }
            _ => Err(crate::codec::Damaged),
        }
    }
}

/// An account as the directory keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AccountRecord {
    pub address: String,
    pub verifiers: Option<Verifiers>,
    pub quota_bytes: Option<u64>,
    pub created: Time,
    pub display_name: Option<String>,
    pub standing: Standing,
}

/// Version 1 had neither a display name nor a standing.
const ACCOUNT_VERSION: u8 = 2;

impl AccountRecord {
    fn write(&self, w: &mut Writer) {
        w.str(&self.address).time(self.created);
        match self.quota_bytes {
            None => w.u8(0),
            Some(bytes) => w.u8(1).uint(bytes),
        };
        match &self.verifiers {
            None => w.u8(0),
            Some(v) => w.u8(1).str(&v.argon2).option_str(v.scram.as_deref()),
        };
        w.option_str(self.display_name.as_deref())
            .u8(self.standing.number());
    }
    fn read(r: &mut Reader<'_>, version: u8) -> Decoded<Self> {
        let (address, created) = (r.str()?.to_owned(), r.time()?);
        let quota_bytes = match r.u8()? {
            0 => None,
            _ => Some(r.uint()?),
        };
        let verifiers = match r.u8()? {
            0 => None,
            _ => Some(Verifiers {
                argon2: r.str()?.to_owned(),
                scram: r.option_str()?.map(str::to_owned),
            }),
        };
        let (display_name, standing) = match version {
            1 => (None, Standing::Active),
            _ => {
                let name = r.option_str()?.map(str::to_owned);
                let standing = Standing::from_number(r.u8()?).ok_or(crate::codec::Damaged)?;
                (name, standing)
            }
        };
        Ok(Self {
            address,
            verifiers,
            quota_bytes,
            created,
            display_name,
            standing,
        })
    }
}

impl Record for AccountRecord {
    const WHAT: &'static str = "an account";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(ACCOUNT_VERSION);
        self.write(&mut w);
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let version = bytes.first().copied().unwrap_or_default();
        if !(1..=ACCOUNT_VERSION).contains(&version) {
            return Err(crate::codec::Damaged);
        }
        Self::read(&mut Reader::new(bytes, version)?, version)
    }
}

/// An account that was removed: what is needed to bring it back while its mail is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RemovedRecord {
    pub at: Time,
    pub account: AccountRecord,
}

impl Record for RemovedRecord {
    const WHAT: &'static str = "a removed account";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(ACCOUNT_VERSION);
        w.time(self.at);
        self.account.write(&mut w);
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, ACCOUNT_VERSION)?;
        let at = r.time()?;
        let account = AccountRecord::read(&mut r, ACCOUNT_VERSION)?;
        Ok(Self { at, account })
    }
}
