//! Attempts in a simulated network, at servers that lie, are slow, refuse, and go away.

mod demands;
mod server;
mod times;

use super::*;
use crate::road::lanes::NotNow;
use crate::road::route::{Demand, Form, Next, Program, Route, Routes, Server, Sources};
use crate::road::{Outside, RoadSettings};
use addr::{Charset, ForwardPath, Host};
use bytes::Bytes;
use net::time::{Duration, now};
use net::{Clock, Dialer, DnsFailure, Random, Resolver, SimDns, SimNet, TlsServer, self_signed};
use server::{Act, Script, Seen, start};
use smtp::{BodyType, RcptParameters};
use std::sync::Arc;
use store::Db;

const START: Time = Time(1_795_396_809_000_000);

struct World {
    net: SimNet,
    dns: SimDns,
    routes: Vec<Route>,
    road: Option<Road>,
}

impl World {
    /// `there.test` has two hosts.
    fn new() -> World {
        let dns = SimDns::new(1);
        dns.add_mx("there.test", 10, "a.there.test");
        dns.add_mx("there.test", 20, "b.there.test");
        dns.add_address("a.there.test", "192.0.2.1".parse().unwrap());
        dns.add_address("b.there.test", "192.0.2.2".parse().unwrap());
        World {
            net: SimNet::new(1),
            dns,
            routes: Vec::new(),
            road: None,
        }
    }

    fn a(&self, script: Script) -> Seen {
        start(&self.net, "192.0.2.1:25", script)
    }

    fn b(&self, script: Script) -> Seen {
        start(&self.net, "192.0.2.2:25", script)
    }

    fn road(&mut self) -> Road {
        let road = self.road.take().unwrap_or_else(|| {
            let settings = RoadSettings::new("mail.here.test".parse().unwrap());
            let outside = Outside {
                dialer: Dialer::simulated(self.net.clone(), "198.51.100.1".parse().unwrap()),
                resolver: Resolver::simulated(self.dns.clone()),
                clock: Clock::following_tokio(START),
                random: Random::seeded(1),
            };
            Road::new(settings, outside)
        });
        self.road = Some(road.clone());
        road
    }

    async fn carry(&mut self, load: &Load) -> Carried {
        let terms = Terms {
            earlier: 0,
            expires: START.after(Duration::from_secs(5 * 24 * 3_600)),
        };
        let road = self.road();
        let to = &load.recipients[0].recipient.to;
        let host = to.address().unwrap().host().clone();
        let routes = Routes::new(self.routes.clone());
        let destination = routes.destination(&load.sender, &host);
        match road.begin(destination) {
            Ok(permit) => permit.carry(load, terms).await,
            Err(why) => panic!("{why:?}"),
        }
    }
}

async fn load(to: &[&str], text: &str) -> Load {
    let db = Db::memory();
    let mut body = db.new_body().await.unwrap();
    body.write(text.as_bytes()).await.unwrap();
    let body = body.finish(b"").await.unwrap();
    let recipients = to.iter().enumerate().map(|(place, to)| LoadRecipient {
        place,
        recipient: Recipient {
            to: ForwardPath::parse(format!("<{to}>").as_bytes(), Charset::Ascii).unwrap(),
            parameters: RcptParameters::default(),
        },
    });
    Load {
        sender: ReversePath::parse(b"<ann@here.test>", Charset::Ascii).unwrap(),
        parameters: MailParameters::default(),
        deliver_by: None,
        recipients: recipients.collect(),
        content: Content::made(Bytes::from_static(b"Received: here\r\n"), body),
    }
}

async fn one() -> Load {
    load(&["bob@there.test"], "Subject: x\r\n\r\n.hello\r\n").await
}

fn on(begin: &'static str, act: Act) -> Script {
    Script {
        rows: vec![(begin, act)],
        ..Script::default()
    }
}

/// Whose answer to EHLO this is.
fn knowing(ehlo: &'static str) -> Script {
    Script {
        ehlo,
        ..Script::default()
    }
}

