//! What the store does in trouble: failed writes, a full or hanging disk, damage, a second process.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::task::Poll;
use store::{
    BodyRefusal, CommitError, Compression, Db, Files, OpenError, Partition, Settings, SimFailure,
    State,
};

const P: Partition = Partition(1);

fn settings() -> Settings {
    Settings {
        reserve_bytes: 1_000,
        ..Settings::default()
    }
}

async fn put(db: &Db, key: &str, value: &str) -> Result<(), CommitError> {
    let mut edit = db.edit(P).await;
    edit.put(key, value);
    edit.submit().await.map(|_| ())
}

fn keys(db: &Db) -> Vec<String> {
    let rows = db.snapshot().scan(P, ..);
    rows.map(|row| String::from_utf8(row.unwrap().0.to_vec()).unwrap())
        .collect()
}

#[tokio::test]
async fn all_that_builds_on_a_failed_commit_fails_with_it() {
    let (files, disk) = Files::sim(1);
    let db = Db::open(files, settings()).unwrap();
    put(&db, "before", "1").await.unwrap();
    disk.fail_at(disk.operations() + 2, SimFailure::InputOutput);
    let mut first = db.edit(P).await;
    first.put("first", "1");
    let first = first.submit();
    let mut second = db.edit(P).await;
    assert!(second.get(b"first").unwrap().is_some());
    second.put("second", "1");
    let second = second.submit();
    // Begun before the failure, submitted after it.
    let mut third = db.edit(P).await;
    third.put("third", "1");
    assert_eq!(first.await, Err(CommitError::Failed));
    assert_eq!(second.await, Err(CommitError::Failed));
    assert_eq!(third.submit().await, Err(CommitError::Failed));
    let fourth = db.edit(P).await;
    assert!(
        fourth.get(b"first").unwrap().is_none(),
        "nothing computed from it survives"
    );
    drop(fourth);
    put(&db, "after", "1").await.unwrap();
    assert_eq!(keys(&db), ["after", "before"]);
    disk.crash();
    let db = Db::open(disk.reopen(), settings()).unwrap();
    assert_eq!(
        keys(&db),
        ["after", "before"],
        "what failed never comes back"
    );
}

#[tokio::test]
async fn is_read_only_until_a_new_file_holds_and_reads_meanwhile() {
    let (files, disk) = Files::sim(2);
    let db = Db::open(files, settings()).unwrap();
    put(&db, "before", "1").await.unwrap();
    let mut writer = db.new_body().await.unwrap();
    writer.write(b"body").await.unwrap();
    // The sync of the frame, then the beginning of the new file.
    disk.fail_at(disk.operations() + 2, SimFailure::InputOutput);
    disk.fail_at(disk.operations() + 3, SimFailure::NoSpace);
    assert_eq!(put(&db, "failed", "1").await, Err(CommitError::Failed));
    assert!(matches!(db.state(), State::ReadOnly { .. }));
    assert!(matches!(db.new_body().await, Err(BodyRefusal::ReadOnly(_))));
    assert_eq!(put(&db, "refused", "1").await, Err(CommitError::ReadOnly));
    assert_eq!(keys(&db), ["before"]);
    // Asking is what makes it try again, about once a second.
    while !matches!(db.state(), State::Writable) {
        tokio::task::yield_now().await;
    }
    put(&db, "after", "1").await.unwrap();
    let db = {
        disk.crash();
        Db::open(disk.reopen(), settings()).unwrap()
    };
    assert_eq!(keys(&db), ["after", "before"]);
}

