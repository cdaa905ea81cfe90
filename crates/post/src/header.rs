//! What accepting needs to know of a message's header, read while it streams by.
//!
//! Only From, Sender and the newest of each Received line are kept, within bounds; the rest is
//! counted. What never happens here: a judgement, a change of the message. Whatever is wrong with a
//! stranger's header, the message is taken. [rfc5321 3.3]
//!
//! ```abnf
//! field = 1*ftext *WSP ":" unstructured CRLF     ; ftext = %d33-57 / %d59-126 [rfc5322 3.6.8, 4.5]
//! ```

use crate::limits::{HEADER_FIELD_BYTES, HEADER_LINE_BYTES, MESSAGE_ID_BYTES, SAME_FIELDS};
use smtp::Protection;

/// What was seen.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Facts {
    /// Whether the content begins with a header, or with text at once.
    pub begins: Begins,
    pub date: Seen,
    pub message_id: Seen,
    /// What the first Message-ID field says, if it is not too long.
    pub message_id_text: Option<String>,
    /// Raw values of the From fields, the first two.
    pub from: Vec<Value>,
    /// Raw values of the Sender fields, the first two.
    pub sender: Vec<Value>,
    /// Received fields.
    pub hops: u32,
    /// Received fields that our own host wrote.
    pub own_hops: u32,
    /// `NotNeeded` if a TLS-Required field says so. [rfc8689 3]
    pub protection: Protection,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Begins {
    #[default]
    WithHeader,
    /// The first line is neither a field nor empty.
    WithText,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Seen {
    #[default]
    No,
    Yes,
}

/// A field's value, folding included; cut if it was too long to keep.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Whole(Vec<u8>),
    Cut,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    From,
    Sender,
    Received,
    MessageId,
    TlsRequired,
    Other,
}

/// Reads a header in pieces.
pub(crate) struct HeaderReader {
    hostname: String,
    /// The line so far, cut at HEADER_LINE_BYTES.
    line: Vec<u8>,
    line_length: usize,
    lines: u64,
    field: Option<(Kind, Vec<u8>, Cut)>,
    over: bool,
    facts: Facts,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cut {
    No,
    Yes,
}

impl HeaderReader {
    pub fn new(hostname: &str) -> HeaderReader {
        HeaderReader {
            hostname: hostname.to_ascii_lowercase(),
            line: Vec::new(),
            line_length: 0,
            lines: 0,
            field: None,
            over: false,
            facts: Facts::default(),
        }
    }

    /// Takes a piece of the content; cheap once the header is over.
    pub fn read(&mut self, mut piece: &[u8]) {
        while !self.over && !piece.is_empty() {
            let end = piece
                .iter()
                .position(|&octet| octet == b'\n')
                .map_or(piece.len(), |i| i + 1);
            let (part, rest) = piece.split_at(end);
            let room = HEADER_LINE_BYTES.saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            self.line_length += part.len();
            if part.ends_with(b"\n") {
                self.end_line();
            }
            piece = rest;
        }
    }

    /// What the first line is, as far as it has come.
    pub fn begins(&self) -> Begins {
        self.facts.begins
    }

    /// What was seen; the content has ended.
    pub fn finish(mut self) -> Facts {
        if !self.over && !self.line.is_empty() {
            self.end_line();
        }
        self.end_field();
        self.facts
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let cut = if self.line_length > line.len() {
            Cut::Yes
        } else {
            Cut::No
        };
        self.line_length = 0;
        self.lines += 1;
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.is_empty() {
            self.end_field();
            self.over = true;
        } else if matches!(text[0], b' ' | b'\t') && self.lines > 1 {
            self.more(&line, cut);
        } else {
            self.end_field();
            self.begin_field(text, cut);
        }
    }

    fn begin_field(&mut self, text: &[u8], cut: Cut) {
        let Some((name, value)) = split_field(text) else {
            if self.lines == 1 && !is_mbox_line(text) {
                self.facts.begins = Begins::WithText;
                self.over = true;
            }
            // a broken line inside a header: what follows may still be read as fields by others
            return;
        };
        let kind = match name.to_ascii_lowercase().as_slice() {
            b"from" => Kind::From,
            b"sender" => Kind::Sender,
            b"received" => Kind::Received,
            b"tls-required" => Kind::TlsRequired,
            b"message-id" if self.facts.message_id == Seen::No => {
                self.facts.message_id = Seen::Yes;
                Kind::MessageId
            }
            b"date" => {
                self.facts.date = Seen::Yes;
                Kind::Other
            }
            _ => Kind::Other,
        };
        let kept = if kind == Kind::Other {
            Vec::new()
        } else {
            value.to_vec()
        };
        self.field = Some((kind, kept, cut));
    }

    fn more(&mut self, line: &[u8], cut: Cut) {
        let Some((kind, value, was_cut)) = &mut self.field else {
            return;
        };
        if *kind == Kind::Other {
            return;
        }
        if cut == Cut::Yes || value.len() + line.len() > HEADER_FIELD_BYTES {
            *was_cut = Cut::Yes;
        } else {
            value.extend_from_slice(b"\r\n");
            value.extend_from_slice(line.trim_ascii_end());
        }
    }

