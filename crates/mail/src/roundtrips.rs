//! Every record reads as it was written, and no octets make a reader panic.

use crate::before::Before;
use crate::codec::{LARGEST_COUNTER, LARGEST_COUNTER32, Record};
use crate::flags::SystemFlags;
use crate::history::{Fate, LogChange, LogEntry};
use crate::ids::{EmailId, MailboxId, ModSeq, ThreadId};
use crate::name::SpecialUse;
use crate::parse::parse_bytes;
use crate::parts::PartTree;
use crate::ready::{DeliveredEnvelope, Dsn, Form};
use crate::record::{self, Head, Saved, Sect};
use crate::rows::Block;
use crate::state::{AccountState, FlagRow, FlagSet, Forms, MailboxRecord, MailboxState, Shown};
use net::Time;
use proptest::array::{uniform3, uniform4, uniform5, uniform6};
use proptest::prelude::*;
use store::BodyId;

fn flag_set() -> impl Strategy<Value = FlagSet> {
    (0..32_u8, proptest::collection::vec(any::<u16>(), 0..5)).prop_map(|(bits, keywords)| FlagSet {
        system: SystemFlags::from_bits(bits),
        keywords,
    })
}

fn mailbox_record() -> impl Strategy<Value = MailboxRecord> {
    (
        any::<u32>(),
        ".{0,20}",
        any::<u32>(),
        0..6_usize,
        any::<i64>(),
        any::<bool>(),
    )
        .prop_map(
            |(parent, leaf, uid_validity, special_use, created, selectable)| MailboxRecord {
                parent: MailboxId(parent),
                leaf,
                uid_validity,
                special_use: SpecialUse::ALL.get(special_use).copied(),
                created: Time(created),
                selectable,
            },
        )
}

fn mailbox_state() -> impl Strategy<Value = MailboxState> {
    (
        uniform5(0..=LARGEST_COUNTER32),
        uniform3(0..=LARGEST_COUNTER),
    )
        .prop_map(|(small, large)| MailboxState {
            uid_next: small[0],
            highest_modseq: ModSeq(large[0]),
            forgotten: ModSeq(large[1]),
            messages: small[1],
            unseen: small[2],
            deleted: small[3],
            bytes: large[2],
            forms: Forms {
                open: small[2],
                utf8: small[3],
            },
            recent_from: small[4],
        })
}

fn log_change() -> impl Strategy<Value = LogChange> {
    let mailbox = any::<u32>().prop_map(MailboxId);
    let runs = proptest::collection::vec(any::<(u32, u32)>(), 0..4);
    let noted = |rows: Vec<(u32, FlagSet)>| {
        let mut before = Before::default();
        for (uid, flags) in rows {
            before.note(uid, flags);
        }
        before
    };
    let rows = || proptest::collection::vec((0..u32::MAX, flag_set()), 0..4);
    let before = || rows().prop_map(noted);
    prop_oneof![
        (mailbox.clone(), runs).prop_map(|(mailbox, runs)| LogChange::Added { mailbox, runs }),
        (mailbox.clone(), before())
            .prop_map(|(mailbox, before)| LogChange::Flags { mailbox, before }),
        (mailbox.clone(), before(), any::<bool>()).prop_map(|(mailbox, before, moved)| {
            let fate = if moved { Fate::Moved } else { Fate::Removed };
            LogChange::Expunged {
                mailbox,
                fate,
                before,
            }
        }),
        (mailbox.clone(), ".{0,20}")
            .prop_map(|(mailbox, name)| LogChange::Created { mailbox, name }),
        (
            mailbox.clone(),
            ".{0,20}",
            mailbox_record(),
            mailbox_state()
        )
            .prop_map(|(mailbox, name, record, state)| LogChange::Deleted {
                mailbox,
                name,
                record,
                state
            }),
        (mailbox.clone(), ".{0,20}", mailbox_record()).prop_map(|(mailbox, before, record)| {
            LogChange::Renamed {
                mailbox,
                before,
                record,
            }
        }),
        (mailbox, mailbox_record())
            .prop_map(|(mailbox, record)| LogChange::Assigned { mailbox, record }),
        ".{0,20}".prop_map(|name| LogChange::Subscribed { name }),
        ".{0,20}".prop_map(|name| LogChange::Unsubscribed { name }),
    ]
}

