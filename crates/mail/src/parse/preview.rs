//! The first words of a message's text, for lists of messages [rfc8970].

use super::split::{Node, Split};
use crate::limits;
use crate::parts::Encoding;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::html::html_to_text;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;

/// Enough for the words of most texts.
const BEGINNING_BYTES: usize = 1024;

pub(super) fn preview(split: &Split) -> String {
    let Some((index, raw)) = &split.text else {
        return String::new();
    };
    let node = &split.nodes[*index];
    if let Some(preview) = of_beginning(raw, node) {
        return preview;
    }
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

/// Of text that is UTF-8 as it stands, the beginning is enough if it is full of words.
fn of_beginning(raw: &[u8], node: &Node) -> Option<String> {
    let beginning = &raw[..raw.len().min(BEGINNING_BYTES)];
    let is_utf8 = match node.media.parameter("charset") {
        None => true,
        Some(charset) if charset.eq_ignore_ascii_case(b"us-ascii") => beginning.is_ascii(),
        Some(charset) => charset.eq_ignore_ascii_case(b"utf-8"),
    };
    if !is_utf8 || node.encoding != Encoding::Identity || !node.media.is("text", "plain") {
        return None;
    }
    let text = match std::str::from_utf8(beginning) {
        Ok(text) => text,
        // the cut fell into a letter
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&beginning[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let preview = words(text);
    let is_full = preview.chars().count() >= limits::PREVIEW_CHARS;
    (is_full || raw.len() <= BEGINNING_BYTES).then_some(preview)
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
    let mut out = String::with_capacity(limits::PREVIEW_CHARS);
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
