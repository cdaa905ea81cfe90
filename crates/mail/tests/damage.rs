//! What verify says when something does not fit, and what is left when a session is cut off.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]

mod house;

use house::*;
use mail::*;
use std::time::Duration;
use store::Partition;

const TEXT: &str = "Subject: x\r\n\r\ntext\r\n";

/// Changes an account's records behind its back.
async fn tamper(house: &House, account: &Account, change: impl FnOnce(&mut store::Edit)) {
    let mut edit = house.db.edit(Partition(account.id().0)).await;
    change(&mut edit);
    edit.submit().await.unwrap();
}

fn message_key(tag: u8, mailbox: MailboxId, uid: u32) -> Vec<u8> {
    [&[tag][..], &mailbox.0.to_be_bytes(), &uid.to_be_bytes()].concat()
}

async fn house_with_mail() -> (House, Account, MailboxId) {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house
        .append(&alice, "INBOX", &[TEXT, TEXT, TEXT])
        .await
        .unwrap();
    let inbox = alice.status(&MailboxName::inbox()).unwrap().id;
    assert_eq!(house.problems().await, []);
    (house, alice, inbox)
}

async fn says(house: &House, expect: &str) {
    let problems = house.problems().await;
    let said = problems
        .iter()
        .any(|p| format!("{}: {}", p.place, p.found).contains(expect));
    assert!(said, "{expect:?} in {problems:?}");
}

#[tokio::test]
async fn verify_says_what_is_missing_and_where() {
    let (house, alice, inbox) = house_with_mail().await;
    tamper(&house, &alice, |edit| {
        edit.delete(message_key(b'r', inbox, 2))
    })
    .await;
    says(&house, "mailbox INBOX UID 2: its record is missing").await;

    let (house, alice, inbox) = house_with_mail().await;
    tamper(&house, &alice, |edit| {
        edit.delete(message_key(b'f', inbox, 0))
    })
    .await;
    says(
        &house,
        "the bitmap of messages differs from the rows at UIDs [1, 2, 3]",
    )
    .await;
    says(&house, "octets: kept is 60, counted 0").await;

    let (house, alice, inbox) = house_with_mail().await;
    tamper(&house, &alice, |edit| {
        let key = [&b"c"[..], &1_u64.to_be_bytes()].concat();
        edit.delete(key);
        edit.put(message_key(b'r', MailboxId(99), 1), [1]);
        edit.put(message_key(b'r', inbox, 1), [9, 9, 9]);
    })
    .await;
    says(&house, "the change log has 2 where 1 should be").await;
    says(&house, "r rows of mailbox B99, which is not there").await;
    says(&house, "mailbox INBOX UID 1: its record cannot be read").await;
}

/// Found by fuzzing: a count that nobody can have reached is damage, not something to add to.
#[tokio::test]
async fn a_state_with_the_highest_numbers_is_damaged() {
    for place in 0..10 {
        let (house, alice, _) = house_with_mail().await;
        let highest: &[u8] = match place {
            // u32: the numbers of mailboxes and of names
            1 | 2 | 8 | 9 => &[0xff, 0xff, 0xff, 0xff, 0x0f],
            _ => &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        };
        let mut state = vec![1];
        for field in 0..10 {
            state.extend_from_slice(if field == place { highest } else { &[6] });
        }
        tamper(&house, &alice, |edit| edit.put("a", state)).await;
        assert!(house.append(&alice, "INBOX", &[TEXT]).await.is_err());
        let verified = house.mail.verify(&house.admin, |_| {}).await;
        assert!(verified.is_err_and(|fault| fault.to_string().contains("an account's state")));
    }
}

#[tokio::test]
async fn a_vacuum_frees_nothing_while_a_record_cannot_be_read() {
    let (house, alice, inbox) = house_with_mail().await;
    tamper(&house, &alice, |edit| {
        edit.put(message_key(b'r', inbox, 1), [9])
    })
    .await;
    assert!(house.mail.vacuum_now(&house.admin).await.is_err());
}

#[tokio::test]
async fn verify_tells_how_far_it_is() {
    let (house, _, _) = house_with_mail().await;
    let mut said = Vec::new();
    let report = house
        .mail
        .verify(&house.admin, |text| said.push(text.to_owned()))
        .await
        .unwrap();
    assert_eq!(
        (report.accounts, report.mailboxes, report.messages),
        (1, 6, 3)
    );
    assert!(
        said.last().unwrap().contains("6 mailboxes, 3 messages"),
        "{said:?}"
    );
}

