//! Questions to the DNS: where a domain's mail goes, and what is published beside it.
//!
//! An answer tells apart what is there, what is proven or said not to be there, and that nobody
//! knows now; and whether DNSSEC proves it. What never happens here: search lists, the hosts file,
//! a decision about mail.

mod sim;
mod system;

use crate::limits;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub use sim::{DnsWeather, SimDns};

/// What the DNS says to one question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer<T> {
    /// At least one record.
    Found {
        value: T,
        /// All of it, aliases included, is proven by DNSSEC.
        is_secure: bool,
        /// Where the name's CNAME leads, if it has one.
        alias: Option<Alias>,
    },
    /// The name is there and has no such record. [rfc2308 2.2]
    NoData { is_secure: bool },
    /// The name is not there. [rfc2308 2.1]
    NoName { is_secure: bool },
    /// Nobody knows now; to be asked again later.
    Failed(DnsFailure),
}

/// A name that is an alias of another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alias {
    /// The end of the chain of CNAME records.
    pub leads_to: String,
    /// The first CNAME of the chain is proven, whatever the others are. [rfc7672 2.2.2]
    pub is_secure: bool,
}

/// Why a question has no answer now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DnsFailure {
    TimedOut,
    /// A server answered with an error: SERVFAIL, REFUSED, an answer that is none.
    Server(String),
    /// DNSSEC shows that the answer is not the zone's.
    Bogus,
}

impl fmt::Display for DnsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DnsFailure::TimedOut => f.write_str("the DNS did not answer in time"),
            DnsFailure::Server(said) => write!(f, "the DNS has trouble: {said}"),
            DnsFailure::Bogus => f.write_str("DNSSEC shows that the answer is forged or broken"),
        }
    }
}

impl<T> Answer<T> {
    /// The same answer about something made of the value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Answer::Found {
                value,
                is_secure,
                alias,
            } => Answer::Found {
                value: make(value),
                is_secure,
                alias,
            },
            Answer::NoData { is_secure } => Answer::NoData { is_secure },
            Answer::NoName { is_secure } => Answer::NoName { is_secure },
            Answer::Failed(why) => Answer::Failed(why),
        }
    }

    /// DNSSEC proves it.
    pub fn is_secure(&self) -> bool {
        match self {
            Answer::Found { is_secure, .. }
            | Answer::NoData { is_secure }
            | Answer::NoName { is_secure } => *is_secure,
            Answer::Failed(_) => false,
        }
    }
}

/// One MX record.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mx {
    pub preference: u16,
    /// In lower case without a dot at its end; empty for the root, which a null MX names
    /// [rfc7505 3].
    pub host: String,
}

/// One TLSA record. [rfc6698 2.1]
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Tlsa {
    pub usage: u8,
    pub selector: u8,
    pub matching: u8,
    pub data: Vec<u8>,
}

/// The records of one name and type as an engine found them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Data {
    Mx(Mx),
    Address(IpAddr),
    Txt(String),
    Tlsa(Tlsa),
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Kind {
    Mx,
    V4,
    V6,
    Txt,
    Tlsa,
}

/// Whether answers are checked by DNSSEC.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dnssec {
    /// Checked as by `Validate` where the server that is asked gives what that needs; where it does
    /// not even prove the root's own records, as those of some routers, not checked.
    #[default]
    Auto,
    /// Checked here, from the root's key down; the server that is asked need not be trusted.
    Validate,
    /// Not checked; nothing is secure then.
    Off,
}

/// Whom to ask.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DnsSettings {
    /// Recursive servers; none: those of `/etc/resolv.conf`.
    pub servers: Vec<SocketAddr>,
    pub dnssec: Dnssec,
    /// DNSKEY records of zones to believe in place of the root's own keys, in the form of a zone
    /// file.
    pub anchors: Option<String>,
}

/// Settings that nobody can be asked with; Display says why.
#[derive(Debug)]
pub struct DnsError(String);

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DnsError {}

/// Asks the DNS. Clones ask together: one cache, one bound on questions at a time.
#[derive(Clone)]
pub struct Resolver {
    engine: Engine,
    turns: Arc<Semaphore>,
}

#[derive(Clone)]
enum Engine {
    System(Arc<system::System>),
    Sim(SimDns),
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

impl Resolver {
    pub fn new(settings: &DnsSettings) -> Result<Resolver, DnsError> {
        let system = system::System::new(settings)?;
        Ok(Resolver::by(Engine::System(Arc::new(system))))
    }

