//! COPY and APPEND of many large messages while the disk fails at any one of its operations: all
//! messages are there or none, before and after the next start. MOVE of them: each is in one mailbox.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod house;

use house::{House, name};
use mail::{Access, Account, AppendError, MailSettings};
use store::{Db, Files, Settings, SimDisk, SimFailure};

const MESSAGES: u32 = 8;
/// Whose records fill more than one frame of the log, so that a MOVE can break off between two.
const MOVED: u32 = 256;

/// Its record is large, so that several of them make more than one transaction.
fn large_message() -> String {
    let many = "somebody@a-rather-long-name.example.org, ".repeat(1_000);
    format!("To: {many}\r\nSubject: x\r\n\r\ntext\r\n")
}

async fn fill(house: &House, account: &Account, mailbox: &str) -> Result<(), AppendError> {
    let text = large_message();
    let texts = vec![&*text; MESSAGES as usize];
    house.append(account, mailbox, &texts).await.map(drop)
}

async fn copy(_: &House, account: &Account) -> Result<(), AppendError> {
    let view = account.select(&name("INBOX"), Access::ReadOnly).await;
    let mut view = view.unwrap();
    let all = view.uids().clone();
    view.copy(&all, &name("Archive")).await.map(drop)
}

async fn append(house: &House, account: &Account) -> Result<(), AppendError> {
    fill(house, account, "Archive").await
}

/// The records of one APPEND are in memory together, so what they may be together is bounded.
#[tokio::test]
async fn an_append_of_many_messages_with_large_records_is_refused_whole() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    let text = large_message();
    let texts = vec![&*text; mail::limits::APPEND_RECORDS_BYTES / text.len() + 1];
    assert!(texts.len() < mail::limits::APPEND_MESSAGES);
    let refused = house.append(&alice, "Archive", &texts).await;
    assert!(matches!(refused, Err(AppendError::TooMany)));
    assert_eq!(count(&house, &alice).await, 0);
}

/// How many messages there are, after a look at whether everything fits together.
async fn count(house: &House, account: &Account) -> u32 {
    assert_eq!(house.problems().await, []);
    account.status(&name("Archive")).unwrap().messages
}

async fn opened(files: Files) -> House {
    let db = Db::open(files, Settings::default()).unwrap();
    House::over(db, MailSettings::default()).await
}

/// A house with mail in INBOX, on a disk that works.
async fn filled(seed: u64) -> (House, Account, SimDisk) {
    let (files, disk) = Files::sim(seed);
    let house = opened(files).await;
    let alice = house.account("alice").await;
    fill(&house, &alice, "INBOX").await.unwrap();
    (house, alice, disk)
}

/// A house with mail in INBOX, on a disk whose n-th operation from now on fails.
async fn set_up(n: u64, failure: SimFailure) -> (House, Account, SimDisk) {
    let (house, alice, disk) = filled(n).await;
    disk.fail_at(disk.operations() + n, failure);
    (house, alice, disk)
}

/// Runs `command` with each of its disk operations failing in turn, until all of them went well.
async fn check<F>(failure: SimFailure, command: F)
where
    F: AsyncFn(&House, &Account) -> Result<(), AppendError>,
{
    for n in 1.. {
        let (house, alice, disk) = set_up(n, failure).await;
        let last = disk.operations() + n;
        let result = command(&house, &alice).await;
        let struck = disk.operations() >= last;
        disk.forgive();
        let expect = if result.is_ok() { MESSAGES } else { 0 };
        if failure == SimFailure::InputOutput {
            assert_eq!(count(&house, &alice).await, expect, "{n}: {result:?}");
        }
        drop((alice, house));
        disk.crash();
        let house = opened(disk.reopen()).await;
        let alice = house.found("alice");
        let there = count(&house, &alice).await;
        let outcome_is_open = result.is_err() && failure != SimFailure::InputOutput;
        assert!(
            there == expect || outcome_is_open && there == MESSAGES,
            "{n}: {result:?}, and {there} messages are there"
        );
        if !struck {
            assert!(n > 3, "it takes several transactions");
            return;
        }
    }
}

