//! Reads over the rest of a refused command without keeping it. Never here: why it was refused.

use super::input::Input;

/// As much of a line's end as shows whether a literal follows: `{` 20 digits `+}` CRLF.
const TAIL_BYTES: usize = 32;

/// The rest of a refused command: a line, and more with each non-synchronizing literal at its end.
/// (For a synchronizing one the client waits, and learns from the answer that it is not wanted.)
#[derive(Debug)]
pub(super) struct Discard {
    literal_left: u64,
    /// Read before the command is given up together with its connection.
    budget: u64,
    tail: Vec<u8>,
}

pub(super) enum Discarded {
    NotYet,
    /// What comes next is a new command.
    Done,
    /// The client goes on beyond the bound.
    TooMuch,
}

impl Discard {
    /// From the middle of a literal, or of a line when `literal_left` is 0.
    pub fn new(literal_left: u64, budget: u64) -> Discard {
        Discard {
            literal_left,
            budget,
            tail: Vec::new(),
        }
    }

    pub fn go_on(&mut self, input: &mut Input) -> Discarded {
        loop {
            if self.literal_left > self.budget {
                return Discarded::TooMuch;
            }
            let waiting = input.waiting().len();
            if self.literal_left > 0 {
                let len =
                    usize::try_from(self.literal_left).map_or(waiting, |left| left.min(waiting));
                input.skip(len);
                self.literal_left -= len as u64;
                self.budget -= len as u64;
                if self.literal_left > 0 {
                    return Discarded::NotYet;
                }
                continue;
            }
            let line = input.line_len();
            let len = line.unwrap_or(waiting);
            if len as u64 > self.budget {
                return Discarded::TooMuch;
            }
            self.budget -= len as u64;
            self.keep_tail(&input.waiting()[..len]);
            input.skip(len);
            if line.is_none() {
                return Discarded::NotYet;
            }
            match announced_literal(&std::mem::take(&mut self.tail)) {
                Some(octets) => self.literal_left = octets,
                None => return Discarded::Done,
            }
        }
    }

    fn keep_tail(&mut self, piece: &[u8]) {
        let piece = &piece[piece.len().saturating_sub(TAIL_BYTES)..];
        self.tail.extend_from_slice(piece);
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..surplus);
    }
}

/// The size of the non-synchronizing literal that the line announces at its end.
/// A size beyond all numbers is the largest number.
pub(super) fn announced_literal(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_suffix(b"+}")?;
    let digits = line.len()
        - line
            .iter()
            .rev()
            .take_while(|octet| octet.is_ascii_digit())
            .count();
    let (before, number) = line.split_at(digits);
    if !before.ends_with(b"{") || number.is_empty() {
        return None;
    }
    Some(
        std::str::from_utf8(number)
            .ok()?
            .parse()
            .unwrap_or(u64::MAX),
    )
}
