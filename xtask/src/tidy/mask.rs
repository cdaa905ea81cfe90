//! Rust source with comments and the insides of strings blanked, so that a rule can look for words
//! and braces without being misled.
//!
//! What never happens here: parsing; this is only the lexer's half.

/// Every character of a comment, string or character literal becomes a space; line ends stay.
pub fn mask(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => line_end(bytes, at),
            b'/' if bytes[at..].starts_with(b"/*") => block_comment_end(bytes, at),
            b'"' => string_end(bytes, at),
            b'r' | b'b' | b'c' if !follows_word(bytes, at) => match raw_string_end(bytes, at) {
                Some(end) => end,
                None => {
                    at += 1;
                    continue;
                }
            },
            b'\'' => match char_end(bytes, at) {
                Some(end) => end,
                None => {
                    at += 1;
                    continue;
                }
            },
            _ => {
                at += 1;
                continue;
            }
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    // Only whole comments and literals were replaced, so this is UTF-8 still.
    String::from_utf8_lossy(&out).into_owned()
}

/// The index of the brace that closes the one at `open`.
pub fn closing_brace(masked: &str, open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (index, byte) in masked.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

fn follows_word(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..]
        .iter()
        .position(|&byte| byte == b'\n')
        .map_or(bytes.len(), |len| at + len)
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0usize;
    let mut at = start;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// `r"…"`, `r#"…"#`, `br"…"`, `cr"…"`: the end, if one begins here.
fn raw_string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    if matches!(bytes[at], b'b' | b'c') {
        at += 1;
    }
    if bytes.get(at) != Some(&b'r') {
        return None;
    }
    at += 1;
    let hashes = bytes[at..].iter().take_while(|&&byte| byte == b'#').count();
    at += hashes;
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let inner = &bytes[at + 1..];
    let len = inner
        .windows(close.len())
        .position(|window| window == close);
    Some(len.map_or(bytes.len(), |len| at + 1 + len + close.len()))
}

/// `'x'` or `'\n'`, but not a lifetime.
fn char_end(bytes: &[u8], quote: usize) -> Option<usize> {
    if bytes.get(quote + 1) == Some(&b'\\') {
        let close = bytes[quote + 3..].iter().position(|&byte| byte == b'\'')?;
        return Some(quote + 3 + close + 1);
    }
    // One character of up to four bytes.
    let close = (quote + 2..=quote + 5).find(|&at| bytes.get(at) == Some(&b'\''))?;
    let inner = std::str::from_utf8(&bytes[quote + 1..close]).ok()?;
    (inner.chars().count() == 1).then_some(close + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expect: &str) {
        assert_eq!(mask(source), expect, "{source}");
    }

    #[test]
    fn blanks_comments_strings_and_characters() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", &format!("a {} e", " ".repeat(17)));
        check("f(\"x{\\\"y\")", &format!("f({})", " ".repeat(7)));
        check("f('{', '\\'', 'a: &'a)", "f(   ,     , 'a: &'a)");
        check(
            "r#\"a \" b\"# + br\"x\"",
            &format!("{} + {}", " ".repeat(10), " ".repeat(5)),
        );
    }

    #[test]
    fn finds_the_closing_brace() {
        assert_eq!(closing_brace("a { b { c } d } e", 2), Some(14));
        assert_eq!(closing_brace("{ {", 0), None);
    }
}
