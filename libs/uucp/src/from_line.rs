//! From_ lines: who sent a message, as UUCP's mailers write it before the header.
//!
//! Each system on the way put a line before those that it found, and turned the old `From` into
//! `>From`. What never happens here: a mailbox made of the path.
//!
//! ```abnf
//! from-lines = "From " hop *(">From " hop)
//! hop        = path [SP date] [SP "remote from" SP system] LF   ; the date is not read
//! path       = *(system "!") user
//! ```

use crate::limits::{FROM_LINE_BYTES, FROM_LINES};
use std::fmt;

/// What the lines before a message say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FromLines {
    /// The way back to the sender, nearest system first: `gamma!delta!dave`.
    pub path: String,
    /// Octets of the lines; the message begins behind them.
    pub len: usize,
}

/// Why there are none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoFromLine {
    /// The input begins with something else.
    Missing,
    /// A line without end, or more lines than any way is long.
    TooLong,
    /// Nobody stands in it, or a system that cannot be one.
    Unreadable,
}

impl fmt::Display for NoFromLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoFromLine::Missing => "the message does not begin with a From_ line",
            NoFromLine::TooLong => "the From_ line has no end, or there are too many",
            NoFromLine::Unreadable => "the From_ line names no sender",
        })
    }
}

impl std::error::Error for NoFromLine {}

impl FromLines {
    /// Reads them from the front of a message.
    pub fn read(input: &[u8]) -> Result<FromLines, NoFromLine> {
        let mut systems: Vec<&str> = Vec::new();
        let mut user = None;
        let mut len = 0;
        for number in 0.. {
            let rest = &input[len..];
            let word: &[u8] = if number == 0 { b"From " } else { b">From " };
            let Some(hop) = rest.strip_prefix(word) else {
                break;
            };
            let end = hop.iter().take(FROM_LINE_BYTES).position(|&b| b == b'\n');
            let end = match end {
                Some(end) if number < FROM_LINES => end,
                Some(_) => return Err(NoFromLine::TooLong),
                None if hop.len() < FROM_LINE_BYTES => return Err(NoFromLine::Unreadable),
                None => return Err(NoFromLine::TooLong),
            };
            let (path, system) = read_hop(&hop[..end]).ok_or(NoFromLine::Unreadable)?;
            systems.extend(system);
            user = Some(path);
            len += word.len() + end + 1;
        }
        let user = user.ok_or(NoFromLine::Missing)?;
        let path = systems
            .iter()
            .fold(String::new(), |path, system| path + system + "!")
            + user;
        Ok(FromLines { path, len })
    }
}

/// Who, and by which system.
fn read_hop(line: &[u8]) -> Option<(&str, Option<&str>)> {
    let line = std::str::from_utf8(line).ok()?.trim_end();
    let path = line.split_whitespace().next()?;
    let words: Vec<&str> = line.split_whitespace().rev().take(3).collect();
    match words[..] {
        [system, "from", "remote"] => {
            let is_letter = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            system
                .chars()
                .all(is_letter)
                .then_some((path, Some(system)))
        }
        _ => Some((path, None)),
    }
}

/// The line for a message that we send: `From path date`, and our system where the path is one of
/// UUCP.
pub fn from_line(path: &str, date: &str, system: Option<&str>) -> String {
    match system {
        Some(system) => format!("From {path} {date} remote from {system}\n"),
        // as Postfix writes it
        None => format!("From {path}  {date}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DATE: &str = "Sun Nov 22 22:40:00 2026";

    fn path(text: &str) -> Result<String, NoFromLine> {
        let text = text.replace("DATE", DATE);
        let whole = format!("{text}Subject: x\n\n");
        let read = FromLines::read(whole.as_bytes())?;
        assert_eq!(read.len, text.len());
        Ok(read.path)
    }

    #[test]
    fn reads_what_debians_rmail_reads() {
        for (lines, expected) in [
            ("From alice DATE remote from alpha\n", "alpha!alice"),
            (
                "From uucp DATE remote from gamma\n>From dave DATE remote from delta\n",
                "gamma!delta!dave",
            ),
            ("From gamma!delta!dave DATE\n", "gamma!delta!dave"),
            ("From alice@alpha.test DATE\n", "alice@alpha.test"),
            ("From alice@alpha.test  DATE\r\n", "alice@alpha.test"),
            (
                "From alice@alpha.test DATE remote from alpha\n",
                "alpha!alice@alpha.test",
            ),
            ("From <> DATE remote from alpha\n", "alpha!<>"),
            ("From ph10 Fri Jan  5 12:35 GMT 1996\n", "ph10"),
            ("From ph10 Fri, 7 Jan 97 14:00:00 GMT\n", "ph10"),
        ] {
            assert_eq!(path(lines).as_deref(), Ok(expected), "{lines}");
        }
    }

    #[test]
    fn what_is_no_from_line_is_none() {
        for none in [
            "",
            "Subject: x\n",
            "From: alice\n",
            ">From a DATE\n",
            "from a\n",
        ] {
            assert_eq!(path(none), Err(NoFromLine::Missing), "{none}");
        }
        for wrong in ["From \n", "From a b remote from x;y\n", "From   \t \n"] {
            assert_eq!(path(wrong), Err(NoFromLine::Unreadable), "{wrong}");
        }
        assert_eq!(FromLines::read(b"From alice"), Err(NoFromLine::Unreadable));
        let endless = format!("From {}\n", "a".repeat(FROM_LINE_BYTES));
        assert_eq!(path(&endless), Err(NoFromLine::TooLong));
        let many = format!("From a x\n{}", ">From a x\n".repeat(FROM_LINES));
        assert_eq!(path(&many), Err(NoFromLine::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(path in "[a-z!@.]{1,40}", system in proptest::option::of("[a-z]{1,9}")) {
            let line = from_line(&path, DATE, system.as_deref());
            let read = FromLines::read(line.as_bytes()).unwrap();
            let expected = system.map_or(path.clone(), |system| format!("{system}!{path}"));
            prop_assert_eq!(read, FromLines { path: expected, len: line.len() });
        }

        #[test]
        fn anything_is_read_or_refused(input in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut whole = b"From ".to_vec();
            whole.extend(input);
            if let Ok(read) = FromLines::read(&whole) {
                prop_assert!(read.len <= whole.len());
            }
        }
    }
}
