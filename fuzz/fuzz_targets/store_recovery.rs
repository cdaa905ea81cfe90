//! A log file in any state: opening never panics, and what it shows is checksummed.
//!
//! The first byte chooses: the rest is the whole file, or changes (place, byte) to a good one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use store::{BodyId, Db, Files, Partition, Settings};

const LOG: &str = "log/00000001.log";

fn settings() -> Settings {
    Settings {
        reserve_bytes: 0,
        ..Settings::default()
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((how, rest)) = data.split_first() else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("because nothing runs without it");
    runtime.block_on(async {
        let (files, disk) = Files::sim(1);
        let db = Db::open(files, settings()).expect("because the disk is new");
        for n in 0..4u8 {
            let mut writer = db.new_body().await.expect("because the disk is empty");
            writer
                // One lies there as it is, the others compressed: of one piece, and of two.
                .write(&vec![n; [100, 3_000, 9_000, 70_000][usize::from(n)]])
                .await
                .expect("because the disk is empty");
            let body = writer
                .finish(b"tag")
                .await
                .expect("because the disk is empty");
            let mut edit = db.edit(Partition(u64::from(n))).await;
            edit.add_body(&body);
            edit.put([n], [n; 50]);
            edit.submit().await.expect("because the disk does not fail");
        }
        disk.crash();
        let mut bytes = disk.contents(LOG).expect("because it was written");
        if how % 2 == 0 {
            for change in rest.chunks_exact(3) {
                let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len();
                bytes[place] = change[2];
            }
        } else {
            bytes = rest.to_vec();
        }
        disk.replace(LOG, bytes);
        let Ok(db) = Db::open(disk.reopen(), settings()) else {
            return;
        };
        let _ = db.check().await;
        for n in 0..=4 {
            let _ = db.read_body(BodyId(n), 0, usize::MAX);
            let _ = db.read_body(BodyId(n), 66_000, 100);
        }
        for n in 0..4u8 {
            if let Ok(Some(value)) = db.snapshot().get(Partition(u64::from(n)), &[n]) {
                assert_eq!(value[..], [n; 50]);
            }
        }
        let mut edit = db.edit(Partition(9)).await;
        edit.put("still", "writes");
        edit.submit().await.expect("because the disk does not fail");
    });
});
