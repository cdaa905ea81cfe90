//! Every record reads as it was written, and no octets make a reader panic.

use super::*;
use crate::report::{SenderProof, SpfResult};
use addr::{Charset, ForwardPath, Host, ReversePath};
use mail::codec::{LARGEST_COUNTER, LARGEST_COUNTER32, Record};
use net::Time;
use proptest::option::of;
use proptest::prelude::*;
use smtp::dsn::{EnvelopeId, Notify, OriginalRecipient, Ret};
use smtp::{BodyType, ByMode, Hold, Priority, Protection, Reply, Status};
use store::BodyId;

fn time() -> impl Strategy<Value = Time> {
    any::<i64>().prop_map(Time)
}

fn forward_path() -> impl Strategy<Value = ForwardPath> {
    let parsed = |text: String| ForwardPath::parse(text.as_bytes(), Charset::Utf8);
    let text = prop_oneof![
        Just("<postmaster>".to_owned()),
        "[a-z]{1,9}".prop_map(|local| format!("<{local}@b.example>")),
        "[a-z@ ]{1,9}".prop_map(|local| format!("<\"{local}\"@[192.0.2.1]>")),
        Just("<jürgen@example.org>".to_owned()),
    ];
    text.prop_map(move |text| parsed(text).expect("because it is a path"))
}

fn status(class: u8) -> impl Strategy<Value = Status> {
    (0..1_000_u16, 0..1_000_u16).prop_map(move |(subject, detail)| Status(class, subject, detail))
}

fn reply() -> impl Strategy<Value = Reply> {
    let code = prop_oneof![Just(250_u16), Just(421), Just(550)];
    let lines = proptest::collection::vec("[ -~ü]{0,20}", 1..4);
    (code, of((0..1_000_u16, 0..1_000_u16)), lines).prop_map(|(code, status, lines)| {
        let mut lines = lines.into_iter();
        let first = lines.next().unwrap_or_default();
        let class = u8::try_from(code / 100).expect("because it is a digit");
        let reply = match status {
            Some((subject, detail)) => Reply::new(code, Status(class, subject, detail), first),
            None => Reply::plain(code, first),
        };
        lines.fold(reply, |reply, line| reply.and(line))
    })
}

fn said() -> impl Strategy<Value = Said> {
    let texts = (of(".{0,9}"), ".{0,9}", of(".{0,9}"));
    (time(), texts, of(reply()), status(4)).prop_map(|(at, (host, stage, why), reply, status)| {
        Said {
            at,
            host,
            stage,
            reply,
            why,
            status,
        }
    })
}

fn onward() -> impl Strategy<Value = Onward> {
    let states = prop_oneof![
        Just(RecipientState::Waiting),
        Just(RecipientState::Done),
        Just(RecipientState::Failed),
        Just(RecipientState::Arrived)
    ];
    let notify = of(prop_oneof![Just("NEVER"), Just("SUCCESS,DELAY")]);
    (forward_path(), notify, any::<bool>(), states, of(said())).prop_map(
        |(to, notify, has_orcpt, state, said)| Onward {
            to,
            notify: notify.and_then(Notify::read),
            orcpt: has_orcpt
                .then(|| OriginalRecipient::read("rfc822;bob+2Bx@b.example"))
                .flatten(),
            state,
            said,
        },
    )
}

fn entry() -> impl Strategy<Value = EntryRecord> {
    let recipients = proptest::collection::vec(onward(), 0..4);
    let lease = of((any::<u64>(), time()));
    (
        prop_oneof![Just("b.example"), Just("[IPv6:2001:db8::1]")],
        recipients,
        0..=LARGEST_COUNTER32,
        time(),
        any::<bool>(),
        lease,
        of(time()),
    )
        .prop_map(
            |(domain, recipients, attempts, due, held, lease, delay_told)| EntryRecord {
                domain: Host::parse(domain.as_bytes(), Charset::Ascii).expect("because it is one"),
                whither: match recipients.len() {
                    1 => Whither::Here,
                    _ => Whither::Elsewhere,
                },
                recipients,
                attempts,
                due,
                standing: if held { Standing::Held } else { Standing::Free },
                lease: lease.map(|(incarnation, until)| Lease { incarnation, until }),
                delay_told,
            },
        )
}

fn asked() -> impl Strategy<Value = Asked> {
    let by = of((time(), any::<bool>(), any::<bool>()));
    let protection = prop_oneof![
        Just(Protection::AsPublished),
        Just(Protection::Required),
        Just(Protection::NotNeeded),
    ];
    let hold = of((time(), of(1..1_000_000_000_u32)));
    (protection, by, -9..=9_i8, hold).prop_map(|(protection, by, priority, hold)| Asked {
        protection,
        deliver_by: by.map(|(by, returned, trace)| DeliverBy {
            by,
            mode: if returned {
                ByMode::Return
            } else {
                ByMode::Notify
            },
            trace,
        }),
        priority: Priority::new(priority).expect("because it is one"),
        hold: hold.map(|(until, seconds)| Held {
            until,
            asked: seconds.map_or(Hold::Until(until.seconds()), Hold::For),
        }),
    })
}

