//! The real mail programs that the product is tested with: which, and where they come from.
//!
//! What never happens here: the tests themselves; they are the package `clients`.

use crate::steps::{Steps, target};
use std::path::Path;
use std::process::Command;

/// Program and the Debian or Ubuntu package that brings it.
const PROGRAMS: &[(&str, &str)] = &[
    ("swaks", "swaks"),
    ("curl", "curl"),
    ("mutt", "mutt"),
    ("fetchmail", "fetchmail"),
    ("mbsync", "isync"),
    ("python3", "python3"),
    ("neomutt", "neomutt"),
    ("alpine", "alpine"),
    ("offlineimap", "offlineimap3"),
    ("getmail", "getmail6"),
    ("mpop", "mpop"),
    ("msmtp", "msmtp"),
    ("imapfilter", "imapfilter"),
    // 88 MB to download, the others together a tenth of that
    ("thunderbird", "thunderbird"),
    ("strace", "strace"),
    // a library of Perl, which swaks needs for TLS
    ("Net::SSLeay", "libnet-ssleay-perl"),
    // ring and libFuzzer are built from C and C++
    ("cc", "gcc"),
    ("g++", "g++"),
];

/// Installs what is missing when that is allowed; says what is missing otherwise.
pub fn install_missing(steps: &mut Steps) {
    let missing = missing();
    if missing.is_empty() {
        return;
    }
    if is_root() && is_there("apt-get") {
        let mut update = Command::new("apt-get");
        update.args(["update", "-q"]);
        steps.command("apt-get update", update);
        let mut install = Command::new("apt-get");
        install
            .args(["install", "-q", "-y", "--no-install-recommends"])
            .args(&missing);
        install.env("DEBIAN_FRONTEND", "noninteractive");
        steps.command("apt-get install", install);
    } else {
        let text = format!(
            "not installed: {} (their tests are left out)",
            missing.join(" ")
        );
        if std::env::var("CI").is_ok_and(|ci| ci == "true") {
            steps.failed("mail programs", &text);
        } else {
            steps.note(text);
        }
    }
}

/// Builds the product as it is shipped and lets the real programs use it.
pub fn run(steps: &mut Steps) {
    if !steps.cargo(
        "release build",
        &["build", "--release", "-p", "whimbrel"],
        &[],
    ) {
        return;
    }
    let binary = target().join("release/whimbrel");
    let binary = binary.to_string_lossy();
    // Each test starts its own server; a few at a time keeps a small machine responsive.
    let env = [("WHIMBREL_BIN", &*binary), ("RUST_TEST_THREADS", "3")];
    steps.cargo_test("real mail programs", &["-p", "clients"], &env);
}

fn missing() -> Vec<&'static str> {
    let absent = PROGRAMS
        .iter()
        .filter(|(program, _)| match program.contains("::") {
            true => !perl_has(program),
            false => !is_there(program),
        });
    absent.map(|(_, package)| *package).collect()
}

fn perl_has(module: &str) -> bool {
    let probe = Command::new("perl")
        .arg(format!("-M{module}"))
        .args(["-e", "1"])
        .output();
    probe.is_ok_and(|output| output.status.success())
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
