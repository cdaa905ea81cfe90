//! Content-Transfer-Encodings undone, piece by piece. Broken encodings give what can be read of them;
//! nothing here fails. What never happens here: charsets, reading of messages.

use mail::Encoding;

/// Blanks that may stand before a line end, or not; a longer run is text.
const HELD_BLANKS: usize = 1_000;

/// One part's content on its way through.
#[derive(Debug)]
pub(crate) struct Decoder {
    encoding: Encoding,
    /// Base64: what has come of the next octet.
    bits: u32,
    bit_count: u32,
    /// Quoted-printable: the end of what came, of which what follows decides.
    held: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    No,
    Yes,
}

impl Decoder {
    /// `Other` is let through as it stands.
    pub fn new(encoding: Encoding) -> Decoder {
        Decoder {
            encoding,
            bits: 0,
            bit_count: 0,
            held: Vec::new(),
        }
    }

    pub fn piece(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        match self.encoding {
            Encoding::Identity | Encoding::Other => out.extend_from_slice(piece),
            Encoding::Base64 => self.base64(piece, out),
            Encoding::QuotedPrintable => {
                let mut text = std::mem::take(&mut self.held);
                text.extend_from_slice(piece);
                self.quoted_printable(&text, Last::No, out);
            }
        }
    }

    pub fn end(mut self, out: &mut Vec<u8>) {
        let text = std::mem::take(&mut self.held);
        self.quoted_printable(&text, Last::Yes, out);
    }

    /// Whatever is no base64 digit is skipped [rfc2045 6.8]; after `=` a new run begins.
    fn base64(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        for &octet in octets {
            let digit = match octet {
                b'A'..=b'Z' => octet - b'A',
                b'a'..=b'z' => octet - b'a' + 26,
                b'0'..=b'9' => octet - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' => {
                    self.bit_count = 0;
                    continue;
                }
                _ => continue,
            };
            self.bits = (self.bits << 6) | u32::from(digit);
            self.bit_count += 6;
            if self.bit_count >= 8 {
                self.bit_count -= 8;
                out.push(((self.bits >> self.bit_count) & 0xff) as u8);
            }
        }
    }

    /// An `=` that no two hex digits and no line end follow stays; blanks before a line end are the
    /// transport's [rfc2045 6.7].
    fn quoted_printable(&mut self, text: &[u8], last: Last, out: &mut Vec<u8>) {
        let mut rest = text;
        while let Some(at) = rest.iter().position(|&octet| b"= \t".contains(&octet)) {
            out.extend_from_slice(&rest[..at]);
            rest = &rest[at..];
            let step = match rest[0] {
                b'=' => escape(rest, last, out),
                _ => blanks(rest, last, out),
            };
            match step {
                Some(taken) => rest = &rest[taken..],
                None => return self.held.extend_from_slice(rest),
            }
        }
        out.extend_from_slice(rest);
    }
}

/// What `=` begins: how much is taken; None = what follows decides.
fn escape(text: &[u8], last: Last, out: &mut Vec<u8>) -> Option<usize> {
    let hex = |at: usize| {
        text.get(at)
            .and_then(|&octet| char::from(octet).to_digit(16))
    };
    if let (Some(high), Some(low)) = (hex(1), hex(2)) {
        out.push((high << 4 | low) as u8);
        return Some(3);
    }
    let blanks = blank_count(&text[1..]);
    let is_open = text.len() < 3 || line_end(&text[1 + blanks..]).is_none();
    if last == Last::No && is_open && blanks < HELD_BLANKS {
        return None;
    }
    match line_end(&text[1 + blanks..]) {
        Some(len) if len > 0 => Some(1 + blanks + len),
        _ => {
            out.push(b'=');
            Some(1)
        }
    }
}

/// A run of blanks: kept unless a line ends behind it.
fn blanks(text: &[u8], last: Last, out: &mut Vec<u8>) -> Option<usize> {
    let count = blank_count(text);
    match line_end(&text[count..]) {
        None if last == Last::No && count < HELD_BLANKS => return None,
        Some(len) if len > 0 => {}
        None if last == Last::Yes => {}
        _ => out.extend_from_slice(&text[..count]),
    }
    Some(count)
}

fn blank_count(text: &[u8]) -> usize {
    let is_blank = |octet: &u8| b" \t".contains(octet);
    text.iter().take_while(|octet| is_blank(octet)).count()
}

/// How long the line end is that comes next: 0 = none; None = what follows decides.
fn line_end(text: &[u8]) -> Option<usize> {
    match text {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        [] | [b'\r'] => None,
        _ => Some(0),
    }
}

/// All of it at once.
pub(crate) fn whole(octets: &[u8], encoding: Encoding) -> Vec<u8> {
    let mut decoder = Decoder::new(encoding);
    let mut out = Vec::with_capacity(octets.len());
    decoder.piece(octets, &mut out);
    decoder.end(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expect: &str) {
        let decoded = whole(text.as_bytes(), Encoding::QuotedPrintable);
        assert_eq!(String::from_utf8_lossy(&decoded), expect, "{text:?}");
    }

    /// [rfc2045 6.7]
    #[test]
    fn decodes_quoted_printable_and_leaves_what_is_none() {
        check("a=3Db=0d=0A", "a=b\r\n");
        check("soft=\r\nline =\n break= \t\r\ns", "softline  breaks");
        check("blanks \t\r\n go \n and stay", "blanks\r\n go\n and stay");
        check("1=1 =G0 = x =\ry", "1=1 =G0 = x =\ry");
        check("end =", "end =");
        check("end=4", "end=4");
        check("end=\r", "end=\r");
        check("end  ", "end");
        check("end \r", "end\r");
        let many = format!("a{}b", " ".repeat(5_000));
        check(&many, &many);
    }

    proptest! {
        #[test]
        fn any_pieces_give_the_same(text in "[=A0 \t\r\nx+/]{0,60}", size in 1..9usize) {
            for encoding in [Encoding::Base64, Encoding::QuotedPrintable, Encoding::Identity] {
                let mut decoder = Decoder::new(encoding);
                let mut out = Vec::new();
                for piece in text.as_bytes().chunks(size) {
                    decoder.piece(piece, &mut out);
                }
                decoder.end(&mut out);
                prop_assert_eq!(&out, &whole(text.as_bytes(), encoding));
            }
        }
    }
}
