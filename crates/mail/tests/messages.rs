//! STORE, EXPUNGE, COPY, MOVE, APPEND, quota and history over the memory engine.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]

mod house;

use house::*;
use mail::*;
use std::time::Duration;

const TEXT: &str = "Subject: x\r\n\r\ntext\r\n";

async fn inbox(account: &Account) -> View {
    account
        .select(&MailboxName::inbox(), Access::ReadWrite)
        .await
        .unwrap()
}

fn deleted() -> FlagChange {
    FlagChange::Add(Flags::system(SystemFlags::DELETED))
}

/// [rfc7162 3.1.3]
#[tokio::test]
async fn store_leaves_alone_what_changed_since() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house.append(&alice, "INBOX", &[TEXT, TEXT]).await.unwrap();
    let mut one = inbox(&alice).await;
    let mut two = inbox(&alice).await;
    let since = one.modseq();
    two.store(&set(&[2]), &deleted(), None).await.unwrap();
    let stored = one
        .store(&set(&[1, 2]), &deleted(), Some(since))
        .await
        .unwrap();
    assert_eq!(stored.modified, [2]);
    assert_eq!(stored.changed.iter().map(|c| c.0).collect::<Vec<_>>(), [1]);
    let updates = one.advance(Expunges::Hold).unwrap();
    assert!(
        matches!(updates[..], [Update::Flags { uid: 2, .. }]),
        "{updates:?}"
    );
    let updates = two.advance(Expunges::Hold).unwrap();
    assert!(
        matches!(updates[..], [Update::Flags { uid: 1, .. }]),
        "{updates:?}"
    );
}

#[tokio::test]
async fn every_store_has_a_modseq_of_its_own_also_at_once() {
    // [rfc7162 3.1 #2 #3]
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house.append(&alice, "INBOX", &[TEXT, TEXT]).await.unwrap();
    let (mut one, mut two) = (inbox(&alice).await, inbox(&alice).await);
    let (first, second) = (set(&[1]), set(&[2]));
    let mut last = one.modseq();
    for change in [deleted(), FlagChange::Replace(Flags::default()), deleted()] {
        let (here, there) = tokio::join!(
            one.store(&first, &change, None),
            two.store(&second, &change, None),
        );
        let (here, there) = (here.unwrap().changed[0].2, there.unwrap().changed[0].2);
        assert_ne!(here, there);
        assert!(here > last && there > last, "{last:?} {here:?} {there:?}");
        last = here.max(there);
    }
}

/// [rfc9051 7.5.1]
#[tokio::test]
async fn an_expunged_message_shows_until_it_is_told() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house
        .append(&alice, "INBOX", &[TEXT, TEXT, TEXT])
        .await
        .unwrap();
    let mut one = inbox(&alice).await;
    let mut two = inbox(&alice).await;
    two.store(&set(&[2]), &deleted(), None).await.unwrap();
    assert_eq!(two.expunge(None).await.unwrap(), [2]);
    let all = everything(&one);
    assert_eq!(all.len(), 3);
    assert!(
        all[1].flags.system.contains(SystemFlags::DELETED),
        "with its last flags"
    );
    assert_eq!(whole(&all[1]), TEXT.as_bytes());
    assert_eq!(one.advance(Expunges::Hold).unwrap(), []);
    assert_eq!(everything(&one).len(), 3);
    assert_eq!(
        one.advance(Expunges::Tell).unwrap(),
        [Update::Expunged { seq: 2, uid: 2 }]
    );
    assert_eq!(
        (one.len(), one.seq_of(3), one.uid_at(2)),
        (2, Some(2), Some(3))
    );
}

