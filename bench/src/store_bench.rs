//! Group commits of 1, 16 and 64 messages against the disk's own limit; reading; write
//! amplification; and where the ready record is best put.

use crate::disk::{Limit, processor_s, written_bytes};
use crate::message::{self, MESSAGE_BYTES, Ready, Samples};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{BodyId, Db, Files, Partition, Settings};

const ACCOUNTS: u64 = 1_000;
const GROUPS: [usize; 3] = [1, 16, 64];
const SENDERS: u64 = 64;

pub struct Plan {
    pub folder: PathBuf,
    pub rounds: usize,
    pub round_ms: u64,
    pub messages: u64,
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn open(folder: &Path) -> Db {
    let files = Files::real(folder).expect("because the folder was just made");
    Db::open(files, Settings::default()).expect("because the folder was just made")
}

pub async fn run(plan: &Plan) {
    let folder = tempfile::tempdir_in(&plan.folder).expect("because the bench needs a folder");
    println!(
        "messages of 8 KiB with {} bytes of records; medians of {} rounds of {} ms, alternating",
        MESSAGE_BYTES - message::BODY_BYTES,
        plan.rounds,
        plan.round_ms
    );
    let samples = Arc::new(Samples::new());
    for ready in [Ready::InTheTree, Ready::BesideTheBody] {
        println!("\nready record {ready:?}");
        deliveries(&samples, plan, folder.path(), ready).await;
        reading(&samples, plan, folder.path(), ready).await;
    }
    println!();
    senders(&samples, plan, folder.path()).await;
}

/// Runs `step` for a round; messages a second, and the 99th percentile of one step in ms.
async fn round(round_ms: u64, messages: usize, mut step: impl AsyncFnMut()) -> (f64, f64) {
    let begun = Instant::now();
    let mut steps = Vec::new();
    while begun.elapsed() < Duration::from_millis(round_ms) {
        let step_begun = Instant::now();
        step().await;
        steps.push(step_begun.elapsed().as_secs_f64());
    }
    let rate = (steps.len() * messages) as f64 / begun.elapsed().as_secs_f64();
    steps.sort_by(f64::total_cmp);
    (rate, steps[steps.len() * 99 / 100] * 1e3)
}

async fn deliveries(samples: &Samples, plan: &Plan, folder: &Path, ready: Ready) {
    for group in GROUPS {
        let place = folder.join(format!("store-{group}-{ready:?}"));
        let db = open(&place);
        let mut limit = Limit::new(folder, group, MESSAGE_BYTES);
        let mut next = 0u64;
        let (mut limits, mut stores) = (Vec::new(), Vec::new());
        let mut disk_bytes = 0;
        let mut busy_s = 0.0;
        for _ in 0..plan.rounds {
            limits.push(round(plan.round_ms, group, async || limit.append_and_sync()).await);
            let before = written_bytes();
            let busy_before_s = processor_s();
            stores.push(
                round(plan.round_ms, group, async || {
                    deliver(samples, &db, &mut next, group, ready).await
                })
                .await,
            );
            disk_bytes += written_bytes() - before;
            busy_s += processor_s() - busy_before_s;
        }
        let before = written_bytes();
        db.close().await;
        disk_bytes += written_bytes() - before;
        let rate = |of: &[(f64, f64)]| median(of.iter().map(|(rate, _)| *rate).collect());
        let p99 = |of: &[(f64, f64)]| median(of.iter().map(|(_, ms)| *ms).collect());
        println!(
            "  groups of {group:2}: limit {:6.0}/s p99 {:.1} ms, store {:6.0}/s p99 {:.1} ms, ratio {:.2}, write amplification {:.2}, {:.0} µs of processor a message",
            rate(&limits),
            p99(&limits),
            rate(&stores),
            p99(&stores),
            rate(&stores) / rate(&limits),
            disk_bytes as f64 / (next as f64 * MESSAGE_BYTES as f64),
            busy_s * 1e6 / next as f64,
        );
        let _ = std::fs::remove_dir_all(place);
    }
}

/// One group of messages, each to an account of its own.
async fn deliver(samples: &Samples, db: &Db, next: &mut u64, group: usize, ready: Ready) {
    let mut bodies = Vec::with_capacity(group);
    for n in 0..group as u64 {
        bodies.push(samples.body(db, *next + n, ready).await);
    }
    let accounts: Vec<_> = (0..group as u64)
        .map(|n| Partition((*next + n) % ACCOUNTS))
        .collect();
    let mut edits = db.edit_many(&accounts).await;
    for (edit, body) in edits.iter_mut().zip(&bodies) {
        samples.append(edit, *next, body, ready);
        *next += 1;
    }
    db.submit_group(edits)
        .await
        .expect("because a disk that fails has no speed");
}

async fn reading(samples: &Samples, plan: &Plan, folder: &Path, ready: Ready) {
    let place = folder.join(format!("read-{ready:?}"));
    let db = open(&place);
    let inbox = Partition(1);
    let mut ids: Vec<BodyId> = Vec::new();
    let mut pending = Vec::new();
    for uid in 0..plan.messages {
        let body = samples.body(&db, uid, ready).await;
        let mut edit = db.edit(inbox).await;
        ids.push(samples.append(&mut edit, uid, &body, ready));
        pending.push(edit.submit());
        if pending.len() == 256 {
            for pending in pending.drain(..) {
                pending
                    .await
                    .expect("because a disk that fails has no speed");
            }
        }
    }
    for pending in pending {
        pending
            .await
            .expect("because a disk that fails has no speed");
    }
    // Closed and opened again: everything is in the tree's files.
    db.close().await;
    let db = open(&place);
    let scan = |kind: &'static [u8]| {
        let begun = Instant::now();
        let rows = db
            .snapshot()
            .prefix(inbox, kind)
            .filter(Result::is_ok)
            .count();
        assert_eq!(rows as u64, plan.messages);
        begun.elapsed().as_secs_f64() * 1e3
    };
    let small: Vec<f64> = (0..plan.rounds).map(|_| scan(b"f")).collect();
    let envelopes: Vec<f64> = (0..plan.rounds)
        .map(|_| match ready {
            Ready::InTheTree => scan(b"r"),
            Ready::BesideTheBody => heads(&db, &ids),
        })
        .collect();
    let body = (0..plan.rounds)
        .map(|round| one_body(&db, &ids, round))
        .collect();
    println!(
        "  {} messages: scan of small records {:.1} ms, all ready records {:.1} ms, one body {:.1} µs",
        plan.messages,
        median(small),
        median(envelopes),
        median(body),
    );
    db.close().await;
    let _ = std::fs::remove_dir_all(place);
}

