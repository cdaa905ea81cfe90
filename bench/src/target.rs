//! A server under measurement, as a process (or many) of its own.
//!
//! Never here: what is done to it. Nothing in this file knows a protocol.

mod peer;
mod processes;
mod sink;
mod whimbrel;

use crate::Outcome;
use crate::null::NullServer;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use whimbrel::Whimbrel;

pub use peer::{Peer, Product};
pub use processes::{Memory, Processes};
pub use sink::{Road, Sink};

/// Nobody takes mail for the domains below it.
pub const DEAD: &str = "dead.test";
/// Accounts that each target has.
pub const ACCOUNTS: usize = 100;
/// One that no server refuses as well known.
pub const PASSWORD: &str = "plover-at-low-tide";

/// What kind of figure a target's is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Whimbrel,
    /// Another mail server.
    Peer,
    /// What only says yes; it keeps nothing.
    Null,
}

/// What is on the disk when a server says OK.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Syncs {
    /// What it is in the settings that it comes with: messages, at all of them.
    Usual,
    /// All that was changed, flags too.
    All,
}

/// Whether a setting makes a server another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Changes {
    Yes,
    No,
}

/// Where a target listens; every start may choose others.
#[derive(Clone, Copy, Debug)]
pub struct Doors {
    pub smtp: SocketAddr,
    pub imap: SocketAddr,
    pub imaps: Option<SocketAddr>,
    pub pop: SocketAddr,
    /// Where those who have logged in hand in mail for elsewhere; a peer takes it at its SMTP port.
    pub submission: Option<SocketAddr>,
}

/// How one product is started and where it keeps things.
pub trait Server: Send {
    /// Starts it on what its folders hold; it accepts everywhere when this returns.
    fn start(&mut self) -> Outcome<Doors>;
    /// Ends it as its manual says.
    fn stop(&mut self) -> Outcome<()>;
    /// Brings its folders back to accounts without mail; it does not run.
    fn wipe(&mut self) -> Outcome<()>;
    /// How it sends mail for elsewhere, from its next start on; not at all if nothing is said.
    fn send_by(&mut self, _road: Option<Road>) {}
    /// From its next start on.
    fn sync(&mut self, _syncs: Syncs) -> Changes {
        Changes::No
    }
    /// Name and password of an account, from 1 on.
    fn login(&self, number: usize) -> (String, String) {
        (format!("u{number}"), PASSWORD.to_owned())
    }
    /// The mail address of an account.
    fn address(&self, number: usize) -> String {
        format!("u{number}@example.test")
    }
    fn processes(&self) -> &Processes;
    fn processes_mut(&mut self) -> &mut Processes;
    /// Where mail and all that belongs to it lies.
    fn folders(&self) -> Vec<PathBuf>;
    /// Where a peer keeps what it has yet to send.
    fn spool(&self) -> Option<PathBuf> {
        None
    }
    /// Name and version, for the report.
    fn version(&self) -> String;
}

pub struct Target {
    pub name: &'static str,
    pub kind: Kind,
    pub smtp: SocketAddr,
    pub imap: SocketAddr,
    pub imaps: Option<SocketAddr>,
    pub pop: SocketAddr,
    pub submission: Option<SocketAddr>,
    server: Box<dyn Server>,
    runs: bool,
    /// What mail it was given, by the name that who gave it uses; empty after a wipe.
    holds: &'static str,
}

impl Target {
    /// The release build of this repository, with everything in a folder of its own.
    pub fn whimbrel(binary: &Path, folder: &Path) -> Outcome<Target> {
        Target::whimbrel_named("Whimbrel", binary, &folder.join("whimbrel"))
    }

    /// One more of them, in this folder.
    pub fn whimbrel_named(name: &'static str, binary: &Path, folder: &Path) -> Outcome<Target> {
        let group = name.replace(' ', "-").to_lowercase();
        let server = Whimbrel::new(binary, folder, &group)?;
        Target::of(name, Kind::Whimbrel, Box::new(server))
    }

    pub fn null() -> Outcome<Target> {
        Target::of("null server", Kind::Null, Box::new(NullServer::new()?))
    }

    pub fn peer(mut peer: Peer) -> Outcome<Target> {
        peer.claim()?;
        Target::of(peer.product().name(), Kind::Peer, Box::new(peer))
    }

