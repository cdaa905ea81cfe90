//! Names without a domain in the header of what users of this machine write: they get the domain of
//! the house, so that what leaves it can be answered.
//!
//! The message streams through; what is held is one field of addresses, within a bound. A field that
//! cannot be read, and all behind the header, stays as it is. What never happens here: an address
//! that has a domain being changed.
//!
//! ```abnf
//! bare-mailbox = atom *("." atom)      ; where an addr-spec [rfc5322 3.4.1] should be: `root`
//! ```

use crate::limits::HEADER_FIELD_BYTES;
use addr::Domain;

/// Fields of addresses, in lower case.
const NAMES: &[&str] = &[
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "resent-from",
    "resent-sender",
    "resent-to",
    "resent-cc",
    "resent-bcc",
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    /// In the header; a field of addresses may be held.
    Header,
    /// What follows passes.
    Text,
}

/// A message on its way through.
#[derive(Debug)]
pub(crate) struct Qualifier {
    origin: String,
    at: At,
    /// The field so far, whole lines; empty if the field is none of ours.
    field: Vec<u8>,
    /// The line so far.
    line: Vec<u8>,
    /// The field that runs is passed on as it is.
    passes: bool,
}

impl Qualifier {
    pub fn new(origin: &Domain) -> Qualifier {
        Qualifier {
            origin: origin.to_string(),
            at: At::Header,
            field: Vec::new(),
            line: Vec::new(),
            passes: false,
        }
    }

    /// Appends to `out` what a piece becomes.
    pub fn piece(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        for part in piece.split_inclusive(|octet| *octet == b'\n') {
            if self.at == At::Text {
                out.extend_from_slice(part);
                continue;
            }
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") || self.line.len() > HEADER_FIELD_BYTES {
                let line = std::mem::take(&mut self.line);
                self.line(&line, out);
            }
        }
    }

    /// The message is over.
    pub fn end(mut self, out: &mut Vec<u8>) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.line(&line, out);
        }
        self.end_field(out);
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let is_continued = matches!(line.first(), Some(b' ' | b'\t'));
        if !is_continued {
            self.end_field(out);
            let name = line.split(|octet| *octet == b':').next().unwrap_or(line);
            let is_field = name.len() < line.len();
            if !is_field {
                self.at = At::Text;
                return out.extend_from_slice(line);
            }
            let name = String::from_utf8_lossy(name)
                .trim_end()
                .to_ascii_lowercase();
            self.passes = !NAMES.contains(&name.as_str());
        }
        if self.passes {
            return out.extend_from_slice(line);
        }
        self.field.extend_from_slice(line);
        if self.field.len() > HEADER_FIELD_BYTES {
            self.passes = true;
            out.append(&mut self.field);
        }
    }

    fn end_field(&mut self, out: &mut Vec<u8>) {
        let field = std::mem::take(&mut self.field);
        if field.is_empty() {
            return;
        }
        match qualified(&field, &self.origin) {
            Some(changed) => out.extend_from_slice(&changed),
            None => out.extend_from_slice(&field),
        }
    }
}

/// The field with a domain behind each bare name; None if it stays.
fn qualified(field: &[u8], origin: &str) -> Option<Vec<u8>> {
    let begin = field.iter().position(|octet| *octet == b':')? + 1;
    let mut ends = Vec::new();
    let mut mailbox = Mailbox::default();
    let mut at = begin;
    while at < field.len() {
        match field[at] {
            b'"' => {
                at = past_quoted(field, at)?;
                mailbox.is_bare = false;
                continue;
            }
            b'(' => {
                at = past_comment(field, at)?;
                continue;
            }
            b'<' => mailbox = Mailbox::in_angles(),
            b'>' | b',' | b';' => {
                ends.extend(mailbox.end.filter(|_| mailbox.is_bare));
                mailbox = match field[at] {
                    // what follows belongs to nothing
                    b'>' => Mailbox::over(),
                    _ => Mailbox::default(),
                };
            }
            // behind the name of a group
            b':' => mailbox = Mailbox::default(),
            octet if octet.is_ascii_whitespace() => mailbox.pause(),
            octet => mailbox.take(octet, at),
        }
        at += 1;
    }
    ends.extend(mailbox.end.filter(|_| mailbox.is_bare));
    if ends.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(field.len() + ends.len() * (origin.len() + 1));
    let mut from = 0;
    for end in ends {
        out.extend_from_slice(&field[from..end]);
        out.push(b'@');
        out.extend_from_slice(origin.as_bytes());
        from = end;
    }
    out.extend_from_slice(&field[from..]);
    Some(out)
}

