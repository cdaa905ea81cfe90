//! Measurements against the machine's own limits, taken in the same run.
//!
//! Never here: product code, or a figure without the limit beside it.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "the figures are for a person to read")]

mod disk;
mod message;
mod store_bench;

use clap::{Parser, Subcommand};
use std::path::PathBuf;

#[derive(Parser)]
#[command(about = "Measurements against the machine's own limits")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
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
}

fn main() {
    match Arguments::parse().what {
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
        }
    }
}
