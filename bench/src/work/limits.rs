//! What the machine can do at best: the disk's append and sync in groups.
//!
//! The other limit, the null server, takes part in the rows themselves. Never here: a target.

use crate::Outcome;
use crate::disk::Limit;
use crate::report::{Report, Role, Row, Sample, Unit};
use crate::target::Target;
use crate::work::Plan;
use std::time::{Duration, Instant};

const SECTION: &str = "Limits of the disk";
const NAME: &str = "append and sync";
const SIZES: [(usize, &str); 2] = [(8, "8 KiB"), (100, "100 KiB")];
const GROUPS: [usize; 3] = [1, 16, 64];

pub async fn run(_targets: &mut [Target], plan: &Plan, report: &mut Report) -> Outcome<()> {
    println!("  {SECTION}");
    let time = plan.round / 4;
    for (kib, size) in SIZES {
        for group in GROUPS {
            let row = Row::new(
                SECTION,
                format!("{size}, groups of {group}"),
                Unit::MESSAGES,
            );
            let mut limit = Limit::new(&plan.folder, group, kib * 1024);
            let samples: Vec<Sample> = (0..plan.rounds.most)
                .map(|_| round(&mut limit, group, time))
                .collect();
            report.add(&row, NAME, Role::Limit, &samples);
        }
    }
    Ok(())
}

fn round(limit: &mut Limit, group: usize, time: Duration) -> Sample {
    let mut latency = crate::clock::Histogram::new();
    let begun = Instant::now();
    while begun.elapsed() < time {
        let sync_begun = Instant::now();
        limit.append_and_sync();
        latency.record(sync_begun.elapsed());
    }
    let rate = (latency.count() * group as u64) as f64 / begun.elapsed().as_secs_f64();
    Sample::of(rate).with_latency(latency)
}
