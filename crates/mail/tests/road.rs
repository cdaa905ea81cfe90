//! Bodies that are held for mail on the road: the vacuum leaves them, verify looks at them.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]

mod house;

use house::House;
use mail::MailSettings;
use mail::road::{MessageNumber, hold, let_go};

#[tokio::test]
async fn a_body_that_only_the_road_holds_outlives_the_vacuum() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::embedded(folder.path(), MailSettings::default()).await;
    let number = MessageNumber(7);
    let text = b"Subject: far\r\n\r\naway\r\n";
    let body = house.body(text).await;
    let mut edit = house.mail.road_edit().await;
    let id = hold(&mut edit, number, &body);
    house.mail.road_commit(edit).await.unwrap();
    drop(body);
    house.mail.vacuum_now(&house.admin).await.unwrap();
    let kept = house.mail.held_body(id, 0, 1_000).unwrap();
    assert_eq!(&kept[..], text);
    assert_eq!(house.problems().await, Vec::new());

    let mut edit = house.mail.road_edit().await;
    let_go(&mut edit, number);
    house.mail.road_commit(edit).await.unwrap();
    house.mail.vacuum_now(&house.admin).await.unwrap();
    assert!(house.mail.held_body(id, 0, 1_000).is_err());
}

#[tokio::test]
async fn verify_misses_a_body_that_is_held_and_not_there() {
    let house = House::memory().await;
    let mut edit = house.mail.road_edit().await;
    // a version, and the number of a body that never was
    edit.put(
        b"b\0\0\0\0\0\0\0\x07".to_vec(),
        [&[1][..], &99_u64.to_be_bytes()].concat(),
    );
    edit.put(b"b\0\0\0\0\0\0\0\x08".to_vec(), b"?".to_vec());
    house.mail.road_commit(edit).await.unwrap();
    let found: Vec<_> = house
        .problems()
        .await
        .into_iter()
        .map(|p| p.found)
        .collect();
    let expected = [
        "the body of message 7 is not there",
        "which body message 8 has cannot be read",
    ];
    assert_eq!(found, expected);
    assert!(
        house.mail.vacuum_now(&house.admin).await.is_err(),
        "what cannot be read may be needed"
    );
}
