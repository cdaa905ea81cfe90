//! Questions to the person at the terminal.
//!
//! What never happens here: an answer taken for given where nobody can be asked; a password shown.

use super::request::Secret;
use crate::Outcome;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::io::{BufRead, IsTerminal, Write, stderr, stdin};

pub fn is_there() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// Asks before something is destroyed.
pub fn confirm(question: &str) -> Outcome<bool> {
    if !is_there() {
        return Err(format!(
            "{question}\nthere is no terminal to ask at; --yes says that it is meant"
        ));
    }
    let answer = ask(&format!("{question} [y/N] "))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// A new password, asked for twice.
pub fn new_password() -> Outcome<Secret> {
    if !is_there() {
        let text =
            "there is no terminal to ask for the password: say --password-stdin or --generate";
        return Err(text.to_owned());
    }
    let first = ask_hidden("new password: ")?;
    let second = ask_hidden("again: ")?;
    if first != second {
        return Err("the two passwords differ; nothing was changed".to_owned());
    }
    given(first)
}

/// A password that is there already.
pub fn password_once() -> Outcome<String> {
    match is_there() {
        true => ask_hidden("password: "),
        false => Err(
            "there is no terminal to ask for the password: say --password-file or \
                      --password-stdin"
                .to_owned(),
        ),
    }
}

/// The first line of the standard input, without its end.
pub fn password_from_input() -> Outcome<Secret> {
    given(line()?)
}

fn given(password: String) -> Outcome<Secret> {
    match password.is_empty() {
        true => Err("an empty password is none; nothing was changed".to_owned()),
        false => Ok(Secret(password)),
    }
}

fn ask(question: &str) -> Outcome<String> {
    eprint!("{question}");
    stderr().flush().map_err(|error| error.to_string())?;
    line()
}

fn ask_hidden(question: &str) -> Outcome<String> {
    let quiet = Quiet::begin()?;
    let answer = ask(question);
    drop(quiet);
    eprintln!();
    answer
}

fn line() -> Outcome<String> {
    let mut text = String::new();
    let read = stdin().lock().read_line(&mut text);
    read.map_err(|error| format!("cannot read the standard input: {error}"))?;
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(text)
}

/// The terminal shows nothing of what is typed until this is dropped.
struct Quiet(rustix::termios::Termios);

impl Quiet {
    fn begin() -> Outcome<Quiet> {
        let cannot = |error| format!("cannot hide what is typed: {error}");
        let before = tcgetattr(stdin()).map_err(cannot)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin(), OptionalActions::Flush, &quiet).map_err(cannot)?;
        Ok(Quiet(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Without it the person's shell stays mute; there is nobody to tell.
        let _ = tcsetattr(stdin(), OptionalActions::Flush, &self.0);
    }
}
