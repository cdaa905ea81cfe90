//! Attempts where domain or message demand TLS. The servers are proven by records and policies of a
//! simulated DNS.

use super::*;
use crate::road::policy::{Policies, PolicySettings};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use mail::{Mail, MailSettings};
use net::{HttpClient, Tlsa};
use smtp::Protection;

const OFFERS_TLS: &str = "250-there\r\n250-STARTTLS\r\n250 REQUIRETLS";

/// A world whose road asks what domains demand; `trusted` is the certificate of an authority.
async fn demanding(trusted: Option<&str>) -> World {
    let mut world = World::new();
    world.dns.sign("there.test");
    let mut settings = RoadSettings::new("mail.here.test".parse().unwrap());
    let outside = world.road().0.outside.clone();
    if let Some(trusted) = trusted {
        settings.authorities = net::Authorities::from_pem(trusted).unwrap();
    }
    let (clock, random) = (outside.clock.clone(), outside.random.clone());
    let mail = Mail::open(Db::memory(), clock.clone(), random, MailSettings::default());
    let policies = PolicySettings {
        resolver: outside.resolver.clone(),
        http: HttpClient::of_the_world(
            outside.resolver.clone(),
            outside.dialer.clone(),
            settings.authorities.clone(),
        ),
        clock,
    };
    settings.policies = Some(Policies::new(mail.await.unwrap(), policies));
    world.road = Some(Road::new(settings, outside));
    world
}

fn secured(server: TlsServer, ehlo: &'static str) -> Script {
    Script {
        ehlo,
        tls: Some(server),
        ..Script::default()
    }
}

/// DANE-EE with the whole certificate.
fn record(pem: &str) -> Tlsa {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    Tlsa {
        usage: 3,
        selector: 0,
        matching: 0,
        data: BASE64_STANDARD.decode(lines.collect::<String>()).unwrap(),
    }
}

