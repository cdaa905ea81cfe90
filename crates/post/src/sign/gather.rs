//! What a signature needs of a message, gathered while the content streams by: the header as it is,
//! and the hash of the body.
//!
//! What never happens here: a whole message in memory.

use super::relaxed::BodyHash;
use crate::header::Begins;
use crate::limits::SIGNED_HEADER_BYTES;

/// Takes the content of a message that is to be signed.
pub(crate) struct Gather(At);

enum At {
    /// All that came, and how much of it has no end of the header.
    Header { came: Vec<u8>, looked_at: usize },
    Body {
        header: Vec<u8>,
        body_at: u64,
        hash: Box<BodyHash>,
    },
    /// A header like this is not signed.
    TooLong,
}

/// A message that can be signed.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// The fields, without the empty line.
    pub header: Vec<u8>,
    /// Where the body begins in the content.
    pub body_at: u64,
    /// SHA-256 of the body in its relaxed form. [rfc6376 3.4.4]
    pub body_hash: Vec<u8>,
}

impl Gather {
    pub fn new() -> Gather {
        Gather(At::Header {
            came: Vec::new(),
            looked_at: 0,
        })
    }

    /// Takes a piece; `begins` is what the header's reader has made of the first line by now.
    pub fn piece(&mut self, piece: &[u8], begins: Begins) {
        match &mut self.0 {
            At::TooLong => {}
            At::Body { hash, .. } => hash.piece(piece),
            At::Header { came, looked_at } => {
                came.extend_from_slice(piece);
                let end = match begins {
                    Begins::WithText => Some((0, 0)),
                    Begins::WithHeader => header_end(came, *looked_at),
                };
                let longest = end.map_or(came.len(), |(header, _)| header);
                if longest > SIGNED_HEADER_BYTES {
                    self.0 = At::TooLong;
                } else if let Some((header, body)) = end {
                    self.0 = body_behind(std::mem::take(came), header, body);
                } else {
                    *looked_at = came.len();
                }
            }
        }
    }

    /// The content has ended.
    pub fn finish(self, begins: Begins) -> Option<Gathered> {
        let at = match (self.0, begins) {
            (At::Header { came, .. }, Begins::WithText) => body_behind(came, 0, 0),
            (At::Header { came, .. }, Begins::WithHeader) => {
                let all = came.len();
                body_behind(came, all, all)
            }
            (at, _) => at,
        };
        let At::Body {
            header,
            body_at,
            hash,
        } = at
        else {
            return None;
        };
        Some(Gathered {
            header,
            body_at,
            body_hash: hash.finish(),
        })
    }
}

fn body_behind(mut came: Vec<u8>, header: usize, body: usize) -> At {
    let mut hash = Box::new(BodyHash::new());
    hash.piece(&came[body..]);
    came.truncate(header);
    came.shrink_to_fit();
    At::Body {
        header: came,
        body_at: body as u64,
        hash,
    }
}

/// Where the header ends and where the body begins. The content is lines that end with CRLF.
fn header_end(came: &[u8], looked_at: usize) -> Option<(usize, usize)> {
    if came.starts_with(b"\r\n") {
        return Some((0, 2));
    }
    let from = looked_at.saturating_sub(3);
    let found = came[from..]
        .windows(4)
        .position(|four| four == b"\r\n\r\n")?;
    Some((from + found + 2, from + found + 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::HeaderReader;

    fn gather<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Option<(String, Vec<u8>)> {
        let (mut gather, mut reader) = (Gather::new(), HeaderReader::new("mx.example.test"));
        for piece in pieces {
            reader.read(piece);
            gather.piece(piece, reader.begins());
        }
        let gathered = gather.finish(reader.finish().begins)?;
        let header = String::from_utf8(gathered.header).unwrap();
        Some((header, gathered.body_hash))
    }

    fn hash(body: &str) -> Vec<u8> {
        let mut hash = BodyHash::new();
        hash.piece(body.as_bytes());
        hash.finish()
    }

    fn check(content: &str, header: &str, body: &str) {
        let expect = Some((header.to_owned(), hash(body)));
        assert_eq!(gather(std::iter::once(content.as_bytes())), expect);
        assert_eq!(gather(content.as_bytes().chunks(1)), expect, "in pieces");
    }

    #[test]
    fn tells_header_and_body_apart() {
        check("A: b\r\nC: d\r\n\r\nx\r\n", "A: b\r\nC: d\r\n", "x\r\n");
        check("\r\nx\r\n", "", "x\r\n");
        check("A: b\r\n", "A: b\r\n", "");
        check("A: b\r\n\r\n", "A: b\r\n", "");
        check("", "", "");
        check(
            "text at once\r\n\r\nmore\r\n",
            "",
            "text at once\r\n\r\nmore\r\n",
        );
        check("text at once", "", "text at once");
    }

    #[test]
    fn a_header_that_is_too_long_is_not_signed_and_not_kept() {
        let line = format!("X: {}\r\n", "y".repeat(900));
        let lines = SIGNED_HEADER_BYTES / line.len() + 1;
        let content = format!("{}\r\ntext\r\n", line.repeat(lines));
        assert_eq!(gather(content.as_bytes().chunks(4_096)), None);
        let content = format!("{}\r\ntext\r\n", line.repeat(lines - 1));
        assert!(gather(content.as_bytes().chunks(4_096)).is_some());
    }
}
