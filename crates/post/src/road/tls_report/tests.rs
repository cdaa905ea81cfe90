//! From a session to a report in the queue, in a simulated world.

use super::*;
use crate::PostSettings;
use crate::queue::{MessageRecord, Queue, QueueSettings};
use crate::road::route::Routes;
use mail::{Mail, MailSettings};
use net::time::Duration;
use net::{Authorities, Clock, Dialer, DnsFailure, Random, SimDns, SimNet};
use store::Db;

/// A minute before the end of a day.
const START: Time = Time(1_795_478_340_000_000);

struct World {
    dns: SimDns,
    clock: Clock,
    reports: TlsReports,
}

fn domain() -> Domain {
    "there.test".parse().expect("a domain")
}

async fn world() -> World {
    let dns = SimDns::new(1);
    dns.add_txt(
        "_smtp._tls.there.test",
        "v=TLSRPTv1; rua=mailto:tls@there.test",
    );
    let (clock, random) = (Clock::manual(START), Random::seeded(2));
    let mail = Mail::open(
        Db::memory(),
        clock.clone(),
        random.clone(),
        MailSettings::default(),
    );
    let mail = mail.await.expect("it opens");
    let queue = Queue::open(
        mail.clone(),
        clock.clone(),
        random.clone(),
        "mail.here.test",
        QueueSettings::default(),
        Routes::default(),
    );
    let queue = queue.await.expect("it opens");
    let settings = PostSettings::new("mail.here.test");
    let resolver = Resolver::simulated(dns.clone());
    let http = HttpClient::of_the_world(
        resolver.clone(),
        Dialer::simulated(SimNet::new(3), "198.51.100.1".parse().expect("one")),
        Authorities::of_the_web(),
    );
    let reports = TlsReports {
        tally: TlsTally::default(),
        post: Post::sending(mail, clock.clone(), random, settings, queue),
        resolver,
        http,
    };
    World {
        dns,
        clock,
        reports,
    }
}

impl World {
    fn see(&self) {
        let gathered = Gathered::nothing(&domain(), &domain());
        let ends = Ends {
            host: "there.test".to_owned(),
            from: None,
            to: None,
        };
        let at = self.clock.now();
        let outcome = Outcome::NotOffered;
        self.reports.tally.count(at, &gathered, &outcome, &ends);
    }

    fn rows(&self) -> Vec<(u32, Domain)> {
        let rows = self.reports.post.inner.mail.road().below(ROWS);
        rows.map(|row| of_row(&row.expect("whole").0).expect("a row"))
            .collect()
    }

    fn sent(&self) -> Vec<MessageRecord> {
        let rows = self.reports.post.inner.mail.road().below(b"m");
        rows.map(|row| {
            let (key, value) = row.expect("whole");
            decode::<MessageRecord>(&key, &value).expect("a message")
        })
        .collect()
    }

    async fn turn(&self) {
        self.turn_with(&mut Retries::default()).await;
    }

    async fn turn_with(&self, retries: &mut Retries) {
        self.reports.keep().await.expect("the store works");
        let sent = self.reports.send_due(retries).await;
        sent.expect("the store works");
    }
}

#[tokio::test(start_paused = true)]
async fn a_day_is_reported_once_when_it_is_over() {
    // [rfc8460 4.1] [rfc8460 3]
    let world = world().await;
    world.see();
    world.turn().await;
    world.see();
    world.turn().await;
    assert_eq!(world.rows(), [(20_780, domain())]);
    assert!(world.sent().is_empty(), "the day is not over");
    world.clock.advance(TLS_SPREAD + Duration::from_secs(60));
    world.turn().await;
    world.turn().await;
    assert_eq!(world.rows(), []);
    let sent = world.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].sender, ReversePath::Null);
    assert_eq!(sent[0].asked.protection, Protection::NotNeeded);
    let body = world
        .reports
        .post
        .inner
        .mail
        .held_body(sent[0].body, 0, 100_000);
    let text = String::from_utf8(body.expect("it is there").to_vec()).expect("ASCII");
    assert!(text.contains("\r\nTo: tls@there.test\r\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_asks_for_nothing_gets_nothing() {
    // [rfc8460 3]
    let world = world().await;
    world.dns.remove("_smtp._tls.there.test");
    world.see();
    world.turn().await;
    world.clock.advance(Duration::from_secs(86_400));
    world.turn().await;
    assert_eq!((world.rows(), world.sent().len()), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn a_report_waits_for_the_dns_but_not_for_ever() {
    let world = world().await;
    let name = "_smtp._tls.there.test";
    world.dns.fail(name, DnsFailure::TimedOut);
    world.see();
    world.turn().await;
    world.clock.advance(Duration::from_secs(86_400));
    world.turn().await;
    assert_eq!(world.rows().len(), 1);
    world.clock.advance(Duration::from_secs(2 * 86_400));
    world.turn().await;
    assert_eq!((world.rows(), world.sent().len()), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn a_report_that_failed_is_tried_again_after_growing_waits() {
    let world = world().await;
    let mut retries = Retries::default();
    world
        .dns
        .fail("_smtp._tls.there.test", DnsFailure::TimedOut);
    world.see();
    world.turn_with(&mut retries).await;
    world.clock.advance(Duration::from_secs(86_400));
    world.turn_with(&mut retries).await;
    world.clock.advance(TLS_FLUSH);
    world.turn_with(&mut retries).await;
    world.dns.mend("_smtp._tls.there.test");
    world.clock.advance(TLS_FLUSH);
    world.turn_with(&mut retries).await;
    assert!(world.sent().is_empty(), "the second wait is longer");
    world.clock.advance(TLS_FLUSH);
    world.turn_with(&mut retries).await;
    assert_eq!((world.rows(), world.sent().len()), (vec![], 1));
}

#[test]
fn what_nobody_keeps_is_bounded() {
    let tally = TlsTally::default();
    let ends = Ends {
        host: "x".to_owned(),
        from: None,
        to: None,
    };
    for n in 0..TLS_DOMAINS + 5 {
        let domain: Domain = format!("d{n}.test").parse().expect("a domain");
        let gathered = Gathered::nothing(&domain, &domain);
        tally.count(START, &gathered, &Outcome::NotOffered, &ends);
    }
    assert_eq!(tally.take().len(), TLS_DOMAINS);
    assert!(tally.take().is_empty());
}
