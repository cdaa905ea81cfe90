//! DANE: which TLSA records speak for a host, as RFC 7672 section 2 has it.
//!
//! What never happens here: a look at a certificate (that is `net`).

use crate::road::route::{SMTP_PORT, Security};
use addr::Domain;
use net::{Answer, Resolver, Tlsa};

/// What the DNS says about a host's TLS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Dane {
    /// DNSSEC proves no record.
    Nothing,
    /// There are proven records, and none that can vouch for a mail server. [rfc7672 2.2]
    Unusable,
    /// Those that can, and the name under which they stand.
    Records { base: String, records: Vec<Tlsa> },
    /// Nobody knows now: why. Whoever can keep the records from us must not get the mail without
    /// them. [rfc7672 2.1.2]
    Failed(String),
}

/// Asks for the records of a host that DNSSEC shows to be the domain's; of any other it asks
/// nothing: who can forge the MX record can name a host whose records fit. [rfc7672 2.2.1]
pub async fn gather(
    resolver: &Resolver,
    domain: &Domain,
    host: &Domain,
    host_is: Security,
) -> Dane {
    // a domain that is its own host needs no record that says so
    if host_is != Security::Signed && host != domain {
        return Dane::Nothing;
    }
    let host = host.as_str();
    let addresses = resolver.addresses(host).await;
    let bases = match &addresses {
        Answer::Failed(why) => return Dane::Failed(why.to_string()),
        found => bases(host, found),
    };
    for base in bases {
        match resolver.tlsa(&base, SMTP_PORT).await {
            Answer::Failed(why) => return Dane::Failed(why.to_string()),
            Answer::Found {
                value,
                is_secure: true,
                ..
            } => {
                let records = value.into_iter().filter(Tlsa::is_usable);
                let records = records.collect::<Vec<_>>();
                return match records.is_empty() {
                    true => Dane::Unusable,
                    false => Dane::Records { base, records },
                };
            }
            Answer::Found { .. } | Answer::NoData { .. } | Answer::NoName { .. } => {}
        }
    }
    Dane::Nothing
}

/// The names under which records may stand, the first that has some counts: where a proven alias
/// leads, then the host's own name. Where no proof reaches the host nothing is asked: the question
/// alone fails at some servers that do no DNSSEC. [rfc7672 2.2.2] [rfc7672 2.1.1]
fn bases<T>(host: &str, addresses: &Answer<T>) -> Vec<String> {
    let Answer::Found {
        is_secure, alias, ..
    } = addresses
    else {
        return Vec::new();
    };
    match (is_secure, alias) {
        (true, Some(alias)) => vec![alias.leads_to.clone(), host.to_owned()],
        (true, None) => vec![host.to_owned()],
        (false, Some(alias)) if alias.is_secure => vec![host.to_owned()],
        (false, _) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::{DnsFailure, SimDns};
    use std::net::{IpAddr, Ipv4Addr};

    const AT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn record(usage: u8) -> Tlsa {
        Tlsa {
            usage,
            selector: 1,
            matching: 1,
            data: vec![usage; 32],
        }
    }

    fn domain(text: &str) -> Domain {
        text.parse().expect("a domain")
    }

    fn world() -> (SimDns, Resolver) {
        let dns = SimDns::new(1);
        dns.sign("example.test");
        dns.add_address("mx.example.test", AT);
        dns.add_address("mx.other.test", AT);
        (dns.clone(), Resolver::simulated(dns))
    }

    async fn of(resolver: &Resolver, host: &str, host_is: Security) -> Dane {
        gather(resolver, &domain("example.test"), &domain(host), host_is).await
    }

    fn found(base: &str, usage: u8) -> Dane {
        Dane::Records {
            base: base.to_owned(),
            records: vec![record(usage)],
        }
    }

    #[tokio::test(start_paused = true)]
    async fn proven_records_of_a_proven_host_count() {
        // [rfc7672 2.2] [rfc7672 2.2.1]
        let (dns, resolver) = world();
        let host = "mx.example.test";
        assert_eq!(of(&resolver, host, Security::Signed).await, Dane::Nothing);
        dns.add_tlsa(host, 25, record(1));
        assert_eq!(of(&resolver, host, Security::Signed).await, Dane::Unusable);
        dns.add_tlsa(host, 25, record(3));
        assert_eq!(of(&resolver, host, Security::Signed).await, found(host, 3));
        let unsigned = of(&resolver, host, Security::Unsigned).await;
        assert_eq!(unsigned, Dane::Nothing, "the MX record may be forged");
        dns.add_tlsa("mx.other.test", 25, record(3));
        let unsigned = of(&resolver, "mx.other.test", Security::Signed).await;
        assert_eq!(unsigned, Dane::Nothing, "the records may be forged");
    }

    #[tokio::test(start_paused = true)]
    async fn a_domain_that_is_its_own_host_needs_no_mx_record() {
        // [rfc7672 2.2.1]
        let (dns, resolver) = world();
        dns.add_address("example.test", AT);
        dns.add_tlsa("example.test", 25, record(3));
        let own = of(&resolver, "example.test", Security::Unsigned).await;
        assert_eq!(own, found("example.test", 3));
    }

    #[tokio::test(start_paused = true)]
    async fn records_stand_where_a_proven_alias_leads_or_at_the_name_itself() {
        // [rfc7672 2.2.2]
        let (dns, resolver) = world();
        dns.add_alias("a.example.test", "mx.example.test");
        dns.add_tlsa("a.example.test", 25, record(2));
        let alias = of(&resolver, "a.example.test", Security::Signed).await;
        assert_eq!(alias, found("a.example.test", 2));
        dns.add_tlsa("mx.example.test", 25, record(3));
        let alias = of(&resolver, "a.example.test", Security::Signed).await;
        assert_eq!(alias, found("mx.example.test", 3));
        dns.add_alias("b.example.test", "mx.other.test");
        dns.add_tlsa("b.example.test", 25, record(2));
        dns.add_tlsa("mx.other.test", 25, record(3));
        let alias = of(&resolver, "b.example.test", Security::Signed).await;
        assert_eq!(alias, found("b.example.test", 2));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_keeps_the_records_from_us_gets_no_mail() {
        // [rfc7672 2.1.2]
        let (dns, resolver) = world();
        let host = "mx.example.test";
        dns.fail("_25._tcp.mx.example.test", DnsFailure::TimedOut);
        let failed = of(&resolver, host, Security::Signed).await;
        assert!(matches!(failed, Dane::Failed(_)), "{failed:?}");
        dns.mend("_25._tcp.mx.example.test");
        dns.fail(host, DnsFailure::Bogus);
        let failed = of(&resolver, host, Security::Signed).await;
        assert!(matches!(failed, Dane::Failed(_)), "{failed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_without_proof_is_not_asked_for_records() {
        // [rfc7672 2.1.1]
        let (dns, resolver) = world();
        dns.fail("_25._tcp.mx.other.test", DnsFailure::TimedOut);
        let nothing = of(&resolver, "mx.other.test", Security::Signed).await;
        assert_eq!(nothing, Dane::Nothing);
    }
}
