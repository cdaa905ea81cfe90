//! The benchmark: builds it and the product as it is shipped, and runs it.
//!
//! What never happens here: a measurement.

use crate::steps::{Steps, root, target};
use std::process::Command;

/// Where the figures of a whole run go, for everybody to read.
const DOCUMENT: &str = "docs/benchmarks.md";

/// What is said to the program as it is.
const DIRECT: &[&str] = &["store", "peer", "--help"];

pub fn run(steps: &mut Steps, arguments: &[String]) {
    if !build(steps) {
        return;
    }
    let mut command = program();
    let without = |option: &str| {
        let place = arguments.iter().position(|argument| argument == option)?;
        Some([&arguments[..place], &arguments[place + 1..]].concat())
    };
    if let Some(others) = without("--install") {
        command.arg("install").args(others);
    } else if let Some(others) = without("--count") {
        command.arg("count").args(others);
    } else if arguments
        .first()
        .is_some_and(|word| DIRECT.contains(&word.as_str()))
    {
        command.args(arguments);
    } else {
        command.args(["run", "--document", DOCUMENT, "--out"]);
        command.arg(target().join("benchmarks.md")).args(arguments);
    }
    steps.command("bench", command);
}

/// That every row works still, and that no main path has become much longer.
pub fn test(steps: &mut Steps) {
    if !build(steps) {
        return;
    }
    let mut moment = program();
    moment.args(["run", "--moment", "--alone", "--out"]);
    moment.arg(target().join("moment/benchmarks.md"));
    steps.command("every row of the benchmark, for a moment", moment);
    if Command::new("valgrind").arg("--version").output().is_err() {
        return steps.note("not installed: valgrind (instruction counts are left out)".to_owned());
    }
    let mut count = program();
    count.args(["count", "--check"]);
    steps.command("instruction counts", count);
}

fn build(steps: &mut Steps) -> bool {
    let build = ["build", "--release", "-p", "whimbrel", "-p", "bench"];
    steps.cargo("release build", &build, &[])
}

fn program() -> Command {
    let mut command = Command::new(target().join("release/bench"));
    command.current_dir(root());
    command
}
