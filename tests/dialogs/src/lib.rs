//! Dialogue files: what a client says and what a door must answer, as text.
//!
//! Here live the format ([`script`]), the matching of answers ([`pattern`]), the playing of a
//! script over connections ([`player`]), the rooms below the doors for it ([`house`]) and the run
//! over a whole folder ([`runner`]). What never happens here: knowledge of one protocol; a test
//! brings the session of its door. Only [`turned`], where a server speaks and our own client is
//! tested, knows which one it is.
//!
//! The format, one step a line:
//!
//! ```text
//! # The danger that this file guards against (the file begins with such lines).
//! @account NAME PASSWORD          an account of example.test
//! @alias NAME TARGET[,TARGET]     an alias of example.test; NAME * is the catch-all
//! @mail NAME MAILBOX FILE         FILE of tests/mails lies in that mailbox
//! @host DOMAIN NAME PASSWORD      a domain that is a host of SDPS; the account, the second password
//! @deliver SENDER TO[,TO] FILE    FILE of tests/mails came by SMTP for these; SENDER may be <>
//! @set KEY VALUE                  a setting: mail.NAME is mail's own, others the door's test reads
//! @token NAME ADDRESS SECONDS     <$NAME> is a token for that address, which ends so far from now
//! @certificate N ADDRESS          session N shows a certificate for that address, if asked
//! @listener KIND                  smtp submission submissions lmtp imap imaps pop3 pop3s
//! @listener N KIND                the same for session N only
//! C: text          sends text and CRLF
//! C!: text         sends text with \r \n \t \0 \\ \xNN and \*N{text} (N times), nothing appended
//! S: text          expects exactly this line; <*> matches anything, <name=*> keeps what it matched
//! S~: text         skips lines until one matches
//! S!close          expects the end of the connection
//! T:               client's side of TLS
//! C2: … S2: …      the same for session 2; a new number connects
//! ```
//!
//! `<$name>` in a `C:` or `S:` line stands for what an earlier `<name=*>` kept. In a `C:` line
//! `<base64 TEXT>` stands for TEXT (with the escapes of `C!:`) in base64, and
//! `<scram HASH PASSWORD FIRST NAME>` for SCRAM's last message of a client whose first one was
//! FIRST, where NAME kept the server's in base64; what the server must say to it is kept as `last`.
//! `<cram PASSWORD USER NAME>` is the answer of CRAM-MD5 to the challenge that NAME kept.
//! `<apop PASSWORD NAME>` is the digest of APOP for the stamp that NAME kept.
#![forbid(unsafe_code)]

pub mod answer;
pub mod house;
pub mod issuer;
pub mod pattern;
pub mod player;
pub mod runner;
pub mod script;
pub mod turned;
pub mod turns;

pub use house::House;
pub use player::{Failure, play};
pub use runner::{Transport, Visit, run, run_all};
pub use script::{Listener, Script, Setup};

use std::path::{Path, PathBuf};

/// The folder of one protocol's dialogue files: `smtp`, `imap` or `pop3`; `smtp-client`'s are turned.
pub fn folder(protocol: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(protocol)
}

/// The folder of the mail samples.
pub fn mails() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mails")
}

/// All mail samples by name, with their line ends as the server keeps them.
pub fn samples() -> Vec<(String, Vec<u8>)> {
    let read = |path: PathBuf| {
        let octets = std::fs::read(&path);
        let octets =
            octets.unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        (path.display().to_string(), octets)
    };
    let mut samples: Vec<_> = list(&mails(), "eml").map(read).collect();
    samples.sort();
    samples
}

/// All scripts of one protocol, by file name; a file that cannot be read as a script panics with
/// the reason.
pub fn scripts(protocol: &str) -> Vec<Script> {
    paths(protocol)
        .iter()
        .map(|path| Script::read(path).unwrap_or_else(|reason| panic!("{reason}")))
        .collect()
}

/// All files of a folder as they are, by file name.
pub fn texts(folder: &str) -> Vec<(String, String)> {
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path);
        let text = text.unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        let name = path.file_name().unwrap_or_default();
        (name.to_string_lossy().into_owned(), text)
    };
    paths(folder).iter().map(read).collect()
}

fn paths(protocol: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = list(&folder(protocol), "txt").collect();
    paths.sort();
    paths
}

fn list(folder: &Path, ending: &str) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
    entries
        .map(|entry| entry.expect("because the folder was just opened").path())
        .filter(move |path| {
            path.extension()
                .is_some_and(|extension| extension == ending)
        })
}
