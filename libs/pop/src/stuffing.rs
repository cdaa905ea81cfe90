//! Byte-stuffing of multi-line answers [rfc1939 3], for content that comes in pieces cut anywhere.
//!
//! A dot is doubled after every LF, not only after CRLF. Many clients end a line at a bare LF; were
//! its dot not doubled, a message with `LF . CRLF` in it could end the answer early and have its own
//! text read as our next answer.

use memchr::memchr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// At the beginning, or behind a CRLF.
    CrLf,
    /// Behind an LF without CR.
    Lf,
    Cr,
    Other,
}

/// Doubles leading dots, and closes the answer with the CRLF that is missing and the dot.
#[derive(Clone, Debug)]
pub struct Stuffer {
    last: Last,
}

impl Default for Stuffer {
    fn default() -> Stuffer {
        Stuffer::new()
    }
}

impl Stuffer {
    pub fn new() -> Stuffer {
        Stuffer { last: Last::CrLf }
    }

    /// Appends `chunk`, stuffed, to `out`: at most twice its length.
    pub fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>) {
        while let Some(&first) = chunk.first() {
            if first == b'.' && matches!(self.last, Last::CrLf | Last::Lf) {
                out.push(b'.');
            }
            let end = memchr(b'\n', chunk).map_or(chunk.len(), |at| at + 1);
            self.last = behind(self.last, &chunk[..end]);
            out.extend_from_slice(&chunk[..end]);
            chunk = &chunk[end..];
        }
    }

    /// Closes the answer. An empty content has no line to end.
    pub fn finish(self, out: &mut Vec<u8>) {
        if self.last != Last::CrLf {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
    }
}

fn behind(last: Last, piece: &[u8]) -> Last {
    match piece {
        [] => last,
        [.., b'\r', b'\n'] => Last::CrLf,
        [b'\n'] if last == Last::Cr => Last::CrLf,
        [.., b'\n'] => Last::Lf,
        [.., b'\r'] => Last::Cr,
        _ => Last::Other,
    }
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    LineStart,
    /// Behind a dot that began the line and is not content.
    Dot,
    DotCr,
    InLine,
    Ended,
}

/// Takes the doubling away again, as a client does, up to the dot that ends the answer.
#[derive(Clone, Debug, Default)]
pub struct Unstuffer {
    place: Place,
}

impl Unstuffer {
    pub fn new() -> Unstuffer {
        Unstuffer::default()
    }

    /// Appends the content to `out`; says how many octets of `chunk` were read. What follows the
    /// final dot is not.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> usize {
        for (at, &byte) in chunk.iter().enumerate() {
            if self.is_ended() {
                return at;
            }
            self.step(byte, out);
        }
        chunk.len()
    }

    /// Whether the final dot has come.
    pub fn is_ended(&self) -> bool {
        matches!(self.place, Place::Ended)
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.place = match (self.place, byte) {
            (Place::LineStart, b'.') => Place::Dot,
            (Place::Dot, b'\r') => Place::DotCr,
            (Place::DotCr, b'\n') => Place::Ended,
            (place, byte) => {
                if matches!(place, Place::DotCr) {
                    out.push(b'\r');
                }
                out.push(byte);
                if byte == b'\n' {
                    Place::LineStart
                } else {
                    Place::InLine
                }
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stuffed(content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut stuffer = Stuffer::new();
        stuffer.push(content, &mut out);
        stuffer.finish(&mut out);
        out
    }

    fn check(content: &str, expect: &str) {
        assert_eq!(
            String::from_utf8(stuffed(content.as_bytes())).unwrap(),
            expect
        );
    }

    #[test]
    fn doubles_the_dot_that_begins_a_line() {
        // [rfc1939 3]
        check("a\r\n.b\r\n..\r\n.\r\n", "a\r\n..b\r\n...\r\n..\r\n.\r\n");
        check(".", "..\r\n.\r\n");
        check("a.b\r\n", "a.b\r\n.\r\n");
    }

    #[test]
    fn adds_the_final_crlf_only_where_it_is_missing() {
        check("", ".\r\n");
        check("a", "a\r\n.\r\n");
        check("a\r\n", "a\r\n.\r\n");
        check("a\r", "a\r\r\n.\r\n");
        check("a\n", "a\n\r\n.\r\n");
        check("\n", "\n\r\n.\r\n");
        check("\r\n", "\r\n.\r\n");
    }

    #[test]
    fn a_dot_behind_a_bare_lf_cannot_end_the_answer() {
        check("a\n.\r\n+OK forged\r\n", "a\n..\r\n+OK forged\r\n.\r\n");
    }
}
