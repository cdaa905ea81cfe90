//! Where mail for elsewhere ends: `smtp-sink` of Debian's postfix package, in the root of a peer.
//!
//! Never here: one that is slow on purpose, or that keeps anything.

use super::{Peer, wait};
use crate::Outcome;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const PROGRAM: &str = "/usr/sbin/smtp-sink";
const PATIENCE: Duration = Duration::from_secs(10);
/// After which nobody believes that the rest still comes.
const LONGEST: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(1);
/// Connections that may wait to be taken.
const BACKLOG: &str = "1024";
/// Before the count in what it says after each message: `sess=1 quit=0 mesg=7`.
const COUNT: &str = "mesg=";

/// How mail for elsewhere is sent: all of it to a sink, by so many connections at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Road {
    pub sink: SocketAddr,
    pub connections: usize,
}

pub struct Sink {
    child: Child,
    pub at: SocketAddr,
    messages: Arc<AtomicU64>,
}

impl Sink {
    /// The machine's own, or that of any peer that is installed: Postfix is in all of them.
    pub fn start(peers: &Path) -> Outcome<Sink> {
        let mut command = command(peers)?;
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let at = free.and_then(|free| free.local_addr());
        let at = at.map_err(|error| error.to_string())?;
        command.args(["-c", &at.to_string(), BACKLOG]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn();
        let mut child = child.map_err(|error| format!("smtp-sink: {error}"))?;
        let messages = Arc::new(AtomicU64::new(0));
        if let Some(said) = child.stdout.take() {
            let messages = messages.clone();
            std::thread::spawn(move || count(said, &messages));
        }
        let sink = Sink {
            child,
            at,
            messages,
        };
        wait("the sink's start", PATIENCE, || {
            TcpStream::connect(at).is_ok()
        })?;
        Ok(sink)
    }

    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Until so many have come since the sink began.
    pub async fn until(&self, messages: u64) -> Outcome<()> {
        let begun = Instant::now();
        while self.messages() < messages {
            if begun.elapsed() > LONGEST {
                let here = self.messages();
                return Err(format!("{here} of {messages} messages came to the sink"));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, and whom it becomes where root starts it.
fn command(peers: &Path) -> Outcome<Command> {
    let installed = Peer::installed(peers);
    let root = installed.first().map(Peer::root);
    let mut command = match (Path::new(PROGRAM).is_file(), root) {
        (true, _) => Command::new(PROGRAM),
        (false, Some(root)) => {
            let mut command = Command::new("chroot");
            command.arg(root).arg(PROGRAM);
            command
        }
        (false, None) => return Err("smtp-sink of Debian's package postfix is not here".to_owned()),
    };
    if rustix::process::geteuid().is_root() {
        command.args(["-u", "nobody"]);
    }
    Ok(command)
}

/// Reads what it says to its end, and keeps the last count.
fn count(mut said: ChildStdout, messages: &AtomicU64) {
    let mut piece = [0; 4096];
    let mut line = String::new();
    while let Ok(octets) = said.read(&mut piece) {
        if octets == 0 {
            return;
        }
        for octet in &piece[..octets] {
            match octet {
                b'\r' | b'\n' => {
                    if let Some(count) = told(&line) {
                        messages.store(count, Ordering::Relaxed);
                    }
                    line.clear();
                }
                octet => line.push(char::from(*octet)),
            }
        }
    }
}

fn told(line: &str) -> Option<u64> {
    let (_, behind) = line.split_once(COUNT)?;
    behind.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_count_of_messages() {
        assert_eq!(told("sess=3 quit=2 mesg=12"), Some(12));
        assert_eq!(told("sess=3 quit=2"), None);
    }
}
