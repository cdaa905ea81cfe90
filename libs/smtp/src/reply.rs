//! Replies as values, their form on the wire, and the reading of what a server said.
//!
//! A reply never breaks out of its line: control octets and what is not ASCII become `?`, and a
//! long text is cut. What never happens here: the choice of a code.
//!
//! ```abnf
//! Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
//! status-code = class "." subject "." detail     ; rfc3463, before the text as rfc2034 says
//! class       = "2" / "4" / "5"                  ; subject, detail = 1*3digit
//! ```

use crate::limits::{KEPT_REPLY_BYTES, REPLY_LINE_BYTES};
use std::fmt;

/// An enhanced status code. [rfc2034 4]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status(pub u8, pub u16, pub u16);

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What the first digit of a code says; all that a client must understand of it.
/// [rfc5321 4.2] [rfc5321 4.3.2]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// 2yz: done.
    Completion,
    /// 3yz: go on.
    Intermediate,
    /// 4yz: not now.
    Transient,
    /// 5yz: no.
    Permanent,
}

/// One reply of one or more lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    code: u16,
    status: Option<Status>,
    lines: Vec<String>,
}

impl Reply {
    /// A reply with an enhanced status, whose class is that of the code. [rfc2034 4]
    pub fn new(code: u16, status: Status, text: impl Into<String>) -> Reply {
        assert!(
            code / 100 == u16::from(status.0),
            "reply {code} with a status of another class"
        );
        check(code);
        Reply {
            code,
            status: Some(status),
            lines: vec![text.into()],
        }
    }
    /// A reply without one: greeting, HELO, EHLO, and the 3yz codes. [rfc2034 4]
    pub fn plain(code: u16, text: impl Into<String>) -> Reply {
        check(code);
        Reply {
            code,
            status: None,
            lines: vec![text.into()],
        }
    }
    /// The same reply with one more line.
    pub fn and(mut self, text: impl Into<String>) -> Reply {
        self.lines.push(text.into());
        self
    }
    pub fn code(&self) -> u16 {
        self.code
    }
    pub fn status(&self) -> Option<Status> {
        self.status
    }
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
    pub fn class(&self) -> Class {
        match self.code / 100 {
            2 => Class::Completion,
            3 => Class::Intermediate,
            4 => Class::Transient,
            _ => Class::Permanent,
        }
    }

    /// What a server said: the lines behind the code as they came. Control characters become `?`.
    pub(crate) fn received(code: u16, lines: Vec<Vec<u8>>) -> Reply {
        check(code);
        let shown = |c: char| match c {
            '\t' => ' ',
            c if c.is_control() => '?',
            c => c,
        };
        let text = |line: Vec<u8>| String::from_utf8_lossy(&line).chars().map(shown).collect();
        Reply {
            code,
            status: None,
            lines: lines.into_iter().map(text).collect(),
        }
    }

    /// The same with the enhanced status read off the text, if there is one of the code's class,
    /// and no more text than is kept. Not for greeting, EHLO, HELO and 3yz. [rfc2034 4]
    pub(crate) fn with_status(mut self) -> Reply {
        let class = self.code / 100;
        let first = self.lines.first().and_then(|line| status(line));
        if let Some((status, _)) = first.filter(|(status, _)| u16::from(status.0) == class) {
            self.status = Some(status);
        }
        let mut room = KEPT_REPLY_BYTES;
        for line in &mut self.lines {
            if let Some((found, rest)) = status(line).filter(|(s, _)| Some(*s) == self.status) {
                debug_assert!(u16::from(found.0) == class);
                *line = rest.to_owned();
            }
            let cut = line.floor_char_boundary(room);
            line.truncate(cut);
            room -= cut;
        }
        self
    }

