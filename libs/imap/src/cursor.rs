//! Reads words from the text of one command. Never here: which command wants which word.
//!
//! Lenient where real clients need it: several spaces for one, spaces inside parentheses and at the
//! end, keywords in any case, UTF-8 in quoted strings.

use crate::command::LiteralKind;
use crate::limits;
use crate::mailbox::{Mailbox, NameEncoding};
use crate::refusal::{Refusal, What};
use crate::sequence::{MessageSet, SequenceSet};

/// `ATOM-CHAR`: no CTL, 8-bit, SP, `( ) { % * " \ ]`. [rfc3501 9]
pub fn is_atom_char(byte: u8) -> bool {
    byte > 0x20 && byte < 0x7f && !b"(){%*\"\\]".contains(&byte)
}

/// `ASTRING-CHAR = ATOM-CHAR / "]"`
pub fn is_astring_char(byte: u8) -> bool {
    is_atom_char(byte) || byte == b']'
}

/// Why parsing ended before the end of the command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    Refused(Refusal),
    /// The text ends with the header of a literal that the command goes on with.
    Literal(LiteralHead),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LiteralHead {
    pub octets: u64,
    pub kind: LiteralKind,
}

pub(crate) type Parsed<T> = Result<T, Stop>;

pub(crate) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    pub names: NameEncoding,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a [u8], at: usize, names: NameEncoding) -> Cursor<'a> {
        Cursor { text, at, names }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn refuse<T>(&self, what: What) -> Parsed<T> {
        Err(Stop::Refused(Refusal::new(what, self.at)))
    }

    /// Goes on, or refuses at where the word began.
    pub fn or_refuse<T>(&self, value: Option<T>, what: What, at_octet: usize) -> Parsed<T> {
        value.ok_or(Stop::Refused(Refusal::new(what, at_octet)))
    }

    pub fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Whether the text comes next, in any case.
    pub fn comes_next(&self, text: &[u8]) -> bool {
        let rest = self.text.get(self.at..self.at + text.len());
        rest.is_some_and(|rest| rest.eq_ignore_ascii_case(text))
    }

    /// Takes the octet if it comes next.
    pub fn take(&mut self, octet: u8) -> Option<()> {
        (self.peek() == Some(octet)).then(|| self.at += 1)
    }

    pub fn octet(&mut self, octet: u8, wanted: &'static str) -> Parsed<()> {
        match self.take(octet) {
            Some(()) => Ok(()),
            None => self.refuse(What::Expected(wanted)),
        }
    }

    fn skip_spaces(&mut self) {
        while self.take(b' ').is_some() {}
    }

    /// `SP`; more than one is let through.
    pub fn sp(&mut self) -> Parsed<()> {
        self.octet(b' ', "a space")?;
        self.skip_spaces();
        Ok(())
    }

    /// A space and something after it: whether an optional argument follows.
    pub fn sp_and_more(&mut self) -> bool {
        let start = self.at;
        self.skip_spaces();
        self.at > start && self.peek().is_some()
    }

    /// The end of the command; spaces before it are let through.
    pub fn end(&mut self) -> Parsed<()> {
        self.skip_spaces();
        match self.peek() {
            None => Ok(()),
            Some(_) => self.refuse(What::TrailingText),
        }
    }

    pub fn take_while(&mut self, good: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let len = rest
            .iter()
            .position(|&octet| !good(octet))
            .unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// `atom = 1*ATOM-CHAR`
    pub fn atom(&mut self, wanted: &'static str) -> Parsed<&'a str> {
        let word = self.take_while(is_atom_char);
        if word.is_empty() {
            return self.refuse(What::Expected(wanted));
        }
        Ok(std::str::from_utf8(word).expect("because atoms are ASCII"))
    }

    /// `astring = 1*ASTRING-CHAR / string`
    pub fn astring(&mut self, wanted: &'static str) -> Parsed<Vec<u8>> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(wanted),
            Some(octet) if is_astring_char(octet) => Ok(self.take_while(is_astring_char).to_vec()),
            _ => self.refuse(What::Expected(wanted)),
        }
    }

    /// An astring that must be text.
    pub fn astring_text(&mut self, wanted: &'static str) -> Parsed<String> {
        let start = self.at;
        let octets = self.astring(wanted)?;
        self.or_refuse(String::from_utf8(octets).ok(), What::NotUtf8, start)
    }

    /// `string = quoted / literal`
    pub fn string(&mut self, wanted: &'static str) -> Parsed<Vec<u8>> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal().map(<[u8]>::to_vec),
            _ => self.refuse(What::Expected(wanted)),
        }
    }

    /// `nstring = string / nil`
    pub fn nstring_text(&mut self, wanted: &'static str) -> Parsed<Option<String>> {
        let start = self.at;
        if self.take_while(is_atom_char).eq_ignore_ascii_case(b"NIL") {
            return Ok(None);
        }
        self.at = start;
        let octets = self.string(wanted)?;
        self.or_refuse(
            String::from_utf8(octets).ok().map(Some),
            What::NotUtf8,
            start,
        )
    }

    /// `quoted = DQUOTE *QUOTED-CHAR DQUOTE`, `QUOTED-CHAR = <any TEXT-CHAR except quoted-specials>
    /// / "\" quoted-specials / UTF8-2 / UTF8-3 / UTF8-4` [rfc9051 4.3.1]
    fn quoted(&mut self) -> Parsed<Vec<u8>> {
        let start = self.at;
        self.octet(b'"', "a quoted string")?;
        let mut value = Vec::new();
        loop {
            value.extend_from_slice(self.take_while(|octet| !b"\"\\\r\n".contains(&octet)));
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(special @ (b'"' | b'\\')) => value.push(special),
                        _ => return self.refuse(What::Expected("\" or \\ after \\")),
                    }
                    self.at += 1;
                }
                _ => return self.refuse(What::Expected("the end of the quoted string")),
            }
        }
        self.at += 1;
        if std::str::from_utf8(&value).is_err() {
            self.at = start;
            return self.refuse(What::NotUtf8);
        }
        Ok(value)
    }

    /// `literal = "{" number64 ["+"] "}"`, up to its line end. [rfc7888 8]
    pub fn literal_head(&mut self) -> Parsed<LiteralHead> {
        self.octet(b'{', "a literal")?;
        let octets = self.number64("the size of the literal")?;
        let kind = match self.take(b'+') {
            Some(()) => LiteralKind::NonSynchronizing,
            None => LiteralKind::Synchronizing,
        };
        self.octet(b'}', "} after the size of the literal")?;
        Ok(LiteralHead { octets, kind })
    }

    /// `literal = "{" number64 ["+"] "}" CRLF *CHAR8`
    fn literal(&mut self) -> Parsed<&'a [u8]> {
        let head = self.literal_head()?;
        if self.peek().is_none() {
            return Err(Stop::Literal(head));
        }
        self.octet(b'\r', "the end of the line")?;
        self.octet(b'\n', "the end of the line")?;
        let end = usize::try_from(head.octets)
            .ok()
            .and_then(|octets| self.at.checked_add(octets));
        let Some(octets) = end.and_then(|end| self.text.get(self.at..end)) else {
            return self.refuse(What::Expected("all of the literal"));
        };
        self.at += octets.len();
        Ok(octets)
    }

    /// `number = 1*DIGIT`, `number64 = 1*DIGIT` below 2^63.
    pub fn number64(&mut self, wanted: &'static str) -> Parsed<u64> {
        let start = self.at;
        let digits = self.take_while(|octet| octet.is_ascii_digit());
        if digits.is_empty() {
            return self.refuse(What::Expected(wanted));
        }
        let number = std::str::from_utf8(digits)
            .expect("because digits are ASCII")
            .parse::<u64>();
        let fits = number.ok().filter(|&number| i64::try_from(number).is_ok());
        self.or_refuse(fits, What::NumberTooLarge, start)
    }

    pub fn mailbox(&mut self) -> Parsed<Mailbox> {
        let start = self.at;
        let wire = self.astring("a mailbox name")?;
        Mailbox::from_wire(&wire, self.names)
            .map_err(|what| Stop::Refused(Refusal::new(what, start)))
    }

    pub fn sequence_set(&mut self) -> Parsed<SequenceSet> {
        let start = self.at;
        let text = self.take_while(|octet| octet.is_ascii_digit() || b"*:,".contains(&octet));
        let ranges = 1 + text.iter().filter(|&&octet| octet == b',').count();
        if ranges > limits::SEQUENCE_RANGES {
            return Err(Stop::Refused(Refusal::new(What::TooMany("ranges"), start)));
        }
        self.or_refuse(
            SequenceSet::parse(text),
            What::Expected("a sequence set"),
            start,
        )
    }

    /// `sequence-set =/ seq-last-command`, `seq-last-command = "$"` [rfc5182 3]
    pub fn message_set(&mut self) -> Parsed<MessageSet> {
        match self.take(b'$') {
            Some(()) => Ok(MessageSet::Saved),
            None => self.sequence_set().map(MessageSet::Numbers),
        }
    }

    /// `known-uids = sequence-set`: `*` is not allowed. [rfc7162 7]
    pub fn plain_set(&mut self) -> Parsed<SequenceSet> {
        let start = self.at;
        let set = self.sequence_set()?;
        let plain = Some(set).filter(|set| !set.has_highest());
        self.or_refuse(plain, What::Expected("a set without *"), start)
    }

    /// `"(" [item *(SP item)] ")"`, at most so many.
    pub fn list<T>(
        &mut self,
        wanted: &'static str,
        most: usize,
        mut item: impl FnMut(&mut Cursor<'a>) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        self.octet(b'(', wanted)?;
        let mut items = Vec::new();
        loop {
            self.skip_spaces();
            if self.take(b')').is_some() {
                return Ok(items);
            }
            if items.len() == most {
                return self.refuse(What::TooMany("members of a list"));
            }
            items.push(item(self)?);
            if !matches!(self.peek(), Some(b' ' | b')')) {
                return self.refuse(What::Expected("a space or )"));
            }
        }
    }
}
