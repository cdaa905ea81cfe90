//! Makes the BODY value out of a BODYSTRUCTURE value, so that only one of the two is kept.
//! Never here: reading anybody else's BODYSTRUCTURE; only what `structure` writes is understood.

use crate::limits;

/// The BODY value that belongs to a BODYSTRUCTURE value made by `encode_bodystructure`.
/// None when it is not such a value.
pub fn body_from_bodystructure(bodystructure: &[u8]) -> Option<Vec<u8>> {
    let mut scan = Scan {
        text: bodystructure,
        at: 0,
    };
    let mut out = Vec::with_capacity(bodystructure.len());
    scan.body(0, &mut out)?;
    (scan.at == bodystructure.len()).then_some(out)
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    /// `body = "(" (body-type-1part / body-type-mpart) ")"`: copied without `body-ext-…`.
    fn body(&mut self, depth: usize, out: &mut Vec<u8>) -> Option<()> {
        // Multiparts and messages nest to MIME_DEPTH; the single part in the deepest is one more.
        if depth > limits::MIME_DEPTH {
            return None;
        }
        self.octet(b'(')?;
        out.push(b'(');
        if self.peek()? == b'(' {
            while self.peek()? == b'(' {
                self.body(depth + 1, out)?;
            }
            self.copy(1, out)?;
        } else {
            self.single(depth, out)?;
        }
        while self.peek()? != b')' {
            self.octet(b' ')?;
            self.value()?;
        }
        self.octet(b')')?;
        out.push(b')');
        Some(())
    }

    fn single(&mut self, depth: usize, out: &mut Vec<u8>) -> Option<()> {
        let media_type = self.value()?;
        out.extend_from_slice(media_type);
        self.octet(b' ')?;
        let subtype = self.value()?;
        out.push(b' ');
        out.extend_from_slice(subtype);
        // body-fields: parameters, id, description, encoding, octets.
        self.copy(5, out)?;
        let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if is(media_type, "\"text\"") {
            return self.copy(1, out);
        }
        let message = is(subtype, "\"rfc822\"") || is(subtype, "\"global\"");
        if is(media_type, "\"message\"") && message {
            self.copy(1, out)?;
            self.octet(b' ')?;
            out.push(b' ');
            self.body(depth + 1, out)?;
            return self.copy(1, out);
        }
        Some(())
    }

    /// Copies so many values with the space before each.
    fn copy(&mut self, values: usize, out: &mut Vec<u8>) -> Option<()> {
        for _ in 0..values {
            self.octet(b' ')?;
            out.push(b' ');
            let value = self.value()?;
            out.extend_from_slice(value);
        }
        Some(())
    }

    /// One value with all that is in its parentheses.
    fn value(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        let mut open = 0usize;
        loop {
            match self.peek()? {
                b'(' => {
                    self.at += 1;
                    open += 1;
                }
                b')' => {
                    self.at += 1;
                    open = open.checked_sub(1)?;
                }
                b' ' if open > 0 => {
                    self.at += 1;
                    continue;
                }
                b'"' => self.quoted()?,
                b'{' => self.literal()?,
                _ => self.atom()?,
            }
            if open == 0 {
                return self.text.get(start..self.at);
            }
        }
    }

    fn quoted(&mut self) -> Option<()> {
        self.octet(b'"')?;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.octet(b'"')
    }

    fn literal(&mut self) -> Option<()> {
        let rest = self.text.get(self.at + 1..)?;
        let end = rest.iter().position(|&octet| octet == b'}')?;
        let octets: usize = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
        let start = self.at + 1 + end + b"}\r\n".len();
        self.at = start
            .checked_add(octets)
            .filter(|&end| end <= self.text.len())?;
        Some(())
    }

    /// NIL or a number.
    fn atom(&mut self) -> Option<()> {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|octet| octet.is_ascii_alphanumeric())
        {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn octet(&mut self, octet: u8) -> Option<()> {
        if self.peek()? != octet {
            return None;
        }
        self.at += 1;
        Some(())
    }
}
