//! The content of a message onto the wire: dot-stuffing, and no CR or LF that stands alone.
//!
//! The counterpart of `data::Decoder`. What comes in is the message as it lies; what goes out ends
//! every line with CRLF, so that no other server can see an end of the content that we did not
//! mean. What never happens here: memory that grows with the message, the final dot.

use memchr::memchr2;

/// How content stands on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// Behind DATA: lines, a dot before those that begin with one, the last one ended.
    Stuffed,
    /// Behind BDAT: lines as they are.
    Lines,
    /// Behind BDAT, BODY=BINARYMIME: any octets. [rfc3030 3]
    Octets,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    LineStart,
    Text,
    /// After a CR that is held back.
    Cr,
}

/// Writes one message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Encoder {
    form: Form,
    at: At,
}

impl Encoder {
    pub fn new(form: Form) -> Encoder {
        Encoder {
            form,
            at: At::LineStart,
        }
    }

    /// Appends `input` as it goes onto the wire. [rfc5321 4.5.2] [rfc5321 2.3.8]
    pub fn encode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if self.form == Form::Octets {
            return out.extend_from_slice(input);
        }
        let mut rest = input;
        while let Some(&first) = rest.first() {
            if self.at == At::Cr {
                // whatever stands behind it, the line has ended
                self.end_line(out);
                if first == b'\n' {
                    rest = &rest[1..];
                }
                continue;
            }
            let span = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            self.text(&rest[..span], out);
            match rest.get(span) {
                None => return,
                Some(b'\r') => self.at = At::Cr,
                Some(_) => self.end_line(out),
            }
            rest = &rest[span + 1..];
        }
    }

    /// The message has ended. Behind DATA its last line is ended as well, and only if it was not
    /// [rfc5321 4.1.1.4]; chunks need no last line end [rfc3030 2].
    pub fn finish(mut self, out: &mut Vec<u8>) {
        let open = self.form == Form::Stuffed && self.at == At::Text;
        if open || self.at == At::Cr {
            self.end_line(out);
        }
    }

    fn text(&mut self, span: &[u8], out: &mut Vec<u8>) {
        if span.is_empty() {
            return;
        }
        if self.at == At::LineStart && self.form == Form::Stuffed && span[0] == b'.' {
            out.push(b'.');
        }
        out.extend_from_slice(span);
        self.at = At::Text;
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n");
        self.at = At::LineStart;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{BareNewlines, DataRules, Decoder};
    use proptest::prelude::*;

    fn encode(form: Form, pieces: &[&[u8]]) -> Vec<u8> {
        let (mut encoder, mut out) = (Encoder::new(form), Vec::new());
        for piece in pieces {
            encoder.encode(piece, &mut out);
        }
        encoder.finish(&mut out);
        out
    }

    fn check(content: &[u8], wire: &[u8]) {
        assert_eq!(encode(Form::Stuffed, &[content]), wire);
    }

    #[test]
    fn puts_a_dot_before_a_dot_at_the_start_of_a_line() {
        // [rfc5321 4.5.2]
        check(b".\r\n..a\r\nb.\r\n", b"..\r\n...a\r\nb.\r\n");
    }

    #[test]
    fn ends_the_last_line_if_it_was_not() {
        // [rfc5321 4.1.1.4 #1 #2]
        check(b"a\r\n", b"a\r\n");
        check(b"a", b"a\r\n");
        check(b"a\r", b"a\r\n");
        check(b"", b"");
        assert_eq!(encode(Form::Lines, &[b"a"]), b"a");
    }

    #[test]
    fn no_cr_or_lf_goes_out_alone() {
        // [rfc5321 2.3.8 #2]
        check(b"a\n.\nb\r.\rc", b"a\r\n..\r\nb\r\n..\r\nc\r\n");
        assert_eq!(
            encode(Form::Lines, &[b"a\r", b"b\n", b"\r"]),
            b"a\r\nb\r\n\r\n"
        );
        assert_eq!(encode(Form::Octets, &[b"a\r", b"b\n"]), b"a\rb\n");
    }

    fn content() -> impl Strategy<Value = Vec<u8>> {
        let octet = prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'.'), 1u8..=255];
        proptest::collection::vec(octet, 0..60)
    }

    proptest! {
        #[test]
        fn a_strict_receiver_reads_what_was_meant(content in content(), cut in 1usize..9) {
            // [rfc5321 2.3.8 #2] [rfc5321 4.5.2 #1]
            let pieces: Vec<&[u8]> = content.chunks(cut).collect();
            let wire = encode(Form::Stuffed, &pieces);
            prop_assert_eq!(&wire, &encode(Form::Stuffed, &[&content]));
            let rules = |bare_newlines| DataRules { max_bytes: 1 << 20, bare_newlines };
            let ended = [&wire[..], b".\r\n"].concat();
            let mut got = Vec::new();
            let mut strict = Decoder::new(rules(BareNewlines::Reject));
            strict.decode(&ended, &mut got);
            prop_assert_eq!(strict.end().problem, None);
            // as a receiver that repairs would have the content itself
            let lines = encode(Form::Lines, &[&content]);
            let open = !lines.is_empty() && !lines.ends_with(b"\r\n");
            prop_assert_eq!(got, [&lines[..], if open { b"\r\n" } else { b"" }].concat());
        }
    }
}
