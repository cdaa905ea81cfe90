//! What travels encoded, as a reader sees it: encoded words, base64, quoted-printable, charsets.
//! Broken encodings give what can be read of them; nothing here fails.

use crate::transfer::whole;
use mail::Encoding;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::parsers::MessageStream;
use mail_parser::{DateTime, HeaderValue};
use std::borrow::Cow;

/// A header field's value with its encoded words decoded [rfc2047 6].
pub(crate) fn field(value: &[u8]) -> String {
    let mut line = value.trim_ascii_end().to_vec();
    line.extend_from_slice(b"\r\n");
    match MessageStream::new(&line).parse_unstructured() {
        HeaderValue::Text(text) => text.into_owned(),
        _ => String::new(),
    }
}

/// Is the text, in lower case, in a header field's value?
pub(crate) fn field_contains(value: &[u8], text: &str) -> bool {
    let line = value.trim_ascii();
    let is_folded = memchr::memchr(b'\n', line).is_some();
    // Most values are a line of ASCII that nothing is encoded in.
    if line.is_ascii() && !is_folded && !has_encoded_word(line) {
        return ascii_contains(line, text.as_bytes());
    }
    field(value).to_lowercase().contains(text)
}

/// May there be one? It begins with `=?` [rfc2047 2].
fn has_encoded_word(line: &[u8]) -> bool {
    memchr::memchr_iter(b'=', line).any(|at| line.get(at + 1) == Some(&b'?'))
}

/// Is the text, in lower case, in a value of ASCII? Nothing is made ready for it: values are short.
fn ascii_contains(value: &[u8], text: &[u8]) -> bool {
    let Some(first) = text.first() else {
        return true;
    };
    let Some(last) = value.len().checked_sub(text.len()) else {
        return false;
    };
    let at = |start: usize| value[start..start + text.len()].eq_ignore_ascii_case(text);
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), &value[..=last]).any(at)
}

/// The day that a Date field writes, in its own zone; days since 1970-01-01.
pub(crate) fn day(value: &[u8]) -> Option<i32> {
    let mut line = value.trim_ascii().to_vec();
    line.extend_from_slice(b"\r\n");
    let line = String::from_utf8_lossy(&line);
    let date = DateTime::parse_rfc822(&line)?;
    let date = imap::Date::new(date.year, date.month, date.day)?;
    Some(date.days())
}

/// A part's text.
pub(crate) fn text(octets: &[u8], encoding: Encoding, charset: Option<&str>) -> String {
    let octets: Cow<'_, [u8]> = match encoding {
        Encoding::Identity | Encoding::Other => Cow::Borrowed(octets),
        Encoding::Base64 | Encoding::QuotedPrintable => Cow::Owned(whole(octets, encoding)),
    };
    let charset = charset.unwrap_or("utf-8");
    let plain = ["utf-8", "utf8", "us-ascii"].contains(&charset);
    // Much that says nothing, or ASCII, is UTF-8.
    match (
        plain,
        std::str::from_utf8(&octets),
        charset_decoder(charset.as_bytes()),
    ) {
        (true, Ok(text), _) => text.to_owned(),
        (false, _, Some(decoder)) => decoder(&octets),
        _ => String::from_utf8_lossy(&octets).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [rfc2047 6]
    #[test]
    fn decodes_encoded_words_and_folded_lines() {
        assert_eq!(
            field(b" =?utf-8?q?Gr=C3=BC=C3=9Fe?= an\r\n alle\r\n"),
            "Grüße an alle"
        );
        assert_eq!(field(b" plain"), "plain");
        assert_eq!(field(b""), "");
    }

    #[test]
    fn a_text_is_found_in_a_field_whether_or_not_it_is_encoded() {
        assert!(field_contains(b"Re: The PLAN", "the plan"));
        assert!(field_contains(
            b"=?utf-8?q?Gr=C3=9C=C3=9Fe?=",
            "gr\u{fc}\u{df}"
        ));
        assert!(field_contains("Gr\u{dc}\u{df}e".as_bytes(), "gr\u{fc}"));
        assert!(field_contains(b" a\r\n b\r\n", "a b"));
        assert!(field_contains(b"anything", ""));
        assert!(field_contains(b"", ""));
        assert!(field_contains(
            b"1 = 2? A(b",
            "? a(B".to_lowercase().as_str()
        ));
        assert!(field_contains(b"aaab", "aab"));
        assert!(!field_contains(b"ab", "abc"));
        assert!(!field_contains(b"kelvin", "\u{212a}elvin"));
        assert!(!field_contains(b"Re: The PLAN", "the plans"));
        assert!(!field_contains(b"=?utf-8?q?a=20b?=", "utf-8"));
    }

    /// [rfc2045 6.7] [rfc2045 6.8]
    #[test]
    fn decodes_transfer_encodings_and_charsets() {
        let check = |octets: &[u8], encoding, charset, expect: &str| {
            assert_eq!(text(octets, encoding, charset), expect);
        };
        check(
            b"R3LD\r\nvMOfZQ==",
            Encoding::Base64,
            Some("utf-8"),
            "Grüße",
        );
        check(
            b"Gr=C3=BC=C3=\r\n=9Fe",
            Encoding::QuotedPrintable,
            Some("utf-8"),
            "Grüße",
        );
        check(
            b"Gr=FC=DFe",
            Encoding::QuotedPrintable,
            Some("iso-8859-1"),
            "Grüße",
        );
        check(b"1=1 =x", Encoding::QuotedPrintable, None, "1=1 =x");
        check("Grüße".as_bytes(), Encoding::Identity, None, "Grüße");
        check(
            "Grüße".as_bytes(),
            Encoding::Identity,
            Some("us-ascii"),
            "Grüße",
        );
    }

    #[test]
    fn reads_the_day_in_the_zone_in_which_it_is_written() {
        let day_of = |text: &str| day(text.as_bytes());
        let expect = imap::Date::new(2020, 2, 4).map(imap::Date::days);
        assert_eq!(day_of("Tue, 04 Feb 2020 23:59:00 -0800"), expect);
        assert_eq!(day_of(" 4 Feb 2020 00:01 +0900"), expect);
        assert_eq!(day_of("yesterday"), None);
    }
}
