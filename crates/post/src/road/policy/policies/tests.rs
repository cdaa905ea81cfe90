//! Policies in a simulated world: a DNS, a policy host with TLS, and a store.

use super::*;
use crate::road::policy::sts::Mode;
use net::{
    Authorities, Conn, Dialer, DnsFailure, Listener, Random, SimDns, SimNet, TlsServer, self_signed,
};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use store::Db;

const POLICY_HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 80));
const US: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ENFORCE: &str = "version: STSv1\nmode: enforce\nmx: *.example.test\nmax_age: 604800\n";

/// What the policy host answers, and how often it was asked.
#[derive(Default)]
struct Host {
    answer: String,
    asked: Vec<String>,
}

struct World {
    dns: SimDns,
    clock: Clock,
    host: Arc<Mutex<Host>>,
    policies: Policies,
}

fn domain() -> Domain {
    "example.test".parse().expect("a domain")
}

fn answer(media_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn serve(listener: Listener, tls: TlsServer, host: Arc<Mutex<Host>>) {
    while let Ok(conn) = listener.accept().await {
        if let Ok(conn) = conn.start_tls(&tls).await {
            reply(conn, &host).await;
        }
    }
}

async fn reply(mut conn: Conn, host: &Mutex<Host>) {
    let mut asked = bytes::BytesMut::new();
    while !String::from_utf8_lossy(&asked).contains("\r\n\r\n") {
        if conn.read(&mut asked).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let answer = {
        let mut host = host.lock().expect("no test panics with it");
        host.asked
            .push(String::from_utf8_lossy(&asked).into_owned());
        host.answer.clone()
    };
    let _ = conn.write_all(answer.as_bytes()).await;
    conn.close().await;
}

/// A world whose policy host has a certificate for that name.
async fn world(certificate_for: &str) -> World {
    let (dns, net) = (SimDns::new(1), SimNet::new(2));
    let clock = Clock::following_tokio(Clock::system().now());
    let names = [certificate_for.to_owned()];
    let (pem, key) = self_signed(&names, clock.now()).expect("made");
    let at = SocketAddr::new(POLICY_HOST, 443);
    let listener = Listener::simulated(&net, at).expect("free");
    let tls = TlsServer::from_pem(&pem, &key).expect("fits");
    let host = Arc::new(Mutex::new(Host {
        answer: answer("text/plain", ENFORCE),
        asked: Vec::new(),
    }));
    tokio::spawn(serve(listener, tls, host.clone()));
    dns.add_address("mta-sts.example.test", POLICY_HOST);
    dns.add_txt("_mta-sts.example.test", "v=STSv1; id=1;");
    let resolver = Resolver::simulated(dns.clone());
    let http = HttpClient::of_the_world(
        resolver.clone(),
        Dialer::simulated(net, US),
        Authorities::from_pem(&pem).expect("PEM"),
    );
    let settings = PolicySettings {
        resolver,
        http,
        clock: clock.clone(),
    };
    let (random, mail) = (Random::seeded(3), mail::MailSettings::default());
    let mail = Mail::open(Db::memory(), clock.clone(), random, mail).await;
    let policies = Policies::new(mail.expect("it opens"), settings);
    World {
        dns,
        clock,
        host,
        policies,
    }
}

impl World {
    fn tell(&self, id: &str) {
        self.dns.remove("_mta-sts.example.test");
        let text = format!("v=STSv1; id={id};");
        self.dns.add_txt("_mta-sts.example.test", &text);
    }

    fn answers(&self, whole: String) {
        self.host.lock().expect("no test panics with it").answer = whole;
    }

    fn asked(&self) -> usize {
        self.host
            .lock()
            .expect("no test panics with it")
            .asked
            .len()
    }

    async fn mode(&self) -> Option<Mode> {
        let found = self.policies.sts(&domain()).await;
        found.policy.map(|policy| policy.mode)
    }

    /// The same store after a restart: what was only in memory is gone.
    fn restarted(&self) -> Policies {
        let Inner { mail, settings, .. } = &*self.policies.0;
        Policies::new(mail.clone(), settings.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_is_fetched_once_and_kept() {
    // [rfc8461 3.3]
    let world = world("mta-sts.example.test").await;
    assert_eq!(world.mode().await, Some(Mode::Enforce));
    assert_eq!(world.mode().await, Some(Mode::Enforce));
    assert_eq!(world.asked(), 1);
    let request = world.host.lock().expect("whole").asked[0].clone();
    assert!(request.starts_with("GET /.well-known/mta-sts.txt HTTP/1.1\r\n"));
    assert!(request.contains("\r\nHost: mta-sts.example.test\r\n"));
    let after = world.restarted().sts(&domain()).await;
    assert_eq!(after.policy.map(|policy| policy.mode), Some(Mode::Enforce));
    assert_eq!(world.asked(), 1, "what is kept is not asked for again");
}

#[tokio::test(start_paused = true)]
async fn a_new_id_brings_the_new_policy() {
    // [rfc8461 3.1] [rfc8461 5.1]
    let world = world("mta-sts.example.test").await;
    assert_eq!(world.mode().await, Some(Mode::Enforce));
    let none = "version: STSv1\nmode: none\nmax_age: 60\n";
    world.answers(answer("text/plain; charset=utf-8", none));
    assert_eq!(
        world.mode().await,
        Some(Mode::Enforce),
        "the id is the same"
    );
    world.tell("2");
    assert_eq!(world.mode().await, Some(Mode::None));
    tokio::time::advance(Duration::from_secs(61)).await;
    world.dns.remove("_mta-sts.example.test");
    assert_eq!(world.mode().await, None, "its time is over");
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_away_record_or_host_does_not_take_away_the_policy() {
    // [rfc8461 3.3]
    let world = world("mta-sts.example.test").await;
    assert_eq!(world.mode().await, Some(Mode::Enforce));
    world.answers("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned());
    world.tell("2");
    let found = world.policies.sts(&domain()).await;
    assert_eq!(found.policy.map(|policy| policy.mode), Some(Mode::Enforce));
    let why = "the policy host answers 404".to_owned();
    assert_eq!(found.trouble, Some(FetchError::Fetch(why)));
    world
        .dns
        .fail("_mta-sts.example.test", DnsFailure::TimedOut);
    assert_eq!(world.mode().await, Some(Mode::Enforce));
    world.dns.mend("_mta-sts.example.test");
    world.dns.remove("_mta-sts.example.test");
    assert_eq!(world.mode().await, Some(Mode::Enforce));
    tokio::time::advance(Duration::from_secs(604_801)).await;
    assert_eq!(world.mode().await, None, "until its time is over");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_policy_counts_for_nothing() {
    // [rfc8461 3.3] [rfc8461 3.2]
    let fetch = |why: &str| FetchError::Fetch(why.to_owned());
    let large = ENFORCE.to_owned() + &"x: y\n".repeat(STS_BODY_BYTES / 5);
    let elsewhere = "HTTP/1.1 302 Found\r\nLocation: https://mta-sts.example.test/x\r\n\
        Content-Length: 0\r\n\r\n";
    for (whole, why) in [
        (
            answer("text/html", ENFORCE),
            fetch("the policy host's answer is no plain text"),
        ),
        (elsewhere.to_owned(), fetch("the policy host answers 302")),
        (
            answer("text/plain", &large),
            fetch("the policy is too large"),
        ),
        (
            answer("text/plain", "version: STSv1\n"),
            FetchError::Invalid(Invalid::Mode),
        ),
    ] {
        let world = world("mta-sts.example.test").await;
        world.answers(whole);
        let found = world.policies.sts(&domain()).await;
        assert_eq!((found.policy, found.trouble), (None, Some(why)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_host_proves_its_name() {
    // [rfc8461 3.3]
    let world = world("www.example.test").await;
    let found = world.policies.sts(&domain()).await;
    let why = FetchError::Untrusted(Untrusted::OtherName);
    assert_eq!((found.policy, found.trouble), (None, Some(why)));
    assert_eq!(world.asked(), 0, "nothing is asked of whoever that is");
}

#[tokio::test(start_paused = true)]
async fn a_policy_host_that_fails_is_left_in_peace_for_a_while() {
    // [rfc8461 3.3]
    let world = world("mta-sts.example.test").await;
    world.answers("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n".to_owned());
    for _ in 0..5 {
        assert_eq!(world.mode().await, None);
    }
    assert_eq!(world.asked(), 1);
    world.answers(answer("text/plain", ENFORCE));
    tokio::time::advance(STS_RETRY + Duration::from_secs(1)).await;
    assert_eq!(world.mode().await, Some(Mode::Enforce));
}

#[tokio::test(start_paused = true)]
async fn a_policy_a_day_old_is_renewed_and_one_that_is_over_forgotten() {
    // [rfc8461 3.3]
    let world = world("mta-sts.example.test").await;
    assert_eq!(world.mode().await, Some(Mode::Enforce));
    world.policies.upkeep().await.expect("it works");
    assert_eq!(world.asked(), 1, "it is fresh");
    tokio::time::advance(STS_REFRESH + Duration::from_secs(60)).await;
    world.policies.upkeep().await.expect("it works");
    assert_eq!(world.asked(), 2);
    let kept = world.policies.kept(&domain()).expect("kept");
    assert!(!kept.is_old(world.clock.now()));
    tokio::time::advance(Duration::from_secs(604_801)).await;
    world.policies.upkeep().await.expect("it works");
    assert_eq!(world.policies.kept(&domain()), None);
}

#[tokio::test(start_paused = true)]
async fn without_a_record_nobody_is_asked() {
    // [rfc8461 3.1]
    let world = world("mta-sts.example.test").await;
    world.dns.remove("_mta-sts.example.test");
    assert_eq!(world.mode().await, None);
    world
        .dns
        .add_txt("_mta-sts.example.test", "v=STSv1; id=not this;");
    assert_eq!(world.mode().await, None);
    assert_eq!(world.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn gathers_what_is_proven_about_a_host() {
    // [rfc7672 2.2.1] [rfc8461 5]
    let world = world("mta-sts.example.test").await;
    let host: Domain = "mx.example.test".parse().expect("a domain");
    world.dns.add_mx("example.test", 10, "mx.example.test");
    world.dns.add_address("mx.example.test", US);
    let gathered = world.policies.gather(&domain(), &host).await;
    assert_eq!(gathered.host_is, Security::Unsigned);
    let terms = gathered.demand(Protection::AsPublished).expect("named");
    assert_eq!(terms.ground, crate::road::policy::Ground::Sts);
    world.dns.sign("example.test");
    let gathered = world.policies.gather(&domain(), &host).await;
    assert_eq!(gathered.host_is, Security::Signed);
    let other: Domain = "mx.other.test".parse().expect("a domain");
    let gathered = world.policies.gather(&domain(), &other).await;
    assert_eq!(
        gathered.host_is,
        Security::Unsigned,
        "no MX record names it"
    );
    let refused = gathered.demand(Protection::AsPublished);
    assert_eq!(refused, Err(NotHere::NotInPolicy));
}

#[test]
fn a_kept_policy_reads_as_written() {
    let policy = Policy::read(ENFORCE.as_bytes()).expect("a policy");
    let kept = Kept {
        id: "1".to_owned(),
        fetched: Time::from_seconds(1_795_396_809),
        policy,
    };
    assert_eq!(Kept::decode(&kept.encode()), Ok(kept));
    assert_eq!(Kept::decode(&[VERSION, 1]), Err(Damaged));
}
