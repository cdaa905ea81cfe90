//! Messages that can be told apart, and found again, by a token in a header field.
//!
//! What never happens here: sending.

/// The field that carries the token.
pub const FIELD: &str = "X-Token";

/// A message with this token and about so many octets.
pub fn letter(token: &str, octets: usize) -> Vec<u8> {
    let mut letter = format!(
        "From: bob@example.test\r\nTo: alice@example.test\r\n\
         Date: Mon, 23 Nov 2026 01:20:09 +0000\r\n\
         Message-ID: <{token}@client.example.org>\r\nSubject: {token}\r\n{FIELD}: {token}\r\n\r\n"
    );
    let line = format!("This line belongs to {token} and to no other message.\r\n");
    while letter.len() < octets {
        letter.push_str(&line);
    }
    letter.into_bytes()
}

/// The token in a header, or in anything that quotes one.
pub fn token_in(text: &[u8]) -> Option<String> {
    let field = format!("{FIELD}: ");
    let at = text
        .windows(field.len())
        .position(|window| window.eq_ignore_ascii_case(field.as_bytes()))?;
    let rest = &text[at + field.len()..];
    let end = rest
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric())
        .unwrap_or(rest.len());
    Some(String::from_utf8_lossy(&rest[..end]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_carries_its_token() {
        let letter = letter("r1s2n3", 2_000);
        assert_eq!(token_in(&letter).as_deref(), Some("r1s2n3"));
        assert!(letter.len() >= 2_000 && letter.ends_with(b"\r\n"));
        assert_eq!(token_in(b"Subject: none\r\n"), None);
    }
}
