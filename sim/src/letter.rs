//! The messages: each with a number, from which all its bytes follow, and a checksum of its body.

use crate::dice::Dice;
use std::fmt::Write;

/// A message as its author wrote it.
#[derive(Clone, Debug)]
pub struct Letter {
    pub number: u64,
    /// The accounts that it is for (or, for one that was appended, the one it was put into).
    pub accounts: Vec<usize>,
    pub text: Vec<u8>,
}

const FIELD: &str = "X-Sim: ";

impl Letter {
    /// Writes a letter. The length is a choice: most are short, some fill several log files.
    pub fn write(number: u64, from: &str, to: &str, accounts: Vec<usize>, dice: &Dice) -> Letter {
        let lines = match dice.below(20) {
            0 => dice.between(60, 260),
            1..=5 => dice.between(8, 40),
            _ => dice.between(1, 6),
        };
        let mut body = String::new();
        for line in 0..lines {
            match dice.below(8) {
                0 => body.push('.'),
                1 => body.push_str("..two dots"),
                2 => body.push_str(""),
                _ => {
                    let _ = write!(
                        body,
                        "line {line} {:016x} {:016x}",
                        dice.number(),
                        dice.number()
                    );
                }
            }
            body.push_str("\r\n");
        }
        let sum = xxhash_rust::xxh3::xxh3_64(body.as_bytes());
        let text = format!(
            "From: <{from}>\r\nTo: <{to}>\r\nSubject: letter {number}\r\n\
             Date: Mon, 23 Nov 2026 01:02:03 +0000\r\nMessage-ID: <{}@sim.example>\r\n\
             {FIELD}{number} {} {sum:016x}\r\n\r\n{body}",
            // Some share an id: nothing may be suppressed for that.
            number / 3,
            body.len(),
        );
        Letter {
            number,
            accounts,
            text: text.into_bytes(),
        }
    }
}

/// The number in a message that was read.
pub fn number_of(content: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(content);
    let line = text.lines().find_map(|line| line.strip_prefix(FIELD))?;
    line.split(' ').next()?.parse().ok()
}

/// The id in the Received field that our own server wrote.
pub fn received_id(content: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(content);
    let head = text.split("\r\n\r\n").next()?;
    let field = head.split("\r\nReceived:").nth(1)?;
    let field = field.split(';').next()?;
    let mut words = field.split_ascii_whitespace();
    words.find(|word| *word == "id")?;
    words.next().map(str::to_owned)
}