#[tokio::test]
async fn large_copies_and_appends_are_shown_at_once_and_moves_lose_nothing() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    for _ in 0..5 {
        let texts = vec![TEXT; 500];
        house.append(&alice, "INBOX", &texts).await.unwrap();
    }
    let mut view = inbox(&alice).await;
    assert_eq!(view.len(), 2_500);
    let seen = FlagChange::Add(Flags {
        system: SystemFlags::SEEN,
        keywords: vec![Keyword::new("Work").unwrap()],
    });
    let all = view.uids().clone();
    let stored = view.store(&all, &seen, None).await.unwrap();
    assert_eq!(stored.changed.len(), 2_500);
    let copied = view.copy(&all, &name("Archive")).await.unwrap();
    assert_eq!((copied.from.len(), copied.to.len()), (2_500, 2_500));
    let archive = alice
        .select(&name("Archive"), Access::ReadOnly)
        .await
        .unwrap();
    let there = everything(&archive);
    assert_eq!(there.len(), 2_500);
    assert!(
        there
            .iter()
            .all(|m| m.flags.has_keyword("work") && m.modseq <= archive.modseq())
    );
    assert!(there.iter().all(|m| m.modseq > ModSeq(0)));
    assert_eq!(alice.status(&name("Archive")).unwrap().unseen, 0);
    let moved = view.move_to(&all, &name("Trash")).await.unwrap();
    assert_eq!(moved.to.len(), 2_500);
    let told = view.advance(Expunges::Tell).unwrap();
    assert_eq!((told.len(), view.len()), (2_500, 0));
    assert_eq!(alice.quota().unwrap().used_messages, 5_000);
    assert_eq!(house.problems().await, []);
}

#[tokio::test]
async fn a_delivery_waits_while_its_inbox_is_filled() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    for _ in 0..4 {
        house
            .append(&alice, "Archive", &vec![TEXT; 500])
            .await
            .unwrap();
    }
    let mut archive = alice
        .select(&name("Archive"), Access::ReadWrite)
        .await
        .unwrap();
    let all = archive.uids().clone();
    let to_inbox = MailboxName::inbox();
    let (copied, delivered) = tokio::join!(
        archive.copy(&all, &to_inbox),
        house.deliver("alice", TEXT.as_bytes()),
    );
    let (copied, delivered) = (copied.unwrap(), delivered.unwrap());
    let uid = delivered.to[0].uid;
    assert!(copied.to.iter().all(|to| *to != uid));
    assert_eq!(copied.to.len(), 2_000);
    assert!(
        copied.to.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "one unbroken range"
    );
    assert_eq!(inbox(&alice).await.len(), 2_001);
    assert_eq!(house.problems().await, []);
}

#[tokio::test]
async fn over_quota_nothing_is_changed() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house.set_quota("alice", 60).await;
    house.append(&alice, "INBOX", &[TEXT, TEXT]).await.unwrap();
    let refused = house.append(&alice, "INBOX", &[TEXT, TEXT]).await;
    assert!(matches!(refused, Err(AppendError::OverQuota)));
    let refused = house.deliver("alice", TEXT.as_bytes()).await;
    assert!(matches!(refused, Err(DeliverError::OverQuota(who)) if who.len() == 1));
    let mut view = inbox(&alice).await;
    let refused = view.copy(&set(&[1, 2]), &name("Archive")).await;
    assert!(matches!(refused, Err(AppendError::OverQuota)));
    view.move_to(&set(&[1, 2]), &name("Archive")).await.unwrap();
    assert_eq!(alice.quota().unwrap().used_bytes, 2 * TEXT.len() as u64);
    house.set_quota("alice", 10).await;
    let resolved = house
        .mail
        .directory()
        .resolve(&address("alice"))
        .await
        .unwrap();
    assert!(matches!(resolved, Resolved::OverQuota));
    assert_eq!(house.problems().await, []);
}

#[tokio::test]
async fn history_ends_after_its_time_unless_a_view_needs_it() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house.append(&alice, "INBOX", &[TEXT, TEXT]).await.unwrap();
    let mut one = inbox(&alice).await;
    let mut two = inbox(&alice).await;
    two.expunge_uids(&set(&[1])).await.unwrap();
    two.advance(Expunges::Tell).unwrap();
    house.clock.advance(Duration::from_secs(31 * 24 * 3600));
    house.mail.upkeep_now(&house.admin).await.unwrap();
    assert_eq!(
        whole(&everything(&one)[0]),
        TEXT.as_bytes(),
        "a view still shows it"
    );
    one.advance(Expunges::Tell).unwrap();
    let report = house.mail.upkeep_now(&house.admin).await.unwrap();
    assert_eq!(
        (report.messages_forgotten, report.bytes_forgotten),
        (1, TEXT.len() as u64)
    );
    assert!(alice.changes(ModSeq(0), 100).unwrap().is_empty());
    let freed = house.mail.vacuum_now(&house.admin).await.unwrap();
    assert_eq!(freed.bodies_dropped, 1);
    assert_eq!(
        whole(&everything(&one)[0]),
        TEXT.as_bytes(),
        "the other one stays"
    );
    assert_eq!(house.problems().await, []);
}

