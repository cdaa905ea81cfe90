//! Batched SMTP: what a client would say, in one piece, with nobody who answers.
//!
//! Messages travel so over links where a dialogue would take days (UUCP), and wait so in a folder.
//! Lines end with LF or CRLF; the greeting and QUIT may be there or not. A MAIL or RCPT whose argument
//! cannot be read spoils its own message only: what stands behind it is still known. Any other wrong
//! command ends the reading with the line where it shows, for it may be the content of a message whose
//! dots were not doubled. What never happens here: I/O, memory that grows with a message, a judgement
//! about addresses.
//!
//! ```abnf
//! batch       = [hello] *transaction [quit]
//! transaction = mail 1*rcpt data content     ; commands as in `parse`
//! content     = *line "." newline            ; a dot more before lines that begin with one
//! newline     = [CR] LF
//! ```

use crate::command::{ClientName, Command, MailParameters, Malformed, RcptParameters, Verb};
use crate::data::{BareNewlines, Content, DataEnd, DataProblem, DataRules};
use crate::limits::COMMAND_LINE_BYTES;
use crate::parse::{parse_command, sender_of};
use addr::{Charset, ForwardPath, ReversePath};
use memchr::{memchr, memchr3};
use std::fmt;

/// What a batch says next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Who brings the batch, says it. A message that was begun is none after all.
    Hello(ClientName),
    /// A message begins.
    Mail {
        from: ReversePath,
        written_in: Charset,
        parameters: MailParameters,
    },
    Rcpt {
        to: ForwardPath,
        written_in: Charset,
        parameters: RcptParameters,
    },
    /// A message begins whose MAIL cannot be read: it is for nobody.
    BadMail {
        /// Where at least the path can be read.
        from: Option<ReversePath>,
        bad: Unreadable,
    },
    /// A recipient who cannot be read; the message goes on without him.
    BadRcpt(Unreadable),
    /// Content, in lines with CRLF, unstuffed.
    Data(Vec<u8>),
    /// The content has ended, and the message with it.
    DataEnd(DataEnd),
    /// The message that was begun is none after all.
    Reset,
    /// Nothing can be read any more.
    Wrong(Wrong),
}

/// A command that is known, and of which the rest cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unreadable {
    pub line: u64,
    /// The command, without its line end.
    pub command: Vec<u8>,
    pub malformed: Malformed,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_malformed(&self.malformed, f)?;
        write!(f, ", in line {}", self.line)
    }
}

