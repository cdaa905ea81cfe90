//! Customers at the door: who may ask for the mail that waits for whom.
//!
//! What never happens here: a look at the queue.

use addr::{Address, Domain};
use net::Network;
use post::customer;
use post::road::route::DomainPattern;
use smtp::Node;
use std::net::IpAddr;
use std::sync::Arc;

/// A customer, and who may ask for his mail. Without networks and login it is nobody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Customer {
    pub who: Arc<customer::Customer>,
    /// From where everybody may ask by ETRN.
    pub networks: Vec<Network>,
    /// Who may ask from anywhere, by ETRN and by ATRN.
    pub login: Option<Address>,
}

impl Customer {
    fn is(&self, peer: IpAddr, addresses: &[Address]) -> bool {
        self.networks.iter().any(|network| network.contains(peer)) || self.is_login(addresses)
    }

    /// Whether somebody with these addresses has logged in as him.
    pub(crate) fn is_login(&self, addresses: &[Address]) -> bool {
        let login = self.login.as_ref();
        login.is_some_and(|login| addresses.contains(login))
    }

    /// Whether a node is his: one of his domains; with `@` one below which all are his, or one of
    /// his; with `#` his own name. So nobody is given `@com`. [rfc1985 5.3] [rfc1985 8]
    fn has(&self, node: &Node) -> bool {
        let who = &self.who;
        match node {
            Node::Domain(domain) => who.has(domain),
            Node::Subtree(domain) => {
                let all = DomainPattern::Below(domain.clone());
                who.has(domain) || who.domains.contains(&all)
            }
            Node::Queue(name) => *who.name == **name,
        }
    }
}

/// The customer who asks, if the node is his. [rfc1985 5.1]
pub(crate) fn asking<'a>(
    customers: &'a [Customer],
    node: &Node,
    peer: IpAddr,
    addresses: &[Address],
) -> Option<&'a Customer> {
    let mut own = customers
        .iter()
        .filter(|customer| customer.is(peer, addresses));
    own.find(|customer| customer.has(node))
}

/// Whether mail for a domain of his is what was asked for.
pub(crate) fn is_asked_for(node: &Node, domain: &Domain) -> bool {
    match node {
        Node::Domain(asked) => asked == domain,
        Node::Subtree(asked) => asked == domain || DomainPattern::Below(asked.clone()).fits(domain),
        Node::Queue(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use post::customer::Holds;
    use post::queue::Amount;

    fn customer(domains: &[&str], networks: &[&str], login: Option<&str>) -> Customer {
        let networks = networks.iter().map(|text| text.parse().unwrap()).collect();
        let pattern = |text: &&str| match text.strip_prefix("*.") {
            Some(parent) => DomainPattern::Below(parent.parse().unwrap()),
            None => DomainPattern::Exactly(text.parse().unwrap()),
        };
        Customer {
            who: Arc::new(customer::Customer {
                name: domains[0].replace('.', "-").into(),
                domains: domains.iter().map(pattern).collect(),
                holds: Holds::UntilEtrn,
                most: Amount {
                    count: 10,
                    bytes: 1_000,
                },
                lifetime: None,
            }),
            networks,
            login: login.map(|text| text.parse().unwrap()),
        }
    }

    fn node(text: &str) -> Node {
        match (text.strip_prefix('@'), text.strip_prefix('#')) {
            (Some(domain), _) => Node::Subtree(domain.parse().unwrap()),
            (_, Some(name)) => Node::Queue(name.to_owned()),
            _ => Node::Domain(text.parse().unwrap()),
        }
    }

    #[test]
    fn a_customer_starts_what_waits_for_his_domains_and_nothing_else() {
        // [rfc1985 5.3] [rfc1985 8]
        let all = [
            customer(&["a.test", "*.sub.a.test"], &["192.0.2.0/24"], None),
            customer(&["b.test"], &[], Some("site@example.test")),
            customer(&["nobody.test"], &[], None),
        ];
        let here: IpAddr = "192.0.2.7".parse().unwrap();
        let there: IpAddr = "198.51.100.1".parse().unwrap();
        let site: [Address; 1] = ["site@example.test".parse().unwrap()];
        let may = |text: &str, peer, addresses: &[Address]| {
            asking(&all, &node(text), peer, addresses).is_some()
        };
        for his in [
            "a.test",
            "@a.test",
            "x.sub.a.test",
            "@sub.a.test",
            "#a-test",
        ] {
            assert!(may(his, here, &[]), "{his}");
            assert!(!may(his, there, &site), "{his}");
        }
        for other in [
            "mx.a.test",
            "sub.a.test",
            "@test.test",
            "xa.test",
            "b.test",
            "#b-test",
        ] {
            assert!(!may(other, here, &[]), "{other}");
        }
        assert!(may("b.test", there, &site));
        assert!(may("#b-test", there, &site));
        assert!(!may("#uucp", here, &site));
        assert!(!may("nobody.test", here, &site));
    }

    #[test]
    fn a_node_is_one_domain_and_with_the_option_all_below_it() {
        let is = |asked: &str, domain: &str| is_asked_for(&node(asked), &domain.parse().unwrap());
        assert!(is("a.test", "a.test") && !is("a.test", "b.a.test"));
        assert!(is("@a.test", "a.test") && is("@a.test", "c.b.a.test"));
        assert!(!is("@a.test", "xa.test") && !is("@a.test", "test.test"));
        assert!(is("#a-test", "a.test"));
    }
}