/// Writes until the store takes no more; how many records it has acknowledged since `from`.
async fn put_until_refused(db: &Db, from: usize) -> usize {
    for number in from..from + 1_000 {
        match put(db, &format!("{number:06}"), &"x".repeat(500)).await {
            Ok(()) => {}
            Err(CommitError::ReadOnly) => return number - from,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("a thousand records are taken");
}

async fn until_writable(db: &Db) {
    while !matches!(db.state(), State::Writable) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn takes_no_more_while_the_index_cannot_be_flushed_and_goes_on_by_itself() {
    let (files, disk) = Files::sim(13);
    let settings = Settings {
        index_memory_bytes: 10_000,
        ..settings()
    };
    let db = Db::open(files, settings.clone()).unwrap();
    put(&db, "before", "1").await.unwrap();
    let mut taken = 0;
    for _ in 0..2 {
        disk.break_folder(Some("index"));
        let now = put_until_refused(&db, taken).await;
        // Twice what triggers a flush.
        assert!((15..45).contains(&now), "{now}");
        taken += now;
        assert!(matches!(db.state(), State::ReadOnly { .. }));
        assert!(matches!(db.new_body().await, Err(BodyRefusal::ReadOnly(_))));
        assert_eq!(keys(&db).len(), taken + 1, "reading goes on");
        disk.break_folder(None);
        until_writable(&db).await;
    }
    put(&db, "after", "1").await.unwrap();
    disk.crash();
    let db = Db::open(disk.reopen(), settings).unwrap();
    assert_eq!(
        keys(&db).len(),
        taken + 2,
        "all that was acknowledged is there"
    );
}

#[tokio::test]
async fn a_log_that_goes_on_does_not_hide_an_index_that_does_not() {
    let (files, disk) = Files::sim(14);
    let settings = Settings {
        index_memory_bytes: 10_000,
        ..settings()
    };
    let db = Db::open(files, settings).unwrap();
    put(&db, "before", "1").await.unwrap();
    disk.break_folder(Some("index"));
    let mut waiting = Vec::new();
    // More than one frame takes. The first makes the index overfull (write, sync, and two tries at
    // names of the index); the sync of the second fails.
    for number in 0..12 {
        let mut edit = db.edit(P).await;
        edit.put(format!("{number}"), "x".repeat(900_000));
        waiting.push(edit.submit());
    }
    disk.fail_at(disk.operations() + 6, SimFailure::InputOutput);
    let mut told = Vec::new();
    for pending in waiting {
        told.push(pending.await.map(|_| ()));
    }
    assert_eq!((told[0], told[11]), (Ok(()), Err(CommitError::Failed)));
    assert_eq!(put(&db, "refused", "1").await, Err(CommitError::ReadOnly));
    disk.break_folder(None);
    until_writable(&db).await;
    put(&db, "after", "1").await.unwrap();
}

/// The real tree: its folder of tables is away for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takes_no_more_while_the_tree_cannot_be_flushed_and_goes_on_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        index_memory_bytes: 10_000,
        reserve_bytes: 0,
        ..Settings::default()
    };
    let db = Db::open(Files::real(folder.path()).unwrap(), settings.clone()).unwrap();
    let (tables, away) = (
        folder.path().join("index/tables"),
        folder.path().join("away"),
    );
    std::fs::rename(&tables, &away).unwrap();
    let taken = put_until_refused(&db, 0).await;
    assert!((15..200).contains(&taken), "{taken}");
    assert_eq!(keys(&db).len(), taken, "reading goes on");
    std::fs::rename(&away, &tables).unwrap();
    until_writable(&db).await;
    put(&db, "after", "1").await.unwrap();
    db.close().await;
    let db = Db::open(Files::real(folder.path()).unwrap(), settings).unwrap();
    assert_eq!(keys(&db).len(), taken + 1);
}

#[tokio::test]
async fn the_reserve_keeps_bodies_out_and_lets_the_rest_go_on() {
    let (files, disk) = Files::sim(3);
    let db = Db::open(files, settings()).unwrap();
    let mut writer = db.new_body().await.unwrap();
    writer.write(b"body").await.unwrap();
    let body = writer.finish(b"").await.unwrap();
    disk.set_free_bytes(999);
    assert!(matches!(db.state(), State::Full));
    assert!(matches!(db.new_body().await, Err(BodyRefusal::Full)));
    let mut edit = db.edit(P).await;
    edit.add_body(&body);
    assert_eq!(edit.submit().await, Err(CommitError::Full));
    put(&db, "flags", "seen").await.unwrap();
    disk.set_free_bytes(1_000);
    assert!(matches!(db.state(), State::Writable));
    let mut edit = db.edit(P).await;
    edit.add_body(&body);
    edit.submit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_commit_that_does_not_return_is_a_fault_and_not_a_hang() {
    let (files, disk) = Files::sim(4);
    let db = Db::open(
        files,
        Settings {
            commit_timeout_s: 1,
            ..settings()
        },
    )
    .unwrap();
    put(&db, "before", "1").await.unwrap();
    disk.hang();
    assert_eq!(put(&db, "slow", "1").await, Err(CommitError::TimedOut));
    assert!(matches!(db.state(), State::ReadOnly { .. }));
    assert_eq!(put(&db, "refused", "1").await, Err(CommitError::ReadOnly));
    assert_eq!(keys(&db), ["before"]);
    let mut bell = db.bell(P);
    disk.go_on();
    bell.rung().await;
    while !matches!(db.state(), State::Writable) {
        tokio::task::yield_now().await;
    }
    put(&db, "after", "1").await.unwrap();
}

#[tokio::test]
async fn damage_is_reported_and_stepped_over_and_nothing_is_cut_away() {
    let (files, disk) = Files::sim(5);
    let db = Db::open(files, settings()).unwrap();
    let mut ends = Vec::new();
    for key in ["a", "b", "c", "d"] {
        put(&db, key, &"x".repeat(200)).await.unwrap();
        ends.push(disk.contents("log/00000001.log").unwrap().len());
    }
    disk.crash();
    let mut bytes = disk.contents("log/00000001.log").unwrap();
    bytes[ends[0] + 100] ^= 1;
    disk.replace("log/00000001.log", bytes.clone());
    let db = Db::open(disk.reopen(), settings()).unwrap();
    assert_eq!(keys(&db), ["a", "c", "d"]);
    assert_eq!(db.open_report().damage.len(), 1, "{:?}", db.open_report());
    let gap = db.open_report().gap.unwrap();
    assert_eq!((gap.log_file, gap.bytes), (1, (ends[1] - ends[0]) as u64));
    put(&db, "e", "1").await.unwrap();
    assert_eq!(
        disk.contents("log/00000001.log").unwrap(),
        bytes,
        "damage is left for those who look"
    );
    assert!(!db.check().await.unwrap().damage.is_empty());
    disk.crash();
    let db = Db::open(disk.reopen(), settings()).unwrap();
    assert_eq!(keys(&db), ["a", "c", "d", "e"]);
}

#[tokio::test]
async fn a_missing_log_file_is_reported() {
    let (files, disk) = Files::sim(6);
    let db = Db::open(
        files,
        Settings {
            log_file_bytes: 100,
            ..settings()
        },
    )
    .unwrap();
    for key in ["a", "b", "c", "d"] {
        put(&db, key, &"x".repeat(200)).await.unwrap();
    }
    disk.crash();
    disk.lose("log/00000002.log");
    let db = Db::open(disk.reopen(), settings()).unwrap();
    assert_eq!(keys(&db), ["a", "c", "d"]);
    assert_eq!(db.open_report().damage.len(), 1, "{:?}", db.open_report());
    assert_eq!(db.open_report().gap.map(|gap| gap.log_file), Some(2));
}

#[tokio::test]
async fn a_rotten_body_is_a_fault_and_never_wrong_bytes() {
    let as_it_is = [7; 1_000].to_vec();
    let words = (0..9_000u32).flat_map(|n| format!("{} ", n * n % 999).into_bytes());
    let compressed: Vec<u8> = words.take(9_000).collect();
    for body in [as_it_is, compressed] {
        let (files, disk) = Files::sim(7);
        let db = Db::open(files, settings()).unwrap();
        let mut writer = db.new_body().await.unwrap();
        writer.write(&body).await.unwrap();
        let mut edit = db.edit(P).await;
        let id = edit.add_body(&writer.finish(b"").await.unwrap());
        edit.submit().await.unwrap();
        let good = disk.contents("log/00000001.log").unwrap();
        for from_end in [1, 3, 5, 100, 900] {
            let mut bytes = good.clone();
            let place = bytes.len() - from_end;
            bytes[place] ^= 1;
            disk.replace("log/00000001.log", bytes);
            let told = db.read_body(id, 0, usize::MAX).unwrap_err().to_string();
            assert!(told.contains("its sum"), "{told}");
            let damage = db.check().await.unwrap().damage;
            let by_hash = |told: &String| told.contains("its hash");
            assert!(damage.iter().any(by_hash), "{damage:?}");
            // A part has no sum of its own, but its length is right or it is a fault.
            if let Ok(part) = db.read_body(id, 10, 500) {
                assert_eq!(part.len(), 500);
            }
        }
        disk.replace("log/00000001.log", good);
        assert_eq!(db.read_body(id, 0, usize::MAX).unwrap(), body);
    }
}

#[tokio::test]
async fn mail_that_looks_like_a_frame_is_not_one() {
    let (files, disk) = Files::sim(8);
    let db = Db::open(files, settings()).unwrap();
    put(&db, "a", "1").await.unwrap();
    let log = disk.contents("log/00000001.log").unwrap();
    // A body made of the log's own frames, then a torn tail behind it.
    let mut writer = db.new_body().await.unwrap();
    writer.write(&log).await.unwrap();
    let mut edit = db.edit(P).await;
    edit.add_body(&writer.finish(b"").await.unwrap());
    edit.put("b", "1");
    edit.submit().await.unwrap();
    disk.crash();
    let mut bytes = disk.contents("log/00000001.log").unwrap();
    let broken = log.len() + 10;
    bytes[broken] ^= 1;
    disk.replace("log/00000001.log", bytes);
    let db = Db::open(disk.reopen(), settings()).unwrap();
    assert_eq!(keys(&db), ["a"]);
    assert_eq!(db.open_report().frames_replayed, 1);
    let torn = db.open_report().torn_tail_bytes;
    let gap = db.open_report().gap.unwrap();
    assert!(torn > 0 && (gap.log_file, gap.bytes) == (1, torn));
}

#[tokio::test]
async fn a_second_process_is_refused_with_a_clear_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let db = Db::open(Files::real(&path).unwrap(), settings()).unwrap();
    let Err(refused) = Files::real(&path) else {
        panic!("two may not have one folder")
    };
    assert!(matches!(refused, OpenError::Locked { .. }));
    let text = refused.to_string();
    assert!(text.contains(&path.display().to_string()), "{text}");
    assert!(
        text.contains(&format!("process {}", std::process::id())),
        "{text}"
    );
    db.close().await;
    assert_eq!(put(&db, "closed", "1").await, Err(CommitError::ReadOnly));
    drop(Files::real(&path).unwrap());
}

#[tokio::test]
async fn a_store_that_is_dropped_or_closed_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..6 {
        let db = Db::open(Files::real(folder.path()).unwrap(), settings()).unwrap();
        assert_eq!(keys(&db).len(), round);
        assert!(db.open_report().damage.is_empty() && db.open_report().gap.is_none());
        put(&db, &round.to_string(), "x").await.unwrap();
        if round % 2 == 0 {
            db.close().await;
        }
    }
}

