//! Mail that is kept for customers until their servers ask for it.

use crate::client::Client;
use crate::house::{House, World, later};
use net::time::Duration;
use post::customer::{Customer, Holds};
use post::queue::Amount;
use post::road::route::DomainPattern;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A world in which the first server keeps mail for this domain.
fn keeping(domain: &str, holds: Holds) -> World {
    let mut world = World::new();
    world.customers = vec![Customer {
        name: "site".into(),
        domains: vec![DomainPattern::Exactly(domain.parse().unwrap())],
        holds,
        most: Amount {
            count: 100,
            bytes: 2_000,
        },
        lifetime: None,
    }];
    world
}

/// A stranger brings a message for the customer.
async fn comes_in(house: &House, subject: &str) {
    let mut stranger = house.exchange().await;
    stranger.ask("EHLO mx.else.example", "250").await;
    let content = format!("Subject: {subject}\r\n\r\nj\u{f6}rg\r\n");
    let to = ["ann@site.example"];
    stranger.deliver("x@else.example", &to, &content).await;
}

/// What a pick-up brings, by its subjects.
async fn picked_up(mut client: Client, cut_at: Option<usize>) -> Vec<String> {
    client.ask("ATRN site.example", "250").await;
    let subject = |text: String| {
        let line = text.lines().find_map(|line| line.strip_prefix("Subject: "));
        line.unwrap_or_default().to_owned()
    };
    let messages = client.take_mail(cut_at).await;
    messages.into_iter().map(subject).collect()
}

#[tokio::test(start_paused = true)]
async fn mail_for_a_customer_waits_and_goes_over_his_own_connection() {
    // [rfc2645 4] [rfc2645 5.2.1] [rfc2645 5.3]
    let world = keeping("site.example", Holds::UntilAtrn);
    let a = world.sender().await;
    comes_in(&a, "one").await;
    comes_in(&a, "two").await;
    later(DAY).await;
    assert_eq!(a.waiting("ann@site.example").len(), 2, "nobody was dialled");
    assert_eq!(picked_up(a.on_demand().await, None).await, ["one", "two"]);
    later(Duration::from_secs(5)).await;
    a.on_demand().await.ask("ATRN", "453").await;
    assert!(a.queue().is_empty());
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_cut_off_stays_and_what_was_taken_does_not_come_again() {
    let world = keeping("site.example", Holds::UntilAtrn);
    let a = world.sender().await;
    for subject in ["one", "two", "three"] {
        comes_in(&a, subject).await;
    }
    // the second may have been taken: nobody heard it
    assert_eq!(
        picked_up(a.on_demand().await, Some(2)).await,
        ["one", "two"]
    );
    later(DAY).await;
    assert_eq!(a.waiting("ann@site.example").len(), 2);
    let a = a.restarted().await;
    a.sends().await;
    later(DAY).await;
    assert_eq!(picked_up(a.on_demand().await, None).await, ["two", "three"]);
    later(Duration::from_secs(5)).await;
    assert!(a.queue().is_empty());
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn one_connection_at_a_time_picks_up() {
    // [rfc2645 5.2.1]
    let world = keeping("site.example", Holds::UntilAtrn);
    let a = world.sender().await;
    comes_in(&a, "one").await;
    let mut first = a.on_demand().await;
    first.ask("ATRN", "250").await;
    a.on_demand().await.ask("ATRN", "450").await;
    assert_eq!(first.take_mail(None).await.len(), 1);
    later(Duration::from_secs(5)).await;
    a.on_demand().await.ask("ATRN", "453").await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_picks_up_comes_back_and_nobody_hears_of_a_delay_before() {
    // [rfc2645 4] [rfc5321 4.5.4.1]
    let world = keeping("site.example", Holds::UntilAtrn);
    let a = world.sender().await;
    let mut alice = a.submit().await;
    alice.write(&["ann@site.example"]).await;
    later(4 * DAY).await;
    assert_eq!(a.texts("alice").await.len(), 0);
    later(2 * DAY).await;
    let report = &a.only("alice").await;
    assert!(report.contains("kept for pick-up"), "{report}");
    assert!(report.contains("Action: failed"), "{report}");
    assert!(a.queue().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_for_etrn_goes_its_usual_way_when_it_is_asked_for() {
    // [rfc1985 5.1]
    let world = keeping("b.example", Holds::UntilEtrn);
    let (a, b) = world.pair().await;
    b.listens();
    let mut alice = a.submit().await;
    alice.write(&["bob@b.example"]).await;
    later(DAY).await;
    assert_eq!(b.texts("bob").await.len(), 0, "it is kept");
    let mut alice = a.submit().await;
    alice.ask("ETRN b.example", "253").await;
    later(Duration::from_secs(10)).await;
    assert_eq!(b.texts("bob").await.len(), 1);
    alice.ask("ETRN b.example", "251").await;
    assert!(a.queue().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_kept_for_a_new_customer_and_let_go_when_he_is_none_any_more() {
    let world = keeping("b.example", Holds::UntilAtrn);
    let customers = world.customers.clone();
    let (a, b) = world.pair().await;
    a.keeps(Vec::new());
    let send = async |subject: &str| {
        let text = format!("Subject: {subject}\r\n\r\nx\r\n");
        let mut alice = a.submit().await;
        let to = ["bob@b.example"];
        alice.deliver("alice@a.example", &to, &text).await;
        later(Duration::from_secs(60)).await;
    };
    send("tried").await;
    a.keeps(customers.clone());
    b.listens();
    later(DAY).await;
    assert_eq!(b.texts("bob").await.len(), 0, "it is kept");
    let asked = async || {
        let mut client = a.on_demand().await;
        client.ask("ATRN b.example", "250").await;
        client.take_mail(None).await.len()
    };
    assert_eq!(asked().await, 1);
    send("kept").await;
    a.keeps(Vec::new());
    later(Duration::from_secs(60)).await;
    assert_eq!(b.texts("bob").await.len(), 1, "it goes its usual way");
    assert!(a.queue().is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_more_octets_are_kept_for_a_customer_than_may_be_and_he_cannot_ask_all_the_time() {
    // [rfc2645 5.2.1]
    let world = keeping("site.example", Holds::UntilAtrn);
    let a = world.sender().await;
    let rcpt = "RCPT TO:<ann@site.example>";
    let asks = async |size: usize, answer: &str| {
        let mut stranger = a.exchange().await;
        stranger.ask("EHLO mx.else.example", "250").await;
        let mail = format!("MAIL FROM:<x@else.example> SIZE={size}");
        stranger.ask(&mail, "250").await;
        stranger.ask(rcpt, answer).await;
    };
    asks(2_001, "452").await;
    asks(2_000, "250").await;
    comes_in(&a, "one").await;
    asks(2_000, "452").await;
    asks(1_000, "250").await;
    assert_eq!(picked_up(a.on_demand().await, None).await, ["one"]);
    later(Duration::from_secs(5)).await;
    asks(2_000, "250").await;
    for _ in 0..5 {
        a.on_demand().await.ask("ATRN", "453").await;
    }
    a.on_demand().await.ask("ATRN", "450 4.7.0").await;
    later(Duration::from_secs(60)).await;
    a.on_demand().await.ask("ATRN", "453").await;
}