/// The ready records where they stand before the bodies.
fn heads(db: &Db, ids: &[BodyId]) -> f64 {
    let begun = Instant::now();
    for id in ids {
        let head = db.read_body(*id, 0, message::READY_BYTES);
        assert_eq!(
            head.expect("because it was just written").len(),
            message::READY_BYTES
        );
    }
    begun.elapsed().as_secs_f64() * 1e3
}

fn one_body(db: &Db, ids: &[BodyId], round: usize) -> f64 {
    let some: Vec<_> = ids.iter().skip(round).step_by(97).collect();
    let begun = Instant::now();
    for id in &some {
        db.read_body(**id, 0, usize::MAX)
            .expect("because it was just written");
    }
    begun.elapsed().as_secs_f64() * 1e6 / some.len() as f64
}

/// 64 senders to one INBOX against 64 senders to 64.
async fn senders(samples: &Arc<Samples>, plan: &Plan, folder: &Path) {
    let db = open(&folder.join("senders"));
    let (mut one, mut many) = (Vec::new(), Vec::new());
    for round in 0..plan.rounds as u64 {
        one.push(send(samples, &db, plan.round_ms, round, |_| Partition(1)).await);
        many.push(
            send(samples, &db, plan.round_ms, round, |sender| {
                Partition(10 + sender)
            })
            .await,
        );
    }
    let (one, many) = (median(one), median(many));
    println!(
        "{SENDERS} senders: to one INBOX {one:.0}/s, to {SENDERS} INBOXes {many:.0}/s, ratio {:.2}",
        one / many
    );
    db.close().await;
}

async fn send(
    samples: &Arc<Samples>,
    db: &Db,
    round_ms: u64,
    round: u64,
    to: fn(u64) -> Partition,
) -> f64 {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (db, samples) = (db.clone(), samples.clone());
            tokio::spawn(async move {
                let mut sent = 0u64;
                while begun.elapsed() < Duration::from_millis(round_ms) {
                    let uid = (round << 40) + (sender << 30) + sent;
                    let body = samples.body(&db, uid, Ready::InTheTree).await;
                    let mut edit = db.edit(to(sender)).await;
                    samples.append(&mut edit, uid, &body, Ready::InTheTree);
                    edit.submit()
                        .await
                        .expect("because a disk that fails has no speed");
                    sent += 1;
                }
                sent
            })
        })
        .collect();
    let mut sent = 0;
    for task in tasks {
        sent += task.await.expect("because a sender does not panic");
    }
    sent as f64 / begun.elapsed().as_secs_f64()
}
