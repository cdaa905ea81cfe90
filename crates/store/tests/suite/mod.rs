//! The conformance suite: each scenario takes a fresh store and knows nothing of its engine.

use bytes::Bytes;
use std::task::Poll;
use store::{BodyId, CommitError, Db, Edit, Partition, Scan, Value, limits};

pub const P: Partition = Partition(7);
pub const Q: Partition = Partition(8);

/// One test for each scenario, over the stores that `$open` makes.
macro_rules! conformance {
    ($open:path) => {
        conformance!(@each $open:
            reads_what_was_committed
            shows_nothing_before_it_is_durable
            an_edit_reads_its_own_writes_then_what_was_handed_over
            a_dropped_edit_leaves_nothing
            asserts_hold_or_nothing_is_written
            an_assert_sees_what_was_handed_over
            scans_in_order_from_both_ends
            an_edits_scan_merges_all_layers
            scans_stay_inside_their_partition
            prefixes_end_where_they_should
            a_snapshot_never_moves
            a_group_is_shown_as_one
            an_empty_group_is_done_at_once
            too_much_is_refused_before_it_is_handed_over
            edits_of_one_partition_wait_for_each_other
            edits_of_many_partitions_do_not_deadlock
            a_bell_rings_after_the_commit_is_visible
            no_commit_is_seen_before_its_bell_counts_it
            bodies_are_read_back_whole_and_in_pieces
            a_body_of_many_edits_in_one_group_is_one_body
            a_large_body_is_read_back
            a_body_whose_edit_was_dropped_is_not_there
            the_vacuum_takes_only_what_is_dead_and_old
            an_unsettled_body_is_newer_than_any_vacuum
            versions_only_rise
            a_dropped_pending_commits_all_the_same
            many_writers_of_one_partition_lose_nothing
            random_work_matches_a_plain_map
        );
    };
    (@each $open:path: $($name:ident)*) => { $(
        #[tokio::test]
        async fn $name() {
            let (db, _folder) = $open();
            $crate::suite::$name(db.clone()).await;
            assert_eq!(db.check().await.unwrap().damage, Vec::<String>::new());
            db.close().await;
        }
    )* };
}

pub async fn put(db: &Db, partition: Partition, key: &[u8], value: &[u8]) {
    let mut edit = db.edit(partition).await;
    edit.put(key, value);
    edit.submit().await.unwrap();
}

