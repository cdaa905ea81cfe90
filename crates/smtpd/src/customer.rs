//! Customers: domains whose own servers come and ask for the mail that waits for them.
//!
//! What never happens here: a look at the queue.

use crate::Network;
use addr::{Address, Domain};
use smtp::Node;
use std::net::IpAddr;

/// A domain, and who may ask for its mail. Without networks and login it is nobody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Customer {
    /// With all below it.
    pub domain: Domain,
    /// From where everybody may ask.
    pub networks: Vec<Network>,
    /// Who may ask from anywhere.
    pub login: Option<Address>,
}

impl Customer {
    fn is(&self, peer: IpAddr, addresses: &[Address]) -> bool {
        self.networks.iter().any(|network| network.contains(peer))
            || self
                .login
                .as_ref()
                .is_some_and(|login| addresses.contains(login))
    }
}

/// Whether somebody may start what waits for a node: the domain of a customer that he is, or one
/// below it; so nobody is given `@com`. [rfc1985 5.3] [rfc1985 8]
pub(crate) fn may_start(
    customers: &[Customer],
    node: &Node,
    peer: IpAddr,
    addresses: &[Address],
) -> bool {
    let (Node::Domain(domain) | Node::Subtree(domain)) = node else {
        return false;
    };
    let mut own = customers
        .iter()
        .filter(|customer| customer.is(peer, addresses));
    own.any(|customer| lies_in(domain, &customer.domain))
}

/// Whether mail for a domain is what was asked for.
pub(crate) fn is_asked_for(node: &Node, domain: &Domain) -> bool {
    match node {
        Node::Domain(asked) => asked == domain,
        Node::Subtree(asked) => lies_in(domain, asked),
        Node::Queue(_) => false,
    }
}

fn lies_in(domain: &Domain, above: &Domain) -> bool {
    let (domain, above) = (domain.as_str(), above.as_str());
    let rest = domain.strip_suffix(above);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(domain: &str, networks: &[&str], login: Option<&str>) -> Customer {
        let networks = networks.iter().map(|text| text.parse().unwrap()).collect();
        Customer {
            domain: domain.parse().unwrap(),
            networks,
            login: login.map(|text| text.parse().unwrap()),
        }
    }

    fn node(text: &str) -> Node {
        match text.strip_prefix('@') {
            Some(domain) => Node::Subtree(domain.parse().unwrap()),
            None => Node::Domain(text.parse().unwrap()),
        }
    }

    #[test]
    fn a_customer_starts_what_waits_for_his_domain_and_below_it() {
        // [rfc1985 5.3] [rfc1985 8]
        let all = [
            customer("a.test", &["192.0.2.0/24"], None),
            customer("b.test", &[], Some("site@example.test")),
            customer("nobody.test", &[], None),
        ];
        let here: IpAddr = "192.0.2.7".parse().unwrap();
        let there: IpAddr = "198.51.100.1".parse().unwrap();
        let site: [Address; 1] = ["site@example.test".parse().unwrap()];
        let may =
            |text: &str, peer, addresses: &[Address]| may_start(&all, &node(text), peer, addresses);
        assert!(may("a.test", here, &[]));
        assert!(may("@a.test", here, &[]));
        assert!(may("mx.a.test", here, &[]));
        assert!(!may("a.test", there, &[]));
        assert!(!may("b.test", here, &[]));
        assert!(!may("@test.test", here, &[]));
        assert!(!may("xa.test", here, &[]));
        assert!(may("b.test", there, &site));
        assert!(!may("a.test", there, &site));
        assert!(!may("nobody.test", here, &site));
        assert!(!may_start(
            &all,
            &Node::Queue("uucp".to_owned()),
            here,
            &site
        ));
    }

    #[test]
    fn a_node_is_one_domain_and_with_the_option_all_below_it() {
        let is = |asked: &str, domain: &str| is_asked_for(&node(asked), &domain.parse().unwrap());
        assert!(is("a.test", "a.test") && !is("a.test", "b.a.test"));
        assert!(is("@a.test", "a.test") && is("@a.test", "c.b.a.test"));
        assert!(!is("@a.test", "xa.test") && !is("@a.test", "test.test"));
    }
}
