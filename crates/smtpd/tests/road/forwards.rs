//! Mail that an alias or a list here sends on to another server, and what comes back of it.

use crate::house::{A, B, House, World, later};
use net::time::Duration;

const LETTER: &str = "From: bob@b.example\r\nTo: fwd@a.example\r\nSubject: onward\r\n\r\nhello\r\n";

async fn both() -> (House, House) {
    let (a, b) = World::new().pair().await;
    b.sends().await;
    a.listens();
    b.listens();
    (a, b)
}

/// Bob of the other server writes to an address of this one.
async fn bob_writes(a: &House, to: &str) {
    let mut client = a.exchange().await;
    client.ask("EHLO mail.b.example", "250").await;
    client.deliver("bob@b.example", &[to], LETTER).await;
    later(Duration::from_secs(30)).await;
}

fn return_path(text: &str) -> &str {
    let line = text.lines().next().unwrap();
    let path = line.strip_prefix("Return-Path: <").unwrap();
    path.strip_suffix('>').unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_alias_sends_on_under_a_return_address_that_takes_bounces() {
    // [rfc5321 3.9.1] [rfc3461 5.2.1]
    let (a, b) = both().await;
    a.leads("fwd", &["alice@b.example", "bob@a.example"], None)
        .await;
    bob_writes(&a, "fwd@a.example").await;
    let here = &a.only("bob").await;
    assert_eq!(return_path(here), "bob@b.example");
    let there = &b.only("alice").await;
    let path = return_path(there).to_owned();
    assert!(
        path.starts_with("SRS0=") && path.ends_with("=b.example=bob@a.example"),
        "{path}"
    );
    assert!(there.ends_with("\r\nhello\r\n"), "{there}");

    // a bounce finds its way back to who wrote
    let mut client = a.exchange().await;
    client.ask("EHLO mail.b.example", "250").await;
    client
        .deliver("", &[&path], "Subject: bounce\r\n\r\n")
        .await;
    later(Duration::from_secs(30)).await;
    let bounce = &b.only("bob").await;
    assert_eq!(return_path(bounce), "");
    // nothing else does, nor what was made up, nor what is old
    client.ask("MAIL FROM:<eve@b.example>", "250").await;
    client.ask(&format!("RCPT TO:<{path}>"), "550 5.1.1").await;
    client.ask("RSET", "250").await;
    client.ask("MAIL FROM:<>", "250").await;
    let forged = path.replace("=bob", "=eve");
    client
        .ask(&format!("RCPT TO:<{forged}>"), "550 5.1.1")
        .await;
    client.ask("QUIT", "221").await;
    later(Duration::from_secs(25 * 86_400)).await;
    let mut client = a.exchange().await;
    client.ask("EHLO mail.b.example", "250").await;
    client.ask("MAIL FROM:<>", "250").await;
    client.ask(&format!("RCPT TO:<{path}>"), "550 5.1.1").await;
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_refused_comes_back_to_who_wrote_under_the_name_he_knows() {
    // [rfc3461 5.2.1] [rfc3461 6.3]
    let (a, b) = both().await;
    a.leads("fwd", &["nobody@b.example"], None).await;
    bob_writes(&a, "fwd@a.example").await;
    let report = &b.only("bob").await;
    assert_eq!(return_path(report), "");
    assert!(
        report.contains("Original-Recipient: rfc822;fwd@a.example"),
        "{report}"
    );
    assert!(report.contains("Action: failed"), "{report}");
    assert!(a.queue().is_empty());
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_has_room_for_the_report_on_what_leaves_it() {
    let world = World::new();
    let (a, b) = (world.house_with_room_for(A, 1).await, world.house(B).await);
    a.sends().await;
    for house in [&a, &b] {
        house.listens();
    }
    a.leads("fwd", &["nobody@b.example"], None).await;
    bob_writes(&a, "fwd@a.example").await;
    assert_eq!(b.texts("bob").await.len(), 1, "the report");
    assert!(a.queue().is_empty());
    a.is_clean().await;
}

/// What the record says of who was told of what the alias sent on.
fn told(house: &House) -> Vec<String> {
    let look = house.mail.road();
    let alias = "fwd@a.example".parse().unwrap();
    let mut told = Vec::new();
    for number in post::trail::by_address(&look, &alias, 10).unwrap() {
        let passage = post::trail::passage(&look, number).unwrap().unwrap();
        told.extend(passage.ends.into_iter().filter_map(|(_, end)| end.told));
    }
    told
}

#[tokio::test(start_paused = true)]
async fn whoever_was_forged_as_a_sender_hears_nothing() {
    // [rfc7208 2.6] [rfc3461 5.2.3]
    let (a, b) = both().await;
    a.leads("fwd", &["nobody@b.example"], None).await;
    b.sends_nothing();
    bob_writes(&a, "fwd@a.example").await;
    let mut client = a.exchange().await;
    client.ask("EHLO mail.b.example", "250").await;
    client.ask("MAIL FROM:<bob@b.example>", "250").await;
    let wish = "RCPT TO:<alice@a.example> NOTIFY=SUCCESS";
    client.ask(wish, "250").await;
    client.ask("DATA", "354").await;
    client.ask("Subject: x\r\n\r\nx\r\n.", "250").await;
    later(Duration::from_secs(60)).await;
    assert_eq!(a.texts("alice").await.len(), 1, "the message is taken");
    assert_eq!(b.texts("bob").await, Vec::<String>::new());
    let [told] = &told(&a)[..] else {
        panic!("one end")
    };
    assert!(told.ends_with("SPF says fail"), "{told}");
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_signature_of_the_senders_domain_proves_him_as_well() {
    let (a, b) = both().await;
    a.leads("fwd", &["nobody@b.example"], None).await;
    b.sends_nothing();
    b.signs().await;
    let mut bob = b.submit_as_bob().await;
    let to = &["fwd@a.example"];
    bob.deliver("bob@b.example", to, LETTER).await;
    later(Duration::from_secs(60)).await;
    let report = &b.only("bob").await;
    assert!(report.contains("Action: failed"), "{report}");
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn failures_of_a_list_go_to_its_owner_and_to_nobody_else() {
    // [rfc5321 3.9.2] [rfc3461 5.2.7.1]
    let (a, b) = both().await;
    let members = ["alice@b.example", "nobody@b.example", "bob@a.example"];
    a.leads("list", &members, Some("alice@a.example")).await;
    bob_writes(&a, "list@a.example").await;
    for text in [&a.texts("bob").await[..], &b.texts("alice").await[..]] {
        let [text] = text else {
            panic!("one copy for each")
        };
        assert_eq!(return_path(text), "alice@a.example");
    }
    let report = &a.only("alice").await;
    assert!(
        report.contains("Final-Recipient: rfc822;nobody@b.example"),
        "{report}"
    );
    assert_eq!(b.texts("bob").await.len(), 0, "who wrote hears nothing");
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn aliases_that_lead_to_each_other_end_and_their_sender_hears_of_it() {
    // [rfc5321 6.3]
    let (a, b) = both().await;
    a.leads("loop", &["loop@b.example"], None).await;
    b.leads("loop", &["loop@a.example"], None).await;
    let mut alice = a.submit().await;
    let letter = LETTER.replace("bob@b", "alice@a");
    alice
        .deliver("alice@a.example", &["loop@a.example"], &letter)
        .await;
    later(Duration::from_secs(600)).await;
    let told = a.texts("alice").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("5.4.6"), "{}", told[0]);
    assert!(a.queue().is_empty() && b.queue().is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_is_elsewhere_and_on_an_alias_gets_it_in_both_names() {
    let (a, b) = both().await;
    a.leads("list", &["bob@b.example"], Some("bob@a.example"))
        .await;
    let mut alice = a.submit().await;
    let letter = LETTER.replace("bob@b", "alice@a");
    let id = alice
        .deliver(
            "alice@a.example",
            &["list@a.example", "alice@b.example"],
            &letter,
        )
        .await;
    later(Duration::from_secs(30)).await;
    let of_list = &b.only("bob").await;
    assert_eq!(return_path(of_list), "bob@a.example");
    let sent = &b.only("alice").await;
    assert_eq!(return_path(sent), "alice@a.example");
    // ours is one message, whatever it became on the road
    assert!(sent.contains(&format!("id {id};")) && of_list.contains(&format!("id {id};")));
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_on_is_sealed_and_each_seal_stands_on_the_one_before() {
    // [rfc8617 5.1]
    let (a, b) = both().await;
    a.signs().await;
    b.signs().await;
    a.leads("fwd", &["next@b.example"], None).await;
    b.leads("next", &["bob@a.example"], Some("alice@b.example"))
        .await;
    bob_writes(&a, "fwd@a.example").await;
    later(Duration::from_secs(30)).await;
    let text = &a.only("bob").await;
    assert_eq!(return_path(text), "alice@b.example");
    let seals = [
        "i=1; a=ed25519-sha256; cv=none; d=a.example",
        "i=2; a=ed25519-sha256; cv=pass; d=b.example",
    ];
    for seal in seals {
        assert!(
            text.contains(&format!("ARC-Seal: {seal}")),
            "{seal} in {text}"
        );
    }
    let results = "ARC-Authentication-Results: i=1; mail.a.example;\r\n\tspf=pass smtp.mailfrom=b.example;\r\n\t\
         dkim=none;\r\n\tarc=none\r\n";
    assert!(text.contains(results), "{text}");
    // nobody signs what a stranger says is ours
    let mut client = a.exchange().await;
    client.ask("EHLO mail.b.example", "250").await;
    let forged = LETTER.replace("bob@b.example", "alice@a.example");
    client
        .deliver(
            "bob@b.example",
            &["fwd@a.example", "alice@a.example"],
            &forged,
        )
        .await;
    let text = &a.only("alice").await;
    assert!(!text.contains("DKIM-Signature"), "{text}");
    // what our own users send on is signed
    let mut alice = a.submit().await;
    alice
        .deliver("alice@a.example", &["alice@b.example"], &forged)
        .await;
    later(Duration::from_secs(30)).await;
    let text = &b.only("alice").await;
    assert!(text.contains("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=a.example"));
}

#[tokio::test(start_paused = true)]
async fn what_is_signed_travels_in_seven_bits_and_a_report_to_a_stranger_is_signed() {
    // [rfc6376 5.3]
    let (a, b) = both().await;
    a.signs().await;
    let eight = "From: alice@a.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; \
                 charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nü\r\n";
    let mut alice = a.submit().await;
    alice
        .deliver("alice@a.example", &["bob@b.example"], eight)
        .await;
    later(Duration::from_secs(30)).await;
    let text = &b.only("bob").await;
    assert!(
        text.contains("DKIM-Signature:") && text.is_ascii(),
        "{text}"
    );
    assert!(
        text.contains("Content-Transfer-Encoding: base64\r\n\r\nw7wNCg==\r\n"),
        "{text}"
    );
    a.leads("fwd", &["nobody@b.example"], None).await;
    bob_writes(&a, "fwd@a.example").await;
    let [_, report] = &b.texts("bob").await[..] else {
        panic!("one report")
    };
    assert!(report.contains("postmaster@a.example"), "{report}");
    assert!(
        report.contains("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=a.example")
    );
}