#[tokio::test]
async fn too_much_history_is_forgotten_oldest_first() {
    let settings = MailSettings {
        history_max_bytes: Some(50),
        ..MailSettings::default()
    };
    let house = House::over(Db::memory(), settings).await;
    let alice = house.account("alice").await;
    house.append(&alice, "INBOX", &[TEXT; 4]).await.unwrap();
    let mut view = inbox(&alice).await;
    for uid in 1..=4 {
        view.expunge_uids(&set(&[uid])).await.unwrap();
    }
    view.advance(Expunges::Tell).unwrap();
    let report = house.mail.upkeep_now(&house.admin).await.unwrap();
    assert_eq!(report.messages_forgotten, 2);
    assert_eq!(alice.quota().unwrap().used_bytes, 0);
    assert_eq!(house.problems().await, []);
}

#[tokio::test]
async fn a_deleted_mailbox_is_swept_when_its_history_ends() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    alice.create(&name("a/b"), None).await.unwrap();
    house.append(&alice, "a", &[TEXT, TEXT]).await.unwrap();
    let mut view = alice.select(&name("a"), Access::ReadWrite).await.unwrap();
    let before = alice.status(&name("a")).unwrap();
    alice.delete(&name("a")).await.unwrap();
    assert!(matches!(view.advance(Expunges::Tell), Err(ViewError::Gone)));
    assert!(matches!(
        alice.status(&name("a")),
        Err(MailboxError::NoSelect)
    ));
    assert!(matches!(
        alice.delete(&name("a")).await,
        Err(MailboxError::HasChildren)
    ));
    alice.create(&name("a"), None).await.unwrap();
    let after = alice.status(&name("a")).unwrap();
    assert!(after.uid_validity > before.uid_validity && after.messages == 0);
    house.append(&alice, "a", &[TEXT]).await.unwrap();
    assert!(matches!(view.advance(Expunges::Tell), Err(ViewError::Gone)));
    assert_eq!(house.problems().await, []);
    drop(view);
    house.clock.advance(Duration::from_secs(31 * 24 * 3600));
    let report = house.mail.upkeep_now(&house.admin).await.unwrap();
    assert_eq!(report.messages_forgotten, 2);
    assert_eq!(alice.status(&name("a")).unwrap().messages, 1);
    assert_eq!(
        house
            .mail
            .vacuum_now(&house.admin)
            .await
            .unwrap()
            .bodies_dropped,
        2
    );
    let view = alice.select(&name("a"), Access::ReadOnly).await.unwrap();
    assert_eq!(whole(&everything(&view)[0]), TEXT.as_bytes());
    assert_eq!(house.problems().await, []);
}

#[tokio::test]
async fn the_change_log_says_what_was_before() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    let since = alice
        .changes(ModSeq(0), 1_000)
        .unwrap()
        .last()
        .unwrap()
        .modseq;
    house.append(&alice, "INBOX", &[TEXT]).await.unwrap();
    let mut view = inbox(&alice).await;
    view.store(&set(&[1]), &deleted(), None).await.unwrap();
    view.expunge(None).await.unwrap();
    let id = view.id();
    let changes: Vec<_> = alice
        .changes(since, 100)
        .unwrap()
        .into_iter()
        .flat_map(|e| e.changes)
        .collect();
    assert_eq!(
        changes,
        [
            Change::Added {
                mailbox: id,
                uids: vec![1]
            },
            Change::Flags {
                mailbox: id,
                before: vec![(1, Flags::default())]
            },
            Change::Expunged {
                mailbox: id,
                before: vec![(1, Flags::system(SystemFlags::DELETED))]
            },
        ]
    );
}