/// Where a batch is wrong, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// The line of the MAIL command of the message that was begun.
    pub began: Option<u64>,
    pub line: u64,
    pub why: Why,
}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    Malformed(Malformed),
    /// A command that is not for this place, or not for batches at all.
    NotHere(Verb),
    /// The batch ends in the middle of a message.
    Torn,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Malformed(malformed) => write_malformed(malformed, f)?,
            Why::NotHere(verb) => write!(f, "{} does not belong here", verb.word())?,
            Why::Torn => f.write_str("the batch is torn, its end is missing")?,
        }
        write!(f, ", in line {}", self.line)?;
        match self.began {
            Some(began) => write!(f, " (the message began in line {began})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Wrong {}

fn write_malformed(malformed: &Malformed, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match malformed {
        Malformed::LineTooLong => f.write_str("a command without end"),
        Malformed::UnknownWord(word) => write!(f, "no command {word:?}"),
        Malformed::Argument { verb, error } => {
            write!(f, "{} is not right ({error:?})", verb.word())
        }
        Malformed::ControlOctet => f.write_str("a command with a control octet"),
        Malformed::NotUtf8 => f.write_str("a command that is neither ASCII nor UTF-8"),
        _ => f.write_str("not a command"),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Commands,
    /// After MAIL; how many RCPT.
    Message {
        recipients: u64,
    },
    Content(At),
    /// QUIT was said, or something is wrong.
    Over,
}

/// Where in a line of content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    LineStart,
    /// After a dot at the start of a line.
    Dot,
    /// After that and a CR.
    DotCr,
    Text,
    /// After a CR that is held back.
    Cr,
}

/// Reads one batch.
#[derive(Debug)]
pub struct Batch {
    rules: DataRules,
    state: State,
    content: Content,
    input: Vec<u8>,
    start: usize,
    is_whole: bool,
    line: u64,
    began: Option<u64>,
}

impl Batch {
    /// Each message may have so many octets.
    pub fn new(max_bytes: u64) -> Batch {
        let rules = DataRules {
            max_bytes,
            bare_newlines: BareNewlines::Normalize,
        };
        Batch {
            rules,
            state: State::Commands,
            content: Content::new(rules),
            input: Vec::new(),
            start: 0,
            is_whole: false,
            line: 1,
            began: None,
        }
    }

    /// Takes a piece of the batch.
    pub fn receive(&mut self, bytes: &[u8]) {
        if self.state == State::Over {
            return;
        }
        self.input.drain(..self.start);
        self.start = 0;
        self.input.extend_from_slice(bytes);
    }

    /// There is no more than what was received.
    pub fn end(&mut self) {
        self.is_whole = true;
    }

    /// The next event; None if more is needed first, or after the end.
    #[allow(
        clippy::should_implement_trait,
        reason = "a machine is no iterator: None is not the end"
    )]
    pub fn next(&mut self) -> Option<Event> {
        loop {
            match self.state {
                State::Over => return None,
                State::Content(at) => match self.next_data(at) {
                    Some(event) => return Some(event),
                    None if self.is_whole => return Some(self.wrong(Why::Torn)),
                    None => return None,
                },
                State::Commands | State::Message { .. } => {
                    let Some(line) = self.next_line() else {
                        let rest = self.input.len() - self.start;
                        if rest >= COMMAND_LINE_BYTES {
                            return Some(self.wrong(Why::Malformed(Malformed::LineTooLong)));
                        }
                        let is_torn = self.state != State::Commands || rest > 0;
                        return (self.is_whole && is_torn).then(|| self.wrong(Why::Torn));
                    };
                    let event = self.command(&line);
                    self.line += u64::from(!matches!(event, Some(Event::Wrong(_))));
                    if event.is_some() {
                        return event;
                    }
                }
            }
        }
    }

    /// Octets received and not read yet.
    pub fn buffered(&self) -> usize {
        self.input.len() - self.start
    }

    fn next_line(&mut self) -> Option<Vec<u8>> {
        let rest = &self.input[self.start..];
        let within = &rest[..rest.len().min(COMMAND_LINE_BYTES)];
        let end = memchr(b'\n', within)?;
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        let line = line.to_vec();
        self.start += end + 1;
        Some(line)
    }

    fn command(&mut self, line: &[u8]) -> Option<Event> {
        let command = match parse_command(line) {
            Ok(command) => command,
            // commands that ask for nothing but an answer
            Err(Malformed::NotImplemented("EXPN")) => return None,
            Err(malformed) => return Some(self.bad(line, malformed)),
        };
        match (command, self.state) {
            (
                Command::Mail {
                    from,
                    written_in,
                    parameters,
                },
                State::Commands,
            ) => {
                self.state = State::Message { recipients: 0 };
                self.began = Some(self.line);
                Some(Event::Mail {
                    from,
                    written_in,
                    parameters,
                })
            }
            (
                Command::Rcpt {
                    to,
                    written_in,
                    parameters,
                },
                State::Message { recipients },
            ) => {
                self.state = State::Message {
                    recipients: recipients + 1,
                };
                Some(Event::Rcpt {
                    to,
                    written_in,
                    parameters,
                })
            }
            (Command::Data, State::Message { recipients: 1.. }) => {
                self.state = State::Content(At::LineStart);
                self.content = Content::new(self.rules);
                None
            }
            (Command::Helo(name) | Command::Ehlo(name), _) => {
                self.state = State::Commands;
                self.began = None;
                Some(Event::Hello(name))
            }
            (Command::Rset, before) => {
                self.state = State::Commands;
                self.began = None;
                (before != State::Commands).then_some(Event::Reset)
            }
            (Command::Quit, State::Commands) => {
                self.state = State::Over;
                None
            }
            (Command::Noop | Command::Vrfy(_) | Command::Help(_) | Command::Etrn(_), _) => None,
            (other, _) => Some(self.wrong(Why::NotHere(other.verb()))),
        }
    }

    /// A command that cannot be read. Where MAIL or RCPT may stand and the word can be read, it is clear
    /// what goes on behind it.
    fn bad(&mut self, line: &[u8], malformed: Malformed) -> Event {
        let begins = |word: &[u8]| {
            let (first, rest) = line.split_at(line.len().min(word.len()));
            first.eq_ignore_ascii_case(word) && rest.first().is_none_or(|octet| *octet == b' ')
        };
        let bad = |malformed| Unreadable {
            line: self.line,
            command: line.to_vec(),
            malformed,
        };
        match self.state {
            State::Commands if begins(b"MAIL") => {
                let bad = bad(malformed);
                self.state = State::Message { recipients: 0 };
                self.began = Some(self.line);
                let from = sender_of(line);
                Event::BadMail { from, bad }
            }
            State::Message { recipients } if begins(b"RCPT") => {
                let bad = bad(malformed);
                self.state = State::Message {
                    recipients: recipients + 1,
                };
                Event::BadRcpt(bad)
            }
            _ => self.wrong(Why::Malformed(malformed)),
        }
    }

    fn wrong(&mut self, why: Why) -> Event {
        self.state = State::Over;
        self.input.clear();
        self.start = 0;
        Event::Wrong(Wrong {
            began: self.began,
            line: self.line,
            why,
        })
    }

    /// All content that is there.
    fn next_data(&mut self, mut at: At) -> Option<Event> {
        let mut out = Vec::with_capacity(self.input.len() - self.start);
        while let Some(octet) = self.input.get(self.start).copied() {
            let step = self.step(at, octet, &mut out);
            match step {
                Step::Used(next) => {
                    self.start += 1;
                    at = next;
                }
                Step::Text => at = self.text(&mut out),
                Step::Ended => {
                    self.start += 1;
                    self.line += 1;
                    return Some(self.ended(out));
                }
            }
        }
        self.state = State::Content(at);
        (!out.is_empty()).then_some(Event::Data(out))
    }

    /// What is left is handed out first; the end comes with the next call.
    fn ended(&mut self, out: Vec<u8>) -> Event {
        if !out.is_empty() {
            // the dot is read once more
            self.start -= 1;
            self.line -= 1;
            self.state = State::Content(At::DotCr);
            return Event::Data(out);
        }
        self.state = State::Commands;
        self.began = None;
        Event::DataEnd(self.content.end())
    }

    fn step(&mut self, at: At, octet: u8, out: &mut Vec<u8>) -> Step {
        match (at, octet) {
            (At::LineStart, b'.') => Step::Used(At::Dot),
            (At::Dot, b'\r') => Step::Used(At::DotCr),
            (At::Dot | At::DotCr, b'\n') => Step::Ended,
            (At::Cr, b'\n') => {
                self.line += 1;
                self.content.put_line_end(out);
                Step::Used(At::LineStart)
            }
            // who stuffs dots sees no line end in a lone CR
            (At::Cr | At::DotCr, _) => {
                self.content.bare(DataProblem::BareCr, b"\r", out);
                Step::Text
            }
            (At::LineStart | At::Dot | At::Text, _) => Step::Text,
        }
    }

    /// Text up to and with the next special octet; says where that leaves the line.
    fn text(&mut self, out: &mut Vec<u8>) -> At {
        let rest = &self.input[self.start..];
        let span = memchr3(b'\r', b'\n', 0, rest).unwrap_or(rest.len());
        self.content.put(&rest[..span], out);
        let special = rest.get(span).copied();
        self.start += span + usize::from(special.is_some());
        match special {
            Some(b'\r') => At::Cr,
            Some(b'\n') => {
                self.line += 1;
                self.content.put_line_end(out);
                At::LineStart
            }
            Some(_) => {
                self.content.note(DataProblem::Nul);
                At::Text
            }
            None => At::Text,
        }
    }
}

