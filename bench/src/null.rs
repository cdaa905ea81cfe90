//! The limit of the generator and the kernel: a server that says yes to everything and does nothing.
//!
//! It runs as a process of its own (`bench null`), so that it shares the cores as the others do.
//! Never here: a check of what a client says, or anything kept of it.

use crate::Outcome;
use crate::target::{Doors, Processes, Server, wait};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PATIENCE: Duration = Duration::from_secs(10);
const READ: usize = 64 * 1024;

/// The process, seen from the run.
pub struct NullServer {
    processes: Processes,
    folder: tempfile::TempDir,
}

impl NullServer {
    pub fn new() -> Outcome<NullServer> {
        Ok(NullServer {
            processes: Processes::new("null"),
            folder: tempfile::tempdir().map_err(|error| error.to_string())?,
        })
    }
}

impl Server for NullServer {
    fn start(&mut self) -> Outcome<Doors> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let file = self.folder.path().join("ready");
        let mut command = self.processes.command(own);
        command.arg("null").arg(&file).stdin(Stdio::null());
        self.processes.spawn(command)?;
        wait("the null server's start", PATIENCE, || file.exists())?;
        let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
        let at: Vec<SocketAddr> = text.lines().filter_map(|line| line.parse().ok()).collect();
        let [smtp, imap, pop] = at[..] else {
            return Err(format!("the null server wrote {text}"));
        };
        Ok(Doors {
            smtp,
            imap,
            imaps: None,
            pop,
            submission: None,
        })
    }

    fn stop(&mut self) -> Outcome<()> {
        // A later start waits for a new one.
        let _ = std::fs::remove_file(self.folder.path().join("ready"));
        self.processes.end()
    }

    fn wipe(&mut self) -> Outcome<()> {
        Ok(())
    }

    fn processes(&self) -> &Processes {
        &self.processes
    }

    fn processes_mut(&mut self) -> &mut Processes {
        &mut self.processes
    }

    fn folders(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn version(&self) -> String {
        "says yes".to_owned()
    }
}

/// Serves until it is ended; says in a file where.
pub async fn serve(ready_file: PathBuf) -> Outcome<()> {
    let mut text = String::new();
    for protocol in [Protocol::Smtp, Protocol::Imap, Protocol::Pop] {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.map_err(|error| error.to_string())?;
        let at = listener.local_addr().map_err(|error| error.to_string())?;
        text.push_str(&format!("{at}\n"));
        tokio::spawn(accept(listener, protocol));
    }
    let half = ready_file.with_extension("half");
    std::fs::write(&half, text).map_err(|error| error.to_string())?;
    std::fs::rename(&half, &ready_file).map_err(|error| error.to_string())?;
    std::future::pending().await
}

async fn accept(listener: TcpListener, protocol: Protocol) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            // A client that goes away is none of its cares.
            let _ = say_yes(stream, protocol).await;
        });
    }
}

