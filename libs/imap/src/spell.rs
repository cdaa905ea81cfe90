//! Spells strings: atom, quoted or literal, whichever the grammar allows. Never here: whole responses.

use crate::cursor::is_atom_char;
use crate::limits;
use crate::mailbox::{Mailbox, NameEncoding};

/// `number = 1*DIGIT`. By hand, since long SEARCH and FETCH answers are mostly numbers.
pub(crate) fn number(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return out.extend_from_slice(&digits[start..]);
        }
    }
}

/// `"(" [item *(SP item)] ")"`
pub(crate) fn list<'a, T>(items: &'a [T], out: &mut Vec<u8>, each: impl Fn(&'a T, &mut Vec<u8>)) {
    out.push(b'(');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        each(item, out);
    }
    out.push(b')');
}

/// `nstring = string / nil`
pub(crate) fn nstring(text: Option<&[u8]>, out: &mut Vec<u8>) {
    match text {
        Some(text) => string(text, out),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// `string = quoted / literal`
///
/// 8-bit text, line ends and long text go as a literal. NUL can be in neither and is left out. [rfc3501 4.3]
pub(crate) fn string(text: &[u8], out: &mut Vec<u8>) {
    if memchr::memchr(0, text).is_some() {
        let clean: Vec<u8> = text.iter().copied().filter(|&octet| octet != 0).collect();
        return string(&clean, out);
    }
    let plain = |&octet: &u8| octet.is_ascii() && octet != b'\r' && octet != b'\n';
    if text.len() <= limits::QUOTED_BYTES && text.iter().all(plain) {
        quoted(text, out);
    } else {
        literal_head(text.len() as u64, out);
        out.extend_from_slice(text);
    }
}

/// `quoted = DQUOTE *QUOTED-CHAR DQUOTE`; the text must be fit for it.
fn quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &octet in text {
        if octet == b'"' || octet == b'\\' {
            out.push(b'\\');
        }
        out.push(octet);
    }
    out.push(b'"');
}

/// `literal = "{" number "}" CRLF *CHAR8`, up to its text.
pub(crate) fn literal_head(octets: u64, out: &mut Vec<u8>) {
    out.push(b'{');
    number(octets, out);
    out.extend_from_slice(b"}\r\n");
}

/// `astring = 1*ASTRING-CHAR / string`; an atom only where no client could stumble over it.
pub(crate) fn astring(text: &[u8], out: &mut Vec<u8>) {
    let plain = |&octet: &u8| is_atom_char(octet);
    if !text.is_empty() && text.iter().all(plain) && !text.eq_ignore_ascii_case(b"NIL") {
        out.extend_from_slice(text);
    } else {
        string(text, out);
    }
}

/// `mailbox = "INBOX" / astring`
pub(crate) fn mailbox(mailbox: &Mailbox, names: NameEncoding, out: &mut Vec<u8>) {
    let wire = mailbox.to_wire(names);
    let fits_quoted =
        !wire.bytes().any(|octet| octet.is_ascii_control()) && wire.len() <= limits::QUOTED_BYTES;
    // UTF-8 may stand in a quoted string once the client has asked for it. [rfc9051 4.3] [rfc9051 A]
    if names == NameEncoding::Utf8 && !wire.is_ascii() && fits_quoted {
        quoted(wire.as_bytes(), out);
    } else {
        astring(wire.as_bytes(), out);
    }
}

/// Text for people: one line of printable ASCII, never empty. [rfc3501 9 resp-text]
pub(crate) fn text(text: &str, out: &mut Vec<u8>) {
    if text.is_empty() {
        out.push(b'.');
    }
    // A bracket at the start would be taken for a response code.
    if text.starts_with('[') {
        out.push(b' ');
    }
    out.extend(text.chars().map(|letter| {
        if (' '..='~').contains(&letter) {
            letter as u8
        } else {
            b'?'
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &[u8], expect: &[u8]) {
        let mut out = Vec::new();
        string(text, &mut out);
        assert_eq!(out, expect, "{:?}", String::from_utf8_lossy(&out));
    }

    #[test]
    fn strings_are_quoted_where_the_grammar_allows() {
        check(b"", b"\"\"");
        check(b"plain", b"\"plain\"");
        check(b"a\"b\\c", b"\"a\\\"b\\\\c\"");
        check(b"a\tb", b"\"a\tb\"");
        check(b"a\r\nb", b"{4}\r\na\r\nb");
        check("ü".as_bytes(), "{2}\r\nü".as_bytes());
        check(b"a\0b", b"\"ab\"");
        check(
            &[b'x'; 1_001],
            &[b"{1001}\r\n".as_slice(), &[b'x'; 1_001]].concat(),
        );
    }

    #[test]
    fn numbers_are_plain_digits() {
        for value in [0, 9, 10, 12_345, u64::MAX] {
            let mut out = Vec::new();
            number(value, &mut out);
            assert_eq!(out, value.to_string().as_bytes());
        }
    }

    #[test]
    fn mailbox_names_are_atoms_quoted_or_utf8() {
        // [rfc9051 4.3]
        for (name, encoding, expect) in [
            ("inbox", NameEncoding::ModifiedUtf7, "INBOX"),
            ("a/b", NameEncoding::ModifiedUtf7, "a/b"),
            ("", NameEncoding::ModifiedUtf7, "\"\""),
            ("nil", NameEncoding::ModifiedUtf7, "\"nil\""),
            ("a b", NameEncoding::ModifiedUtf7, "\"a b\""),
            ("a]", NameEncoding::ModifiedUtf7, "\"a]\""),
            ("ü&", NameEncoding::ModifiedUtf7, "&APw-&-"),
            ("ü", NameEncoding::Utf8, "\"ü\""),
            ("ü\n", NameEncoding::Utf8, "{3}\r\nü\n"),
        ] {
            let mut out = Vec::new();
            mailbox(&Mailbox::new(name), encoding, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expect);
        }
    }
}
