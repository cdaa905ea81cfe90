//! Two servers in a simulated network: what is submitted at one for the other gets there, or its
//! sender learns why not. Time is paused and passes at once.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../client/mod.rs"]
mod client;
mod customers;
mod forwards;
mod house;
mod many;
mod wishes;

use addr::{Charset, ReversePath};
use client::Client;
use house::{A, B, LETTER, World, later};
use mail::codec::Record;
use net::time::Duration;
use post::queue::{MessageRecord, keys};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test(start_paused = true)]
async fn a_message_submitted_here_arrives_there() {
    // [rfc5321 2.1] [rfc5321 4.4]
    let (a, b) = World::new().pair().await;
    b.listens();
    let mut alice = a.submit().await;
    let id = alice.write(&["bob@b.example", "bob@a.example"]).await;
    assert_eq!(a.texts("bob").await.len(), 1, "who is here has it at once");
    later(Duration::from_secs(10)).await;
    let text = &b.only("bob").await;
    assert!(text.starts_with("Return-Path: <alice@a.example>\r\nReceived: from mail.a.example"));
    assert!(text.contains(&format!("id {id};")), "{text}");
    assert!(text.ends_with("\r\n.hello\r\n"), "{text}");
    assert_eq!(text.matches("Return-Path:").count(), 1, "{text}");
    assert!(a.queue().is_empty());
    assert_eq!(a.texts("alice").await.len(), 0, "nobody asked for a report");
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn who_asks_hears_that_a_message_was_delivered_here_or_handed_on() {
    // [rfc3461 5.2.1] [rfc3461 5.2.3] [rfc3461 6.1]
    let (a, b) = World::new().pair().await;
    b.sends().await;
    a.listens();
    b.listens();
    let mut alice = a.submit().await;
    alice
        .ask("MAIL FROM:<alice@a.example> ENVID=QQ1", "250")
        .await;
    for to in [
        "RCPT TO:<bob@a.example> NOTIFY=SUCCESS ORCPT=rfc822;Bob@a.example",
        "RCPT TO:<bob+x@a.example> NOTIFY=FAILURE",
        "RCPT TO:<bob@b.example> NOTIFY=SUCCESS",
    ] {
        alice.ask(to, "250").await;
    }
    alice.ask("DATA", "354").await;
    alice.ask("Subject: told\r\n\r\nx\r\n.", "250").await;
    let report = &a.only("alice").await;
    let received = report.lines().find(|line| line.starts_with("Received: "));
    let id = received.and_then(|line| line.split(" id ").nth(1)).unwrap();
    let sought = mail::Sought::Id(id.trim_end_matches(';').to_owned());
    let found = a.mail.arrivals(&mail::Admin::upkeep(), &sought, 10).await;
    assert_eq!(found.unwrap().found.len(), 1, "by its id");
    assert!(report.starts_with("Return-Path: <>\r\n"), "{report}");
    for field in [
        "Original-Envelope-Id: QQ1",
        "Original-Recipient: rfc822;Bob@a.example",
        "Final-Recipient: rfc822;bob@a.example",
        "Action: delivered",
        "Subject: told",
    ] {
        assert!(report.contains(field), "{field}: {report}");
    }
    assert!(
        !report.contains("bob+x") && !report.contains("bob@b"),
        "{report}"
    );
    later(Duration::from_secs(60)).await;
    let told = a.texts("alice").await;
    assert_eq!(told.len(), 2, "the other server tells, as it was asked to");
    let theirs = told
        .iter()
        .find(|text| text.contains("Reporting-MTA: dns; mail.b.example"));
    let theirs = theirs.expect("because b knows DSN");
    assert!(theirs.contains("Action: delivered"), "{theirs}");
    assert!(
        theirs.contains("Final-Recipient: rfc822;bob@b.example"),
        "{theirs}"
    );
    assert!(a.queue().is_empty() && b.queue().is_empty());
    a.is_clean().await;
    b.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_recipient_comes_back_to_the_sender() {
    // [rfc5321 6.1] [rfc3464 2]
    let (a, b) = World::new().pair().await;
    b.listens();
    let mut alice = a.submit().await;
    alice.write(&["bob@b.example", "nobody@b.example"]).await;
    later(Duration::from_secs(10)).await;
    assert_eq!(b.texts("bob").await.len(), 1);
    let report = &a.only("alice").await;
    assert!(report.starts_with("Return-Path: <>\r\n"), "{report}");
    assert!(
        report.contains("Final-Recipient: rfc822;nobody@b.example"),
        "{report}"
    );
    assert!(report.contains("Action: failed"), "{report}");
    assert!(report.contains("550 5.1.1"), "{report}");
    assert!(!report.contains("rfc822;bob@b.example"), "{report}");
    assert!(a.queue().is_empty());
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_gets_it_when_it_is_up() {
    // [rfc5321 4.5.4.1]
    let (a, b) = World::new().pair().await;
    let mut alice = a.submit().await;
    alice.write(&["bob@b.example"]).await;
    later(HOUR).await;
    assert_eq!(a.queue().len(), 1);
    b.listens();
    later(4 * HOUR).await;
    assert_eq!(b.texts("bob").await.len(), 1);
    assert!(a.queue().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_sender_hears_of_the_delay_and_after_five_days_of_the_end() {
    // [rfc3461 5.2.5] [rfc5321 4.5.4.1] [rfc3463 3.5]
    let a = World::new().sender().await;
    let mut alice = a.submit().await;
    alice.write(&["bob@b.example"]).await;
    later(Duration::from_secs(4 * 3_600 - 60)).await;
    assert_eq!(a.texts("alice").await.len(), 0);
    later(HOUR).await;
    let told = a.texts("alice").await;
    assert_eq!(told.len(), 1, "once");
    assert!(told[0].contains("Action: delayed"), "{}", told[0]);
    assert!(told[0].contains("Will-Retry-Until:"), "{}", told[0]);
    later(114 * HOUR).await;
    assert_eq!(a.texts("alice").await.len(), 1);
    later(3 * HOUR).await;
    let told = a.texts("alice").await;
    assert_eq!(told.len(), 2);
    assert!(told[1].contains("Action: failed"), "{}", told[1]);
    assert!(told[1].contains("Status: 4.4.7"), "{}", told[1]);
    assert!(a.queue().is_empty());
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_outlives_a_restart() {
    let world = World::new();
    let a = world.sender().await;
    let mut alice = a.submit().await;
    alice.write(&["bob@b.example"]).await;
    later(HOUR).await;
    let a = a.restarted().await;
    assert_eq!(a.queue().len(), 1);
    let b = world.house(B).await;
    b.listens();
    a.sends().await;
    later(4 * HOUR).await;
    assert_eq!(b.texts("bob").await.len(), 1);
    assert!(a.queue().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_bounce_that_fails_makes_no_bounce() {
    // [rfc5321 6.1] [rfc3464 2]
    let (a, b) = World::new().pair().await;
    b.listens();
    let mut alice = a.submit().await;
    alice.deliver("", &["nobody@b.example"], LETTER).await;
    later(Duration::from_secs(10)).await;
    assert!(a.queue().is_empty());
    assert_eq!(a.texts("alice").await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn nobody_else_sends_through_us() {
    // [rfc5321 3.6.2] [rfc6409 3.1]
    let a = World::new().sender().await;
    let mut stranger = a.exchange().await;
    stranger.ask("EHLO mail.c.example", "250").await;
    stranger.ask("MAIL FROM:<carol@c.example>", "250").await;
    stranger.ask("RCPT TO:<bob@b.example>", "550 5.7.1").await;
    let mut client: Client = a.submission().await;
    client.ask("EHLO pc", "250").await;
    client.ask("MAIL FROM:<alice@a.example>", "530 5.7.0").await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_puts_submissions_off() {
    let world = World::new();
    let a = world.house_with_room_for(A, 1).await;
    a.sends().await;
    let mut alice = a.submit().await;
    alice.write(&["bob@b.example"]).await;
    alice.ask("MAIL FROM:<alice@a.example>", "250").await;
    alice.ask("RCPT TO:<bob@c.example>", "452 4.3.1").await;
    alice.ask("RCPT TO:<bob@a.example>", "250").await;
}

#[tokio::test(start_paused = true)]
async fn a_sender_without_room_gets_a_short_report() {
    let (a, b) = World::new().pair().await;
    b.listens();
    let mut alice = a.submit().await;
    a.fill("alice").await;
    alice.write(&["nobody@b.example"]).await;
    later(Duration::from_secs(10)).await;
    let told = a.texts("alice").await;
    assert!(told.last().unwrap().contains("Action: failed"));
    assert!(told.last().unwrap().contains("text/rfc822-headers"));
    assert!(a.queue().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_trail_tells_each_attempt_and_the_end() {
    let (a, b) = World::new().pair().await;
    let mut alice = a.submit().await;
    let id = alice.write(&["bob@b.example"]).await;
    later(Duration::from_secs(60)).await;
    b.listens();
    later(4 * HOUR).await;
    let road = a.mail.road();
    let number = post::trail::by_id(&road, &id).unwrap().unwrap();
    let passage = post::trail::passage(&road, number).unwrap().unwrap();
    let sender = ReversePath::parse(b"<alice@a.example>", Charset::Ascii).unwrap();
    assert_eq!(passage.trail.sender, sender);
    assert!(format!("{passage:?}").contains("mail.b.example"));
}

#[tokio::test(start_paused = true)]
async fn the_operator_keeps_mail_back_lets_it_go_and_takes_it_out() {
    let world = World::new();
    let (a, b) = (world.house(A).await, world.house(B).await);
    let mut alice = a.submit().await;
    for to in ["bob@b.example", "alice@b.example", "carol@c.example"] {
        alice.write(&[to]).await;
    }
    let queue = a.queue();
    assert_eq!(queue.hold(&a.waiting("bob@b.example")).await.unwrap(), 1);
    let again = queue.hold(&a.waiting("bob@b.example")).await.unwrap();
    assert_eq!(again, 0, "once");
    assert_eq!(
        queue.remove(&a.waiting("carol@c.example")).await.unwrap(),
        1
    );
    a.sends().await;
    b.listens();
    later(HOUR).await;
    assert_eq!(b.texts("alice").await.len(), 1);
    assert_eq!(b.texts("bob").await.len(), 0);
    let bobs = a.waiting("bob@b.example");
    assert_eq!(queue.retry(&bobs).await.unwrap(), 0);
    assert!(!queue.is_under_way(bobs[0]));
    assert_eq!(queue.release(&bobs).await.unwrap(), 1);
    later(Duration::from_secs(10)).await;
    assert_eq!(b.texts("bob").await.len(), 1);
    assert!(queue.is_empty());
    assert_eq!(queue.remove(&bobs).await.unwrap(), 0, "it has gone");
    assert_eq!(a.texts("alice").await.len(), 0, "nobody is told");
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_operator_gives_back_is_told_to_its_sender_and_found_by_the_reports_id() {
    let a = World::new().house(A).await;
    let mut alice = a.submit().await;
    let to = ["bob@b.example", "carol@b.example"];
    let id = alice.write(&to).await;
    let queue = a.queue();
    let held = a.waiting("bob@b.example");
    queue.hold(&held).await.unwrap();
    let look = a.mail.road();
    let mut problems = Vec::new();
    post::queue::check(&look, |found| problems.push(found)).unwrap();
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(queue.give_back(&held).await.unwrap(), 1);
    assert_eq!(queue.give_back(&held).await.unwrap(), 0, "it has gone");
    assert!(queue.is_empty());
    let report = &a.only("alice").await;
    for part in ["Status: 5.0.0", "bob@b.example", "carol@b.example"] {
        assert!(report.contains(part), "{part}: {report}");
    }
    let look = a.mail.road();
    let number = post::trail::by_id(&look, &id).unwrap().unwrap();
    let passage = post::trail::passage(&look, number).unwrap().unwrap();
    let told = passage.ends[0].1.told.clone().unwrap();
    assert_eq!(post::trail::by_id(&look, &told).unwrap(), Some(number));
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn rows_that_do_not_hang_together_are_found() {
    let a = World::new().house(A).await;
    let mut alice = a.submit().await;
    for to in ["bob@b.example", "carol@c.example"] {
        alice.write(&[to]).await;
    }
    let (bob, carol) = (a.waiting("bob@b.example"), a.waiting("carol@c.example"));
    let mut edit = a.mail.road_edit().await;
    edit.put(post::queue::keys::entry(bob[0]), b"damaged".to_vec());
    edit.delete(post::queue::keys::message(carol[0].message));
    a.mail.road_commit(edit).await.unwrap();
    let mut problems = Vec::new();
    post::queue::check(&a.mail.road(), |found| problems.push(found)).unwrap();
    let all = problems.join("\n");
    for part in [
        "an entry of the queue: ",
        "an entry waits whose message 2 is not there",
        "a body is held for message 2, which is not there",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
    // the rest goes on without them, and they are counted
    let a = a.restarted().await;
    let counted = a.mail.tally().text();
    assert!(
        counted.contains("queue_damaged_rows_total 2\n"),
        "{counted}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_wrote_what_cannot_be_read_any_more_is_told_in_the_end() {
    let a = World::new().house(A).await;
    let mut alice = a.submit().await;
    let to = ["bob@b.example"];
    alice.write(&to).await;
    let key = keys::message(a.waiting(to[0])[0].message);
    let message: MessageRecord = a.mail.road().record(&key).unwrap().unwrap();
    let lost = MessageRecord {
        body: store::BodyId(u64::MAX >> 8),
        ..message
    };
    let mut edit = a.mail.road_edit().await;
    edit.put(key, lost.encode());
    a.mail.road_commit(edit).await.unwrap();
    a.sends().await;
    later(6 * 24 * HOUR).await;
    assert!(a.queue().is_empty());
    let told = a.texts("alice").await;
    assert_eq!(told.len(), 2, "of the delay and of the end");
    assert!(told[1].contains("Action: failed"), "{}", told[1]);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_held_after_a_restart() {
    let world = World::new();
    let (a, b) = (world.house(A).await, world.house(B).await);
    b.listens();
    let mut alice = a.submit().await;
    alice.write(&["bob@b.example"]).await;
    a.queue().hold(&a.waiting("bob@b.example")).await.unwrap();
    let a = a.restarted().await;
    a.sends().await;
    later(HOUR).await;
    assert_eq!(b.texts("bob").await.len(), 0);
    a.queue().remove(&a.waiting("bob@b.example")).await.unwrap();
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_wish_to_try_at_once_is_heard() {
    let (a, b) = World::new().pair().await;
    let mut alice = a.submit().await;
    alice.write(&["bob@b.example"]).await;
    later(2 * HOUR).await;
    b.listens();
    assert_eq!(
        a.queue().retry(&a.waiting("bob@b.example")).await.unwrap(),
        1
    );
    later(Duration::from_secs(10)).await;
    assert_eq!(b.texts("bob").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_waits_takes_a_new_route_at_its_next_attempt() {
    let world = World::new();
    let (a, b) = (world.house(A).await, world.house(B).await);
    a.sends().await;
    b.listens();
    a.goes_by(Some("192.0.2.99"));
    let mut alice = a.submit().await;
    alice
        .deliver("alice@a.example", &["bob@b.example"], LETTER)
        .await;
    later(Duration::from_secs(30)).await;
    // this one stands in line: the server that does not answer is left alone for a while
    alice
        .deliver("alice@a.example", &["alice@b.example"], LETTER)
        .await;
    later(Duration::from_secs(10)).await;
    assert_eq!(a.queue().len(), 2);
    a.goes_by(None);
    later(Duration::from_secs(10)).await;
    assert_eq!(b.texts("alice").await.len(), 1, "its time had come");
    assert_eq!(b.texts("bob").await.len(), 0, "nothing was hurried");
    later(Duration::from_secs(6 * 60)).await;
    assert_eq!(b.texts("bob").await.len(), 1);
    assert!(a.queue().is_empty());
}
