//! A running `whimbrel serve`, and a client that reads lines.

use bytes::BytesMut;
use net::{Conn, TlsClient};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{BufRead, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;

pub const KINDS: &[&str] = &[
    "smtp",
    "submission",
    "submissions",
    "imap",
    "imaps",
    "pop3",
    "pop3s",
    "metrics",
];
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a settings file in it.
pub struct Place {
    pub folder: TempDir,
}

impl Place {
    pub fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        // Whom the server becomes must get through.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        Place { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn config(&self) -> PathBuf {
        self.path("whimbrel.toml")
    }

    /// Settings for free ports on loopback, with more settings before their sections.
    pub fn write(&self, hostname: &str, more: &str) {
        let data = self.path("data");
        let mut text = format!(
            "hostname = \"{hostname}\"\nuser = \"nobody\"\ndata = \"{}\"\n{more}\n",
            data.display()
        );
        for kind in KINDS
            .iter()
            .filter(|kind| !more.contains(&format!("[listen.{kind}]")))
        {
            writeln!(text, "[listen.{kind}]\naddresses = [\"127.0.0.1:0\"]").unwrap();
        }
        std::fs::write(self.config(), text).unwrap();
    }

    /// A new certificate for this name under `certificate/`; returns it.
    pub fn certify(&self, name: &str) -> String {
        let now = net::Clock::system().now();
        let (chain, key) = net::self_signed(&[name.to_owned()], now).unwrap();
        std::fs::write(self.path("chain.pem"), &chain).unwrap();
        std::fs::write(self.path("key.pem"), key).unwrap();
        chain
    }

    /// What `[tls]` says of it.
    pub fn certificate_setting(&self) -> String {
        let (chain, key) = (self.path("chain.pem"), self.path("key.pem"));
        let (chain, key) = (chain.display(), key.display());
        format!("[[tls.certificate]]\nchain = \"{chain}\"\nkey = \"{key}\"\n")
    }

    pub fn command(&self) -> Command {
        self.under(&[])
    }

    /// Started by another program, whose words come first.
    pub fn under(&self, words: &[&str]) -> Command {
        let binary = env!("CARGO_BIN_EXE_whimbrel");
        let mut command = match words {
            [] => Command::new(binary),
            [first, others @ ..] => {
                let mut command = Command::new(first);
                command.args(others).arg(binary);
                command
            }
        };
        command.arg("serve").arg("--config").arg(self.config());
        command
            .arg("--ready-file")
            .arg(self.path("data/ready.json"));
        command.env_remove("WHIMBREL_LOG").stdin(Stdio::null());
        command
    }

    pub fn start(&self) -> Served {
        self.start_as(self.command())
    }

    pub fn start_as(&self, command: Command) -> Served {
        self.start_and_log(command).0
    }

    /// With what it logged until it was ready.
    pub fn start_and_log(&self, mut command: Command) -> (Served, String) {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, log) = channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut served = Served {
            child,
            log,
            ready: Ready::default(),
        };
        let logged = served.wait_for(" ready ");
        let text = std::fs::read_to_string(self.path("data/ready.json")).unwrap();
        served.ready = serde_json::from_str(&text).unwrap();
        (served, logged)
    }

    /// Starts what must not start; what it said.
    pub fn refused(&self) -> String {
        let output = self.command().output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }
}

#[derive(Deserialize, Default)]
pub struct Ready {
    pub listeners: BTreeMap<String, Vec<String>>,
    pub pid: u32,
}

pub struct Served {
    child: Child,
    log: Receiver<String>,
    pub ready: Ready,
}

impl Served {
    pub fn at(&self, kind: &str) -> SocketAddr {
        self.ready.listeners[kind][0].parse().unwrap()
    }

    /// All log lines up to the one with these words.
    pub fn wait_for(&self, words: &str) -> String {
        let mut all = String::new();
        loop {
            let Ok(line) = self.log.recv_timeout(PATIENCE) else {
                panic!("“{words}” is never logged:\n{all}");
            };
            writeln!(all, "{line}").unwrap();
            if line.contains(words) {
                return all;
            }
        }
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.ready.pid).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// SIGHUP; what was logged until it had been obeyed.
    pub fn reload(&self) -> String {
        self.signal(Signal::HUP);
        self.wait_for("reloaded")
    }

    /// A command of the operator.
    pub fn operate(&self, place: &Place, words: &[&str], input: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_whimbrel"));
        command.args(words).arg("--data").arg(place.path("data"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{words:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait_for("stopped");
        self.child.wait().unwrap()
    }

    /// A field of `/proc/PID/status`.
    pub fn status(&self, field: &str) -> Vec<String> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.ready.pid)).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .unwrap();
        line.trim_start_matches(':')
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Client {
    conn: Conn,
    input: BytesMut,
}

impl Client {
    pub async fn connect(at: SocketAddr) -> Client {
        Client::over(net::dial(at).await.unwrap())
    }

    fn over(conn: Conn) -> Client {
        Client {
            conn,
            input: BytesMut::new(),
        }
    }

    /// TLS at once, if the server shows a certificate for this name that is trusted.
    pub async fn secure(at: SocketAddr, name: &str, trusted: &str) -> Option<Client> {
        let trusting = TlsClient::trusting_pem(trusted).unwrap();
        let conn = net::dial(at).await.unwrap();
        conn.connect_tls(&trusting, name)
            .await
            .ok()
            .map(Client::over)
    }

    /// One line; nothing at the end.
    pub async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.input.iter().position(|&octet| octet == b'\n') {
                let line = self.input.split_to(end + 1);
                return String::from_utf8(line.to_vec())
                    .unwrap()
                    .trim_end()
                    .to_owned();
            }
            let read = self.conn.read(&mut self.input);
            let read = net::time::timeout(PATIENCE, read)
                .await
                .expect("an answer is due");
            if read.unwrap() == 0 {
                return String::new();
            }
        }
    }

    /// A line, or several, and an answer of SMTP that begins so.
    pub async fn smtp(&mut self, lines: &str, answer: &str) {
        let lines = format!("{lines}\r\n");
        self.conn.write_all(lines.as_bytes()).await.unwrap();
        loop {
            let line = self.line().await;
            if line.as_bytes().get(3) != Some(&b'-') {
                return assert!(line.starts_with(answer), "{lines}: {line}");
            }
        }
    }

    /// A command of IMAP; the answer up to its last line.
    pub async fn imap(&mut self, command: &str) -> String {
        self.conn
            .write_all(format!("t {command}\r\n").as_bytes())
            .await
            .unwrap();
        let mut all = String::new();
        loop {
            let line = self.line().await;
            assert!(!line.is_empty(), "the connection ended");
            writeln!(all, "{line}").unwrap();
            if line.starts_with("t ") {
                return all;
            }
        }
    }
}

pub fn is_root() -> bool {
    let is = rustix::process::geteuid().is_root();
    if !is {
        println!("left out: this test needs root");
    }
    is
}

pub fn owner(path: &Path) -> u32 {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(path).unwrap())
}
