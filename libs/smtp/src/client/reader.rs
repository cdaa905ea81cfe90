//! Reads replies: whole ones, within bounds, or says what is wrong with them.
//!
//! Strict about what is a line and a code, lenient about texts. What never happens here: the
//! meaning of a code.
//!
//! ```abnf
//! Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
//! Reply-code = %x32-35 2DIGIT        ; the RFC has %x30-35 in the middle
//! ```
//! A code with nothing behind it, not even the space, is taken. [rfc5321 4.2.1]

use crate::client::Violation;
use crate::limits::RECEIVED_REPLY_BYTES;
use crate::reply::Reply;
use memchr::memchr;

/// What was received and not yet read.
#[derive(Default)]
pub(crate) struct Reader {
    input: Vec<u8>,
    start: usize,
    /// Known to hold no LF up to here.
    scanned: usize,
    /// The lines of a reply whose last line has not come.
    code: Option<u16>,
    lines: Vec<Vec<u8>>,
    bytes: usize,
}

/// Whether more lines follow.
#[derive(PartialEq, Eq)]
enum Place {
    More,
    Last,
}

impl Reader {
    pub fn receive(&mut self, bytes: &[u8]) {
        self.input.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.input.extend_from_slice(bytes);
    }

    pub fn clear(&mut self) {
        *self = Reader::default();
    }

    /// Octets received and not yet read, and those of an unfinished reply.
    pub fn buffered(&self) -> usize {
        self.input.len() - self.start + self.bytes
    }

    /// The next whole reply; its lines may have so many octets each.
    pub fn next(&mut self, line_bytes: usize) -> Option<Result<Reply, Violation>> {
        loop {
            let line = match self.next_line(line_bytes)? {
                Ok(line) => line,
                Err(violation) => return Some(Err(violation)),
            };
            match self.add(&line) {
                Ok(Place::More) => {}
                Ok(Place::Last) => {
                    let code = self.code.take()?;
                    self.bytes = 0;
                    return Some(Ok(Reply::received(code, std::mem::take(&mut self.lines))));
                }
                Err(violation) => return Some(Err(violation)),
            }
        }
    }

    /// One line without its CRLF. Nothing but CRLF ends it. [rfc5321 2.3.8]
    fn next_line(&mut self, limit: usize) -> Option<Result<Vec<u8>, Violation>> {
        let lf = memchr(b'\n', &self.input[self.scanned..]).map(|at| self.scanned + at);
        let end = lf.map_or(self.input.len(), |lf| lf + 1);
        if end - self.start > limit {
            return Some(Err(Violation::LineTooLong));
        }
        self.scanned = end;
        let lf = lf?;
        let line = &self.input[self.start..lf];
        let line = line.strip_suffix(b"\r").map(<[u8]>::to_vec);
        self.start = end;
        Some(match line {
            Some(line) if !line.contains(&b'\r') => Ok(line),
            _ => Err(Violation::BareNewline),
        })
    }

    fn add(&mut self, line: &[u8]) -> Result<Place, Violation> {
        let (code, place, text) = split(line).ok_or(Violation::NoReply)?;
        // [rfc5321 4.2.1]
        if *self.code.get_or_insert(code) != code {
            return Err(Violation::CodesDiffer);
        }
        self.bytes += line.len() + 2;
        if self.bytes > RECEIVED_REPLY_BYTES {
            return Err(Violation::ReplyTooLong);
        }
        self.lines.push(text.to_vec());
        Ok(place)
    }
}

fn split(line: &[u8]) -> Option<(u16, Place, &[u8])> {
    let digits = std::str::from_utf8(line.get(..3)?).ok()?;
    let good = digits.bytes().all(|octet| octet.is_ascii_digit());
    let code = digits
        .parse()
        .ok()
        .filter(|code| good && (200..600).contains(code))?;
    let (place, text) = match line.get(3) {
        None => (Place::Last, &line[3..]),
        Some(b' ') => (Place::Last, &line[4..]),
        Some(b'-') => (Place::More, &line[4..]),
        Some(_) => return None,
    };
    Some((code, place, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RECEIVED_LINE_BYTES;

    /// All that is read of `wire`, one octet at a time and at once.
    fn read(wire: &[u8]) -> Vec<Result<String, Violation>> {
        let run = |size: usize| {
            let (mut reader, mut got) = (Reader::default(), Vec::new());
            for piece in wire.chunks(size) {
                reader.receive(piece);
                while let Some(reply) = reader.next(RECEIVED_LINE_BYTES) {
                    let broken = reply.is_err();
                    got.push(reply.map(|reply| reply.to_string()));
                    if broken {
                        return got;
                    }
                }
            }
            got
        };
        let whole = run(wire.len());
        assert_eq!(run(1), whole);
        whole
    }

    fn check(wire: &str, expect: &[Result<&str, Violation>]) {
        let expect: Vec<_> = expect.iter().map(|r| r.map(str::to_owned)).collect();
        assert_eq!(read(wire.as_bytes()), expect, "{wire:?}");
    }

    #[test]
    fn reads_replies_of_one_line_and_of_many() {
        // [rfc5321 4.2.1] [rfc2920 3.1]
        check("250 a\r\n354 b\r\n", &[Ok("250 a"), Ok("354 b")]);
        check("250-a\r\n250-\r\n250 c\r\n", &[Ok("250 a c")]);
        check("250-a\r\n", &[]);
        check("298 unknown\r\n", &[Ok("298 unknown")]);
    }

    #[test]
    fn takes_a_code_without_its_space() {
        // [rfc5321 4.2.1 #1]
        check("250\r\n", &[Ok("250")]);
        check("250-a\r\n250\r\n", &[Ok("250 a")]);
    }

    #[test]
    fn says_what_is_wrong_with_a_reply() {
        // [rfc5321 4.2.1] [rfc5321 2.3.8]
        for line in [
            "", "25", "ok", "150 a", "650 a", "2x0 a", "250a", "+OK", " 250 a",
        ] {
            check(&format!("{line}\r\n"), &[Err(Violation::NoReply)]);
        }
        check("250-a\r\n251 b\r\n", &[Err(Violation::CodesDiffer)]);
        check("250 a\n", &[Err(Violation::BareNewline)]);
        check("250 a\rb\r\n", &[Err(Violation::BareNewline)]);
    }

    #[test]
    fn bounds_lines_and_replies() {
        // [rfc5321 4.5.3.1.5]
        let line = |n: usize| format!("250 {}", "x".repeat(n - 6));
        let fits = format!("{}\r\n", line(RECEIVED_LINE_BYTES));
        assert!(read(fits.as_bytes())[0].is_ok());
        let long = line(RECEIVED_LINE_BYTES + 1);
        check(&format!("{long}\r\n"), &[Err(Violation::LineTooLong)]);
        // without waiting for its end
        check(&format!("{long}xx"), &[Err(Violation::LineTooLong)]);
        let flood = "250-more\r\n".repeat(RECEIVED_REPLY_BYTES / 10 + 1);
        check(&flood, &[Err(Violation::ReplyTooLong)]);
    }
}
