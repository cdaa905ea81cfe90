//! Line ends of a message that a client puts into a mailbox. What is stored has CRLF lines,
//! whatever a client sends: a bare LF, a bare CR and a CRCRLF (all seen of old programs) become one
//! CRLF. A NUL never comes this far: the door refuses it.

/// Turns every line end into CRLF, whatever the pieces are.
#[derive(Debug, Default)]
pub struct LineEnds {
    /// One or more CRs came and what follows is not yet known.
    after_cr: bool,
}

impl LineEnds {
    /// Appends the piece to `out` with its line ends made right.
    pub fn piece(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut rest = piece;
        while let Some(&first) = rest.first() {
            match first {
                b'\r' => self.after_cr = true,
                b'\n' => {
                    self.after_cr = false;
                    out.extend_from_slice(b"\r\n");
                }
                _ => {
                    self.end(out);
                    let special = |byte: &u8| matches!(byte, b'\r' | b'\n');
                    let plain = rest.iter().position(special).unwrap_or(rest.len());
                    out.extend_from_slice(&rest[..plain]);
                    rest = &rest[plain..];
                    continue;
                }
            }
            rest = &rest[1..];
        }
    }

    /// The end of the message: a CR that waits is a line end.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.after_cr) {
            out.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(pieces: &[&[u8]]) -> Vec<u8> {
        let mut lines = LineEnds::default();
        let mut out = Vec::new();
        for piece in pieces {
            lines.piece(piece, &mut out);
        }
        lines.end(&mut out);
        out
    }

    #[test]
    fn makes_every_line_end_crlf() {
        assert_eq!(
            whole(&[b"a\nb\r\nc\rd\r\r\ne\r"]),
            b"a\r\nb\r\nc\r\nd\r\ne\r\n"
        );
        assert_eq!(whole(&[b"a\r", b"\nb"]), b"a\r\nb");
        assert_eq!(whole(&[b"\n\n"]), b"\r\n\r\n");
    }

    proptest! {
        #[test]
        fn any_pieces_give_the_same(bytes in proptest::collection::vec(
            prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'x')], 0..40), cut in 0usize..40) {
            let (a, b) = bytes.split_at(cut.min(bytes.len()));
            let once = whole(&[&bytes]);
            prop_assert_eq!(&whole(&[a, b]), &once);
            prop_assert_eq!(&whole(&[&once]), &once);
        }
    }
}
