//! A running `whimbrel try` on free ports with a data folder of its own.
//!
//! What never happens here: a fixed port, a sleep.

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The last line that `try` prints; all listeners accept by then.
const LAST_WORD: &str = "Outgoing SMTP:";
const START_TIMEOUT: Duration = Duration::from_secs(60);
const END_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Ready {
    pub listeners: BTreeMap<String, String>,
    pub accounts: Vec<Account>,
    pub pid: u32,
}

#[derive(Deserialize, Debug, Clone)]
#[serde(deny_unknown_fields)]
pub struct Account {
    pub address: String,
    pub password: String,
}

/// How to start.
pub struct Start {
    data: PathBuf,
    place: Option<TempDir>,
    arguments: Vec<String>,
    under: Vec<String>,
}

impl Default for Start {
    fn default() -> Start {
        Start::new()
    }
}

impl Start {
    /// With a new data folder that goes away with the server.
    pub fn new() -> Start {
        let place = tempfile::tempdir().expect("because there is room for a folder");
        Start {
            data: place.path().join("data"),
            place: Some(place),
            arguments: Vec::new(),
            under: Vec::new(),
        }
    }

    /// With a data folder that a test keeps.
    pub fn on(data: &Path) -> Start {
        Start {
            data: data.to_owned(),
            place: None,
            arguments: Vec::new(),
            under: Vec::new(),
        }
    }