/// [rfc9051 6.4.7]
/// [rfc9051 6.4.7 #4]
/// [rfc3501 6.4.7 #2]
#[tokio::test]
async fn a_copy_is_whole_or_nothing_whatever_write_fails() {
    check(SimFailure::InputOutput, copy).await;
}

/// [rfc9051 6.4.7]
#[tokio::test]
async fn a_copy_is_whole_or_nothing_wherever_the_power_fails() {
    check(SimFailure::Crash, copy).await;
}

/// [rfc3502 6.3.11]
/// [rfc9051 6.3.12 #2]
/// [rfc3501 6.3.11 #3]
#[tokio::test]
async fn an_append_of_many_is_whole_or_nothing_whatever_write_fails() {
    check(SimFailure::InputOutput, append).await;
}

/// [rfc3502 6.3.11]
#[tokio::test]
async fn an_append_of_many_is_whole_or_nothing_wherever_the_power_fails() {
    check(SimFailure::Crash, append).await;
}

/// Messages in INBOX and in Archive.
fn halves(account: &Account) -> (u32, u32) {
    let messages = |mailbox| account.status(&name(mailbox)).unwrap().messages;
    (messages("INBOX"), messages("Archive"))
}

/// Whether all of INBOX could be moved.
async fn move_all(account: &Account) -> bool {
    let view = account.select(&name("INBOX"), Access::ReadWrite).await;
    let Ok(mut view) = view else {
        return false;
    };
    let all = view.uids().clone();
    view.move_to(&all, &name("Archive")).await.is_ok()
}

/// As `set_up`, with as many messages as a move needs; copies cost no parsing.
async fn set_up_move(n: u64, failure: SimFailure) -> (House, Account, SimDisk) {
    let (house, alice, disk) = filled(n).await;
    let inbox = name("INBOX");
    while alice.status(&inbox).unwrap().messages < MOVED {
        let mut view = alice.select(&inbox, Access::ReadOnly).await.unwrap();
        let all = view.uids().clone();
        view.copy(&all, &inbox).await.unwrap();
    }
    disk.fail_at(disk.operations() + n, failure);
    (house, alice, disk)
}

/// Moves with each disk operation failing in turn; no message is lost, and none is in both.
async fn check_move(failure: SimFailure) {
    let mut is_seen_half_done = false;
    for n in 1.. {
        let (house, alice, disk) = set_up_move(n, failure).await;
        let last = disk.operations() + n;
        let is_moved = move_all(&alice).await;
        let struck = disk.operations() >= last;
        disk.forgive();
        if failure == SimFailure::InputOutput {
            let (from, to) = halves(&alice);
            assert_eq!(from + to, MOVED, "{n}");
        }
        drop((alice, house));
        disk.crash();
        let house = opened(disk.reopen()).await;
        let alice = house.found("alice");
        let (from, to) = halves(&alice);
        assert_eq!(from + to, MOVED, "{n}");
        if from > 0 && to > 0 && !is_seen_half_done {
            is_seen_half_done = true;
            assert_eq!(house.problems().await, []);
        }
        assert!(!is_moved || to == MOVED, "{n}: {from}, {to}");
        if !struck {
            assert!(
                is_moved && is_seen_half_done,
                "{n}: it takes several frames"
            );
            return;
        }
    }
}

/// [rfc9051 6.4.8 #2]
#[tokio::test]
async fn a_move_leaves_each_message_in_one_mailbox_whatever_write_fails() {
    check_move(SimFailure::InputOutput).await;
}

/// [rfc9051 6.4.8 #3]
#[tokio::test]
async fn a_move_leaves_each_message_in_one_mailbox_wherever_the_power_fails() {
    check_move(SimFailure::Crash).await;
}