#[tokio::test]
async fn unadopted_files_of_bodies_are_removed() {
    let (files, disk) = Files::sim(9);
    let db = Db::open(
        files,
        Settings {
            body_inline_bytes: 100,
            ..settings()
        },
    )
    .unwrap();
    let mut adopted = db.new_body().await.unwrap();
    adopted.write(&[1; 1_000]).await.unwrap();
    let mut dropped = db.new_body().await.unwrap();
    dropped.write(&[2; 1_000]).await.unwrap();
    let mut crashed = db.new_body().await.unwrap();
    crashed.write(&[3; 1_000]).await.unwrap();
    let mut edit = db.edit(P).await;
    let id = edit.add_body(&adopted.finish(b"").await.unwrap());
    edit.submit().await.unwrap();
    drop(dropped.finish(b"").await.unwrap());
    let _crashed = crashed.finish(b"").await.unwrap();
    let bodies = || {
        disk.paths()
            .into_iter()
            .filter(|path| path.starts_with("bodies/"))
            .count()
    };
    assert_eq!(bodies(), 2);
    disk.crash();
    let db = Db::open(disk.reopen(), settings()).unwrap();
    assert_eq!(bodies(), 1);
    assert_eq!(db.read_body(id, 0, usize::MAX).unwrap(), vec![1; 1_000]);
}

