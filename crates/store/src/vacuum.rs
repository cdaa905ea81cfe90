//! The vacuum: forgets bodies that nobody needs, removes log files without live bodies, rewrites
//! those that are mostly dead.
//!
//! What is live the caller has marked. Never here: a file removed before what replaces it is
//! durable, or while its records are not in the index.

use crate::bodies::Location;
use crate::edit::hand_over_own;
use crate::engine::Engine;
use crate::files::Files;
use crate::index::NEWEST;
use crate::key;
use crate::log::{self, Chain, Log, Place};
use crate::name::decode_value;
use crate::own_file;
use crate::queue::Writes;
use crate::sync::lock;
use crate::{BodyId, CommitError, Fault, VacuumReport};
use roaring::RoaringTreemap;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Bodies forgotten in one transaction.
const FORGET_AT_ONCE: usize = 5_000;
/// Bytes of bodies moved in one transaction.
const MOVE_AT_ONCE_BYTES: u64 = 4 * 1024 * 1024;
/// Bodies moved in one transaction: each in a file of its own holds that file open.
const MOVE_AT_ONCE: usize = 128;

/// What a look at all bodies found.
#[derive(Default)]
struct Survey {
    dead: Vec<(BodyId, Location)>,
    /// Bytes of live entries in each log file.
    live_bytes: BTreeMap<u64, u64>,
    /// Only files before this one got their last body before the look began.
    closed_before: u64,
    /// A body's place could not be read: nobody knows which log file it keeps alive.
    has_unreadable: bool,
}

fn failed(error: CommitError) -> Fault {
    Fault::new("vacuuming", error)
}

pub(crate) async fn run(
    engine: &Arc<Engine>,
    live: &RoaringTreemap,
    before: BodyId,
) -> Result<VacuumReport, Fault> {
    let _alone = engine.vacuum.lock().await;
    let mut report = VacuumReport::default();
    let Some(files) = engine.files.clone() else {
        (report.bodies_dropped, report.bytes_freed) = engine.bodies.sweep_memory(live, before);
        return Ok(report);
    };
    let survey = {
        let (engine, live) = (engine.clone(), live.clone());
        engine
            .clone()
            .blocking(move || survey(&engine, &live, before))
            .await?
    };
    forget(engine, &files, &survey.dead, &mut report).await?;
    let flushing = engine.clone();
    engine.blocking(move || flushing.flush()).await?;
    sweep_log(engine, &files, &survey, &mut report).await?;
    Ok(report)
}

fn locations(engine: &Engine) -> impl Iterator<Item = Result<(BodyId, Location), Fault>> {
    let (low, high) = key::all_bodies();
    engine.index.range(low, high, NEWEST).filter_map(|row| {
        let read = row.map(|(full_key, stored)| {
            let value = decode_value(&full_key, stored);
            let location = value.and_then(|value| Location::decode(value.bytes().clone()));
            if location.is_none() {
                engine.report_bad_value(&full_key);
            }
            Some((key::body_of(&full_key)?, location?))
        });
        read.transpose()
    })
}

fn survey(engine: &Engine, live: &RoaringTreemap, before: BodyId) -> Result<Survey, Fault> {
    let closed_before = lock(&engine.work).log.as_ref().map_or(0, Log::number);
    let bad_before = engine.bad_values.load(Ordering::Relaxed);
    let mut survey = Survey {
        closed_before,
        ..Survey::default()
    };
    for found in locations(engine) {
        let (id, location) = found?;
        if id >= before || live.contains(id.0) {
            *survey.live_bytes.entry(location.log_file).or_default() += location.log_bytes();
        } else {
            survey.dead.push((id, location));
        }
    }
    survey.has_unreadable = engine.bad_values.load(Ordering::Relaxed) != bad_before;
    Ok(survey)
}

/// First the places go, durably; then the files that only they spoke of.
async fn forget(
    engine: &Arc<Engine>,
    files: &Files,
    dead: &[(BodyId, Location)],
    report: &mut VacuumReport,
) -> Result<(), Fault> {
    for some in dead.chunks(FORGET_AT_ONCE) {
        let mut writes = Writes::new();
        for (id, location) in some {
            writes.insert(key::without_space(&key::of_body(*id)), None);
            if let Place::File(file) = location.place {
                writes.insert(key::without_space(&key::of_body_file(file, *id)), None);
            }
        }
        hand_over_own(engine, writes, Vec::new())
            .map_err(failed)?
            .await
            .map_err(failed)?;
        report.bodies_dropped += some.len() as u64;
        for (_, location) in some {
            let Place::File(file) = location.place else {
                continue;
            };
            if !engine.has_owners(file)? {
                remove(engine, files, own_file::path_of(file))?;
                report.files_removed += 1;
                report.bytes_freed += location.len;
            }
        }
    }
    Ok(())
}

