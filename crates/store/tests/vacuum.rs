//! The vacuum beside deliveries and over damage: it frees what is dead, and nothing else.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use roaring::RoaringTreemap;
use store::{Body, BodyId, Compression, Db, Files, Partition, Settings, SimDisk};

const P: Partition = Partition(1);

/// Each frame gets a log file of its own.
fn settings() -> Settings {
    Settings {
        reserve_bytes: 1_000,
        log_file_bytes: 1,
        body_inline_bytes: 1_000,
        ..Settings::default()
    }
}

async fn body(db: &Db, bytes: &[u8]) -> Body {
    let mut writer = db.new_body().await.unwrap();
    writer.write(bytes).await.unwrap();
    writer.finish(b"tag").await.unwrap()
}

async fn stored(db: &Db, bytes: &[u8]) -> BodyId {
    let body = body(db, bytes).await;
    let mut edit = db.edit(P).await;
    let id = edit.add_body(&body);
    edit.submit().await.unwrap();
    id
}

async fn sweep_all(db: &Db) -> store::VacuumReport {
    let before = db.next_body_id();
    db.vacuum(&RoaringTreemap::new(), before).await.unwrap()
}

fn in_folder(disk: &SimDisk, folder: &str) -> Vec<String> {
    let paths = disk.paths().into_iter();
    paths.filter(|path| path.starts_with(folder)).collect()
}

#[tokio::test]
async fn leaves_a_log_file_that_was_begun_and_ended_since_it_looked() {
    let (files, disk) = Files::sim(1);
    let db = Db::open(files, settings()).unwrap();
    // More than the vacuum forgets in one transaction, so that two frames follow its look.
    let mut edit = db.edit(P).await;
    for _ in 0..5_001 {
        edit.add_body(&body(&db, b"x").await);
    }
    edit.submit().await.unwrap();
    let before = db.next_body_id();
    let delivering = async {
        let first = stored(&db, b"first").await;
        (first, stored(&db, b"second").await)
    };
    let dead = RoaringTreemap::new();
    let ((first, second), swept) = tokio::join!(delivering, db.vacuum(&dead, before));
    assert_eq!(swept.unwrap().bodies_dropped, 5_001);
    disk.crash();
    let db = Db::open(disk.reopen(), settings()).unwrap();
    assert_eq!(db.read_body(first, 0, usize::MAX).unwrap(), "first");
    assert_eq!(db.read_body(second, 0, usize::MAX).unwrap(), "second");
}

fn log_bytes(disk: &SimDisk) -> usize {
    let logs = in_folder(disk, "log").into_iter();
    logs.map(|path| disk.contents(&path).unwrap().len()).sum()
}

#[tokio::test]
async fn moves_a_compressed_body_as_it_is_and_reads_both_forms_under_any_setting() {
    let (files, disk) = Files::sim(4);
    let with = |compression| Settings {
        compression,
        log_file_bytes: 100_000,
        body_inline_bytes: 200_000,
        ..settings()
    };
    let mut state = 1u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let noise: Vec<u8> = noise.take(90_000).collect();
    let text = (0..20_000).flat_map(|n| format!("{n} is ").into_bytes());
    let text: Vec<u8> = text.take(150_000).collect();
    let db = Db::open(files, with(Compression::Zstd)).unwrap();
    let dead = stored(&db, &noise).await;
    let packed = stored(&db, &text).await;
    assert!(log_bytes(&disk) < 90_000 + 75_000, "{}", log_bytes(&disk));
    db.close().await;
    let db = Db::open(disk.reopen(), with(Compression::None)).unwrap();
    let plain = stored(&db, &text).await;
    assert!(log_bytes(&disk) > 90_000 + 150_000);
    let live = RoaringTreemap::from_iter([packed.0, plain.0]);
    let before = db.next_body_id();
    let report = db.vacuum(&live, before).await.unwrap();
    assert_eq!(
        (report.bodies_dropped, report.bodies_moved),
        (1, 1),
        "{report:?}"
    );
    assert!(log_bytes(&disk) < 150_000 + 75_000, "{}", log_bytes(&disk));
    for compression in [Compression::None, Compression::Zstd] {
        disk.crash();
        let db = Db::open(disk.reopen(), with(compression)).unwrap();
        assert!(db.check().await.unwrap().damage.is_empty());
        assert!(db.read_body(dead, 0, 1).is_err());
        for id in [packed, plain] {
            assert_eq!(db.body_len(id).unwrap(), Some(150_000));
            assert_eq!(db.read_body(id, 0, usize::MAX).unwrap(), text);
            let part = db.read_body(id, 60_000, 80_000).unwrap();
            assert_eq!(part, text[60_000..140_000]);
        }
    }
}

