//! Responses of IMAP as trees of values, so that two ways of writing the same are equal.
//!
//! What never happens here: a judgement on a difference.

use std::fmt;

/// One value of a response [rfc3501 4].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// An atom or number; a section in brackets belongs to it.
    Atom(String),
    /// A quoted string or a literal.
    Text(Vec<u8>),
    List(Vec<Value>),
}

impl Value {
    pub fn atom(text: &str) -> Value {
        Value::Atom(text.to_owned())
    }

    pub fn is_atom(&self, text: &str) -> bool {
        matches!(self, Value::Atom(atom) if atom.eq_ignore_ascii_case(text))
    }

    pub fn list_mut(&mut self) -> Option<&mut Vec<Value>> {
        match self {
            Value::List(list) => Some(list),
            _ => None,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Atom(atom) => f.write_str(atom),
            Value::Text(text) => write!(f, "\"{}\"", text.escape_ascii()),
            Value::List(list) => {
                f.write_str("(")?;
                for (index, value) in list.iter().enumerate() {
                    let space = if index > 0 { " " } else { "" };
                    write!(f, "{space}{value:?}")?;
                }
                f.write_str(")")
            }
        }
    }
}

/// All values of a response, from the octet after `* `.
pub fn parse(response: &[u8]) -> Vec<Value> {
    let mut reader = Reader {
        rest: response,
        depth: 0,
    };
    reader.values()
}

struct Reader<'a> {
    rest: &'a [u8],
    depth: usize,
}

impl Reader<'_> {
    fn values(&mut self) -> Vec<Value> {
        let mut values = Vec::new();
        loop {
            match self.rest.first() {
                None => return values,
                Some(b' ') => self.rest = &self.rest[1..],
                Some(b')') if self.depth > 0 => {
                    self.rest = &self.rest[1..];
                    return values;
                }
                Some(b'(') => {
                    self.rest = &self.rest[1..];
                    self.depth += 1;
                    values.push(Value::List(self.values()));
                    self.depth -= 1;
                }
                Some(b'"') => values.push(self.quoted()),
                Some(b'{') => values.push(self.literal()),
                // octets of any kind [rfc3516 7]
                Some(b'~') if self.rest.get(1) == Some(&b'{') => {
                    self.rest = &self.rest[1..];
                    values.push(self.literal());
                }
                Some(_) => values.push(self.atom()),
            }
        }
    }

    fn quoted(&mut self) -> Value {
        let mut text = Vec::new();
        let mut at = 1;
        while let Some(&octet) = self.rest.get(at) {
            match octet {
                b'"' => break,
                b'\\' => {
                    at += 1;
                    text.extend(self.rest.get(at));
                }
                _ => text.push(octet),
            }
            at += 1;
        }
        self.rest = self.rest.get(at + 1..).unwrap_or_default();
        Value::Text(text)
    }

    /// `{n}` CRLF and n octets.
    fn literal(&mut self) -> Value {
        let end = self.rest.iter().position(|&octet| octet == b'}');
        let end = end.expect("because a literal has its length in braces");
        let digits = std::str::from_utf8(&self.rest[1..end]).unwrap_or_default();
        let len: usize = digits.parse().expect("because a length is a number");
        let start = end + 3;
        let text = self.rest[start..start + len].to_vec();
        self.rest = &self.rest[start + len..];
        Value::Text(text)
    }

    /// Up to a space or bracket; within `[…]` both belong to it.
    fn atom(&mut self) -> Value {
        let mut inside = 0;
        let mut len = 0;
        for &octet in self.rest {
            match octet {
                b'[' => inside += 1,
                b']' if inside > 0 => inside -= 1,
                b' ' | b'(' | b')' if inside == 0 => break,
                _ => {}
            }
            len += 1;
        }
        // a lone closing bracket is taken as it is
        let len = len.max(1);
        let text = String::from_utf8_lossy(&self.rest[..len]).into_owned();
        self.rest = &self.rest[len..];
        Value::Atom(text)
    }
}

#[test]
fn quoted_strings_and_literals_are_the_same() {
    let quoted = parse(b"1 FETCH (BODY[HEADER.FIELDS (A B)] \"x\\\"y\" FLAGS (\\Seen))");
    let literal = parse(b"1 FETCH (BODY[HEADER.FIELDS (A B)] {3}\r\nx\"y FLAGS (\\Seen))");
    assert_eq!(quoted, literal);
    assert_eq!(
        format!("{quoted:?}"),
        "[1, FETCH, (BODY[HEADER.FIELDS (A B)] \"x\\\"y\" FLAGS (\\Seen))]"
    );
}
