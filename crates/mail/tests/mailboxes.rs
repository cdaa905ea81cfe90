//! Mailboxes, messages and views over the memory engine.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]

mod house;

use house::*;
use mail::*;

const HELLO: &[u8] = b"From: A <a@elsewhere.test>\r\nTo: alice@example.test\r\nSubject: hello\r\nMessage-ID: <1@elsewhere.test>\r\n\r\nHello, Alice.\r\n";

#[tokio::test]
async fn a_new_account_has_its_six_mailboxes_subscribed() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    let boxes = alice.mailboxes().unwrap();
    let names: Vec<_> = boxes.iter().map(|b| b.name.as_str().to_owned()).collect();
    assert_eq!(
        names,
        ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"]
    );
    assert!(
        boxes
            .iter()
            .all(|b| b.subscribed && b.selectable && !b.has_children)
    );
    assert_eq!(boxes[1].special_use, Some(SpecialUse::Archive));
}

#[tokio::test]
async fn a_new_account_has_the_mailboxes_that_are_set() {
    let settings = MailSettings {
        first_mailboxes: vec![FirstMailbox {
            name: name("Gesendet"),
            special_use: Some(SpecialUse::Sent),
        }],
        ..MailSettings::default()
    };
    let house = House::over(store::Db::memory(), settings).await;
    let boxes = house.account("alice").await.mailboxes().unwrap();
    let told: Vec<_> = boxes
        .iter()
        .map(|b| (b.name.as_str(), b.special_use))
        .collect();
    assert_eq!(
        told,
        [("INBOX", None), ("Gesendet", Some(SpecialUse::Sent))]
    );
}

#[tokio::test]
async fn a_delivered_message_is_in_inbox_with_prefix_and_envelope() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house.deliver("alice+lists", HELLO).await.unwrap();
    let view = alice
        .select(&MailboxName::inbox(), Access::ReadWrite)
        .await
        .unwrap();
    let all = everything(&view);
    assert_eq!(all.len(), 1);
    let ready = all[0].ready.as_ref().unwrap();
    let text = whole(&all[0]);
    assert!(text.starts_with(b"Return-Path: <sender@elsewhere.test>\r\nFrom: A"));
    assert_eq!(ready.size(), text.len() as u64);
    assert_eq!(ready.preview(), "Hello, Alice.");
    let delivered = ready.delivered().unwrap();
    assert_eq!(delivered.recipient, "alice+lists@example.test");
    assert_eq!(ready.header_field("subject").unwrap().as_ref(), b"hello");
    let parts = ready.parts();
    let range = parts.locate(&[], Section::Text).unwrap();
    assert_eq!(
        &text[range.start as usize..range.end as usize],
        b"Hello, Alice.\r\n"
    );
    assert!(all[0].recent);
    let status = alice.status(&MailboxName::inbox()).unwrap();
    assert_eq!(
        (
            status.messages,
            status.unseen,
            status.recent,
            status.uid_next
        ),
        (1, 1, 0, 2)
    );
    assert_eq!(status.bytes, text.len() as u64);
}

#[tokio::test]
async fn a_mailbox_gets_another_use_and_the_change_log_has_what_was_before() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    let since = alice.changes(ModSeq(0), 1_000).unwrap();
    let since = since.last().unwrap().modseq;
    let of = |special_use| MailboxChange {
        special_use: Some(special_use),
        subscribed: None,
    };
    let taken = alice
        .set_mailbox(&name("Sent"), of(Some(SpecialUse::Junk)))
        .await;
    assert!(matches!(taken, Err(MailboxError::SpecialUseTaken)));
    alice.set_mailbox(&name("Junk"), of(None)).await.unwrap();
    alice
        .set_mailbox(&name("Sent"), of(Some(SpecialUse::Junk)))
        .await
        .unwrap();
    // the same again is no change
    alice
        .set_mailbox(&name("Sent"), of(Some(SpecialUse::Junk)))
        .await
        .unwrap();
    let uses = |n: &str| alice.mailbox(&name(n)).unwrap().unwrap().special_use;
    assert_eq!((uses("Junk"), uses("Sent")), (None, Some(SpecialUse::Junk)));
    let before: Vec<_> = alice
        .changes(since, 1_000)
        .unwrap()
        .into_iter()
        .flat_map(|entry| entry.changes)
        .map(|change| match change {
            Change::MailboxAssigned { before, .. } => before,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(before, [Some(SpecialUse::Junk), Some(SpecialUse::Sent)]);
}

#[tokio::test]
async fn what_cannot_have_a_use_gets_none() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    let archive = MailboxChange {
        special_use: Some(Some(SpecialUse::Archive)),
        subscribed: None,
    };
    alice.create(&name("up/down"), None).await.unwrap();
    alice.delete(&name("up")).await.unwrap();
    let set = async |n: &str| alice.set_mailbox(&name(n), archive).await;
    assert!(matches!(set("up").await, Err(MailboxError::NoSelect)));
    assert!(matches!(set("INBOX").await, Err(MailboxError::Invalid(_))));
    assert!(matches!(set("none").await, Err(MailboxError::NotFound)));
}