/// What has been seen of the mailbox that is being read.
#[derive(Clone, Copy, Debug)]
struct Mailbox {
    /// One word, of what can stand before an `@`.
    is_bare: bool,
    /// Behind that word.
    end: Option<usize>,
    /// White space has come behind it.
    is_over: bool,
}

impl Default for Mailbox {
    fn default() -> Mailbox {
        Mailbox {
            is_bare: true,
            end: None,
            is_over: false,
        }
    }
}

impl Mailbox {
    fn in_angles() -> Mailbox {
        Mailbox::default()
    }

    fn over() -> Mailbox {
        Mailbox {
            is_bare: false,
            ..Mailbox::default()
        }
    }

    fn pause(&mut self) {
        self.is_over = self.end.is_some();
    }

    fn take(&mut self, octet: u8, at: usize) {
        let plain = octet.is_ascii_alphanumeric() || b"#$&'*+-/=?^_`{|}~.".contains(&octet);
        self.is_bare &= plain && !self.is_over;
        self.end = Some(at + 1);
    }
}

/// Behind a quoted string; None if it has no end.
fn past_quoted(field: &[u8], begin: usize) -> Option<usize> {
    let mut at = begin + 1;
    loop {
        match field.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Behind a comment; None if it has no end.
fn past_comment(field: &[u8], begin: usize) -> Option<usize> {
    let (mut at, mut depth) = (begin, 0_usize);
    loop {
        match field.get(at)? {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'\\' => at += 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn through<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> String {
        let mut qualifier = Qualifier::new(&"here.test".parse().unwrap());
        let mut out = Vec::new();
        for piece in pieces {
            qualifier.piece(piece, &mut out);
        }
        qualifier.end(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn check(message: &str, expected: &str) {
        assert_eq!(through(std::iter::once(message.as_bytes())), expected);
    }

    #[test]
    fn names_without_a_domain_get_one() {
        check("To: root\r\n", "To: root@here.test\r\n");
        check(
            "From: root (Cron Daemon)\r\nTo: a,\r\n b.c\r\n",
            "From: root@here.test (Cron Daemon)\r\nTo: a@here.test,\r\n b.c@here.test\r\n",
        );
        check(
            "cc: Jane Doe <jane>, team: x, y;\r\n\r\nTo: root\r\n",
            "cc: Jane Doe <jane@here.test>, team: x@here.test, y@here.test;\r\n\r\nTo: root\r\n",
        );
        check("Sender: (a)(b\\)) root", "Sender: (a)(b\\)) root@here.test");
    }

    #[test]
    fn what_has_a_domain_or_cannot_be_read_stays() {
        for field in [
            "To: a@b.test, \"x\" <c@d.test>\r\n",
            "To: \"root\"\r\n",
            "To: two words\r\n",
            "To: alpha!bob\r\n",
            "To: root (no end\r\n",
            "To: \"no end\r\n",
            "To: <>\r\n",
            "To:\r\n",
            "Subject: root\r\n",
            "no field\r\nTo: root\r\n",
            "",
        ] {
            check(field, field);
        }
    }

    #[test]
    fn a_field_without_end_is_not_held() {
        let long = format!("To: {}\r\n", "a, ".repeat(HEADER_FIELD_BYTES));
        check(&long, &long);
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same(
            message in "([tT]o: |[ ,:;<>()\"]|root|\r\n){0,30}",
            size in 1_usize..9,
        ) {
            let whole = through(std::iter::once(message.as_bytes()));
            prop_assert_eq!(through(message.as_bytes().chunks(size)), whole);
        }
    }
}
