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
mod certificates;
mod config_command;
mod doors;
mod instructions;
mod listeners;
mod log;
mod logins;
mod own_files;
mod privileges;
mod ready_file;
mod serve_command;
mod server;
mod service_manager;
mod settings;
mod settings_file;
mod signals;
mod try_command;
mod verify_command;
mod welcome;

use clap::{CommandFactory, Parser, Subcommand};
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
    /// Serve mail as the settings file says.
    Serve(arguments::ServeArguments),
    /// Look at settings without starting anything.
    #[command(subcommand)]
    Config(arguments::ConfigCommand),
    /// Start a complete server on this machine's loopback, to try it out.
    Try(arguments::TryArguments),
    /// Check everything that a data folder holds and say what was found. Stop the server first.
    Verify(arguments::VerifyArguments),
    /// Print what lets a shell complete the command line.
    Completions(arguments::CompletionsArguments),
    /// Write the manual pages to a folder.
    #[command(hide = true)]
    Man(arguments::ManArguments),
}

const NAME: &str = "whimbrel";

/// Why a command did not do what was asked; written for the person who gave it.
type Outcome<T> = Result<T, String>;

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve(arguments) => serve_command::run(&arguments),
        Command::Config(command) => config_command::run(&command),
        Command::Try(arguments) => logged(try_command::run(arguments)),
        Command::Verify(arguments) => logged(verify_command::run(arguments)),
        Command::Completions(arguments) => Ok(completions(&arguments)),
        Command::Man(arguments) => man(&arguments),
    };
    outcome.unwrap_or_else(|reason| fail(&reason))
}

/// Runs a command that has no settings file to say how to log.
fn logged(command: impl Future<Output = Outcome<ExitCode>>) -> Outcome<ExitCode> {
    log::start(log::USUAL_LEVEL, settings::LogFormat::Text)?;
    in_runtime(command)
}

/// Starts the threads. Whoever gives up root has done so before.
fn in_runtime(command: impl Future<Output = Outcome<ExitCode>>) -> Outcome<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| format!("cannot start the runtime: {error}"))?;
    let outcome = runtime.block_on(command);
    // Whatever a task still does has been told to stop and had its time.
    runtime.shutdown_background();
    outcome
}

/// Made from the table of commands, like the manual pages.
fn completions(arguments: &arguments::CompletionsArguments) -> ExitCode {
    let mut out = std::io::stdout();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), NAME, &mut out);
    ExitCode::SUCCESS
}

fn man(arguments: &arguments::ManArguments) -> Outcome<ExitCode> {
    let written = clap_mangen::generate_to(Arguments::command(), &arguments.folder);
    let folder = arguments.folder.display();
    written.map_err(|error| format!("cannot write to {folder}: {error}"))?;
    Ok(ExitCode::SUCCESS)
}

fn fail(reason: &str) -> ExitCode {
    for line in reason.lines() {
        eprintln!("whimbrel: {line}");
    }
    ExitCode::FAILURE
}