#[tokio::test]
async fn the_vacuum_rewrites_files_that_are_mostly_dead() {
    let (files, disk) = Files::sim(10);
    let small = Settings {
        log_file_bytes: 20_000,
        ..settings()
    };
    let db = Db::open(files, small.clone()).unwrap();
    let mut ids = Vec::new();
    for n in 0..60u8 {
        let mut writer = db.new_body().await.unwrap();
        writer.write(&[n; 2_000]).await.unwrap();
        let mut edit = db.edit(P).await;
        ids.push(edit.add_body(&writer.finish(b"tag").await.unwrap()));
        edit.submit().await.unwrap();
    }
    let before = db.next_body_id();
    // All of the first half lives, of the second half every fifth.
    let live: Vec<usize> = (0..60).filter(|n| *n < 30 || n % 5 == 0).collect();
    let marked = live.iter().map(|n| ids[*n].0).collect();
    let report = db.vacuum(&marked, before).await.unwrap();
    assert_eq!(report.bodies_dropped, 24);
    assert!(
        report.bodies_moved >= 4 && report.files_removed >= 2,
        "{report:?}"
    );
    for round in 0..2 {
        let db = if round == 0 {
            db.clone()
        } else {
            Db::open(disk.reopen(), small.clone()).unwrap()
        };
        for n in &live {
            assert_eq!(
                db.read_body(ids[*n], 0, usize::MAX).unwrap(),
                vec![*n as u8; 2_000]
            );
            assert_eq!(db.body_tag(ids[*n]).unwrap().unwrap(), "tag");
        }
        assert!(db.open_report().damage.is_empty(), "{:?}", db.open_report());
        assert_eq!(db.check().await.unwrap().damage, Vec::<String>::new());
        assert!(
            db.next_body_id() > *ids.last().unwrap(),
            "ids are never used twice"
        );
        disk.crash();
    }
}

