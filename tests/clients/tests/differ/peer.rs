//! The two servers: Whimbrel by its listener, and Debian's Dovecot as one process on a pipe.
//!
//! Dovecot's `imap` program runs alone, logged in from the start, over a Maildir and with settings of its
//! own: no service is started, no port is opened, nothing of the system's configuration is read.
//! What never happens here: a comparison.

use clients::Server;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const DOVECOT: &str = "/usr/lib/dovecot/imap";
/// Mail processes of Dovecot refuse to be root's; this is `nobody`.
const NOBODY: u32 = 65_534;

/// A command: text, and literals in between.
#[derive(Clone, Debug, Default)]
pub struct Command {
    pub pieces: Vec<Piece>,
}

#[derive(Clone)]
pub enum Piece {
    Text(String),
    Literal(Vec<u8>),
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Piece::Text(text) => f.write_str(text),
            Piece::Literal(octets) if octets.len() > 60 => write!(f, "{{{}}}", octets.len()),
            Piece::Literal(octets) => write!(f, "{{{}}}{}", octets.len(), octets.escape_ascii()),
        }
    }
}

impl Command {
    pub fn text(text: impl Into<String>) -> Command {
        Command::default().then(text)
    }

    pub fn then(mut self, text: impl Into<String>) -> Command {
        self.pieces.push(Piece::Text(text.into()));
        self
    }

    pub fn literal(mut self, octets: &[u8]) -> Command {
        self.pieces.push(Piece::Literal(octets.to_vec()));
        self
    }

    /// The words as text, to look at.
    pub fn words(&self) -> String {
        let text = self.pieces.iter().map(|piece| format!("{piece:?}"));
        text.collect::<Vec<_>>().join("")
    }
}

/// What came back: untagged responses without `* `, and what followed the tag.
#[derive(Debug, Clone)]
pub struct Answer {
    pub untagged: Vec<Vec<u8>>,
    pub status: String,
}

/// A session with one of the two.
pub struct Peer {
    pub name: &'static str,
    reader: Box<dyn BufRead>,
    writer: Box<dyn Write>,
    pub next_tag: u32,
    process: Option<Running>,
}

impl Peer {
    /// Logged in as alice.
    pub fn whimbrel(server: &Server) -> Peer {
        let stream = TcpStream::connect(server.at("imap")).expect("because it is ready");
        let timeout = Some(Duration::from_secs(60));
        stream
            .set_read_timeout(timeout)
            .expect("because it is not zero");
        let writer = stream.try_clone().expect("because a socket can be shared");
        let mut peer = Peer::new("whimbrel", stream, writer, None);
        peer.response();
        let alice = server.alice();
        let login = format!("LOGIN {} {}", alice.address, alice.password);
        assert!(peer.ask(&Command::text(login)).status.starts_with("OK"));
        // Dovecot needs no login, and both give tags back.
        peer.next_tag = 1;
        peer
    }

