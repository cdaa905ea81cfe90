//! The repository's own commands: `cargo xtask check`, `test`, `tidy`, `deb`, `fuzz` and so on.
//!
//! Here lives what a contributor and the build machine run. What never happens here: product code.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "these commands talk to a person"
)]

mod bench;
mod clients;
mod deb;
mod fuzz;
mod mutants;
mod roads;
mod safety;
mod steps;
mod tidy;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use steps::Steps;

#[derive(Parser)]
#[command(about = "Checks, tests and measurements of this repository")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Format, lints, tidy and the fast tests: before every commit.
    Check,
    /// Everything: check, dialogues, fuzz targets for a short while, real mail programs,
    /// networks of mail servers, kills, counted syncs, a minute of hostile peers, instruction counts.
    Test,
    /// The house's rules that Cargo and clippy do not know.
    Tidy {
        /// Instead, prints each requirement of the catalogues (docs/requirements) and each that is
        /// marked in the code, with the tests that show it.
        #[arg(long)]
        requirements: bool,
        /// Only requirements of these RFCs: `--requirements rfc9051 rfc3501`.
        #[arg(requires = "requirements")]
        rfcs: Vec<String>,
    },
    /// Builds the Debian package: `target/deb/whimbrel_VERSION_ARCHITECTURE.deb`.
    Deb {
        /// Also look into it, install it in a throw-away root and run what is there.
        #[arg(long)]
        check: bool,
        /// Pack this program instead of building one.
        #[arg(long, value_name = "FILE")]
        binary: Option<PathBuf>,
    },
    /// Writes the manual pages to `target/man`.
    Man,
    /// Builds the fuzz targets and runs each for a while.
    Fuzz {
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Only these targets.
        targets: Vec<String>,
    },
    /// Kills the server at random moments and checks what it acknowledged: `--rounds N --seed S`.
    Kill {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Kills the server while its queue is full, and checks what became of each message: `--rounds N
    /// --seed S`.
    KillQueue {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Attacks the server while honest programs go on: `--for 60s|1d --seed S`.
    Hostile {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Whole networks of mail servers, with real ports and a DNS of their own (as root): brings
    /// Debian's servers, and runs the tests that have these words in their names.
    Roads { names: Vec<String> },
    /// Whole servers in a simulated world: `sim SEED`, `sim --seeds N`, `sim --for 1h`.
    Sim {
        /// What the simulator takes; `--help` says what that is.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Breaks the product in known ways; the simulator must notice each.
    Mutants {
        /// Only this one.
        #[arg(long)]
        only: Option<String>,
        /// Only those that the build machine runs.
        #[arg(long)]
        ci: bool,
    },
    /// Whimbrel beside other mail servers, and against the machine's limits.
    ///
    /// `bench` for most of an hour, `bench --quick` for a quarter, `bench ROWS…` for some rows; `bench --install`
    /// brings the other servers (once, as root); `bench --count` renews the instruction counts.
    Bench {
        /// What the program takes; `bench run --help` says what that is.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// How long each fuzz target runs within `cargo xtask test`.
const SHORT_FUZZ_S: u64 = 8;

fn main() -> ExitCode {
    let mut steps = Steps::new();
    match Arguments::parse().command {
        Command::Check => check(&mut steps),
        Command::Test => test(&mut steps),
        Command::Tidy {
            requirements: false,
            ..
        } => tidy::run(&mut steps),
        Command::Tidy { rfcs, .. } => tidy::requirements(&mut steps, &rfcs),
        Command::Deb { check, binary } => {
            let package = deb::run(&mut steps, binary.as_deref());
            if let (true, Some(package)) = (check, package) {
                deb::check::run(&mut steps, &package);
            }
        }
        Command::Man => deb::manual(&mut steps),
        Command::Fuzz { seconds, targets } => fuzz::run(&mut steps, seconds, &targets),
        Command::Kill { arguments } => safety::run(&mut steps, "kill", &arguments),
        Command::KillQueue { arguments } => safety::run(&mut steps, "kill-queue", &arguments),
        Command::Hostile { arguments } => safety::run(&mut steps, "hostile", &arguments),
        Command::Roads { names } => roads::run_alone(&mut steps, &names),
        Command::Sim { arguments } => {
            let mut all = vec!["run", "--quiet", "-p", "sim", "--"];
            all.extend(arguments.iter().map(String::as_str));
            steps.cargo("sim", &all, &[]);
        }
        Command::Mutants { only, ci } => {
            let which = match (only, ci) {
                (Some(name), _) => mutants::Which::Only(name),
                (None, true) => mutants::Which::Ci,
                (None, false) => mutants::Which::All,
            };
            mutants::run(&mut steps, &which);
        }
        Command::Bench { arguments } => bench::run(&mut steps, &arguments),
    }
    steps.finish()
}

fn check(steps: &mut Steps) {
    steps.cargo("format", &["fmt", "--all", "--check"], &[]);
    let fuzz = ["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"];
    steps.cargo("format of the fuzz targets", &fuzz, &[]);
    steps.cargo(
        "lints",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ],
        &[],
    );
    tidy::run(steps);
    steps.cargo_test(
        "tests",
        &[
            "--workspace",
            "--exclude",
            "clients",
            "--exclude",
            "roads",
            "--exclude",
            "safety",
        ],
        &[],
    );
}

fn test(steps: &mut Steps) {
    clients::install_missing(steps);
    roads::install_missing(steps);
    check(steps);
    fuzz::run(steps, SHORT_FUZZ_S, &[]);
    clients::run(steps);
    if let Some(package) = deb::run(steps, None) {
        deb::check::run(steps, &package);
    }
    roads::run(steps, &[]);
    safety::test(steps);
    bench::test(steps);
    mutants::run(steps, &mutants::Which::Ci);
}