    /// Started with no mail.
    fn of(name: &'static str, kind: Kind, mut server: Box<dyn Server>) -> Outcome<Target> {
        server.wipe()?;
        let doors = server.start()?;
        Ok(Target {
            name,
            kind,
            smtp: doors.smtp,
            imap: doors.imap,
            imaps: doors.imaps,
            pop: doors.pop,
            submission: doors.submission,
            server,
            runs: true,
            holds: "",
        })
    }

    pub fn stop(&mut self) -> Outcome<()> {
        self.runs = false;
        self.server.stop()
    }

    /// All its processes at once, as when the power fails.
    pub fn kill(&mut self) -> Outcome<()> {
        self.runs = false;
        self.server.processes_mut().kill()
    }

    /// With the mail that it has. The ports are others.
    pub fn start_again(&mut self) -> Outcome<()> {
        if self.runs {
            self.stop()?;
        }
        let doors = self.server.start()?;
        self.runs = true;
        self.smtp = doors.smtp;
        self.imap = doors.imap;
        self.imaps = doors.imaps;
        self.pop = doors.pop;
        self.submission = doors.submission;
        Ok(())
    }

    /// Away with all mail; it runs again when this returns.
    pub fn wipe(&mut self) -> Outcome<()> {
        if self.runs {
            self.stop()?;
        }
        self.holds = "";
        self.server.wipe()?;
        self.start_again()
    }

    /// What it was said to hold since it was wiped.
    pub fn holds(&self) -> &'static str {
        self.holds
    }

    pub fn now_holds(&mut self, what: &'static str) {
        self.holds = what;
    }

    /// Sends what is for elsewhere by this road; it runs, with the mail that it has, when this returns.
    pub fn send_by(&mut self, road: Option<Road>) -> Outcome<()> {
        self.server.send_by(road);
        self.start_again()
    }

    /// Sets when it syncs; it runs with that when this returns. A server that always syncs before its
    /// OK goes on as it is.
    pub fn sync(&mut self, syncs: Syncs) -> Outcome<()> {
        match self.server.sync(syncs) {
            Changes::Yes => self.start_again(),
            Changes::No => Ok(()),
        }
    }

    /// Processor time of all its processes so far, those that have ended included.
    pub fn cpu(&self) -> Duration {
        self.server.processes().cpu()
    }

    pub fn memory(&self) -> Memory {
        self.server.processes().memory()
    }

    /// What its files take on the disk, in whole blocks.
    pub fn disk_bytes(&self) -> u64 {
        let folders = self.server.folders();
        folders.iter().map(|folder| blocks(folder)).sum()
    }

    /// What [`Target::disk_bytes`] counts.
    pub fn folders(&self) -> Vec<PathBuf> {
        self.server.folders()
    }

    /// Where a peer keeps what it has yet to send.
    pub fn spool(&self) -> Option<PathBuf> {
        self.server.spool()
    }

    /// Name and password of an account, from 1 to [`ACCOUNTS`].
    pub fn login(&self, number: usize) -> (String, String) {
        self.server.login(number)
    }

    pub fn address(&self, number: usize) -> String {
        self.server.address(number)
    }

    pub fn version(&self) -> String {
        self.server.version()
    }

    pub fn is_whimbrel(&self) -> bool {
        self.kind == Kind::Whimbrel
    }

    pub fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if self.runs && self.stop().is_err() {
            // Whatever keeps it from ending, it does not outlive the run.
            let _ = self.server.processes_mut().kill();
        }
    }
}

/// Octets on the disk below a folder; what vanishes meanwhile is not counted.
fn blocks(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else {
        return 0;
    };
    let mut sum = 0;
    for entry in entries.filter_map(Result::ok) {
        let Ok(about) = entry.metadata() else {
            continue;
        };
        sum += about.blocks() * 512;
        if about.is_dir() {
            sum += blocks(&entry.path());
        }
    }
    sum
}

/// Asks until it is so.
pub fn wait(what: &str, patience: Duration, mut is_so: impl FnMut() -> bool) -> Outcome<()> {
    let begun = std::time::Instant::now();
    while !is_so() {
        if begun.elapsed() > patience {
            return Err(format!("{what}: not within {} s", patience.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
