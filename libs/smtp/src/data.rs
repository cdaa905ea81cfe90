//! The content of a message on the wire: dot-unstuffing, and a strict eye on line ends.
//!
//! Only the five octets CRLF.CRLF end the content (the first CRLF may be that of the DATA
//! command). Whatever some other server might take for an end (`\n.\n`, `\r.\r`, `\n.\r\n` …) is
//! content, and noted: mail with it is refused, or repaired where that is asked for. What never
//! happens here: memory that grows with the message, a look at header or body.
//!
//! ```abnf
//! data  = *( line CRLF ) "." CRLF     ; line = *1000text, "." before a line that begins with "."
//! ```

use crate::limits::DATA_LINE_BYTES;
use memchr::memchr3;

/// What to do with a CR or LF that stands alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BareNewlines {
    /// The message will be refused. [rfc5321 2.3.8]
    Reject,
    /// Each becomes CRLF: for our own users' programs, never for strangers.
    Normalize,
}

/// The rules for one message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataRules {
    pub max_bytes: u64,
    pub bare_newlines: BareNewlines,
}

/// Why content cannot be taken; the first reason that was met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataProblem {
    BareCr,
    BareLf,
    Nul,
    TooLarge,
    LineTooLong,
}

/// How the content ended. With a problem, the chunks handed out so far are worth nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataEnd {
    /// Octets handed out: unstuffed, CRLFs counted, the final dot not. [rfc1870 3]
    pub bytes: u64,
    pub problem: Option<DataProblem>,
}

/// Where the decoder stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    /// After a true CRLF (or at the very beginning).
    LineStart,
    /// After a dot at the start of a line; it is held back.
    Dot,
    /// After dot and CR at the start of a line.
    DotCr,
    Text,
    /// After a CR that is held back.
    Cr,
}

/// Whether the end has been seen, and how much of the input was used up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    More,
    Ended { used: usize },
}

/// What has been handed out of one message, within its bounds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Content {
    rules: DataRules,
    end: DataEnd,
    line_bytes: u64,
}

impl Content {
    pub fn new(rules: DataRules) -> Content {
        let end = DataEnd {
            bytes: 0,
            problem: None,
        };
        Content {
            rules,
            end,
            line_bytes: 0,
        }
    }

    pub fn end(&self) -> DataEnd {
        self.end
    }

    pub fn put_line_end(&mut self, out: &mut Vec<u8>) {
        self.put(b"\r\n", out);
        self.line_bytes = 0;
    }

    /// A CR or LF that stands alone.
    pub fn bare(&mut self, problem: DataProblem, octet: &[u8], out: &mut Vec<u8>) {
        match self.rules.bare_newlines {
            BareNewlines::Reject => {
                self.note(problem);
                self.put(octet, out);
            }
            BareNewlines::Normalize => self.put_line_end(out),
        }
    }

    pub fn note(&mut self, problem: DataProblem) {
        self.end.problem.get_or_insert(problem);
    }

    /// Hands out octets of a line, until there is a problem: from then on the content is only read
    /// through. Counts to the octet, so that the same content gives the same end in any chunking.
    pub fn put(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let line_room = DATA_LINE_BYTES - self.line_bytes;
        self.put_within(octets, line_room, out);
    }

    /// The same for octets that are no lines, or whole lines that fit.
    pub fn put_any(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        self.put_within(octets, u64::MAX, out);
        self.line_bytes = 0;
    }

    fn put_within(&mut self, octets: &[u8], line_room: u64, out: &mut Vec<u8>) {
        if self.end.problem.is_some() {
            return;
        }
        let room = self.rules.max_bytes - self.end.bytes;
        let count = (octets.len() as u64).min(room).min(line_room);
        self.end.bytes += count;
        self.line_bytes += count;
        out.extend_from_slice(&octets[..count as usize]);
        if count < octets.len() as u64 {
            let full = if count == room {
                DataProblem::TooLarge
            } else {
                DataProblem::LineTooLong
            };
            self.note(full);
        }
    }
}

/// Undoes the dot-stuffing of one message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoder {
    at: At,
    content: Content,
}

impl Decoder {
    pub fn new(rules: DataRules) -> Decoder {
        Decoder {
            at: At::LineStart,
            content: Content::new(rules),
        }
    }

    /// The state at the end; meaningful after `Progress::Ended`.
    pub fn end(&self) -> DataEnd {
        self.content.end()
    }

