//! Customers: whose mail is taken from everybody, and kept until their own servers ask for it.
//!
//! What never happens here: who may ask (the doors know their clients), a look at the queue.

use crate::queue::Amount;
use crate::road::route::DomainPattern;
use addr::{Domain, Host};
use net::time::Duration;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Somebody whose mail waits here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Customer {
    /// For people, and for `ETRN #name`.
    pub name: Arc<str>,
    pub domains: Vec<DomainPattern>,
    pub holds: Holds,
    /// Entries that may wait for him.
    pub most: Amount,
    /// How long his mail is kept; as long as all other if not said.
    pub lifetime: Option<Duration>,
}

/// Until when mail for a customer stays where it is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Holds {
    /// It is tried like all other mail; ETRN has it tried at once.
    Nothing,
    /// ETRN asks for it; then it goes its usual way. [rfc1985 5.1]
    UntilEtrn,
    /// ATRN asks for it; then it goes over that connection. [rfc2645 4]
    #[default]
    UntilAtrn,
}

impl Customer {
    /// Whether a domain is one of his.
    pub fn has(&self, domain: &Domain) -> bool {
        self.domains.iter().any(|pattern| pattern.fits(domain))
    }
}

impl fmt::Display for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// All customers. A domain is looked up at the same cost however many there are.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Customers {
    all: Vec<Arc<Customer>>,
    by_pattern: BTreeMap<DomainPattern, usize>,
}

impl Customers {
    /// Where a pattern stands at two, the first has it.
    pub fn new(all: Vec<Customer>) -> Customers {
        let mut by_pattern = BTreeMap::new();
        for (index, customer) in all.iter().enumerate() {
            for pattern in &customer.domains {
                by_pattern.entry(pattern.clone()).or_insert(index);
            }
        }
        Customers {
            all: all.into_iter().map(Arc::new).collect(),
            by_pattern,
        }
    }

    /// Whose domain it is; the longest pattern counts.
    pub fn of(&self, host: &Host) -> Option<&Arc<Customer>> {
        if self.by_pattern.is_empty() {
            return None;
        }
        let found = DomainPattern::all_for(host.domain()?)
            .into_iter()
            .find_map(|pattern| self.by_pattern.get(&pattern));
        found.map(|index| &self.all[*index])
    }

    /// For whom mail to this domain is kept, if it is.
    pub fn keeping(&self, host: &Host) -> Option<&Arc<Customer>> {
        self.of(host)
            .filter(|customer| customer.holds != Holds::Nothing)
    }

    pub fn named(&self, name: &str) -> Option<&Arc<Customer>> {
        self.all.iter().find(|customer| *customer.name == *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(name: &str, domains: &[&str]) -> Customer {
        Customer {
            name: name.into(),
            domains: domains.iter().map(|text| text.parse().unwrap()).collect(),
            holds: Holds::UntilAtrn,
            most: Amount {
                count: 10,
                bytes: 1_000,
            },
            lifetime: None,
        }
    }

    #[test]
    fn a_domain_is_the_customers_who_names_it_most_exactly() {
        let all = Customers::new(vec![
            customer("wide", &["*.test", "a.test"]),
            customer("near", &["b.test", "*.b.test", "a.test"]),
        ]);
        let whose = |domain: &str| {
            let host = Host::Name(domain.parse().unwrap());
            all.of(&host).map(|customer| &*customer.name)
        };
        assert_eq!(whose("a.test"), Some("wide"), "the first of two");
        assert_eq!(whose("c.test"), Some("wide"));
        assert_eq!(whose("b.test"), Some("near"));
        assert_eq!(whose("x.y.b.test"), Some("near"));
        assert_eq!(whose("xb.test"), Some("wide"));
        assert_eq!(whose("test"), None);
        assert_eq!(whose("a.example"), None);
        let literal = Host::parse(b"[192.0.2.1]", addr::Charset::Ascii).unwrap();
        assert!(all.of(&literal).is_none());
        let near = all.named("near").unwrap();
        assert!(near.has(&"x.b.test".parse().unwrap()) && !near.has(&"c.test".parse().unwrap()));
    }
}
