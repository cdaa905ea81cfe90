//! The generator's end of a connection: one buffer, no allocation per line, no parsing beyond what
//! shows where an answer ends.
//!
//! Never here: a check of what a server says beyond its success; the tests do that.

use crate::Outcome;
use crate::wire::stream::Stream;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::net::SocketAddr;

mod stream;

/// As much as a large answer brings at once.
const LARGEST_READ: usize = 256 * 1024;
/// Thousands of idle connections keep no more than this.
const SMALLEST_READ: usize = 4 * 1024;

/// A connection, and what was read from it but not used yet.
pub struct Wire {
    stream: Stream,
    buffer: Vec<u8>,
    /// `buffer[start..end]` was read and not used.
    start: usize,
    end: usize,
    received: u64,
    command: Vec<u8>,
}

/// How an IMAP command ended.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Untagged responses before the tagged one.
    pub responses: u64,
    /// Octets of literals in them.
    pub literal_octets: u64,
}

impl Wire {
    pub async fn plain(at: SocketAddr) -> Outcome<Wire> {
        Ok(Wire::over(Stream::plain(at).await?))
    }

    /// TLS from the first byte; whatever certificate is shown is taken.
    pub async fn tls(at: SocketAddr) -> Outcome<Wire> {
        Ok(Wire::over(Stream::tls(at).await?))
    }

    /// The client's end of a pipe in this process.
    pub fn inside(conn: net::Conn) -> Wire {
        Wire::over(Stream::inside(conn))
    }

    fn over(stream: Stream) -> Wire {
        Wire {
            stream,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            received: 0,
            command: Vec::new(),
        }
    }

