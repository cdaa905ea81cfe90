//! The charset in which a client writes what it searches for. What never happens here: the charsets
//! of messages.

use crate::reply::{Answer, Trouble};
use encoding_rs::Encoding;
use imap::ResponseCode;

/// What BADCHARSET lists; more are taken, under all names that browsers know.
const LISTED: [&str; 39] = [
    "US-ASCII",
    "UTF-8",
    "ISO-8859-1",
    "ISO-8859-2",
    "ISO-8859-3",
    "ISO-8859-4",
    "ISO-8859-5",
    "ISO-8859-6",
    "ISO-8859-7",
    "ISO-8859-8",
    "ISO-8859-8-I",
    "ISO-8859-9",
    "ISO-8859-10",
    "ISO-8859-13",
    "ISO-8859-14",
    "ISO-8859-15",
    "ISO-8859-16",
    "windows-874",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "IBM866",
    "KOI8-R",
    "KOI8-U",
    "macintosh",
    "x-mac-cyrillic",
    "GBK",
    "gb18030",
    "Big5",
    "EUC-JP",
    "ISO-2022-JP",
    "Shift_JIS",
    "EUC-KR",
];

/// A charset that is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Charset {
    /// UTF-8, of which US-ASCII is a part. What names no charset is UTF-8 too [rfc9051 6.4.4].
    Utf8,
    Other(&'static Encoding),
}

/// The charset of that name [rfc3501 6.4.4].
pub(crate) fn named(name: Option<&str>) -> Result<Charset, Trouble> {
    let Some(name) = name else {
        return Ok(Charset::Utf8);
    };
    if ["US-ASCII", "UTF-8"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
    {
        return Ok(Charset::Utf8);
    }
    match Encoding::for_label_no_replacement(name.as_bytes()) {
        // A NUL cannot be sent, so that nothing useful comes in UTF-16.
        Some(encoding) if encoding.is_ascii_compatible() || is_iso_2022(encoding) => {
            Ok(Charset::Other(encoding))
        }
        _ => {
            let listed = LISTED.iter().map(|&name| name.to_owned()).collect();
            let code = ResponseCode::BadCharset(listed);
            Err(Answer::no(code, "that charset is not known").into())
        }
    }
}

fn is_iso_2022(encoding: &'static Encoding) -> bool {
    encoding == encoding_rs::ISO_2022_JP
}

impl Charset {
    /// A text of the search as Unicode.
    pub fn decode(self, text: &[u8]) -> Result<String, Trouble> {
        let decoded = match self {
            Charset::Utf8 => std::str::from_utf8(text).ok().map(str::to_owned),
            Charset::Other(encoding) => encoding
                .decode_without_bom_handling_and_without_replacement(text)
                .map(std::borrow::Cow::into_owned),
        };
        decoded.ok_or_else(|| {
            let text = "the search text is not valid in its charset";
            Answer::no(ResponseCode::Cannot, text).into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [rfc3501 6.4.4]
    #[test]
    fn every_charset_that_is_listed_is_known() {
        for name in LISTED {
            assert!(named(Some(name)).is_ok(), "{name}");
        }
    }

    #[test]
    fn decodes_what_the_charset_can_say_and_refuses_the_rest() {
        let decode = |name, text: &[u8]| named(name).ok()?.decode(text).ok();
        assert_eq!(
            decode(Some("koi8-r"), b"\xd0\xc9\xd7\xcf").as_deref(),
            Some("\u{43f}\u{438}\u{432}\u{43e}")
        );
        assert_eq!(
            decode(Some("latin1"), b"gr\xfcn").as_deref(),
            Some("gr\u{fc}n")
        );
        assert_eq!(
            decode(Some("iso-2022-jp"), b"\x1b$B%F\x1b(B").as_deref(),
            Some("\u{30c6}")
        );
        assert_eq!(
            decode(None, "gr\u{fc}n".as_bytes()).as_deref(),
            Some("gr\u{fc}n")
        );
        assert_eq!(decode(None, b"gr\xfcn"), None);
        assert_eq!(decode(Some("shift_jis"), b"\x81"), None);
        for name in ["utf-16le", "utf-7", "x-unknown", "iso-2022-kr"] {
            assert!(named(Some(name)).is_err(), "{name}");
        }
    }
}
