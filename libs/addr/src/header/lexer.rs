//! Header field text to tokens.
//!
//! One pass, no recursion: a comment or quoted string that does not end is looked for once, then
//! its opening octet is skipped.

use std::borrow::Cow;

/// A token, and whether white space or a comment stands before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Token<'a> {
    pub kind: Kind<'a>,
    pub spaced: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Kind<'a> {
    /// An atom, or the content of a quoted string.
    Word(Cow<'a, [u8]>),
    /// A domain literal with its brackets.
    Literal(Cow<'a, [u8]>),
    Dot,
    At,
    Comma,
    Colon,
    Semicolon,
    Less,
    Greater,
}

pub(super) struct Lexer<'a> {
    raw: &'a [u8],
    at: usize,
    /// The content of the last comment since this was taken.
    pub comment: Option<Vec<u8>>,
    /// Something was skipped.
    pub skipped: bool,
    /// Openings that have no end; looked for once, so that time stays in proportion.
    endless: [bool; 3],
}

/// Reads a text from its opening octet: the content, and the length of it all on the wire.
type Enclosed = fn(&[u8]) -> Option<(Vec<u8>, usize)>;

const QUOTE: usize = 0;
const PAREN: usize = 1;
const BRACKET: usize = 2;

impl<'a> Lexer<'a> {
    pub fn new(raw: &'a [u8]) -> Lexer<'a> {
        Lexer {
            raw,
            at: 0,
            comment: None,
            skipped: false,
            endless: [false; 3],
        }
    }

    pub fn next(&mut self) -> Option<Token<'a>> {
        let mut spaced = false;
        loop {
            let octet = *self.raw.get(self.at)?;
            let kind = match octet {
                b' ' | b'\t' | b'\r' | b'\n' => {
                    self.at += 1;
                    spaced = true;
                    continue;
                }
                b'(' => {
                    match self.enclosed(PAREN, comment) {
                        Some(content) => self.comment = Some(content),
                        None => self.skip(),
                    }
                    spaced = true;
                    continue;
                }
                b'"' => self
                    .enclosed(QUOTE, quoted)
                    .map(|text| Kind::Word(text.into())),
                b'[' => self
                    .enclosed(BRACKET, literal)
                    .map(|text| Kind::Literal(text.into())),
                b'.' => self.single(Kind::Dot),
                b'@' => self.single(Kind::At),
                b',' => self.single(Kind::Comma),
                b':' => self.single(Kind::Colon),
                b';' => self.single(Kind::Semicolon),
                b'<' => self.single(Kind::Less),
                b'>' => self.single(Kind::Greater),
                b')' | b']' | b'\\' | 0..=31 | 127 => None,
                _ => Some(Kind::Word(self.atom().into())),
            };
            match kind {
                Some(kind) => return Some(Token { kind, spaced }),
                None => self.skip(),
            }
        }
    }

    fn skip(&mut self) {
        self.at += 1;
        self.skipped = true;
    }

    fn single(&mut self, kind: Kind<'a>) -> Option<Kind<'a>> {
        self.at += 1;
        Some(kind)
    }

    /// ```text
    /// atom = [CFWS] 1*atext [CFWS]    ; [rfc5322 3.2.3]
    /// ```
    /// Any octet above 127 counts as atext [rfc6532 3.2], be it UTF-8 or not.
    fn atom(&mut self) -> &'a [u8] {
        let rest = &self.raw[self.at..];
        let ends = |b: &u8| *b <= b' ' || *b == 127 || b"()<>[]:;@\\,.\"".contains(b);
        let atom = &rest[..rest.iter().position(ends).unwrap_or(rest.len())];
        self.at += atom.len();
        atom
    }

    /// What stands between the opening octet here and its end; None if there is no end.
    fn enclosed(&mut self, opening: usize, read: Enclosed) -> Option<Vec<u8>> {
        if self.endless[opening] {
            return None;
        }
        match read(&self.raw[self.at..]) {
            Some((content, len)) => {
                self.at += len;
                Some(content)
            }
            None => {
                self.endless[opening] = true;
                None
            }
        }
    }
}

/// ```text
/// quoted-string = [CFWS] DQUOTE *([FWS] qcontent) [FWS] DQUOTE [CFWS]
/// qcontent      = qtext / quoted-pair
/// ```
/// [rfc5322 3.2.4] Gives the content, unfolded and without backslashes, and the length with quotes.
fn quoted(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut content = Vec::new();
    let mut at = 1;
    loop {
        match *text.get(at)? {
            b'"' => return Some((content, at + 1)),
            b'\\' => {
                at += 1;
                push_unfolded(&mut content, *text.get(at)?);
            }
            octet => push_unfolded(&mut content, octet),
        }
        at += 1;
    }
}

/// ```text
/// comment  = "(" *([FWS] ccontent) [FWS] ")"
/// ccontent = ctext / quoted-pair / comment
/// ```
/// [rfc5322 3.2.2] Gives what is between the outer parentheses, inner ones kept.
fn comment(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut content = Vec::new();
    let mut depth = 1usize;
    let mut at = 1;
    loop {
        let octet = *text.get(at)?;
        at += 1;
        match octet {
            b'\\' => {
                push_unfolded(&mut content, *text.get(at)?);
                at += 1;
                continue;
            }
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((content.trim_ascii().to_vec(), at));
        }
        push_unfolded(&mut content, octet);
    }
}

/// ```text
/// domain-literal = [CFWS] "[" *([FWS] dtext) [FWS] "]" [CFWS]
/// ```
/// [rfc5322 3.4.1] Gives it with brackets.
fn literal(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let end = text.iter().position(|&b| b == b']')? + 1;
    let mut content = Vec::with_capacity(end);
    text[..end]
        .iter()
        .for_each(|&octet| push_unfolded(&mut content, octet));
    Some((content, end))
}

/// Line ends vanish; the white space behind them stays [rfc5322 2.2.3]. A NUL cannot be shown by
/// any protocol that sends these texts.
fn push_unfolded(content: &mut Vec<u8>, octet: u8) {
    if !matches!(octet, b'\r' | b'\n' | 0) {
        content.push(octet);
    }
}