    /// Appends the reply as it stands on the wire: the same code before every line, CRLF behind it
    /// and nowhere else. [rfc5321 2.3.8] [rfc5321 4.2.1]
    pub fn encode(&self, out: &mut Vec<u8>) {
        let last = self.lines.len().saturating_sub(1);
        for (i, text) in self.lines.iter().enumerate() {
            let start = out.len();
            put_number(out, self.code);
            out.push(if i < last { b'-' } else { b' ' });
            if let Some(Status(class, subject, detail)) = self.status {
                put_number(out, class.into());
                out.push(b'.');
                put_number(out, subject);
                out.push(b'.');
                put_number(out, detail);
                out.push(b' ');
            }
            let safe = |c: char| {
                if (' '..='~').contains(&c) {
                    c as u8
                } else {
                    b'?'
                }
            };
            out.extend(text.chars().map(safe));
            out.truncate(start + REPLY_LINE_BYTES - 2);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// In one line, for a record or a person: code, status, text.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        let mut said = self.lines.iter().filter(|line| !line.is_empty());
        said.try_for_each(|line| write!(f, " {line}"))
    }
}

/// A status at the beginning of a text, and the text behind it. [rfc3463 2]
fn status(text: &str) -> Option<(Status, &str)> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let number = |part: &str| {
        let digits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<u16>().ok()).flatten()
    };
    let mut parts = word.split('.');
    let class = match parts.next()? {
        "2" => 2,
        "4" => 4,
        "5" => 5,
        _ => return None,
    };
    let (subject, detail) = (number(parts.next()?)?, number(parts.next()?)?);
    let whole = parts.next().is_none();
    whole.then_some((Status(class, subject, detail), rest))
}

/// [rfc5321 4.2] [rfc5321 4.3.2]
fn check(code: u16) {
    assert!((200..600).contains(&code), "no SMTP reply code: {code}");
}

fn put_number(out: &mut Vec<u8>, number: u16) {
    if number >= 10 {
        put_number(out, number / 10);
    }
    out.push(b'0' + (number % 10) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(reply: Reply) -> String {
        let mut out = Vec::new();
        reply.encode(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_line_carries_code_and_status() {
        // [rfc2034 4] [rfc5321 4.2.1] [rfc5321 4.2.1 #2]
        let reply = Reply::new(250, Status(2, 1, 5), "one").and("two");
        assert_eq!(wire(reply), "250-2.1.5 one\r\n250 2.1.5 two\r\n");
        assert_eq!(wire(Reply::plain(354, "go on")), "354 go on\r\n");
    }

    #[test]
    fn text_cannot_break_out_of_its_line() {
        // [rfc5321 2.3.8] [rfc5321 2.3.8 #1]
        let reply = Reply::new(550, Status(5, 1, 1), "a\r\n250 ok\u{e9}");
        assert_eq!(wire(reply), "550 5.1.1 a??250 ok?\r\n");
    }

    #[test]
    fn a_line_keeps_the_limit() {
        // [rfc5321 4.5.3.1.5]
        let text = wire(Reply::plain(220, "x".repeat(2_000)));
        assert_eq!(text.len(), 512);
        assert!(text.ends_with("\r\n"));
    }

    #[test]
    #[should_panic(expected = "no SMTP reply code: 199")]
    fn a_code_has_three_digits_and_begins_with_2_to_5() {
        // [rfc5321 4.2 #5] [rfc5321 4.3.2 #2]
        Reply::new(199, Status(1, 0, 0), "no");
    }

    #[test]
    #[should_panic(expected = "another class")]
    fn status_and_code_agree() {
        Reply::new(250, Status(5, 0, 0), "no");
    }

    fn received(code: u16, lines: &[&str]) -> Reply {
        let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        Reply::received(code, lines).with_status()
    }

    #[test]
    fn reads_the_status_off_every_line() {
        // [rfc2034 4] [rfc3463 2]
        let reply = received(550, &["5.1.1 no such", "5.1.1 user", "5.7.0 here"]);
        assert_eq!(reply.status(), Some(Status(5, 1, 1)));
        assert_eq!(reply.lines(), ["no such", "user", "5.7.0 here"]);
        assert_eq!(reply.to_string(), "550 5.1.1 no such user 5.7.0 here");
        for text in [
            "4.1.1 other class",
            "5.1 short",
            "5.1.1.1 long",
            "5.1.1234 x",
            "5.+1.1 x",
            "",
        ] {
            assert_eq!(received(550, &[text]).status(), None, "{text}");
            assert_eq!(received(550, &[text]).lines(), [text]);
        }
        assert_eq!(received(250, &["2.0.0"]).status(), Some(Status(2, 0, 0)));
    }

    #[test]
    fn what_a_server_says_is_made_harmless_and_cut() {
        let reply = Reply::received(250, vec![b"a\tb\x00\x7f\xffc".to_vec()]);
        assert_eq!(reply.lines(), ["a b??\u{fffd}c"]);
        let long = "ü".repeat(700);
        let reply = received(250, &[&long, &long, &long]);
        let kept: usize = reply.lines().iter().map(String::len).sum();
        assert_eq!(kept, KEPT_REPLY_BYTES);
    }
}
