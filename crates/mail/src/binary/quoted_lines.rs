//! Quoted-printable, line by line [rfc2045 6.7]. What never happens here: which octets are content.

/// Letters of a line, before the `=` of a soft line break.
const COLUMNS: usize = 75;

/// A part's content on its way into quoted-printable. Line ends stay line ends.
#[derive(Debug, Default)]
pub(super) struct QuotedLines {
    column: usize,
    /// A blank, which may come to stand at the end of its line.
    blank: Option<u8>,
    /// A CR, which may be the beginning of a line end.
    has_cr: bool,
}

impl QuotedLines {
    pub fn piece(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        for &octet in piece {
            if std::mem::take(&mut self.has_cr) {
                if octet == b'\n' {
                    self.line_end(b"\r\n", out);
                    continue;
                }
                self.alone(b'\r', out);
            }
            match octet {
                b'\r' => self.has_cr = true,
                b'\n' => self.line_end(b"\n", out),
                b' ' | b'\t' => {
                    self.before(out);
                    self.blank = Some(octet);
                }
                b'!'..=b'~' if octet != b'=' => {
                    self.before(out);
                    self.put(&[octet], out);
                }
                _ => {
                    self.before(out);
                    self.put(&quoted(octet), out);
                }
            }
        }
    }

    /// The content ends.
    pub fn end(mut self, out: &mut Vec<u8>) {
        self.end_of_line(out);
        if self.has_cr {
            out.push(b'\r');
        }
    }

    /// One that makes no line is no text, and whoever takes only lines sees it.
    fn alone(&mut self, octet: u8, out: &mut Vec<u8>) {
        self.before(out);
        out.push(octet);
    }

    fn line_end(&mut self, end: &[u8], out: &mut Vec<u8>) {
        self.end_of_line(out);
        out.extend_from_slice(end);
        self.column = 0;
    }

    /// A blank at the end of a line would be lost on the way.
    fn end_of_line(&mut self, out: &mut Vec<u8>) {
        if let Some(blank) = self.blank.take() {
            self.put(&quoted(blank), out);
        }
    }

    fn before(&mut self, out: &mut Vec<u8>) {
        if let Some(blank) = self.blank.take() {
            self.put(&[blank], out);
        }
    }

    fn put(&mut self, letters: &[u8], out: &mut Vec<u8>) {
        if self.column + letters.len() > COLUMNS {
            out.extend_from_slice(b"=\r\n");
            self.column = 0;
        }
        out.extend_from_slice(letters);
        self.column += letters.len();
    }
}

fn quoted(octet: u8) -> [u8; 3] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| DIGITS[usize::from(nibble)];
    [b'=', digit(octet >> 4), digit(octet & 15)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_lines_and_no_blank_ends_one() {
        // [rfc2045 6.7]
        let check = |content: &[u8], expect: &str| {
            for size in [1, 2, content.len()] {
                let (mut lines, mut out) = (QuotedLines::default(), Vec::new());
                for piece in content.chunks(size) {
                    lines.piece(piece, &mut out);
                }
                lines.end(&mut out);
                assert_eq!(String::from_utf8_lossy(&out), expect, "{content:?}");
            }
        };
        check(
            "a = b  c \r\n\t\r\nü".as_bytes(),
            "a =3D b  c=20\r\n=09\r\n=C3=BC",
        );
        check(b"x ", "x=20");
        check(&[b'x'; 80], &format!("{}=\r\nxxxxx", "x".repeat(75)));
        let long = format!("{}=\r\n", "x".repeat(74));
        check(long.as_bytes(), &format!("{}=\r\n=3D\r\n", "x".repeat(74)));
    }
}