    /// Asks a table in memory.
    pub fn simulated(dns: SimDns) -> Resolver {
        Resolver::by(Engine::Sim(dns))
    }

    fn by(engine: Engine) -> Resolver {
        let turns = Arc::new(Semaphore::new(limits::DNS_AT_ONCE));
        Resolver { engine, turns }
    }

    /// The MX records, best first; among equals in the order in which they came.
    pub async fn mx(&self, domain: &str) -> Answer<Vec<Mx>> {
        let answer = self.ask(domain, Kind::Mx).await.map(|data| {
            let all = data.into_iter().filter_map(|one| match one {
                Data::Mx(mx) => Some(mx),
                _ => None,
            });
            let mut all = all.collect::<Vec<_>>();
            all.sort_by_key(|mx| mx.preference);
            all
        });
        bounded(answer)
    }

    /// IPv6 and IPv4 addresses, in this order. Secure if all of them are; not known if what DNSSEC
    /// shows to be forged stands for one family, or if neither family is known.
    pub async fn addresses(&self, host: &str) -> Answer<Vec<IpAddr>> {
        let (six, four) = tokio::join!(self.ask(host, Kind::V6), self.ask(host, Kind::V4));
        let both = both_families(six, four).map(|data| {
            let all = data.into_iter().filter_map(|one| match one {
                Data::Address(address) => Some(address),
                _ => None,
            });
            all.collect::<Vec<_>>()
        });
        bounded(both)
    }

    /// The TXT records, the strings of each joined.
    pub async fn txt(&self, name: &str) -> Answer<Vec<String>> {
        let answer = self.ask(name, Kind::Txt).await.map(|data| {
            let all = data.into_iter().filter_map(|one| match one {
                Data::Txt(text) => Some(text),
                _ => None,
            });
            all.collect::<Vec<_>>()
        });
        bounded(answer)
    }

    /// The TLSA records for TLS over TCP at that port of the host. [rfc6698 3] [rfc7672 2.2]
    pub async fn tlsa(&self, host: &str, port: u16) -> Answer<Vec<Tlsa>> {
        let name = format!("_{port}._tcp.{host}");
        let answer = self.ask(&name, Kind::Tlsa).await.map(|data| {
            let all = data.into_iter().filter_map(|one| match one {
                Data::Tlsa(tlsa) => Some(tlsa),
                _ => None,
            });
            all.collect::<Vec<_>>()
        });
        bounded(answer)
    }

    async fn ask(&self, name: &str, kind: Kind) -> Answer<Vec<Data>> {
        let asked = timeout(limits::DNS, async {
            let turn = self.turns.acquire().await;
            let _turn = turn.expect("because nobody closes the semaphore");
            match &self.engine {
                Engine::System(system) => system.ask(name, kind).await,
                Engine::Sim(sim) => sim.ask(name, kind).await,
            }
        });
        asked.await.unwrap_or(Answer::Failed(DnsFailure::TimedOut))
    }
}

/// Nobody needs more records than this; the rest is left.
fn bounded<T>(answer: Answer<Vec<T>>) -> Answer<Vec<T>> {
    match answer {
        Answer::Found {
            mut value,
            is_secure,
            alias,
        } => {
            value.truncate(limits::DNS_RECORDS);
            Answer::Found {
                value,
                is_secure,
                alias,
            }
        }
        other => other,
    }
}

fn both_families(six: Answer<Vec<Data>>, four: Answer<Vec<Data>>) -> Answer<Vec<Data>> {
    use Answer::{Failed, Found, NoData, NoName};
    match (six, four) {
        (Failed(DnsFailure::Bogus), _) | (_, Failed(DnsFailure::Bogus)) => {
            Failed(DnsFailure::Bogus)
        }
        (
            Found {
                mut value,
                is_secure,
                alias,
            },
            Found {
                value: more,
                is_secure: also,
                ..
            },
        ) => {
            value.extend(more);
            Found {
                value,
                is_secure: is_secure && also,
                alias,
            }
        }
        (found @ Found { .. }, _) | (_, found @ Found { .. }) => found,
        (Failed(why), _) | (_, Failed(why)) => Failed(why),
        (NoName { is_secure }, NoName { is_secure: also }) => NoName {
            is_secure: is_secure && also,
        },
        (
            NoData { is_secure } | NoName { is_secure },
            NoData { is_secure: also } | NoName { is_secure: also },
        ) => NoData {
            is_secure: is_secure && also,
        },
    }
}

#[cfg(test)]
mod tests;
