//! Reading a message once, at delivery, for all that is kept of it: ENVELOPE, BODYSTRUCTURE, the
//! part map, the preview, usual header fields, the hashes that lead to its thread.
//!
//! The message goes through in windows, line by line; headers are held, content is not. Nothing in
//! it can make this fail: what is broken is shown as well as it can be. What never happens here:
//! decoding for display (but for the preview), and any decision about the message.

mod compose;
mod envelope;
pub(crate) mod field;
mod lines;
mod preview;
pub(crate) mod split;
#[cfg(test)]
mod tests;

use crate::limits;
use crate::parts::PartTree;
use crate::ready::{Form, Headers, LastLine};
use crate::record;
use lines::{Line, Lines};
use split::Splitter;
use store::{Body, Fault};

/// What is kept of a message, encoded as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub envelope: Vec<u8>,
    pub bodystructure: Vec<u8>,
    pub parts: Vec<u8>,
    pub preview: String,
    pub fields: Vec<u8>,
    /// Hashes of eight octets: Message-ID, In-Reply-To, References.
    pub references: Vec<u8>,
    pub body_len: u64,
    pub form: Form,
}

impl Parsed {
    /// About how large the record will be.
    pub fn record_bytes(&self) -> usize {
        let sections = [
            &self.envelope,
            &self.bodystructure,
            &self.parts,
            &self.fields,
        ];
        let bytes: usize = sections.iter().map(|section| section.len()).sum();
        bytes + self.preview.len() + self.references.len() + 256
    }
    pub fn hashes(&self) -> Vec<u64> {
        record::references(&self.references).collect()
    }
}

/// Reads a body in windows; others may run between them.
pub(crate) async fn parse_body(body: &Body) -> Result<Parsed, Fault> {
    let mut reading = Reading::new();
    let mut from = 0;
    while from < body.len() {
        let window = body.read(from, limits::PARSE_WINDOW_BYTES)?;
        if window.is_empty() {
            return Err(Fault::new(
                "reading a new message",
                "it is shorter than it says",
            ));
        }
        reading.feed(&window);
        from += window.len() as u64;
        if from < body.len() {
            tokio::task::yield_now().await;
        }
    }
    Ok(reading.finish())
}

/// What is kept of a message, for tools that have all its octets in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The IMAP ENVELOPE value.
    pub envelope: Vec<u8>,
    /// The extensible BODYSTRUCTURE value.
    pub bodystructure: Vec<u8>,
    /// Where its parts lie.
    pub parts: PartTree,
    /// How its text begins.
    pub preview: String,
}

impl Survey {
    /// Reads a message; never fails.
    pub fn of(message: &[u8]) -> Self {
        let parsed = parse_bytes(message);
        let parts = PartTree::decode(&parsed.parts, 0);
        Self {
            envelope: parsed.envelope,
            bodystructure: parsed.bodystructure,
            parts: parts.unwrap_or_else(|_| PartTree::opaque(parsed.body_len)),
            preview: parsed.preview,
        }
    }
}

/// Reads octets that are all in memory.
pub(crate) fn parse_bytes(message: &[u8]) -> Parsed {
    let mut reading = Reading::new();
    for window in message.chunks(limits::PARSE_WINDOW_BYTES) {
        reading.feed(window);
    }
    reading.finish()
}

/// A message on its way through.
pub(crate) struct Reading {
    lines: Lines,
    parts: Parts,
}

/// What its lines tell.
struct Parts {
    splitter: Splitter,
    last_line: LastLine,
}

impl lines::Reader for Parts {
    fn skip(&mut self, text: &[u8]) -> usize {
        let skipped = self.splitter.skip(text);
        if skipped > 0 {
            self.last_line = match text[..skipped].ends_with(b"\r\n") {
                true => LastLine::Ended,
                false => LastLine::Open,
            };
        }
        skipped
    }
    fn line(&mut self, line: &Line<'_>) {
        self.last_line = match line.end_len {
            2 => LastLine::Ended,
            _ => LastLine::Open,
        };
        self.splitter.line(line);
    }
}

impl Reading {
    pub fn new() -> Self {
        Self {
            lines: Lines::default(),
            parts: Parts {
                splitter: Splitter::new(),
                last_line: LastLine::Ended,
            },
        }
    }
    pub fn feed(&mut self, window: &[u8]) {
        self.lines.feed(window, &mut self.parts);
    }
    pub fn finish(mut self) -> Parsed {
        let body_len = self.lines.finish(&mut self.parts);
        let split = self.parts.splitter.finish(body_len);
        let headers = match split.is_cut || split.nodes.iter().any(|node| !node.header.is_ascii()) {
            true => Headers::Utf8,
            false => Headers::Ascii,
        };
        Parsed {
            form: Form {
                last_line: self.parts.last_line,
                headers,
            },
            ..compose::compose(&split, body_len)
        }
    }
}