fn first(carried: &Carried) -> String {
    fates(carried).remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_host_whose_record_fits_gets_mail_and_another_does_not() {
    // [rfc7672 2.2] [rfc7672 2.1.3]
    let mut world = demanding(None).await;
    let (server, pem) = tls();
    let a = world.a(secured(server.clone(), OFFERS_TLS));
    world.dns.add_tlsa("a.there.test", 25, record(&pem));
    let carried = world.carry(&one().await).await;
    assert!(first(&carried).starts_with("taken"), "{carried:?}");
    assert_eq!(carried.records[0].proof.as_deref(), Some("DANE-EE"));
    assert_eq!(carried.records[0].notes, ["DANE demands TLS"]);

    let (_, other) = tls();
    world.dns.remove("_25._tcp.a.there.test");
    world.dns.add_tlsa("a.there.test", 25, record(&other));
    tokio::time::advance(Duration::from_secs(600)).await;
    let begun = a.count("MAIL");
    let carried = world.carry(&one().await).await;
    let said = carried.records[0].said[0].1.why.clone().unwrap();
    assert_eq!(said, "no TLSA record fits the certificate");
    assert_eq!(a.count("MAIL"), begun, "not a word of the message");
}

#[tokio::test(start_paused = true)]
async fn a_host_with_records_is_not_spoken_to_in_the_clear() {
    // [rfc7672 2.2]
    let mut world = demanding(None).await;
    let a = world.a(Script::default());
    let b = world.b(Script::default());
    world.dns.add_tlsa("a.there.test", 25, record(&tls().1));
    let carried = world.carry(&one().await).await;
    assert_eq!(a.count("MAIL"), 0);
    assert_eq!(b.messages().len(), 1, "the other host has none");
    assert!(first(&carried).starts_with("taken"), "{carried:?}");
}

#[tokio::test(start_paused = true)]
async fn records_that_cannot_be_had_put_the_host_off() {
    // [rfc7672 2.1.2]
    let mut world = demanding(None).await;
    let a = world.a(Script::default());
    let b = world.b(Script::default());
    for host in ["a", "b"] {
        let name = format!("_25._tcp.{host}.there.test");
        world.dns.fail(&name, DnsFailure::TimedOut);
    }
    let carried = world.carry(&one().await).await;
    assert_eq!(
        first(&carried),
        "retry: TLS 4.7.5 looking up the host's TLSA records: the DNS did not answer in time"
    );
    assert_eq!((a.count("connected"), b.count("connected")), (0, 0));
}

async fn requiring() -> Load {
    let mut load = one().await;
    load.parameters.protection = Protection::Required;
    load
}

#[tokio::test(start_paused = true)]
async fn a_message_that_requires_tls_says_so_to_a_proven_host() {
    // [rfc8689 4.2.1] [rfc8689 2]
    let (server, pem) = tls();
    let mut world = demanding(Some(&pem)).await;
    let a = world.a(secured(server, OFFERS_TLS));
    let carried = world.carry(&requiring().await).await;
    assert!(first(&carried).starts_with("taken"), "{carried:?}");
    let mail = a.lines().into_iter().find(|l| l.starts_with("MAIL"));
    assert!(mail.unwrap().ends_with(" REQUIRETLS"));
    assert_eq!(carried.records[0].notes, ["REQUIRETLS demands TLS"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_requires_tls_does_not_go_where_nothing_is_proven() {
    // [rfc8689 4.2.1]
    let (server, pem) = tls();
    for (trusted, ehlo, expect) in [
        (
            Some(&*pem),
            "250-there\r\n250 STARTTLS",
            "failed: MAIL 5.7.30",
        ),
        (Some(&*pem), "250 there", "failed: TLS 5.7.10"),
        (None, OFFERS_TLS, "failed: TLS 5.7.10"),
    ] {
        let mut world = demanding(trusted).await;
        world.dns.remove("there.test");
        world.dns.add_mx("there.test", 10, "a.there.test");
        let a = world.a(secured(server.clone(), ehlo));
        let carried = world.carry(&requiring().await).await;
        assert!(first(&carried).starts_with(expect), "{carried:?}");
        assert_eq!(a.count("MAIL"), 0);
    }
    let mut unproven = World::new();
    let a = unproven.a(secured(server, OFFERS_TLS));
    let carried = unproven.carry(&requiring().await).await;
    assert!(first(&carried).starts_with("failed: TLS 5.7.10"));
    assert_eq!(a.count("connected"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_may_have_tls_later_keeps_a_message_that_requires_it_waiting() {
    // [rfc8689 4.2.1]
    for (greeting, expect) in [
        ("421 later", "retry: "),
        ("220 there", "failed: TLS 5.7.10"),
    ] {
        let mut world = demanding(None).await;
        let a = world.a(Script::default());
        let b = world.b(Script {
            greeting: Some(Act::Say(greeting)),
            ..Script::default()
        });
        let carried = world.carry(&requiring().await).await;
        assert!(first(&carried).starts_with(expect), "{carried:?}");
        assert_eq!((a.count("MAIL"), b.count("MAIL")), (0, 0));
    }
    // it says that it has TLS, but not now
    let (server, pem) = tls();
    let mut world = demanding(Some(&pem)).await;
    let a = world.a(Script {
        rows: vec![("STARTTLS", Act::Say("454 4.7.0 not now"))],
        ..secured(server, OFFERS_TLS)
    });
    let carried = world.carry(&requiring().await).await;
    assert!(first(&carried).starts_with("retry: "), "{carried:?}");
    assert_eq!(a.count("MAIL"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_needs_no_tls_goes_whatever_the_domain_says() {
    // [rfc8689 4.2.2]
    let mut world = demanding(None).await;
    let a = world.a(Script::default());
    world.dns.add_tlsa("a.there.test", 25, record(&tls().1));
    let mut load = one().await;
    load.parameters.protection = Protection::NotNeeded;
    let carried = world.carry(&load).await;
    assert!(first(&carried).starts_with("taken"), "{carried:?}");
    // the connection that proved nothing is not there for a message that asks for proof
    let carried = world.carry(&one().await).await;
    assert!(first(&carried).starts_with("retry"), "{carried:?}");
    assert_eq!(a.messages().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_report_about_such_a_message_is_not_held_back() {
    // [rfc8689 5]
    let mut world = World::new();
    let a = world.a(Script::default());
    let mut load = requiring().await;
    load.sender = ReversePath::parse(b"<>", Charset::Ascii).unwrap();
    let carried = world.carry(&load).await;
    assert!(first(&carried).starts_with("taken"), "{carried:?}");
    assert_eq!(a.messages().len(), 1);
}
