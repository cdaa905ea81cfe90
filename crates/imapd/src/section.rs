//! From a section of FETCH to octets of a message: where they lie, and the choosing of header
//! fields. What never happens here: writing to the client.

use crate::limits;
use imap::{FetchItem, Partial, Section, SectionText};
use mail::{Content, Fault, PartTree};
use std::ops::Range;

/// What a text item asks for.
pub(crate) struct Asked {
    section: Section,
    partial: Option<Partial>,
}

/// Where the octets come from.
pub(crate) enum Octets {
    /// There is no such part.
    Nowhere,
    /// A range of the message, as it stands.
    Range(Range<u64>),
    /// Made of it.
    Made(Vec<u8>),
}

impl Asked {
    /// `None` for items that are no texts.
    pub fn of(item: &FetchItem) -> Option<Asked> {
        let whole = |text| {
            let path = Vec::new();
            Some(Asked {
                section: Section { path, text },
                partial: None,
            })
        };
        match item {
            FetchItem::Rfc822 => whole(SectionText::Whole),
            FetchItem::Rfc822Header => whole(SectionText::Header),
            FetchItem::Rfc822Text => whole(SectionText::Text),
            FetchItem::Section {
                section, partial, ..
            } => Some(Asked {
                section: section.clone(),
                partial: *partial,
            }),
            _ => None,
        }
    }

    /// Finds the octets; of a partial fetch only its part [rfc3501 6.4.5].
    pub fn find(&self, parts: &PartTree, content: &Content) -> Result<Octets, Fault> {
        let locate = |what| parts.locate(&self.section.path, what);
        let range = match &self.section.text {
            SectionText::Whole => locate(mail::Section::Whole),
            SectionText::Text => locate(mail::Section::Text),
            SectionText::Mime => locate(mail::Section::Mime),
            SectionText::Header
            | SectionText::HeaderFields(_)
            | SectionText::HeaderFieldsNot(_) => locate(mail::Section::Header),
        };
        let Some(range) = range else {
            return Ok(Octets::Nowhere);
        };
        let (names, keep) = match &self.section.text {
            SectionText::HeaderFields(names) => (names, Keep::Named),
            SectionText::HeaderFieldsNot(names) => (names, Keep::Others),
            _ => return Ok(Octets::Range(self.cut_range(range))),
        };
        let header = read_bounded(content, &range, limits::HEADER_BYTES)?;
        let chosen = choose(&header, names, keep);
        let len = u64::try_from(chosen.len()).expect("because a header fits into memory");
        let cut = self.cut_range(0..len);
        let place = |at: u64| usize::try_from(at).expect("because it is inside the header");
        Ok(Octets::Made(
            chosen[place(cut.start)..place(cut.end)].to_vec(),
        ))
    }

    fn cut_range(&self, range: Range<u64>) -> Range<u64> {
        let Some(partial) = self.partial else {
            return range;
        };
        let start = range.start.saturating_add(partial.origin).min(range.end);
        start..start.saturating_add(partial.octets).min(range.end)
    }
}

/// The octets of a range, at most `limit`.
pub(crate) fn read_bounded(
    content: &Content,
    range: &Range<u64>,
    limit: usize,
) -> Result<Vec<u8>, Fault> {
    let len = range.end.saturating_sub(range.start);
    let len = usize::try_from(len).unwrap_or(usize::MAX).min(limit);
    let mut octets = Vec::with_capacity(len);
    let mut at = range.start;
    while octets.len() < len {
        let piece = content.read(at, (len - octets.len()).min(limits::CONTENT_BYTES))?;
        if piece.is_empty() {
            break;
        }
        at += piece.len() as u64;
        octets.extend_from_slice(&piece);
    }
    Ok(octets)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    Named,
    Others,
}

/// The chosen fields, as they stand, and the empty line that ends every header
/// [rfc3501 6.4.5].
fn choose(header: &[u8], names: &[String], keep: Keep) -> Vec<u8> {
    let mut chosen = Vec::new();
    for field in fields(header) {
        let is_named = names
            .iter()
            .any(|name| field.name.eq_ignore_ascii_case(name.as_bytes()));
        if is_named == (keep == Keep::Named) {
            chosen.extend_from_slice(field.whole);
            if !field.whole.ends_with(b"\n") {
                chosen.extend_from_slice(b"\r\n");
            }
        }
    }
    // "except in the case of a message that has no body and no blank line" [rfc9051 6.4.5.1].
    let has_end = header.len() >= limits::HEADER_BYTES || ends_with_empty_line(header);
    if has_end {
        chosen.extend_from_slice(b"\r\n");
    }
    chosen
}

fn ends_with_empty_line(header: &[u8]) -> bool {
    header == b"\r\n" || header == b"\n" || header.ends_with(b"\n\r\n") || header.ends_with(b"\n\n")
}

/// A field of a header with its continuation lines and line ends.
pub(crate) struct Field<'a> {
    /// Empty for a line that is none.
    pub name: &'a [u8],
    pub value: &'a [u8],
    pub whole: &'a [u8],
}

/// The fields of a header up to the empty line; whatever is no field is one without a name.
pub(crate) fn fields(header: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = header;
    std::iter::from_fn(move || {
        if rest.is_empty() || rest.starts_with(b"\r\n") || rest.starts_with(b"\n") {
            return None;
        }
        let (whole, after) = rest.split_at(field_len(rest));
        rest = after;
        let colon = whole.iter().position(|&byte| byte == b':');
        let (name, value) = match colon {
            Some(at) => (whole[..at].trim_ascii_end(), &whole[at + 1..]),
            None => (&whole[..0], whole),
        };
        Some(Field { name, value, whole })
    })
}

/// Up to the first line end that no white space follows.
fn field_len(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(end) = text[at..].iter().position(|&byte| byte == b'\n') {
        at += end + 1;
        if !matches!(text.get(at), Some(b' ' | b'\t')) {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"From: a\r\nSubject: b\r\n c\r\nrubbish\r\nX-A : d\r\n\r\n";

    fn check(names: &[&str], keep: Keep, expect: &str) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let chosen = choose(HEADER, &names, keep);
        assert_eq!(String::from_utf8_lossy(&chosen), expect);
    }

    #[test]
    fn chooses_fields_with_their_continuation_lines() {
        check(&["SUBJECT"], Keep::Named, "Subject: b\r\n c\r\n\r\n");
        check(&["x-a", "from"], Keep::Named, "From: a\r\nX-A : d\r\n\r\n");
        check(&["nothing"], Keep::Named, "\r\n");
        check(
            &["from", "subject"],
            Keep::Others,
            "rubbish\r\nX-A : d\r\n\r\n",
        );
    }

    /// [rfc9051 6.4.5.1]
    #[test]
    fn a_header_without_its_empty_line_gets_none() {
        let names = ["from".to_owned()];
        let chosen = choose(b"From: a\r\nTo: b\r\n", &names, Keep::Named);
        assert_eq!(chosen, b"From: a\r\n");
        assert_eq!(choose(b"\r\n", &names, Keep::Named), b"\r\n");
    }

    #[test]
    fn fields_end_at_the_empty_line_or_the_end() {
        let count = |header: &[u8]| fields(header).count();
        assert_eq!(count(b"a: b\r\n\r\nc: d\r\n"), 1);
        assert_eq!(count(b"a: b\r\nc: d"), 2);
        assert_eq!(count(b"\r\n"), 0);
        assert_eq!(count(b""), 0);
    }
}
