//! Many tasks at once, on the embedded engine, and what is there after it is opened again.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]

mod house;

use house::*;
use mail::*;
use std::collections::BTreeSet;
use std::sync::Arc;

async fn crowd(house: Arc<House>, accounts: &[&'static str], tasks: usize) {
    let mut running = Vec::new();
    for task in 0..tasks {
        let (house, to) = (house.clone(), accounts[task % accounts.len()]);
        running.push(tokio::spawn(async move {
            for n in 0..5 {
                let text = format!("Message-ID: <{task}.{n}@x>\r\n\r\ntext\r\n");
                house.deliver(to, text.as_bytes()).await.unwrap();
            }
        }));
    }
    for one in running {
        one.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_deliveries_to_one_inbox_and_to_many_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let house = Arc::new(House::embedded(folder.path(), MailSettings::default()).await);
    let alice = house.account("alice").await;
    house.account("bob").await;
    let carol = house.account("carol").await;
    crowd(house.clone(), &["alice"], 20).await;
    crowd(house.clone(), &["alice", "bob", "carol"], 30).await;
    let view = alice
        .select(&MailboxName::inbox(), Access::ReadOnly)
        .await
        .unwrap();
    let ids: BTreeSet<_> = everything(&view)
        .iter()
        .map(|m| m.ready.as_ref().unwrap().email_id())
        .collect();
    assert_eq!((view.len(), ids.len(), view.uid_next()), (150, 150, 151));
    assert_eq!(carol.status(&MailboxName::inbox()).unwrap().messages, 50);
    assert_eq!(house.problems().await, []);
}

#[tokio::test]
async fn all_is_there_after_the_house_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::embedded(folder.path(), MailSettings::default()).await;
    let alice = house.account("alice").await;
    alice.create(&name("a/b"), None).await.unwrap();
    house
        .append(
            &alice,
            "a/b",
            &["Subject: one\r\n\r\n1", "Subject: two\r\n\r\n2"],
        )
        .await
        .unwrap();
    let mut view = alice.select(&name("a/b"), Access::ReadWrite).await.unwrap();
    let seen = FlagChange::Add(Flags::system(SystemFlags::SEEN));
    view.store(&set(&[1]), &seen, None).await.unwrap();
    let status = alice.status(&name("a/b")).unwrap();
    let id = alice.id();
    drop((view, alice));
    house.db.close().await;
    drop(house);
    let house = House::embedded(folder.path(), MailSettings::default()).await;
    let alice = house.mail.account_as_admin(&house.admin, id);
    assert_eq!(alice.status(&name("a/b")).unwrap(), status);
    let view = alice.select(&name("a/b"), Access::ReadOnly).await.unwrap();
    let all = everything(&view);
    assert_eq!(whole(&all[0]), b"Subject: one\r\n\r\n1");
    assert!(all[0].flags.system.contains(SystemFlags::SEEN));
    assert_eq!(house.problems().await, []);
}
