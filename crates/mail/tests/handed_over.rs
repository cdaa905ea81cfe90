//! Answers that rest on what another session has handed over but the disk does not hold yet.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]

mod house;

use house::House;
use mail::{Access, Account, FlagChange, Flags, MailSettings, MailboxName, NewMessage};
use mail::{SystemFlags, View};
use roaring::RoaringBitmap;
use std::time::Duration;
use store::{Db, Files, Settings, SimDisk};

const LONG: Duration = Duration::from_secs(5);

async fn two_views(house: &House) -> (View, View, Account) {
    let account = house.account("alice").await;
    let inbox = MailboxName::inbox();
    let message = NewMessage {
        body: house.body(b"Subject: one\r\n\r\ntext\r\n").await,
        flags: Flags::system(SystemFlags::DELETED),
        internal_date: None,
    };
    account.append(&inbox, vec![message]).await.unwrap();
    let first = account.select(&inbox, Access::ReadWrite).await.unwrap();
    let second = account.select(&inbox, Access::ReadWrite).await.unwrap();
    (first, second, account)
}

async fn after_a_power_cut(disk: &SimDisk) -> View {
    disk.crash();
    let db = Db::open(disk.reopen(), Settings::default()).unwrap();
    let house = House::over(db, MailSettings::default()).await;
    let account = house.found("alice");
    let inbox = MailboxName::inbox();
    account.select(&inbox, Access::ReadOnly).await.unwrap()
}

async fn house() -> (House, SimDisk) {
    let (files, disk) = Files::sim(1);
    let db = Db::open(files, Settings::default()).unwrap();
    (House::over(db, MailSettings::default()).await, disk)
}

#[tokio::test(start_paused = true)]
async fn an_expunge_that_finds_another_under_way_waits_for_it() {
    let (house, disk) = house().await;
    let (mut first, mut second, _) = two_views(&house).await;
    disk.set_slowness(LONG);
    let under_way = tokio::spawn(async move { first.expunge(None).await });
    tokio::task::yield_now().await;
    assert_eq!(second.expunge(None).await.unwrap(), Vec::<u32>::new());
    assert!(after_a_power_cut(&disk).await.is_empty());
    drop(under_way);
}

#[tokio::test(start_paused = true)]
async fn flags_that_another_sets_are_told_only_when_they_are_kept() {
    let (house, disk) = house().await;
    let (mut first, mut second, _) = two_views(&house).await;
    let one = RoaringBitmap::from([1]);
    let seen = FlagChange::Add(Flags::system(SystemFlags::SEEN));
    disk.set_slowness(LONG);
    let (also_one, also_seen) = (one.clone(), seen.clone());
    let under_way = tokio::spawn(async move { first.store(&also_one, &also_seen, None).await });
    tokio::task::yield_now().await;
    let told = second.store(&one, &seen, None).await.unwrap();
    assert!(told.changed[0].1.system.contains(SystemFlags::SEEN));
    let view = after_a_power_cut(&disk).await;
    assert!(!view.unseen().unwrap().contains(1));
    drop(under_way);
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_what_another_expunges_waits_for_the_expunge() {
    let (house, disk) = house().await;
    let (mut first, mut second, _) = two_views(&house).await;
    disk.set_slowness(LONG);
    let under_way = tokio::spawn(async move { first.expunge(None).await });
    tokio::task::yield_now().await;
    let archive = MailboxName::try_from("Archive").unwrap();
    let one = RoaringBitmap::from([1]);
    assert!(second.copy(&one, &archive).await.unwrap().from.is_empty());
    assert!(after_a_power_cut(&disk).await.is_empty());
    drop(under_way);
}