pub fn rows(scan: Scan) -> Vec<(Vec<u8>, Vec<u8>)> {
    scan.map(|row| row.unwrap())
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(Vec<u8>, Vec<u8>)> {
    pairs
        .iter()
        .map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect()
}

fn text(value: Option<Value>) -> Option<String> {
    value.map(|value| String::from_utf8(value.to_vec()).unwrap())
}

pub async fn body(db: &Db, bytes: &[u8]) -> store::Body {
    let mut writer = db.new_body().await.unwrap();
    for piece in bytes.chunks(70_001) {
        writer.write(piece).await.unwrap();
    }
    writer.finish(b"tag").await.unwrap()
}

pub async fn stored_body(db: &Db, bytes: &[u8]) -> BodyId {
    let body = body(db, bytes).await;
    let mut edit = db.edit(P).await;
    let id = edit.add_body(&body);
    edit.put(format!("body{:08}", id.0), "x");
    edit.submit().await.unwrap();
    id
}

pub async fn reads_what_was_committed(db: Db) {
    put(&db, P, b"a", b"1").await;
    put(&db, P, b"b", b"").await;
    put(&db, P, b"a", b"2").await;
    let now = db.snapshot();
    assert_eq!(text(now.get(P, b"a").unwrap()), Some("2".into()));
    assert_eq!(text(now.get(P, b"b").unwrap()), Some("".into()));
    assert_eq!(text(now.get(P, b"c").unwrap()), None);
    let mut edit = db.edit(P).await;
    edit.delete("a");
    edit.submit().await.unwrap();
    assert_eq!(text(db.snapshot().get(P, b"a").unwrap()), None);
}

pub async fn shows_nothing_before_it_is_durable(db: Db) {
    put(&db, P, b"a", b"old").await;
    let mut edit = db.edit(P).await;
    edit.put("a", "new");
    assert_eq!(
        text(db.snapshot().get(P, b"a").unwrap()),
        Some("old".into())
    );
    edit.submit().await.unwrap();
    assert_eq!(
        text(db.snapshot().get(P, b"a").unwrap()),
        Some("new".into())
    );
}

pub async fn an_edit_reads_its_own_writes_then_what_was_handed_over(db: Db) {
    put(&db, P, b"durable", b"1").await;
    let mut first = db.edit(P).await;
    first.put("handed", "2");
    first.put("own", "first");
    first.delete("durable");
    let pending = first.submit();
    let mut second = db.edit(P).await;
    assert_eq!(text(second.get(b"handed").unwrap()), Some("2".into()));
    assert_eq!(text(second.get(b"durable").unwrap()), None);
    second.put("own", "second");
    assert_eq!(text(second.get(b"own").unwrap()), Some("second".into()));
    second.delete("handed");
    assert_eq!(text(second.get(b"handed").unwrap()), None);
    let last = second.submit();
    pending.await.unwrap();
    last.await.unwrap();
    assert_eq!(rows(db.snapshot().scan(P, ..)), pairs(&[("own", "second")]));
}

pub async fn a_dropped_edit_leaves_nothing(db: Db) {
    let mut edit = db.edit(P).await;
    edit.put("a", "1");
    drop(edit);
    let edit = db.edit(P).await;
    assert_eq!(text(edit.get(b"a").unwrap()), None);
    drop(edit);
    put(&db, P, b"b", b"2").await;
    assert_eq!(rows(db.snapshot().scan(P, ..)), pairs(&[("b", "2")]));
}

pub async fn asserts_hold_or_nothing_is_written(db: Db) {
    let mut edit = db.edit(P).await;
    edit.expect("a", None);
    edit.put("a", "1");
    edit.submit().await.unwrap();
    let version = db.snapshot().get(P, b"a").unwrap().unwrap().version();

    let mut edit = db.edit(P).await;
    edit.expect("a", None);
    edit.put("b", "never");
    assert_eq!(edit.submit().await, Err(CommitError::Conflict));

    let mut edit = db.edit(P).await;
    edit.expect("a", Some(version));
    edit.put("a", "2");
    edit.submit().await.unwrap();

    let mut edit = db.edit(P).await;
    edit.expect("a", Some(version));
    edit.put("a", "never");
    assert_eq!(edit.submit().await, Err(CommitError::Conflict));
    assert_eq!(rows(db.snapshot().scan(P, ..)), pairs(&[("a", "2")]));

    let mut edits = db.edit_many(&[P, Q]).await;
    edits[0].put("c", "never");
    edits[1].expect("a", Some(version));
    assert_eq!(db.submit_group(edits).await, Err(CommitError::Conflict));
    assert_eq!(rows(db.snapshot().scan(P, ..)), pairs(&[("a", "2")]));
}

pub async fn an_assert_sees_what_was_handed_over(db: Db) {
    let mut first = db.edit(P).await;
    first.put("a", "1");
    let pending = first.submit();
    let mut second = db.edit(P).await;
    let version = second.get(b"a").unwrap().unwrap().version();
    second.expect("a", Some(version));
    second.put("a", "2");
    let last = second.submit();
    assert_eq!(pending.await.unwrap().version, version);
    last.await.unwrap();
    assert_eq!(text(db.snapshot().get(P, b"a").unwrap()), Some("2".into()));
}

pub async fn scans_in_order_from_both_ends(db: Db) {
    let mut edit = db.edit(P).await;
    for key in 0..200u32 {
        edit.put(key.to_be_bytes(), key.to_string());
    }
    edit.submit().await.unwrap();
    let now = db.snapshot();
    let keys = |scan: Scan| {
        rows(scan)
            .into_iter()
            .map(|(key, _)| u32::from_be_bytes(key.try_into().unwrap()))
    };
    assert!(keys(now.scan(P, ..)).eq(0..200));
    let middle = 50u32.to_be_bytes().to_vec()..=149u32.to_be_bytes().to_vec();
    assert!(keys(now.scan(P, middle)).eq(50..150));
    let backward: Vec<_> = now.scan(P, ..).rev().map(|row| row.unwrap().0).collect();
    assert_eq!(backward.len(), 200);
    assert!(backward.windows(2).all(|pair| pair[0] > pair[1]));
    let mut both = now.scan(P, ..);
    let mut seen = 0;
    while both.next().is_some() {
        seen += 1 + usize::from(both.next_back().is_some());
    }
    assert_eq!(seen, 200);
    #[allow(clippy::reversed_empty_ranges)]
    let nothing = b"b".to_vec()..b"a".to_vec();
    assert!(now.scan(P, nothing).next().is_none());
}

pub async fn an_edits_scan_merges_all_layers(db: Db) {
    for key in ["a", "c", "e", "g"] {
        put(&db, P, key.as_bytes(), b"durable").await;
    }
    let mut first = db.edit(P).await;
    first.put("b", "handed");
    first.put("c", "handed");
    first.delete("e");
    let pending = first.submit();
    let mut second = db.edit(P).await;
    second.put("d", "own");
    second.put("b", "own");
    second.delete("g");
    let expected = pairs(&[
        ("a", "durable"),
        ("b", "own"),
        ("c", "handed"),
        ("d", "own"),
    ]);
    assert_eq!(rows(second.scan(..)), expected);
    let mut backward: Vec<_> = second.scan(..).rev().map(|row| row.unwrap()).collect();
    backward.reverse();
    assert!(
        backward
            .iter()
            .map(|(key, _)| key.to_vec())
            .eq(expected.iter().map(|(key, _)| key.clone()))
    );
    let mut both = second.scan(b"a".to_vec()..b"d".to_vec());
    assert_eq!(both.next_back().unwrap().unwrap().0, "c");
    assert_eq!(both.next().unwrap().unwrap().0, "a");
    assert_eq!(both.next_back().unwrap().unwrap().0, "b");
    assert!(both.next_back().is_none() && both.next().is_none());
    drop(second);
    pending.await.unwrap();
}

pub async fn scans_stay_inside_their_partition(db: Db) {
    put(&db, Partition(0), b"x", b"0").await;
    put(&db, Partition(u64::MAX), b"x", b"max").await;
    put(&db, P, b"", b"empty key").await;
    put(&db, P, &[255; 40], b"high").await;
    put(&db, Q, b"", b"next").await;
    let now = db.snapshot();
    assert_eq!(rows(now.scan(P, ..)).len(), 2);
    assert_eq!(rows(now.scan(Q, ..)), pairs(&[("", "next")]));
    assert_eq!(rows(now.scan(Partition(0), ..)).len(), 1);
    assert_eq!(rows(now.scan(Partition(u64::MAX), ..)).len(), 1);
    assert_eq!(
        rows(now.scan(Partition(u64::MAX), ..=b"y".to_vec())).len(),
        1
    );
}

pub async fn prefixes_end_where_they_should(db: Db) {
    let mut edit = db.edit(P).await;
    for key in [
        &b"ab"[..],
        b"ab\xff",
        b"ab\xff\xff",
        b"ac",
        b"aa",
        b"\xff",
        b"\xff\xff",
    ] {
        edit.put(key, "x");
    }
    assert_eq!(rows(edit.prefix(b"ab")).len(), 3);
    edit.submit().await.unwrap();
    let now = db.snapshot();
    assert_eq!(rows(now.prefix(P, b"ab")).len(), 3);
    assert_eq!(rows(now.prefix(P, b"\xff")).len(), 2);
    assert_eq!(rows(now.prefix(P, b"")).len(), 7);
}

pub async fn a_snapshot_never_moves(db: Db) {
    put(&db, P, b"a", b"1").await;
    put(&db, P, b"b", b"1").await;
    let before = db.snapshot();
    let mut scan = before.scan(P, ..);
    assert_eq!(scan.next().unwrap().unwrap().0, "a");
    for round in 0..50u32 {
        let mut edit = db.edit(P).await;
        edit.put("a", round.to_string());
        edit.delete("b");
        edit.put(format!("c{round}"), "x");
        edit.submit().await.unwrap();
    }
    assert_eq!(text(before.get(P, b"a").unwrap()), Some("1".into()));
    assert_eq!(rows(before.scan(P, ..)), pairs(&[("a", "1"), ("b", "1")]));
    assert_eq!(scan.next().unwrap().unwrap().0, "b");
    assert!(scan.next().is_none());
}

pub async fn a_group_is_shown_as_one(db: Db) {
    let writer = db.clone();
    let writing = tokio::spawn(async move {
        for round in 0..100u32 {
            let mut edits = writer.edit_many(&[Q, P, Q]).await;
            assert_eq!(
                edits.iter().map(Edit::partition).collect::<Vec<_>>(),
                [P, Q]
            );
            for edit in &mut edits {
                edit.put("round", round.to_be_bytes());
            }
            writer.submit_group(edits).await.unwrap();
        }
    });
    while !writing.is_finished() {
        let now = db.snapshot();
        let read = |partition| {
            now.get(partition, b"round")
                .unwrap()
                .map(|value| value.to_vec())
        };
        assert_eq!(read(P), read(Q));
        tokio::task::yield_now().await;
    }
    writing.await.unwrap();
}

pub async fn an_empty_group_is_done_at_once(db: Db) {
    db.submit_group(Vec::new()).await.unwrap();
    db.edit(P).await.submit().await.unwrap();
}

pub async fn too_much_is_refused_before_it_is_handed_over(db: Db) {
    let mut edit = db.edit(P).await;
    edit.put("k", vec![0; limits::MAX_EDIT_BYTES]);
    assert!(edit.record_bytes() > limits::MAX_EDIT_BYTES);
    assert_eq!(edit.submit().await, Err(CommitError::TooLarge));
    let mut edit = db.edit(P).await;
    edit.put(vec![b'k'; limits::MAX_KEY_BYTES + 1], "");
    assert_eq!(edit.submit().await, Err(CommitError::TooLarge));
    let mut edit = db.edit(P).await;
    edit.put("k", vec![0; limits::MAX_EDIT_BYTES - 1]);
    edit.put("k", vec![1; limits::MAX_EDIT_BYTES - 1]);
    edit.submit().await.unwrap();
}

pub async fn edits_of_one_partition_wait_for_each_other(db: Db) {
    let first = db.edit(P).await;
    let mut second = Box::pin(db.edit(P));
    let waits = std::future::poll_fn(|cx| Poll::Ready(second.as_mut().poll(cx).is_pending())).await;
    assert!(waits);
    drop(db.edit(Q).await);
    drop(first);
    drop(second.await);
}

pub async fn edits_of_many_partitions_do_not_deadlock(db: Db) {
    let tasks: Vec<_> = (0..20u64)
        .map(|task| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut partitions: Vec<_> =
                    (0..5).map(|n| Partition((task * 7 + n * 3) % 10)).collect();
                partitions.reverse();
                let mut edits = db.edit_many(&partitions).await;
                for edit in &mut edits {
                    edit.put(task.to_be_bytes(), "x");
                }
                db.submit_group(edits).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let now = db.snapshot();
    assert_eq!(
        (0..10)
            .map(|n| rows(now.scan(Partition(n), ..)).len())
            .sum::<usize>(),
        100
    );
}

pub async fn a_bell_rings_after_the_commit_is_visible(db: Db) {
    let mut bell = db.bell(P);
    let listener = db.clone();
    let listening = tokio::spawn(async move {
        bell.rung().await;
        text(listener.snapshot().get(P, b"a").unwrap())
    });
    put(&db, Q, b"a", b"other").await;
    tokio::task::yield_now().await;
    assert!(!listening.is_finished());
    put(&db, P, b"a", b"1").await;
    assert_eq!(listening.await.unwrap(), Some("1".into()));
}

/// Who finds the bell as it was has seen all that is visible: nothing came in between.
pub async fn no_commit_is_seen_before_its_bell_counts_it(db: Db) {
    let partitions: Vec<_> = (1..=64).map(Partition).collect();
    let watched = partitions[63];
    let (reader, bell) = (db.clone(), db.bell(watched));
    let (looks, last) = std::sync::mpsc::channel::<()>();
    let looking = std::thread::spawn(move || {
        let value = || text(reader.snapshot().get(watched, b"a").unwrap());
        let is_over = || last.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected);
        while !is_over() {
            let rings = bell.rings();
            let before = value();
            loop {
                let now = value();
                if rings.is_none() || bell.rings() != rings || is_over() {
                    break;
                }
                assert_eq!(now, before);
            }
        }
    });
    for round in 0..300_u32 {
        let mut edits = db.edit_many(&partitions).await;
        for edit in &mut edits {
            edit.put("a", round.to_string());
        }
        db.submit_group(edits).await.unwrap();
    }
    drop(looks);
    looking.join().unwrap();
}

pub async fn bodies_are_read_back_whole_and_in_pieces(db: Db) {
    let bytes: Vec<u8> = (0..100_000u32).map(|n| (n % 251) as u8).collect();
    let waiting = body(&db, &bytes).await;
    assert_eq!(
        (waiting.len(), waiting.hash()),
        (100_000, *blake3::hash(&bytes).as_bytes())
    );
    assert_eq!(waiting.read(99_990, 100).unwrap(), bytes[99_990..]);
    let id = stored_body(&db, &bytes).await;
    assert_eq!(db.body_len(id).unwrap(), Some(100_000));
    assert_eq!(db.body_tag(id).unwrap().unwrap(), "tag");
    assert_eq!(db.read_body(id, 0, usize::MAX).unwrap(), bytes);
    assert_eq!(db.read_body(id, 0, 10).unwrap(), bytes[..10]);
    assert_eq!(db.read_body(id, 500, 1000).unwrap(), bytes[500..1500]);
    assert_eq!(db.read_body(id, 99_999, 10).unwrap(), bytes[99_999..]);
    assert_eq!(db.read_body(id, 100_000, 10).unwrap(), Bytes::new());
    assert_eq!(db.read_body(id, u64::MAX, 10).unwrap(), Bytes::new());
    assert_eq!(db.body_len(BodyId(id.0 + 100)).unwrap(), None);
    assert!(db.read_body(BodyId(id.0 + 100), 0, 1).is_err());
    let empty = stored_body(&db, b"").await;
    assert_eq!(db.read_body(empty, 0, usize::MAX).unwrap(), Bytes::new());
}

pub async fn a_body_of_many_edits_in_one_group_is_one_body(db: Db) {
    let shared = body(&db, b"for all of you").await;
    let mut edits = db.edit_many(&[P, Q]).await;
    let ids: Vec<_> = edits
        .iter_mut()
        .map(|edit| edit.add_body(&shared))
        .collect();
    assert_eq!(ids[0], ids[1]);
    for edit in &mut edits {
        edit.put("id", ids[0].0.to_be_bytes());
    }
    db.submit_group(edits).await.unwrap();
    let mut later = db.edit(P).await;
    let other = later.add_body(&shared);
    later.submit().await.unwrap();
    assert!(
        other > ids[0],
        "a body brought again later is a body of its own"
    );
    assert_eq!(db.read_body(ids[0], 0, 100).unwrap(), "for all of you");
    assert_eq!(db.read_body(other, 0, 100).unwrap(), "for all of you");
}

pub async fn a_large_body_is_read_back(db: Db) {
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n % 241) as u8).collect();
    let waiting = body(&db, &bytes).await;
    assert_eq!(waiting.read(2_999_000, 5_000).unwrap(), bytes[2_999_000..]);
    let id = stored_body(&db, &bytes).await;
    assert_eq!(db.body_len(id).unwrap(), Some(3_000_000));
    assert_eq!(db.body_tag(id).unwrap().unwrap(), "tag");
    assert_eq!(db.read_body(id, 0, usize::MAX).unwrap(), bytes);
    assert_eq!(
        db.read_body(id, 1_000_000, 1_000).unwrap(),
        bytes[1_000_000..1_001_000]
    );
}