enum Step {
    Used(At),
    Text,
    Ended,
}

/// How the lines of a batch that is written end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Newline {
    Lf,
    CrLf,
}

impl Newline {
    fn octets(self) -> &'static [u8] {
        match self {
            Newline::Lf => b"\n",
            Newline::CrLf => b"\r\n",
        }
    }
}

/// Writes one message of a batch: the commands before it, its content, its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Writer {
    newline: Newline,
    at: At,
}

impl Writer {
    pub fn new(newline: Newline) -> Writer {
        Writer {
            newline,
            at: At::LineStart,
        }
    }

    /// A command before the content.
    pub fn command(&self, command: &Command, out: &mut Vec<u8>) {
        let mut line = Vec::new();
        command.encode(&mut line);
        line.truncate(line.len() - 2);
        out.extend_from_slice(&line);
        out.extend_from_slice(self.newline.octets());
    }

    /// A piece of the content; its lines may end with LF or CRLF.
    pub fn content(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        for &octet in piece {
            if self.at == At::Cr && octet != b'\n' {
                // a CR alone ends a line here, as it does where this is read
                self.end_line(out);
            }
            match octet {
                b'\r' => self.at = At::Cr,
                b'\n' => self.end_line(out),
                octet => {
                    if octet == b'.' && self.at == At::LineStart {
                        out.push(b'.');
                    }
                    out.push(octet);
                    self.at = At::Text;
                }
            }
        }
    }

