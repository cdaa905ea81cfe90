//! The content of a message that comes in chunks (BDAT): nothing is stuffed, nothing marks its end.
//!
//! A message of lines is looked at as strictly as after DATA, across the borders of chunks; one
//! that was announced as binary is taken octet for octet. What never happens here: a look at the
//! commands between the chunks, memory that grows with the message.
//!
//! ```abnf
//! bdat-cmd = "BDAT" SP chunk-size [ SP "LAST" ] CRLF     ; then chunk-size octets
//! ```

use crate::data::{Content, DataEnd, DataProblem, DataRules};
use memchr::memchr3;

/// What the octets of a message are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Octets {
    Lines,
    /// BODY=BINARYMIME: any. [rfc3030 3]
    Any,
}

/// Whether a CR at the end of what came is still held back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cr {
    No,
    Held,
}

/// Takes the chunks of one message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Chunks {
    octets: Octets,
    cr: Cr,
    content: Content,
}

impl Chunks {
    pub fn new(rules: DataRules, octets: Octets) -> Chunks {
        Chunks {
            octets,
            cr: Cr::No,
            content: Content::new(rules),
        }
    }

    /// Appends what `input` says to `out`.
    pub fn take(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if self.octets == Octets::Any {
            return self.content.put_any(input, out);
        }
        let mut rest = input;
        while !rest.is_empty() {
            rest = &rest[self.step(rest, out)..];
        }
    }

    /// Text up to and with the next special octet; says how many octets it used (none if it only
    /// let go of a CR).
    fn step(&mut self, rest: &[u8], out: &mut Vec<u8>) -> usize {
        if self.cr == Cr::Held {
            self.cr = Cr::No;
            if rest[0] == b'\n' {
                self.content.put_line_end(out);
                return 1;
            }
            self.content.bare(DataProblem::BareCr, b"\r", out);
            return 0;
        }
        let span = memchr3(b'\r', b'\n', 0, rest).unwrap_or(rest.len());
        self.content.put(&rest[..span], out);
        match rest.get(span) {
            None => return span,
            Some(b'\r') => self.cr = Cr::Held,
            Some(b'\n') => self.content.bare(DataProblem::BareLf, b"\n", out),
            Some(_) => self.content.note(DataProblem::Nul),
        }
        span + 1
    }

    /// The state after a chunk.
    pub fn end(&self) -> DataEnd {
        self.content.end()
    }

    /// The last chunk has ended. What was held back is appended to `out`.
    pub fn finish(mut self, out: &mut Vec<u8>) -> DataEnd {
        if self.cr == Cr::Held {
            self.content.bare(DataProblem::BareCr, b"\r", out);
        }
        self.content.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::BareNewlines;

    fn rules(bare_newlines: BareNewlines) -> DataRules {
        DataRules {
            max_bytes: 100,
            bare_newlines,
        }
    }

    fn take(rules: DataRules, octets: Octets, chunks: &[&[u8]]) -> (Vec<u8>, DataEnd) {
        let (mut taken, mut out) = (Chunks::new(rules, octets), Vec::new());
        for chunk in chunks {
            taken.take(chunk, &mut out);
        }
        let end = taken.finish(&mut out);
        (out, end)
    }

    fn check(chunks: &[&[u8]], problem: Option<DataProblem>) {
        let (out, end) = take(rules(BareNewlines::Reject), Octets::Lines, chunks);
        assert_eq!(end.problem, problem, "{chunks:?}");
        if problem.is_none() {
            assert_eq!(out, chunks.concat());
            assert_eq!(end.bytes, out.len() as u64);
        }
    }

    #[test]
    fn dots_are_content_and_a_last_line_may_be_open() {
        // [rfc3030 2]
        check(&[b".\r\n..\r\n", b".\r", b"\n.\r\nno end"], None);
        check(&[], None);
    }

    #[test]
    fn lines_are_looked_at_across_chunks() {
        // [rfc5321 2.3.8]
        check(&[b"a\r", b"b"], Some(DataProblem::BareCr));
        check(&[b"a\r"], Some(DataProblem::BareCr));
        check(&[b"a\r\r\n"], Some(DataProblem::BareCr));
        check(&[b"a", b"\nb"], Some(DataProblem::BareLf));
        check(&[b"a\0b\r\n"], Some(DataProblem::Nul));
        check(&[&[b'x'; 99], b"\r\n"], Some(DataProblem::TooLarge));
    }

    #[test]
    fn repairs_line_ends_where_that_is_asked_for() {
        let normalize = rules(BareNewlines::Normalize);
        let (out, end) = take(normalize, Octets::Lines, &[b"a\nb\r", b"\nc\rd\r"]);
        assert_eq!(out, b"a\r\nb\r\nc\r\nd\r\n");
        assert_eq!(end.problem, None);
    }

    #[test]
    fn a_binary_message_is_taken_octet_for_octet() {
        // [rfc3030 3]
        let octets: Vec<u8> = (0..=99).collect();
        let any = rules(BareNewlines::Normalize);
        let (out, end) = take(any, Octets::Any, &[&octets[..14], &octets[14..]]);
        assert_eq!((out, end.problem), (octets.clone(), None));
        let (_, end) = take(any, Octets::Any, &[&octets, b"x"]);
        assert_eq!(end.problem, Some(DataProblem::TooLarge));
    }
}
