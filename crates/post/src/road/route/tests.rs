//! RFC 5321 section 5 and the operator's table, case by case.

use super::*;
use addr::Charset;
use net::Mx;
use std::net::SocketAddr;

fn domain(text: &str) -> Domain {
    text.parse().unwrap()
}

fn own() -> Own {
    Own {
        names: vec![domain("mail.here.test")],
        addresses: vec!["192.0.2.200".parse().unwrap()],
    }
}

fn found(records: &[(u16, &str)]) -> Looked<Vec<Mx>> {
    let record = |(preference, host): &(u16, &str)| Mx {
        preference: *preference,
        host: (*host).to_owned(),
    };
    Looked::Found(records.iter().map(record).collect(), Security::Unsigned)
}

fn names(records: &[(u16, &str)], random: u64) -> Result<Vec<String>, NoRoute> {
    let got = exchanges(&domain("there.test"), found(records), &own(), random)?;
    Ok(got.iter().map(|e| e.name.to_string()).collect())
}

fn look(pairs: &[(&str, &[&str])]) -> Evidence {
    let exchanges = pairs.iter().enumerate().map(|(index, (name, _))| Exchange {
        preference: index as u16,
        name: domain(name),
        security: Security::Unsigned,
    });
    let addresses = pairs.iter().map(|(name, addresses)| {
        let addresses = addresses.iter().map(|a| a.parse().unwrap()).collect();
        let looked = Looked::Found(addresses, Security::Unsigned);
        (domain(name), looked)
    });
    Evidence {
        exchanges: exchanges.collect(),
        addresses: addresses.collect(),
    }
}

fn places(evidence: Evidence, families: Families) -> Result<Vec<String>, NoRoute> {
    let hops = hosts(evidence, &own(), families)?;
    let show = |hop: &Hop| match &hop.name {
        Some(name) => format!("{name} {}", hop.place),
        None => hop.place.to_string(),
    };
    Ok(hops.iter().map(show).collect())
}

#[test]
fn sorts_by_preference_and_equal_ones_by_chance() {
    // [rfc5321 5.1 #11 #12 #14]
    let records = [(20, "c.test"), (10, "b.test"), (10, "a.test")];
    let orders: Vec<Vec<String>> = (0..20).map(|r| names(&records, r).unwrap()).collect();
    for order in &orders {
        assert_eq!(order[2], "c.test");
    }
    let first = |name: &str| orders.iter().filter(|order| order[0] == name).count();
    assert!(first("a.test") > 3 && first("b.test") > 3, "{orders:?}");
    // the same chance whatever order the DNS has
    let turned = [(10, "a.test"), (10, "b.test"), (20, "c.test")];
    assert_eq!(names(&records, 7), names(&turned, 7));
}

#[test]
fn without_mx_records_the_domain_is_its_own_host() {
    // [rfc5321 5.1]
    for answer in [Looked::NoData, found(&[])] {
        let got = exchanges(&domain("there.test"), answer, &own(), 0).unwrap();
        assert_eq!(got[0].name, domain("there.test"));
        assert_eq!((got.len(), got[0].preference), (1, 0));
    }
}

#[test]
fn domains_that_do_not_exist_are_an_error_and_trouble_with_the_dns_is_for_now() {
    // [rfc5321 5.1 #3 #4]
    let ask = |answer| exchanges(&domain("there.test"), answer, &own(), 0).unwrap_err();
    let none = ask(Looked::NoName);
    assert_eq!(none, NoRoute::NoSuchDomain);
    assert_eq!(
        (none.class(), none.status()),
        (Class::Permanent, Status(5, 1, 2))
    );
    let trouble = ask(Looked::Failed("SERVFAIL".to_owned()));
    assert_eq!(
        (trouble.class(), trouble.status()),
        (Class::Transient, Status(4, 4, 3))
    );
    assert_eq!(
        trouble.to_string(),
        "looking for the domain's hosts: SERVFAIL"
    );
}

#[test]
fn a_null_mx_takes_no_mail() {
    // [rfc7505 3] [rfc7505 4.2]
    for host in [".", ""] {
        let refused = names(&[(0, host)], 0).unwrap_err();
        assert_eq!(refused, NoRoute::NullMx);
        assert_eq!((refused.code(), refused.status()), (556, Status(5, 1, 10)));
    }
    // beside others it is only a broken record
    assert_eq!(names(&[(0, "."), (5, "a.test.")], 0).unwrap(), ["a.test"]);
}

#[test]
fn records_that_hold_no_host_name_are_passed_over() {
    // [rfc5321 5.1 #5 #7]
    let records = [(5, "not a name"), (6, "192.0.2.1 "), (7, "a.test")];
    assert_eq!(names(&records, 0).unwrap(), ["a.test"]);
    let broken = names(&[(5, "not a name"), (6, "-")], 0).unwrap_err();
    assert_eq!(
        (broken.clone(), broken.status()),
        (NoRoute::Unusable, Status(5, 4, 4))
    );
}

