//! The surrogate of a message whose headers need UTF-8, for a client that has not said `UTF8`
//! [rfc6856 2.1]: what stands in its headers becomes ASCII, all else passes as it is.
//!
//! The message passes in pieces; one header field is held at a time. The octets of a header are
//! never fewer lines: fields stay fields, and the header ends where it ended. Never here: where the
//! headers lie (the caller knows), and anything kept of the message.

use crate::limits::FIELD_BYTES;
use memchr::memchr;
use std::ops::Range;

/// Stands for an address that cannot be written in ASCII, as clients that know RFC 6858 expect.
const NO_ADDRESS: &[u8] = b"invalid@internationalized-address.invalid";
/// An encoded-word may have 75 characters [rfc2047 2]; `=?UTF-8?Q?` and `?=` are 12, and the
/// longest character is 12.
const WORD_CHARS: usize = 75 - 12;

/// Fields that are lists of addresses.
const ADDRESSES: [&str; 16] = [
    "from",
    "to",
    "cc",
    "bcc",
    "sender",
    "reply-to",
    "return-path",
    "resent-from",
    "resent-to",
    "resent-cc",
    "resent-bcc",
    "resent-sender",
    "disposition-notification-to",
    "delivered-to",
    "x-original-to",
    "errors-to",
];

/// Fields with parameters.
const PARAMETERIZED: [&str; 2] = ["content-type", "content-disposition"];

/// Fields in which no encoded-word may stand.
const STRICT: [&str; 10] = [
    "received",
    "message-id",
    "in-reply-to",
    "references",
    "resent-message-id",
    "date",
    "resent-date",
    "mime-version",
    "content-transfer-encoding",
    "content-id",
];

/// Makes the surrogate of one message.
#[derive(Clone, Debug)]
pub struct Surrogate {
    /// Where the headers lie that are still to come, in order.
    headers: Vec<Range<u64>>,
    /// The octets that have passed.
    at: u64,
    /// The field that has begun.
    field: Vec<u8>,
    /// The field is too long to be held: its octets pass as they come.
    is_long: bool,
}

impl Surrogate {
    /// `headers`: where the headers of the message and of its parts lie. They do not overlap.
    pub fn new(headers: impl IntoIterator<Item = Range<u64>>) -> Surrogate {
        let headers = headers.into_iter();
        let mut headers: Vec<_> = headers.filter(|range| !range.is_empty()).collect();
        headers.sort_by_key(|range| std::cmp::Reverse(range.start));
        Surrogate {
            headers,
            at: 0,
            field: Vec::new(),
            is_long: false,
        }
    }

    /// Takes the next piece; appends what is to be sent so far.
    pub fn push(&mut self, mut piece: &[u8], out: &mut Vec<u8>) {
        while !piece.is_empty() {
            let next = self.headers.last().cloned();
            let (bound, is_header) = match next {
                None => (u64::MAX, false),
                Some(range) if self.at < range.start => (range.start, false),
                Some(range) => (range.end, true),
            };
            let left = usize::try_from(bound.saturating_sub(self.at)).unwrap_or(usize::MAX);
            let (now, rest) = piece.split_at(left.min(piece.len()));
            match is_header {
                true => self.header(now, out),
                false => out.extend_from_slice(now),
            }
            self.at += now.len() as u64;
            piece = rest;
            if is_header && self.at >= bound {
                self.end_field(out);
                self.headers.pop();
            }
        }
    }