/// [rfc8474 5.2]
#[tokio::test]
async fn replies_join_the_thread_of_what_they_answer() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    let texts = [
        "Message-ID: <1@x>\r\n\r\n",
        "Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n\r\n",
        "Message-ID: <3@x>\r\n\r\n",
        "Message-ID: <4@x>\r\nReferences: <1@x> <2@x>\r\n\r\n",
    ];
    house.append(&alice, "INBOX", &texts).await.unwrap();
    let view = inbox(&alice).await;
    let threads: Vec<_> = everything(&view)
        .iter()
        .map(|m| m.ready.as_ref().unwrap().thread_id())
        .collect();
    assert_eq!((threads[0], threads[0]), (threads[1], threads[3]));
    assert_ne!(threads[0], threads[2]);
}

#[tokio::test]
async fn a_view_opened_for_reading_changes_nothing() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house.append(&alice, "INBOX", &[TEXT]).await.unwrap();
    let inbox_name = MailboxName::inbox();
    let mut view = alice.select(&inbox_name, Access::ReadOnly).await.unwrap();
    assert_eq!(view.recent(), 1);
    let uids = set(&[1]);
    assert!(matches!(
        view.store(&uids, &deleted(), None).await,
        Err(StoreError::ReadOnlyView)
    ));
    assert!(matches!(
        view.expunge(None).await,
        Err(StoreError::ReadOnlyView)
    ));
    let refused = view.move_to(&uids, &name("Trash")).await;
    assert!(matches!(refused, Err(AppendError::ReadOnlyView)));
    assert_eq!(
        inbox(&alice).await.recent(),
        1,
        "EXAMINE does not claim \\Recent"
    );
    assert_eq!(inbox(&alice).await.recent(), 0, "SELECT does");
}

#[tokio::test]
async fn keywords_are_kept_as_first_spelled_and_bounded() {
    let settings = MailSettings {
        max_keywords: 2,
        ..MailSettings::default()
    };
    let house = House::over(Db::memory(), settings).await;
    let alice = house.account("alice").await;
    house.append(&alice, "INBOX", &[TEXT]).await.unwrap();
    let mut view = inbox(&alice).await;
    let keyword = |word: &str| Flags {
        system: SystemFlags::NONE,
        keywords: vec![Keyword::new(word).unwrap()],
    };
    let uids = set(&[1]);
    view.store(&uids, &FlagChange::Add(keyword("$Work")), None)
        .await
        .unwrap();
    view.store(&uids, &FlagChange::Add(keyword("$WORK")), None)
        .await
        .unwrap();
    view.store(&uids, &FlagChange::Add(keyword("home")), None)
        .await
        .unwrap();
    let refused = view
        .store(&uids, &FlagChange::Add(keyword("third")), None)
        .await;
    assert!(matches!(refused, Err(StoreError::TooManyKeywords)));
    view.store(&uids, &FlagChange::Remove(keyword("never-used")), None)
        .await
        .unwrap();
    let names: Vec<_> = view
        .keywords()
        .unwrap()
        .iter()
        .map(|k| k.to_string())
        .collect();
    assert_eq!(names, ["$Work", "home"]);
    assert!(Keyword::new("a b").is_none() && Keyword::new("\\Seen").is_none());
}

#[tokio::test]
async fn a_message_larger_than_memory_allows_streams_through() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    let mut text = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n".to_vec();
    let line = [b'A'; 76];
    while text.len() < 50 * 1024 * 1024 {
        text.extend_from_slice(&line);
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"--b--\r\n");
    house.deliver("alice", &text).await.unwrap();
    let view = inbox(&alice).await;
    let message = everything(&view).remove(0);
    let ready = message.ready.as_ref().unwrap();
    assert_eq!(ready.preview(), "hi");
    let range = ready.parts().locate(&[2], Section::Whole).unwrap();
    let content = ready.content();
    let end = content.read(range.end - 3, 100).unwrap();
    assert!(end.starts_with(b"AAA\r\n--b--\r\n"));
    assert_eq!(content.len(), ready.size());
}