pub async fn a_body_whose_edit_was_dropped_is_not_there(db: Db) {
    let waiting = body(&db, b"nobody wants it").await;
    let mut edit = db.edit(P).await;
    let id = edit.add_body(&waiting);
    drop(edit);
    assert_eq!(db.body_len(id).unwrap(), None);
    let next = stored_body(&db, b"wanted").await;
    assert!(next > id);
}

pub async fn the_vacuum_takes_only_what_is_dead_and_old(db: Db) {
    let dead = stored_body(&db, &[1; 10_000]).await;
    let live = stored_body(&db, &[2; 10_000]).await;
    let large_dead = stored_body(&db, &[3; 500_000]).await;
    let large_live = stored_body(&db, &[4; 500_000]).await;
    let before = db.next_body_id();
    let newer = stored_body(&db, &[5; 10_000]).await;
    let marked = [live.0, large_live.0].into_iter().collect();
    let report = db.vacuum(&marked, before).await.unwrap();
    assert_eq!(report.bodies_dropped, 2);
    for id in [dead, large_dead] {
        assert_eq!(db.body_len(id).unwrap(), None);
        assert!(db.read_body(id, 0, 10).is_err());
    }
    for (id, byte, len) in [
        (live, 2, 10_000),
        (large_live, 4, 500_000),
        (newer, 5, 10_000),
    ] {
        assert_eq!(db.read_body(id, 0, usize::MAX).unwrap(), vec![byte; len]);
    }
    assert_eq!(db.vacuum(&marked, before).await.unwrap().bodies_dropped, 0);
}