    /// The end of the message.
    pub fn end(mut self, out: &mut Vec<u8>) {
        if self.at != At::LineStart {
            self.end_line(out);
        }
        out.push(b'.');
        self.end_line(out);
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.newline.octets());
        self.at = At::LineStart;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is read, pieces of content put together.
    fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Event> {
        let mut batch = Batch::new(1_000);
        let mut events = Vec::new();
        let mut take = |batch: &mut Batch| {
            while let Some(event) = batch.next() {
                match (events.last_mut(), event) {
                    (Some(Event::Data(all)), Event::Data(more)) => all.extend(more),
                    (_, event) => events.push(event),
                }
            }
        };
        for piece in pieces {
            batch.receive(piece);
            take(&mut batch);
        }
        batch.end();
        take(&mut batch);
        events
    }

    fn whole(text: &str) -> Vec<Event> {
        read(std::iter::once(text.as_bytes()))
    }

    fn contents(events: &[Event]) -> Vec<String> {
        let data = events.iter().filter_map(|event| match event {
            Event::Data(data) => Some(String::from_utf8_lossy(data).into_owned()),
            _ => None,
        });
        data.collect()
    }

    fn wrong(text: &str) -> Wrong {
        match whole(text).pop() {
            Some(Event::Wrong(wrong)) => wrong,
            other => panic!("{other:?} of {text:?}"),
        }
    }

    const TWO: &str = "MAIL FROM:<a@x.test>\nRCPT TO:<b@y.test>\nRCPT TO:<c@y.test>\nDATA\n\
                       Subject: one\n\n..dot\n.\nMAIL FROM:<>\nRCPT TO:<d@y.test>\nDATA\n.\n";

