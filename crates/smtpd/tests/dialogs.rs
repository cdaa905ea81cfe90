//! The dialogue files of SMTP, against the real session: over a pipe in memory and over TCP.
#![allow(clippy::unwrap_used, reason = "a test")]

use dialogs::runner::{Transport, Visit, run_all};
use dialogs::script::Listener;
use net::Stop;
use post::customer::{self, Customers, Holds};
use post::queue::{Queue, QueueSettings};
use post::road::route::{DomainPattern, Routes};
use post::{Post, PostSettings};
use smtp::Priority;
use smtpd::{BareNewline, ClearText, Customer, Door, Role, Settings, Vrfy};
use std::str::FromStr;
use std::sync::Arc;

/// A setting of the script, if it has one.
fn set<T: FromStr>(visit: &Visit, key: &str, place: &mut T) {
    if let Some(text) = visit.script.setting(key) {
        let value = text.parse().ok();
        *place = value.unwrap_or_else(|| panic!("@set {key}: {text}"));
    }
}

/// Scripts may use passwords in clear text unless they say otherwise.
fn settings(visit: &Visit) -> Settings {
    let role = match visit.listener {
        Listener::Submission | Listener::Submissions => Role::Submission,
        Listener::Lmtp => Role::Lmtp,
        Listener::Odmr => Role::OnDemand,
        _ => Role::Exchange,
    };
    let mut settings = Settings::new(dialogs::house::DOMAIN, role);
    settings.clear_text = match visit.script.setting("smtp.clear_text") {
        None | Some("allowed") => ClearText::Allowed,
        Some("refused") => ClearText::Refused,
        Some(other) => panic!("smtp.clear_text is not {other}"),
    };
    settings.announce_plus = visit.script.setting("smtp.announce_plus") == Some("yes");
    settings.bare_newline = match visit.script.setting("smtp.bare_newline") {
        None | Some("reject") => BareNewline::Reject,
        Some("normalize") => BareNewline::Normalize {
            networks: Vec::new(),
        },
        Some(network) => BareNewline::Normalize {
            networks: vec![network.parse().unwrap()],
        },
    };
    settings.vrfy = match visit.script.setting("smtp.vrfy") {
        None => Vrfy::Untold,
        Some("to_logins") => Vrfy::ToLogins,
        Some(other) => panic!("smtp.vrfy is not {other}"),
    };
    let alice = |who: customer::Customer| Customer {
        who: Arc::new(who),
        networks: Vec::new(),
        login: Some("alice@example.test".parse().unwrap()),
    };
    settings.customers.extend(customer(visit).map(alice));
    set(visit, "smtp.bad_commands", &mut settings.bad_commands);
    set(visit, "smtp.transactions", &mut settings.transactions);
    set(
        visit,
        "smtp.refused_recipients",
        &mut settings.refused_recipients,
    );
    set(visit, "smtp.failed_logins", &mut settings.failed_logins);
    settings
}

/// With `smtp.queue` it takes mail for other servers, which nobody sends.
/// Whoever is named has a domain and all below it; alice may ask.
fn customer(visit: &Visit) -> Option<customer::Customer> {
    let domain = visit.script.setting("road.customer")?;
    Some(customer::Customer {
        name: "alices".into(),
        domains: vec![
            DomainPattern::Exactly(domain.parse().unwrap()),
            DomainPattern::Below(domain.parse().unwrap()),
        ],
        holds: match visit.script.setting("road.hold") {
            None | Some("atrn") => Holds::UntilAtrn,
            Some("etrn") => Holds::UntilEtrn,
            Some(other) => panic!("road.hold is not {other}"),
        },
        most: post::queue::Amount {
            count: 2,
            bytes: 1 << 20,
        },
        lifetime: None,
    })
}

async fn post(visit: &Visit) -> Post {
    let mut settings = PostSettings::new(dialogs::house::DOMAIN);
    set(
        visit,
        "smtp.max_message_bytes",
        &mut settings.max_message_bytes,
    );
    set(visit, "smtp.max_recipients", &mut settings.max_recipients);
    set(visit, "queue.held_size", &mut settings.most_held_bytes);
    if let Some(priority) = visit.script.setting("smtp.highest_priority") {
        settings.highest_priority = Priority::read(priority).unwrap();
    }
    let house = &visit.house;
    let (mail, clock, random) = (
        house.mail.clone(),
        house.clock.clone(),
        house.random.clone(),
    );
    if visit.script.setting("smtp.queue") != Some("yes") {
        return Post::new(mail, clock, random, settings);
    }
    let customers = Customers::new(customer(visit).into_iter().collect());
    let routes = Routes::default().with_customers(customers);
    let queue = QueueSettings::default();
    let opened = Queue::open(
        mail.clone(),
        clock.clone(),
        random.clone(),
        dialogs::house::DOMAIN,
        queue,
        routes,
    );
    Post::sending(mail, clock, random, settings, opened.await.unwrap())
}

async fn session(visit: Visit) {
    let tls = (visit.listener != Listener::Lmtp).then(|| visit.house.tls_server.clone());
    let door = Door::new(
        post(&visit).await,
        visit.house.mail.clone(),
        tls,
        settings(&visit),
    );
    smtpd::session(visit.conn, Arc::new(door), Stop::new()).await;
}

#[tokio::test]
async fn every_dialogue_holds_over_a_pipe() {
    run_all("smtp", Transport::Pipe, session).await;
}

#[tokio::test]
async fn every_dialogue_holds_over_tcp() {
    run_all("smtp", Transport::Tcp, session).await;
}
