//! Header fields: finding them, unfolding their values, and the parameters of Content-Type and its
//! like. Values stay raw octets. What never happens here: decoding of words or charsets.

use crate::limits;
use crate::record::KEPT_FIELDS;

/// The fields of a header, in order: name and raw value, folding included. Lines that are no
/// fields are left out; they do not end the header.
///
/// field = field-name ":" unstructured CRLF; field-name = 1*ftext [rfc5322 3.6.8]. Blanks before
/// the colon are obsolete syntax and accepted.
pub(crate) fn fields(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = header;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let (field, after) = rest.split_at(field_end(rest));
            rest = after;
            if let Some(found) = split_field(field) {
                return Some(found);
            }
        }
        None
    })
}

/// A field goes on as long as lines begin with a blank.
fn field_end(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match memchr::memchr(b'\n', &text[at..]) {
            None => return text.len(),
            Some(newline) => at += newline + 1,
        }
        if !matches!(text.get(at), Some(b' ' | b'\t')) {
            return at;
        }
    }
}

fn split_field(field: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', field)?;
    let name = field[..colon].trim_ascii_end();
    let valid = !name.is_empty() && name.iter().all(|b| b.is_ascii_graphic());
    valid.then(|| (name, &field[colon + 1..]))
}

/// Fields of which a part is asked, besides those that are kept for searches.
const PART_FIELDS: [&str; 7] = [
    "content-transfer-encoding",
    "content-disposition",
    "content-id",
    "content-description",
    "content-md5",
    "content-language",
    "content-location",
];
/// Of one name; who asks wants the first, or to know whether there are more.
const SAME_NAME: usize = 2;

/// The fields of a header of which the parser asks, cut once for all questions. Bounded, however
/// many fields the header has.
pub(super) struct Fields<'a>(Vec<(&'a [u8], &'a [u8])>);

impl<'a> Fields<'a> {
    pub fn of(header: &'a [u8]) -> Self {
        let mut found: Vec<(&[u8], &[u8])> = Vec::with_capacity(KEPT_FIELDS.len());
        for (name, value) in fields(header).filter(|(name, _)| is_asked_for(name)) {
            let same = |(other, _): &&(&[u8], &[u8])| other.eq_ignore_ascii_case(name);
            if found.iter().filter(same).count() < SAME_NAME {
                found.push((name, value));
            }
        }
        Self(found)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + '_ {
        self.0.iter().copied()
    }

    /// The raw value of the first field of that name.
    pub fn first(&self, name: &str) -> Option<&'a [u8]> {
        debug_assert!(is_asked_for(name.as_bytes()), "{name} is not looked at");
        self.iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The unfolded value of the first field of that name.
    pub fn unfolded(&self, name: &str) -> Option<Vec<u8>> {
        self.first(name).map(unfold)
    }
}

fn is_asked_for(name: &[u8]) -> bool {
    let mut all = KEPT_FIELDS.iter().chain(&PART_FIELDS);
    all.any(|asked| name.eq_ignore_ascii_case(asked.as_bytes()))
}

/// The raw value of the first field of that name.
pub(crate) fn first<'a>(header: &'a [u8], name: &str) -> Option<&'a [u8]> {
    fields(header)
        .find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| value)
}

/// Without folding, blanks at both ends, and octets that no IMAP string can carry; bounded.
pub(super) fn unfold(value: &[u8]) -> Vec<u8> {
    unfold_to(value, limits::FIELD_BYTES)
}

/// The same for values that may be long: address lists, References.
pub(super) fn unfold_whole(value: &[u8]) -> Vec<u8> {
    unfold_to(value, limits::ADDRESS_LIST_BYTES)
}

fn unfold_to(value: &[u8], max: usize) -> Vec<u8> {
    let trimmed = value.trim_ascii();
    if value.len() <= max && memchr::memchr3(b'\r', b'\n', 0, trimmed).is_none() {
        return trimmed.to_vec();
    }
    let mut out: Vec<u8> = Vec::with_capacity(value.len().min(max));
    for byte in value
        .iter()
        .filter(|b| !matches!(b, b'\r' | b'\n'))
        .take(max)
    {
        out.push(if *byte == 0 { b' ' } else { *byte });
    }
    out.trim_ascii().to_vec()
}