async fn say_yes(mut stream: TcpStream, protocol: Protocol) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(protocol.greeting()).await?;
    let mut yes = Yes::new(protocol);
    let mut buffer = vec![0; READ];
    let mut end = 0;
    let mut out = Vec::new();
    loop {
        let count = stream.read(&mut buffer[end..]).await?;
        if count == 0 {
            return Ok(());
        }
        end += count;
        let used = yes.answer(&buffer[..end], &mut out);
        buffer.copy_within(used..end, 0);
        end -= used;
        if !out.is_empty() {
            stream.write_all(&out).await?;
            out.clear();
        }
        if end == buffer.len() {
            return Err(std::io::Error::other("a line without an end"));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Protocol {
    Smtp,
    Imap,
    Pop,
}

impl Protocol {
    fn greeting(self) -> &'static [u8] {
        match self {
            Protocol::Smtp => b"220 null\r\n",
            Protocol::Imap => b"* OK null\r\n",
            Protocol::Pop => b"+OK null\r\n",
        }
    }
}

/// The least that finds where commands and messages end.
struct Yes {
    protocol: Protocol,
    /// Inside DATA, until a line of one dot.
    in_data: bool,
    /// Octets of a literal that are still to come.
    literal: u64,
    /// The tag of the command whose literal comes.
    tag: Vec<u8>,
}

impl Yes {
    fn new(protocol: Protocol) -> Yes {
        Yes {
            protocol,
            in_data: false,
            literal: 0,
            tag: Vec::new(),
        }
    }

    /// Takes what is whole of `input`, writes answers to `out`, and says how much it took.
    fn answer(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut at = 0;
        loop {
            let rest = &input[at..];
            if self.literal > 0 {
                let here = self.literal.min(rest.len() as u64);
                self.literal -= here;
                at += here as usize;
                if self.literal > 0 {
                    return at;
                }
            } else if self.in_data {
                at += self.data(rest, out);
                if self.in_data {
                    return at;
                }
            } else {
                let Some(end) = memchr::memchr(b'\n', rest) else {
                    return at;
                };
                self.command(&rest[..end + 1], out);
                at += end + 1;
            }
        }
    }

    /// Looks for the final dot only; keeps back what could be its beginning.
    fn data(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        const END: &[u8] = b"\r\n.\r\n";
        match memchr::memmem::find(input, END) {
            Some(found) => {
                self.in_data = false;
                out.extend_from_slice(b"250 2.0.0 yes\r\n");
                found + END.len()
            }
            None => input.len().saturating_sub(END.len() - 1),
        }
    }

    fn command(&mut self, line: &[u8], out: &mut Vec<u8>) {
        match self.protocol {
            Protocol::Smtp => self.smtp(line, out),
            Protocol::Imap => self.imap(line, out),
            Protocol::Pop => out.extend_from_slice(b"+OK\r\n"),
        }
    }

    fn smtp(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let yes: &[u8] = match line
            .first_chunk::<4>()
            .map(|word| word.to_ascii_uppercase())
        {
            Some(word) if word == b"EHLO" => {
                b"250-null\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 104857600\r\n"
            }
            Some(word) if word == b"DATA" => {
                self.in_data = true;
                b"354 go on\r\n"
            }
            Some(word) if word == b"QUIT" => b"221 bye\r\n",
            _ => b"250 2.0.0 yes\r\n",
        };
        out.extend_from_slice(yes);
    }

    fn imap(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.tag.is_empty() {
            let tag = line.split(|byte| *byte == b' ').next();
            self.tag.extend_from_slice(tag.unwrap_or_default());
        }
        if let Some((octets, waits)) = literal(line) {
            self.literal = octets;
            if waits {
                out.extend_from_slice(b"+ go on\r\n");
            }
            return;
        }
        if line.ends_with(b" IDLE") {
            out.extend_from_slice(b"+ idling\r\n");
            return;
        }
        out.append(&mut self.tag);
        out.extend_from_slice(b" OK yes\r\n");
    }
}

/// `{12}` or `{12+}` at the end of a line: its octets, and whether the client waits.
fn literal(line: &[u8]) -> Option<(u64, bool)> {
    let before = line.strip_suffix(b"}")?;
    let open = memchr::memrchr(b'{', before)?;
    let inside = &before[open + 1..];
    let digits = inside.strip_suffix(b"+").unwrap_or(inside);
    let octets = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((octets, digits.len() == inside.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same answers in whatever pieces it comes.
    fn check(protocol: Protocol, input: &[u8], expect: &str) {
        for piece in 1..=input.len() {
            let mut yes = Yes::new(protocol);
            let (mut out, mut waiting) = (Vec::new(), Vec::new());
            for piece in input.chunks(piece) {
                waiting.extend_from_slice(piece);
                let used = yes.answer(&waiting, &mut out);
                waiting.drain(..used);
            }
            assert_eq!(String::from_utf8_lossy(&out), expect, "pieces of {piece}");
        }
    }

    #[test]
    fn a_message_ends_with_its_dot_only() {
        let input = b"MAIL FROM:<a@b>\r\nDATA\r\nx: y\r\n..\r\n.\r\r\n\r\n.\r\nQUIT\r\n";
        let expect = "250 2.0.0 yes\r\n354 go on\r\n250 2.0.0 yes\r\n221 bye\r\n";
        check(Protocol::Smtp, input, expect);
    }

    #[test]
    fn literals_are_no_commands() {
        let input =
            b"a1 APPEND INBOX {6}\r\nb OK\r\n\r\na2 APPEND INBOX {3+}\r\nxyz\r\na3 NOOP\r\n";
        let expect = "+ go on\r\na1 OK yes\r\na2 OK yes\r\na3 OK yes\r\n";
        check(Protocol::Imap, input, expect);
    }

    #[test]
    fn idle_ends_with_done() {
        check(
            Protocol::Imap,
            b"a IDLE\r\nDONE\r\nb NOOP\r\n",
            "+ idling\r\na OK yes\r\nb OK yes\r\n",
        );
    }
}