fn greeting(act: Act) -> Script {
    Script {
        greeting: Some(act),
        ..Script::default()
    }
}

/// The fates, each in a few words.
fn fates(carried: &Carried) -> Vec<String> {
    let word = |(_, fate): &(usize, Fate)| {
        let said = fate.said();
        let text = match (&said.reply, &said.why) {
            (Some(reply), _) => reply.to_string(),
            (None, why) => why.clone().unwrap_or_default(),
        };
        let text = format!("{} {} {text}", said.stage, said.status);
        match fate {
            Fate::Taken { .. } => format!("taken: {text}"),
            Fate::Retry { .. } => format!("retry: {text}"),
            Fate::Failed { .. } => format!("failed: {text}"),
        }
    };
    carried.fates.iter().map(word).collect()
}

fn is_taken(carried: &Carried) {
    let fate = &carried.fates[0].1;
    assert!(matches!(fate, Fate::Taken { .. }), "{carried:?}");
}

/// How the first fate reads in a few words.
fn begins(carried: &Carried, expected: &str) {
    let said = fates(carried).remove(0);
    assert!(said.starts_with(expected), "{said}");
}

fn hosts(carried: &Carried) -> Vec<&str> {
    let host = |record: &'_ AttemptRecord| -> usize { record.said.len() };
    assert!(carried.records.iter().all(|record| host(record) > 0));
    carried
        .records
        .iter()
        .filter_map(|r| r.host.as_deref())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_message_is_taken_by_the_preferred_host() {
    // [rfc5321 5.1 #1] [rfc5321 4.1.4 #5]
    let mut world = World::new();
    let (a, b) = (world.a(Script::default()), world.b(Script::default()));
    let carried = world.carry(&one().await).await;
    assert_eq!(
        fates(&carried),
        ["taken: the end of the content 2.6.0 250 2.6.0 taken"]
    );
    assert_eq!(a.messages(), ["Received: here\nSubject: x\n\n..hello\n"]);
    assert_eq!(b.count("connected"), 0);
    let record = &carried.records[0];
    assert_eq!(record.host.as_deref(), Some("a.there.test"));
    assert_eq!(record.address.as_deref(), Some("192.0.2.1:25"));
    assert_eq!(
        (record.tls.as_deref(), carried.came),
        (None, Came::Answered)
    );
    assert!(record.ended > record.begun);
    assert_eq!(a.lines()[1], "EHLO mail.here.test");
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_before_the_content_ends_leads_to_the_next_host() {
    // [rfc5321 5.1 #10] [rfc5321 4.5.3.2 #1 #2]
    let early = [
        (greeting(Act::Say("554 no")), "554 no"),
        (greeting(Act::Say("421 busy")), "421 busy"),
        (greeting(Act::Cut), "closed"),
        (greeting(Act::Silence), "in time"),
        (greeting(Act::Say("hello")), "no reply"),
        (on("EHLO", Act::Cut), "closed"),
        (on("EHLO", Act::Say("451 later")), "451"),
        (on("MAIL", Act::Say("451 later")), "451"),
        (on("MAIL", Act::Say("421 bye")), "421"),
        (on("MAIL", Act::Cut), "closed"),
        (on("MAIL", Act::Silence), "in time"),
        (on("RCPT", Act::Say("450 later")), "450"),
        (on("RCPT", Act::Cut), "closed"),
        (on("RCPT", Act::Say("354 what")), "answered RCPT with 354"),
        (on("DATA", Act::Say("451 later")), "451"),
        (on("DATA", Act::Say("250 what")), "answered DATA with 250"),
        (on("DATA", Act::Silence), "in time"),
    ];
    for (script, expected) in early {
        let mut world = World::new();
        let begun = now();
        let (a, b) = (world.a(script), world.b(Script::default()));
        let carried = world.carry(&one().await).await;
        assert_eq!(
            hosts(&carried),
            ["a.there.test", "b.there.test"],
            "{expected}"
        );
        let said = &carried.records[0].said[0].1;
        let text = format!(
            "{:?} {:?}",
            said.reply.as_ref().map(ToString::to_string),
            said.why
        );
        assert!(text.contains(expected), "{text}: {expected}");
        is_taken(&carried);
        assert_eq!((a.messages().len(), b.messages().len()), (0, 1));
        assert!(now() - begun < Duration::from_secs(15 * 60), "{expected}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_cut_in_the_middle_of_the_content_was_not_taken() {
    let text = "0123456789abcdef0123456789abcdef0123456789abcdef\r\n".repeat(10_000);
    for (act, expected) in [
        (Act::Cut, None),
        (Act::Say("452 4.3.1 full"), Some("452 4.3.1 full")),
        (Act::Silence, None),
    ] {
        let mut world = World::new();
        world.net.set_weather(net::Weather {
            window_bytes: 4 * 1024,
            ..net::Weather::default()
        });
        let (_a, b) = (world.a(on("<content>", act)), world.b(Script::default()));
        let carried = world.carry(&load(&["bob@there.test"], &text).await).await;
        let said = &carried.records[0].said[0].1;
        assert_eq!(said.stage, "the content");
        assert_eq!(
            said.reply.as_ref().map(ToString::to_string).as_deref(),
            expected
        );
        is_taken(&carried);
        assert_eq!(b.messages().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_not_there_is_passed_over() {
    let mut world = World::new();
    let b = world.b(Script::default());
    let carried = world.carry(&one().await).await;
    assert_eq!(hosts(&carried), ["a.there.test", "b.there.test"]);
    assert_eq!(b.messages().len(), 1);
    let said = &carried.records[0].said[0].1;
    assert_eq!(said.stage, "the connection");
    assert!(
        said.why.as_deref().unwrap().starts_with("no connection"),
        "{said:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn with_nobody_there_it_is_tried_again_and_the_destination_left_alone() {
    // [rfc5321 4.5.4.1 #1 #2]
    let mut world = World::new();
    let carried = world.carry(&one().await).await;
    let Fate::Retry { at, said } = &carried.fates[0].1 else {
        panic!("{:?}", carried.fates)
    };
    let waits = at.seconds() - START.seconds();
    assert!((262..=340).contains(&waits), "{waits}");
    assert_eq!(said.status.to_string(), "4.4.1");
    let road = world.road();
    let host = Host::parse(b"there.test", Charset::Ascii).unwrap();
    let again = road.begin(Routes::default().destination(&ReversePath::Null, &host));
    assert!(matches!(again, Err(NotNow::Until(_))));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_good_is_the_end_and_nobody_else_is_asked() {
    // [rfc5321 4.2.5]
    for (row, stage) in [
        ("MAIL", "MAIL"),
        ("RCPT", "RCPT"),
        ("DATA", "DATA"),
        ("<dot>", "the end of the content"),
    ] {
        let mut world = World::new();
        let _a = world.a(on(row, Act::Say("550 5.7.1 no")));
        let b = world.b(Script::default());
        let carried = world.carry(&one().await).await;
        assert_eq!(
            fates(&carried),
            [format!("failed: {stage} 5.7.1 550 5.7.1 no")]
        );
        assert_eq!(b.count("connected"), 0, "{row}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_cut_after_the_final_dot_may_be_there_and_is_tried_later() {
    // [rfc5321 6.1]
    for (act, expected) in [
        (Act::Cut, "4.4.2 the server closed the connection"),
        (
            Act::Silence,
            "4.4.2 no answer in time to the end of the content",
        ),
        (Act::Say("451 4.3.0 later"), "4.3.0 451 4.3.0 later"),
    ] {
        let mut world = World::new();
        let a = world.a(on("<dot>", act));
        let b = world.b(Script::default());
        let carried = world.carry(&one().await).await;
        assert_eq!(
            fates(&carried),
            [format!("retry: the end of the content {expected}")]
        );
        assert_eq!((a.count("."), b.count("connected")), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn each_recipient_has_its_own_fate() {
    let mut world = World::new();
    let a = world.a(Script {
        rows: vec![
            ("RCPT TO:<no@", Act::Say("550 5.1.1 unknown")),
            ("RCPT TO:<later@", Act::Say("450 4.2.0 later")),
        ],
        ..Script::default()
    });
    let to = ["bob@there.test", "no@there.test", "later@there.test"];
    let carried = world.carry(&load(&to, "x\r\n").await).await;
    assert_eq!(
        fates(&carried),
        [
            "taken: the end of the content 2.6.0 250 2.6.0 taken",
            "failed: RCPT 5.1.1 550 5.1.1 unknown",
            "retry: the connection 4.4.1 no connection: connection refused",
        ]
    );
    // the second host, for the one that was put off
    assert_eq!(hosts(&carried), ["a.there.test", "b.there.test"]);
    assert_eq!(carried.records[1].said.len(), 1);
    assert_eq!(carried.records[1].said[0].0, 2);
    assert_eq!(a.messages().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn too_many_recipients_go_in_several_transactions() {
    // [rfc5321 4.5.3.1.10]
    let mut world = World::new();
    let a = world.a(Script {
        most_recipients: Some(2),
        ..Script::default()
    });
    let to: Vec<String> = (0..5).map(|n| format!("u{n}@there.test")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let carried = world.carry(&load(&to, "x\r\n").await).await;
    assert!(
        fates(&carried).iter().all(|fate| fate.starts_with("taken")),
        "{carried:?}"
    );
    assert_eq!((a.messages().len(), a.count("connected")), (3, 1));
    assert_eq!(carried.records.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_serves_the_next_message_to_the_same_place() {
    let mut world = World::new();
    let a = world.a(Script::default());
    for _ in 0..5 {
        let carried = world.carry(&one().await).await;
        is_taken(&carried);
        // by name, whoever made the connection
        assert_eq!(carried.records[0].host.as_deref(), Some("a.there.test"));
    }
    assert_eq!((a.count("connected"), a.messages().len()), (1, 5));
    assert_eq!(a.count("QUIT"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_the_server_has_left_is_no_failure() {
    let mut world = World::new();
    let a = world.a(Script {
        leaves_after: Some(1),
        ..Script::default()
    });
    for _ in 0..3 {
        let carried = world.carry(&one().await).await;
        is_taken(&carried);
        assert_eq!(carried.records.len(), 1);
    }
    assert_eq!((a.count("connected"), a.messages().len()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn waiting_connections_end_with_quit() {
    // [rfc5321 4.1.4 #10] [rfc5321 4.1.1.10 #3]
    let mut world = World::new();
    let a = world.a(Script::default());
    world.carry(&one().await).await;
    let (stop, road) = (net::Stop::new(), world.road());
    let tending = tokio::spawn(async move { road.tend(&stop).await });
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(a.count("QUIT"), 1);
    tending.abort();
}

fn tls() -> (TlsServer, String) {
    let names = ["a.there.test".to_owned()];
    let (chain, key) = self_signed(&names, START).unwrap();
    (TlsServer::from_pem(&chain, &key).unwrap(), chain)
}

#[tokio::test(start_paused = true)]
async fn tls_is_used_where_it_is_offered_proven_or_not() {
    // [rfc3207 4]
    let mut world = World::new();
    let a = world.a(Script {
        ehlo: "250-there\r\n250 STARTTLS",
        tls: Some(tls().0),
        ..Script::default()
    });
    let carried = world.carry(&one().await).await;
    is_taken(&carried);
    let record = &carried.records[0];
    assert!(
        record.tls.as_deref().unwrap().starts_with("TLSv1.3 TLS_"),
        "{record:?}"
    );
    assert_eq!(
        record.proof.as_deref(),
        Some("no known authority vouches for the certificate")
    );
    assert_eq!(a.count("EHLO"), 2);
}

#[tokio::test(start_paused = true)]
async fn tls_that_breaks_is_done_without_where_nobody_demands_it() {
    let mut world = World::new();
    let a = world.a(Script {
        ehlo: "250-there\r\n250 STARTTLS",
        breaks_tls: true,
        ..Script::default()
    });
    let carried = world.carry(&one().await).await;
    is_taken(&carried);
    let record = &carried.records[0];
    assert_eq!(record.tls, None);
    assert!(record.notes[0].starts_with("in the clear, because the TLS handshake failed"));
    assert_eq!((a.count("connected"), a.count("STARTTLS")), (2, 1));
}

/// Who offers TLS and then refuses it gets the mail without, on the same connection or the next.
#[tokio::test(start_paused = true)]
async fn tls_that_is_offered_and_refused_is_done_without_where_nobody_demands_it() {
    // [rfc3207 4]
    let said = "502 5.5.1 not really";
    for (act, connections) in [(Act::Say(said), 1), (Act::Last(said), 2)] {
        let mut world = World::new();
        let a = world.a(Script {
            ehlo: "250-there\r\n250 STARTTLS",
            rows: vec![("STARTTLS", act)],
            ..Script::default()
        });
        let carried = world.carry(&one().await).await;
        is_taken(&carried);
        let record = &carried.records[0];
        let note = "in the clear, because STARTTLS was answered 502 5.5.1 not really";
        assert_eq!((&record.tls, &*record.notes[0]), (&None, note));
        assert_eq!(a.count("connected"), connections);
    }
}

fn smarthost(tls: Demand, login: Option<(&str, &str)>) -> Route {
    Route {
        to: None,
        from: None,
        next: Next::Server(Arc::new(Server {
            host: Host::parse(b"a.there.test", Charset::Ascii).unwrap(),
            port: 587,
            protocol: smtp::client::Protocol::Smtp,
            tls,
            login: login.map(|(name, password)| sasl::Credentials {
                name: name.to_owned(),
                password: password.as_bytes().to_vec(),
            }),
        })),
        sources: Sources::default(),
    }
}

fn lmtp() -> Route {
    let mut route = smarthost(Demand::WhereOffered, None);
    if let Next::Server(server) = &mut route.next {
        let server = Arc::make_mut(server);
        (server.port, server.protocol) = (24, smtp::client::Protocol::Lmtp);
    }
    route
}

#[tokio::test(start_paused = true)]
async fn long_lines_of_others_go_as_they_are_and_the_record_says_so() {
    // [rfc5321 4.5.3.1.6]
    for (letters, notes) in [(998, 0), (999, 1)] {
        let mut world = World::new();
        let a = world.a(Script::default());
        let line = "x".repeat(letters);
        let load = load(&["bob@there.test"], &format!("y\r\n{line}\r\n")).await;
        let carried = world.carry(&load).await;
        assert!(a.messages()[0].contains(&line), "{carried:?}");
        assert_eq!(carried.records[0].notes.len(), notes, "{carried:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_smarthost_gets_everything_and_a_login() {
    // [rfc4954 4]
    let mut world = World::new();
    let (server, chain) = tls();
    let seen = start(
        &world.net,
        "192.0.2.1:587",
        Script {
            ehlo: "250-there\r\n250-STARTTLS\r\n250 AUTH PLAIN",
            tls: Some(server),
            rows: vec![("AUTH PLAIN AGFubgBzZWNyZXQ=", Act::Say("235 2.7.0 ok"))],
            ..Script::default()
        },
    );
    world.routes = vec![smarthost(Demand::Verified, Some(("ann", "secret")))];
    let mut settings = RoadSettings::new("mail.here.test".parse().unwrap());
    settings.authorities = net::Authorities::from_pem(&chain).unwrap();
    let road = world.road();
    world.road = Some(Road::new(settings, road.0.outside.clone()));
    let load = load(&["bob@elsewhere.test"], "x\r\n").await;
    let carried = world.carry(&load).await;
    is_taken(&carried);
    assert_eq!(seen.count("AUTH PLAIN"), 1);
    assert_eq!(carried.records[0].proof.as_deref(), Some("an authority"));
}

#[tokio::test(start_paused = true)]
async fn no_password_goes_where_others_can_hear_it() {
    // [rfc4954 9]
    for ehlo in [
        "250-there\r\n250 AUTH PLAIN LOGIN",
        "250-there\r\n250-STARTTLS\r\n250 AUTH PLAIN",
    ] {
        let mut world = World::new();
        let script = Script {
            ehlo,
            tls: Some(tls().0),
            ..Script::default()
        };
        let seen = start(&world.net, "192.0.2.1:587", script);
        world.routes = vec![smarthost(Demand::WhereOffered, Some(("ann", "secret")))];
        let carried = world.carry(&one().await).await;
        begins(&carried, "retry: AUTH 4.7.8 no login is offered that keeps");
        assert_eq!(seen.count("AUTH"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_refused_is_the_operators_matter() {
    let mut world = World::new();
    let script = Script {
        ehlo: "250-there\r\n250 AUTH SCRAM-SHA-256",
        rows: vec![("AUTH", Act::Say("535 5.7.8 no"))],
        ..Script::default()
    };
    let _seen = start(&world.net, "192.0.2.1:587", script);
    world.routes = vec![smarthost(Demand::WhereOffered, Some(("ann", "secret")))];
    let carried = world.carry(&one().await).await;
    assert_eq!(fates(&carried), ["retry: AUTH 4.7.8 535 5.7.8 no"]);
}

#[tokio::test(start_paused = true)]
async fn demanded_tls_that_is_not_there_puts_mail_off() {
    for ehlo in ["250 there", "250-there\r\n250 STARTTLS"] {
        let mut world = World::new();
        let script = Script {
            ehlo,
            tls: Some(tls().0),
            ..Script::default()
        };
        let seen = start(&world.net, "192.0.2.1:587", script);
        world.routes = vec![smarthost(Demand::Verified, None)];
        let carried = world.carry(&one().await).await;
        begins(&carried, "retry: TLS 4.7.5");
        assert_eq!(seen.count("MAIL"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_waits_serves_no_route_that_demands_more() {
    let mut world = World::new();
    let seen = start(&world.net, "192.0.2.1:587", Script::default());
    world.routes = vec![smarthost(Demand::WhereOffered, None)];
    let load = one().await;
    world.carry(&load).await;
    world.routes = vec![smarthost(Demand::Verified, None)];
    let carried = world.carry(&load).await;
    begins(&carried, "retry: TLS 4.7.5");
    assert_eq!((seen.count("EHLO"), seen.count("MAIL")), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_road_takes_another_name_and_another_patience_while_it_is_used() {
    let mut world = World::new();
    let seen = start(&world.net, "192.0.2.1:25", Script::default());
    let load = one().await;
    world.carry(&load).await;
    world.road().renew(|settings| {
        settings.hostname = "other.here.test".parse().unwrap();
        settings.backoff.first = Duration::from_secs(8);
        settings.backoff.most = Duration::from_secs(8);
    });
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.carry(&load).await;
    assert_eq!(seen.count("EHLO other.here.test"), 1);
    world.dns.remove("there.test");
    world.dns.add_mx("there.test", 10, "nobody.there.test");
    world
        .dns
        .add_address("nobody.there.test", "192.0.2.99".parse().unwrap());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let before = world.road().clock().now();
    let carried = world.carry(&load).await;
    let Fate::Retry { at, .. } = &carried.fates[0].1 else {
        panic!("{carried:?}")
    };
    assert!(*at < before.after(Duration::from_secs(60)), "{at:?}");
}

#[tokio::test(start_paused = true)]
async fn lmtp_answers_for_each_recipient() {
    // [rfc2033 4.2]
    let mut world = World::new();
    let seen = start(&world.net, "192.0.2.1:24", Script::default());
    world.routes = vec![lmtp()];
    let carried = world
        .carry(&load(&["b@x.test", "c@x.test"], "x\r\n").await)
        .await;
    assert_eq!(fates(&carried).len(), 2);
    assert!(
        fates(&carried).iter().all(|fate| fate.starts_with("taken")),
        "{carried:?}"
    );
    assert_eq!(seen.count("LHLO"), 1);
}

#[tokio::test(start_paused = true)]
async fn domains_without_a_way_are_answered_by_their_reason() {
    // [rfc5321 5.1 #3 #4] [rfc7505 4.2]
    let check = async |to: &str, expected: &str| {
        let mut world = World::new();
        world.dns.add_mx("null.test", 0, "");
        world.dns.fail("broken.test", DnsFailure::Bogus);
        world.dns.add_mx("loop.test", 10, "mail.here.test");
        let carried = world.carry(&load(&[to], "x\r\n").await).await;
        assert_eq!(fates(&carried), [expected]);
        assert_eq!((carried.records.len(), hosts(&carried).len()), (1, 0));
    };
    check(
        "b@null.test",
        "failed: DNS 5.1.10 the domain takes no mail (null MX)",
    )
    .await;
    check(
        "b@nowhere.test",
        "failed: DNS 5.1.2 the domain does not exist",
    )
    .await;
    check(
        "b@loop.test",
        "failed: DNS 5.4.6 the domain's mail comes to this server, which does not know it",
    )
    .await;
    check(
        "b@broken.test",
        "retry: DNS 4.4.3 looking for the domain's hosts: DNSSEC shows that the answer is forged or broken",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_address_literal_is_dialled_as_it_is() {
    let mut world = World::new();
    let a = world.a(Script::default());
    let carried = world.carry(&load(&["b@[192.0.2.1]"], "x\r\n").await).await;
    is_taken(&carried);
    assert_eq!(a.messages().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ascii_goes_only_to_hosts_that_take_it() {
    // [rfc6152 3]
    let mut world = World::new();
    let (a, b) = (
        world.a(Script::default()),
        world.b(knowing("250-there\r\n250 8BITMIME")),
    );
    let mut eight_bit = load(&["bob@there.test"], "x\r\n\r\nK\u{f6}ln\r\n").await;
    for body in [Some(BodyType::EightBitMime), None] {
        eight_bit.parameters.body = body;
        let carried = world.carry(&eight_bit).await;
        is_taken(&carried);
        world.road = None;
    }
    assert_eq!((a.messages().len(), b.messages().len()), (0, 2));
    assert_eq!(b.count("MAIL FROM:<ann@here.test> BODY=8BITMIME"), 2);
}

#[tokio::test(start_paused = true)]
async fn where_no_host_takes_8bit_it_is_made_7bit_and_the_record_says_so() {
    // [rfc6152 3]
    let mut world = World::new();
    let (a, b) = (
        world.a(on("RCPT", Act::Say("450 later"))),
        world.b(Script::default()),
    );
    let text = "Content-Transfer-Encoding: 8bit\r\n\r\nK\u{f6}ln\r\n";
    let mut eight_bit = load(&["bob@there.test"], text).await;
    eight_bit.parameters.body = Some(BodyType::EightBitMime);
    let carried = world.carry(&eight_bit).await;
    is_taken(&carried);
    assert_eq!(
        b.messages(),
        [
            "Received: here\nContent-Transfer-Encoding: base64\nMIME-Version: 1.0\n\
          Content-Type: text/plain; charset=utf-8\n\nS8O2bG4NCg==\n"
        ]
    );
    assert_eq!(
        hosts(&carried).len(),
        4,
        "both as it is, then both in ASCII"
    );
    assert_eq!((a.count("RCPT"), b.count("RCPT")), (1, 1));
    assert_eq!(
        carried.records[3].notes,
        ["made 7-bit: no host takes 8BITMIME"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_signed_is_never_made_7bit() {
    // [rfc6152 3]
    let mut world = World::new();
    let (a, _b) = (world.a(Script::default()), world.b(Script::default()));
    let text = "Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\
                Content-Transfer-Encoding: 8bit\r\n\r\n\u{e4}\r\n--s--\r\n";
    let mut signed = load(&["bob@there.test"], text).await;
    signed.parameters.body = Some(BodyType::EightBitMime);
    let carried = world.carry(&signed).await;
    begins(
        &carried,
        "failed: MAIL 5.6.3 the host takes only 7-bit mail",
    );
    assert_eq!(a.count("MAIL"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_too_large_for_every_host_comes_back() {
    // [rfc1870 6.1]
    let mut world = World::new();
    let small = knowing("250-there\r\n250 SIZE 10");
    let (a, _b) = (world.a(small.clone()), world.b(small));
    let carried = world.carry(&one().await).await;
    assert_eq!(
        fates(&carried),
        ["failed: MAIL 5.3.4 server takes 10 octets at most"]
    );
    assert_eq!(a.count("MAIL"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_large_message_goes_in_pieces_and_whole() {
    let mut world = World::new();
    world.net.set_weather(net::Weather {
        window_bytes: 4 * 1024,
        ..net::Weather::default()
    });
    let a = world.a(knowing("250-there\r\n250 PIPELINING"));
    let text = "0123456789abcdef0123456789abcdef0123456789abcdef\r\n".repeat(10_000);
    let carried = world.carry(&load(&["bob@there.test"], &text).await).await;
    is_taken(&carried);
    let message = a.messages().remove(0);
    assert_eq!(
        message,
        format!("Received: here\n{}", text.replace("\r\n", "\n"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drips_gains_no_time() {
    // [rfc5321 4.5.3.2 #1 #2]
    let mut world = World::new();
    let listener = net::Listener::simulated(&world.net, "192.0.2.1:25".parse().unwrap()).unwrap();
    tokio::spawn(async move {
        let mut conn = listener.accept().await.unwrap();
        loop {
            if conn.write_all(b"2").await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    });
    let b = world.b(Script::default());
    let begun = now();
    world.carry(&one().await).await;
    assert_eq!(b.messages().len(), 1);
    assert!(now() - begun < Duration::from_secs(6 * 60));
}

#[tokio::test]
async fn a_program_gets_the_message_once_for_each_recipient() {
    let file = std::env::temp_dir().join(format!("whimbrel-program-{}", std::process::id()));
    let script = format!(
        "case $1 in no@*) echo unknown user; exit 67;; later@*) exit 75;; esac; cat >> {}",
        file.display()
    );
    let words = ["/bin/sh", "-c", &script, "sh", "{recipient}"];
    let mut world = World::new();
    world.routes = vec![Route {
        to: None,
        from: None,
        next: Next::Program(Arc::new(Program {
            command: words.iter().map(|word| (*word).to_owned()).collect(),
            form: Form::ReturnPath,
        })),
        sources: Sources::default(),
    }];
    let to = ["bob@x.test", "no@x.test", "later@x.test", "ann@x.test"];
    let carried = world
        .carry(&load(&to, "Subject: x\r\n\r\n.\r\n").await)
        .await;
    assert_eq!(
        fates(&carried),
        [
            "taken: the program 2.0.0 ",
            "failed: the program 5.1.1 the program ended with 67 (EX_NOUSER): unknown user",
            "retry: the program 4.3.0 the program ended with 75 (EX_TEMPFAIL)",
            "taken: the program 2.0.0 ",
        ]
    );
    let got = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let one = "Return-Path: <ann@here.test>\nReceived: here\nSubject: x\n\n.\n";
    assert_eq!(got, one.repeat(2));
    assert_eq!(carried.records[0].address.as_deref(), Some("/bin/sh"));
}