#[tokio::test]
async fn message_ids_that_nobody_names_are_forgotten() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    let first = "Message-ID: <1@x>\r\n\r\n";
    let reply = "Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n\r\n";
    house.append(&alice, "INBOX", &[first]).await.unwrap();
    let mut view = inbox(&alice).await;
    let thread = everything(&view)[0].ready.as_ref().unwrap().thread_id();
    view.expunge_uids(&set(&[1])).await.unwrap();
    view.advance(Expunges::Tell).unwrap();
    house.mail.vacuum_now(&house.admin).await.unwrap();
    house.append(&alice, "INBOX", &[reply]).await.unwrap();
    let again = everything(&inbox(&alice).await)[0]
        .ready
        .as_ref()
        .unwrap()
        .thread_id();
    assert_eq!(again, thread, "history keeps its thread");
    drop(view);
    let mut view = inbox(&alice).await;
    view.expunge_uids(&set(&[2])).await.unwrap();
    drop(view);
    house.clock.advance(Duration::from_secs(31 * 24 * 3600));
    house.mail.upkeep_now(&house.admin).await.unwrap();
    house.mail.vacuum_now(&house.admin).await.unwrap();
    house.append(&alice, "INBOX", &[first]).await.unwrap();
    let fresh = everything(&inbox(&alice).await)[0]
        .ready
        .as_ref()
        .unwrap()
        .thread_id();
    assert_ne!(fresh, thread);
}

/// Damage in the index took the state of an account, but not its mail.
#[tokio::test]
async fn the_vacuum_keeps_the_bodies_of_an_account_whose_state_is_lost() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house.append(&alice, "INBOX", &[TEXT]).await.unwrap();
    let mut edit = house.db.edit(store::Partition(alice.id().0)).await;
    edit.delete("a");
    edit.submit().await.unwrap();
    let report = house.mail.vacuum_now(&house.admin).await.unwrap();
    assert_eq!(report.bodies_dropped, 0);
}

/// [rfc8474 5.1] [rfc9051 6.4.7] [rfc9051 6.3.12]
#[tokio::test]
async fn a_copy_has_the_flags_date_and_id_of_its_original() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    let date = net::Time::from_seconds(1_000_000_000);
    let flags = Flags::system(SystemFlags::FLAGGED | SystemFlags::SEEN);
    let body = house.body(TEXT.as_bytes()).await;
    let message = NewMessage {
        body,
        flags: flags.clone(),
        internal_date: Some(date),
    };
    alice
        .append(&MailboxName::inbox(), vec![message])
        .await
        .unwrap();
    let mut view = inbox(&alice).await;
    house.clock.advance(Duration::from_secs(60));
    view.copy(&set(&[1]), &name("Archive")).await.unwrap();
    let archive = alice
        .select(&name("Archive"), Access::ReadOnly)
        .await
        .unwrap();
    let (first, copy) = (everything(&view).remove(0), everything(&archive).remove(0));
    let (first_ready, copy_ready) = (first.ready.unwrap(), copy.ready.unwrap());
    assert_eq!((&first.flags, &copy.flags), (&flags, &flags));
    assert_eq!(
        (first_ready.internal_date(), copy_ready.internal_date()),
        (date, date)
    );
    assert_eq!(first_ready.email_id(), copy_ready.email_id());
    assert!(copy_ready.saved() > first_ready.saved());
}

/// [rfc7162 3.2.6] [rfc7162 5.1]
#[tokio::test]
async fn a_mailbox_remembers_up_to_where_its_expunges_are_forgotten() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house.append(&alice, "INBOX", &[TEXT, TEXT]).await.unwrap();
    let mut view = inbox(&alice).await;
    view.expunge_uids(&set(&[1])).await.unwrap();
    let expunged_at = alice.status(&MailboxName::inbox()).unwrap().highest_modseq;
    view.advance(Expunges::Tell).unwrap();
    let before = ModSeq(expunged_at.0 - 1);
    assert_eq!(view.since(before).unwrap().gone, set(&[1]));
    assert!(view.since(expunged_at).unwrap().gone.is_empty());
    house.append(&alice, "INBOX", &[TEXT]).await.unwrap();
    view.expunge_uids(&set(&[2])).await.unwrap();
    view.advance(Expunges::Tell).unwrap();
    house.clock.advance(Duration::from_secs(31 * 24 * 3600));
    house.mail.upkeep_now(&house.admin).await.unwrap();
    let since = view.since(ModSeq(before.0)).unwrap();
    assert_eq!(since.gone, set(&[1, 2]), "each that is missing");
    assert_eq!(since.changed, None, "the log no longer says");
    let now = view.since(view.modseq()).unwrap();
    assert!(now.gone.is_empty());
    assert_eq!(now.changed, Some(set(&[])));
}

