//! Trails in a store: written, found, forgotten.

use super::*;
use crate::limits;
use crate::queue::{
    AttemptRecord, EntryNumber, EntryRecord, MessageNumber, Onward, Said, Standing, keys,
};
use addr::{Address, Charset};
use mail::road::RoadLook;
use mail::{Mail, MailSettings};
use net::{Clock, Random, Stop};
use proptest::prelude::*;
use smtp::{Reply, Status};
use store::{Db, Fault};

async fn mail() -> Mail {
    let clock = Clock::manual(at(0));
    let settings = MailSettings::default();
    let mail = Mail::open(Db::memory(), clock, Random::seeded(1), settings).await;
    mail.unwrap()
}

fn at(seconds: i64) -> Time {
    Time::from_seconds(seconds)
}

fn path(text: &str) -> ForwardPath {
    ForwardPath::parse(format!("<{text}>").as_bytes(), Charset::Utf8).unwrap()
}

fn trail(id: &str, to: &[&str], arrived: i64) -> Trail {
    let destination = |to: &&str| Destination {
        path: path(to),
        place: Place::Elsewhere,
    };
    Trail {
        id: id.to_owned(),
        message_id: Some(format!("<{id}@example.test>")),
        sender: ReversePath::parse(b"<Ann@example.test>", Charset::Ascii).unwrap(),
        recipients: to.iter().map(destination).collect(),
        client: "pc [192.0.2.1]".to_owned(),
        login: Some("ann@example.test".to_owned()),
        arrived: at(arrived),
        bytes: 1_000,
    }
}

fn entry(to: &str) -> EntryRecord {
    EntryRecord {
        domain: "example.net".parse().map(addr::Host::Name).unwrap(),
        whither: crate::queue::Whither::Elsewhere,
        recipients: vec![Onward::new(path(to), None, None)],
        attempts: 1,
        due: at(100),
        standing: Standing::Free,
        lease: None,
        delay_told: None,
    }
}

fn attempt(begun: i64) -> AttemptRecord {
    let said = Said {
        at: at(begun),
        host: Some("mx.example.net".to_owned()),
        stage: "RCPT".to_owned(),
        reply: Some(Reply::new(450, Status(4, 2, 1), "busy")),
        why: None,
        status: Status(4, 2, 1),
    };
    AttemptRecord {
        begun: at(begun),
        ended: at(begun + 1),
        host: Some("mx.example.net".to_owned()),
        address: None,
        tls: Some("TLSv1.3".to_owned()),
        proof: None,
        notes: Vec::new(),
        said: vec![(0, said)],
    }
}

const ONE: EntryNumber = EntryNumber {
    message: MessageNumber(7),
    part: 0,
};

async fn write(mail: &Mail, change: impl FnOnce(&mut store::Edit)) {
    let mut edit = mail.road_edit().await;
    change(&mut edit);
    mail.road_commit(edit).await.unwrap();
}

async fn begin(mail: &Mail, number: u64, trail: &Trail) {
    write(mail, |edit| begun(edit, MessageNumber(number), trail)).await;
}

fn of_address(look: &RoadLook, text: &str) -> Result<Vec<u64>, Fault> {
    let address: Address = text.parse().unwrap();
    let found = by_address(look, &address, 10)?;
    Ok(found.into_iter().map(|number| number.0).collect())
}

#[tokio::test]
async fn a_message_is_found_by_what_people_know_of_it() {
    let mail = mail().await;
    begin(&mail, 7, &trail("one", &["bob@example.net"], 10)).await;
    begin(
        &mail,
        8,
        &trail("two", &["bob@example.net", "eve@example.net"], 20),
    )
    .await;
    let look = mail.road();
    assert_eq!(by_id(&look, "one").unwrap(), Some(MessageNumber(7)));
    assert_eq!(by_id(&look, "on").unwrap(), None);
    assert_eq!(
        of_address(&look, "BOB@Example.NET").unwrap(),
        [8, 7],
        "newest first"
    );
    assert_eq!(of_address(&look, "eve@example.net").unwrap(), [8]);
    assert_eq!(of_address(&look, "ann@example.test").unwrap(), [8, 7]);
    assert_eq!(
        of_address(&look, "b@example.net").unwrap(),
        Vec::<u64>::new()
    );
    for text in ["<two@example.test>", "two@example.test"] {
        let found = by_message_id(&look, text, 10).unwrap();
        assert_eq!(found, [MessageNumber(8)], "{text}");
    }
    let bob: Address = "bob@example.net".parse().unwrap();
    assert_eq!(by_address(&look, &bob, 1).unwrap(), [MessageNumber(8)]);
}

