//! `sim SEED…`: runs seeds, says which laws they broke and how to see it again.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to a person"
)]

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[derive(Parser)]
#[command(about = "Runs whole servers in a simulated world")]
struct Arguments {
    /// The seed; the first one where there are several.
    #[arg(default_value_t = 1)]
    seed: u64,
    /// How many seeds, one after the other.
    #[arg(long)]
    seeds: Option<u64>,
    /// How long to go on, such as 30s, 10m or 1h.
    #[arg(long = "for", value_parser = duration)]
    time: Option<Duration>,
    /// Writes everything that happened to this file ("-": the standard output).
    #[arg(long)]
    trace: Option<PathBuf>,
    /// Seeds at a time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// What the server logs goes to the standard error.
    #[arg(long)]
    log: bool,
}

/// Broken laws shown of a run; the first says most.
const BROKEN_SHOWN: usize = 5;
/// Events shown of a run that failed.
const LAST_EVENTS: usize = 60;

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let number: u64 = number.parse().map_err(|_| "such as 30s, 10m or 1h")?;
    match unit {
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        "h" => Ok(Duration::from_secs(number * 3_600)),
        _ => Err("such as 30s, 10m or 1h".to_owned()),
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.log {
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .without_time()
            .init();
    }
    let began = Instant::now();
    let last = match (arguments.seeds, arguments.time) {
        (Some(seeds), _) => arguments.seed.saturating_add(seeds),
        (None, Some(_)) => u64::MAX,
        (None, None) => arguments.seed + 1,
    };
    let next = AtomicU64::new(arguments.seed);
    let failed = AtomicBool::new(false);
    let done = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let is_late = arguments.time.is_some_and(|time| began.elapsed() > time);
                    if seed >= last || is_late || failed.load(Ordering::Relaxed) {
                        return;
                    }
                    if !one(seed, &arguments) {
                        failed.store(true, Ordering::Relaxed);
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    if failed.load(Ordering::Relaxed) {
        return ExitCode::FAILURE;
    }
    println!(
        "{} seeds from {}: every law holds ({:.1} s)",
        done.load(Ordering::Relaxed),
        arguments.seed,
        began.elapsed().as_secs_f64()
    );
    ExitCode::SUCCESS
}

fn one(seed: u64, arguments: &Arguments) -> bool {
    let outcome = sim::run(seed);
    if let Some(path) = &arguments.trace {
        let mut text = outcome.trace.join("\n");
        text.push('\n');
        if path.as_os_str() == "-" {
            print!("{text}");
        } else if let Err(error) = std::fs::write(path, text) {
            eprintln!("{}: {error}", path.display());
        }
    }
    if outcome.broken.is_empty() {
        return true;
    }
    let mut report = format!("seed {seed}: the last events\n");
    let first = outcome
        .trace
        .iter()
        .position(|line| line.contains("BROKEN"));
    let to = first.map_or(outcome.trace.len(), |first| first + 1);
    for line in &outcome.trace[to.saturating_sub(LAST_EVENTS)..to] {
        report.push_str(&format!("    {line}\n"));
    }
    for broken in outcome.broken.iter().take(BROKEN_SHOWN) {
        report.push_str(&format!(
            "seed {seed}: BROKEN: {}\n    {}\n",
            broken.law, broken.text
        ));
    }
    report.push_str(&format!("repeat it with: cargo xtask sim {seed}\n"));
    eprint!("{report}");
    false
}