/// A file that is gone already is as good as removed.
fn remove(engine: &Engine, files: &Files, path: String) -> Result<(), Fault> {
    engine.bodies.forget(&path);
    match files.remove(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Fault::new(format!("removing {path}"), error))
        }
        _ => Ok(()),
    }
}

async fn sweep_log(
    engine: &Arc<Engine>,
    files: &Files,
    survey: &Survey,
    report: &mut VacuumReport,
) -> Result<(), Fault> {
    if survey.has_unreadable {
        tracing::error!("a body's place cannot be read, so no log file is removed");
        return Ok(());
    }
    let fault = |error: io::Error| Fault::new("looking through the log", error);
    // What stands in earlier files is in the index, and nothing is written to them any more. A file
    // that was begun since the look may hold bodies that the look has not seen.
    let current = lock(&engine.flushed).log_file.min(survey.closed_before);
    let chain = Chain::read(files).map_err(|error| Fault::new("looking through the log", error))?;
    let mut damaged = None;
    for name in files.list(log::DIR).map_err(fault)? {
        let Some(number) = log::number_of(&name).filter(|number| *number < current) else {
            continue;
        };
        let path = log::path_of(number);
        let bytes = files
            .open(&path)
            .and_then(|file| file.len())
            .map_err(fault)?;
        let live = survey.live_bytes.get(&number).copied().unwrap_or(0);
        if live * 2 > bytes {
            continue;
        }
        if chain.follows(number, damaged) {
            // Its header says how long the damaged one was.
            continue;
        }
        if is_damaged(engine, files, &chain, number).await? {
            tracing::warn!(%path, "is damaged, so it stays for those who look for mail in it");
            damaged = Some(number);
            continue;
        }
        if live > 0 {
            report.bodies_moved += move_bodies(engine, number).await?;
        }
        remove(engine, files, path)?;
        report.files_removed += 1;
        report.bytes_freed += bytes - live;
    }
    files.sync_dir(log::DIR).map_err(fault)
}

/// Frames that cannot be read may hold mail that nothing else knows of.
async fn is_damaged(
    engine: &Engine,
    files: &Files,
    chain: &Chain,
    number: u64,
) -> Result<bool, Fault> {
    let path = log::path_of(number);
    if chain.damage.iter().any(|told| told.starts_with(&path)) {
        return Ok(true);
    }
    let Some(link) = chain.links.iter().find(|link| link.number == number) else {
        return Ok(false);
    };
    let (link, files) = (link.clone(), files.clone());
    let walk = move || Ok(!link.walk(&files)?.1.is_empty());
    engine.blocking(walk).await
}

/// Writes the live bodies of a log file anew, at the log's end.
async fn move_bodies(engine: &Arc<Engine>, number: u64) -> Result<u64, Fault> {
    let looking = engine.clone();
    let here = engine.blocking(move || bodies_in(&looking, number)).await?;
    let mut moved = 0;
    let mut rest = &here[..];
    while !rest.is_empty() {
        let mut bytes = 0;
        let count = rest
            .iter()
            .take(MOVE_AT_ONCE)
            .take_while(|(_, location)| {
                bytes += location.log_bytes();
                bytes <= MOVE_AT_ONCE_BYTES
            })
            .count()
            .max(1);
        let (now, later) = rest.split_at(count);
        rest = later;
        let (reading, now) = (engine.clone(), now.to_vec());
        let read = move || {
            now.iter()
                .map(|(id, place)| reading.parcel(*id, place))
                .collect()
        };
        let parcels: Vec<_> = engine.blocking(read).await?;
        hand_over_own(engine, Writes::new(), parcels)
            .map_err(failed)?
            .await
            .map_err(failed)?;
        moved += count as u64;
    }
    Ok(moved)
}

fn bodies_in(engine: &Engine, number: u64) -> Result<Vec<(BodyId, Location)>, Fault> {
    let in_file = |found: &Result<(BodyId, Location), Fault>| match found {
        Ok((_, location)) => location.log_file == number,
        Err(_) => true,
    };
    locations(engine).filter(in_file).collect()
}
