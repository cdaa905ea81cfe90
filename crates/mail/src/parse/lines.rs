//! Octets in windows of any size, lines out. What never happens here: what a line means.

use crate::limits;
use memchr::memchr;

/// One line. `text` is without its end, and cut if it is very long.
pub(super) struct Line<'a> {
    /// Offset of its first octet.
    pub start: u64,
    pub text: &'a [u8],
    /// Octets of its end: 2 for CRLF, 1 for a bare LF, 0 at the end of the message.
    pub end_len: u64,
    /// Offset behind its end.
    pub end: u64,
}

/// Who looks at the lines.
pub(super) trait Reader {
    /// Octets of whole lines in front that need not be cut, because only their number matters: the
    /// text that is given begins with a line.
    fn skip(&mut self, text: &[u8]) -> usize;
    fn line(&mut self, line: &Line<'_>);
}

/// Cuts windows into lines. A bare CR is content.
#[derive(Default)]
pub(super) struct Lines {
    /// Offset of the line that is open.
    start: u64,
    /// What of it came in earlier windows, cut.
    held: Vec<u8>,
    /// How much of it came in earlier windows, uncut.
    held_len: u64,
    ends_with_cr: bool,
}

impl Lines {
    pub fn feed(&mut self, window: &[u8], reader: &mut impl Reader) {
        let mut rest = window;
        loop {
            if self.held_len == 0 {
                let skipped = reader.skip(rest);
                self.start += skipped as u64;
                rest = &rest[skipped..];
            }
            let Some(at) = memchr(b'\n', rest) else {
                break;
            };
            let (piece, after) = (&rest[..at], &rest[at + 1..]);
            rest = after;
            if self.held_len > 0 {
                self.hold(piece);
                self.close(1, reader);
                continue;
            }
            let cr = usize::from(piece.last() == Some(&b'\r'));
            let end = self.start + at as u64 + 1;
            let text = &piece[..at - cr];
            let text = &text[..text.len().min(limits::PARSE_LINE_BYTES)];
            reader.line(&Line {
                start: self.start,
                text,
                end_len: 1 + cr as u64,
                end,
            });
            self.start = end;
        }
        self.hold(rest);
    }

    fn hold(&mut self, piece: &[u8]) {
        let Some(last) = piece.last() else { return };
        let room = limits::PARSE_LINE_BYTES.saturating_sub(self.held.len());
        self.held.extend_from_slice(&piece[..piece.len().min(room)]);
        self.held_len += piece.len() as u64;
        self.ends_with_cr = *last == b'\r';
    }

    /// Ends the line that is held; `newline` octets of LF follow it.
    fn close(&mut self, newline: u64, reader: &mut impl Reader) {
        let cr = newline > 0 && self.ends_with_cr;
        let whole = self.held_len == self.held.len() as u64;
        let text_len = self.held.len() - usize::from(cr && whole);
        let end = self.start + self.held_len + newline;
        reader.line(&Line {
            start: self.start,
            text: &self.held[..text_len],
            end_len: newline + u64::from(cr),
            end,
        });
        self.held.clear();
        (self.start, self.held_len, self.ends_with_cr) = (end, 0, false);
    }

    /// Ends the last line, if it has no end; gives the length of all.
    pub fn finish(&mut self, reader: &mut impl Reader) -> u64 {
        if self.held_len > 0 {
            self.close(0, reader);
        }
        self.start
    }
}