/// The unfolded value of the first field of that name.
pub(crate) fn unfolded(header: &[u8], name: &str) -> Option<Vec<u8>> {
    first(header, name).map(unfold)
}

/// A value with parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameterized {
    pub value: Vec<u8>,
    /// Names and values as they stand, those of RFC 2231 (`name*0*`) too.
    pub parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

/// value *(";" attribute "=" (token / quoted-string)) [rfc2045 5.1], read as leniently as it can
/// be: comments anywhere, missing quotes, blanks in bare values, empty parameters.
pub(crate) fn parameterized(value: &[u8]) -> Parameterized {
    let value = unfold(value);
    let mut scan = Scan { rest: &value };
    let mut out = Parameterized {
        value: scan.bare(b";"),
        parameters: Vec::new(),
    };
    while scan.skip(b';') && out.parameters.len() < limits::PARAMETERS {
        let name = scan.bare(b";=");
        if !scan.skip(b'=') {
            continue;
        }
        let value = scan.value();
        if !name.is_empty() {
            out.parameters.push((name, value));
        }
    }
    out
}

struct Scan<'a> {
    rest: &'a [u8],
}

impl Scan<'_> {
    fn skip(&mut self, byte: u8) -> bool {
        let found = self.rest.first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    /// Text up to one of `ends`, without comments, trimmed.
    fn bare(&mut self, ends: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some(byte) = self.rest.first() {
            match byte {
                b if ends.contains(b) => break,
                b'(' => self.comment(),
                other => {
                    out.push(*other);
                    self.rest = &self.rest[1..];
                }
            }
        }
        out.trim_ascii().to_vec()
    }

    /// comment = "(" *(ctext / quoted-pair / comment) ")" [rfc5322 3.2.2]; an open one ends with
    /// the value.
    fn comment(&mut self) {
        let mut depth = 0_usize;
        let mut bytes = self.rest.iter().enumerate();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'\\' => {
                    bytes.next();
                }
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.rest = &self.rest[at + 1..];
                return;
            }
        }
        self.rest = &[];
    }

    fn value(&mut self) -> Vec<u8> {
        self.rest = self.rest.trim_ascii_start();
        if self.rest.first() != Some(&b'"') {
            return self.bare(b";");
        }
        let mut out = Vec::new();
        let mut bytes = self.rest[1..].iter().enumerate();
        let mut end = self.rest.len();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'"' => {
                    end = at + 2;
                    break;
                }
                b'\\' => out.extend(bytes.next().map(|(_, escaped)| *escaped)),
                other => out.push(*other),
            }
        }
        self.rest = &self.rest[end..];
        // What stands between the closing quote and the next parameter is dropped.
        self.bare(b";");
        out
    }
}

/// encoding := "Content-Transfer-Encoding" ":" mechanism [rfc2045 6.1], in lower case; comments are
/// cut off.
pub(crate) fn encoding_word(value: &[u8]) -> Vec<u8> {
    let end = value
        .iter()
        .position(|b| matches!(b, b'(' | b';' | b' ' | b'\t'));
    value[..end.unwrap_or(value.len())].to_ascii_lowercase()
}

/// A media type; `None` if the value is none, which means text/plain [rfc2045 5.2].
pub(crate) fn media_type(value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let slash = memchr::memchr(b'/', value)?;
    let token = |text: &[u8]| {
        let text = text.trim_ascii();
        let end = text
            .iter()
            .position(|b| !is_token(*b))
            .unwrap_or(text.len());
        text[..end].to_vec()
    };
    let (kind, subtype) = (token(&value[..slash]), token(&value[slash + 1..]));
    (!kind.is_empty() && !subtype.is_empty()).then_some((kind, subtype))
}

/// token := 1*<any CHAR except SPACE, CTLs, or tspecials> [rfc2045 5.1]
fn is_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte)
}
