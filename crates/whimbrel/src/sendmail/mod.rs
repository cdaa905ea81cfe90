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
mod table;
pub mod taking;

use exit::{Code, Ended};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

type Run = fn(&[String]) -> Result<(), Ended>;

/// A name, and what it does.
struct Name {
    name: &'static str,
    run: Run,
    /// Where its callers look for it.
    folder: &'static str,
    /// The command of ours whose manual page is its own.
    page: &'static str,
}

const SBIN: &str = "/usr/sbin";
const BIN: &str = "/usr/bin";

const fn name(name: &'static str, run: Run, folder: &'static str, page: &'static str) -> Name {
    Name {
        name,
        run,
        folder,
        page,
    }
}

/// All names: what is packaged is made of this table, too.
const NAMES: &[Name] = &[
    name("sendmail", post_in::run, SBIN, "sendmail"),
    name("mailq", post_in::mailq, BIN, "mailq"),
    name("newaliases", post_in::newaliases, BIN, "newaliases"),
    name("rmail", rmail::run, SBIN, "rmail"),
    name("rsmtp", rsmtp::run, SBIN, "rsmtp"),
    name("rcsmtp", rsmtp::run, SBIN, "rsmtp"),
    name("rgsmtp", rsmtp::run, SBIN, "rsmtp"),
    name("rbsmtp", rsmtp::run, SBIN, "rsmtp"),
];

/// A line for each name: where it belongs, and whose manual page is its own.
pub fn names() -> String {
    let line = |row: &Name| format!("{}/{} {}\n", row.folder, row.name, row.page);
    NAMES.iter().map(line).collect()
}

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
    let row = NAMES.iter().find(|row| row.name == name);
    row.map(|row| row.run)
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