pub async fn an_unsettled_body_is_newer_than_any_vacuum(db: Db) {
    let waiting = body(&db, b"on its way").await;
    let mut edit = db.edit(P).await;
    let id = edit.add_body(&waiting);
    let settled = {
        let mut other = db.edit(Q).await;
        let id = other.add_body(&body(&db, b"settled").await);
        other.submit().await.unwrap();
        id
    };
    assert!(settled > id);
    let before = db.next_body_id();
    assert_eq!(before, id);
    edit.submit().await.unwrap();
    db.vacuum(&roaring::RoaringTreemap::new(), before)
        .await
        .unwrap();
    assert_eq!(db.read_body(id, 0, 100).unwrap(), "on its way");
    assert!(db.next_body_id() > settled);
}

pub async fn versions_only_rise(db: Db) {
    let mut last = None;
    for round in 0..20u32 {
        let partition = if round % 2 == 0 { P } else { Q };
        let mut edit = db.edit(partition).await;
        edit.put("a", round.to_be_bytes());
        let committed = edit.submit().await.unwrap();
        let stored = db
            .snapshot()
            .get(partition, b"a")
            .unwrap()
            .unwrap()
            .version();
        assert_eq!(committed.version, stored);
        assert!(last < Some(stored));
        last = Some(stored);
    }
}