#[tokio::test]
async fn back_pressure_holds_new_edits_until_commits_catch_up() {
    let (files, _disk) = Files::sim(11);
    let db = Db::open(files, settings()).unwrap();
    let mut pending = Vec::new();
    for n in 0..34u64 {
        let mut edit = db.edit(Partition(n)).await;
        edit.put("k", vec![0; 1_000_000]);
        pending.push(edit.submit());
    }
    let mut next = Box::pin(db.edit(P));
    let waits = std::future::poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx).is_pending())).await;
    assert!(waits);
    drop(next.await);
    for pending in pending {
        pending.await.unwrap();
    }
}

/// The index is flushed, the process dies before its new name is durable, the next process finds
/// the name in the page cache and removes the log files that the index has made needless; then the
/// power fails.
#[tokio::test]
async fn nothing_is_removed_on_the_word_of_an_index_whose_name_is_not_durable() {
    let small = Settings {
        log_file_bytes: 1_000,
        ..settings()
    };
    for (operation, seed) in (1..=8u64).flat_map(|op| (0..6).map(move |seed| (op, seed))) {
        let (files, disk) = Files::sim(seed);
        let db = Db::open(files, small.clone()).unwrap();
        let wanted: Vec<String> = (0..20).map(|n| format!("key{n:02}")).collect();
        for key in &wanted {
            put(&db, key, &"x".repeat(300)).await.unwrap();
        }
        disk.fail_at(disk.operations() + operation, SimFailure::Kill);
        db.close().await;
        disk.forgive();
        let db = Db::open(disk.reopen(), small.clone()).unwrap();
        db.vacuum(&roaring::RoaringTreemap::new(), db.next_body_id())
            .await
            .unwrap();
        disk.crash();
        let db = Db::open(disk.reopen(), small.clone()).unwrap();
        assert_eq!(keys(&db), wanted, "operation {operation}, seed {seed}");
        assert!(db.open_report().damage.is_empty(), "{:?}", db.open_report());
    }
}

