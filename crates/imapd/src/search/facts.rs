//! What SEARCH may ask of one message. Read and decoded when it is first asked, forgotten with the
//! message. What never happens here: the reading of a client's keys.

use super::decode;
use super::program::Which;
use crate::limits;
use crate::section::{self, read_bounded};
use mail::{Content, Fault, KeptField, Message, ModSeq, PartKind, PartTree, Ready, SystemFlags};
use std::ops::Range;

/// The facts of a message. Texts are in lower case.
pub(crate) struct Facts<'a> {
    message: &'a Message,
    opened: Option<Opened>,
    octets: Option<Vec<u8>>,
    header: Option<Vec<(Vec<u8>, String)>>,
    body: Option<Vec<String>>,
}

struct Opened {
    parts: PartTree,
    content: Content,
}

impl<'a> Facts<'a> {
    pub fn of(message: &'a Message) -> Facts<'a> {
        Facts {
            message,
            opened: None,
            octets: None,
            header: None,
            body: None,
        }
    }

    pub fn uid(&self) -> u32 {
        self.message.uid
    }
    pub fn is_recent(&self) -> bool {
        self.message.recent
    }
    pub fn has_flag(&self, flag: SystemFlags) -> bool {
        self.message.flags.system.contains(flag)
    }
    pub fn has_keyword(&self, word: &str) -> bool {
        self.message.flags.has_keyword(word)
    }
    pub fn modseq(&self) -> ModSeq {
        self.message.modseq
    }
    /// INTERNALDATE as seconds since 1970-01-01.
    pub fn came_s(&self) -> i64 {
        self.ready().internal_date().seconds()
    }
    pub fn size(&self) -> u64 {
        self.message.size
    }
    pub fn email_id(&self) -> String {
        self.ready().email_id().to_string()
    }
    pub fn thread_id(&self) -> String {
        self.ready().thread_id().to_string()
    }

    /// The day, "disregarding time and timezone" [rfc3501 6.4.4]; none without a Date field.
    pub fn day(&mut self, which: Which) -> Result<Option<i32>, Fault> {
        if let Some(day) = self.kept_day(which) {
            return Ok(day);
        }
        let fields = self.header()?.iter();
        let mut dates = fields.filter(|(name, _)| name.eq_ignore_ascii_case(b"date"));
        Ok(dates
            .next()
            .and_then(|(_, date)| decode::day(date.as_bytes())))
    }

    /// The same as the record says it; `None`: it does not.
    pub fn kept_day(&self, which: Which) -> Option<Option<i32>> {
        if which == Which::Internal {
            let days = self.ready().internal_date().seconds().div_euclid(86_400);
            return Some(i32::try_from(days).ok());
        }
        match self.ready().kept_field("date") {
            KeptField::Value(value) => Some(decode::day(value)),
            KeptField::Absent => Some(None),
            KeptField::Unknown => None,
        }
    }

    /// Is there a field of that name with the text in it, as the record says? `None`: it does not.
    pub fn kept_field_contains(&self, name: &str, text: &str) -> Option<bool> {
        match self.ready().kept_field(name) {
            KeptField::Absent => Some(false),
            // The only field of this name.
            KeptField::Value(value) => Some(decode::field_contains(value, text)),
            KeptField::Unknown => None,
        }
    }

    /// Is there a field of that name with the text in it?
    pub fn field_contains(&mut self, name: &str, text: &str) -> Result<bool, Fault> {
        if let Some(contains) = self.kept_field_contains(name, text) {
            return Ok(contains);
        }
        let mut fields = section::fields(self.octets()?);
        Ok(fields.any(|field| {
            field.name.eq_ignore_ascii_case(name.as_bytes())
                && decode::field_contains(field.value, text)
        }))
    }

    /// Is the text anywhere in the header?
    pub fn header_contains(&mut self, text: &str) -> Result<bool, Fault> {
        let field = |(name, value): &(Vec<u8>, String)| {
            let name = String::from_utf8_lossy(name).to_lowercase();
            value.contains(text) || name.contains(text) || format!("{name}: {value}").contains(text)
        };
        Ok(self.header()?.iter().any(field))
    }

    /// Is the text in a text part, or in the header of a message within the message?
    pub fn body_contains(&mut self, text: &str) -> Result<bool, Fault> {
        if self.body.is_none() {
            self.body = Some(self.read_body()?);
        }
        let texts = self.body.as_deref().unwrap_or_default();
        Ok(texts.iter().any(|part| part.contains(text)))
    }

    fn ready(&self) -> &'a Ready {
        let ready = self.message.ready.as_ref();
        ready.expect("because the program's cost said that the record is wanted")
    }

    fn open(&mut self) -> &Opened {
        let ready = self.ready();
        self.opened.get_or_insert_with(|| Opened {
            parts: ready.parts(),
            content: ready.content(),
        })
    }

    /// The header as it stands.
    fn octets(&mut self) -> Result<&[u8], Fault> {
        if self.octets.is_none() {
            let Opened { parts, content } = self.open();
            let range = parts.root().header.clone();
            self.octets = Some(read_bounded(content, &range, limits::HEADER_BYTES)?);
        }
        Ok(self.octets.as_deref().unwrap_or_default())
    }

    fn header(&mut self) -> Result<&[(Vec<u8>, String)], Fault> {
        if self.header.is_none() {
            self.header = Some(decoded(self.octets()?));
        }
        Ok(self.header.as_deref().unwrap_or_default())
    }

    fn read_body(&mut self) -> Result<Vec<String>, Fault> {
        let Opened { parts, content } = self.open();
        let mut left = limits::SEARCH_PART_BYTES;
        let mut texts = Vec::new();
        for part in parts.parts() {
            let outer = part.parent.and_then(|parent| parts.parts().get(parent));
            if outer.is_some_and(|outer| outer.kind == PartKind::Message) {
                let room = part.header.start.saturating_add(left as u64);
                let header = part.header.start..part.header.end.min(room);
                let fields = read_header(content, &header)?;
                let read = usize::try_from(header.end - header.start).unwrap_or(left);
                left = left.saturating_sub(read.min(limits::HEADER_BYTES));
                texts.extend(fields.into_iter().map(|(_, value)| value));
            }
            if part.kind == PartKind::Leaf && part.media_type.starts_with("text/") {
                let octets = read_bounded(content, &part.body, left)?;
                left -= octets.len();
                let text = decode::text(&octets, part.encoding, part.charset.as_deref());
                texts.push(text.to_lowercase());
            }
        }
        Ok(texts)
    }
}

fn read_header(content: &Content, range: &Range<u64>) -> Result<Vec<(Vec<u8>, String)>, Fault> {
    Ok(decoded(&read_bounded(
        content,
        range,
        limits::HEADER_BYTES,
    )?))
}

/// The fields of a header; values decoded, in lower case.
fn decoded(header: &[u8]) -> Vec<(Vec<u8>, String)> {
    let fields = section::fields(header);
    let decoded = |value| decode::field(value).to_lowercase();
    fields
        .map(|field| (field.name.to_vec(), decoded(field.value)))
        .collect()
}
