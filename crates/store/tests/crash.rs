//! Crashes the embedded engine at every operation of the disk, and lets every operation fail.
//!
//! The laws: what was acknowledged is all there; nothing is half there; what a reader saw stays;
//! what was told as failed, with writing resumed since, never comes back; each partition holds a
//! prefix of what was submitted to it.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use store::{
    BodyId, BodyRefusal, CommitError, Committed, Db, Files, Partition, Settings, SimDisk,
    SimFailure,
};

const PARTITIONS: u64 = 3;
const STEPS: u64 = 50;

fn settings() -> Settings {
    Settings {
        reserve_bytes: 0,
        log_file_bytes: 3_000,
        index_memory_bytes: 3_000,
        // some lie in the log as they are, some compressed, some in files of their own
        body_inline_bytes: 3_000,
        ..Settings::default()
    }
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }
}

#[derive(Clone, Debug)]
struct Submitted {
    step: u64,
    writes: BTreeMap<Partition, BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
    body: Option<(BodyId, Vec<u8>)>,
    /// None: the crash came before the answer.
    outcome: Option<Result<Committed, CommitError>>,
}

#[derive(Default)]
struct History {
    submitted: Vec<Submitted>,
    /// Steps that a reader saw.
    seen: BTreeSet<u64>,
    /// Bodies that a vacuum may have taken.
    given_up: BTreeSet<BodyId>,
}

fn step_key(step: u64) -> Vec<u8> {
    format!("step{step:04}").into_bytes()
}

fn body_bytes(step: u64, len: u64) -> Vec<u8> {
    (0..len).map(|n| (n * 7 + step) as u8).collect()
}

