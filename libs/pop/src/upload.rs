//! A message that a client sends (STOR, XTND XMIT): lines with doubled dots, up to the dot alone.
//!
//! A line ends at CRLF, and nowhere else: were a bare LF one as well, a message with `LF . CRLF` in
//! it could end itself, and have the rest of its text read as commands. Never here: a bound on
//! the message; the door counts.

use memchr::memchr;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    LineStart,
    /// Behind a dot that began the line and is no content.
    Dot,
    DotCr,
    /// In a line, behind anything but a CR.
    InLine,
    /// In a line, behind a CR.
    Cr,
    Ended,
}

/// Takes the doubling away, up to the dot that ends the message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upload {
    place: Place,
}

impl Upload {
    /// Appends the content to `out`; says how many octets of `chunk` were read. What follows the
    /// final dot is not.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> usize {
        let mut at = 0;
        while let Some(rest) = chunk.get(at..).filter(|rest| !rest.is_empty()) {
            let (place, read, content) = step(self.place, rest);
            if place == Place::Ended && read == 0 {
                break;
            }
            // the CR behind a dot alone is content after all
            if self.place == Place::DotCr && place == Place::Cr {
                out.push(b'\r');
            }
            out.extend_from_slice(&rest[..content]);
            (self.place, at) = (place, at + read);
        }
        at
    }

    /// Whether the final dot has come.
    pub fn is_ended(&self) -> bool {
        self.place == Place::Ended
    }
}

/// The next place, the octets that lead there, and how many of them are content.
fn step(place: Place, rest: &[u8]) -> (Place, usize, usize) {
    match (place, rest[0]) {
        (Place::Ended, _) => (Place::Ended, 0, 0),
        (Place::LineStart, b'.') => (Place::Dot, 1, 0),
        (Place::Dot, b'\r') => (Place::DotCr, 1, 0),
        (Place::DotCr, b'\n') => (Place::Ended, 1, 0),
        (Place::DotCr, _) => (Place::Cr, 0, 0),
        (Place::Cr, b'\n') => (Place::LineStart, 1, 1),
        (Place::LineStart | Place::Dot | Place::InLine | Place::Cr, _) => line(rest),
    }
}

/// The line up to its LF, or as much of it as is here.
fn line(rest: &[u8]) -> (Place, usize, usize) {
    let read = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
    let place = match &rest[..read] {
        [.., b'\r', b'\n'] => Place::LineStart,
        [.., b'\r'] => Place::Cr,
        _ => Place::InLine,
    };
    (place, read, read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stuffing::Stuffer;
    use proptest::prelude::*;

    /// The content, and what is left behind the final dot.
    fn read(sent: &[u8], piece: usize) -> (Vec<u8>, Option<usize>) {
        let (mut upload, mut out, mut at) = (Upload::default(), Vec::new(), 0);
        for chunk in sent.chunks(piece) {
            let read = upload.push(chunk, &mut out);
            at += read;
            if upload.is_ended() {
                return (out, Some(at));
            }
            assert_eq!(read, chunk.len());
        }
        (out, None)
    }

    fn check(sent: &str, content: &str, left: &str) {
        for piece in [1, 2, 3, sent.len()] {
            let (out, end) = read(sent.as_bytes(), piece);
            assert_eq!(String::from_utf8(out).unwrap(), content, "{sent:?}");
            assert_eq!(&sent[end.unwrap()..], left, "{sent:?}");
        }
    }

    #[test]
    fn takes_lines_up_to_the_dot_alone() {
        check("a\r\n..b\r\n.c\r\n.\r\nQUIT", "a\r\n.b\r\nc\r\n", "QUIT");
        check(".\r\nQUIT", "", "QUIT");
        check("..\r\n.\r\n", ".\r\n", "");
        check(".\r\r\n.\r\n", "\r\r\n", "");
        check("a\r\r\n.\r\n", "a\r\r\n", "");
    }

    #[test]
    fn a_bare_lf_or_cr_ends_no_line() {
        check("a\n.\r\nDELE 1\r\n.\r\n", "a\n.\r\nDELE 1\r\n", "");
        check("a\n..b\r.\r\n.\n\r\n.\r\n", "a\n..b\r.\r\n\n\r\n", "");
    }

    proptest! {
        #[test]
        fn any_pieces_give_the_same(
            parts in prop::collection::vec("[a.]{0,3}|\\.\r\n|\r\n|\n|\r", 0..12),
            piece in 1usize..9,
        ) {
            let sent = parts.concat();
            prop_assert_eq!(
                read(sent.as_bytes(), piece),
                read(sent.as_bytes(), sent.len().max(1))
            );
        }

        #[test]
        fn what_was_stuffed_comes_back(
            lines in prop::collection::vec("[ -~é]{0,9}", 0..9),
            piece in 1usize..9,
        ) {
            let content: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let (mut sent, mut stuffer) = (Vec::new(), Stuffer::new());
            stuffer.push(content.as_bytes(), &mut sent);
            stuffer.finish(&mut sent);
            let end = sent.len();
            prop_assert_eq!(read(&sent, piece), (content.into_bytes(), Some(end)));
        }
    }
}