    #[test]
    fn reads_lines_of_both_kinds_with_and_without_a_frame() {
        let framed = format!("HELO x\n{TWO}QUIT\nnot read any more");
        for text in [TWO, &TWO.replace('\n', "\r\n"), &framed] {
            let events = whole(text);
            assert_eq!(contents(&events), ["Subject: one\r\n\r\n.dot\r\n"]);
            let ends = events.iter().filter(|e| matches!(e, Event::DataEnd(_)));
            assert_eq!(ends.count(), 2);
            let recipients = events.iter().filter(|e| matches!(e, Event::Rcpt { .. }));
            assert_eq!(recipients.count(), 3);
            assert!(
                !events.iter().any(|e| matches!(e, Event::Wrong(_))),
                "{events:?}"
            );
        }
    }

    #[test]
    fn hello_and_reset_take_a_message_back_and_questions_are_passed_over() {
        let events = whole("MAIL FROM:<a@x.test>\nNOOP\nVRFY a\nEXPN a\nRSET\nRSET\nEHLO x\n");
        assert!(
            matches!(
                events[..],
                [Event::Mail { .. }, Event::Reset, Event::Hello(_)]
            ),
            "{events:?}"
        );
        // and a torn message behind it is torn by itself
        assert_eq!(wrong("EHLO x\nMAIL FROM:<a@x.test>\n").began, Some(2));
    }

    #[test]
    fn says_where_a_batch_is_torn() {
        for text in [
            "MAIL FROM:<a@x.test>",
            "MAIL FROM:<a@x.test>\n",
            "MAIL FROM:<a@x.test>\nRCPT TO:<b@y.test>\nDATA\n",
            "MAIL FROM:<a@x.test>\nRCPT TO:<b@y.test>\nDATA\nx\n.",
            "MAIL FROM:<a@x.test>\nRCPT TO:<b@y.test>\nDATA\nx\n.\r",
        ] {
            assert_eq!(wrong(text).why, Why::Torn, "{text:?}");
        }
        let torn = wrong(&format!(
            "{TWO}MAIL FROM:<a@x.test>\nRCPT TO:<b@y.test>\nDATA\nx\n"
        ));
        assert_eq!((torn.began, torn.line), (Some(13), 17));
        assert_eq!(
            torn.to_string(),
            "the batch is torn, its end is missing, in line 17 (the message began in line 13)"
        );
    }

    #[test]
    fn what_is_no_batch_is_not_read() {
        assert!(matches!(wrong("From: a\n").why, Why::Malformed(_)));
        assert!(matches!(
            wrong(&"x".repeat(10_000)).why,
            Why::Malformed(Malformed::LineTooLong)
        ));
        assert_eq!(wrong("DATA\n").why, Why::NotHere(Verb::Data));
        assert_eq!(wrong("RCPT TO:<a@x.test>\n").why, Why::NotHere(Verb::Rcpt));
        assert_eq!(wrong("STARTTLS\n").why, Why::NotHere(Verb::StartTls));
        assert_eq!(wrong("MAIL FROM:<>\nDATA\n").why, Why::NotHere(Verb::Data));
        assert_eq!(wrong("MAIL FROM:<>\nMAIL FROM:<>\n").line, 2);
        assert_eq!(wrong("MAIL FROM:<>\nQUIT\n").why, Why::NotHere(Verb::Quit));
    }

