//! Kills, counted syncs and hostile peers: builds the product as it is shipped and runs the package
//! `safety` on it.
//!
//! What never happens here: the work itself.

use crate::steps::{Steps, root, target};
use std::process::Command;

/// The part that every test run does.
pub fn test(steps: &mut Steps) {
    let binary = target().join("release/whimbrel");
    let binary = binary.to_string_lossy();
    // Times are compared and processes counted: one test at a time.
    let env = [("WHIMBREL_BIN", &*binary), ("RUST_TEST_THREADS", "1")];
    let arguments = ["-p", "safety", "--", "--nocapture"];
    steps.cargo_test("kills and counted syncs", &arguments, &env);
    let minute = [
        "run", "--quiet", "-p", "safety", "--", "hostile", "--for", "60s",
    ];
    steps.cargo("hostile peers", &minute, &env);
}

/// A long run, for people. `arguments` are those of the package's program.
pub fn run(steps: &mut Steps, what: &str, arguments: &[String]) {
    let build = ["build", "--release", "-p", "whimbrel", "-p", "safety"];
    if !steps.cargo("release build", &build, &[]) {
        return;
    }
    let mut command = Command::new(target().join("release/safety"));
    command
        .arg(what)
        .args(arguments)
        .env("WHIMBREL_BIN", target().join("release/whimbrel"))
        .current_dir(root());
    steps.command(what, command);
}
