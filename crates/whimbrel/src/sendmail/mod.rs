//! The program under its other names: `sendmail` and its kin, which every Unix program knows how to
//! call.
//!
//! They are run by any user of the machine, hand over to the running server by its socket, and leave
//! what cannot be handed over in the drop folder. They end with the codes of `sysexits.h`. What never
//! happens here: the store; it has one owner.

mod addresses;
mod aliases;
pub mod drop_folder;
mod exit;
mod flags;
mod hand_over;
mod header;
mod house;
mod message;
mod neighbour;
mod post_in;
mod rmail;
mod rsmtp;
mod said;
pub mod taking;

use exit::{Code, Ended};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

type Run = fn(&[String]) -> Result<(), Ended>;

/// The names, and what each does.
const NAMES: &[(&str, Run)] = &[
    ("sendmail", post_in::run),
    ("mailq", post_in::mailq),
    ("newaliases", post_in::newaliases),
    ("rmail", rmail::run),
    ("rsmtp", rsmtp::run),
    ("rcsmtp", rsmtp::run),
    ("rgsmtp", rsmtp::run),
    ("rbsmtp", rsmtp::run),
];

/// Runs under another name: that of the file that was started, or the first word behind it.
pub fn by_name() -> Option<ExitCode> {
    let mut words = std::env::args_os();
    let own = words.next()?;
    let rest: Vec<OsString> = words.collect();
    let own = Path::new(&own).file_name()?.to_str()?.to_owned();
    if let Some(run) = find(&own) {
        return Some(finish(&own, run, rest));
    }
    let (first, rest) = rest.split_first()?;
    let first = first.to_str()?;
    let asks_for_help = rest.first().is_some_and(|word| word == "--help");
    let run = find(first).filter(|_| !asks_for_help)?;
    Some(finish(first, run, rest.to_vec()))
}

fn find(name: &str) -> Option<Run> {
    let row = NAMES.iter().find(|(known, _)| *known == name);
    row.map(|(_, run)| *run)
}

fn finish(name: &str, run: Run, words: Vec<OsString>) -> ExitCode {
    let words: Result<Vec<String>, _> = words.into_iter().map(OsString::into_string).collect();
    let ended = match words {
        Ok(words) => run(&words),
        Err(_) => Err(Ended::new(Code::Usage, "an argument is not UTF-8")),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ended { code, why }) => {
            for line in why.lines() {
                eprintln!("{name}: {line}");
            }
            ExitCode::from(code.number())
        }
    }
}