/// A new log file's header is written, but its sync fails; the process dies, and the next one finds
/// the header in the page cache and goes on in this file; then the power fails.
#[tokio::test]
async fn a_header_whose_sync_failed_is_written_again_before_it_counts() {
    let small = Settings {
        log_file_bytes: 400,
        compression: Compression::None,
        ..settings()
    };
    for seed in 0..20 {
        let (files, disk) = Files::sim(seed);
        let db = Db::open(files, small.clone()).unwrap();
        put(&db, "before", &"x".repeat(500)).await.unwrap();
        // Create, write, sync; then the next file cannot be created.
        let next = disk.operations();
        disk.fail_at(next + 3, SimFailure::InputOutput);
        disk.fail_at(next + 4, SimFailure::InputOutput);
        assert!(put(&db, "refused", "1").await.is_err());
        disk.kill();
        let db = Db::open(disk.reopen(), small.clone()).unwrap();
        put(&db, "after", "1").await.unwrap();
        disk.crash();
        let db = Db::open(disk.reopen(), small.clone()).unwrap();
        assert_eq!(keys(&db), ["after", "before"], "seed {seed}");
        assert!(db.open_report().damage.is_empty(), "{:?}", db.open_report());
    }
}

#[tokio::test]
async fn without_a_disk_too_many_waiting_bodies_are_refused_for_now() {
    let db = Db::memory();
    let piece = vec![0; 200_000];
    let mut waiting = Vec::new();
    let refused = loop {
        let mut writer = db.new_body().await.unwrap();
        match writer.write(&piece).await {
            Ok(()) => waiting.push(writer),
            Err(refusal) => break refusal,
        }
        assert!(waiting.len() < 2_000, "memory must have a bound");
    };
    assert!(matches!(refused, BodyRefusal::Busy));
    drop(waiting);
    let mut writer = db.new_body().await.unwrap();
    writer.write(&piece).await.unwrap();
}

#[tokio::test]
async fn bodies_that_stall_keep_nobody_out() {
    let (files, disk) = Files::sim(11);
    let narrow = Settings {
        body_memory_bytes: 20_000,
        body_inline_bytes: 1_000,
        ..settings()
    };
    let db = Db::open(files, narrow).unwrap();
    let mut stalled = Vec::new();
    for n in 0..100u8 {
        let mut writer = db.new_body().await.unwrap();
        // half of them small, half of them far into a file
        let bytes = vec![n; if n % 2 == 0 { 900 } else { 5_500 }];
        writer.write(&bytes).await.unwrap();
        stalled.push((writer, bytes));
    }
    let mut ids = Vec::new();
    for (mut writer, mut bytes) in stalled {
        writer.write(b"the end").await.unwrap();
        bytes.extend_from_slice(b"the end");
        let mut edit = db.edit(P).await;
        let id = edit.add_body(&writer.finish(b"").await.unwrap());
        edit.submit().await.unwrap();
        ids.push((id, bytes));
    }
    disk.crash();
    let db = Db::open(disk.reopen(), settings()).unwrap();
    for (id, bytes) in ids {
        assert_eq!(db.read_body(id, 0, usize::MAX).unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_body_in_a_file_gives_its_memory_back() {
    let (files, disk) = Files::sim(12);
    let narrow = Settings {
        body_memory_bytes: 10_000,
        body_inline_bytes: 10_000,
        ..settings()
    };
    let db = Db::open(files, narrow).unwrap();
    let paths = || {
        disk.paths()
            .iter()
            .filter(|p| p.starts_with("bodies/"))
            .count()
    };
    let mut large = db.new_body().await.unwrap();
    large.write(&[1; 20_000]).await.unwrap();
    large.write(&[1; 1]).await.unwrap();
    assert_eq!(paths(), 1);
    let mut small = db.new_body().await.unwrap();
    small.write(&[2; 9_000]).await.unwrap();
    assert_eq!(paths(), 1, "there is memory for the small one");
}