pub async fn a_dropped_pending_commits_all_the_same(db: Db) {
    let mut bell = db.bell(P);
    let mut edit = db.edit(P).await;
    edit.put("a", "1");
    drop(edit.submit());
    bell.rung().await;
    assert_eq!(text(db.snapshot().get(P, b"a").unwrap()), Some("1".into()));
}

pub async fn many_writers_of_one_partition_lose_nothing(db: Db) {
    let tasks: Vec<_> = (0..64u32)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    let mut edit = db.edit(P).await;
                    let count = edit
                        .get(b"count")
                        .unwrap()
                        .map_or(0, |value| u32::from_be_bytes(value[..].try_into().unwrap()));
                    edit.put("count", (count + 1).to_be_bytes());
                    edit.put(count.to_be_bytes(), "was");
                    edit.submit().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let now = db.snapshot();
    assert_eq!(
        now.get(P, b"count").unwrap().unwrap()[..],
        640u32.to_be_bytes()
    );
    assert_eq!(rows(now.scan(P, ..)).len(), 641);
}

/// A small generator, so that a failure can be repeated.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }
}

pub async fn random_work_matches_a_plain_map(db: Db) {
    let mut dice = Dice(1);
    let mut model = std::collections::BTreeMap::new();
    let mut pending = std::collections::VecDeque::new();
    for round in 0..400u64 {
        let mut edit = db.edit(P).await;
        for _ in 0..dice.roll(6) {
            let key = format!("{:03}", dice.roll(120)).into_bytes();
            if dice.roll(3) == 0 {
                edit.delete(key.clone());
                model.remove(&key);
            } else {
                let value = vec![round as u8; dice.roll(300) as usize];
                edit.put(key.clone(), value.clone());
                model.insert(key, value);
            }
        }
        if round % 5 == 0 {
            assert_eq!(
                rows(edit.scan(..)),
                model.clone().into_iter().collect::<Vec<_>>()
            );
        }
        pending.push_back(edit.submit());
        while pending.len() > dice.roll(5) as usize {
            pending.pop_front().unwrap().await.unwrap();
        }
        if pending.is_empty() {
            assert_eq!(
                rows(db.snapshot().scan(P, ..)),
                model.clone().into_iter().collect::<Vec<_>>()
            );
        }
    }
}
