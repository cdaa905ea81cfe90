//! Whimbrel's release build, started by `whimbrel try` with the settings that everybody gets.
//!
//! Never here: a setting that makes it faster than it is for its users.

use super::{ACCOUNTS, Doors, PASSWORD, Processes, Server, wait};
use crate::Outcome;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A start with a million messages is far below it, if all is well.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Whimbrel {
    binary: PathBuf,
    folder: PathBuf,
    processes: Processes,
}

#[derive(Deserialize)]
struct Ready {
    listeners: BTreeMap<String, String>,
}

impl Whimbrel {
    pub fn new(binary: &Path, folder: &Path) -> Outcome<Whimbrel> {
        if !binary.is_file() {
            let at = binary.display();
            return Err(format!("{at}: no such program; build it with --release"));
        }
        Ok(Whimbrel {
            binary: binary.to_owned(),
            folder: folder.join("whimbrel"),
            processes: Processes::new("whimbrel"),
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
}

impl Server for Whimbrel {
    fn start(&mut self) -> Outcome<Doors> {
        let at = |error: std::io::Error| format!("{}: {error}", self.folder.display());
        std::fs::create_dir_all(&self.folder).map_err(at)?;
        // One that was killed has left it.
        let _ = std::fs::remove_file(self.ready_file());
        let log = File::options().append(true).create(true).open(self.log());
        let log = log.map_err(at)?;
        let mut command = self.processes.command(&self.binary);
        command
            .args(["try", "--any-port", "--data"])
            .arg(self.data());
        command.arg("--ready-file").arg(self.ready_file());
        let accounts = ACCOUNTS.to_string();
        command.args(["--accounts", &accounts, "--password", PASSWORD]);
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

/// The ready file is whole once it is there.
fn doors(ready_file: &Path) -> Outcome<Doors> {
    let text = std::fs::read_to_string(ready_file).map_err(|error| error.to_string())?;
    let ready: Ready = serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))?;
    let at = |name: &str| -> Outcome<SocketAddr> {
        let address = ready.listeners.get(name).and_then(|at| at.parse().ok());
        address.ok_or_else(|| format!("no listener {name} in {text}"))
    };
    Ok(Doors {
        smtp: at("smtp")?,
        imap: at("imap")?,
        imaps: Some(at("imaps")?),
        pop: at("pop3")?,
    })
}
