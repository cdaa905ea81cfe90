//! Replies as values and their form on the wire.
//!
//! A reply never breaks out of its line: control octets and what is not ASCII become `?`, and a
//! long text is cut. What never happens here: the choice of a code.
//!
//! ```abnf
//! Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
//! status-code = class "." subject "." detail     ; rfc3463, before the text as rfc2034 says
//! ```

use crate::limits::REPLY_LINE_BYTES;

/// An enhanced status code. [rfc2034 4]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status(pub u8, pub u16, pub u16);

/// One reply of one or more lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    code: u16,
    status: Option<Status>,
    lines: Vec<String>,
}

impl Reply {
    /// A reply with an enhanced status, whose class is that of the code. [rfc2034 4]
    pub fn new(code: u16, status: Status, text: impl Into<String>) -> Reply {
        assert!(
            code / 100 == u16::from(status.0),
            "reply {code} with a status of another class"
        );
        check(code);
        Reply {
            code,
            status: Some(status),
            lines: vec![text.into()],
        }
    }
    /// A reply without one: greeting, HELO, EHLO, and the 3yz codes. [rfc2034 4]
    pub fn plain(code: u16, text: impl Into<String>) -> Reply {
        check(code);
        Reply {
            code,
            status: None,
            lines: vec![text.into()],
        }
    }
    /// The same reply with one more line.
    pub fn and(mut self, text: impl Into<String>) -> Reply {
        self.lines.push(text.into());
        self
    }
    pub fn code(&self) -> u16 {
        self.code
    }
    pub fn status(&self) -> Option<Status> {
        self.status
    }
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Appends the reply as it stands on the wire: the same code before every line, CRLF behind it
    /// and nowhere else. [rfc5321 2.3.8] [rfc5321 4.2.1]
    pub fn encode(&self, out: &mut Vec<u8>) {
        let last = self.lines.len().saturating_sub(1);
        for (i, text) in self.lines.iter().enumerate() {
            let start = out.len();
            put_number(out, self.code);
            out.push(if i < last { b'-' } else { b' ' });
            if let Some(Status(class, subject, detail)) = self.status {
                put_number(out, class.into());
                out.push(b'.');
                put_number(out, subject);
                out.push(b'.');
                put_number(out, detail);
                out.push(b' ');
            }
            let safe = |c: char| {
                if (' '..='~').contains(&c) {
                    c as u8
                } else {
                    b'?'
                }
            };
            out.extend(text.chars().map(safe));
            out.truncate(start + REPLY_LINE_BYTES - 2);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// [rfc5321 4.2] [rfc5321 4.3.2]
fn check(code: u16) {
    assert!((200..600).contains(&code), "no SMTP reply code: {code}");
}

fn put_number(out: &mut Vec<u8>, number: u16) {
    if number >= 10 {
        put_number(out, number / 10);
    }
    out.push(b'0' + (number % 10) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(reply: Reply) -> String {
        let mut out = Vec::new();
        reply.encode(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_line_carries_code_and_status() {
        // [rfc2034 4] [rfc5321 4.2.1] [rfc5321 4.2.1 #2]
        let reply = Reply::new(250, Status(2, 1, 5), "one").and("two");
        assert_eq!(wire(reply), "250-2.1.5 one\r\n250 2.1.5 two\r\n");
        assert_eq!(wire(Reply::plain(354, "go on")), "354 go on\r\n");
    }

    #[test]
    fn text_cannot_break_out_of_its_line() {
        // [rfc5321 2.3.8] [rfc5321 2.3.8 #1]
        let reply = Reply::new(550, Status(5, 1, 1), "a\r\n250 ok\u{e9}");
        assert_eq!(wire(reply), "550 5.1.1 a??250 ok?\r\n");
    }

    #[test]
    fn a_line_keeps_the_limit() {
        // [rfc5321 4.5.3.1.5]
        let text = wire(Reply::plain(220, "x".repeat(2_000)));
        assert_eq!(text.len(), 512);
        assert!(text.ends_with("\r\n"));
    }

    #[test]
    #[should_panic(expected = "no SMTP reply code: 199")]
    fn a_code_has_three_digits_and_begins_with_2_to_5() {
        // [rfc5321 4.2 #5] [rfc5321 4.3.2 #2]
        Reply::new(199, Status(1, 0, 0), "no");
    }

    #[test]
    #[should_panic(expected = "another class")]
    fn status_and_code_agree() {
        Reply::new(250, Status(5, 0, 0), "no");
    }
}
