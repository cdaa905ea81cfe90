//! A server process and commands given to it. Never: a check of its own.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use tempfile::TempDir;

const WHIMBREL: &str = env!("CARGO_BIN_EXE_whimbrel");

/// What a command did.
#[derive(Debug, PartialEq, Eq)]
pub struct Done {
    pub succeeded: bool,
    pub out: String,
    pub err: String,
}

impl Done {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }
}

pub fn command(data: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(WHIMBREL);
    command.args(words).arg("--data").arg(data);
    command
}

pub fn run(data: &Path, words: &[&str]) -> Done {
    run_with(data, words, "")
}

/// With something on the standard input.
pub fn run_with(data: &Path, words: &[&str], input: &str) -> Done {
    let mut command = command(data, words);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Commands that read nothing may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Done {
        succeeded: output.status.success(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A running `whimbrel try`; killed when dropped.
pub struct Server {
    pub child: Child,
    pub data: PathBuf,
    pub ready: Value,
    _out: BufReader<ChildStdout>,
}

impl Server {
    pub fn start(data: &Path) -> Server {
        Server::start_with(data, &[])
    }

    pub fn start_with(data: &Path, arguments: &[&str]) -> Server {
        let file = data.with_extension("ready");
        let mut command = command(data, &["try", "--any-port"]);
        command.args(arguments);
        command.arg("--ready-file").arg(&file);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        // It speaks when all listeners accept.
        assert_ne!(
            out.read_line(&mut String::new()).unwrap(),
            0,
            "the server did not start"
        );
        let ready = std::fs::read_to_string(&file).unwrap();
        Server {
            child,
            data: data.to_owned(),
            ready: serde_json::from_str(&ready).unwrap(),
            _out: out,
        }
    }

    pub fn dial(&self, listener: &str) -> Client {
        let at = self.ready["listeners"][listener].as_str().unwrap();
        let stream = TcpStream::connect(at).unwrap();
        Client(BufReader::new(stream))
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A mail program that speaks lines.
pub struct Client(BufReader<TcpStream>);

impl Client {
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Says a line and reads until one begins with `until`.
    pub fn say(&mut self, line: &str, until: &str) -> String {
        self.0
            .get_mut()
            .write_all(format!("{line}\r\n").as_bytes())
            .unwrap();
        self.until(until)
    }

    pub fn until(&mut self, begin: &str) -> String {
        loop {
            let line = self.line();
            assert_ne!(line, "", "the server closed before {begin}");
            if line.starts_with(begin) {
                return line;
            }
        }
    }

    /// All that comes until the end.
    pub fn rest(&mut self) -> String {
        let mut text = String::new();
        self.0.read_to_string(&mut text).unwrap();
        text
    }

    pub fn is_closed(&mut self) -> bool {
        self.0.read(&mut [0; 1]).is_ok_and(|read| read == 0)
    }
}

/// A folder for one test; the data folder is `data` in it.
pub fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    (folder, data)
}
