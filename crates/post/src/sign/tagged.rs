//! Fields of tags that end with a signature: how they are folded, and what of them is signed.
//!
//! What never happens here: a choice of keys or of what is covered.
//!
//! ```abnf
//! tag-list = tag-spec *( ";" tag-spec )          ; [rfc6376 3.2]
//! ```
//!
//! `b` stands last, nothing behind it: some who verify keep the white space that follows its value.

use super::fields::Field;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail_auth::common::crypto::{DkimKey as Secret, SigningKey};
use mail_auth::dkim::Canonicalization;

/// Lines are folded before this column. [rfc5322 2.1.1]
const COLUMNS: usize = 76;

/// A field of these tags without its signature. Values may be folded behind their colons.
pub(crate) fn unsigned(name: &str, tags: &[(&str, String)]) -> String {
    let mut text = format!("{name}:");
    let mut column = text.len();
    for (tag, value) in tags {
        let mut pieces = value.split_inclusive(':');
        let first = format!(" {tag}={}", pieces.next().unwrap_or_default());
        let end = |last: bool| if last { ";" } else { "" };
        let count = value.split_inclusive(':').count().max(1);
        put(&mut text, &mut column, &first, end(count == 1));
        for (place, piece) in pieces.enumerate() {
            put(&mut text, &mut column, piece, end(place + 2 == count));
        }
    }
    put(&mut text, &mut column, " b=", "");
    text
}

/// A piece that stays whole, at the end of the line or on a new one.
fn put(text: &mut String, column: &mut usize, piece: &str, end: &str) {
    if *column + piece.len() + end.len() > COLUMNS {
        text.push_str("\r\n\t");
        // a tab counts as eight columns
        *column = 8;
        text.push_str(piece.trim_start());
    } else {
        text.push_str(piece);
    }
    text.push_str(end);
    *column += piece.len() + end.len();
}

/// The field with its signature over `fields`, in their order, and over itself. [rfc6376 3.7]
pub(crate) fn signed(
    unsigned: &str,
    fields: &[Field<'_>],
    secret: &Secret,
) -> Result<String, mail_auth::Error> {
    let (name, value) = unsigned.split_once(':').unwrap_or((unsigned, ""));
    let own = [(name.as_bytes(), value.as_bytes())];
    let all = fields.iter().copied().chain(own);
    let mut octets = Vec::new();
    Canonicalization::Relaxed.canonicalize_headers(all, &mut octets);
    let signature = STANDARD.encode(secret.sign(octets.as_slice())?);
    let mut text = unsigned.to_owned();
    let lines = signature.as_bytes().chunks(COLUMNS - 8);
    for (place, line) in lines.enumerate() {
        if place > 0 || line.len() + 8 > COLUMNS / 2 {
            text.push_str("\r\n\t");
        }
        // base64 is ASCII
        text.extend(line.iter().map(|&octet| char::from(octet)));
    }
    text.push_str("\r\n");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_between_tags_and_behind_colons_and_ends_with_the_signature() {
        // [rfc6376 3.2] [rfc6376 3.7]
        let names = ["From"; 40].join(":");
        let tags = [
            ("v", "1".to_owned()),
            ("h", names.clone()),
            ("t", "7".to_owned()),
        ];
        let text = unsigned("DKIM-Signature", &tags);
        assert!(
            text.starts_with("DKIM-Signature: v=1; h=From:From:"),
            "{text}"
        );
        assert!(text.ends_with("; t=7; b="), "{text}");
        assert!(text.lines().all(|line| line.len() <= COLUMNS), "{text}");
        let unfolded = text.replace("\r\n\t", "");
        assert!(unfolded.contains(&format!("h={names};")), "{unfolded}");
    }
}
