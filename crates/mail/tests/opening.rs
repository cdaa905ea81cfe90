//! A mailbox that is opened again shows what one shows who opens it for the first time: pictures
//! that are kept at hand are no other than those that are read.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]

mod house;

use house::*;
use mail::*;
use proptest::prelude::*;

const TEXT: &str = "Subject: x\r\n\r\ntext\r\n";

#[derive(Clone, Debug)]
enum Deed {
    Append {
        count: usize,
        seen: bool,
    },
    /// Among the messages that are there.
    Flag {
        message: usize,
        add: bool,
        deleted: bool,
    },
    Expunge,
    Keyword(u8),
    /// More changes than are read from the log, in another mailbox.
    MuchElsewhere,
    /// A mailbox with one below it keeps its number when it is deleted and made again.
    MakeBelow,
    DeleteAndMake,
    RenameAndMake,
    Nothing,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => (1..4_usize, any::<bool>()).prop_map(|(count, seen)| Deed::Append { count, seen }),
        6 => (0..64_usize, any::<bool>(), any::<bool>())
            .prop_map(|(message, add, deleted)| Deed::Flag { message, add, deleted }),
        2 => Just(Deed::Expunge),
        1 => (0..3_u8).prop_map(Deed::Keyword),
        1 => Just(Deed::MuchElsewhere),
        1 => Just(Deed::MakeBelow),
        2 => Just(Deed::DeleteAndMake),
        1 => Just(Deed::RenameAndMake),
        1 => Just(Deed::Nothing),
    ]
}

async fn open(account: &Account) -> View {
    account
        .select(&name("Box"), Access::ReadWrite)
        .await
        .unwrap()
}

fn flags(seen: bool) -> Flags {
    match seen {
        true => Flags::system(SystemFlags::SEEN),
        false => Flags::default(),
    }
}

async fn run(house: &House, account: &Account, deed: Deed, number: usize) {
    match deed {
        Deed::Append { count, seen } => {
            let body = house.body(TEXT.as_bytes()).await;
            let message = NewMessage {
                body,
                flags: flags(seen),
                internal_date: None,
            };
            let messages = vec![message; count];
            account.append(&name("Box"), messages).await.unwrap();
        }
        Deed::Flag {
            message,
            add,
            deleted,
        } => {
            let mut view = open(account).await;
            let place = message as u32 % view.len().max(1) + 1;
            let Some(uid) = view.uid_at(place) else {
                return;
            };
            let flag = match deleted {
                true => SystemFlags::DELETED,
                false => SystemFlags::SEEN,
            };
            let change = match add {
                true => FlagChange::Add(Flags::system(flag)),
                false => FlagChange::Remove(Flags::system(flag)),
            };
            view.store(&set(&[uid]), &change, None).await.unwrap();
        }
        Deed::Expunge => {
            open(account).await.expunge(None).await.unwrap();
        }
        Deed::Keyword(word) => {
            let keyword = Keyword::new(&format!("word{word}")).unwrap();
            let asked = Flags {
                keywords: vec![keyword],
                ..Flags::default()
            };
            let mut view = open(account).await;
            let all = view.uids().clone();
            let change = FlagChange::Add(asked);
            view.store(&all, &change, None).await.unwrap();
        }
        Deed::MuchElsewhere => {
            for _ in 0..260 {
                house.append(account, "INBOX", &[TEXT]).await.unwrap();
            }
        }
        Deed::MakeBelow => match account.create(&name("Box/below"), None).await {
            Ok(_) | Err(MailboxError::Exists) => {}
            Err(error) => panic!("{error}"),
        },
        Deed::DeleteAndMake => {
            account.delete(&name("Box")).await.unwrap();
            account.create(&name("Box"), None).await.unwrap();
        }
        Deed::RenameAndMake => {
            let other = name(&format!("old{number}"));
            account.rename(&name("Box"), &other).await.unwrap();
            account.create(&name("Box"), None).await.unwrap();
        }
        Deed::Nothing => {}
    }
}

fn picture(view: &View) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        (view.id(), view.uid_validity(), view.uid_next()),
        (view.modseq(), view.sums(), view.first_unseen()),
        view.uids().iter().collect::<Vec<_>>(),
        view.keywords().unwrap(),
    )
}

/// Opened by one house again and again, and by one that never saw it.
async fn agree(deeds: Vec<Deed>) {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    alice.create(&name("Box"), None).await.unwrap();
    for (number, deed) in deeds.into_iter().enumerate() {
        run(&house, &alice, deed.clone(), number).await;
        let other = House::over(house.db.clone(), MailSettings::default()).await;
        let stranger = other.mail.account_as_admin(&other.admin, alice.id());
        let first = stranger.select(&name("Box"), Access::ReadOnly).await;
        let again = alice.select(&name("Box"), Access::ReadOnly).await;
        let (first, again) = (picture(&first.unwrap()), picture(&again.unwrap()));
        assert_eq!(again, first, "after {deed:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]
    #[test]
    fn a_mailbox_opened_again_is_as_if_opened_for_the_first_time(
        deeds in proptest::collection::vec(deed(), 1..24)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(agree(deeds));
    }
}