    fn end_field(&mut self) {
        let Some((kind, value, cut)) = self.field.take() else {
            return;
        };
        let fields = match kind {
            Kind::From => &mut self.facts.from,
            Kind::Sender => &mut self.facts.sender,
            // counted, whatever its format [rfc5321 3.7.2]
            Kind::Received => {
                self.facts.hops = self.facts.hops.saturating_add(1);
                let own = is_by(&value, &self.hostname);
                self.facts.own_hops = self.facts.own_hops.saturating_add(u32::from(own));
                return;
            }
            Kind::MessageId => {
                let text = std::str::from_utf8(value.trim_ascii()).ok();
                let kept = text.filter(|text| cut == Cut::No && text.len() <= MESSAGE_ID_BYTES);
                self.facts.message_id_text = kept.map(str::to_owned);
                return;
            }
            // `"TLS-Required:" [FWS] "No" CRLF` [rfc8689 3]
            Kind::TlsRequired => {
                if value.trim_ascii().eq_ignore_ascii_case(b"No") {
                    self.facts.protection = Protection::NotNeeded;
                }
                return;
            }
            Kind::Other => return,
        };
        if fields.len() < SAME_FIELDS {
            fields.push(if cut == Cut::Yes {
                Value::Cut
            } else {
                Value::Whole(value)
            });
        }
    }
}

fn split_field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = text.iter().position(|&octet| octet == b':')?;
    let name = text[..colon].trim_ascii_end();
    let good = !name.is_empty() && name.iter().all(|octet| octet.is_ascii_graphic());
    good.then(|| (name, &text[colon + 1..]))
}

/// The line before a message in an mbox file: programs that send from one may leave it in front.
fn is_mbox_line(text: &[u8]) -> bool {
    text.starts_with(b"From ") || text.starts_with(b">From ")
}

/// Whether a Received field has the clause `by hostname`.
fn is_by(value: &[u8], hostname: &str) -> bool {
    let words = value
        .split(|octet| octet.is_ascii_whitespace())
        .filter(|word| !word.is_empty());
    let mut words = words
        .skip_while(|word| !word.eq_ignore_ascii_case(b"by"))
        .skip(1);
    words.next().is_some_and(|word| {
        word.strip_suffix(b";")
            .unwrap_or(word)
            .eq_ignore_ascii_case(hostname.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Facts {
        let mut whole = HeaderReader::new("mx.example.test");
        whole.read(content.as_bytes());
        let facts = whole.finish();
        let mut pieces = HeaderReader::new("mx.example.test");
        content
            .as_bytes()
            .chunks(1)
            .for_each(|piece| pieces.read(piece));
        assert_eq!(pieces.finish(), facts, "another chunking gives other facts");
        facts
    }

    #[test]
    fn sees_the_fields_that_matter() {
        // [rfc5322 3.6.8, 4.5]
        let facts =
            read("FROM : a@example.test,\r\n b@example.test\r\nDate: x\r\n\r\nSender: no\r\n");
        let value = b" a@example.test,\r\n b@example.test".to_vec();
        assert_eq!(facts.from, [Value::Whole(value)]);
        assert_eq!((facts.date, facts.message_id), (Seen::Yes, Seen::No));
        assert!(facts.sender.is_empty());
    }

    #[test]
    fn counts_received_fields_and_our_own() {
        // [rfc5321 3.7.2]
        let facts = read(
            "Received: from a by b; x\r\nReceived: from a\r\n\tby MX.example.test\r\n\twith SMTP\r\n\r\n",
        );
        assert_eq!((facts.hops, facts.own_hops), (2, 1));
    }

    #[test]
    fn sees_that_tls_is_not_required() {
        // [rfc8689 3] [rfc8689 4.1]
        let protection = |field: &str| read(&format!("From: x\r\n{field}\r\n\r\n")).protection;
        assert_eq!(protection("TLS-Required: No"), Protection::NotNeeded);
        assert_eq!(protection("tls-required:\r\n no"), Protection::NotNeeded);
        assert_eq!(protection("TLS-Required: Yes"), Protection::AsPublished);
        assert_eq!(protection("X: TLS-Required: No"), Protection::AsPublished);
    }

    #[test]
    fn tells_content_that_begins_without_a_header() {
        assert_eq!(read("hello there\r\nFrom: x\r\n").begins, Begins::WithText);
        assert_eq!(read(" folded: x\r\n").begins, Begins::WithText);
        assert_eq!(read("\r\nhello\r\n").begins, Begins::WithHeader);
        assert_eq!(read("").begins, Begins::WithHeader);
    }

    #[test]
    fn a_line_from_an_mbox_file_is_no_text() {
        let facts = read("From alice Mon Nov 23 01:20:09 2026\r\nDate: x\r\n\r\n");
        assert_eq!((facts.begins, facts.date), (Begins::WithHeader, Seen::Yes));
    }

    #[test]
    fn a_broken_line_does_not_hide_a_second_from() {
        let facts = read("From: a@example.test\r\nbroken\r\nFrom: b@example.test\r\n\r\n");
        assert_eq!(facts.from.len(), 2);
    }

    #[test]
    fn keeps_no_more_than_its_bounds() {
        // [rfc5322 2.1.1]
        let long = format!("From: {}\r\n\r\n", "x".repeat(100_000));
        assert_eq!(read(&long).from, [Value::Cut]);
        let folded = format!("From: a{}\r\n\r\n", "\r\n bbbbbbbbbbbbbbbb".repeat(10_000));
        assert_eq!(read(&folded).from, [Value::Cut]);
    }
}
