//! Base64 in lines of 76 letters [rfc2045 6.8]. What never happens here: which octets are content.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Octets that make one line.
const LINE_OCTETS: usize = 57;

/// A part's content on its way into base64. Its last line end is held back, since it belongs to
/// the delimiter if one follows.
#[derive(Debug, Default)]
pub(super) struct Base64Lines {
    /// What is short of a line.
    short: Vec<u8>,
    /// `CR`, `LF` or `CRLF`, if the last octets were that.
    line_end: &'static [u8],
    has_written: bool,
}

impl Base64Lines {
    /// At the beginning of a line that a bare LF made.
    pub fn is_after_bare_lf(&self) -> bool {
        self.line_end == b"\n"
    }

    pub fn piece(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut rest = piece;
        if self.line_end == b"\r" && rest.first() == Some(&b'\n') {
            self.line_end = b"\r\n";
            rest = &rest[1..];
        }
        if rest.is_empty() {
            return;
        }
        let line_end = std::mem::take(&mut self.line_end);
        self.encode(line_end, out);
        let ends: [&'static [u8]; 3] = [b"\r\n", b"\n", b"\r"];
        let end = ends.into_iter().find(|end| rest.ends_with(end));
        self.line_end = end.unwrap_or_default();
        self.encode(&rest[..rest.len() - self.line_end.len()], out);
    }

    /// The message ends: the line end that was held back is content.
    pub fn end_of_message(mut self, out: &mut Vec<u8>) {
        let line_end = std::mem::take(&mut self.line_end);
        self.encode(line_end, out);
        self.end(out);
    }

    /// A delimiter follows, with the line end that was held back.
    pub fn end_at_delimiter(self, out: &mut Vec<u8>) {
        self.end(out);
    }

    fn end(mut self, out: &mut Vec<u8>) {
        // Without content there is only the delimiter's own line end.
        if !self.has_written && self.short.is_empty() {
            return out.extend_from_slice(self.line_end);
        }
        if !self.short.is_empty() {
            let last = std::mem::take(&mut self.short);
            self.line(&last, out);
        }
    }

    fn encode(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let missing = LINE_OCTETS - self.short.len();
        if octets.len() < missing {
            return self.short.extend_from_slice(octets);
        }
        let (first, rest) = octets.split_at(missing);
        self.short.extend_from_slice(first);
        let full = std::mem::take(&mut self.short);
        self.line(&full, out);
        let lines = rest.chunks_exact(LINE_OCTETS);
        self.short = full;
        self.short.clear();
        self.short.extend_from_slice(lines.remainder());
        lines.for_each(|line| self.line(line, out));
    }

    fn line(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + octets.len().div_ceil(3) * 4, 0);
        STANDARD
            .encode_slice(octets, &mut out[start..])
            .expect("because there is room for it");
        out.extend_from_slice(b"\r\n");
        self.has_written = true;
    }
}
