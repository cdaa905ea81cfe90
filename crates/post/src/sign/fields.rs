//! Which fields of a header a signature covers, and in which order they are hashed.
//!
//! A pure choice. What never happens here: a hash, a message that is not in memory.

/// How often a name is covered at most; a header with more of the same is covered from its end.
const SAME_NAME: usize = 16;

/// Whether a field that is not there is covered as well, so that nobody adds one. [rfc6376 8.15]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cover {
    /// Once more than it is there.
    AndNoMore,
    /// As often as it is there. Lists and those who send again add these.
    AsThere,
}

/// What readers see or programs act on [rfc6376 5.4.1], except what is changed on the way: trace
/// fields, Return-Path, and what lists write.
const FIELDS: &[(&str, Cover)] = &[
    ("From", Cover::AndNoMore),
    ("Reply-To", Cover::AndNoMore),
    ("Subject", Cover::AndNoMore),
    ("Date", Cover::AndNoMore),
    ("To", Cover::AndNoMore),
    ("Cc", Cover::AndNoMore),
    ("Message-ID", Cover::AndNoMore),
    ("In-Reply-To", Cover::AndNoMore),
    ("References", Cover::AndNoMore),
    ("MIME-Version", Cover::AndNoMore),
    ("Content-Type", Cover::AndNoMore),
    ("Content-Transfer-Encoding", Cover::AndNoMore),
    ("Content-ID", Cover::AsThere),
    ("Content-Description", Cover::AsThere),
    ("Content-Disposition", Cover::AsThere),
    ("Sender", Cover::AsThere),
    ("Resent-Date", Cover::AsThere),
    ("Resent-From", Cover::AsThere),
    ("Resent-Sender", Cover::AsThere),
    ("Resent-To", Cover::AsThere),
    ("Resent-Cc", Cover::AsThere),
    ("Resent-Message-ID", Cover::AsThere),
    ("List-Id", Cover::AsThere),
    ("List-Help", Cover::AsThere),
    ("List-Unsubscribe", Cover::AsThere),
    ("List-Unsubscribe-Post", Cover::AsThere),
    ("List-Subscribe", Cover::AsThere),
    ("List-Post", Cover::AsThere),
    ("List-Owner", Cover::AsThere),
    ("List-Archive", Cover::AsThere),
    ("Auto-Submitted", Cover::AsThere),
    ("Autocrypt", Cover::AsThere),
];

/// A field's name, and its value with the CRLF.
pub(crate) type Field<'a> = (&'a [u8], &'a [u8]);

/// What is covered: the names as `h=` says them, and the fields in the order in which they are
/// hashed. Of several with one name the last is first. [rfc6376 5.4.2]
pub(crate) struct Covered<'a> {
    pub names: Vec<&'static str>,
    pub fields: Vec<Field<'a>>,
}

pub(crate) fn covered<'a>(header: &[Field<'a>]) -> Covered<'a> {
    let (mut names, mut fields) = (Vec::new(), Vec::new());
    for (name, cover) in FIELDS {
        let is_it = |field: &&Field<'_>| field.0.eq_ignore_ascii_case(name.as_bytes());
        let there = header.iter().rev().filter(is_it);
        for field in there.take(SAME_NAME) {
            names.push(*name);
            fields.push(*field);
        }
        if *cover == Cover::AndNoMore {
            names.push(*name);
        }
    }
    Covered { names, fields }
}

/// The same for a seal, which covers signatures as well. [rfc8617 4.1.2]
pub(crate) fn covered_by_arc<'a>(header: &[Field<'a>]) -> Covered<'a> {
    let mut all = covered(header);
    let is_signature = |field: &&Field<'_>| field.0.eq_ignore_ascii_case(SIGNATURE.as_bytes());
    for field in header.iter().rev().filter(is_signature).take(SAME_NAME) {
        all.names.push(SIGNATURE);
        all.fields.push(*field);
    }
    all
}

const SIGNATURE: &str = "DKIM-Signature";

/// The fields of a header; a line that is none is left out with what continues it.
pub(crate) fn split(header: &[u8]) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    let mut rest = header;
    while !rest.is_empty() {
        let (field, after) = rest.split_at(field_end(rest));
        rest = after;
        let Some(colon) = field.iter().position(|&octet| octet == b':') else {
            continue;
        };
        let name = field[..colon].trim_ascii_end();
        if !name.is_empty() && name.iter().all(u8::is_ascii_graphic) {
            fields.push((name, &field[colon + 1..]));
        }
    }
    fields
}

/// Where the field that stands first ends, its folded lines included.
fn field_end(header: &[u8]) -> usize {
    let mut end = 0;
    loop {
        match header[end..].iter().position(|&octet| octet == b'\n') {
            None => return header.len(),
            Some(at) => end += at + 1,
        }
        if !matches!(header.get(end), Some(b' ' | b'\t')) {
            return end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_the_last_of_a_name_first_and_one_more_than_is_there() {
        // [rfc6376 5.4] [rfc6376 5.4.2]
        let header = b"Sender: s\r\nto: a\r\nX-Other: x\r\nTo: b\r\n c\r\nFrom : f\r\n";
        let covered = covered(&split(header));
        let values: Vec<_> = covered.fields.iter().map(|field| field.1).collect();
        assert_eq!(
            values,
            [&b" f\r\n"[..], b" b\r\n c\r\n", b" a\r\n", b" s\r\n"]
        );
        let count = |name| covered.names.iter().filter(|n| **n == name).count();
        assert_eq!(
            ["From", "To", "Subject", "Sender", "List-Id"].map(count),
            [2, 3, 1, 1, 0]
        );
        assert_eq!(covered.names[0], "From");
    }

    #[test]
    fn splits_a_header_at_its_fields() {
        let split = |text: &'static str| split(text.as_bytes());
        assert_eq!(split(""), []);
        assert_eq!(split("A: b"), [(&b"A"[..], &b" b"[..])]);
        let fields = split("no field\r\n folded: x\r\nA:\r\n\tb\r\nC: d\r\n");
        let expect: [Field<'_>; 2] = [(b"A", b"\r\n\tb\r\n"), (b"C", b" d\r\n")];
        assert_eq!(fields, expect);
    }
}