#[tokio::test]
async fn moves_the_entry_of_a_large_body_and_not_its_bytes() {
    let (files, disk) = Files::sim(2);
    let db = Db::open(files, settings()).unwrap();
    let large = stored(&db, &[7; 50_000]).await;
    stored(&db, b"another file").await;
    let before = db.next_body_id();
    let live = RoaringTreemap::from_iter([large.0]);
    let report = db.vacuum(&live, before).await.unwrap();
    assert_eq!(report.bodies_moved, 1, "{report:?}");
    let logs = in_folder(&disk, "log/").into_iter();
    let longest = logs.map(|path| disk.contents(&path).unwrap().len()).max();
    assert!(longest.unwrap() < 5_000, "{longest:?}");
    assert_eq!(db.read_body(large, 0, usize::MAX).unwrap(), vec![7; 50_000]);
    disk.crash();
    let db = Db::open(disk.reopen(), settings()).unwrap();
    assert_eq!(db.read_body(large, 0, usize::MAX).unwrap(), vec![7; 50_000]);
    sweep_all(&db).await;
    assert_eq!(in_folder(&disk, "bodies/"), Vec::<String>::new());
}

#[tokio::test]
async fn what_damage_orphaned_stays_for_those_who_look() {
    let (files, disk) = Files::sim(3);
    let db = Db::open(files, settings()).unwrap();
    stored(&db, b"before").await;
    let lost = stored(&db, &[9; 50_000]).await;
    stored(&db, b"after").await;
    disk.crash();
    let path = "log/00000002.log";
    let mut bytes = disk.contents(path).unwrap();
    bytes[100] ^= 1;
    disk.replace(path, bytes.clone());
    for _ in 0..2 {
        let db = Db::open(disk.reopen(), settings()).unwrap();
        stored(&db, b"later").await;
        sweep_all(&db).await;
        disk.crash();
    }
    assert_eq!(disk.contents(path), Some(bytes), "the damaged log file");
    let kept = in_folder(&disk, "bodies/");
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(disk.contents(&kept[0]).unwrap(), vec![9; 50_000]);
    let db = Db::open(disk.reopen(), settings()).unwrap();
    assert!(db.read_body(lost, 0, 1).is_err());
}

#[tokio::test]
async fn an_id_that_damage_took_is_not_given_out_again() {
    let (files, disk) = Files::sim(4);
    let db = Db::open(files, settings()).unwrap();
    stored(&db, b"before").await;
    let lost = stored(&db, b"lost").await;
    // A copy points to it.
    let mut edit = db.edit(P).await;
    edit.put("copy", lost.0.to_be_bytes());
    edit.submit().await.unwrap();
    disk.crash();
    let mut bytes = disk.contents("log/00000002.log").unwrap();
    bytes[100] ^= 1;
    disk.replace("log/00000002.log", bytes);
    let db = Db::open(disk.reopen(), settings()).unwrap();
    let others = stored(&db, b"mail of somebody else").await;
    assert!(others > lost, "{others:?} after {lost:?}");
    assert!(db.read_body(lost, 0, usize::MAX).is_err());
}