    pub fn arguments(mut self, arguments: &[&str]) -> Start {
        self.arguments
            .extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// Started by another program, such as strace; its words come first.
    pub fn under(mut self, words: &[&str]) -> Start {
        self.under = words.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Starts and kills it after this time, wherever it is by then.
    pub fn start_and_kill(self, after: Duration) {
        let beside = tempfile::tempdir().expect("because there is room for a folder");
        let mut child = self.spawn(&beside.path().join("ready.json"));
        let out = lines(child.stdout.take());
        let log = lines(child.stderr.take());
        let killed_at = Instant::now() + after;
        while out
            .recv_timeout(killed_at.saturating_duration_since(Instant::now()))
            .is_ok()
        {}
        child.kill().expect("because the child is ours");
        child.wait().expect("because the child is ours");
        drop((out, log));
    }

    fn spawn(&self, ready_file: &Path) -> Child {
        let binary = binary();
        let mut words = self.under.iter().map(std::ffi::OsStr::new);
        let mut command = match words.next() {
            Some(first) => {
                let mut command = Command::new(first);
                command.args(words).arg(&binary);
                command
            }
            None => Command::new(&binary),
        };
        command
            .args(["try", "--any-port", "--data"])
            .arg(&self.data);
        command.arg("--ready-file").arg(ready_file);
        command.args(&self.arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap_or_else(|error| {
            panic!("cannot start {}: {error}; build it first", binary.display())
        })
    }

    pub fn start(self) -> Server {
        let began = Instant::now();
        let beside = tempfile::tempdir().expect("because there is room for a folder");
        let ready_file = beside.path().join("ready.json");
        let mut child = self.spawn(&ready_file);
        let out = lines(child.stdout.take());
        let log = lines(child.stderr.take());
        let mut printed = Vec::new();
        while !printed
            .last()
            .is_some_and(|line: &String| line.contains(LAST_WORD))
        {
            let left = START_TIMEOUT.saturating_sub(began.elapsed());
            let Ok(line) = out.recv_timeout(left) else {
                // It may have ended already.
                let _ = child.kill();
                let log: Vec<String> = log.iter().collect();
                panic!(
                    "the server did not start:\n{}\n{}",
                    printed.join("\n"),
                    log.join("\n")
                );
            };
            printed.push(line);
        }
        let text = std::fs::read_to_string(&ready_file).expect("because it is written by now");
        Server {
            ready: serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}")),
            ready_file,
            data: self.data,
            printed: printed.join("\n"),
            started_in: began.elapsed(),
            child: Some(child),
            out,
            log,
            _folders: (self.place, beside),
        }
    }
}

pub struct Server {
    pub ready: Ready,
    pub ready_file: PathBuf,
    pub data: PathBuf,
    /// What it printed at the start.
    pub printed: String,
    pub started_in: Duration,
    child: Option<Child>,
    out: Receiver<String>,
    log: Receiver<String>,
    _folders: (Option<TempDir>, TempDir),
}

/// How a server ended.
#[derive(Debug)]
pub struct Stopped {
    pub status: ExitStatus,
    pub took: Duration,
    pub log: String,
}

impl Server {
    pub fn start() -> Server {
        Start::new().start()
    }

    /// `127.0.0.1:port` of a listener.
    pub fn at(&self, listener: &str) -> &str {
        self.ready
            .listeners
            .get(listener)
            .unwrap_or_else(|| panic!("no listener {listener}"))
    }

    pub fn port(&self, listener: &str) -> &str {
        self.at(listener)
            .rsplit(':')
            .next()
            .expect("because an address has a port")
    }

    pub fn account(&self, name: &str) -> &Account {
        let address = format!("{name}@example.test");
        let mut accounts = self.ready.accounts.iter();
        accounts
            .find(|account| account.address == address)
            .expect("because try makes it")
    }

    pub fn alice(&self) -> &Account {
        self.account("alice")
    }

    pub fn bob(&self) -> &Account {
        self.account("bob")
    }

    pub fn certificate(&self) -> PathBuf {
        self.data.join("certificate.pem")
    }

    pub fn imap(&self, account: &Account) -> crate::Imap {
        crate::Imap::open(self.at("imap"), &account.address, &account.password)
    }

    pub fn pop3(&self, account: &Account) -> crate::Pop3 {
        crate::Pop3::open(self.at("pop3"), &account.address, &account.password)
    }

    pub fn smtp(&self) -> crate::Smtp {
        crate::Smtp::connect(self.at("smtp"))
    }

    /// The message with this subject that alice has, once it is there; there is one.
    pub fn arrived(&self, subject: &str) -> String {
        let mut alice = self.imap(self.alice());
        let criteria = format!("HEADER Subject {subject}");
        let first = alice.awaited(&criteria);
        assert_eq!(alice.search(&criteria), [first], "{subject}");
        String::from_utf8_lossy(&alice.message(first)).into_owned()
    }

    /// A command of administration on this server, which must succeed; says what it printed.
    pub fn administer(&self, words: &[&str], input: &str) -> String {
        let mut command = Command::new(binary());
        command.args(words).arg("--data").arg(&self.data);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("because the server runs from it");
        if let Some(mut stdin) = child.stdin.take() {
            // A command that asks for nothing may be gone already.
            let _ = stdin.write_all(input.as_bytes());
        }
        let done = child.wait_with_output().expect("because the child is ours");
        let out = String::from_utf8_lossy(&done.stdout).into_owned();
        let err = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{words:?}: {out}{err}");
        out
    }

    /// SIGTERM, and the end awaited.
    pub fn stop(mut self) -> Stopped {
        self.end(Signal::TERM)
    }

    /// What a power failure leaves of a process.
    pub fn kill(mut self) -> Stopped {
        self.end(Signal::KILL)
    }

    /// Sends a signal; the server goes on until it has obeyed.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.ready.pid).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("because the child runs"), signal).expect("because it is ours");
    }

    fn end(&mut self, signal: Signal) -> Stopped {
        let began = Instant::now();
        self.signal(signal);
        // Its output ends with it.
        loop {
            match self
                .out
                .recv_timeout(END_TIMEOUT.saturating_sub(began.elapsed()))
            {
                Ok(_) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it does not end"),
            }
        }
        let mut child = self.child.take().expect("because it is ended once");
        let status = child.wait().expect("because the child is ours");
        let took = began.elapsed();
        let log: Vec<String> = self.log.iter().collect();
        Stopped {
            status,
            took,
            log: log.join("\n"),
        }
    }
}

impl Drop for Server {
    /// A test that fails leaves no server behind, and shows what the server said.
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
            if std::thread::panicking() {
                let log: Vec<String> = self.log.iter().collect();
                println!("-- the server's log\n{}", log.join("\n"));
            }
        }
    }
}

/// The binary that is tested: `WHIMBREL_BIN`, or what Cargo built last.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("WHIMBREL_BIN") {
        return PathBuf::from(path);
    }
    // …/target/debug/deps/real-0123 -> …/target
    let own = std::env::current_exe().expect("because this program runs from a file");
    let target = own
        .ancestors()
        .nth(3)
        .expect("because Cargo puts tests into target/*/deps");
    let release = target.join("release/whimbrel");
    if release.is_file() {
        release
    } else {
        target.join("debug/whimbrel")
    }
}

fn lines(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let Some(pipe) = pipe else { return };
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            if sender
                .send(String::from_utf8_lossy(&line).into_owned())
                .is_err()
            {
                return;
            }
        }
    });
    receiver
}