    /// The message has passed.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.end_field(out);
    }

    fn header(&mut self, mut octets: &[u8], out: &mut Vec<u8>) {
        while !octets.is_empty() {
            // a line that does not begin with a space begins another field
            if self.is_at_line_start() && !matches!(octets[0], b' ' | b'\t') {
                self.end_field(out);
            }
            let line = memchr(b'\n', octets).map_or(octets.len(), |at| at + 1);
            let (now, rest) = octets.split_at(line);
            self.field.extend_from_slice(now);
            if self.field.len() > FIELD_BYTES {
                self.pass(out);
            }
            octets = rest;
        }
    }

    fn is_at_line_start(&self) -> bool {
        self.field.last() == Some(&b'\n')
    }

    /// What is held of a field that is too long goes out with `?` for what is not ASCII.
    fn pass(&mut self, out: &mut Vec<u8>) {
        self.is_long = true;
        let last = self.field.pop();
        out.extend(self.field.iter().copied().map(question));
        self.field.clear();
        // stays, so that the end of the line is known
        self.field.extend(last);
    }

    fn end_field(&mut self, out: &mut Vec<u8>) {
        let field = std::mem::take(&mut self.field);
        if std::mem::take(&mut self.is_long) {
            out.extend(field.into_iter().map(question));
        } else if field.is_ascii() {
            out.extend_from_slice(&field);
        } else {
            // the end of the line stays, whatever is not closed before it
            let end = field
                .iter()
                .rev()
                .take_while(|octet| matches!(octet, b'\r' | b'\n'));
            let (field, end) = field.split_at(field.len() - end.count());
            rewrite(field, out);
            out.extend_from_slice(end);
        }
    }
}

fn question(octet: u8) -> u8 {
    if octet.is_ascii() { octet } else { b'?' }
}

/// A whole field without its last line end, of which some octets are not ASCII.
fn rewrite(field: &[u8], out: &mut Vec<u8>) {
    let colon = memchr(b':', field).filter(|at| field[..*at].is_ascii());
    let Some(colon) = colon else {
        // no field at all
        return out.extend(field.iter().copied().map(question));
    };
    let (name, value) = field.split_at(colon + 1);
    let name_word = String::from_utf8_lossy(&name[..colon])
        .trim()
        .to_ascii_lowercase();
    out.extend_from_slice(name);
    if STRICT.contains(&name_word.as_str()) {
        out.extend(value.iter().copied().map(question));
    } else if ADDRESSES.contains(&name_word.as_str()) {
        addresses(value, out);
    } else if PARAMETERIZED.contains(&name_word.as_str()) {
        parameters(value, out);
    } else {
        text(value, out);
    }
}

fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// Unstructured text: each run of words that need it becomes encoded-words [rfc2047 5].
fn text(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while !rest.is_empty() {
        let (run, len) = run_of_words(rest);
        if run.is_empty() {
            let word = spaces(rest).max(1);
            out.extend_from_slice(&rest[..word]);
            rest = &rest[word..];
            let word = word_len(rest);
            if rest[..word].is_ascii() {
                out.extend_from_slice(&rest[..word]);
                rest = &rest[word..];
            }
        } else {
            encoded_words(&run, out);
            rest = &rest[len..];
        }
    }
}

fn spaces(rest: &[u8]) -> usize {
    rest.iter().take_while(|octet| is_space(**octet)).count()
}

fn word_len(rest: &[u8]) -> usize {
    rest.iter().take_while(|octet| !is_space(**octet)).count()
}

/// The words at the front that need encoding, with one space between two, and how many octets
/// they are. They are encoded as one: a space between two encoded-words is not shown.
fn run_of_words(rest: &[u8]) -> (Vec<u8>, usize) {
    let (mut run, mut end) = (Vec::new(), 0);
    loop {
        let start = match end {
            0 => 0,
            end => end + spaces(&rest[end..]),
        };
        let word = &rest[start..start + word_len(&rest[start..])];
        if word.is_empty() || word.is_ascii() {
            return (run, end);
        }
        if end > 0 {
            run.push(b' ');
        }
        run.extend_from_slice(word);
        end = start + word.len();
    }
}

