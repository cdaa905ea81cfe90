//! What `TOP n` takes of a message: its header, the empty line, and n lines of its body
//! [rfc1939 7], decided while the message passes in pieces, so that nothing behind it is read.

use memchr::memchr;

/// Says of each piece of a message how much of it belongs to the answer.
#[derive(Clone, Debug)]
pub struct Top {
    in_header: bool,
    lines_left: u64,
    /// Something other than a CR stands in the line so far.
    line_has_text: bool,
}

impl Top {
    pub fn new(lines: u64) -> Top {
        Top {
            in_header: true,
            lines_left: lines,
            line_has_text: false,
        }
    }

    /// Whether all that belongs to the answer has passed.
    pub fn is_done(&self) -> bool {
        !self.in_header && self.lines_left == 0
    }

    /// How many octets of this piece belong to the answer. Fewer than all means that it is done.
    pub fn take(&mut self, chunk: &[u8]) -> usize {
        let mut taken = 0;
        while taken < chunk.len() && !self.is_done() {
            let rest = &chunk[taken..];
            let end = memchr(b'\n', rest);
            let piece = &rest[..end.unwrap_or(rest.len())];
            self.line_has_text |= piece.iter().any(|b| *b != b'\r');
            taken += end.map_or(rest.len(), |at| at + 1);
            if end.is_some() {
                self.end_line();
            }
        }
        taken
    }

    fn end_line(&mut self) {
        if !self.in_header {
            self.lines_left -= 1;
        } else if !self.line_has_text {
            self.in_header = false;
        }
        self.line_has_text = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, lines: u64, expect: &str) {
        let mut whole = Top::new(lines);
        assert_eq!(&message[..whole.take(message.as_bytes())], expect);
        let mut bytewise = Top::new(lines);
        let taken: usize = message
            .as_bytes()
            .chunks(1)
            .map(|chunk| bytewise.take(chunk))
            .sum();
        assert_eq!(&message[..taken], expect, "in pieces of one octet");
    }

    #[test]
    fn takes_the_header_the_empty_line_and_n_lines() {
        // [rfc1939 7]
        let message = "A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree\r\n";
        check(message, 0, "A: 1\r\nB: 2\r\n\r\n");
        check(message, 1, "A: 1\r\nB: 2\r\n\r\none\r\n");
        check(message, 2, "A: 1\r\nB: 2\r\n\r\none\r\n\r\n");
        check(message, 3, message);
    }

    #[test]
    fn takes_the_whole_message_when_it_has_fewer_lines() {
        // [rfc1939 7]
        check("A: 1\r\n\r\none", 100, "A: 1\r\n\r\none");
        check("A: 1\r\n", 0, "A: 1\r\n");
        check("no header", 0, "no header");
        check("", 5, "");
        check("\r\nbody\r\nmore", 1, "\r\nbody\r\n");
    }
}
