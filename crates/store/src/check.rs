//! Reads everything there is and tells what is not as it should be.
//!
//! Never here: a repair.

use crate::engine::Engine;
use crate::index::NEWEST;
use crate::key;
use crate::log::Chain;
use crate::name::decode_value;
use crate::{CheckReport, Fault};
use std::ops::Bound;

pub(crate) fn run(engine: &Engine) -> Result<CheckReport, Fault> {
    let mut report = CheckReport {
        damage: engine.report.damage.clone(),
        ..CheckReport::default()
    };
    check_log(engine, &mut report)?;
    check_index(engine, &mut report)?;
    report.damage.sort();
    report.damage.dedup();
    Ok(report)
}

fn check_log(engine: &Engine, report: &mut CheckReport) -> Result<(), Fault> {
    let Some(files) = &engine.files else {
        return Ok(());
    };
    let chain = Chain::read(files).map_err(|error| Fault::new("checking the log", error))?;
    report.damage.extend(chain.damage.iter().cloned());
    for link in &chain.links {
        // The vacuum may have removed it meanwhile.
        let Ok((walk, damage)) = link.walk(files) else {
            continue;
        };
        report.frames += walk.frames.len() as u64;
        report.damage.extend(damage);
    }
    Ok(())
}

fn check_index(engine: &Engine, report: &mut CheckReport) -> Result<(), Fault> {
    let moment = engine.readers.enter();
    for row in engine
        .index
        .range(Bound::Unbounded, Bound::Unbounded, moment.at)
    {
        let (full_key, stored) = row?;
        report.values += 1;
        if decode_value(&full_key, stored).is_none() {
            let key = full_key.escape_ascii();
            report
                .damage
                .push(format!("the record {key}: its checksum fails"));
            continue;
        }
        let Some(id) = key::body_of(&full_key) else {
            continue;
        };
        report.bodies += 1;
        // A body that the vacuum took since is no damage.
        if engine.index.get(&full_key, NEWEST)?.is_none() {
            continue;
        }
        if let Err(fault) = engine.verify_body(id) {
            report.damage.push(fault.to_string());
        }
    }
    Ok(())
}