#[test]
fn a_host_that_is_named_twice_is_tried_once() {
    let records = [(30, "a.test"), (20, "b.test"), (10, "A.test.")];
    assert_eq!(names(&records, 0).unwrap(), ["a.test", "b.test"]);
}

#[test]
fn from_ourselves_on_nobody_is_tried() {
    // [rfc5321 5.1 #15 #16 #17]
    let records = [
        (5, "a.test"),
        (10, "mail.HERE.test"),
        (10, "b.test"),
        (20, "c.test"),
    ];
    assert_eq!(names(&records, 0).unwrap(), ["a.test"]);
    let looped = names(&records[1..], 0).unwrap_err();
    assert_eq!(
        (looped.clone(), looped.status()),
        (NoRoute::Loop, Status(5, 4, 6))
    );
    let implicit = exchanges(&domain("mail.here.test"), Looked::NoData, &own(), 0);
    assert_eq!(implicit, Err(NoRoute::Loop));
}

#[test]
fn an_address_of_ours_counts_as_our_name() {
    // [rfc5321 5.1 #15 #16 #17]
    let pairs: &[(&str, &[&str])] = &[
        ("a.test", &["198.51.100.1"]),
        ("us.test", &["198.51.100.2", "192.0.2.200"]),
        ("c.test", &["198.51.100.3"]),
    ];
    assert_eq!(
        places(look(pairs), Families::Both).unwrap(),
        ["a.test 198.51.100.1:25"]
    );
    for ours in [
        "127.0.0.1",
        "::1",
        "0.0.0.0",
        "::ffff:127.0.0.2",
        "::ffff:192.0.2.200",
    ] {
        let evidence = look(&[("us.test", &[ours])]);
        assert_eq!(
            places(evidence, Families::Both),
            Err(NoRoute::Loop),
            "{ours}"
        );
    }
}

#[test]
fn hosts_are_reached_by_way_of_the_mx_records_only() {
    // [rfc5321 5.1 #6]
    let mut evidence = look(&[("a.test", &["198.51.100.1"])]);
    let own_address = Looked::Found(vec!["198.51.100.9".parse().unwrap()], Security::Unsigned);
    evidence.addresses.insert(domain("there.test"), own_address);
    assert_eq!(
        places(evidence, Families::Both).unwrap(),
        ["a.test 198.51.100.1:25"]
    );
}

#[test]
fn all_addresses_of_a_host_are_tried_in_order_and_families_in_turns() {
    // [rfc5321 5.1 #10 #13] [rfc5321 5.2]
    let all = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"];
    let pairs: &[(&str, &[&str])] = &[("a.test", &all), ("b.test", &["192.0.2.9"])];
    let got = |families| places(look(pairs), families).unwrap().join(" ");
    assert_eq!(
        got(Families::Both),
        "a.test [2001:db8::1]:25 a.test 192.0.2.1:25 a.test [2001:db8::2]:25 \
         a.test 192.0.2.2:25 b.test 192.0.2.9:25"
    );
    assert_eq!(
        got(Families::V4),
        "a.test 192.0.2.1:25 a.test 192.0.2.2:25 b.test 192.0.2.9:25"
    );
    assert_eq!(
        got(Families::V6),
        "a.test [2001:db8::1]:25 a.test [2001:db8::2]:25"
    );
}

#[test]
fn a_host_without_address_is_passed_over() {
    // [rfc5321 5.1 #5 #7]
    for (looked, expected) in [
        (Looked::NoData, NoRoute::Unusable),
        (Looked::NoName, NoRoute::Unusable),
        (
            Looked::Failed("timeout".to_owned()),
            NoRoute::Lookup("timeout".to_owned()),
        ),
    ] {
        let mut evidence = look(&[("a.test", &["192.0.2.1"]), ("b.test", &[])]);
        evidence.addresses.insert(domain("b.test"), looked.clone());
        assert_eq!(
            places(evidence, Families::Both).unwrap(),
            ["a.test 192.0.2.1:25"]
        );
        let mut evidence = look(&[("b.test", &[])]);
        evidence.addresses.insert(domain("b.test"), looked);
        assert_eq!(places(evidence, Families::Both), Err(expected));
    }
}

