//! The hash of a body in its relaxed form, in pieces. [rfc6376 3.4.4]
//!
//! White space at the end of a line does not count, other white space is one space, empty lines at
//! the end do not count. mail-auth 0.13 takes a last line of white space alone for text, so its
//! form is not used here. What never happens here: a whole body in memory.

use mail_auth::common::crypto::{HashContext, HashImpl, Sha256};
use mail_auth::common::headers::Writer;

/// How much of the form is hashed in one go.
const BLOCK_BYTES: usize = 8 * 1024;

/// A body on its way through. Its lines end with CRLF.
pub(crate) struct BodyHash {
    hasher: <Sha256 as HashImpl>::Context,
    /// What is not hashed yet.
    block: Vec<u8>,
    /// Ends of lines behind the last text.
    ends: u64,
    /// White space behind the last text, or at the beginning of a line.
    space: Space,
    text: Text,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Space {
    No,
    Yes,
}

/// Whether there was anything but white space.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    None,
    Some,
}

impl BodyHash {
    pub fn new() -> BodyHash {
        BodyHash {
            hasher: Sha256::hasher(),
            block: Vec::with_capacity(BLOCK_BYTES),
            ends: 0,
            space: Space::No,
            text: Text::None,
        }
    }

    pub fn piece(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let Some(&octet) = rest.first() {
            let used = match octet {
                b'\n' => {
                    self.ends += 1;
                    self.space = Space::No;
                    1
                }
                b'\r' => 1,
                b' ' | b'\t' => {
                    self.space = Space::Yes;
                    1
                }
                _ => {
                    let is_over = |octet: &u8| matches!(octet, b'\r' | b'\n' | b' ' | b'\t');
                    let word = rest.iter().position(is_over).unwrap_or(rest.len());
                    self.word(&rest[..word]);
                    word
                }
            };
            rest = &rest[used..];
        }
    }

    /// SHA-256.
    pub fn finish(mut self) -> Vec<u8> {
        // the last line has its end, even if the message left it out
        if self.text == Text::Some {
            self.put(b"\r\n");
        }
        self.hasher.write(&self.block);
        self.hasher.complete().as_ref().to_vec()
    }

    /// Text, and what stands before it.
    fn word(&mut self, word: &[u8]) {
        for _ in 0..std::mem::take(&mut self.ends) {
            self.put(b"\r\n");
        }
        if std::mem::replace(&mut self.space, Space::No) == Space::Yes {
            self.put(b" ");
        }
        self.put(word);
        self.text = Text::Some;
    }

    fn put(&mut self, octets: &[u8]) {
        if self.block.len() + octets.len() > BLOCK_BYTES {
            self.hasher.write(&self.block);
            self.block.clear();
        }
        if octets.len() > BLOCK_BYTES {
            self.hasher.write(octets);
        } else {
            self.block.extend_from_slice(octets);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hash<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut hash = BodyHash::new();
        pieces.for_each(|piece| hash.piece(piece));
        hash.finish()
    }

    fn sha256(text: &str) -> Vec<u8> {
        let mut hasher = Sha256::hasher();
        hasher.write(text.as_bytes());
        hasher.complete().as_ref().to_vec()
    }

    /// The form as the words of the standard have it. [rfc6376 3.4.4]
    fn relaxed(body: &str) -> String {
        let mut lines: Vec<String> = body
            .split("\r\n")
            .map(|line| {
                let mut line = line.replace('\t', " ");
                while line.contains("  ") {
                    line = line.replace("  ", " ");
                }
                line.trim_end_matches(' ').to_owned()
            })
            .collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines.iter().map(|line| format!("{line}\r\n")).collect()
    }

    #[test]
    fn hashes_the_form_of_the_standards_example() {
        // [rfc6376 3.4.5]
        let body = " C \r\nD \t E\r\n\r\n\r\n";
        let whole = std::iter::once(body.as_bytes());
        assert_eq!(hash(whole), sha256(" C\r\nD E\r\n"));
        for empty in ["", "\r\n", " \t\r\n\r\n \r\n"] {
            assert_eq!(hash(std::iter::once(empty.as_bytes())), sha256(""));
        }
        let long = format!("\r\n\r\n{}\r\n", "x".repeat(3 * BLOCK_BYTES));
        assert_eq!(hash(long.as_bytes().chunks(1_000)), sha256(&long));
        assert_eq!(hash(std::iter::once(long.as_bytes())), sha256(&long));
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_hash_of_the_relaxed_form(
            lines in proptest::collection::vec("[a b\t]{0,12}", 0..12),
            cut in 1usize..9,
        ) {
            // [rfc6376 3.4.4]
            let body = lines.iter().map(|line| format!("{line}\r\n")).collect::<String>();
            let expect = sha256(&relaxed(&body));
            prop_assert_eq!(&hash(body.as_bytes().chunks(cut)), &expect);
            prop_assert_eq!(&hash(std::iter::once(body.as_bytes())), &expect);
        }
    }
}
