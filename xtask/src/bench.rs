//! The benchmark: builds it and the product as it is shipped, and runs it.
//!
//! What never happens here: a measurement.

use crate::steps::{Steps, root, target};
use std::process::Command;

/// Where the figures go that everybody reads.
const DOCUMENT: &str = "docs/benchmarks.md";

pub fn run(steps: &mut Steps, arguments: &[String]) {
    let build = ["build", "--release", "-p", "whimbrel", "-p", "bench"];
    if !steps.cargo("release build", &build, &[]) {
        return;
    }
    let mut command = Command::new(target().join("release/bench"));
    match arguments.first().map(String::as_str) {
        Some("store") => command.args(arguments),
        Some("--install") => command.arg("install").args(&arguments[1..]),
        Some(_) => command.arg("run").args(arguments),
        // A part of the rows, or rounds that are too short, would not tell the whole.
        None => command.args(["run", "--out", DOCUMENT]),
    };
    command.current_dir(root());
    steps.command("bench", command);
}
