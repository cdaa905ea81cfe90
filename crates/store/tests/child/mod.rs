//! A process that writes to a data folder and says what was acknowledged, to be killed or traced.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use store::{BodyId, Db, Files, Partition, Settings};

const FOLDER: &str = "STORE_CHILD_FOLDER";
const TRANSACTIONS: &str = "STORE_CHILD_TRANSACTIONS";
pub const WRITERS: u64 = 6;

pub fn settings() -> Settings {
    Settings {
        reserve_bytes: 0,
        log_file_bytes: 400_000,
        index_memory_bytes: 60_000,
        body_inline_bytes: 50_000,
        ..Settings::default()
    }
}

/// This test executable again, as a child that writes (to `test`, which calls [`run_if_child`]).
pub fn command(program: &mut Command, test: &str, folder: &Path, transactions: u64) -> Command {
    let mut command = std::mem::replace(program, Command::new("true"));
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(TRANSACTIONS, transactions.to_string())
        .stdout(Stdio::piped());
    command
}

/// Writes until killed, or until each writer has made so many transactions.
pub fn run_if_child() -> bool {
    let (Ok(folder), Ok(transactions)) = (std::env::var(FOLDER), std::env::var(TRANSACTIONS))
    else {
        return false;
    };
    let transactions: u64 = transactions.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let db = Db::open(Files::real(folder).unwrap(), settings()).unwrap();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| tokio::spawn(write(db.clone(), writer, transactions)))
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        db.close().await;
    });
    true
}

pub fn key(n: u64) -> Vec<u8> {
    format!("t{n:08}").into_bytes()
}

pub fn body(writer: u64, n: u64) -> Option<Vec<u8>> {
    let len = match n {
        n if n % 40 == 7 => 120_000,
        n if n % 4 == 0 => 3_000,
        _ => return None,
    };
    Some(
        (0..len)
            .map(|at: u64| (at * 31 + n * 7 + writer) as u8)
            .collect(),
    )
}

async fn write(db: Db, writer: u64, transactions: u64) {
    let partition = Partition(writer);
    let first = db.snapshot().prefix(partition, b"t").count() as u64;
    for n in first..first + transactions {
        let stored = match body(writer, n) {
            Some(bytes) => {
                let mut writer = db.new_body().await.unwrap();
                writer.write(&bytes).await.unwrap();
                Some(writer.finish(b"tag").await.unwrap())
            }
            None => None,
        };
        let mut edit = db.edit(partition).await;
        let id = stored.map(|body| edit.add_body(&body));
        let mut value = vec![n as u8; 150];
        value.splice(..8, id.map_or(0, |id| id.0).to_be_bytes());
        edit.put(key(n), value);
        edit.put("last", n.to_be_bytes());
        edit.put(format!("k{}", n % 20), vec![n as u8; 100]);
        edit.submit().await.unwrap();
        // One write call, past the test harness.
        let mut out = std::io::stdout().lock();
        out.write_all(format!("ack {writer} {n}\n").as_bytes())
            .unwrap();
        out.flush().unwrap();
    }
}

/// `ack WRITER N`, wherever it stands in the line.
pub fn acknowledged(line: &str) -> Option<(u64, u64)> {
    let mut words = line[line.find("ack ")? + 4..].split_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// Everything acknowledged is there, and each writer's transactions are there up to one point.
pub fn verify(db: &Db, acknowledged: &BTreeMap<u64, u64>, told: &str) {
    let report = db.open_report();
    assert!(report.damage.is_empty(), "{told}: {:?}", report.damage);
    let now = db.snapshot();
    for writer in 0..WRITERS {
        let partition = Partition(writer);
        let rows: Vec<_> = now
            .prefix(partition, b"t")
            .map(|row| row.unwrap())
            .collect();
        let count = rows.len() as u64;
        assert!(
            acknowledged.get(&writer).is_none_or(|last| *last < count),
            "{told}: {writer} lost some"
        );
        for (n, (found, value)) in rows.iter().enumerate() {
            let n = n as u64;
            assert_eq!(*found, key(n), "{told}: a gap");
            let id = BodyId(u64::from_be_bytes(value[..8].try_into().unwrap()));
            if let Some(bytes) = body(writer, n) {
                let read = db.read_body(id, 0, usize::MAX);
                assert_eq!(
                    read.unwrap_or_else(|fault| panic!("{told}: {fault}")),
                    bytes
                );
            }
        }
        if let Some(last) = count.checked_sub(1) {
            assert_eq!(
                now.get(partition, b"last").unwrap().unwrap()[..],
                last.to_be_bytes(),
                "{told}"
            );
            let latest = now
                .get(partition, format!("k{}", last % 20).as_bytes())
                .unwrap()
                .unwrap();
            assert_eq!(latest[..], [last as u8; 100], "{told}");
        }
    }
}
