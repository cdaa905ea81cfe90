//! `safety kill`, `safety kill-queue` and `safety hostile`: the long runs, for people. `cargo xtask` builds the product
//! and calls this.
//!
//! What never happens here: the work; it is in the library.
#![forbid(unsafe_code)]

use clap::{Parser, Subcommand};
use std::time::Duration;

#[derive(Parser)]
#[command(about = "Kills and hostile peers against the built binary")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Kills the server at random moments and checks what it acknowledged.
    Kill {
        #[arg(long, default_value_t = 1_000)]
        rounds: u64,
        /// Where the random choices come from.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Kills the server while its queue is full, and checks what became of each message.
    KillQueue {
        #[arg(long, default_value_t = 200)]
        rounds: u64,
        /// Where the random choices come from.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Attacks the server while honest programs go on.
    Hostile {
        /// Such as 60s, 10m, 2h or 1d.
        #[arg(long = "for", default_value = "60s", value_parser = duration)]
        time: Duration,
        #[arg(long)]
        seed: Option<u64>,
        /// Only attacks whose name contains this.
        #[arg(long, default_value = "")]
        only: String,
    },
}

fn main() {
    match Arguments::parse().command {
        Command::Kill { rounds, seed } => {
            safety::kill::rounds(seed.unwrap_or_else(by_the_clock), rounds);
        }
        Command::KillQueue { rounds, seed } => {
            safety::road::rounds(seed.unwrap_or_else(by_the_clock), rounds);
        }
        Command::Hostile { time, seed, only } => {
            safety::hostile::run(seed.unwrap_or_else(by_the_clock), time, &only);
        }
    }
}

/// Another seed each time: what one run cannot find, the next may.
fn by_the_clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |now| now.as_secs())
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text} is no time; write 60s, 10m, 2h or 1d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: u64 = text.trim_end_matches(unit).parse().map_err(|_| wrong())?;
    let unit_s = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    Ok(Duration::from_secs(number.saturating_mul(unit_s)))
}
