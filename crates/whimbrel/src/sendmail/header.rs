//! The header of a message that a program hands in: who is to get it, and what nobody is to see.
//!
//! What never happens here: a judgement; what is missing the server puts in.

use super::addresses;
use super::exit::Ended;
use addr::ForwardPath;

/// Fields that `-t` reads.
const RECIPIENTS: &[&str] = &["to", "cc", "bcc"];
const RESENT: &[&str] = &["resent-to", "resent-cc", "resent-bcc"];
/// Fields that nobody is to see.
const BLIND: &[&str] = &["bcc", "resent-bcc"];

/// A message in two.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parts<'a> {
    /// Whole fields with their line ends.
    fields: Vec<Field<'a>>,
    /// From the empty line on, or from the first line that is no field.
    rest: &'a [u8],
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Field<'a> {
    /// In lower case.
    name: String,
    value: &'a [u8],
    whole: &'a [u8],
}

/// Reads a message with lines of either kind. A first line that begins with `From ` is what a mailbox
/// file has there; it goes.
pub fn split(message: &[u8]) -> Parts<'_> {
    let mut rest = message;
    while rest.starts_with(b"From ") || rest.starts_with(b">From ") {
        rest = &rest[line_of(rest)..];
    }
    let mut fields = Vec::new();
    while let Some(name) = name_of(rest) {
        let mut end = line_of(rest);
        while matches!(rest.get(end), Some(b' ' | b'\t')) {
            end += line_of(&rest[end..]);
        }
        let whole = &rest[..end];
        let colon = whole.iter().position(|octet| *octet == b':');
        let value = colon.map_or(&[][..], |colon| &whole[colon + 1..]);
        fields.push(Field { name, value, whole });
        rest = &rest[end..];
    }
    Parts { fields, rest }
}

/// The name of the field that begins here. [rfc5322 3.6.8]
fn name_of(text: &[u8]) -> Option<String> {
    let line = &text[..line_of(text)];
    let colon = line.iter().position(|octet| *octet == b':')?;
    let name = line[..colon].trim_ascii_end();
    let is_name = !name.is_empty() && name.iter().all(|octet| (b'!'..=b'~').contains(octet));
    is_name.then(|| String::from_utf8_lossy(name).to_ascii_lowercase())
}

/// Octets of the first line with its end.
fn line_of(text: &[u8]) -> usize {
    let end = text.iter().position(|octet| *octet == b'\n');
    end.map_or(text.len(), |end| end + 1)
}

impl Parts<'_> {
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// Whom the header names; of a message that is sent once more, whom that names.
    pub fn recipients(&self) -> Result<Vec<ForwardPath>, Ended> {
        let is_resent = self
            .fields
            .iter()
            .any(|field| field.name.starts_with("resent-"));
        let names = if is_resent { RESENT } else { RECIPIENTS };
        let mut all = Vec::new();
        for field in self
            .fields
            .iter()
            .filter(|field| names.contains(&field.name.as_str()))
        {
            all.extend(addresses::recipients(field.value)?);
        }
        Ok(all)
    }

    /// The message without what nobody is to see, with these fields before it.
    pub fn joined(&self, added: &str) -> Vec<u8> {
        let mut out = added.as_bytes().to_vec();
        for field in self
            .fields
            .iter()
            .filter(|field| !BLIND.contains(&field.name.as_str()))
        {
            out.extend_from_slice(field.whole);
        }
        let begins_with_text = !self.rest.is_empty() && !matches!(self.rest[0], b'\r' | b'\n');
        if begins_with_text {
            // or the first line would be part of a header
            out.push(b'\n');
        }
        out.extend_from_slice(self.rest);
        out
    }

    /// Whether the header needs SMTPUTF8. [rfc6532 3]
    pub fn is_ascii(&self) -> bool {
        self.fields.iter().all(|field| field.whole.is_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipients(message: &str) -> Vec<String> {
        let parts = split(message.as_bytes());
        let all = parts.recipients().unwrap();
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_header_says_who_gets_it() {
        assert_eq!(
            recipients("To: a@x.test,\n\tb\nCC: c@x.test\nBcc: d@x.test\n\nTo: e@x.test\n"),
            ["<a@x.test>", "<b@localhost>", "<c@x.test>", "<d@x.test>"]
        );
        assert_eq!(
            recipients("To: a@x.test\r\nResent-To: b@x.test\r\n\r\n"),
            ["<b@x.test>"]
        );
        assert!(recipients("no field\nTo: a@x.test\n").is_empty());
        assert!(split(b"To: <a\n\n").recipients().is_err());
    }

    #[test]
    fn what_is_blind_goes_and_the_rest_stays() {
        let joined = |text: &str, added: &str| {
            String::from_utf8(split(text.as_bytes()).joined(added)).unwrap()
        };
        assert_eq!(
            joined(
                "From x Mon\nTo: a\nBcc: b,\n c\nSubject: s\n\nBcc: text\n",
                "From: j\n"
            ),
            "From: j\nTo: a\nSubject: s\n\nBcc: text\n"
        );
        assert_eq!(joined("only text\n", ""), "\nonly text\n");
        assert_eq!(joined("To: a\nno field\n", ""), "To: a\n\nno field\n");
        assert_eq!(joined("", ""), "");
    }
}
