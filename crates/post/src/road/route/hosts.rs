//! The hosts of a domain, as RFC 5321 section 5 makes them of the DNS's answers.
//!
//! What never happens here: a look-up, a random number drawn.

use super::{NoRoute, SMTP_PORT};
use crate::limits::{ROUTE_ADDRESSES, ROUTE_ADDRESSES_OF_HOST, ROUTE_HOSTS};
use addr::{AddressLiteral, Domain};
use net::{Answer, Mx};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// What the DNS said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Looked<T> {
    Found(T, Security),
    /// The name exists, with nothing of this kind.
    NoData,
    NoName,
    /// No answer, or none to be believed: why.
    Failed(String),
}

/// Whether DNSSEC vouches for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Security {
    Unsigned,
    Signed,
}

impl<T> From<Answer<T>> for Looked<T> {
    fn from(answer: Answer<T>) -> Looked<T> {
        match answer {
            Answer::Found {
                value, is_secure, ..
            } => Looked::Found(
                value,
                match is_secure {
                    true => Security::Signed,
                    false => Security::Unsigned,
                },
            ),
            Answer::NoData { .. } => Looked::NoData,
            Answer::NoName { .. } => Looked::NoName,
            Answer::Failed(why) => Looked::Failed(why.to_string()),
        }
    }
}

/// A name to be asked for its addresses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exchange {
    pub preference: u16,
    pub name: Domain,
    /// Of the record that named it; an implicit MX has the domain's own.
    pub security: Security,
}

/// By which we are known in mail.
#[derive(Clone, Default, Debug)]
pub struct Own {
    pub names: Vec<Domain>,
    pub addresses: Vec<IpAddr>,
}

impl Own {
    /// Whatever is at a loopback address is this machine, and so is the unspecified one.
    fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let here = address.is_loopback() || address.is_unspecified();
        here || self
            .addresses
            .iter()
            .any(|own| own.to_canonical() == address)
    }
}

/// Which addresses are dialled. [rfc5321 5.2]
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Families {
    /// Both, in turns, IPv6 first.
    #[default]
    Both,
    V4,
    V6,
}

/// Where to connect.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Place {
    /// None for a path.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Place::Tcp(at) => Some(at.ip()),
            Place::Unix(_) => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp(at) => write!(f, "{at}"),
            Place::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// One host at one address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hop {
    /// As the MX record, the operator, or an implicit MX names it; none for an address.
    pub name: Option<Domain>,
    pub place: Place,
    /// Of the way from the recipient's domain to the name.
    pub security: Security,
}

/// What was looked up.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// In order, as `exchanges` gave them.
    pub exchanges: Vec<Exchange>,
    /// What each of their names leads to.
    pub addresses: BTreeMap<Domain, Looked<Vec<IpAddr>>>,
}

/// The names to ask for addresses, the most preferred first, equal ones in random order; without
/// ourselves and all that is not preferred to us. A CNAME was followed by whoever asked.
/// [rfc5321 5.1] [rfc7505 3]
pub fn exchanges(
    domain: &Domain,
    answer: Looked<Vec<Mx>>,
    own: &Own,
    random: u64,
) -> Result<Vec<Exchange>, NoRoute> {
    let implicit = |security| Exchange {
        preference: 0,
        name: domain.clone(),
        security,
    };
    let (records, security) = match answer {
        Looked::Failed(why) => return Err(NoRoute::Lookup(why)),
        Looked::NoName => return Err(NoRoute::NoSuchDomain),
        Looked::Found(records, security) if !records.is_empty() => (records, security),
        Looked::Found(_, security) => (Vec::new(), security),
        Looked::NoData => (Vec::new(), Security::Unsigned),
    };
    let found = match &records[..] {
        [] => vec![implicit(security)],
        [only] if is_root(&only.host) => return Err(NoRoute::NullMx),
        _ => named(&records, security, random),
    };
    if found.is_empty() {
        return Err(NoRoute::Unusable);
    }
    let mut left = below(found, |exchange| own.names.contains(&exchange.name));
    left.truncate(ROUTE_HOSTS);
    match left.is_empty() {
        true => Err(NoRoute::Loop),
        false => Ok(left),
    }
}