    /// Appends what `input` says to `out`.
    pub fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) -> Progress {
        let mut used = 0;
        while used < input.len() {
            if self.at == At::LineStart {
                let lines = plain_lines(&input[used..]);
                self.content.put_any(&input[used..used + lines], out);
                used += lines;
            }
            let Some(rest) = input.get(used..).filter(|rest| !rest.is_empty()) else {
                break;
            };
            match self.step(rest[0], out) {
                Step::Used => used += 1,
                Step::Text => used += self.text(rest, out),
                Step::Ended => return Progress::Ended { used: used + 1 },
            }
        }
        Progress::More
    }

    /// One octet in any state but Text; what is ordinary text is left to `text`.
    fn step(&mut self, octet: u8, out: &mut Vec<u8>) -> Step {
        match (self.at, octet) {
            (At::LineStart, b'.') => self.at = At::Dot,
            (At::Dot, b'\r') => self.at = At::DotCr,
            // the one true end [rfc5321 4.1.1.4]
            (At::DotCr, b'\n') => return Step::Ended,
            (At::Cr, b'\n') => {
                self.content.put_line_end(out);
                self.at = At::LineStart;
            }
            (At::DotCr | At::Cr, _) => {
                self.content.bare(DataProblem::BareCr, b"\r", out);
                self.at = At::Text;
                return Step::Text;
            }
            // a held-back dot was transparency and is dropped [rfc5321 4.5.2]
            (At::LineStart | At::Dot | At::Text, _) => {
                self.at = At::Text;
                return Step::Text;
            }
        }
        Step::Used
    }

    /// Text up to and with the next special octet; says how many octets it used (one or more).
    fn text(&mut self, rest: &[u8], out: &mut Vec<u8>) -> usize {
        let span = memchr3(b'\r', b'\n', 0, rest).unwrap_or(rest.len());
        self.content.put(&rest[..span], out);
        match rest.get(span) {
            None => return span,
            Some(b'\r') => self.at = At::Cr,
            Some(b'\n') => self.content.bare(DataProblem::BareLf, b"\n", out),
            Some(_) => self.content.note(DataProblem::Nul),
        }
        span + 1
    }
}

/// Octets of the whole lines in front that stand for themselves: nearly all of a message, so they
/// are taken together. What is odd, or not whole yet, is left to the steps.
fn plain_lines(input: &[u8]) -> usize {
    let mut end = 0;
    while let Some(line) = input.get(end..).filter(|line| !line.starts_with(b".")) {
        match memchr3(b'\r', b'\n', 0, line) {
            Some(at) if line[at..].starts_with(b"\r\n") && at + 2 <= DATA_LINE_BYTES as usize => {
                end += at + 2;
            }
            _ => break,
        }
    }
    end
}

#[derive(PartialEq, Eq)]
enum Step {
    Used,
    Text,
    Ended,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REJECT: DataRules = DataRules {
        max_bytes: 1 << 30,
        bare_newlines: BareNewlines::Reject,
    };
    const NORMALIZE: DataRules = DataRules {
        max_bytes: 1 << 30,
        bare_newlines: BareNewlines::Normalize,
    };

    fn decode(rules: DataRules, wire: &[u8]) -> (Vec<u8>, Option<DataEnd>, usize) {
        let (mut decoder, mut out) = (Decoder::new(rules), Vec::new());
        match decoder.decode(wire, &mut out) {
            Progress::More => (out, None, wire.len()),
            Progress::Ended { used } => (out, Some(decoder.end()), used),
        }
    }

    fn check(wire: &[u8], content: &[u8]) {
        let end = DataEnd {
            bytes: content.len() as u64,
            problem: None,
        };
        assert_eq!(
            decode(REJECT, wire),
            (content.to_vec(), Some(end), wire.len())
        );
    }

    fn check_problem(wire: &[u8], problem: DataProblem) {
        let (_, end, used) = decode(REJECT, wire);
        assert_eq!(
            end.map(|e| e.problem),
            Some(Some(problem)),
            "{:?}",
            wire.escape_ascii()
        );
        assert_eq!(
            used,
            wire.len(),
            "ended too early: {:?}",
            wire.escape_ascii()
        );
    }

    #[test]
    fn takes_off_one_leading_dot() {
        // [rfc5321 4.5.2] [rfc1870 3]
        check(b"a\r\n..b\r\n.c\r\n...\r\n.\r\n", b"a\r\n.b\r\nc\r\n..\r\n");
    }

    /// What a client sends for this content. [rfc5321 4.5.2]
    fn stuff(lines: &[Vec<u8>]) -> Vec<u8> {
        let mut wire = Vec::new();
        for line in lines {
            if line.starts_with(b".") {
                wire.push(b'.');
            }
            wire.extend_from_slice(line);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b".\r\n");
        wire
    }

