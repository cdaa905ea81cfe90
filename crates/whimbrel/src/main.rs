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
mod admin;
mod arguments;
mod certificates;
mod config_command;
#[cfg(test)]
mod document_tests;
mod doors;
mod expiry;
mod health;
mod instructions;
mod listeners;
mod log;
mod logins;
mod own_files;
mod pop4_command;
mod privileges;
mod ready_file;
mod sending;
mod sendmail;
mod serve_command;
mod server;
mod service_manager;
mod settings;
mod settings_file;
mod signals;
mod signing;
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
    /// Host domains: add, list, show, set, remove.
    Domain(admin::arguments::DomainArguments),
    /// Manage accounts: add, list, show, set, remove, restore.
    Account(admin::arguments::AccountArguments),
    /// Manage aliases and catch-alls: add, list, show, set, remove.
    Alias(admin::arguments::AliasArguments),
    /// Make domains hosts of SDPS, all of whose mail goes to one account: add, list, show, remove.
    Host(admin::arguments::HostArguments),
    /// Manage the keys that domains sign with: list, show, add, rotate, retire, remove.
    Dkim(admin::arguments::DkimArguments),
    /// Manage an account's mailboxes: add, list, show, rename, remove.
    Mailbox(admin::arguments::MailboxArguments),
    /// Say how much accounts may hold: list, show, set, remove.
    Quota(admin::arguments::QuotaArguments),
    /// See and end the sessions of a running server.
    Session(admin::arguments::SessionArguments),
    /// See what waits to travel on to other servers.
    Queue(admin::arguments::QueueArguments),
    /// Say where a message is, or what became of it, and why.
    Why(admin::arguments::WhyArguments),
    /// See what a running server logs.
    Log(admin::arguments::LogArguments),
    /// Hand in a message, as all Unix programs know how to; the name `sendmail` does the same.
    Sendmail(arguments::Words),
    /// List what waits to travel on, as the name `mailq` does.
    Mailq(arguments::Words),
    /// Take in /etc/aliases, as the name `newaliases` does.
    Newaliases(arguments::Words),
    /// Take a message that came by UUCP, as `uuxqt` calls it: recipients as words, From_ lines and the
    /// message on standard input.
    Rmail(arguments::Recipients),
    /// Take a batch of SMTP that came by UUCP, packed or not; `rcsmtp`, `rgsmtp` and `rbsmtp` do the same.
    Rsmtp(arguments::NoWords),
    /// Speak POP4 with a server, a command a line: folders, flags and parts of a mailbox.
    Pop4(arguments::Pop4Arguments),
    /// Print what lets a shell complete the command line.
    Completions(arguments::CompletionsArguments),
    /// Print the other names of this program: where each belongs, and whose manual page it has.
    #[command(hide = true)]
    Names,
    /// Write the manual pages to a folder.
    #[command(hide = true)]
    Man(arguments::ManArguments),
}

const NAME: &str = "whimbrel";

/// Why a command did not do what was asked; written for the person who gave it.
type Outcome<T> = Result<T, String>;

fn main() -> ExitCode {
    if let Some(code) = sendmail::by_name() {
        return code;
    }
    let outcome = run(Arguments::parse());
    outcome.unwrap_or_else(|reason| fail(&reason))
}

/// Does what these words say, the first of which is the program's name.
fn run_words(words: &[&str]) -> Outcome<ExitCode> {
    let arguments = Arguments::try_parse_from(words).map_err(|error| error.to_string())?;
    run(arguments)
}

fn run(arguments: Arguments) -> Outcome<ExitCode> {
    match arguments.command {
        Command::Serve(arguments) => serve_command::run(&arguments),
        Command::Config(command) => config_command::run(&command),
        Command::Try(arguments) => logged(|hub| try_command::run(arguments, hub)),
        Command::Verify(arguments) => logged(|_| verify_command::run(arguments)),
        Command::Domain(arguments) => logged(|_| admin::commands::domain(arguments)),
        Command::Account(arguments) => logged(|_| admin::commands::account(arguments)),
        Command::Alias(arguments) => logged(|_| admin::commands::alias(arguments)),
        Command::Host(arguments) => logged(|_| admin::commands::host(arguments)),
        Command::Dkim(arguments) => logged(|_| admin::dkim_command::run(arguments)),
        Command::Mailbox(arguments) => logged(|_| admin::commands::mailbox(arguments)),
        Command::Quota(arguments) => logged(|_| admin::commands::quota(arguments)),
        Command::Session(arguments) => logged(|_| admin::commands::session(arguments)),
        Command::Queue(arguments) => logged(|_| admin::commands::queue(arguments)),
        Command::Why(arguments) => logged(|_| admin::commands::why(arguments)),
        Command::Log(arguments) => logged(|_| admin::commands::log(arguments)),
        Command::Pop4(arguments) => logged(|_| pop4_command::run(arguments)),
        Command::Completions(arguments) => Ok(completions(&arguments)),
        Command::Names => {
            print!("{}", sendmail::names());
            Ok(ExitCode::SUCCESS)
        }
        Command::Man(arguments) => man(&arguments),
        // done before the words are read as ours; only the help of these is
        Command::Sendmail(_)
        | Command::Mailq(_)
        | Command::Newaliases(_)
        | Command::Rmail(_)
        | Command::Rsmtp(_) => Ok(ExitCode::SUCCESS),
    }
}

/// Runs a command that has no settings file to say how to log.
fn logged<F>(command: impl FnOnce(log::Hub) -> F) -> Outcome<ExitCode>
where
    F: Future<Output = Outcome<ExitCode>>,
{
    let log = log::start(log::USUAL_LEVEL, settings::LogFormat::Text)?;
    in_runtime(command(log.hub()))
}

/// Starts the threads. Whoever gives up root has done so before.
fn in_runtime(command: impl Future<Output = Outcome<ExitCode>>) -> Outcome<ExitCode> {
    in_runtime_with(command)
}

fn in_runtime_with<T>(command: impl Future<Output = Outcome<T>>) -> Outcome<T> {
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