fn same<T: Record + PartialEq + std::fmt::Debug>(record: T) {
    assert_eq!(T::decode(&record.encode()), Ok(record));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]
    #[test]
    fn small_records_read_as_written(
        counts in uniform6(0..=LARGEST_COUNTER), small in uniform4(0..=LARGEST_COUNTER32),
        mailbox in mailbox_record(), state in mailbox_state(), flags in flag_set(),
    ) {
        same(AccountState {
            modseq: ModSeq(counts[0]),
            next_mailbox: small[0],
            next_uid_validity: small[1],
            next_email: counts[1],
            used_bytes: counts[2],
            used_messages: counts[3],
            history_bytes: counts[4],
            forgotten: ModSeq(counts[5]),
            mailboxes: small[2],
            subscriptions: small[3],
        });
        same(mailbox);
        same(state);
        let form = Form::from_bits(small[0] as u8 % 4).expect("because it is below 4");
        let mut block = Block::default();
        block.put(small[1], FlagRow { flags, modseq: ModSeq(counts[0]), size: counts[1], form });
        same(block);
        same(Shown { last_uid: small[0], modseq: ModSeq(counts[0]) });
    }

    #[test]
    fn log_entries_read_as_written(
        at in any::<i64>(), changes in proptest::collection::vec(log_change(), 0..6)
    ) {
        same(LogEntry { at: Time(at), changes });
    }

    #[test]
    fn ready_records_read_as_written(
        ids in any::<[u64; 3]>(), times in any::<[i64; 2]>(), prefix in "[ -~]{0,40}",
        subject in "[ -~]{0,40}", login in proptest::option::of("[a-z]{0,9}"),
    ) {
        let parsed = parse_bytes(format!("Subject: {subject}\r\n\r\ntext").as_bytes());
        let envelope = DeliveredEnvelope {
            sender: subject.clone(),
            recipient: prefix.clone(),
            client: String::new(),
            login: login.clone(),
            at: Time(times[0]),
            dsn: Dsn {
                ret: login.clone(),
                envid: None,
                notify: None,
                orcpt: login,
            },
        };
        let written = record::encode(&parsed, &Saved {
            email: EmailId(ids[0]),
            thread: ThreadId(ids[1]),
            internal_date: Time(times[0]),
            saved: Time(times[1]),
            body: BodyId(ids[2]),
            prefix: prefix.as_bytes(),
            delivered: Some(&envelope),
        });
        let head = Head::read(&written).unwrap();
        assert_eq!((head.email.0, head.thread.0, head.body.0), (ids[0], ids[1], ids[2]));
        assert_eq!((head.internal_date.0, head.saved.0), (times[0], times[1]));
        assert_eq!(head.size(), prefix.len() as u64 + parsed.body_len);
        assert_eq!(head.section(&written, Sect::Envelope), parsed.envelope);
        let delivered = record::decode_delivered(head.section(&written, Sect::Delivered));
        assert_eq!(delivered, Ok(Some(envelope)));
        assert_eq!(record::body_of(&written), Ok(BodyId(ids[2])));
        let copy = record::copied(&written, Time(7));
        let copied = Head::read(&copy).unwrap();
        assert_eq!((copied.saved, copied.body), (Time(7), head.body));
    }

    #[test]
    fn no_octets_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let versioned = [&[1][..], &bytes].concat();
        let second = [&[2][..], &bytes].concat();
        for bytes in [&bytes, &versioned, &second] {
            let _ = AccountState::decode(bytes);
            let _ = MailboxRecord::decode(bytes);
            let _ = MailboxState::decode(bytes);
            let _ = Block::decode(bytes);
            let _ = LogEntry::decode(bytes);
            let _ = PartTree::decode(bytes, 1 << 40);
            let _ = record::decode_delivered(bytes);
            let _ = record::find_field(bytes, 3);
            if let Ok(head) = Head::read(bytes) {
                let _ = head.section(bytes, Sect::Delivered);
            }
        }
    }
}

#[test]
fn an_envelope_of_the_first_version_is_read() {
    let mut w = crate::codec::Writer::new(1);
    w.str("a@example.org").str("b@example.test").str("c");
    w.option_str(None).time(Time(7));
    let envelope = record::decode_delivered(&w.into_vec()).unwrap().unwrap();
    assert_eq!((envelope.at, envelope.dsn), (Time(7), Dsn::default()));
    assert!(record::decode_delivered(&[3, 0]).is_err());
}
