//! Delivered mail is found again by what people know of it.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]

mod house;

use house::{House, name, set};
use mail::{Access, Addressed, Arrival, Dsn, Prefix, Presence, Sought};

async fn deliver(house: &House, to: &str, id: &str, text: &str) {
    let prefix = format!(
        "Return-Path: <sender@elsewhere.test>\r\n\
         Received: from x ([192.0.2.1]) by mx.example.test with ESMTP\r\n\
         \tid {id}; Mon, 23 Nov 2026 01:20:09 +0000\r\n"
    );
    let message = house.incoming(text.as_bytes()).await;
    let to = house.resolved(to).await;
    let addressed = |delivery| Addressed {
        delivery,
        prefix: Prefix(prefix.clone().into()),
        dsn: Dsn::default(),
    };
    let to = to.into_iter().map(addressed).collect();
    house.mail.deliver(message, to).await.unwrap();
    house.clock.advance(std::time::Duration::from_secs(1));
}

async fn found(house: &House, sought: Sought) -> Vec<Arrival> {
    let arrivals = house
        .mail
        .arrivals(&house.admin, &sought, 10)
        .await
        .unwrap();
    assert!(!arrivals.is_cut);
    arrivals.found
}

fn places(arrival: &Arrival) -> Vec<(String, u32, Presence)> {
    let place = |place: &mail::ArrivalPlace| {
        let mailbox = place.mailbox.as_ref().map(ToString::to_string);
        (mailbox.unwrap_or_default(), place.uid, place.presence)
    };
    arrival.places.iter().map(place).collect()
}

#[tokio::test]
async fn delivered_mail_is_found_by_id_message_id_and_address() {
    let house = House::memory().await;
    house.account("ann").await;
    house.account("bob").await;
    let with_id = "Message-ID: <one@elsewhere.test>\r\n\r\nx\r\n";
    deliver(&house, "ann", "abc123", with_id).await;
    deliver(&house, "ann", "def456", "Subject: y\r\n\r\ny\r\n").await;
    deliver(&house, "bob", "def456", "Subject: y\r\n\r\ny\r\n").await;
    let by_id = found(&house, Sought::Id("abc123".to_owned())).await;
    assert_eq!(by_id.len(), 1);
    assert_eq!(by_id[0].message_id.as_deref(), Some("one@elsewhere.test"));
    assert_eq!(by_id[0].envelope.recipient, "ann@example.test");
    let there = Presence::There;
    assert_eq!(places(&by_id[0]), [("INBOX".to_owned(), 1, there)]);
    let both = found(&house, Sought::Id("def456".to_owned())).await;
    assert_eq!(both.len(), 2, "one in each account");
    let by_message_id = Sought::MessageId("one@elsewhere.test".to_owned());
    assert_eq!(found(&house, by_message_id).await, by_id);
    let ann = Sought::Address("ANN@example.test".parse().unwrap());
    let of_ann = found(&house, ann).await;
    let ids: Vec<_> = of_ann.iter().flat_map(|one| one.id.clone()).collect();
    assert_eq!(ids, ["def456", "abc123"], "newest first");
    let sender = Sought::Address("sender@elsewhere.test".parse().unwrap());
    assert_eq!(found(&house, sender).await.len(), 3);
    assert!(found(&house, Sought::Id("abc".to_owned())).await.is_empty());
}

#[tokio::test]
async fn mail_is_found_where_its_owner_has_put_it() {
    let house = House::memory().await;
    let ann = house.account("ann").await;
    deliver(&house, "ann", "abc123", "Subject: x\r\n\r\nx\r\n").await;
    deliver(&house, "ann", "def456", "Subject: y\r\n\r\ny\r\n").await;
    ann.create(&name("Kept"), None).await.unwrap();
    let mut view = ann.select(&name("INBOX"), Access::ReadWrite).await.unwrap();
    view.move_to(&set(&[1]), &name("Kept")).await.unwrap();
    let moved = found(&house, Sought::Id("abc123".to_owned())).await;
    let mut all = places(&moved[0]);
    all.sort_by_key(|(_, _, presence)| *presence == Presence::Gone);
    assert_eq!(all[0], ("Kept".to_owned(), 1, Presence::There));
    assert!(all[1..].iter().all(|place| place.2 == Presence::Gone));
    ann.append(&name("Kept"), Vec::new()).await.ok();
    let appended = found(
        &house,
        Sought::Address("nobody@example.test".parse().unwrap()),
    )
    .await;
    assert!(appended.is_empty());
}
