//! Local parts: dot-strings and quoted strings, kept without quotes.

use crate::Charset;
use crate::error::AddressError;
use crate::limits::LOCAL_BYTES;
use icu_normalizer::ComposingNormalizerBorrowed;
use std::borrow::Cow;
use std::fmt;

/// The part before the `@`, without quotes; Display adds quotes only where they are needed, so all
/// quoted forms of one local part are equal [rfc5321 4.1.2].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LocalPart(String);

impl LocalPart {
    /// A text that is a local part and nothing else, as it stands on the wire.
    pub fn parse(text: &[u8], charset: Charset) -> Result<LocalPart, AddressError> {
        match LocalPart::take(text, charset)? {
            (local, len) if len == text.len() => Ok(local),
            _ => Err(AddressError::LocalPart),
        }
    }

    /// From the content, which needs no quotes here; its case is kept [rfc5321 2.4].
    pub fn from_content(content: &str) -> Result<LocalPart, AddressError> {
        if content.chars().any(char::is_control) {
            return Err(AddressError::LocalPart);
        }
        let local = LocalPart(content.to_owned());
        if content.len() > LOCAL_BYTES || local.to_string().len() > LOCAL_BYTES {
            return Err(AddressError::LocalPartTooLong);
        }
        Ok(local)
    }

    /// Reads a local part from the front of a text; gives its length on the wire as well.
    ///
    /// ```text
    /// Local-part      = Dot-string / Quoted-string
    /// Dot-string      = Atom *("." Atom)
    /// Quoted-string   = DQUOTE *QcontentSMTP DQUOTE
    /// QcontentSMTP    = qtextSMTP / quoted-pairSMTP
    /// quoted-pairSMTP = %d92 %d32-126
    /// qtextSMTP       = %d32-33 / %d35-91 / %d93-126
    /// ```
    /// [rfc5321 4.1.2]; [rfc6531 3.3] adds UTF8-non-ascii to atext and qtextSMTP.
    pub(crate) fn take(text: &[u8], charset: Charset) -> Result<(LocalPart, usize), AddressError> {
        let (content, len) = match text.first() {
            Some(b'"') => take_quoted(&text[1..])?,
            _ => take_dot_string(text)?,
        };
        LocalPart::from_content(charset.text(&content)?).map(|local| (local, len))
    }

    /// The content, without quotes and escapes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form for look-up: NFC, lower case, quoted only if needed.
    pub fn key(&self) -> String {
        if self.0.is_ascii() {
            return wire(&self.0.to_ascii_lowercase()).into_owned();
        }
        let nfc = ComposingNormalizerBorrowed::new_nfc();
        wire(&nfc.normalize(&nfc.normalize(&self.0).to_lowercase())).into_owned()
    }

    /// Splits `user+detail`; no detail if nothing stands before the first `+`.
    pub(crate) fn split_detail(&self) -> Option<(&str, &str)> {
        self.0.split_once('+').filter(|(user, _)| !user.is_empty())
    }

    /// A part of this local part's content, which cannot be too long.
    pub(crate) fn part(&self, content: &str) -> LocalPart {
        debug_assert!(self.0.contains(content));
        LocalPart(content.to_owned())
    }
}

/// What follows the opening quote; the length counts both quotes.
fn take_quoted(text: &[u8]) -> Result<(Vec<u8>, usize), AddressError> {
    let mut content = Vec::new();
    let mut octets = text.iter().copied().enumerate();
    while let Some((at, octet)) = octets.next() {
        match octet {
            b'"' => return Ok((content, at + 2)),
            b'\\' => match octets.next() {
                Some((_, escaped @ 32..=126)) => content.push(escaped),
                _ => return Err(AddressError::LocalPart),
            },
            32..=126 | 128.. => content.push(octet),
            _ => return Err(AddressError::LocalPart),
        }
    }
    Err(AddressError::LocalPart)
}

fn take_dot_string(text: &[u8]) -> Result<(Vec<u8>, usize), AddressError> {
    let end = text
        .iter()
        .position(|&b| b != b'.' && !is_atext(b))
        .unwrap_or(text.len());
    let taken = &text[..end];
    if !is_dot_string(taken) {
        return Err(AddressError::LocalPart);
    }
    Ok((taken.to_vec(), end))
}

fn is_dot_string(text: &[u8]) -> bool {
    text.split(|&b| b == b'.')
        .all(|atom| !atom.is_empty() && atom.iter().all(|&b| is_atext(b)))
}

/// ```text
/// atext = ALPHA / DIGIT / "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "/" / "=" / "?" /
///         "^" / "_" / "`" / "{" / "|" / "}" / "~"      ; [rfc5322 3.2.3]
/// atext =/ UTF8-non-ascii                              ; [rfc6531 3.3]
/// ```
fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet) || octet >= 0x80
}

fn wire(content: &str) -> Cow<'_, str> {
    if is_dot_string(content.as_bytes()) {
        return Cow::Borrowed(content);
    }
    let mut quoted = String::with_capacity(content.len() + 2);
    quoted.push('"');
    for c in content.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    Cow::Owned(quoted)
}

impl fmt::Display for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&wire(&self.0))
    }
}