    /// Octets that came so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    pub async fn send(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.stream.write_all(bytes).await
    }

    /// One read behind what is there already; an end of the connection is an error.
    async fn read_more(&mut self) -> Outcome<()> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end == self.buffer.len() {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            }
            // It was full, so larger reads are worth their memory.
            let room = (self.buffer.len() * 2).clamp(SMALLEST_READ, LARGEST_READ);
            let room = room.max(self.end + SMALLEST_READ);
            self.buffer.resize(room, 0);
        }
        let count = self.stream.read(&mut self.buffer[self.end..]).await?;
        if count == 0 {
            return Err("the server closed the connection".to_owned());
        }
        self.end += count;
        self.received += count as u64;
        Ok(())
    }

    /// Where the next line ends, behind its LF; it is read whole.
    async fn line_end(&mut self) -> Outcome<usize> {
        let mut seen = 0;
        loop {
            let waiting = &self.buffer[self.start..self.end];
            if let Some(at) = memchr::memchr(b'\n', &waiting[seen..]) {
                return Ok(self.start + seen + at + 1);
            }
            seen = waiting.len();
            self.read_more().await?;
        }
    }

    /// The next line without its CRLF.
    pub async fn line(&mut self) -> Outcome<&[u8]> {
        let end = self.line_end().await?;
        let line = &self.buffer[self.start..end];
        self.start = end;
        Ok(line.strip_suffix(b"\r\n").unwrap_or(line))
    }

    /// A line that must begin like this.
    pub async fn expect(&mut self, beginning: &[u8]) -> Outcome<()> {
        let line = self.line().await?;
        if line.starts_with(beginning) {
            return Ok(());
        }
        Err(unexpected(line))
    }

    /// The next so many octets, unlooked at.
    async fn skip(&mut self, mut octets: u64) -> Outcome<()> {
        loop {
            let here = octets.min((self.end - self.start) as u64);
            self.start += here as usize;
            octets -= here;
            if octets == 0 {
                return Ok(());
            }
            self.read_more().await?;
        }
    }

    /// An SMTP reply of any number of lines; its code.
    pub async fn reply(&mut self) -> Outcome<u16> {
        loop {
            let line = self.line().await?;
            if line.get(3) == Some(&b'-') {
                continue;
            }
            let code = line
                .get(..3)
                .and_then(|digits| std::str::from_utf8(digits).ok());
            let code = code.and_then(|digits| digits.parse().ok());
            return code.ok_or_else(|| unexpected(line));
        }
    }

    /// An SMTP command with the reply code that it must get.
    pub async fn smtp(&mut self, command: &[u8], code: u16) -> Outcome<()> {
        self.send_line(b"", command).await?;
        self.expect_reply(code).await
    }

    pub async fn expect_reply(&mut self, code: u16) -> Outcome<()> {
        match self.reply().await? {
            same if same == code => Ok(()),
            other => Err(format!("{other} where {code} should be")),
        }
    }

    /// An IMAP command, which must end with OK. The tag is always `a`.
    pub async fn imap(&mut self, command: &[u8]) -> Outcome<Answer> {
        self.send_line(b"a ", command).await?;
        self.until_tagged(b"a ").await
    }

    /// A POP3 command of one line in the answer, which must be `+OK`.
    pub async fn pop(&mut self, command: &[u8]) -> Outcome<()> {
        self.send_line(b"", command).await?;
        self.expect(b"+OK").await
    }

    /// A POP3 command with an answer of many lines; its octets after the first line.
    pub async fn pop_lines(&mut self, command: &[u8]) -> Outcome<u64> {
        self.pop(command).await?;
        self.until_dot().await
    }

    /// Sends words and a CRLF at once.
    async fn send_line(&mut self, before: &[u8], words: &[u8]) -> Outcome<()> {
        self.command.clear();
        for piece in [before, words, b"\r\n"] {
            self.command.extend_from_slice(piece);
        }
        self.stream.write_all(&self.command).await
    }

    /// Everything up to the response with this tag (a blank included), which must be OK. Literals
    /// are skipped by their length.
    pub async fn until_tagged(&mut self, tag: &[u8]) -> Outcome<Answer> {
        let mut answer = Answer::default();
        let mut begins_response = true;
        loop {
            let end = self.line_end().await?;
            let line = &self.buffer[self.start..end];
            if begins_response && line.starts_with(tag) {
                let is_ok = line[tag.len()..].starts_with(b"OK");
                let error = if is_ok { None } else { Some(unexpected(line)) };
                self.start = end;
                return error.map_or(Ok(answer), Err);
            }
            let octets = literal(line);
            self.start = end;
            match octets {
                Some(octets) => {
                    answer.literal_octets += octets;
                    begins_response = false;
                    self.skip(octets).await?;
                }
                None => {
                    answer.responses += 1;
                    begins_response = true;
                }
            }
        }
    }

    /// Everything up to the line of one dot; the octets before it.
    pub async fn until_dot(&mut self) -> Outcome<u64> {
        let mut octets = 0;
        loop {
            let end = self.line_end().await?;
            let line = &self.buffer[self.start..end];
            let is_last = line == b".\r\n";
            if !is_last {
                octets += line.len() as u64;
            }
            self.start = end;
            if is_last {
                return Ok(octets);
            }
        }
    }

    /// Reads an IMAP greeting and logs in.
    pub async fn imap_login(&mut self, (user, password): &(String, String)) -> Outcome<()> {
        self.expect(b"* ").await?;
        let command = format!("LOGIN {user} {password}");
        self.imap(command.as_bytes()).await.map(drop)
    }

    /// Reads a POP3 greeting and logs in.
    pub async fn pop_login(&mut self, (user, password): &(String, String)) -> Outcome<()> {
        self.expect(b"+OK").await?;
        self.pop(format!("USER {user}").as_bytes()).await?;
        self.pop(format!("PASS {password}").as_bytes()).await
    }

    /// Behind EHLO. [rfc4954] with the initial response of PLAIN in base64.
    pub async fn smtp_login(&mut self, (user, password): &(String, String)) -> Outcome<()> {
        let plain = STANDARD.encode(format!("\0{user}\0{password}"));
        self.smtp(format!("AUTH PLAIN {plain}").as_bytes(), 235)
            .await
    }

    /// Reads an SMTP greeting and says who comes.
    pub async fn smtp_hello(&mut self) -> Outcome<()> {
        self.expect_reply(220).await?;
        self.smtp(b"EHLO client.example.test", 250).await
    }
}

/// The length that ends a line: `{12}` or `~{12}`, and a CRLF.
fn literal(line: &[u8]) -> Option<u64> {
    let before = line.strip_suffix(b"}\r\n")?;
    let open = memchr::memrchr(b'{', before)?;
    std::str::from_utf8(&before[open + 1..]).ok()?.parse().ok()
}

fn unexpected(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    format!("the server said: {}", text.trim_end())
}

#[cfg(test)]
mod tests;
