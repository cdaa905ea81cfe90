//! Where mail for a recipient goes next: what the operator says, and else what the DNS says.
//!
//! `Routes` is the operator's table; `hosts` makes of the DNS's answers the places to try, in order.
//! Both are pure. What never happens here: a look-up, a random number drawn, a connection.

use crate::customer::{Customers, Holds};
use crate::road::failure::Class;
use addr::{Address, AddressError, Domain, Host, ReversePath};
use smtp::Status;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

mod hosts;

pub use hosts::{
    Evidence, Exchange, Families, Hop, Looked, Own, Place, Security, chosen, exchanges, hosts,
    literal,
};

pub use sasl::Credentials;
pub use smtp::client::Protocol;

/// The port of mail between servers.
pub const SMTP_PORT: u16 = 25;

/// One row of the table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// Whose mail; everybody's if none.
    pub to: Option<DomainPattern>,
    /// By whom; by anybody if none.
    pub from: Option<SenderPattern>,
    pub next: Next,
    pub sources: Sources,
}

/// Where it goes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Next {
    /// To the hosts that the DNS names for the recipient's domain.
    Exchanges,
    /// To this server, whatever the recipient's domain: a smarthost, or LMTP by TCP.
    Server(Arc<Server>),
    /// To a program on this machine that speaks LMTP at a Unix socket.
    Socket(PathBuf),
    /// To a program that is started for it.
    Program(Arc<Program>),
    /// Into mailboxes here: what was held for later.
    Here,
    /// Over the connection by which the server of the customer of this name comes and asks for it;
    /// nothing is begun from here.
    PickUp(Arc<str>),
}

/// A server that the operator names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Server {
    pub host: Host,
    pub port: u16,
    pub protocol: Protocol,
    pub tls: Demand,
    pub login: Option<Credentials>,
}

/// What TLS must give with a server that the operator names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Demand {
    /// Used where it is offered, proven or not.
    WhereOffered,
    /// STARTTLS, and a certificate for the server's name.
    Verified,
    /// The same, with TLS from the first octet on. [rfc8314 3.3]
    AtOnce,
}

/// A program that takes a message on its standard input.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Program {
    /// The file to start, then its arguments; `{sender}` and `{recipient}` in them stand for the
    /// addresses.
    pub command: Vec<String>,
    pub form: Form,
}

/// How a program gets a message.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub enum Form {
    /// With Return-Path before it, once for each recipient.
    #[default]
    ReturnPath,
    /// With a From_ line before it, once for many recipients: rmail of a UUCP neighbour. It is told
    /// what our system is called.
    FromLine(String),
    /// As a batch of SMTP, once for many recipients.
    Batch(Packed),
}

/// How a batch is packed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Packed {
    Not,
    Gzip,
    /// compress(1), for neighbours that know nothing newer.
    Compress,
}

/// Our own addresses for connections that go out; the system chooses where there is none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Sources {
    pub v4: Option<Ipv4Addr>,
    pub v6: Option<Ipv6Addr>,
}

impl Sources {
    /// The one of the family of the address that is dialled.
    pub fn towards(&self, to: IpAddr) -> Option<IpAddr> {
        match to {
            IpAddr::V4(_) => self.v4.map(IpAddr::V4),
            IpAddr::V6(_) => self.v6.map(IpAddr::V6),
        }
    }
}

/// `example.org`, or `*.example.org` for every name below it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DomainPattern {
    Exactly(Domain),
    Below(Domain),
}

/// `ann@example.org`, or `example.org` for all of its senders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SenderPattern {
    Address(Address),
    Domain(Domain),
}

impl DomainPattern {
    /// The patterns that fit a domain, the most exact first.
    pub(crate) fn all_for(domain: &Domain) -> Vec<DomainPattern> {
        let mut patterns = vec![DomainPattern::Exactly(domain.clone())];
        let parents = domain.as_str().match_indices('.');
        let parent = |(at, _): (usize, &str)| domain.as_str()[at + 1..].parse().ok();
        patterns.extend(parents.filter_map(parent).map(DomainPattern::Below));
        patterns
    }

    pub fn fits(&self, domain: &Domain) -> bool {
        match self {
            DomainPattern::Exactly(own) => own == domain,
            DomainPattern::Below(parent) => {
                let below = domain.as_str().strip_suffix(parent.as_str());
                below.is_some_and(|rest| rest.ends_with('.'))
            }
        }
    }
}

impl FromStr for DomainPattern {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<DomainPattern, AddressError> {
        match text.strip_prefix("*.") {
            Some(parent) => parent.parse().map(DomainPattern::Below),
            None => text.parse().map(DomainPattern::Exactly),
        }
    }
}

impl fmt::Display for DomainPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DomainPattern::Exactly(domain) => domain.fmt(f),
            DomainPattern::Below(parent) => write!(f, "*.{parent}"),
        }
    }
}

impl SenderPattern {
    fn fits(&self, sender: &ReversePath) -> bool {
        let Some(address) = sender.address() else {
            return false;
        };
        match self {
            SenderPattern::Address(own) => own.key() == address.key(),
            SenderPattern::Domain(own) => address.domain() == Some(own),
        }
    }
}

/// The operator's table. The first row that fits counts; without one, the DNS.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Routes {
    rows: Vec<Route>,
    /// The rows of a pattern, by the pattern.
    by_pattern: BTreeMap<DomainPattern, Vec<usize>>,
    for_all: Vec<usize>,
    customers: Arc<Customers>,
}

impl Routes {
    pub fn new(rows: Vec<Route>) -> Routes {
        let mut routes = Routes::default();
        for (index, row) in rows.iter().enumerate() {
            match &row.to {
                Some(pattern) => routes.by_pattern.entry(pattern.clone()).or_default(),
                None => &mut routes.for_all,
            }
            .push(index);
        }
        routes.rows = rows;
        routes
    }

