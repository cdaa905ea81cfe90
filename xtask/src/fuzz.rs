//! Builds the fuzz targets on the stable compiler and runs them.
//!
//! libFuzzer wants coverage counters; rustc's own sanitizer-coverage pass puts them in, so neither
//! cargo-fuzz nor a nightly compiler is needed. What never happens here: a fuzz target.

use crate::steps::{Steps, cargo, root, target};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What cargo-fuzz passes as well. With `--target` given, build scripts stay without it.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cdebug-assertions=on -Coverflow-checks=on \
    --cfg fuzzing";
/// One input may not take longer, nor a target more memory.
const INPUT_TIMEOUT_S: u32 = 10;
const MEMORY_MIB: u32 = 2_048;
const MAX_INPUT_BYTES: u32 = 16_384;

pub fn run(steps: &mut Steps, seconds: u64, only: &[String]) {
    let Some(triple) = host_triple() else {
        return steps.failed(
            "fuzz targets",
            "rustc does not say for which machine it builds",
        );
    };
    let built_in = target().join("fuzz");
    let mut build = Command::new(cargo());
    build.args(["build", "--release", "--bins", "--target", &triple]);
    build
        .current_dir(root().join("fuzz"))
        .env("CARGO_TARGET_DIR", &built_in);
    build
        .env("RUSTFLAGS", COVERAGE)
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    if !steps.command("fuzz targets: build", build) {
        return;
    }
    let wanted: Vec<String> = names()
        .into_iter()
        .filter(|name| only.is_empty() || only.contains(name))
        .collect();
    // Each fuzzes with one thread.
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    for names in wanted.chunks(at_once) {
        let targets = names.iter().map(|name| {
            let binary = built_in.join(&triple).join("release").join(name);
            let what = format!("fuzz {name} for {seconds} s");
            (what, fuzz(&binary, name, seconds))
        });
        steps.commands_at_once(targets.collect());
    }
}

fn fuzz(binary: &Path, name: &str, seconds: u64) -> Command {
    let artifacts = root().join("fuzz/artifacts").join(name);
    let found = target().join("fuzz-corpus").join(name);
    let seeds = root().join("fuzz/corpus").join(name);
    for folder in [&artifacts, &found] {
        // If it cannot be made, libFuzzer says so.
        let _ = std::fs::create_dir_all(folder);
    }
    let mut command = Command::new(binary);
    // New inputs go into the first folder; the seeds under version control stay as they are.
    command.arg(&found);
    if seeds.is_dir() {
        command.arg(&seeds);
    }
    command.arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-timeout={INPUT_TIMEOUT_S}"));
    command.arg(format!("-rss_limit_mb={MEMORY_MIB}"));
    command.arg(format!("-max_len={MAX_INPUT_BYTES}"));
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.args(["-verbosity=0", "-print_final_stats=0"]);
    command
}

/// The targets are the files of their folder.
fn names() -> Vec<String> {
    let folder: PathBuf = root().join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn host_triple() -> Option<String> {
    let output = Command::new("rustc").arg("-vV").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
}