/// [rfc7162 3.2] what waits to be told is not passed over.
#[tokio::test]
async fn an_expunge_that_is_not_told_holds_back_what_a_client_may_be_said_to_know() {
    // [rfc7162 3.2 #4]
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house.append(&alice, "INBOX", &[TEXT, TEXT]).await.unwrap();
    let mut one = inbox(&alice).await;
    let mut two = inbox(&alice).await;
    let before = one.told_modseq();
    two.expunge_uids(&set(&[1])).await.unwrap();
    one.store(&set(&[2]), &deleted(), None).await.unwrap();
    one.advance(Expunges::Hold).unwrap();
    assert!(one.modseq() > before);
    assert_eq!(one.told_modseq(), before);
    let since = one.since(before).unwrap();
    assert!(since.gone.is_empty(), "it is in the picture still");
    assert_eq!(since.changed, Some(set(&[2])));
    one.advance(Expunges::Tell).unwrap();
    assert_eq!(one.told_modseq(), one.modseq());
    assert_eq!(one.since(before).unwrap().gone, set(&[1]));
}

/// [rfc7162 3.1.12] only the flags that are asked for count, except where all are replaced.
#[tokio::test]
async fn a_change_of_another_flag_does_not_refuse_a_conditional_store() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house.append(&alice, "INBOX", &[TEXT, TEXT]).await.unwrap();
    let mut view = inbox(&alice).await;
    let since = view.modseq();
    let flagged = Flags::system(SystemFlags::FLAGGED);
    let keyword = Flags {
        keywords: vec![Keyword::new("$Done").unwrap()],
        ..Flags::default()
    };
    let (first, both) = (set(&[1]), set(&[1, 2]));
    let mut store = async |uids, change: FlagChange, since| {
        let stored = view.store(uids, &change, Some(since)).await.unwrap();
        stored.modified
    };
    store(&both, FlagChange::Add(flagged.clone()), since).await;
    // `\Flagged` changed, $Done did not.
    let add = FlagChange::Add(keyword.clone());
    assert!(store(&first, add.clone(), since).await.is_empty());
    assert_eq!(store(&both, add, since).await, [1]);
    let remove = FlagChange::Remove(flagged.clone());
    assert_eq!(store(&both, remove, since).await, [1, 2]);
    assert_eq!(
        store(&both, FlagChange::Replace(flagged), since).await,
        [1, 2]
    );
    // It did not exist then.
    let add = FlagChange::Add(Flags::system(SystemFlags::DRAFT));
    assert_eq!(store(&both, add, ModSeq(0)).await, [1, 2]);
}

#[tokio::test]
async fn one_call_of_fetch_gives_no_more_large_records_than_its_bound() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    let many = "somebody@a-rather-long-name.example.org, ".repeat(4_000);
    let large = format!("To: {many}\r\nSubject: x\r\n\r\ntext\r\n");
    let texts = vec![&*large; 20];
    house.append(&alice, "INBOX", &texts).await.unwrap();
    let view = inbox(&alice).await;
    // Close together, and far apart.
    for uids in [view.uids().clone(), set(&[1, 9, 20])] {
        let (mut cursor, mut found) = (Cursor::start(), Vec::new());
        loop {
            let batch = view.fetch(&uids, Want::Both, &mut cursor, 100).unwrap();
            if batch.is_empty() {
                break;
            }
            let records = batch.iter().map(|message| message.ready.as_ref().unwrap());
            let bytes: usize = records.map(|ready| ready.envelope().len()).sum();
            let most = mail::limits::FETCH_BYTES + mail::limits::STRUCTURE_BYTES;
            assert!(bytes <= most, "{bytes} octets at once");
            found.extend(batch.iter().map(|message| message.uid));
        }
        assert_eq!(found, uids.iter().collect::<Vec<_>>());
    }
}