    #[test]
    fn a_sender_or_recipient_that_cannot_be_read_spoils_its_own_message_only() {
        let events = |bad: &str| whole(&format!("{bad}{TWO}"));
        let rest = whole(TWO).len();
        for (bad, has_sender) in [
            ("MAIL FROM:<a@x.test> SIZE=x\n", true),
            ("MAIL FROM:<> XFOO=1\n", true),
            ("mail from:<a b@x.test>\n", false),
            ("MAIL FORM:<a@x.test>\n", false),
            ("MAIL\n", false),
            ("MAIL FROM:<a\t@x.test>\n", false),
            ("MAIL FROM:<\0@x.test>\n", false),
        ] {
            let message = format!("{bad}RCPT TO:<b@y.test>\nDATA\nRCPT TO:<x>\n.\n");
            let events = events(&message);
            assert_eq!(events.len(), rest + 4, "{bad:?}: {events:?}");
            let Event::BadMail { from, bad: what } = &events[0] else {
                panic!("{events:?}");
            };
            assert_eq!(from.is_some(), has_sender, "{bad:?}");
            assert_eq!(what.command, bad.trim_end_matches('\n').as_bytes());
            assert_eq!(what.line, 1);
        }
        for bad in [
            "RCPT TO:<b y@z.test>",
            "RCPT",
            "rcpt to:b\u{1}",
            "RCPT TO:<b@y.test> X=1",
        ] {
            let message = format!("MAIL FROM:<a@x.test>\n{bad}\nDATA\nx\n.\n");
            let events = events(&message);
            assert_eq!(events.len(), rest + 4, "{bad:?}: {events:?}");
            let Event::BadRcpt(what) = &events[1] else {
                panic!("{events:?}");
            };
            assert_eq!((what.line, &what.command[..]), (2, bad.as_bytes()));
            assert!(what.to_string().ends_with(", in line 2"), "{what}");
        }
        // where nobody knows what is command and what is content, the reading ends
        for lost in [
            "MAILFROM:<a@x.test>\n",
            "MAIL FROM:<>\nRCPTX TO:<a@x.test>\n",
            "RCPT TO:\n",
        ] {
            assert!(matches!(wrong(lost).why, Why::Malformed(_)), "{lost:?}");
        }
    }

    #[test]
    fn a_message_too_large_is_read_through_and_told() {
        let long = format!(
            "MAIL FROM:<>\nRCPT TO:<b@y.test>\nDATA\n{}.\n",
            "x\n".repeat(900)
        );
        let Some(Event::DataEnd(end)) = whole(&long).pop() else {
            panic!("its end is read");
        };
        assert_eq!(end.problem, Some(DataProblem::TooLarge));
    }

    fn written(newline: Newline, content: &[u8]) -> Vec<u8> {
        let (mut writer, mut out) = (Writer::new(newline), Vec::new());
        writer.command(&Command::Data, &mut out);
        writer.content(content, &mut out);
        writer.end(&mut out);
        out
    }

    #[test]
    fn writes_dots_and_ends_as_they_are_read() {
        assert_eq!(written(Newline::Lf, b".a\r\nb"), b"DATA\n..a\nb\n.\n");
        assert_eq!(written(Newline::CrLf, b""), b"DATA\r\n.\r\n");
        assert_eq!(written(Newline::Lf, b"a\r.b\r\r\n"), b"DATA\na\n..b\n\n.\n");
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same(
            text in "(MAIL FROM:<>\n|MAIL FROM:<\n|RCPT TO:<b@y.test>\r\n|RCPT TO\n|DATA\n|RSET\n|QUIT\n|\\.|\r|\n|x){0,40}",
            size in 1_usize..7,
        ) {
            prop_assert_eq!(read(text.as_bytes().chunks(size)), whole(&text));
        }

        #[test]
        fn what_is_written_is_read(content in "([.]|a|\n|\r\n){0,30}") {
            for newline in [Newline::Lf, Newline::CrLf] {
                let begin = b"MAIL FROM:<>\nRCPT TO:<b@y.test>\n".to_vec();
                let text = [begin, written(newline, content.as_bytes())].concat();
                let events = read(std::iter::once(&text[..]));
                let mut expected = content.replace("\r\n", "\n").replace('\n', "\r\n");
                if !expected.is_empty() && !expected.ends_with('\n') {
                    expected.push_str("\r\n");
                }
                prop_assert_eq!(contents(&events).concat(), expected);
                prop_assert!(matches!(events.last(), Some(Event::DataEnd(_))));
            }
        }
    }
}