    /// `None` when it is not installed.
    pub fn dovecot() -> Option<Peer> {
        if !Path::new(DOVECOT).is_file() {
            let on_build_machine = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!on_build_machine, "{DOVECOT} is not installed");
            println!("{DOVECOT} is not installed, so this test shows nothing");
            return None;
        }
        let mut running = Running::start();
        let reader = running.child.stdout.take().expect("because it is a pipe");
        let writer = running.child.stdin.take().expect("because it is a pipe");
        let mut peer = Peer::new("dovecot", reader, writer, Some(running));
        let greeting = peer.response();
        assert!(
            greeting.starts_with(b"* PREAUTH"),
            "{}",
            greeting.escape_ascii()
        );
        Some(peer)
    }

    fn new(
        name: &'static str,
        reader: impl Read + 'static,
        writer: impl Write + 'static,
        process: Option<Running>,
    ) -> Peer {
        Peer {
            name,
            reader: Box::new(BufReader::new(reader)),
            writer: Box::new(writer),
            next_tag: 1,
            process,
        }
    }

    pub fn ask(&mut self, command: &Command) -> Answer {
        let tag = format!("t{}", self.next_tag);
        self.next_tag += 1;
        let mut untagged = Vec::new();
        let mut out = format!("{tag} ").into_bytes();
        for piece in &command.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Literal(octets) => {
                    out.extend_from_slice(format!("{{{}}}\r\n", octets.len()).as_bytes());
                    self.send(&out);
                    match self.until(&tag, &mut untagged) {
                        None => out = octets.clone(),
                        Some(status) => return Answer { untagged, status },
                    }
                }
            }
        }
        out.extend_from_slice(b"\r\n");
        self.send(&out);
        let status = self.until(&tag, &mut untagged);
        Answer {
            untagged,
            status: status.expect("because nothing more was asked for"),
        }
    }

    fn send(&mut self, octets: &[u8]) {
        let sent = self
            .writer
            .write_all(octets)
            .and_then(|()| self.writer.flush());
        sent.unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    /// The status after the tag, or nothing when the server says to go on.
    fn until(&mut self, tag: &str, untagged: &mut Vec<Vec<u8>>) -> Option<String> {
        loop {
            let response = self.response();
            if let Some(rest) = response.strip_prefix(b"* ") {
                untagged.push(rest.to_vec());
            } else if response.starts_with(b"+") {
                return None;
            } else {
                let text = String::from_utf8_lossy(&response).into_owned();
                let status = text.strip_prefix(&format!("{tag} "));
                return Some(
                    status
                        .unwrap_or_else(|| panic!("{}: {text}", self.name))
                        .to_owned(),
                );
            }
        }
    }

    /// A line, and for as long as it ends in `{n}` the literal and the next line.
    fn response(&mut self) -> Vec<u8> {
        let mut response = self.line();
        while let Some(len) = literal_len(&response) {
            response.extend_from_slice(b"\r\n");
            let mut literal = vec![0; len];
            let read = self.reader.read_exact(&mut literal);
            read.unwrap_or_else(|error| panic!("{}: {error}", self.name));
            response.extend(literal);
            response.extend(self.line());
        }
        response
    }

    fn line(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line);
        read.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        if line.is_empty() {
            let log = self.process.as_ref().map(Running::log);
            panic!(
                "{}: the connection ended: {}",
                self.name,
                log.unwrap_or_default()
            );
        }
        let text = line.strip_suffix(b"\r\n").unwrap_or(&line);
        text.to_vec()
    }
}

fn literal_len(line: &[u8]) -> Option<usize> {
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|&octet| octet == b'{')?;
    std::str::from_utf8(&inner[open + 1..]).ok()?.parse().ok()
}

/// Dovecot's process and its folder.
struct Running {
    child: Child,
    place: TempDir,
}

impl Running {
    fn start() -> Running {
        let place = tempfile::tempdir().expect("because there is room for a folder");
        let at = place.path().to_owned();
        let home = at.join("home");
        std::fs::create_dir(&home).expect("because the folder is empty");
        std::fs::set_permissions(&at, PermissionsExt::from_mode(0o755))
            .expect("because it is ours");
        let config = at.join("dovecot.conf");
        std::fs::write(&config, settings(&at)).expect("because the folder is ours");
        let is_root = chown(&home, Some(NOBODY), Some(NOBODY)).is_ok();
        // It ends with its input; should it hang, `timeout` ends it.
        let mut process = Process::new("timeout");
        process.arg("300");
        if is_root {
            process.args([
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
            ]);
        }
        process.arg(DOVECOT).arg("-c").arg(&config);
        process.env("USER", "alice").env("HOME", &home);
        let log = std::fs::File::create(home.join("log")).expect("because the folder is ours");
        process
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log);
        let child = process.spawn().expect("because it is installed");
        Running { child, place }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.place.path().join("home/log")).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The same mailboxes, separator and special uses as Whimbrel's.
fn settings(at: &Path) -> String {
    let at = at.display();
    let mailboxes: String = ["Archive", "Drafts", "Junk", "Sent", "Trash"]
        .map(|name| {
            format!("  mailbox {name} {{\n    special_use = \\{name}\n    auto = create\n  }}\n")
        })
        .concat();
    format!(
        "base_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/home/log\nssl = no\n\
         protocols = imap\nfirst_valid_uid = 1\nmail_fsync = never\nmail_location = maildir:{at}/home/mail:LAYOUT=fs\n\
         namespace inbox {{\n  inbox = yes\n  separator = /\n\
         {mailboxes}}}\n"
    )
}
