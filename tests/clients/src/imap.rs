//! A plain IMAP client, enough to look at what others did.
//!
//! What never happens here: TLS; the real programs do that.

use crate::wire::Wire;
use std::io::Result;

pub struct Imap {
    wire: Wire,
    next_tag: u32,
}

/// What came back for one command.
#[derive(Debug)]
pub struct Answer {
    /// `OK …`, `NO …` or `BAD …`.
    pub status: String,
    /// Each untagged response, its literals within.
    pub untagged: Vec<Vec<u8>>,
}

impl Answer {
    pub fn is_ok(&self) -> bool {
        self.status.starts_with("OK")
    }

    /// The first literal of a response.
    pub fn literal_of(response: &[u8]) -> Option<&[u8]> {
        first_literal(response).map(|(start, len)| &response[start..start + len])
    }

    /// The untagged responses as text, one a line.
    pub fn text(&self) -> String {
        let lines = self
            .untagged
            .iter()
            .map(|line| String::from_utf8_lossy(line));
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Imap {
    /// Connected, logged in, INBOX selected.
    pub fn open(address: &str, user: &str, password: &str) -> Imap {
        let mut imap = Imap::log_in(address, user, password)
            .unwrap_or_else(|error| panic!("no session: {error}"));
        imap.must("SELECT INBOX");
        imap
    }

    /// Connected and logged in; an error when the connection was lost.
    pub fn log_in(address: &str, user: &str, password: &str) -> Result<Imap> {
        let mut imap = Imap {
            wire: Wire::try_connect(address)?,
            next_tag: 1,
        };
        let greeting = imap.wire.need_line()?;
        assert!(
            greeting.starts_with(b"* OK"),
            "{}",
            String::from_utf8_lossy(&greeting)
        );
        let answer = imap.try_command(&format!("LOGIN {user} {password}"))?;
        assert!(answer.is_ok(), "LOGIN {user}: {}", answer.status);
        Ok(imap)
    }

    pub fn command(&mut self, command: &str) -> Answer {
        self.try_command(command)
            .unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// An error when the connection was lost.
    pub fn try_command(&mut self, command: &str) -> Result<Answer> {
        let tag = self.tag();
        self.wire
            .try_send(format!("{tag} {command}\r\n").as_bytes())?;
        self.answer(&tag)
    }

    /// A command that must be answered with OK.
    pub fn must(&mut self, command: &str) -> Answer {
        let answer = self.command(command);
        assert!(answer.is_ok(), "{command}: {}", answer.status);
        answer
    }

    /// A message that must be taken.
    pub fn append(&mut self, mailbox: &str, flags: &str, message: &[u8]) -> Answer {
        let answer = self
            .try_append(mailbox, flags, message)
            .unwrap_or_else(|error| panic!("APPEND: {error}"));
        assert!(answer.is_ok(), "{}", answer.status);
        answer
    }

    /// An error when the connection was lost.
    pub fn try_append(&mut self, mailbox: &str, flags: &str, message: &[u8]) -> Result<Answer> {
        let tag = self.tag();
        let head = format!("{tag} APPEND {mailbox} ({flags}) {{{}}}\r\n", message.len());
        self.wire.try_send(head.as_bytes())?;
        let go_on = self.wire.need_line()?;
        assert!(
            go_on.starts_with(b"+"),
            "{}",
            String::from_utf8_lossy(&go_on)
        );
        self.wire.try_send(message)?;
        self.wire.try_send(b"\r\n")?;
        self.answer(&tag)
    }

    /// All UIDs that a search finds, in rising order.
    pub fn search(&mut self, criteria: &str) -> Vec<u32> {
        found(&self.must(&format!("UID SEARCH {criteria}")))
    }

    /// The flags of a message, sorted.
    pub fn flags(&mut self, uid: u32) -> Vec<String> {
        let text = self.must(&format!("UID FETCH {uid} (FLAGS)")).text();
        let (_, rest) = text
            .split_once("FLAGS (")
            .expect("because flags were asked for");
        let (flags, _) = rest.split_once(')').expect("because the list ends");
        let mut flags: Vec<String> = flags
            .split_ascii_whitespace()
            .filter(|flag| *flag != "\\Recent")
            .map(str::to_owned)
            .collect();
        flags.sort();
        flags
    }

    /// A whole message, octet for octet, with no flag set by it.
    pub fn message(&mut self, uid: u32) -> Vec<u8> {
        self.literal(&format!("UID FETCH {uid} (BODY.PEEK[])"))
    }

    /// The one literal of the answer to a command.
    pub fn literal(&mut self, command: &str) -> Vec<u8> {
        let answer = self.must(command);
        for response in &answer.untagged {
            if let Some(literal) = Answer::literal_of(response) {
                return literal.to_vec();
            }
        }
        panic!("no literal in the answer to {command}: {}", answer.text());
    }

    /// Waits with IDLE until a search finds a message; gives the first.
    pub fn awaited(&mut self, criteria: &str) -> u32 {
        self.until(criteria, |found| !found.is_empty())[0]
    }

    /// Waits with IDLE until a search finds nothing.
    pub fn gone(&mut self, criteria: &str) {
        self.until(criteria, <[u32]>::is_empty);
    }

    fn until(&mut self, criteria: &str, is_enough: impl Fn(&[u32]) -> bool) -> Vec<u32> {
        loop {
            self.must("NOOP");
            let answer = self.must(&format!("UID SEARCH {criteria}"));
            let found = found(&answer);
            if is_enough(&found) {
                return found;
            }
            // What SEARCH itself has told of, IDLE does not tell again.
            if answer.untagged.len() == 1 {
                self.wait_for_news();
            }
        }
    }

    fn wait_for_news(&mut self) {
        let tag = self.tag();
        self.wire.send(format!("{tag} IDLE\r\n").as_bytes());
        let told = |imap: &mut Imap| imap.response().expect("because something comes in time");
        let is_news = |line: &[u8]| line.starts_with(b"* ") && !line.starts_with(b"* OK");
        while !is_news(&told(self)) {}
        self.wire.send(b"DONE\r\n");
        let answer = self.answer(&tag);
        answer.expect("because DONE is answered");
    }

    fn tag(&mut self) -> String {
        let tag = format!("t{}", self.next_tag);
        self.next_tag += 1;
        tag
    }

    fn answer(&mut self, tag: &str) -> Result<Answer> {
        let mut untagged = Vec::new();
        loop {
            let response = self.response()?;
            match response.strip_prefix(format!("{tag} ").as_bytes()) {
                Some(status) => {
                    let status = String::from_utf8_lossy(status).into_owned();
                    return Ok(Answer { status, untagged });
                }
                None => untagged.push(response),
            }
        }
    }

    /// One response: a line, and for as long as it ends in `{n}` the literal and the next line.
    fn response(&mut self) -> Result<Vec<u8>> {
        let mut response = self.wire.need_line()?;
        while let Some(len) = literal_len(&response) {
            response.extend_from_slice(b"\r\n");
            response.extend(self.wire.try_bytes(len)?);
            response.extend(self.wire.need_line()?);
        }
        Ok(response)
    }
}

/// What SEARCH answered.
fn found(answer: &Answer) -> Vec<u32> {
    let text = answer.text();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("* SEARCH"))
        .unwrap_or_default();
    line.split_ascii_whitespace()
        .map(|uid| uid.parse().expect("because a UID is a number"))
        .collect()
}

/// `…{n}` at the end of a line.
fn literal_len(line: &[u8]) -> Option<usize> {
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|&byte| byte == b'{')?;
    std::str::from_utf8(&inner[open + 1..]).ok()?.parse().ok()
}

fn first_literal(response: &[u8]) -> Option<(usize, usize)> {
    let line_end = response.windows(2).position(|window| window == b"\r\n")?;
    Some((line_end + 2, literal_len(&response[..line_end])?))
}