/// As many encoded-words as are needed; a character is never cut.
fn encoded_words(octets: &[u8], out: &mut Vec<u8>) {
    let (charset, mut pieces) = match std::str::from_utf8(octets) {
        Ok(text) => {
            let chars = text.char_indices();
            let ends = chars.map(|(at, c)| at + c.len_utf8());
            ("UTF-8", ends.collect::<Vec<_>>())
        }
        Err(_) => ("unknown-8bit", (1..=octets.len()).collect()),
    };
    pieces.insert(0, 0);
    let mut used = 0;
    for (number, pair) in pieces.windows(2).enumerate() {
        let character = &octets[pair[0]..pair[1]];
        let chars = character.iter().map(|octet| q_len(*octet)).sum::<usize>();
        // "unknown-8bit" is seven characters longer than "UTF-8"
        if number == 0 || used + chars > WORD_CHARS - 7 {
            if number > 0 {
                out.extend_from_slice(b"?=\r\n ");
            }
            out.extend_from_slice(format!("=?{charset}?Q?").as_bytes());
            used = 0;
        }
        character.iter().for_each(|octet| q(*octet, out));
        used += chars;
    }
    out.extend_from_slice(b"?=");
}

/// What may stand for itself in an encoded-word wherever it is [rfc2047 5].
fn is_q_literal(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'!' | b'*' | b'+' | b'-' | b'/')
}

fn q_len(octet: u8) -> usize {
    match is_q_literal(octet) || octet == b' ' {
        true => 1,
        false => 3,
    }
}

fn q(octet: u8, out: &mut Vec<u8>) {
    match octet {
        b' ' => out.push(b'_'),
        _ if is_q_literal(octet) => out.push(octet),
        _ => out.extend_from_slice(format!("={octet:02X}").as_bytes()),
    }
}