    /// What is kept for customers goes to them, whatever the rows say.
    pub fn with_customers(mut self, customers: Customers) -> Routes {
        self.customers = Arc::new(customers);
        self
    }

    pub fn customers(&self) -> &Arc<Customers> {
        &self.customers
    }

    /// The row for a recipient's domain and a sender. The cost does not grow with the table, but for
    /// rows of the same pattern.
    pub fn find(&self, sender: &ReversePath, to: &Host) -> Option<&Route> {
        let mut patterns = Vec::new();
        if let Some(domain) = to.domain() {
            patterns = DomainPattern::all_for(domain);
        }
        let found = patterns.iter().filter_map(|p| self.by_pattern.get(p));
        let candidates = found.chain([&self.for_all]);
        let fits = |index: &&usize| {
            let from = &self.rows[**index].from;
            from.as_ref().is_none_or(|from| from.fits(sender))
        };
        let first = candidates.filter_map(|rows| rows.iter().find(fits)).min();
        first.map(|index| &self.rows[*index])
    }

    /// What mail of this sender to this domain has in common with other mail: connections to it are
    /// reused, and counted together.
    pub fn destination(&self, sender: &ReversePath, to: &Host) -> Destination {
        let customer = self.customers.of(to);
        if let Some(customer) = customer.filter(|customer| customer.holds == Holds::UntilAtrn) {
            return Destination {
                domain: Some(to.clone()),
                next: Next::PickUp(customer.name.clone()),
                sources: Sources::default(),
            };
        }
        let row = self.find(sender, to);
        let next = row.map_or(Next::Exchanges, |row| row.next.clone());
        Destination {
            domain: matches!(next, Next::Exchanges).then(|| to.clone()),
            next,
            sources: row.map(|row| row.sources).unwrap_or_default(),
        }
    }
}

/// Where mail goes, before anything was looked up. Two that differ only in a password or in what they
/// demand are two: a connection that was made for one serves no other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Destination {
    /// The recipients', where it decides.
    pub domain: Option<Host>,
    pub next: Next,
    pub sources: Sources,
}

impl Destination {
    /// The mailboxes of this server.
    pub fn here() -> Destination {
        Destination {
            domain: None,
            next: Next::Here,
            sources: Sources::default(),
        }
    }
}

/// In one line, different for different places: for logs, records, and as the key of what is counted.
/// It shows no password.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.next, &self.domain) {
            (Next::Server(server), _) => {
                let protocol = match server.protocol {
                    Protocol::Smtp => "smtp",
                    Protocol::Lmtp => "lmtp",
                };
                write!(f, "{protocol}://")?;
                if let Some(login) = &server.login {
                    write!(f, "{}@", login.name)?;
                }
                write!(f, "{}:{}", server.host, server.port)?;
            }
            (Next::Socket(path), _) => write!(f, "lmtp:{}", path.display())?,
            (Next::Program(program), _) => write!(f, "pipe:{}", program.command.join(" "))?,
            (Next::Here, _) => f.write_str("here")?,
            (Next::PickUp(customer), Some(domain)) => write!(f, "pick-up:{customer} {domain}")?,
            (Next::PickUp(customer), None) => write!(f, "pick-up:{customer}")?,
            (Next::Exchanges, Some(domain)) => write!(f, "{domain}")?,
            (Next::Exchanges, None) => f.write_str("-")?,
        }
        let sources = [
            self.sources.v4.map(IpAddr::V4),
            self.sources.v6.map(IpAddr::V6),
        ];
        let mut sources = sources.iter().flatten();
        sources.try_for_each(|source| write!(f, " from {source}"))
    }
}

/// Why there is no place to try.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoRoute {
    /// The domain takes no mail, and says so. [rfc7505 3]
    NullMx,
    /// [rfc5321 5.1]
    NoSuchDomain,
    /// The mail would come back to us. [rfc5321 5.1]
    Loop,
    /// No host of the domain has an address.
    Unusable,
    /// An address literal of a kind that nobody knows.
    Literal,
    /// The DNS does not answer, or not credibly: why.
    Lookup(String),
}

impl NoRoute {
    pub fn class(&self) -> Class {
        match self {
            NoRoute::Lookup(_) => Class::Transient,
            _ => Class::Permanent,
        }
    }

    /// What a report says of it. [rfc3463 3.2] [rfc7505 4.2]
    pub fn status(&self) -> Status {
        match self {
            NoRoute::NullMx => Status(5, 1, 10),
            NoRoute::NoSuchDomain | NoRoute::Literal => Status(5, 1, 2),
            NoRoute::Loop => Status(5, 4, 6),
            NoRoute::Unusable => Status(5, 4, 4),
            NoRoute::Lookup(_) => Status(4, 4, 3),
        }
    }

    /// What a server that met this would answer. [rfc7505 4.2]
    pub fn code(&self) -> u16 {
        match self {
            NoRoute::NullMx => 556,
            NoRoute::Lookup(_) => 451,
            _ => 550,
        }
    }
}

impl fmt::Display for NoRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoRoute::NullMx => "the domain takes no mail (null MX)",
            NoRoute::NoSuchDomain => "the domain does not exist",
            NoRoute::Loop => "the domain's mail comes to this server, which does not know it",
            NoRoute::Unusable => "no mail server of the domain has an address",
            NoRoute::Literal => "an address literal that is not known",
            NoRoute::Lookup(why) => return write!(f, "looking for the domain's hosts: {why}"),
        })
    }
}

impl std::error::Error for NoRoute {}

#[cfg(test)]
mod tests;
