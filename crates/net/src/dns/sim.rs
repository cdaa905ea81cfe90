//! The engine of a simulation: a table of records, and answers that fail by a seed.
//!
//! What never happens here: a socket, a signature; a zone is secure because the table says so.

use super::{Alias, Answer, Data, DnsFailure, Kind, Mx, Tlsa};
use crate::limits;
use crate::random::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// Aliases that are followed, one after another.
const ALIASES: usize = 8;

/// How the simulated DNS fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsWeather {
    /// Each answer takes up to this long.
    pub latency: Duration,
    /// One question in so many fails: no answer in time, or a server's trouble; 0: none.
    pub fail_one_in: u64,
}

impl Default for DnsWeather {
    fn default() -> DnsWeather {
        DnsWeather {
            latency: Duration::from_millis(20),
            fail_one_in: 0,
        }
    }
}

/// The simulated DNS. Clones are the same table.
#[derive(Clone)]
pub struct SimDns(Arc<Mutex<Table>>);

struct Table {
    random: Random,
    weather: DnsWeather,
    records: BTreeMap<String, Vec<Record>>,
    /// Zones whose names are signed.
    secure: BTreeSet<String>,
    failing: BTreeMap<String, DnsFailure>,
}

#[derive(Clone)]
enum Record {
    Data(Data),
    Alias(String),
}

impl SimDns {
    pub fn new(seed: u64) -> SimDns {
        SimDns(Arc::new(Mutex::new(Table {
            random: Random::seeded(seed),
            weather: DnsWeather::default(),
            records: BTreeMap::new(),
            secure: BTreeSet::new(),
            failing: BTreeMap::new(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_weather(&self, weather: DnsWeather) {
        self.lock().weather = weather;
    }

    /// An empty host makes a null MX.
    pub fn add_mx(&self, domain: &str, preference: u16, host: &str) {
        let host = lower(host);
        self.add(domain, Record::Data(Data::Mx(Mx { preference, host })));
    }

    pub fn add_address(&self, host: &str, address: IpAddr) {
        self.add(host, Record::Data(Data::Address(address)));
    }

    pub fn add_txt(&self, name: &str, text: &str) {
        self.add(name, Record::Data(Data::Txt(text.to_owned())));
    }

    pub fn add_tlsa(&self, host: &str, port: u16, record: Tlsa) {
        let name = format!("_{port}._tcp.{host}");
        self.add(&name, Record::Data(Data::Tlsa(record)));
    }

    pub fn add_alias(&self, name: &str, leads_to: &str) {
        self.add(name, Record::Alias(lower(leads_to)));
    }

    fn add(&self, name: &str, record: Record) {
        let mut table = self.lock();
        table.records.entry(lower(name)).or_default().push(record);
    }

    /// Forgets all records of a name.
    pub fn remove(&self, name: &str) {
        self.lock().records.remove(&lower(name));
    }

    /// From now on the zone and all names below it are signed.
    pub fn sign(&self, zone: &str) {
        self.lock().secure.insert(lower(zone));
    }

    /// Questions about this very name fail until `mend`.
    pub fn fail(&self, name: &str, why: DnsFailure) {
        self.lock().failing.insert(lower(name), why);
    }

    pub fn mend(&self, name: &str) {
        self.lock().failing.remove(&lower(name));
    }

    pub(super) async fn ask(&self, name: &str, kind: Kind) -> Answer<Vec<Data>> {
        let (latency, failure) = self.lock().fate();
        sleep(latency).await;
        if let Some(why) = failure {
            return Answer::Failed(why);
        }
        self.lock().answer(&lower(name), kind)
    }
}

impl Table {
    /// How long the answer takes, and how it fails.
    fn fate(&self) -> (Duration, Option<DnsFailure>) {
        let most = u64::try_from(self.weather.latency.as_micros()).unwrap_or(u64::MAX);
        let latency = Duration::from_micros(self.random.u64() % most.saturating_add(1).max(1));
        let one_in = self.weather.fail_one_in;
        if one_in == 0 || !self.random.u64().is_multiple_of(one_in) {
            return (latency, None);
        }
        match self.random.u64() % 2 {
            0 => (limits::DNS, Some(DnsFailure::TimedOut)),
            _ => (latency, Some(DnsFailure::Server("SERVFAIL".to_owned()))),
        }
    }

    fn answer(&self, asked: &str, kind: Kind) -> Answer<Vec<Data>> {
        let mut name = asked.to_owned();
        let mut is_secure = true;
        let mut alias: Option<Alias> = None;
        for _ in 0..=ALIASES {
            if let Some(why) = self.failing.get(&name) {
                return Answer::Failed(why.clone());
            }
            is_secure &= self.is_secure(&name);
            let Some(records) = self.records.get(&name) else {
                return match self.has_below(&name) {
                    true => Answer::NoData { is_secure },
                    false => Answer::NoName { is_secure },
                };
            };
            let leads_to = records.iter().find_map(|one| match one {
                Record::Alias(to) => Some(to.clone()),
                Record::Data(_) => None,
            });
            let Some(leads_to) = leads_to else {
                return found(records, kind, is_secure, alias);
            };
            let first = alias.map_or(is_secure, |alias| alias.is_secure);
            name.clone_from(&leads_to);
            alias = Some(Alias {
                leads_to,
                is_secure: first,
            });
        }
        Answer::Failed(DnsFailure::Server("too many aliases".to_owned()))
    }

    fn is_secure(&self, name: &str) -> bool {
        let below = |zone: &String| {
            let rest = name.strip_suffix(zone.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.') || zone.is_empty())
        };
        self.secure.iter().any(below)
    }

    fn has_below(&self, name: &str) -> bool {
        let end = format!(".{name}");
        self.records.keys().any(|other| other.ends_with(&end))
    }
}

fn found(
    records: &[Record],
    kind: Kind,
    is_secure: bool,
    alias: Option<Alias>,
) -> Answer<Vec<Data>> {
    let of_kind = records.iter().filter_map(|one| match one {
        Record::Data(data) if fits(data, kind) => Some(data.clone()),
        _ => None,
    });
    let value = of_kind.collect::<Vec<_>>();
    match value.is_empty() {
        true => Answer::NoData { is_secure },
        false => Answer::Found {
            value,
            is_secure,
            alias,
        },
    }
}

fn fits(data: &Data, kind: Kind) -> bool {
    matches!(
        (data, kind),
        (Data::Mx(_), Kind::Mx)
            | (Data::Txt(_), Kind::Txt)
            | (Data::Tlsa(_), Kind::Tlsa)
            | (Data::Address(IpAddr::V4(_)), Kind::V4)
            | (Data::Address(IpAddr::V6(_)), Kind::V6)
    )
}

fn lower(name: &str) -> String {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.to_ascii_lowercase()
}