    fn line() -> impl Strategy<Value = Vec<u8>> {
        let octet = prop_oneof![3 => Just(b'.'), 5 => any::<u8>()];
        let line = proptest::collection::vec(octet, 0..12);
        line.prop_map(|mut line| {
            line.retain(|octet| !matches!(octet, b'\r' | b'\n' | 0));
            line
        })
    }

    proptest! {
        #[test]
        fn stuffed_content_comes_out_as_it_was(
            lines in proptest::collection::vec(line(), 0..20),
            cut in 1usize..20,
        ) {
            // [rfc5321 4.5.2 #1]
            let (mut decoder, mut out) = (Decoder::new(REJECT), Vec::new());
            let wire = stuff(&lines);
            for piece in wire.chunks(cut) {
                decoder.decode(piece, &mut out);
            }
            let content: Vec<u8> = lines.iter().flat_map(|l| [l, &b"\r\n"[..]].concat()).collect();
            prop_assert_eq!(decoder.end(), DataEnd { bytes: out.len() as u64, problem: None });
            prop_assert_eq!(out, content);
        }
    }

    #[test]
    fn an_empty_message_ends_at_once() {
        // [rfc5321 4.1.1.4]
        check(b".\r\n", b"");
        check(b"\r\n.\r\n", b"\r\n");
    }

    #[test]
    fn leaves_what_follows_the_end() {
        let (content, end, used) = decode(REJECT, b"a\r\n.\r\nQUIT\r\n");
        assert_eq!((content.as_slice(), used), (&b"a\r\n"[..], 6));
        assert_eq!(
            end,
            Some(DataEnd {
                bytes: 3,
                problem: None
            })
        );
    }

    #[test]
    fn no_smuggling_form_ends_the_content() {
        // [rfc5321 2.3.8] [rfc5321 2.3.8 #1]
        for (form, problem) in [
            (&b"\n.\n"[..], DataProblem::BareLf),
            (b"\n.\r\n", DataProblem::BareLf),
            (b"\r\n.\n", DataProblem::BareLf),
            (b"\r.\r", DataProblem::BareCr),
            (b"\r.\r\n", DataProblem::BareCr),
            (b"\r\n.\r", DataProblem::BareCr),
            (b"\r\n.\r\r\n", DataProblem::BareCr),
            (b"\r\r\n.\n", DataProblem::BareCr),
            (b"\n\n.\n\n", DataProblem::BareLf),
            (b"\r\n.\0\r\n", DataProblem::Nul),
            (b"\r\n\0.\r\n", DataProblem::Nul),
            (b"\r\0\n.\r\n", DataProblem::BareCr),
        ] {
            let wire = [b"text", form, b"MAIL FROM:<evil@example.test>\r\n.\r\n"].concat();
            check_problem(&wire, problem);
        }
    }

    #[test]
    fn normalizing_repairs_line_ends_but_never_ends_at_one() {
        let (content, end, used) = decode(NORMALIZE, b"a\n.\nb\r.\rc\n.\r\nd\r\n.\r\n");
        assert_eq!(content, b"a\r\n.\r\nb\r\n.\r\nc\r\n.\r\nd\r\n");
        assert_eq!(
            end,
            Some(DataEnd {
                bytes: content.len() as u64,
                problem: None
            })
        );
        assert_eq!(used, 19);
    }

    #[test]
    fn normalizing_does_not_hide_a_nul() {
        let (_, end, _) = decode(NORMALIZE, b"a\0b\r\n.\r\n");
        assert_eq!(end.map(|e| e.problem), Some(Some(DataProblem::Nul)));
    }

    #[test]
    fn reads_a_message_that_is_too_large_to_its_end() {
        // [rfc1870 6.3]
        let rules = DataRules {
            max_bytes: 5,
            ..REJECT
        };
        let (content, end, _) = decode(rules, b"abc\r\n.\r\n");
        assert_eq!(
            (content.as_slice(), end.and_then(|e| e.problem)),
            (&b"abc\r\n"[..], None)
        );
        let (content, end, used) = decode(rules, b"abcd\r\nmuch more\r\n.\r\n");
        assert!(content.len() <= 5);
        assert_eq!(end.map(|e| e.problem), Some(Some(DataProblem::TooLarge)));
        assert_eq!(used, 20);
    }

    #[test]
    fn bounds_the_length_of_a_line() {
        // [rfc5321 4.5.3.1 #1]
        let line = |n: usize| [vec![b'x'; n], b"\r\n.\r\n".to_vec()].concat();
        let fits = DATA_LINE_BYTES as usize - 2;
        assert_eq!(decode(REJECT, &line(fits)).1.map(|e| e.problem), Some(None));
        check_problem(&line(fits + 1), DataProblem::LineTooLong);
    }
}