/// What a list of sizes says without the large records is what they say.
#[tokio::test]
async fn sizes_and_forms_are_those_of_the_records() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    let texts = [TEXT, "Subject: \u{f6}\r\n\r\nopen", "", "no header", TEXT];
    house.append(&alice, "INBOX", &texts).await.unwrap();
    house
        .deliver("alice", b"Subject: delivered\r\n\r\nx")
        .await
        .unwrap();
    let mut view = inbox(&alice).await;
    view.store(&set(&[1]), &deleted(), None).await.unwrap();
    view.copy(&set(&[2]), &MailboxName::inbox()).await.unwrap();
    // what another session removes is still in this picture
    let old = inbox(&alice).await;
    view.expunge_uids(&set(&[1])).await.unwrap();
    let (mut cursor, mut weights) = (Cursor::start(), Vec::new());
    loop {
        let some = old.weigh(old.uids(), &mut cursor, 3).unwrap();
        if some.is_empty() {
            break;
        }
        weights.extend(some);
    }
    let records: Vec<Weight> = everything(&old)
        .iter()
        .map(|message| {
            let ready = message.ready.as_ref().unwrap();
            Weight {
                uid: message.uid,
                seq: message.seq,
                octets: ready.size(),
                form: ready.form(),
            }
        })
        .collect();
    assert_eq!(weights, records);
    let is_open = |weight: &Weight| weight.form.last_line == LastLine::Open;
    let is_utf8 = |weight: &Weight| weight.form.headers == Headers::Utf8;
    let numbers = |is: &dyn Fn(&Weight) -> bool| -> Vec<u32> {
        weights
            .iter()
            .filter(|weight| is(weight))
            .map(|weight| weight.uid)
            .collect()
    };
    assert_eq!(numbers(&is_utf8), [2, 7]);
    assert_eq!(numbers(&is_open), [2, 4, 6, 7]);
    assert_eq!(house.problems().await.len(), 0);
}

/// A transaction has a limit, and 64 messages share a record, which is written whole.
#[tokio::test]
async fn many_keywords_on_the_neighbours_keep_no_flag_from_being_set() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    let inbox = MailboxName::inbox();
    house
        .append(&alice, "INBOX", &vec!["Subject: x\r\n\r\n"; 64])
        .await
        .unwrap();
    let keywords = |numbers: std::ops::Range<u32>| {
        let keyword = |number| Keyword::new(&format!("$keyword-{number}")).unwrap();
        FlagChange::Replace(Flags {
            system: SystemFlags::NONE,
            keywords: numbers.map(keyword).collect(),
        })
    };
    // Numbers from 128 on take two octets.
    for from in [0, 100, 200] {
        let mut view = alice.select(&inbox, Access::ReadWrite).await.unwrap();
        let all = view.uids().clone();
        let change = keywords(from..from + 100);
        view.store(&all, &change, None).await.unwrap();
    }
    while alice.status(&inbox).unwrap().messages < 8_192 {
        let mut view = alice.select(&inbox, Access::ReadWrite).await.unwrap();
        let all = view.uids().clone();
        view.copy(&all, &inbox).await.unwrap();
    }
    let mut view = alice.select(&inbox, Access::ReadWrite).await.unwrap();
    let one_of_each: roaring::RoaringBitmap = view.uids().iter().step_by(64).collect();
    let flagged = FlagChange::Add(Flags::system(SystemFlags::FLAGGED));
    let stored = view.store(&one_of_each, &flagged, None).await.unwrap();
    assert_eq!(stored.changed.len(), 128);
    let deleted = FlagChange::Add(Flags::system(SystemFlags::DELETED));
    view.store(&one_of_each, &deleted, None).await.unwrap();
    assert_eq!(view.expunge(None).await.unwrap().len(), 128);
}
