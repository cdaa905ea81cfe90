//! No UID means two messages, also where the end of the log was spoilt. What never happens here: damage
//! with good frames behind it (`damage.rs` and the store's own tests).
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod house;

use house::House;
use mail::*;
use store::{Files, Settings, SimDisk, SimFailure};

const HEADER_BYTES: usize = 72;

async fn opened(files: Files) -> House {
    let db = Db::open(files, Settings::default()).unwrap();
    House::over(db, MailSettings::default()).await
}

/// The UID of one more message in INBOX.
async fn one_more(house: &House) -> u32 {
    let alice = house.found("alice");
    let appended = house.append(&alice, "INBOX", &["Subject: a\r\n\r\nb\r\n"]);
    appended.await.unwrap().uids[0]
}

/// Four messages, and the power fails.
async fn four() -> SimDisk {
    let (files, disk) = Files::sim(7);
    let house = opened(files).await;
    house.account("alice").await;
    for uid in 1..=4 {
        assert_eq!(one_more(&house).await, uid);
    }
    drop(house);
    disk.crash();
    disk
}

fn last_log_file(disk: &SimDisk) -> (String, Vec<u8>) {
    let logs = disk
        .paths()
        .into_iter()
        .filter(|path| path.starts_with("log/"));
    let last = logs.max().unwrap();
    let bytes = disk.contents(&last).unwrap();
    (last, bytes)
}

/// The disk loses what the last message's frame ended with.
fn spoil_the_end(disk: &SimDisk) {
    let (path, mut bytes) = last_log_file(disk);
    *bytes.last_mut().unwrap() ^= 1;
    disk.replace(&path, bytes);
}

#[tokio::test]
async fn goes_on_where_it_was_when_nothing_is_lost() {
    let disk = four().await;
    let house = opened(disk.reopen()).await;
    assert_eq!(one_more(&house).await, 5);
}

#[tokio::test]
async fn a_uid_that_was_lost_with_the_end_of_the_log_is_not_given_again() {
    let disk = four().await;
    spoil_the_end(&disk);
    let house = opened(disk.reopen()).await;
    let report = house.db.open_report();
    assert!(
        report.torn_tail_bytes > 0 && report.damage.is_empty(),
        "nobody can tell the two apart"
    );
    let uid = one_more(&house).await;
    assert!((1_000..3_000).contains(&uid), "{uid}");
    assert_eq!(house.problems().await, []);
    drop(house);
    // The same gap is passed over once.
    disk.crash();
    let house = opened(disk.reopen()).await;
    assert_eq!(one_more(&house).await, uid + 1);
}

#[tokio::test]
async fn nor_if_the_start_that_finds_the_gap_is_cut_off_anywhere() {
    for operation in 1.. {
        let disk = four().await;
        spoil_the_end(&disk);
        let last = disk.operations() + operation;
        disk.fail_at(last, SimFailure::Crash);
        if let Ok(db) = Db::open(disk.reopen(), Settings::default()) {
            let clock = net::Clock::manual(net::Time::from_seconds(1_700_000_000));
            let random = net::Random::seeded(1);
            let _ = Mail::open(db, clock, random, MailSettings::default()).await;
        }
        let struck = disk.operations() >= last;
        disk.forgive();
        disk.crash();
        let house = opened(disk.reopen()).await;
        let uid = one_more(&house).await;
        assert!(uid > 4, "operation {operation}: {uid}");
        if !struck {
            assert!(operation > 8, "it takes several operations");
            return;
        }
    }
}

#[tokio::test]
async fn nor_if_all_that_was_written_since_is_lost_as_well() {
    let disk = four().await;
    let mut highest = 4;
    for _ in 0..3 {
        let (path, bytes) = last_log_file(&disk);
        let spoilt = bytes.iter().enumerate();
        let spoilt = spoilt.map(|(at, byte)| {
            if at < bytes.len().min(HEADER_BYTES) {
                *byte
            } else {
                0
            }
        });
        if highest > 4 {
            disk.replace(&path, spoilt.collect());
        } else {
            spoil_the_end(&disk);
        }
        let house = opened(disk.reopen()).await;
        let uid = one_more(&house).await;
        assert!(uid > highest, "{uid} after {highest}");
        highest = one_more(&house).await;
        drop(house);
        disk.crash();
    }
}
