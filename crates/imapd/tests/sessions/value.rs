//! Reads what a server says: just enough of the grammar for tests.

/// A word, string or list of a response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    Atom(String),
    Text(Vec<u8>),
    List(Vec<Value>),
}

impl Value {
    pub fn atom(&self) -> &str {
        match self {
            Value::Atom(word) => word,
            other => panic!("no atom: {other:?}"),
        }
    }
    /// A string; NIL is none.
    pub fn text(&self) -> Option<&[u8]> {
        match self {
            Value::Text(text) => Some(text),
            Value::Atom(word) if word == "NIL" => None,
            other => panic!("no string: {other:?}"),
        }
    }
    pub fn list(&self) -> &[Value] {
        match self {
            Value::List(values) => values,
            other => panic!("no list: {other:?}"),
        }
    }
    pub fn number(&self) -> u64 {
        self.atom().parse().unwrap()
    }
}

/// All values of a response (its literals included, without its last CRLF).
pub fn values(mut text: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    while let Some(value) = value(&mut text) {
        values.push(value);
    }
    assert!(text.is_empty(), "left: {:?}", String::from_utf8_lossy(text));
    values
}

fn value(text: &mut &[u8]) -> Option<Value> {
    *text = text.trim_ascii_start();
    match text.first()? {
        b')' => None,
        b'(' => {
            *text = &text[1..];
            let mut inner = Vec::new();
            while let Some(value) = value(text) {
                inner.push(value);
            }
            assert_eq!(text.first(), Some(&b')'), "an open list");
            *text = &text[1..];
            Some(Value::List(inner))
        }
        b'"' => Some(Value::Text(quoted(text))),
        b'{' => {
            let end = text.iter().position(|b| *b == b'}').unwrap();
            let len = std::str::from_utf8(&text[1..end]).unwrap();
            let len: usize = len.parse().unwrap();
            let start = end + 3;
            let literal = text[start..start + len].to_vec();
            *text = &text[start + len..];
            Some(Value::Text(literal))
        }
        _ => Some(Value::Atom(atom(text))),
    }
}

fn quoted(text: &mut &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 1;
    while text[at] != b'"' {
        at += usize::from(text[at] == b'\\');
        out.push(text[at]);
        at += 1;
    }
    *text = &text[at + 1..];
    out
}

/// A word; what stands in brackets (`BODY[HEADER.FIELDS (A B)]`) belongs to it.
fn atom(text: &mut &[u8]) -> String {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'[' => depth += 1,
            b']' => depth -= 1,
            b' ' | b'(' | b')' if depth == 0 => break,
            _ => {}
        }
        at += 1;
    }
    let word = String::from_utf8_lossy(&text[..at]).into_owned();
    *text = &text[at..];
    word
}