fn steps_in(db: &Db, partition: Partition) -> BTreeSet<u64> {
    db.snapshot()
        .prefix(partition, b"step")
        .map(|row| {
            String::from_utf8(row.unwrap().0[4..].to_vec())
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect()
}

/// One transaction, or a group over two partitions, some with a body.
async fn submit(
    db: &Db,
    dice: &mut Dice,
    step: u64,
    history: &mut History,
) -> Option<store::Pending> {
    let first = Partition(dice.roll(PARTITIONS));
    let second = if dice.roll(4) == 0 {
        Partition(dice.roll(PARTITIONS))
    } else {
        first
    };
    let mut body = None;
    if dice.roll(2) == 0 {
        let bytes = body_bytes(step, 1 + dice.roll(4_000));
        let mut writer = match db.new_body().await {
            Ok(writer) => writer,
            Err(BodyRefusal::ReadOnly(_) | BodyRefusal::Fault(_)) => return None,
            Err(other) => panic!("{other}"),
        };
        if writer.write(&bytes).await.is_err() {
            return None;
        }
        body = Some((writer.finish(b"tag").await.ok()?, bytes));
    }
    let mut submitted = Submitted {
        step,
        writes: BTreeMap::new(),
        body: None,
        outcome: None,
    };
    let mut edits = db.edit_many(&[first, second]).await;
    for edit in &mut edits {
        let mut writes = BTreeMap::from([(step_key(step), Some(vec![step as u8; 20]))]);
        for _ in 0..dice.roll(4) {
            let key = format!("key{}", dice.roll(5)).into_bytes();
            let value = (dice.roll(3) > 0).then(|| vec![step as u8; dice.roll(400) as usize]);
            writes.insert(key, value);
        }
        for (key, value) in &writes {
            match value {
                Some(value) => edit.put(key.clone(), value.clone()),
                None => edit.delete(key.clone()),
            }
        }
        if let Some((body, bytes)) = &body {
            submitted.body = Some((edit.add_body(body), bytes.clone()));
        }
        submitted.writes.insert(edit.partition(), writes);
    }
    history.submitted.push(submitted);
    Some(db.submit_group(edits))
}

async fn work(db: &Db, seed: u64, steps: std::ops::Range<u64>, history: &mut History) {
    let mut dice = Dice(seed);
    let mut waiting = std::collections::VecDeque::new();
    for step in steps {
        if step % 15 == 14 {
            vacuum(db, history).await;
        }
        if let Some(pending) = submit(db, &mut dice, step, history).await {
            waiting.push_back((history.submitted.len() - 1, pending));
        }
        while waiting.len() as u64 > dice.roll(4) {
            let (at, pending) = waiting.pop_front().unwrap();
            history.submitted[at].outcome = Some(pending.await);
            look(db, history);
        }
    }
    for (at, pending) in waiting {
        history.submitted[at].outcome = Some(pending.await);
        look(db, history);
    }
}

/// Gives up every third body that anybody saw. It may fail half-way; nothing live may suffer.
async fn vacuum(db: &Db, history: &mut History) {
    let before = db.next_body_id();
    look(db, history);
    let mut live = roaring::RoaringTreemap::new();
    for (n, submitted) in history.submitted.iter().enumerate() {
        let Some((id, _)) = &submitted.body else {
            continue;
        };
        if n % 3 == 0 && *id < before {
            history.given_up.insert(*id);
        } else {
            live.insert(id.0);
        }
    }
    let _ = db.vacuum(&live, before).await;
}

fn look(db: &Db, history: &mut History) {
    for partition in (0..PARTITIONS).map(Partition) {
        history.seen.extend(steps_in(db, partition));
    }
}

/// Checks all laws; tells which steps are there.
fn verify(db: &Db, history: &History, told: &str) -> BTreeSet<u64> {
    let mut present = BTreeSet::new();
    for submitted in &history.submitted {
        let there: Vec<bool> = submitted
            .writes
            .keys()
            .map(|partition| steps_in(db, *partition).contains(&submitted.step))
            .collect();
        assert!(
            there.windows(2).all(|pair| pair[0] == pair[1]),
            "{told}: half a group: {submitted:?}"
        );
        if there[0] {
            present.insert(submitted.step);
        }
    }
    let last_acknowledged = history
        .submitted
        .iter()
        .filter(|submitted| matches!(submitted.outcome, Some(Ok(_))))
        .map(|submitted| submitted.step)
        .max();
    let mut missing_since = None;
    for submitted in &history.submitted {
        let there = present.contains(&submitted.step);
        match submitted.outcome {
            Some(Ok(_)) => assert!(there, "{told}: acknowledged and lost: {submitted:?}"),
            Some(Err(CommitError::ReadOnly | CommitError::Full | CommitError::Conflict)) => {
                assert!(!there, "{told}: refused and there: {submitted:?}");
            }
            Some(Err(_)) if last_acknowledged > Some(submitted.step) => {
                assert!(!there, "{told}: failed and came back: {submitted:?}");
            }
            _ => {
                // Of unknown outcome: there may be a first part of them.
                assert!(
                    !there || missing_since.is_none(),
                    "{told}: out of order: {submitted:?}"
                );
                if !there {
                    missing_since = Some(submitted.step);
                }
            }
        }
    }
    assert!(history.seen.is_subset(&present), "{told}: seen and lost");
    verify_contents(db, history, &present, told);
    present
}

fn verify_contents(db: &Db, history: &History, present: &BTreeSet<u64>, told: &str) {
    let mut expected: BTreeMap<Partition, BTreeMap<Vec<u8>, Vec<u8>>> = BTreeMap::new();
    for submitted in history
        .submitted
        .iter()
        .filter(|submitted| present.contains(&submitted.step))
    {
        for (partition, writes) in &submitted.writes {
            let rows = expected.entry(*partition).or_default();
            for (key, value) in writes {
                match value {
                    Some(value) => rows.insert(key.clone(), value.clone()),
                    None => rows.remove(key),
                };
            }
        }
        let body = submitted.body.as_ref();
        if let Some((id, bytes)) = body.filter(|(id, _)| !history.given_up.contains(id)) {
            let read = db.read_body(*id, 0, usize::MAX);
            assert_eq!(
                read.unwrap_or_else(|fault| panic!("{told}: {fault}")),
                *bytes,
                "{told}"
            );
        }
    }
    for partition in (0..PARTITIONS).map(Partition) {
        let found: BTreeMap<_, _> = db
            .snapshot()
            .scan(partition, ..)
            .map(|row| row.unwrap())
            .map(|(key, value)| (key.to_vec(), value.to_vec()))
            .collect();
        assert_eq!(
            found,
            expected.remove(&partition).unwrap_or_default(),
            "{told}: {partition:?}"
        );
    }
}

fn block_on<T>(run: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(run)
}

/// What happens when nothing fails: how many operations there are.
fn operations(seed: u64) -> u64 {
    block_on(async {
        let (files, disk) = Files::sim(seed);
        let db = Db::open(files, settings()).unwrap();
        let mut history = History::default();
        work(&db, seed, 0..STEPS, &mut history).await;
        verify(&db, &history, "no failure");
        assert_eq!(history.seen.len(), STEPS as usize);
        disk.operations()
    })
}

/// Runs the work with the failures in place; the store may not even open. The process ends without
/// closing anything.
async fn run_into(files: Files, seed: u64) -> History {
    let mut history = History::default();
    if let Ok(db) = Db::open(files, settings()) {
        work(&db, seed, 0..STEPS, &mut history).await;
    }
    history
}

async fn reopen_and_verify(disk: &SimDisk, history: &mut History, told: &str) {
    let db = Db::open(disk.reopen(), settings()).unwrap_or_else(|error| panic!("{told}: {error}"));
    let report = db.open_report();
    assert!(report.damage.is_empty(), "{told}: {:?}", report.damage);
    let present = verify(&db, history, told);
    // What a reader sees now is durable, too.
    disk.crash();
    let db = Db::open(disk.reopen(), settings()).unwrap();
    assert_eq!(
        verify(&db, history, told),
        present,
        "{told}: visible after opening, then lost"
    );
    // It goes on: what is unknown is decided now.
    for submitted in &mut history.submitted {
        if !matches!(submitted.outcome, Some(Ok(_))) {
            let there = present.contains(&submitted.step);
            submitted.outcome = if there {
                Some(Ok(Committed {
                    version: store::Version(0),
                }))
            } else {
                Some(Err(CommitError::Failed))
            };
        }
    }
    work(&db, 99, STEPS..STEPS + 6, history).await;
    verify(&db, history, told);
    let check = db.check().await.unwrap();
    assert!(check.damage.is_empty(), "{told}: {:?}", check.damage);
    disk.crash();
    let db = Db::open(disk.reopen(), settings()).unwrap();
    verify(&db, history, told);
}

fn crash_everywhere(seed: u64) {
    let total = operations(seed);
    assert!(
        total > 150,
        "{total} operations are too few to prove anything"
    );
    for at in 1..=total {
        block_on(async {
            let (files, disk) = Files::sim(seed);
            disk.fail_at(at, SimFailure::Crash);
            let mut history = run_into(files, seed).await;
            disk.crash();
            let told = format!(
                "seed {seed}, crash at operation {at} ({})",
                disk.journal()[at as usize - 1]
            );
            reopen_and_verify(&disk, &mut history, &told).await;
        });
    }
}

fn fail_everywhere(seed: u64, failure: SimFailure) {
    let total = operations(seed);
    for at in 1..=total {
        block_on(async {
            let (files, disk) = Files::sim(seed);
            disk.fail_at(at, failure);
            let mut history = run_into(files, seed).await;
            disk.crash();
            let told = format!(
                "seed {seed}, {failure:?} at operation {at} ({})",
                disk.journal()[at as usize - 1]
            );
            reopen_and_verify(&disk, &mut history, &told).await;
        });
    }
}

#[test]
fn survives_a_crash_at_every_operation_seed_1() {
    crash_everywhere(1);
}

#[test]
fn survives_a_crash_at_every_operation_seed_2() {
    crash_everywhere(2);
}

#[test]
fn survives_a_crash_at_every_operation_seed_3() {
    crash_everywhere(3);
}

#[test]
fn survives_eio_at_every_operation() {
    fail_everywhere(4, SimFailure::InputOutput);
}

#[test]
fn survives_enospc_at_every_operation() {
    fail_everywhere(5, SimFailure::NoSpace);
}

#[test]
fn survives_a_crash_while_opening_after_a_crash() {
    let seed = 6;
    for at in (1..=operations(seed)).step_by(3) {
        for again in 1..5 {
            block_on(async {
                let (files, disk) = Files::sim(seed);
                disk.fail_at(at, SimFailure::Crash);
                let mut history = run_into(files, seed).await;
                disk.crash();
                disk.fail_at(disk.operations() + again, SimFailure::Crash);
                drop(Db::open(disk.reopen(), settings()));
                disk.crash();
                let told = format!("crash at {at}, again at {again} of opening");
                // A failure that opening never reached must not strike later.
                disk.forgive();
                reopen_and_verify(&disk, &mut history, &told).await;
            });
        }
    }
}