/// A piece of an address field.
enum Token<'a> {
    /// Spaces, or one of `,;:`.
    Between,
    /// `<…>`
    Angle,
    /// `(…)`, the inside.
    Comment(&'a [u8]),
    /// `"…"`, the inside.
    Quoted(&'a [u8]),
    Word(&'a [u8]),
}

/// Reads one token; the whole rest belongs to what is not closed.
fn token(rest: &[u8]) -> (Token<'_>, &[u8]) {
    let until = |end: u8, skip: bool| {
        let mut at = 1;
        while at < rest.len() && rest[at] != end {
            at += 1 + usize::from(skip && rest[at] == b'\\');
        }
        let at = at.min(rest.len());
        (&rest[1..at], rest.get(at + 1..).unwrap_or_default())
    };
    match rest[0] {
        b',' | b';' | b':' => (Token::Between, &rest[1..]),
        octet if is_space(octet) => (Token::Between, &rest[spaces(rest)..]),
        b'<' => {
            let (_, rest) = until(b'>', false);
            (Token::Angle, rest)
        }
        b'(' => {
            let (inside, rest) = until(b')', true);
            (Token::Comment(inside), rest)
        }
        b'"' => {
            let (inside, rest) = until(b'"', true);
            (Token::Quoted(inside), rest)
        }
        _ => {
            let is_end = |octet: u8| is_space(octet) || b",;:<(\"".contains(&octet);
            let word = rest.iter().take_while(|octet| !is_end(**octet)).count();
            (Token::Word(&rest[..word]), &rest[word..])
        }
    }
}

/// Names become encoded-words; an address that is not ASCII cannot be answered, and says so.
fn addresses(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while !rest.is_empty() {
        let (name, behind) = name(rest);
        if !name.is_empty() {
            encoded_words(&name, out);
            rest = behind;
            continue;
        }
        let (token, behind) = token(rest);
        let whole = &rest[..rest.len() - behind.len()];
        match token {
            _ if whole.is_ascii() => out.extend_from_slice(whole),
            Token::Angle => {
                out.push(b'<');
                out.extend_from_slice(NO_ADDRESS);
                out.push(b'>');
            }
            Token::Comment(inside) => {
                out.push(b'(');
                encoded_words(&unescaped(inside), out);
                out.push(b')');
            }
            Token::Quoted(_) | Token::Word(_) | Token::Between => {
                out.extend_from_slice(NO_ADDRESS);
            }
        }
        rest = behind;
    }
}

/// The words and quoted strings of a name at the front that need encoding, as one text, and what
/// stands behind them.
fn name(rest: &[u8]) -> (Vec<u8>, &[u8]) {
    let (mut name, mut end) = (Vec::new(), rest);
    loop {
        let next = &end[if name.is_empty() { 0 } else { spaces(end) }..];
        if next.is_empty() {
            return (name, end);
        }
        let (token, behind) = token(next);
        let is_ascii = next[..next.len() - behind.len()].is_ascii();
        let word = match token {
            Token::Quoted(inside) if !is_ascii => unescaped(inside),
            Token::Word(word) if !is_ascii && memchr(b'@', word).is_none() => word.to_vec(),
            _ => return (name, end),
        };
        // `"jörg"@example.test`
        if behind.first() == Some(&b'@') || word.is_empty() {
            return (name, end);
        }
        if !name.is_empty() {
            name.push(b' ');
        }
        name.extend_from_slice(&word);
        end = behind;
    }
}

/// Without backslashes and line ends.
fn unescaped(inside: &[u8]) -> Vec<u8> {
    let kept = |octet: &u8| !matches!(octet, b'\\' | b'\r' | b'\n');
    inside.iter().copied().filter(kept).collect()
}

/// Values of parameters become those of RFC 2231; all else that is not ASCII a question mark.
fn parameters(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    let mut is_first = true;
    while !rest.is_empty() {
        let len = parameter_len(rest);
        let (one, behind) = rest.split_at(len);
        let equals = memchr(b'=', one).filter(|at| one[..*at].is_ascii());
        match equals {
            Some(at) if !is_first && !one.is_ascii() => parameter(&one[..at], &one[at + 1..], out),
            _ => out.extend(one.iter().copied().map(question)),
        }
        is_first = false;
        rest = behind;
    }
}

/// Up to the next semicolon, which belongs to it, that stands in no quotes.
fn parameter_len(rest: &[u8]) -> usize {
    let (mut at, mut is_quoted) = (0, false);
    while at < rest.len() {
        match rest[at] {
            b'"' => is_quoted = !is_quoted,
            b'\\' if is_quoted => at += 1,
            b';' if !is_quoted => return at + 1,
            _ => {}
        }
        at += 1;
    }
    rest.len()
}

/// `name*=UTF-8''percent-encoded` [rfc2231 4].
fn parameter(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let tail = value
        .iter()
        .rev()
        .take_while(|octet| is_space(**octet) || **octet == b';');
    let (value, tail) = value.split_at(value.len() - tail.count());
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let value = unescaped(value.strip_suffix(b"\"").unwrap_or(value));
    let charset: &[u8] = match std::str::from_utf8(&value) {
        Ok(_) => b"*=UTF-8''",
        Err(_) => b"*=unknown-8bit''",
    };
    // one that is encoded already keeps its form, and loses what it may not have
    if name.ends_with(b"*") || name.contains(&b'*') {
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend(value.iter().copied().map(question));
    } else {
        out.extend_from_slice(name);
        out.extend_from_slice(charset);
        for octet in value {
            match octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_') {
                true => out.push(octet),
                false => out.extend_from_slice(format!("%{octet:02X}").as_bytes()),
            }
        }
    }
    out.extend_from_slice(tail);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surrogate(header: &[u8]) -> String {
        let message = [header, b"\r\n\xc3\xb6 stays\r\n"].concat();
        let range = 0..header.len() as u64 + 2;
        let mut out = Vec::new();
        let mut whole = Surrogate::new([range.clone()]);
        whole.push(&message, &mut out);
        whole.finish(&mut out);
        let mut bytewise = Vec::new();
        let mut pieces = Surrogate::new([range]);
        message
            .chunks(1)
            .for_each(|octet| pieces.push(octet, &mut bytewise));
        pieces.finish(&mut bytewise);
        assert_eq!(out, bytewise, "in pieces of one octet");
        let body = out.strip_suffix(b"\r\n\xc3\xb6 stays\r\n".as_slice());
        String::from_utf8(body.expect("the body passes as it is").to_vec()).unwrap()
    }

    fn check(header: &str, expect: &str) {
        assert_eq!(
            surrogate(format!("{header}\r\n").as_bytes()),
            format!("{expect}\r\n")
        );
    }

    #[test]
    fn text_becomes_encoded_words_and_ascii_stays() {
        // [rfc6856 2.1] [rfc2047 5]
        check("Subject: hello", "Subject: hello");
        check("Subject: Grüße", "Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=");
        check("Subject: für dich", "Subject: =?UTF-8?Q?f=C3=BCr?= dich");
        check("X-Any: a ö ü b", "X-Any: a =?UTF-8?Q?=C3=B6_=C3=BC?= b");
        check("Subject: a\r\n ö", "Subject: a\r\n =?UTF-8?Q?=C3=B6?=");
        // the space between two encoded-words is not shown [rfc2047 6.2]
        check("Subject: ö\r\n ü", "Subject: =?UTF-8?Q?=C3=B6_=C3=BC?=");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        // [rfc2047 2]
        let out = surrogate(format!("Subject: {}\r\n", "€".repeat(40)).as_bytes());
        let words: Vec<&str> = out[9..].split_whitespace().collect();
        assert!(words.len() > 1);
        for word in words {
            assert!(word.len() <= 75, "{word}");
            let inside = word.strip_prefix("=?UTF-8?Q?").unwrap();
            let inside = inside.strip_suffix("?=").unwrap();
            assert_eq!(inside.replace("=E2=82=AC", ""), "", "{word}");
        }
    }

    #[test]
    fn names_are_kept_and_addresses_that_need_utf_8_are_not() {
        let no = "invalid@internationalized-address.invalid";
        check(
            "From: Jörg <j@example.test>",
            "From: =?UTF-8?Q?J=C3=B6rg?= <j@example.test>",
        );
        check(
            "From: Jörg\r\n Müller \"ö\" <j@example.test>",
            "From: =?UTF-8?Q?J=C3=B6rg_M=C3=BCller_=C3=B6?= <j@example.test>",
        );
        check(
            "To: \"jörg\"@example.test",
            &format!("To: {no}@example.test"),
        );
        check(
            "From: \"Jörg, X\" <jörg@example.test>",
            &format!("From: =?UTF-8?Q?J=C3=B6rg=2C_X?= <{no}>"),
        );
        check(
            "To: a@example.test, jörg@example.test (Jörg)",
            &format!("To: a@example.test, {no} (=?UTF-8?Q?J=C3=B6rg?=)"),
        );
        check(
            "Return-Path: <jörg@example.test>",
            &format!("Return-Path: <{no}>"),
        );
    }

    #[test]
    fn parameters_take_the_form_of_rfc_2231() {
        // [rfc2231 4]
        check(
            "Content-Disposition: attachment; filename=\"ö; x.txt\"; size=1",
            "Content-Disposition: attachment; filename*=UTF-8''%C3%B6%3B%20x.txt; size=1",
        );
        check("Content-Type: tëxt/plain", "Content-Type: t??xt/plain");
    }

    #[test]
    fn what_no_encoded_word_may_stand_in_gets_question_marks() {
        check("Message-ID: <ö@x>", "Message-ID: <??@x>");
        check("no field ö", "no field ??");
        assert_eq!(
            surrogate(b"Subject: \xff\xfe x\r\n"),
            "Subject: =?unknown-8bit?Q?=FF=FE?= x\r\n"
        );
    }

    #[test]
    fn a_field_too_long_to_hold_is_ascii_all_the_same() {
        let out = surrogate(format!("X: {}\r\nSubject: ö\r\n", "ö".repeat(FIELD_BYTES)).as_bytes());
        assert!(out.is_ascii());
        assert!(out.ends_with("??\r\nSubject: =?UTF-8?Q?=C3=B6?=\r\n"));
    }
}