#[test]
fn how_many_are_tried_is_bounded_and_more_than_two() {
    // [rfc5321 5.1]
    let many: Vec<String> = (0..200).map(|n| format!("198.51.100.{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let hosts: Vec<String> = (0..100).map(|n| format!("h{n}.test")).collect();
    let pairs: Vec<(&str, &[&str])> = hosts.iter().map(|h| (h.as_str(), &many[..])).collect();
    let got = places(look(&pairs), Families::Both).unwrap();
    assert_eq!(got.len(), crate::limits::ROUTE_ADDRESSES);
    assert!(
        got.last().unwrap().starts_with("h2.test"),
        "no host takes all tries"
    );
    let records: Vec<(u16, &str)> = hosts.iter().map(|h| (1, h.as_str())).collect();
    assert_eq!(
        names(&records, 0).unwrap().len(),
        crate::limits::ROUTE_HOSTS
    );
}

#[test]
fn what_dnssec_does_not_vouch_for_wholly_is_unsigned() {
    let signed = |security| {
        let mut evidence = look(&[("a.test", &["192.0.2.1"])]);
        evidence.exchanges[0].security = Security::Signed;
        let addresses = Looked::Found(vec!["192.0.2.1".parse().unwrap()], security);
        evidence.addresses.insert(domain("a.test"), addresses);
        hosts(evidence, &own(), Families::Both).unwrap()[0].security
    };
    assert_eq!(signed(Security::Signed), Security::Signed);
    assert_eq!(signed(Security::Unsigned), Security::Unsigned);
}

#[test]
fn address_literals_name_their_host() {
    // [rfc5321 4.1.3]
    let at = |text: &str| {
        let read = addr::AddressLiteral::parse(text.as_bytes()).unwrap();
        literal(&read, &own()).map(|hop| hop.place.to_string())
    };
    assert_eq!(at("[192.0.2.7]").unwrap(), "192.0.2.7:25");
    assert_eq!(at("[IPv6:2001:db8::7]").unwrap(), "[2001:db8::7]:25");
    assert_eq!(at("[x-kind:abc]"), Err(NoRoute::Literal));
    for ours in ["[192.0.2.200]", "[127.0.0.1]", "[IPv6:::1]"] {
        assert_eq!(at(ours), Err(NoRoute::Loop), "{ours}");
    }
}

fn server(host: &str) -> Next {
    Next::Server(Arc::new(Server {
        host: Host::parse(host.as_bytes(), Charset::Ascii).unwrap(),
        port: 587,
        protocol: smtp::client::Protocol::Smtp,
        tls: Demand::WhereOffered,
        login: None,
    }))
}

fn row(to: Option<DomainPattern>, from: Option<SenderPattern>, host: &str) -> Route {
    Route {
        to,
        from,
        next: server(host),
        sources: Sources::default(),
    }
}

fn sender(text: &str) -> ReversePath {
    ReversePath::parse(text.as_bytes(), Charset::Ascii).unwrap()
}

#[test]
fn the_first_row_that_fits_counts() {
    let exactly = |text| Some(DomainPattern::Exactly(domain(text)));
    let below = |text| Some(DomainPattern::Below(domain(text)));
    let by_ann = Some(SenderPattern::Address("Ann@a.test".parse().unwrap()));
    let by_b = Some(SenderPattern::Domain(domain("b.test")));
    let routes = Routes::new(vec![
        row(exactly("x.test"), by_ann, "one.test"),
        row(below("x.test"), None, "two.test"),
        row(None, by_b, "three.test"),
        row(exactly("x.test"), None, "four.test"),
        row(exactly("deep.x.test"), None, "never.test"),
    ]);
    let check = |from: &str, to: &str, expected: &str| {
        let to = Host::parse(to.as_bytes(), Charset::Ascii).unwrap();
        let got = routes.destination(&sender(from), &to);
        assert_eq!(got.to_string(), expected, "{from} {to}");
    };
    check("<ann@a.test>", "x.test", "smtp://one.test:587");
    check("<bob@a.test>", "x.test", "smtp://four.test:587");
    check("<bob@b.test>", "x.test", "smtp://three.test:587");
    check("<bob@b.test>", "deep.x.test", "smtp://two.test:587");
    check("<ann@a.test>", "very.deep.x.test", "smtp://two.test:587");
    check("<ann@a.test>", "notx.test", "notx.test");
    check("<>", "x.test", "smtp://four.test:587");
    check("<>", "[192.0.2.1]", "[192.0.2.1]");
    check("<bob@b.test>", "[192.0.2.1]", "smtp://three.test:587");
}

#[test]
fn destinations_with_different_sources_are_different() {
    let mut with_source = row(None, None, "one.test");
    with_source.next = Next::Exchanges;
    with_source.sources.v4 = Some("192.0.2.5".parse().unwrap());
    let routes = Routes::new(vec![with_source]);
    let to = Host::Name(domain("x.test"));
    let got = routes.destination(&ReversePath::Null, &to);
    assert_eq!(got.to_string(), "x.test from 192.0.2.5");
    let towards = |text: &str| {
        got.sources
            .towards(text.parse::<SocketAddr>().unwrap().ip())
    };
    assert_eq!(
        towards("198.51.100.1:25"),
        Some("192.0.2.5".parse().unwrap())
    );
    assert_eq!(towards("[2001:db8::1]:25"), None);
}
