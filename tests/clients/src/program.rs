//! Other people's programs, run to their end within a time limit.
//!
//! What never happens here: a shell, unless a test asks for one.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(120);

/// A program that is installed.
pub struct Program {
    name: &'static str,
    command: Command,
    input: Vec<u8>,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    pub name: &'static str,
    pub code: Option<i32>,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
}

impl Program {
    /// `None` when it is not installed: the test has nothing to show then. On the build machine
    /// that is a failure.
    pub fn find(name: &'static str) -> Option<Program> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let is_there = std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
        if !is_there {
            let on_build_machine = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!on_build_machine, "{name} is not installed");
            println!("{name} is not installed, so this test shows nothing");
            return None;
        }
        let mut command = Command::new(name);
        command.env("LC_ALL", "C.UTF-8").env("TERM", "xterm");
        Some(Program {
            name,
            command,
            input: Vec::new(),
        })
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Program {
        self.command.arg(arg);
        self
    }

    pub fn args(mut self, args: &[&str]) -> Program {
        self.command.args(args);
        self
    }

    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Program {
        self.command.env(key, value);
        self
    }

    pub fn folder(mut self, path: &Path) -> Program {
        self.command.current_dir(path);
        self
    }

    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Program {
        self.input = bytes.into();
        self
    }

    pub fn run(self) -> Ended {
        self.start().ended()
    }

    /// Lets it run beside the test.
    pub fn start(mut self) -> Running {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self
            .command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.name));
        let input = std::mem::take(&mut self.input);
        if let Some(mut stdin) = child.stdin.take() {
            // A program may end before it has read everything.
            std::thread::spawn(move || drop(stdin.write_all(&input)));
        }
        Running {
            name: self.name,
            out: collect(child.stdout.take()),
            err: collect(child.stderr.take()),
            child,
        }
    }
}

/// A program that runs beside the test, and goes with it.
pub struct Running {
    name: &'static str,
    child: Child,
    out: Receiver<Vec<u8>>,
    err: Receiver<Vec<u8>>,
}

impl Running {
    /// Waits for its end.
    pub fn ended(mut self) -> Ended {
        let deadline = Instant::now() + TIMEOUT;
        let out = until(&self.out, deadline);
        let err = until(&self.err, deadline);
        let in_time = out.is_some() && err.is_some();
        let ended = Ended {
            name: self.name,
            code: end(&mut self.child, in_time),
            out: out.unwrap_or_default(),
            err: err.unwrap_or_default(),
        };
        assert!(
            in_time,
            "{} did not end in time: {}",
            self.name,
            ended.text()
        );
        ended
    }
}

impl Drop for Running {
    /// A test that fails leaves no program behind.
    fn drop(&mut self) {
        // It has ended already if the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a file that nobody else may read: programs insist on it where a password stands.
pub fn private_file(path: &Path, text: &str) {
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::write(path, text)
        .and_then(|()| std::fs::set_permissions(path, private))
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}

/// fetchmail, once, with these words in its file; what it keeps lies in this place.
pub fn fetchmail(fetchmail: Program, place: &Path, words: &str) -> Ended {
    let rc = place.join("fetchmailrc");
    private_file(&rc, words);
    let run = fetchmail
        .arg("-f")
        .arg(&rc)
        .args(&["--nodetach", "--nosyslog", "-v", "--pidfile"])
        .arg(place.join("pid"))
        .args(&["--idfile"])
        .arg(place.join("ids"))
        .env("HOME", place)
        .env("FETCHMAILHOME", place);
    run.run()
}

impl Ended {
    /// Output and errors, for people.
    pub fn text(&self) -> String {
        let out = String::from_utf8_lossy(&self.out);
        let err = String::from_utf8_lossy(&self.err);
        format!(
            "{} ended with {:?}\n-- output\n{out}\n-- errors\n{err}",
            self.name, self.code
        )
    }

    /// It must have ended well.
    pub fn well(self) -> Ended {
        assert_eq!(self.code, Some(0), "{}", self.text());
        self
    }

    pub fn out_text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }
}

fn end(child: &mut Child, in_time: bool) -> Option<i32> {
    if !in_time {
        // It may just have ended; then there is nothing to kill.
        let _ = child.kill();
    }
    child.wait().expect("because the child is ours").code()
}

/// All that a pipe says, sent when it ends.
fn collect(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came until an error is shown all the same.
            let _ = pipe.read_to_end(&mut bytes);
        }
        // Nobody waits any more after a timeout.
        let _ = sender.send(bytes);
    });
    receiver
}

fn until(receiver: &Receiver<Vec<u8>>, deadline: Instant) -> Option<Vec<u8>> {
    receiver
        .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        .ok()
}
