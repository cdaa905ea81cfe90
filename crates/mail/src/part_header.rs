//! What the header of a MIME part says of the part, for lists of parts: how it is encoded, and the
//! name of the file. What never happens here: decoding of content, and of RFC 2047 words.

use crate::parse::field::{Parameterized, encoding_word, fields, parameterized};

/// Of one part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartHeader {
    /// Content-Transfer-Encoding in lower case; `7bit` if nothing is said [rfc2045 6.1].
    pub encoding: String,
    /// The name of the file, if the part has one: Content-Disposition's, else Content-Type's.
    pub filename: Option<String>,
}

impl PartHeader {
    /// From the octets of the header.
    pub fn of(header: &[u8]) -> PartHeader {
        let value = |name: &str| {
            let mut all = fields(header);
            let found = all.find(|(field, _)| field.eq_ignore_ascii_case(name.as_bytes()));
            found.map(|(_, value)| value)
        };
        let encoding = value("content-transfer-encoding").map(|v| encoding_word(v.trim_ascii()));
        let is_word = |word: &Vec<u8>| !word.is_empty() && word.iter().all(u8::is_ascii_graphic);
        let encoding = encoding.filter(is_word).unwrap_or_else(|| b"7bit".to_vec());
        let disposition = value("content-disposition").map(parameterized);
        let media = value("content-type").map(parameterized);
        let filename = disposition.and_then(|found| parameter(&found, "filename"));
        PartHeader {
            encoding: String::from_utf8_lossy(&encoding).into_owned(),
            filename: filename.or_else(|| media.and_then(|found| parameter(&found, "name"))),
        }
    }
}

/// A parameter as it stands, or in the form of RFC 2231: its pieces joined, its octets decoded.
fn parameter(found: &Parameterized, name: &str) -> Option<String> {
    let plain = |wanted: &str| {
        let mut all = found.parameters.iter();
        let hit = all.find(|(n, _)| n.eq_ignore_ascii_case(wanted.as_bytes()));
        hit.map(|(_, value)| value.clone())
    };
    if let Some(value) = plain(&format!("{name}*")) {
        return text(octets(behind_charset(&value)));
    }
    let mut joined = Vec::new();
    for number in 0.. {
        let piece = match (
            plain(&format!("{name}*{number}*")),
            plain(&format!("{name}*{number}")),
        ) {
            (Some(coded), _) if number == 0 => octets(behind_charset(&coded)),
            (Some(coded), _) => octets(&coded),
            (None, Some(value)) => value,
            (None, None) => break,
        };
        joined.extend(piece);
    }
    match joined.is_empty() {
        true => text(plain(name)?),
        false => text(joined),
    }
}

/// initial-section: charset "'" language "'" value [rfc2231 7].
fn behind_charset(value: &[u8]) -> &[u8] {
    value.splitn(3, |b| *b == b'\'').nth(2).unwrap_or(value)
}

fn octets(coded: &[u8]) -> Vec<u8> {
    let digit = |b: Option<&u8>| char::from(*b?).to_digit(16);
    let (mut out, mut at) = (Vec::with_capacity(coded.len()), 0);
    while let Some(&byte) = coded.get(at) {
        match (byte, digit(coded.get(at + 1)), digit(coded.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// Without control characters; none if nothing is left.
fn text(octets: Vec<u8>) -> Option<String> {
    let text = String::from_utf8_lossy(&octets);
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    (!clean.is_empty()).then_some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, encoding: &str, filename: Option<&str>) {
        let found = PartHeader::of(header.as_bytes());
        assert_eq!(found.encoding, encoding, "{header}");
        assert_eq!(found.filename.as_deref(), filename, "{header}");
    }

    #[test]
    fn says_the_encoding_and_the_name_of_the_file() {
        check("Subject: x\r\n\r\n", "7bit", None);
        check(
            "Content-Transfer-Encoding: BASE64 (x)\r\n\
             Content-Type: image/png; name=\"a b.png\"\r\n",
            "base64",
            Some("a b.png"),
        );
        check(
            "content-type: text/plain; name=wrong\r\n\
             Content-Disposition: attachment;\r\n filename=right.txt\r\n",
            "7bit",
            Some("right.txt"),
        );
        check("Content-Transfer-Encoding:\r\n", "7bit", None);
    }

    #[test]
    fn reads_names_in_the_form_of_rfc_2231() {
        // [rfc2231 7]
        let name = |parameters: &str| {
            let header = format!("Content-Disposition: attachment; {parameters}\r\n");
            PartHeader::of(header.as_bytes()).filename
        };
        assert_eq!(
            name("filename*=UTF-8'de'Gr%C3%BC%C3%9Fe.txt").as_deref(),
            Some("Grüße.txt")
        );
        assert_eq!(
            name("filename*0*=UTF-8''a%20; filename*1=\"b%20\"; filename*2*=c%2e").as_deref(),
            Some("a b%20c.")
        );
        assert_eq!(name("filename=\"\"").as_deref(), None);
    }
}
