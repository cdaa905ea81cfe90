//! Postfix's smtp-sink: a server that takes, refuses or puts off what it is told to.
//!
//! What never happens here: a look at what it says; the tests do that.

use crate::server::binary;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
/// Where the benchmark puts Debian's package.
const PEER: &str = "/opt/whimbrel-peers/maildir";

/// A running one; ended when dropped.
pub struct Sink {
    child: Child,
    /// `127.0.0.1:port`.
    pub at: String,
}

impl Sink {
    /// `None` where it is not: the test has nothing to show then.
    pub fn start(words: &[&str]) -> Option<Sink> {
        let Some(root) = root() else {
            let on_build_machine = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(
                !on_build_machine,
                "smtp-sink is missing on the build machine"
            );
            println!("smtp-sink is not there, so this test shows nothing");
            return None;
        };
        let mut command = Command::new(root.join("usr/sbin/smtp-sink"));
        command.env("LD_LIBRARY_PATH", root.join("usr/lib/postfix"));
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        let at = free_address();
        command.args(words).arg(&at).arg("16").stdin(Stdio::null());
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start smtp-sink: {error}"));
        let sink = Sink { child, at };
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(&sink.at).is_err() {
            assert!(Instant::now() < end, "smtp-sink does not listen");
        }
        Some(sink)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// It takes no port 0.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("because loopback has a free port");
    let at = listener.local_addr().expect("because it is bound");
    at.to_string()
}

/// Where the package is installed or unpacked; its libraries lie in the same root.
fn root() -> Option<PathBuf> {
    let unpacked = binary().parent()?.parent()?.join("roads/postfix");
    let roots = [PathBuf::from("/"), unpacked, PathBuf::from(PEER)];
    let mut roots = roots.into_iter();
    roots.find(|root| root.join("usr/sbin/smtp-sink").is_file())
}
