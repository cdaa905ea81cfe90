//! Disk images rebuilt from a recorded strace, at random moments of a process's life: unsynced
//! writes and names are kept or dropped by dice, the folder is opened, and what had been
//! acknowledged by then must be there. This is how the index tree's own files are tested.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod child;
mod trace;

use std::collections::BTreeMap;
use std::process::Command;
use store::{Db, Files};
use trace::{Call, Disk};

const CUTS: u64 = 60;
const TEST: &str = "a_disk_cut_off_at_any_moment_holds_what_was_acknowledged";

#[test]
fn a_disk_cut_off_at_any_moment_holds_what_was_acknowledged() {
    if child::run_if_child() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let calls = record(folder.path(), &data);
    assert!(
        calls
            .iter()
            .any(|call| matches!(call, Call::Sync { path, .. } if path.contains("/index/")))
    );
    let mut dice = 12345u64;
    for cut in 0..CUTS {
        let at = (calls.len() as u64 * (cut + 1) / CUTS).min(calls.len() as u64) as usize;
        let mut disk = Disk::new(data.to_str().unwrap());
        let mut acknowledged = BTreeMap::new();
        for call in &calls[..at] {
            disk.apply(call);
            if let Call::Said(text) = call {
                acknowledged.extend(text.lines().filter_map(child::acknowledged));
            }
        }
        for _ in 0..2 {
            dice = dice
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let image = tempfile::tempdir().unwrap();
            disk.cut(dice).write_to(image.path());
            let told = format!("cut after call {at} of {}, dice {dice}", calls.len());
            let db = Files::real(image.path()).and_then(|files| Db::open(files, child::settings()));
            let db = db.unwrap_or_else(|error| panic!("{told}: {error}"));
            child::verify(&db, &acknowledged, &told);
        }
    }
}

fn record(folder: &std::path::Path, data: &std::path::Path) -> Vec<Call> {
    let calls = "trace=openat,write,pwrite64,writev,lseek,fsync,fdatasync,rename,renameat,renameat2,\
                 unlink,unlinkat,ftruncate,mkdir,mkdirat";
    let output = folder.join("trace");
    let mut strace = Command::new("strace");
    strace
        .args([
            "-ff",
            "-ttt",
            "-y",
            "-xx",
            "-s",
            "100000000",
            "-e",
            calls,
            "-o",
        ])
        .arg(&output)
        .arg(std::env::current_exe().unwrap());
    let ran = child::command(&mut strace, TEST, data, 50).output();
    match ran {
        Ok(ran) => assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stdout)
        ),
        Err(error) => panic!("strace is needed for this test (apt-get install strace): {error}"),
    }
    trace::read(folder, "trace.")
}
