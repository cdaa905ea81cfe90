//! Whimbrel, the program: arguments, settings, wiring, and the words that a person reads.
//!
//! Here the rooms are put together. What never happens here: a protocol, a decision about mail.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the program talks to a person"
)]

mod accounts;
mod arguments;
mod doors;
mod instructions;
mod listeners;
mod log;
mod ready_file;
mod server;
mod settings;
mod signals;
mod try_command;
mod try_files;
mod verify_command;
mod welcome;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A complete mail server in one binary.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a complete server on this machine's loopback, to try it out.
    Try(arguments::TryArguments),
    /// Check everything that a data folder holds and say what was found. Stop the server first.
    Verify(arguments::VerifyArguments),
}

/// Why a command did not do what was asked; written for the person who gave it.
type Outcome<T> = Result<T, String>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log::start();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start the runtime: {error}")),
    };
    let outcome = runtime.block_on(async {
        match arguments.command {
            Command::Try(arguments) => try_command::run(arguments).await,
            Command::Verify(arguments) => verify_command::run(arguments).await,
        }
    });
    // Whatever a task still does has been told to stop and had its time.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code,
        Err(reason) => fail(&reason),
    }
}

fn fail(reason: &str) -> ExitCode {
    eprintln!("whimbrel: {reason}");
    ExitCode::FAILURE
}