#[tokio::test]
async fn a_passage_has_what_waits_what_was_tried_and_what_ended() {
    let mail = mail().await;
    let begun = trail("one", &["bob@example.net", "eve@example.org"], 10);
    begin(&mail, 7, &begun).await;
    let second = EntryNumber { part: 1, ..ONE };
    let end = End {
        at: at(50),
        how: How::Over,
        entry: entry("eve@example.org"),
        told: Some("id of a report".to_owned()),
    };
    write(&mail, |edit| {
        edit.put(keys::entry(ONE), entry("bob@example.net").encode());
        attempted(edit, ONE, 0, &[attempt(11), attempt(12)]);
        attempted(edit, ONE, 1, &[attempt(40)]);
        attempted(edit, second, 0, &[attempt(45)]);
        attempted(edit, ONE, limits::TRAIL_ROUNDS, &[attempt(90)]);
        ended(edit, second, &end);
    })
    .await;
    let found = passage(&mail.road(), MessageNumber(7)).unwrap().unwrap();
    assert_eq!(found.trail, begun);
    assert_eq!(found.waiting, [(ONE, entry("bob@example.net"))]);
    let made: Vec<_> = found
        .attempts
        .iter()
        .map(|(e, a)| (e.part, a.begun))
        .collect();
    assert_eq!(made, [(0, at(11)), (0, at(12)), (0, at(40)), (1, at(45))]);
    assert_eq!(found.ends, [(second, end)]);
    assert_eq!(passage(&mail.road(), MessageNumber(8)).unwrap(), None);
}

#[tokio::test]
async fn what_is_old_and_over_is_forgotten_whole() {
    let mail = mail().await;
    for (number, arrived) in [(1, 10), (2, 20), (3, 30), (4, 40)] {
        let begun = trail(&format!("id{number}"), &["bob@example.net"], arrived);
        begin(&mail, number, &begun).await;
        let entry = EntryNumber {
            message: MessageNumber(number),
            part: 0,
        };
        write(&mail, |edit| attempted(edit, entry, 0, &[attempt(arrived)])).await;
    }
    // 2 is on the road still
    let on_road = keys::message(MessageNumber(2));
    write(&mail, |edit| edit.put(on_road.clone(), b"x".to_vec())).await;
    assert_eq!(forget(&mail, at(40), &Stop::new()).await.unwrap(), 2);
    assert_eq!(of_address(&mail.road(), "bob@example.net").unwrap(), [4, 2]);
    assert_eq!(by_id(&mail.road(), "id1").unwrap(), None);
    write(&mail, |edit| edit.delete(on_road.clone())).await;
    assert_eq!(forget(&mail, at(1_000), &Stop::new()).await.unwrap(), 2);
    let left = mail.road().below(b"r").count();
    assert_eq!(left, 1, "only where to begin the next time");
    let first = first(&mail.road()).unwrap();
    assert_eq!(
        first,
        MessageNumber(5),
        "no number is given out again below it"
    );
    assert_eq!(forget(&mail, at(1_000), &Stop::new()).await.unwrap(), 0);
}

#[tokio::test]
async fn many_are_forgotten_in_pieces() {
    let mail = mail().await;
    let many = 2 * limits::FORGET_TRAILS as u64 + 1;
    for number in 1..=many {
        let begun = trail(&format!("id{number}"), &["bob@example.net"], 1);
        begin(&mail, number, &begun).await;
    }
    assert_eq!(forget(&mail, at(5), &Stop::new()).await.unwrap(), many);
    assert_eq!(mail.road().below(b"r").count(), 1);
}

#[tokio::test]
async fn a_trail_that_cannot_be_read_keeps_no_other_from_being_forgotten() {
    let mail = mail().await;
    for number in 1..=3 {
        let begun = trail(&format!("id{number}"), &["bob@example.net"], 1);
        begin(&mail, number, &begun).await;
    }
    let key = rows::trail(MessageNumber(1));
    write(&mail, |edit| edit.put(key.clone(), b"?".to_vec())).await;
    assert_eq!(forget(&mail, at(5), &Stop::new()).await.unwrap(), 2);
    let unread = unread(&mail.road()).unwrap();
    assert_eq!(unread.len(), 1);
    assert_eq!(unread[0].0, key);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]
    #[test]
    fn records_read_as_written_and_damage_is_no_panic(
        (id, message_id, login) in (".{0,9}", proptest::option::of(".{0,9}"), proptest::option::of(".{0,9}")),
        (arrived, bytes, here) in (any::<i64>(), any::<u64>(), any::<bool>()),
        octets in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let place = if here { Place::Here } else { Place::Elsewhere };
        let recipients = vec![Destination { path: path("bob@example.net"), place }];
        let written = Trail {
            message_id,
            login,
            arrived: Time(arrived),
            bytes,
            recipients,
            ..trail(&id, &[], 0)
        };
        prop_assert_eq!(Trail::decode(&written.encode()), Ok(written));
        let how = if here { How::Over } else { How::Removed };
        let entry = entry("bob@example.net");
        let end = End { at: Time(arrived), how, entry, told: Some(id) };
        prop_assert_eq!(End::decode(&end.encode()), Ok(end));
        let _ = (Trail::decode(&octets), End::decode(&octets), First::decode(&octets));
    }
}
