//! What a submission asks beyond its envelope: how urgent it is, by when it is
//! there, when it goes.

use crate::house::{A, World, later};
use mail::codec::Record;
use net::time::Duration;
use post::queue::{EntryRecord, RecipientState, Said, Whither, keys};

#[tokio::test(start_paused = true)]
async fn how_urgent_a_message_is_stands_in_its_trace() {
    // [rfc6710 4.1]
    let (a, b) = World::new().pair().await;
    b.listens();
    let mut alice = a.submit().await;
    alice.write_with("MT-PRIORITY=-4", &["bob@b.example"]).await;
    later(Duration::from_secs(10)).await;
    let text = &b.only("bob").await;
    let text = text.replace("\r\n\t", " ");
    assert!(text.contains(" PRIORITY -4; "), "{text}");
    a.is_clean().await;
}

const MINUTE: Duration = Duration::from_secs(60);

fn has_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_late_comes_back_when_its_time_is_over() {
    // [rfc2852 4.1.3] [rfc2852 4.1.2] [rfc2852 5]
    let (a, b) = World::new().pair().await;
    let mut alice = a.submit().await;
    alice.write_with("BY=900;R", &["bob@b.example"]).await;
    later(14 * MINUTE).await;
    assert_eq!((a.queue().len(), a.texts("alice").await.len()), (1, 0));
    later(2 * MINUTE).await;
    let report = &a.only("alice").await;
    has_all(
        report,
        &[
            "Action: failed",
            "Status: 5.4.7",
            "Arrival-Date: Mon, 23 Nov 2026 01:20:09 +0000",
            "Deliver-By-Date: Mon, 23 Nov 2026 01:35:09 +0000",
        ],
    );
    b.listens();
    later(60 * MINUTE).await;
    assert_eq!(b.texts("bob").await.len(), 0, "no further attempt");
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn who_wants_to_hear_of_lateness_hears_of_it_once_and_it_goes_on() {
    // [rfc2852 4.1.3]
    let (a, b) = World::new().pair().await;
    let mut alice = a.submit().await;
    alice.write_with("BY=900;N", &["bob@b.example"]).await;
    later(14 * MINUTE).await;
    assert_eq!(a.texts("alice").await.len(), 0);
    later(24 * 60 * MINUTE).await;
    let report = &a.only("alice").await;
    has_all(
        report,
        &[
            "Action: delayed",
            "Status: 4.4.7",
            "Deliver-By-Date: Mon, 23 Nov 2026 01:35:09 +0000",
            "Date: Mon, 23 Nov 2026 01:35:",
        ],
    );
    b.listens();
    later(4 * 60 * MINUTE).await;
    assert_eq!(b.texts("bob").await.len(), 1);
    assert_eq!(a.texts("alice").await.len(), 1);
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_time_goes_along_from_server_to_server() {
    // [rfc2852 4.1.1] [rfc2852 4.1.4] [rfc2852 4.1.4.1]
    let (a, b) = World::new().pair().await;
    b.listens();
    let mut alice = a.submit().await;
    let to = ["bob@b.example", "bob@a.example"];
    alice.write_with("BY=900;R", &to).await;
    later(MINUTE).await;
    assert_eq!(b.texts("bob").await.len(), 1);
    assert_eq!(a.texts("alice").await.len(), 0);
    alice.write_with("BY=900;RT", &to).await;
    later(MINUTE).await;
    assert_eq!(b.texts("bob").await.len(), 2);
    let report = &a.only("alice").await;
    has_all(
        report,
        &["Action: relayed", "Final-Recipient: rfc822;bob@b.example"],
    );
    assert!(!report.contains("bob@a.example"), "{report}");
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_sees_held_mail_before_its_time() {
    // [rfc4865 4.2]
    let (a, b) = World::new().pair().await;
    b.listens();
    let mut alice = a.submit().await;
    let to = ["bob@a.example", "alice+x@a.example", "bob@b.example"];
    let id = alice.write_with("HOLDFOR=3600", &to).await;
    // everybody's INBOX: the local ones and the one elsewhere
    let seen = async || {
        let (bob, alice) = (a.texts("bob").await, a.texts("alice").await);
        (bob.len(), alice.len(), b.texts("bob").await.len())
    };
    later(59 * MINUTE).await;
    assert_eq!((seen().await, a.queue().len()), ((0, 0, 0), 2));
    later(2 * MINUTE).await;
    assert_eq!((seen().await, a.queue().len()), ((1, 1, 1), 0));
    let text = &a.texts("bob").await[0];
    let begin = "Return-Path: <alice@a.example>\r\nReceived: from pc.a.example";
    assert!(text.starts_with(begin), "{text}");
    has_all(
        text,
        &[&format!("id {id};"), "01:20:09 +0000", ".hello\r\n"],
    );
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn held_mail_stays_held_over_a_restart() {
    // [rfc4865 4.2]
    let a = World::new().sender().await;
    let mut alice = a.submit().await;
    let until = "HOLDUNTIL=2026-11-23T03:20:09Z";
    alice.write_with(until, &["bob@a.example"]).await;
    later(MINUTE).await;
    let a = a.restarted().await;
    a.sends().await;
    later(118 * MINUTE).await;
    assert_eq!((a.texts("bob").await.len(), a.queue().len()), (0, 1));
    later(2 * MINUTE).await;
    assert_eq!((a.texts("bob").await.len(), a.queue().len()), (1, 0));
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_releases_nothing_early() {
    // [rfc4865 4.2] [rfc4865 6]
    let world = World::new();
    let a = world.sender().await;
    let mut alice = a.submit().await;
    alice.write_with("HOLDFOR=3600", &["bob@a.example"]).await;
    later(30 * MINUTE).await;
    world.set_clock_back(20 * MINUTE);
    later(49 * MINUTE).await;
    assert_eq!(a.texts("bob").await.len(), 0);
    later(2 * MINUTE).await;
    assert_eq!(a.texts("bob").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_time_that_is_over_holds_nothing() {
    let a = World::new().house(A).await;
    let mut alice = a.submit().await;
    let past = "HOLDUNTIL=2026-11-23T01:20:00Z";
    alice.write_with(past, &["bob@a.example"]).await;
    assert_eq!(a.texts("bob").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn reports_on_held_mail_say_what_was_asked() {
    // [rfc4865 5.1.2]
    let (a, b) = World::new().pair().await;
    b.listens();
    let mut alice = a.submit().await;
    let mail = "MAIL FROM:<alice@a.example> HOLDFOR=600 ENVID=QQ1";
    alice.ask(mail, "250").await;
    for to in [
        "RCPT TO:<bob@a.example> NOTIFY=SUCCESS ORCPT=rfc822;Bob@a.example",
        "RCPT TO:<nobody@b.example>",
    ] {
        alice.ask(to, "250").await;
    }
    alice.ask("DATA", "354").await;
    alice.ask("Subject: told\r\n\r\nx\r\n.", "250").await;
    later(9 * MINUTE).await;
    assert_eq!(
        a.texts("alice").await.len(),
        0,
        "not before it is delivered"
    );
    later(2 * MINUTE).await;
    let reports = a.texts("alice").await;
    assert_eq!(reports.len(), 2);
    for report in &reports {
        has_all(
            report,
            &[
                "Arrival-Date: Mon, 23 Nov 2026 01:20:09 +0000",
                "Future-Release-Request: for;600",
                "Original-Envelope-Id: QQ1",
            ],
        );
    }
    let is_there = |text: &str| reports.iter().any(|report| report.contains(text));
    assert!(
        is_there("Action: delivered\r\nStatus: 2.1.5"),
        "{reports:?}"
    );
    assert!(is_there("Original-Recipient: rfc822;Bob@a.example"));
    assert!(is_there("Action: failed\r\nStatus: 5.1.1"), "{reports:?}");
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_full_or_gone_at_the_release_is_one_like_elsewhere() {
    let a = World::new().sender().await;
    let mut alice = a.submit().await;
    a.leads("gone", &["bob@a.example"], None).await;
    let to = ["bob@a.example", "gone@a.example", "alice@a.example"];
    alice.write_with("HOLDFOR=600", &to).await;
    a.fill("bob").await;
    a.leads("gone", &["nobody@b.example"], None).await;
    later(11 * MINUTE).await;
    let texts = a.texts("alice").await;
    assert_eq!(texts.len(), 2, "the message, and that one is gone");
    has_all(
        texts.last().unwrap(),
        &["Status: 5.1.1", "rfc822;gone@a.example", "Action: failed"],
    );
    assert_eq!(a.texts("bob").await.len(), 1, "what filled it");
    // it is tried as long as mail for elsewhere is, counted from the release
    later(4 * 24 * 60 * MINUTE).await;
    assert_eq!(a.queue().len(), 1);
    later(2 * 24 * 60 * MINUTE).await;
    assert_eq!(a.queue().len(), 0);
    let texts = a.texts("alice").await;
    let of_bob = texts
        .iter()
        .filter(|text| text.contains("rfc822;bob@a.example"));
    let actions: Vec<bool> = of_bob.map(|text| text.contains("Action: failed")).collect();
    assert_eq!(actions, [false, true], "a delay, and the end");
    assert_eq!(texts.len(), 4);
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn the_operator_lets_held_mail_go_but_does_not_by_chance() {
    // [rfc4865 4.2]
    let a = World::new().sender().await;
    let mut alice = a.submit().await;
    alice.write_with("HOLDFOR=3600", &["bob@a.example"]).await;
    let all = a.waiting("bob@a.example");
    assert_eq!(a.queue().retry(&all).await.unwrap(), 0);
    assert_eq!(a.queue().hold(&all).await.unwrap(), 1);
    assert_eq!(a.queue().release(&all).await.unwrap(), 1);
    later(MINUTE).await;
    assert_eq!(a.texts("bob").await.len(), 0, "its sender holds it still");
    assert_eq!(a.queue().release(&all).await.unwrap(), 1);
    later(MINUTE).await;
    assert_eq!(a.texts("bob").await.len(), 1);
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_list_and_an_alias_that_leads_on_are_held_as_well() {
    let (a, b) = World::new().pair().await;
    b.listens();
    let both = ["bob@a.example", "bob@b.example"];
    a.leads("team", &both, None).await;
    a.leads("list", &both, Some("alice@a.example")).await;
    let mut alice = a.submit().await;
    let to = ["team@a.example", "list@a.example"];
    alice.write_with("HOLDFOR=600", &to).await;
    later(9 * MINUTE).await;
    assert_eq!(
        (a.texts("bob").await.len(), b.texts("bob").await.len()),
        (0, 0)
    );
    later(2 * MINUTE).await;
    // here each account has one copy, elsewhere one in each sender's name
    assert_eq!(
        (a.texts("bob").await.len(), b.texts("bob").await.len()),
        (1, 2)
    );
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_fills_the_queue_with_held_mail() {
    // [rfc4865 6]
    let world = World::new();
    let a = world.house_with_room_for(A, 5_000).await;
    let mut alice = a.submit().await;
    for _ in 0..1_000 {
        alice.write_with("HOLDFOR=60", &["bob@a.example"]).await;
    }
    let mail = "MAIL FROM:<alice@a.example> HOLDFOR=60";
    alice.ask(mail, "552 5.7.16").await;
    let a = a.restarted().await;
    let mut alice = a.submit().await;
    alice.ask(mail, "552 5.7.16").await;
    later(MINUTE).await;
    alice.ask(mail, "250").await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_behind_the_delivery_delivers_nothing_twice() {
    let a = World::new().house(A).await;
    let mut alice = a.submit().await;
    alice.write_with("HOLDFOR=60", &["bob@a.example"]).await;
    // as the commit that delivers leaves the entry, before its end is noted
    let [number] = a.waiting("bob@a.example")[..] else {
        panic!("one entry");
    };
    let key = keys::entry(number);
    let mut edit = a.mail.road_edit().await;
    let value = edit.get(&key).unwrap().unwrap();
    let mut entry: EntryRecord = mail::codec::decode(&key, &value).unwrap();
    assert_eq!(entry.whither, Whither::Here);
    entry.attempts = 1;
    entry.recipients[0].state = RecipientState::Arrived;
    edit.put(key, entry.encode());
    a.mail.road_commit(edit).await.unwrap();
    let a = a.restarted().await;
    a.sends().await;
    later(2 * MINUTE).await;
    assert_eq!((a.texts("bob").await.len(), a.queue().len()), (0, 0));
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_wants_held_is_not_when_the_clock_is_set_back() {
    let world = World::new();
    let (a, b) = world.pair().await;
    let mut alice = a.submit().await;
    alice.write(&["bob@b.example"]).await;
    later(10 * MINUTE).await;
    world.set_clock_back(48 * 60 * MINUTE);
    let a = a.restarted().await;
    a.sends().await;
    b.listens();
    later(8 * 60 * MINUTE).await;
    assert_eq!((b.texts("bob").await.len(), a.queue().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_a_crash_kept_from_being_noted_is_told_all_the_same() {
    // [rfc3461 5.2.3]
    let a = World::new().house(A).await;
    let mut alice = a.submit().await;
    let mail = "MAIL FROM:<alice@a.example> HOLDFOR=900";
    alice.ask(mail, "250").await;
    for to in ["bob@a.example", "alice@a.example"] {
        let rcpt = format!("RCPT TO:<{to}> NOTIFY=SUCCESS");
        alice.ask(&rcpt, "250").await;
    }
    alice.ask("DATA", "354").await;
    alice.ask("Subject: x\r\n\r\nx\r\n.", "250").await;
    // as the commit leaves it that delivers to one of the two
    let key = keys::entry(a.waiting("bob@a.example")[0]);
    let mut entry: EntryRecord = a.mail.road().record(&key).unwrap().unwrap();
    let at = entry.due;
    entry.attempts = 1;
    entry.recipients[0].state = RecipientState::Arrived;
    entry.recipients[0].said = Some(Said {
        at,
        host: None,
        stage: "the mailbox here".to_owned(),
        reply: None,
        why: None,
        status: smtp::Status(2, 1, 5),
    });
    let mut edit = a.mail.road_edit().await;
    edit.put(key, entry.encode());
    a.mail.road_commit(edit).await.unwrap();
    let a = a.restarted().await;
    let mut problems = Vec::new();
    post::queue::check(&a.mail.road(), |found| problems.push(found)).unwrap();
    assert_eq!(problems, Vec::<String>::new());
    a.sends().await;
    later(20 * MINUTE).await;
    let texts = a.texts("alice").await;
    let [_, report] = &texts[..] else {
        panic!("the message and one report");
    };
    has_all(report, &["rfc822;bob@a.example", "rfc822;alice@a.example"]);
    assert_eq!(report.matches("Action: delivered").count(), 2);
    assert_eq!(a.texts("bob").await.len(), 0, "nothing goes twice");
    a.is_clean().await;
}
