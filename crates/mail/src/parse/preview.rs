//! The first words of a message's text, for lists of messages [rfc8970].

use super::split::Split;
use crate::limits;
use crate::parts::Encoding;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::html::html_to_text;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;

pub(super) fn preview(split: &Split) -> String {
    let Some((index, raw)) = &split.text else {
        return String::new();
    };
    let node = &split.nodes[*index];
    let bytes = decoded(raw, node.encoding);
    let charset = node.media.parameter("charset").and_then(charset_decoder);
    let text = match charset {
        Some(decode) => decode(&bytes),
        None => String::from_utf8_lossy(&bytes).into_owned(),
    };
    let text = if node.media.is("text", "html") {
        html_to_text(&text)
    } else {
        text
    };
    words(&text)
}

/// The beginning of an encoded text: what is cut in the middle of a unit is dropped.
fn decoded(raw: &[u8], encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Identity => raw.to_vec(),
        Encoding::Base64 => {
            let mut letters: Vec<u8> = raw
                .iter()
                .copied()
                .filter(|b| !b.is_ascii_whitespace())
                .collect();
            letters.truncate(letters.len() / 4 * 4);
            base64_decode(&letters).unwrap_or_default()
        }
        Encoding::QuotedPrintable => quoted_printable_decode(raw).unwrap_or_default(),
        Encoding::Other => Vec::new(),
    }
}

fn words(text: &str) -> String {
    let mut out = String::new();
    let mut room = limits::PREVIEW_CHARS;
    for word in text.split_whitespace() {
        let gap = usize::from(!out.is_empty());
        if gap == 1 && room > 0 {
            out.push(' ');
            room -= 1;
        }
        for letter in word.chars().filter(|c| !c.is_control()).take(room) {
            out.push(letter);
            room -= 1;
        }
        if room == 0 {
            break;
        }
    }
    out
}