/// [rfc7162 3.2]
#[tokio::test]
async fn news_that_cannot_be_read_is_told_once_it_can_be() {
    let (house, alice, inbox) = house_with_mail().await;
    let open = || async {
        let view = alice.select(&MailboxName::inbox(), Access::ReadWrite).await;
        view.unwrap()
    };
    let (mut view, mut other) = (open().await, open().await);
    let add = |flag| FlagChange::Add(Flags::system(flag));
    let (first, second) = ([1].into_iter().collect(), [2].into_iter().collect());
    other
        .store(&first, &add(SystemFlags::DELETED), None)
        .await
        .unwrap();
    other.expunge(None).await.unwrap();
    other
        .store(&second, &add(SystemFlags::FLAGGED), None)
        .await
        .unwrap();

    let flags = message_key(b'f', inbox, 0);
    let junk = flags.clone();
    tamper(&house, &alice, |edit| edit.put(junk, [9])).await;
    let told = view.told_modseq();
    assert!(view.advance(Expunges::Tell).is_err());
    // What was not told is not passed over, and no number has moved.
    assert_eq!((view.told_modseq(), view.seq_of(2)), (told, Some(2)));

    tamper(&house, &alice, |edit| edit.delete(flags)).await;
    let updates = view.advance(Expunges::Tell).unwrap();
    assert_eq!(updates, [Update::Expunged { seq: 1, uid: 1 }]);
}

/// A large copy that is cut off anywhere shows nothing, and what it wrote is swept or overwritten.
#[tokio::test]
async fn a_large_copy_that_is_cut_off_leaves_nothing_to_see() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::embedded(folder.path(), MailSettings::default()).await;
    let alice = house.account("alice").await;
    for _ in 0..3 {
        house
            .append(&alice, "INBOX", &vec![TEXT; 1_000])
            .await
            .unwrap();
    }
    let (inbox, archive) = (MailboxName::inbox(), name("Archive"));
    for micros in [200, 2_000, 5_000, 10_000, 20_000] {
        let mut view = alice.select(&inbox, Access::ReadWrite).await.unwrap();
        let all = view.uids().clone();
        let before = alice.status(&archive).unwrap().messages;
        let copy = view.copy(&all, &archive);
        let cut = tokio::time::timeout(Duration::from_micros(micros), copy).await;
        let after = alice.status(&archive).unwrap().messages;
        if cut.is_err() {
            assert!(
                after == before || after == before + 3_000,
                "{before} {after}"
            );
        }
        let appended = house.append(&alice, "Archive", &[TEXT]).await.unwrap();
        let view = alice.select(&archive, Access::ReadOnly).await.unwrap();
        assert_eq!(view.uids().max(), Some(appended.uids[0]));
        assert_eq!(house.problems().await, []);
    }
    house.mail.upkeep_now(&house.admin).await.unwrap();
    assert_eq!(
        house.mail.upkeep_now(&house.admin).await.unwrap().leftovers,
        0
    );
    assert_eq!(house.problems().await, []);
}

#[tokio::test]
async fn a_new_account_never_gets_the_mail_of_another() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    let mut edit = house.db.edit(store::Partition(0)).await;
    edit.delete("s");
    edit.submit().await.unwrap();
    let bob = house.account("bob").await;
    assert_ne!(alice.id(), bob.id());
    let owner = house
        .mail
        .directory()
        .account_of(&house.admin, &address("alice"));
    assert_eq!(owner.unwrap(), Some(alice.id()));
}

#[tokio::test]
async fn the_vacuum_keeps_the_mail_of_an_account_that_the_directory_has_lost() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house.append(&alice, "INBOX", &[TEXT]).await.unwrap();
    let mut edit = house.db.edit(Partition(0)).await;
    edit.delete([b"a".as_slice(), &alice.id().0.to_be_bytes()].concat());
    edit.submit().await.unwrap();
    let report = house.mail.vacuum_now(&house.admin).await.unwrap();
    assert_eq!(report.bodies_dropped, 0);
}

/// What a large copy left past UIDNEXT is not taken for mail of the mailbox that gets the name
/// again, and goes with the old one.
#[tokio::test]
async fn what_a_copy_left_behind_in_a_deleted_mailbox_is_nobodys_mail() {
    let (house, alice, inbox) = house_with_mail().await;
    alice.create(&name("a/b"), None).await.unwrap();
    let old = alice.status(&name("a")).unwrap();
    let snapshot = house.db.snapshot();
    let partition = Partition(alice.id().0);
    let rows = [(b'f', 0), (b'r', 1), (b'r', 2), (b'r', 3)].map(|(tag, number)| {
        let row = snapshot.get(partition, &message_key(tag, inbox, number));
        let value = row.unwrap().unwrap().to_vec();
        (message_key(tag, old.id, number), value)
    });
    tamper(&house, &alice, |edit| {
        rows.into_iter()
            .for_each(|(key, value)| edit.put(key, value));
    })
    .await;
    alice.delete(&name("a")).await.unwrap();
    alice.create(&name("a"), None).await.unwrap();
    assert_eq!(alice.status(&name("a")).unwrap().id, old.id);
    assert_eq!(house.problems().await, []);

    house.clock.advance(Duration::from_secs(31 * 24 * 3600));
    house.mail.upkeep_now(&house.admin).await.unwrap();
    let left = house.db.snapshot();
    for tag in [b'f', b'r'] {
        let of_old = [&[tag][..], &old.id.0.to_be_bytes()].concat();
        assert_eq!(left.prefix(partition, &of_old).count(), 0);
    }
    assert_eq!(house.problems().await, []);
}
