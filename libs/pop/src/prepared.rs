//! Which names and passwords in UTF-8 are taken [rfc6856 2.2].
//!
//! What SASLprep forbids (RFC 4013 section 2.3) is refused here; the comparison itself, and the
//! normalization for it, is not here.

/// Whether this may be a name or a password: ASCII, or UTF-8 without forbidden characters.
pub(crate) fn is_allowed(octets: &[u8]) -> bool {
    octets.is_ascii()
        || std::str::from_utf8(octets).is_ok_and(|text| !text.chars().any(is_prohibited))
}

/// The tables C.2.1 to C.9 of RFC 3454, less what SASLprep maps to nothing before it looks.
fn is_prohibited(c: char) -> bool {
    c.is_control() || is_unprintable(c) || is_private_or_none(c) || is_misleading(c)
}

/// C.2.2
fn is_unprintable(c: char) -> bool {
    matches!(
        c,
        '\u{6dd}' | '\u{70f}' | '\u{180e}' | '\u{2028}' | '\u{2029}' | '\u{2061}'..='\u{2063}'
            | '\u{1d173}'..='\u{1d17a}'
    )
}

/// C.3, C.4, and C.6; C.5 is never in UTF-8.
fn is_private_or_none(c: char) -> bool {
    matches!(
        c,
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' | '\u{fdd0}'..='\u{fdef}'
            | '\u{fff9}'..='\u{fffd}'
    ) || u32::from(c) & 0xfffe == 0xfffe
}

/// C.7, C.8 and C.9: what changes how other characters look.
fn is_misleading(c: char) -> bool {
    matches!(
        c,
        '\u{2ff0}'..='\u{2ffb}' | '\u{340}' | '\u{341}' | '\u{200e}' | '\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{e0001}'
            | '\u{e0020}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_utf_8_and_what_saslprep_forbids() {
        // [rfc6856 2.2]
        for taken in [
            "secret",
            "with spaces",
            "пароль",
            "密码",
            "p\u{200b}q",
            "🐦",
        ] {
            assert!(is_allowed(taken.as_bytes()), "{taken:?}");
        }
        for refused in [
            "ö\u{7}",
            "ö\u{e000}",
            "\u{fffd}",
            "\u{202e}ab",
            "\u{1ffff}",
            "\u{85}",
        ] {
            assert!(!is_allowed(refused.as_bytes()), "{refused:?}");
        }
        assert!(!is_allowed(b"\xff\xfe"));
        assert!(!is_allowed(b"\xc0\xaf"), "a form that is too long");
        assert!(!is_allowed(b"\xed\xa0\x80"), "half of a pair");
    }
}
