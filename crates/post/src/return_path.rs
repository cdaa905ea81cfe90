//! Takes out the Return-Path fields that a message brings along: final delivery writes its own.
//! [rfc5321 4.4]
//!
//! The message streams through; what is held is the beginning of one line. What never happens here:
//! a change of anything else, or of anything behind the header.

/// The name of the field, in lower case.
const NAME: &[u8] = b"return-path";
/// White space between the name and the colon that is waited for.
const SPACES: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    /// At the beginning of a line of the header; what came of it is held.
    Start,
    /// In a line that stays. A line that is no field ends the header.
    Stays(Line),
    /// In a line that goes.
    Goes,
    /// Behind a line that goes: it may be continued.
    BehindGone,
    Body,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Line {
    /// A field, or its continuation.
    Field,
    /// No colon has come yet.
    Open,
}

/// A message on its way through.
#[derive(Debug)]
pub(crate) struct ReturnPathFilter {
    at: At,
    held: Vec<u8>,
}

impl ReturnPathFilter {
    pub fn new() -> ReturnPathFilter {
        ReturnPathFilter {
            at: At::Start,
            held: Vec::new(),
        }
    }

    /// Whether the rest of the message passes as it is.
    pub fn is_over(&self) -> bool {
        self.at == At::Body
    }

    /// Appends to `out` what stays of a piece.
    pub fn piece(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut rest = piece;
        while let Some(&octet) = rest.first() {
            let used = match self.at {
                At::Start => self.start(octet, out),
                At::Stays(line) => self.stays(line, rest, out),
                At::Goes => {
                    let (used, ended) = line_of(rest);
                    if ended {
                        self.at = At::BehindGone;
                    }
                    used
                }
                At::BehindGone => {
                    self.at = if is_space(octet) { At::Goes } else { At::Start };
                    0
                }
                At::Body => {
                    out.extend_from_slice(rest);
                    rest.len()
                }
            };
            rest = &rest[used..];
        }
    }

    /// The message is over.
    pub fn end(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.held);
    }

    /// One octet of a line of which nothing is decided; says whether it was used.
    fn start(&mut self, octet: u8, out: &mut Vec<u8>) -> usize {
        let held = self.held.len();
        let decided = match held {
            0 if matches!(octet, b'\r' | b'\n') => Some(At::Body),
            0 if is_space(octet) => Some(At::Stays(Line::Field)),
            0..NAME_LEN if octet.eq_ignore_ascii_case(&NAME[held]) => None,
            NAME_LEN.. if octet == b':' => {
                self.held.clear();
                Some(At::Goes)
            }
            NAME_LEN.. if is_space(octet) && held < NAME_LEN + SPACES => None,
            _ => Some(At::Stays(Line::Open)),
        };
        match decided {
            None => {
                self.held.push(octet);
                1
            }
            Some(at) => {
                out.append(&mut self.held);
                self.at = at;
                0
            }
        }
    }

    fn stays(&mut self, line: Line, rest: &[u8], out: &mut Vec<u8>) -> usize {
        let (used, ended) = line_of(rest);
        out.extend_from_slice(&rest[..used]);
        let field = line == Line::Field || rest[..used].contains(&b':');
        self.at = match (field, ended) {
            (true, true) => At::Start,
            (true, false) => At::Stays(Line::Field),
            (false, false) => At::Stays(Line::Open),
            // no field: what follows is text
            (false, true) => At::Body,
        };
        used
    }
}

const NAME_LEN: usize = NAME.len();

/// Octets up to the end of the line, and whether it is there.
fn line_of(rest: &[u8]) -> (usize, bool) {
    match rest.iter().position(|&octet| octet == b'\n') {
        Some(at) => (at + 1, true),
        None => (rest.len(), false),
    }
}

fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filter<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> String {
        let (mut filter, mut out) = (ReturnPathFilter::new(), Vec::new());
        for piece in pieces {
            filter.piece(piece, &mut out);
        }
        filter.end(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn check(content: &str, expect: &str) {
        assert_eq!(filter(std::iter::once(content.as_bytes())), expect);
        assert_eq!(filter(content.as_bytes().chunks(1)), expect, "in pieces");
    }

    #[test]
    fn takes_out_every_return_path_with_its_folds() {
        // [rfc5321 4.4]
        check(
            "Return-Path: <a@b>\r\nSubject: x\r\n\r\n",
            "Subject: x\r\n\r\n",
        );
        check(
            "A: b\r\nRETURN-PATH \t:\r\n <a@b>\r\n\t(x)\r\nreturn-path:<>\r\nC: d\r\n\r\ny\r\n",
            "A: b\r\nC: d\r\n\r\ny\r\n",
        );
        check("Return-Path: <a@b>", "");
    }

    #[test]
    fn leaves_everything_else() {
        for same in [
            "",
            "Return-Path",
            "Return-Path-X: y\r\nReturn-Pat: z\r\n\r\n",
            "X: y\r\n Return-Path: z\r\n\r\n",
            "X: y\r\n\r\nReturn-Path: <a@b>\r\n",
            "\r\nReturn-Path: <a@b>\r\n",
            "text at once\r\nReturn-Path: <a@b>\r\n",
            "Return-Path without a colon\r\nReturn-Path: <a@b>\r\n",
        ] {
            check(same, same);
        }
        check(
            "From a Mon Nov 23 01:20:09 2026\r\nReturn-Path: <a@b>\r\nX: y\r\n\r\n",
            "From a Mon Nov 23 01:20:09 2026\r\nX: y\r\n\r\n",
        );
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same(
            lines in proptest::collection::vec(
                prop_oneof![
                    Just("Return-Path: <a@b>\r\n"), Just("return-path \t:\r\n"), Just(" fold\r\n"),
                    Just("X: y\r\n"), Just("\r\n"), Just("text\r\n"), Just("Return-Path"),
                ],
                0..12,
            ),
            cut in 1usize..30,
        ) {
            let content = lines.concat();
            let whole = filter(std::iter::once(content.as_bytes()));
            prop_assert_eq!(&filter(content.as_bytes().chunks(cut)), &whole);
            prop_assert_eq!(filter(std::iter::once(whole.as_bytes())), whole, "once is enough");
        }
    }
}
