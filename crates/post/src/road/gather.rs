//! The look-ups behind a route: what `route` decides on.
//!
//! What never happens here: a decision, a connection.

use crate::road::route::{
    Destination, Evidence, Exchange, Families, Hop, Looked, Next, NoRoute, Own, Place, Security,
    Server, chosen, exchanges, hosts, literal,
};
use addr::{Domain, Host};
use net::Resolver;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::task::JoinSet;

/// Whom to ask, and what is known of ourselves.
pub(crate) struct Gatherer<'a> {
    pub resolver: &'a Resolver,
    pub own: &'a Own,
    pub families: Families,
}

impl Gatherer<'_> {
    /// The places to try for a destination, in order; none for one that is no host.
    pub async fn hops(&self, to: &Destination, random: u64) -> Result<Vec<Hop>, NoRoute> {
        match (&to.next, &to.domain) {
            (Next::Exchanges, Some(Host::Name(domain))) => self.of_domain(domain, random).await,
            (Next::Exchanges, Some(Host::Literal(address))) => {
                literal(address, self.own).map(|hop| vec![hop])
            }
            (Next::Server(server), _) => self.of_server(server).await,
            (Next::Socket(path), _) => Ok(vec![Hop {
                name: None,
                place: Place::Unix(path.clone()),
                security: Security::Unsigned,
            }]),
            (Next::Exchanges, None) | (Next::Program(_) | Next::Here | Next::PickUp(_), _) => {
                Err(NoRoute::Unusable)
            }
        }
    }

    /// [rfc5321 5.1]
    async fn of_domain(&self, domain: &Domain, random: u64) -> Result<Vec<Hop>, NoRoute> {
        let answer = self.resolver.mx(domain.as_str()).await;
        let exchanges = exchanges(domain, answer.into(), self.own, random)?;
        let addresses = self.addresses(&exchanges).await;
        let evidence = Evidence {
            exchanges,
            addresses,
        };
        hosts(evidence, self.own, self.families)
    }

    /// All names at once: they are few, and the slowest of them is waited for anyway.
    async fn addresses(&self, exchanges: &[Exchange]) -> BTreeMap<Domain, Looked<Vec<IpAddr>>> {
        let mut asked = JoinSet::new();
        for exchange in exchanges {
            let (resolver, name) = (self.resolver.clone(), exchange.name.clone());
            asked.spawn(async move {
                let answer = resolver.addresses(name.as_str()).await;
                (name, Looked::from(answer))
            });
        }
        let mut addresses = BTreeMap::new();
        while let Some(answered) = asked.join_next().await {
            if let Ok((name, looked)) = answered {
                addresses.insert(name, looked);
            }
        }
        addresses
    }

    /// Its addresses; MX records are not for a server that somebody names.
    async fn of_server(&self, server: &Server) -> Result<Vec<Hop>, NoRoute> {
        let hop = |security| {
            move |address| Hop {
                name: server.host.domain().cloned(),
                place: Place::Tcp(SocketAddr::new(address, server.port)),
                security,
            }
        };
        let name = match &server.host {
            Host::Literal(address) => {
                let address = address.ip().ok_or(NoRoute::Literal)?;
                return Ok(vec![hop(Security::Unsigned)(address)]);
            }
            Host::Name(name) => name,
        };
        // no DNS knows it
        let looked = match name.as_str() {
            "localhost" => {
                let here = vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
                Looked::Found(here, Security::Unsigned)
            }
            name => self.resolver.addresses(name).await.into(),
        };
        match looked {
            Looked::Found(found, security) => {
                let chosen = chosen(&found, self.families).into_iter();
                let hops: Vec<Hop> = chosen.map(hop(security)).collect();
                (!hops.is_empty()).then_some(hops).ok_or(NoRoute::Unusable)
            }
            // the operator's mistake, or the network's, and not the end of anybody's message
            Looked::NoData | Looked::NoName => {
                Err(NoRoute::Lookup(format!("{name} has no address")))
            }
            Looked::Failed(why) => Err(NoRoute::Lookup(why)),
        }
    }
}
