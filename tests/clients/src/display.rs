//! A screen that nobody sees, for programs that want one.
//!
//! What never happens here: a fixed number, a port.

use crate::Program;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

pub struct Display {
    child: Child,
    name: String,
}

impl Display {
    /// `None` when there is no X server to start: the test has nothing to show then. On the build
    /// machine that is a failure.
    pub fn open() -> Option<Display> {
        Program::find("Xvfb")?;
        let mut child = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp"])
            .args(["-screen", "0", "1024x768x24"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("because it is installed");
        let mut number = String::new();
        let out = child.stdout.take().expect("because it is piped");
        // It writes its number when clients may come.
        BufReader::new(out)
            .read_line(&mut number)
            .expect("because a pipe can be read");
        let name = format!(":{}", number.trim());
        Some(Display { child, name })
    }

    /// What `DISPLAY` says.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Display {
    /// Asked to end, it removes its lock and its socket.
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended already.
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}