/// The records in order. What is no host name cannot be asked for. [rfc5321 5.1]
fn named(records: &[Mx], security: Security, random: u64) -> Vec<Exchange> {
    let mut found: Vec<Exchange> = Vec::new();
    for record in records {
        let name = record.host.strip_suffix('.').unwrap_or(&record.host);
        let Ok(name) = name.parse::<Domain>() else {
            continue;
        };
        // the same host twice is asked once, where it is preferred
        let same = found.iter_mut().find(|other| other.name == name);
        match same {
            Some(other) => other.preference = other.preference.min(record.preference),
            None => found.push(Exchange {
                preference: record.preference,
                name,
                security,
            }),
        }
    }
    // an order that the zone does not give is no order
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found.sort_by_cached_key(|e| (e.preference, mixed(random, &e.name)));
    found
}

/// A number that depends on all of both: the order of equal hosts. [rfc5321 5.1]
fn mixed(random: u64, name: &Domain) -> u64 {
    let mut mixed = random ^ 0x9e37_79b9_7f4a_7c15;
    for octet in name.as_str().bytes() {
        mixed = (mixed ^ u64::from(octet)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^= mixed >> 32;
    }
    mixed
}

fn is_root(host: &str) -> bool {
    host.is_empty() || host == "."
}

/// What is preferred to the first of ours; all if none is ours. [rfc5321 5.1]
fn below(mut sorted: Vec<Exchange>, is_ours: impl Fn(&Exchange) -> bool) -> Vec<Exchange> {
    let ours = sorted.iter().filter(|exchange| is_ours(exchange));
    if let Some(preference) = ours.map(|exchange| exchange.preference).min() {
        sorted.retain(|exchange| exchange.preference < preference);
    }
    sorted
}

/// The places to try, in order. Where the exchanges' names lead to ourselves, they and all that is
/// not preferred to them are left out. [rfc5321 5.1]
pub fn hosts(evidence: Evidence, own: &Own, families: Families) -> Result<Vec<Hop>, NoRoute> {
    let Evidence {
        exchanges,
        mut addresses,
    } = evidence;
    let is_ours = |exchange: &Exchange| match addresses.get(&exchange.name) {
        Some(Looked::Found(found, _)) => found.iter().any(|address| own.has(*address)),
        _ => false,
    };
    let left = below(exchanges, is_ours);
    if left.is_empty() {
        return Err(NoRoute::Loop);
    }
    let mut hops = Vec::new();
    let mut failed = None;
    for exchange in left {
        match addresses.remove(&exchange.name) {
            Some(Looked::Found(found, security)) => {
                let of_host = chosen(&found, families).into_iter();
                hops.extend(of_host.map(|address| Hop {
                    name: Some(exchange.name.clone()),
                    place: Place::Tcp(SocketAddr::new(address, SMTP_PORT)),
                    security: exchange.security.min(security),
                }));
            }
            Some(Looked::Failed(why)) => failed = failed.or(Some(why)),
            Some(Looked::NoData | Looked::NoName) | None => {}
        }
    }
    hops.truncate(ROUTE_ADDRESSES);
    match (hops.is_empty(), failed) {
        (false, _) => Ok(hops),
        (true, Some(why)) => Err(NoRoute::Lookup(why)),
        (true, None) => Err(NoRoute::Unusable),
    }
}

/// The addresses of one host to try: each family as the resolver has it [rfc5321 5.1], in turns, so
/// that a family that leads nowhere from here costs one try and not all of them.
pub fn chosen(found: &[IpAddr], families: Families) -> Vec<IpAddr> {
    let of = |family: Families| {
        let is = move |address: &&IpAddr| address.is_ipv6() == (family == Families::V6);
        found.iter().filter(is).copied()
    };
    let mut chosen: Vec<IpAddr> = match families {
        Families::V4 | Families::V6 => of(families).collect(),
        Families::Both => {
            let (mut v6, mut v4) = (of(Families::V6), of(Families::V4));
            let turns = std::iter::from_fn(|| match (v6.next(), v4.next()) {
                (None, None) => None,
                turn => Some([turn.0, turn.1]),
            });
            turns.flatten().flatten().collect()
        }
    };
    chosen.truncate(ROUTE_ADDRESSES_OF_HOST);
    chosen
}

/// The place that an address literal names. [rfc5321 4.1.3]
pub fn literal(literal: &AddressLiteral, own: &Own) -> Result<Hop, NoRoute> {
    let address = literal.ip().ok_or(NoRoute::Literal)?;
    if own.has(address) {
        return Err(NoRoute::Loop);
    }
    Ok(Hop {
        name: None,
        place: Place::Tcp(SocketAddr::new(address, SMTP_PORT)),
        security: Security::Unsigned,
    })
}
