//! A checkpoint of the index in any state: opening never panics, and what it shows is checksummed.
//!
//! The first byte chooses: the rest is the whole content, or changes (place, byte) to a good one;
//! and whether the checksum behind it is made to fit, so that the rows are read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use store::{Db, Files, Partition, Settings, SimDisk};
use xxhash_rust::xxh3::xxh3_64;

const MAP: &str = "index/map";
const SUM_BYTES: usize = 8;

fn settings() -> Settings {
    Settings {
        reserve_bytes: 0,
        ..Settings::default()
    }
}

/// A disk whose index holds a body and four records, and whose log is not needed any more.
async fn disk() -> SimDisk {
    let (files, disk) = Files::sim(1);
    let db = Db::open(files, settings()).expect("because the disk is new");
    let writer = db.new_body().await.expect("because the disk is empty");
    let body = writer.finish(b"tag").await.expect("because it is empty");
    for n in 0..4u8 {
        let mut edit = db.edit(Partition(u64::from(n))).await;
        if n == 0 {
            edit.add_body(&body);
        }
        edit.put([n], [n; 20]);
        edit.submit().await.expect("because the disk does not fail");
    }
    db.close().await;
    disk
}

fn damaged(good: &[u8], how: u8, rest: &[u8]) -> Vec<u8> {
    let (content, sum) = good.split_at(good.len() - SUM_BYTES);
    let mut content = content.to_vec();
    if how & 1 == 0 {
        for change in rest.chunks_exact(3) {
            let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % content.len();
            content[place] = change[2];
        }
    } else {
        content = rest.to_vec();
    }
    let sum = match how & 2 {
        0 => xxh3_64(&content).to_le_bytes().to_vec(),
        _ => sum.to_vec(),
    };
    [content, sum].concat()
}

fuzz_target!(|data: &[u8]| {
    let Some((&how, rest)) = data.split_first() else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("because nothing runs without it");
    runtime.block_on(async {
        let disk = disk().await;
        let good = disk.contents(MAP).expect("because closing writes it");
        disk.replace(MAP, damaged(&good, how, rest));
        let Ok(db) = Db::open(disk.reopen(), settings()) else {
            return;
        };
        let _ = db.check().await;
        for n in 0..4u8 {
            let snapshot = db.snapshot();
            if let Ok(Some(value)) = snapshot.get(Partition(u64::from(n)), &[n]) {
                assert_eq!(value[..], [n; 20]);
            }
            for row in snapshot.prefix(Partition(u64::from(n)), b"") {
                let _ = row;
            }
        }
        let mut edit = db.edit(Partition(9)).await;
        edit.put("still", "writes");
        let _ = edit.submit().await;
        db.close().await;
    });
});
