//! The spelling of responses. Never here: which response is due.

use crate::fetch::{FetchItem, Section};
use crate::mailbox::NameEncoding;
use crate::response::{FetchData, Response};

/// What stands before a text in a FETCH response: `BODY[1.2.HEADER.FIELDS (From To)]<0>` or `RFC822.TEXT`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SectionLabel {
    Rfc822,
    Rfc822Header,
    Rfc822Text,
    Body {
        section: Section,
        origin: Option<u64>,
    },
}

impl SectionLabel {
    /// The label under which the item is answered; None for items that are no texts.
    pub fn of(item: &FetchItem) -> Option<SectionLabel> {
        let _ = item;
        todo!()
    }
}

/// Appends one response with its CRLF.
pub fn encode(response: &Response, names: NameEncoding, out: &mut Vec<u8>) {
    let _ = (response, names, out);
    todo!()
}

/// Writes one FETCH response piece by piece, so that a large text is never held whole:
/// `start`, items and texts in any order, `end`. Between two calls the bytes may be sent.
#[derive(Debug)]
#[must_use = "a FETCH response that is not ended breaks the connection"]
pub struct FetchWriter {
    items: u32,
    text_left: u64,
}

impl FetchWriter {
    pub fn start(seq: u32, out: &mut Vec<u8>) -> FetchWriter {
        let _ = (seq, out);
        FetchWriter {
            items: 0,
            text_left: 0,
        }
    }
    pub fn item(&mut self, item: &FetchData, out: &mut Vec<u8>) {
        let _ = (item, out, self.items);
        todo!()
    }
    /// As `FetchData::Text` with bytes that the caller keeps.
    pub fn text(&mut self, label: &SectionLabel, text: Option<&[u8]>, out: &mut Vec<u8>) {
        let _ = (label, text, out);
        todo!()
    }
    /// Announces a text of exactly `octets`; `chunk` then brings it.
    pub fn announce(&mut self, label: &SectionLabel, octets: u64, out: &mut Vec<u8>) {
        let _ = (label, octets, out);
        todo!()
    }
    /// A piece of the announced text; panics when it is more than was announced.
    pub fn chunk(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let _ = (bytes, out);
        todo!()
    }
    /// What is still to come of the announced text. (A large piece may also be written to the
    /// connection directly and only counted here.)
    pub fn text_left(&self) -> u64 {
        self.text_left
    }
    /// Counts octets of the announced text that went to the connection without being copied here.
    pub fn sent(&mut self, octets: u64) {
        let _ = octets;
        todo!()
    }
    pub fn end(self, out: &mut Vec<u8>) {
        let _ = out;
        todo!()
    }
}