fn message() -> impl Strategy<Value = MessageRecord> {
    let sender = prop_oneof![Just("<>"), Just("<alice+x@a.example>")];
    let body_type = of(prop_oneof![
        Just(BodyType::SevenBit),
        Just(BodyType::EightBitMime),
        Just(BodyType::BinaryMime)
    ]);
    let ret = of(prop_oneof![Just(Ret::Full), Just(Ret::Hdrs)]);
    let texts = ("[a-z0-9]{14}", ".{0,20}", of(".{0,20}"), "[ -~]{0,40}");
    let envelope = (sender, any::<bool>(), ret, body_type, any::<bool>());
    let numbers = (any::<u64>(), 0..=LARGEST_COUNTER, time(), time());
    let proof = prop_oneof![
        Just(SenderProof::Known),
        Just(SenderProof::Spf),
        Just(SenderProof::Dkim),
        Just(SenderProof::Nothing(SpfResult::PermError)),
    ];
    (texts, (envelope, proof), asked(), numbers).prop_map(|(texts, envelope, asked, numbers)| {
        let (envelope, proof) = envelope;
        let (id, client, login, prefix) = texts;
        let (sender, has_envid, ret, body_type, is_utf8) = envelope;
        let (body, body_bytes, arrived, expires) = numbers;
        let sender = ReversePath::parse(sender.as_bytes(), Charset::Utf8);
        MessageRecord {
            id,
            sender: sender.expect("because it is a path"),
            proof,
            envid: has_envid.then(|| EnvelopeId::read("QQ+2B1")).flatten(),
            ret,
            body_type,
            charset: if is_utf8 {
                Charset::Utf8
            } else {
                Charset::Ascii
            },
            asked,
            body: BodyId(body),
            body_bytes,
            prefix: prefix.into(),
            client,
            login,
            arrived,
            expires,
        }
    })
}

fn attempt() -> impl Strategy<Value = AttemptRecord> {
    let texts = (of(".{0,9}"), of(".{0,9}"), of(".{0,9}"), of(".{0,9}"));
    let notes = proptest::collection::vec(".{0,9}", 0..3);
    let said = proptest::collection::vec((0..100_usize, said()), 0..4);
    (time(), time(), texts, notes, said).prop_map(|(begun, ended, texts, notes, said)| {
        let (host, address, tls, proof) = texts;
        AttemptRecord {
            begun,
            ended,
            host,
            address,
            tls,
            proof,
            notes,
            said,
        }
    })
}

fn same<T: Record + PartialEq + std::fmt::Debug>(record: T) {
    assert_eq!(T::decode(&record.encode()), Ok(record));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]
    #[test]
    fn records_read_as_written(message in message(), entry in entry(), attempt in attempt()) {
        same(message);
        same(entry);
        same(attempt);
    }

    #[test]
    fn no_octets_make_a_reader_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        entry in entry(), attempt in attempt(), at in any::<prop::sample::Index>(), octet in any::<u8>(),
    ) {
        let versioned = [&[1][..], &bytes].concat();
        let mut bent = entry.encode();
        let place = at.index(bent.len());
        bent[place] = octet;
        let mut bent_attempt = attempt.encode();
        let place = at.index(bent_attempt.len());
        bent_attempt[place] = octet;
        for bytes in [&bytes, &versioned, &bent, &bent_attempt] {
            let _ = MessageRecord::decode(bytes);
            let _ = EntryRecord::decode(bytes);
            let _ = AttemptRecord::decode(bytes);
        }
    }
}

#[test]
fn a_long_reply_is_cut_and_keeps_its_code() {
    let reply = Reply::new(550, Status(5, 1, 1), "x".repeat(900)).and("y".repeat(900));
    let said = Said {
        at: Time(0),
        host: None,
        stage: "RCPT".to_owned(),
        reply: Some(reply),
        why: Some("ü".repeat(900)),
        status: Status(5, 1, 1),
    };
    let cut = said.cut();
    let reply = cut.reply.expect("because it had one");
    assert_eq!((reply.code(), reply.status()), (550, Some(Status(5, 1, 1))));
    let text: usize = reply.lines().iter().map(String::len).sum();
    assert_eq!(text, crate::limits::SAID_BYTES);
    assert_eq!(
        cut.why.map(|why| why.len()),
        Some(crate::limits::SAID_BYTES)
    );
}
