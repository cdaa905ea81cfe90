//! What the simulated DNS answers, and how answers are put together.

use super::*;
use std::time::Duration;
use tokio::time::Instant;

const FOUR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const SIX: IpAddr = IpAddr::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

fn table() -> (SimDns, Resolver) {
    let dns = SimDns::new(1);
    (dns.clone(), Resolver::simulated(dns))
}

fn value<T: std::fmt::Debug>(answer: Answer<T>) -> (T, bool, Option<Alias>) {
    match answer {
        Answer::Found {
            value,
            is_secure,
            alias,
        } => (value, is_secure, alias),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn tells_what_is_there_from_what_is_not() {
    // [rfc2308 2.1] [rfc2308 2.2] [rfc7505 3]
    let (dns, resolver) = table();
    dns.add_mx("Example.TEST", 20, "b.example.test.");
    dns.add_mx("example.test", 10, "A.example.test");
    dns.add_address("a.example.test", FOUR);
    dns.add_address("a.example.test", SIX);
    let (mx, is_secure, alias) = value(resolver.mx("example.test.").await);
    let hosts = mx.iter().map(|mx| mx.host.as_str()).collect::<Vec<_>>();
    assert_eq!(hosts, ["a.example.test", "b.example.test"]);
    assert_eq!((is_secure, alias), (false, None));
    let (addresses, ..) = value(resolver.addresses("A.EXAMPLE.test").await);
    assert_eq!(addresses, [SIX, FOUR]);
    let nothing = resolver.addresses("example.test").await;
    assert_eq!(nothing, Answer::NoData { is_secure: false });
    let nobody = resolver.mx("c.example.test").await;
    assert_eq!(nobody, Answer::NoName { is_secure: false });
    let between = resolver.mx("test").await;
    assert_eq!(between, Answer::NoData { is_secure: false });
    dns.add_mx("c.example.test", 0, ".");
    let (null, ..) = value(resolver.mx("c.example.test").await);
    assert_eq!(null[0].host, "");
    dns.remove("example.test");
    assert!(matches!(
        resolver.mx("example.test").await,
        Answer::NoData { .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn follows_aliases_and_says_which_part_is_proven() {
    // [rfc7672 2.2.2]
    let (dns, resolver) = table();
    dns.sign("example.test");
    dns.add_alias("mx.example.test", "host.example.test");
    dns.add_address("host.example.test", FOUR);
    dns.add_alias("far.example.test", "host.other.test");
    dns.add_address("host.other.test", FOUR);
    dns.add_alias("circle.example.test", "circle.example.test");
    let (_, is_secure, alias) = value(resolver.addresses("mx.example.test").await);
    let to = |leads_to: &str| Alias {
        leads_to: leads_to.to_owned(),
        is_secure: true,
    };
    assert_eq!((is_secure, alias), (true, Some(to("host.example.test"))));
    let (_, is_secure, alias) = value(resolver.addresses("far.example.test").await);
    assert_eq!((is_secure, alias), (false, Some(to("host.other.test"))));
    assert!(matches!(
        resolver.addresses("circle.example.test").await,
        Answer::Failed(DnsFailure::Server(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn asks_for_tlsa_records_below_port_and_protocol() {
    // [rfc6698 2.1] [rfc6698 3] [rfc7672 2.2]
    let (dns, resolver) = table();
    dns.sign("example.test");
    let record = Tlsa {
        usage: 3,
        selector: 1,
        matching: 1,
        data: vec![7; 32],
    };
    dns.add_tlsa("mx.example.test", 25, record.clone());
    let (records, is_secure, _) = value(resolver.tlsa("mx.example.test", 25).await);
    assert_eq!((records, is_secure), (vec![record], true));
    let other = resolver.tlsa("mx.example.test", 465).await;
    assert_eq!(other, Answer::NoName { is_secure: true });
}

#[tokio::test(start_paused = true)]
async fn fails_as_told_and_as_the_weather_is() {
    let (dns, resolver) = table();
    dns.add_txt("example.test", "v=spf1 -all");
    dns.fail("example.test", DnsFailure::Bogus);
    let failed = resolver.txt("example.test").await;
    assert_eq!(failed, Answer::Failed(DnsFailure::Bogus));
    dns.mend("example.test");
    assert_eq!(value(resolver.txt("example.test").await).0, ["v=spf1 -all"]);
    dns.set_weather(DnsWeather {
        fail_one_in: 3,
        ..DnsWeather::default()
    });
    let mut failures = 0;
    for _ in 0..60 {
        let begun = Instant::now();
        let answer = resolver.txt("example.test").await;
        failures += u32::from(matches!(answer, Answer::Failed(_)));
        assert!(begun.elapsed() <= limits::DNS + Duration::from_millis(1));
    }
    assert!((5..40).contains(&failures), "{failures}");
}

#[test]
fn one_family_that_is_forged_spoils_both() {
    let found = |address| Answer::Found {
        value: vec![Data::Address(address)],
        is_secure: true,
        alias: None,
    };
    let failed = |why| Answer::<Vec<Data>>::Failed(why);
    assert_eq!(
        both_families(found(SIX), failed(DnsFailure::Bogus)),
        failed(DnsFailure::Bogus)
    );
    // a server that stumbles over AAAA must not hide a host that has an IPv4 address
    assert_eq!(
        both_families(failed(DnsFailure::TimedOut), found(FOUR)),
        found(FOUR)
    );
    let none = Answer::NoData { is_secure: true };
    assert_eq!(
        both_families(none.clone(), failed(DnsFailure::TimedOut)),
        failed(DnsFailure::TimedOut)
    );
    assert_eq!(both_families(none.clone(), found(FOUR)), found(FOUR));
}

#[tokio::test(start_paused = true)]
async fn takes_no_more_records_than_anybody_needs() {
    let (dns, resolver) = table();
    for n in 0..1_000 {
        dns.add_mx("example.test", 10, &format!("mx{n}.example.test"));
    }
    let (mx, ..) = value(resolver.mx("example.test").await);
    assert_eq!(mx.len(), limits::DNS_RECORDS);
}
