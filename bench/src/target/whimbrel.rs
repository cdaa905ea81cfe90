//! Whimbrel's release build, started by `whimbrel try` with the settings that everybody gets, or by
//! `whimbrel serve` where it sends.
//!
//! Never here: a setting that makes it faster than it is for its users.

use super::{ACCOUNTS, Doors, PASSWORD, Processes, Road, Server, wait};
use crate::Outcome;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const NOBODY: &str = "nobody";
/// Of them all, but LMTP at its socket.
const LISTENERS: &[&str] = &[
    "smtp",
    "submission",
    "submissions",
    "imap",
    "imaps",
    "pop3",
    "pop3s",
    "metrics",
];
/// A start with a million messages is far below it, if all is well.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Whimbrel {
    binary: PathBuf,
    folder: PathBuf,
    processes: Processes,
    road: Option<Road>,
}

#[derive(Deserialize)]
struct Ready {
    listeners: BTreeMap<String, At>,
}

/// `try` says one, `serve` all.
#[derive(Deserialize)]
#[serde(untagged)]
enum At {
    One(String),
    All(Vec<String>),
}

impl At {
    fn address(&self) -> Option<SocketAddr> {
        match self {
            At::One(at) => at.parse().ok(),
            At::All(all) => all.first()?.parse().ok(),
        }
    }
}

impl Whimbrel {
    /// Its processes are known by this name.
    pub fn new(binary: &Path, folder: &Path, name: &str) -> Outcome<Whimbrel> {
        if !binary.is_file() {
            let at = binary.display();
            return Err(format!("{at}: no such program; build it with --release"));
        }
        Ok(Whimbrel {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            processes: Processes::new(name),
            road: None,
        })
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn ready_file(&self) -> PathBuf {
        self.folder.join("ready.json")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// What it said last, when it does not do what it should.
    fn last_words(&self, error: &str) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(10)..].join("\n");
        format!("whimbrel: {error}\n{last}")
    }

    fn try_it(&mut self) -> Outcome<Doors> {
        let mut command = self.processes.command(&self.binary);
        command
            .args(["try", "--any-port", "--data"])
            .arg(self.data());
        command.arg("--ready-file").arg(self.ready_file());
        let accounts = ACCOUNTS.to_string();
        command.args(["--accounts", &accounts, "--password", PASSWORD]);
        self.until_ready(command)
    }

    /// `whimbrel serve`, which sends; it needs the accounts that `try` makes.
    fn serve(&mut self, road: Road) -> Outcome<Doors> {
        if !self.data().exists() {
            self.try_it()?;
            self.processes.end()?;
        }
        let file = self.folder.join("whimbrel.toml");
        let settings = sending(&self.data(), road);
        std::fs::write(&file, settings).map_err(|error| format!("{}: {error}", file.display()))?;
        if rustix::process::geteuid().is_root() {
            give_to_nobody(&self.folder)?;
        }
        let mut command = self.processes.command(&self.binary);
        command.args(["serve", "--config"]).arg(file);
        command.arg("--ready-file").arg(self.ready_file());
        self.until_ready(command)
    }

    fn until_ready(&mut self, mut command: Command) -> Outcome<Doors> {
        // One that was killed has left it.
        let _ = std::fs::remove_file(self.ready_file());
        let log = File::options().append(true).create(true).open(self.log());
        let log = log.map_err(|error| format!("{}: {error}", self.log().display()))?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.processes.spawn(command)?;
        let ready_file = self.ready_file();
        let mut ended = None;
        let waited = wait("its start", PATIENCE, || {
            ended = self.processes.ended();
            ended.is_some() || ready_file.exists()
        });
        if let Some(status) = ended {
            return Err(self.last_words(&format!("it ended: {status}")));
        }
        waited.map_err(|error| self.last_words(&error))?;
        doors(&ready_file)
    }
}

impl Server for Whimbrel {
    fn start(&mut self) -> Outcome<Doors> {
        let at = |error: std::io::Error| format!("{}: {error}", self.folder.display());
        std::fs::create_dir_all(&self.folder).map_err(at)?;
        match self.road {
            Some(road) => self.serve(road),
            None => self.try_it(),
        }
    }

    fn stop(&mut self) -> Outcome<()> {
        self.processes.end()
    }

    fn wipe(&mut self) -> Outcome<()> {
        match std::fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(format!("{}: {error}", self.folder.display()))
            }
            _ => Ok(()),
        }
    }

    fn send_by(&mut self, road: Option<Road>) {
        self.road = road;
    }

    fn login(&self, number: usize) -> (String, String) {
        (self.address(number), PASSWORD.to_owned())
    }

    fn address(&self, number: usize) -> String {
        format!("user{number}@example.test")
    }

    fn processes(&self) -> &Processes {
        &self.processes
    }

    fn processes_mut(&mut self) -> &mut Processes {
        &mut self.processes
    }

    fn folders(&self) -> Vec<PathBuf> {
        vec![self.data()]
    }

    fn version(&self) -> String {
        let said = Command::new(&self.binary).arg("--version").output();
        let said = said.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        said.unwrap_or_default()
    }
}

/// What `try` sets for everybody, and the road. There is room for what waits beside what is sent.
fn sending(data: &Path, road: Road) -> String {
    let Road { sink, connections } = road;
    let mut text = format!(
        "hostname = \"mx.example.test\"
data = \"{}\"
user = \"{NOBODY}\"
[login]
cleartext = \"always\"
[queue]
smarthost = \"{sink}\"
connections = {connections}
entries = 2000000
",
        data.display()
    );
    for name in LISTENERS {
        let _ = write!(
            text,
            "[listen.{name}]
addresses = [\"127.0.0.1:0\"]
connections = 20000
connections_per_address = 20000
"
        );
    }
    text
}

/// It gives up root, and has to find its way to its data.
fn give_to_nobody(folder: &Path) -> Outcome<()> {
    let mut command = Command::new("/bin/sh");
    command.args(["-e", "-c", "chmod a+x \"$0/..\"; chown -R \"$1\": \"$0\""]);
    let status = command.arg(folder).arg(NOBODY).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("chown of {}: {status}", folder.display())),
        Err(error) => Err(format!("/bin/sh: {error}")),
    }
}

/// The ready file is whole once it is there.
fn doors(ready_file: &Path) -> Outcome<Doors> {
    let text = std::fs::read_to_string(ready_file).map_err(|error| error.to_string())?;
    let ready: Ready = serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))?;
    let at = |name: &str| -> Outcome<SocketAddr> {
        let address = ready.listeners.get(name).and_then(At::address);
        address.ok_or_else(|| format!("no listener {name} in {text}"))
    };
    Ok(Doors {
        smtp: at("smtp")?,
        imap: at("imap")?,
        imaps: Some(at("imaps")?),
        pop: at("pop3")?,
        submission: Some(at("submission")?),
    })
}
