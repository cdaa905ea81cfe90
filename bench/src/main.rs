//! The program: what may be said to it.
//!
//! Never here: a measurement.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stderr,
    reason = "what went wrong is for a person to read"
)]

use bench::count::{self, CountArguments};
use bench::install::{self, InstallArguments};
use bench::run::{self, PeerArguments, RunArguments};
use bench::{null, path, store_bench};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Measurements beside other servers and against the machine's own limits")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Whimbrel, the peers that are installed, and the limits, side by side.
    Run(RunArguments),
    /// The peers, each in a folder of its own; once, as root.
    Install(InstallArguments),
    /// Starts one peer and says where it listens, until Ctrl-C.
    Peer(PeerArguments),
    /// Group commits of messages of 8 KiB against append and sync of the same bytes.
    Store {
        /// Where the files are written (a folder is made in it and removed).
        #[arg(long, default_value = ".")]
        folder: PathBuf,
        /// Rounds of each kind, alternating; the median is told.
        #[arg(long, default_value_t = 7)]
        rounds: usize,
        /// Length of a round.
        #[arg(long, default_value_t = 700)]
        round_ms: u64,
        /// Messages in the mailbox that is read.
        #[arg(long, default_value_t = 50_000)]
        messages: u64,
    },
    /// Instructions of the main paths, by valgrind: written to a file, or compared with it.
    Count(CountArguments),
    /// Walks a path so many times; `count` counts that.
    #[command(hide = true)]
    Path { name: String, times: u32 },
    /// The null server, which says yes; its addresses go to a file.
    #[command(hide = true)]
    Null { ready_file: PathBuf },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().what {
        What::Run(arguments) => one_thread().block_on(run::run(arguments)),
        What::Install(arguments) => install::run(&arguments),
        What::Peer(arguments) => one_thread().block_on(run::peer(arguments)),
        What::Count(arguments) => count::run(&arguments),
        What::Path { name, times } => one_thread().block_on(path::walk(&name, times)),
        What::Null { ready_file } => one_thread().block_on(null::serve(ready_file)),
        What::Store {
            folder,
            rounds,
            round_ms,
            messages,
        } => {
            let runtime = tokio::runtime::Runtime::new().expect("because nothing runs without it");
            runtime.block_on(store_bench::run(&store_bench::Plan {
                folder,
                rounds,
                round_ms,
                messages,
            }));
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The generator is one thread, so that it takes one core at most from what it measures.
fn one_thread() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build();
    runtime.expect("because nothing runs without it")
}
