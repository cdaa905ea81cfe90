//! The server machine: cuts what arrives into events, keeps replies in order.
//!
//! Four verbs: `receive` bytes, take the `next` event, `send` its reply, write the `output`. A
//! session calls `next` until it says None, answering each event that asks for an answer, and only
//! then reads from the network; so never more waits here than one read and one unfinished line.
//! The same bytes give the same events in whatever pieces they arrive. What never happens here:
//! I/O, time, a decision whether a command is welcome.
//!
//! After the 250 to ATRN the roles are turned: this machine reads and says nothing more, and gives
//! what came since to whoever is the client now. [rfc2645 5.3]
//!
//! After the 220 to STARTTLS everything buffered is dropped and nothing is taken until
//! `tls_started`: what was sent in clear text before TLS is never read as if it came after.
//! [rfc3207 4.2]

use crate::bare_name::completed;
use crate::chunks::{Chunks, Octets};
use crate::command::{BodyType, ChunkPlace, Command, Malformed, Verb};
use crate::data::{BareNewlines, DataEnd, DataRules, Decoder, Progress};
use crate::limits::{AUTH_LINE_BYTES, COMMAND_LINE_BYTES};
use crate::parse::{is_bdat, parse_command};
use crate::reply::Reply;
use crate::sequence::{Answered, may_answer};
use addr::Domain;
use memchr::memchr;

/// What the client did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A command; answer it, unless it is BDAT, which is answered when its octets have come. 354
    /// to DATA asks for the content, 334 to AUTH for a line, 220 to STARTTLS stops the reading,
    /// 221 to QUIT ends the connection.
    Command(Command),
    /// A line that is no command; answer it. After a `ChunkSize` the connection has ended.
    Malformed(Malformed),
    /// A line of an AUTH exchange without its CRLF; answer it.
    AuthLine(Vec<u8>),
    /// Content of the message, unstuffed. Not answered.
    Data(Vec<u8>),
    /// The octets of a BDAT have come, and more chunks are to follow; answer it.
    ChunkEnd(DataEnd),
    /// The content has ended; answer it.
    DataEnd(DataEnd),
}

#[derive(Debug)]
enum State {
    /// Reading command lines.
    Commands,
    /// Reading one line of an AUTH exchange.
    AuthLine,
    /// An event was handed out, its answer is awaited.
    Answer(Awaited),
    Data(Decoder),
    /// Reading the octets of a BDAT.
    Chunk {
        left: u64,
        place: ChunkPlace,
    },
    /// The content was read to its end, its last chunk handed out.
    DataEnded(DataEnd),
    /// STARTTLS was answered with 220; nothing is taken.
    Tls,
    /// ATRN was answered with 250; what comes is kept, and not read here.
    Turned,
    Closed,
}

/// What the next reply answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Awaited {
    /// The connection itself; the reply is the greeting.
    Connection,
    Command(Verb),
    Malformed,
    /// A line behind which nothing can be read.
    LastLine,
    AuthLine,
    ChunkEnd,
    DataEnd,
}

impl Awaited {
    fn answered(self) -> Answered {
        match self {
            Awaited::Connection => Answered::Connection,
            Awaited::Command(verb) => Answered::Command(verb),
            Awaited::Malformed | Awaited::LastLine => Answered::NoCommand,
            Awaited::AuthLine => Answered::Command(Verb::Auth),
            Awaited::ChunkEnd | Awaited::DataEnd => Answered::Content,
        }
    }
}

/// Whether a line is being read, or dropped up to its CRLF.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Line {
    Reading,
    Dropping { last: u8, report: Report },
}

/// What is said when a dropped line has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Report {
    TooLong,
    /// It was reported when it began.
    Nothing,
}

/// The server's side of one connection.
#[derive(Debug)]
pub struct Server {
    state: State,
    line: Line,
    /// What was received; consumed up to `start`, known to hold no LF up to `scanned`.
    input: Vec<u8>,
    start: usize,
    scanned: usize,
    output: Vec<u8>,
    flush: Flush,
    data_rules: DataRules,
    /// Of names that stand alone in MAIL and RCPT; None: they are wrong.
    home: Option<Domain>,
    /// What the last MAIL said of its content.
    asked: Octets,
    /// The same of the last MAIL that was taken; counts for BDAT.
    octets: Octets,
    /// The message of which chunks have come.
    chunks: Option<Chunks>,
}

/// Whether replies may wait for those behind them. [rfc2920 3.2]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flush {
    /// They are written when the input has been read through.
    Later,
    /// They are written before the next event is taken.
    Now,
}

impl Server {
    /// A new connection; the first `send` is the greeting.
    pub fn new(data_rules: DataRules) -> Server {
        Server {
            state: State::Answer(Awaited::Connection),
            line: Line::Reading,
            input: Vec::new(),
            start: 0,
            scanned: 0,
            output: Vec::new(),
            flush: Flush::Later,
            data_rules,
            home: None,
            asked: Octets::Lines,
            octets: Octets::Lines,
            chunks: None,
        }
    }

    /// How a CR or LF that stands alone is taken, from the next message on.
    pub fn set_bare_newlines(&mut self, bare_newlines: BareNewlines) {
        self.data_rules.bare_newlines = bare_newlines;
    }

    /// Names without a domain in MAIL and RCPT are of this one, from the next command on.
    pub fn set_home(&mut self, home: Domain) {
        self.home = Some(home);
    }

    /// Takes what the network gave. While TLS is starting and after the end it is dropped.
    pub fn receive(&mut self, bytes: &[u8]) {
        if matches!(self.state, State::Tls | State::Closed) {
            return;
        }
        self.input.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.input.extend_from_slice(bytes);
    }

    /// The next event, or None if more bytes or an answer are awaited first.
    #[allow(
        clippy::should_implement_trait,
        reason = "a machine is no iterator: None is not the end"
    )]
    pub fn next(&mut self) -> Option<Event> {
        match &self.state {
            State::Answer(_) | State::Tls | State::Turned | State::Closed => None,
            State::Commands => self.next_command(),
            State::AuthLine => self.next_auth_line(),
            State::Data(_) => self.next_data(),
            State::Chunk { left, place } => {
                let (left, place) = (*left, *place);
                self.next_of_chunk(left, place)
            }
            State::DataEnded(end) => {
                let end = *end;
                self.state = State::Answer(Awaited::DataEnd);
                Some(Event::DataEnd(end))
            }
        }
    }

    /// Answers the last event; each has one answer. [rfc5321 4.2] A 421 may be sent at any time: it ends the connection.
    pub fn send(&mut self, reply: Reply) {
        let code = reply.code();
        reply.encode(&mut self.output);
        if code == 421 {
            return self.close();
        }
        let State::Answer(awaited) = self.state else {
            panic!("a reply {code} that answers nothing");
        };
        debug_assert!(
            may_answer(awaited.answered(), code),
            "a reply {code} to {awaited:?}"
        );
        // these may be gathered; all others go out at once [rfc2920 3.2 (2)(5)(6)]
        use Awaited::Command as To;
        if !matches!(awaited, To(Verb::Rset | Verb::Mail | Verb::Rcpt)) {
            self.flush = Flush::Now;
        }
        self.state = match (awaited, code) {
            (Awaited::LastLine, _) => return self.close(),
            (To(Verb::Data), 354) => State::Data(Decoder::new(self.data_rules)),
            (To(Verb::Auth) | Awaited::AuthLine, 334) => State::AuthLine,
            // one that is refused changes nothing of a message that was begun before it
            (To(Verb::Mail), 250) => {
                self.octets = self.asked;
                self.chunks = None;
                State::Commands
            }
            (To(Verb::Quit), 221) => return self.close(),
            (To(Verb::Atrn), 250) => State::Turned,
            (To(Verb::StartTls), 220) => {
                self.drop_input();
                State::Tls
            }
            _ => State::Commands,
        };
    }

    /// Answers the end of content at LMTP: each recipient by itself, in the order in which they
    /// were accepted. [rfc2033 4.2]
    pub fn send_each(&mut self, replies: Vec<Reply>) {
        assert!(
            matches!(self.state, State::Answer(Awaited::DataEnd)) && !replies.is_empty(),
            "replies for each recipient that answer no content"
        );
        for reply in replies {
            debug_assert!(
                may_answer(Answered::Content, reply.code()),
                "a reply {} to content",
                reply.code()
            );
            reply.encode(&mut self.output);
        }
        self.flush = Flush::Now;
        self.state = State::Commands;
    }

    /// TLS is there: what is received from now on came through it.
    pub fn tls_started(&mut self) {
        assert!(
            matches!(self.state, State::Tls),
            "TLS started without STARTTLS"
        );
        self.state = State::Commands;
    }

    /// The bytes to write; empty if there are none.
    pub fn output(&mut self) -> Vec<u8> {
        self.flush = Flush::Later;
        std::mem::take(&mut self.output)
    }

    /// Whether the output must be written before the next event is taken.
    pub fn flush(&self) -> Flush {
        self.flush
    }

    /// Octets of replies that wait to be written.
    pub fn output_len(&self) -> usize {
        self.output.len()
    }

    /// True after QUIT or 421: write the output, then close the connection.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// True after the 250 to ATRN: write the output, then let `turned_over` say what came behind it.
    pub fn has_turned(&self) -> bool {
        matches!(self.state, State::Turned)
    }

    /// What the other side has said since it became the server.
    pub fn turned_over(self) -> Vec<u8> {
        assert!(self.has_turned(), "turned without ATRN");
        self.input[self.start..].to_vec()
    }

    /// True while TLS is awaited.
    pub fn awaits_tls(&self) -> bool {
        matches!(self.state, State::Tls)
    }

    /// True while the content of a message is being received.
    pub fn in_data(&self) -> bool {
        matches!(
            self.state,
            State::Data(_) | State::Chunk { .. } | State::DataEnded(_)
        )
    }

    /// Octets received and not yet consumed: at most one read and one unfinished line.
    pub fn buffered(&self) -> usize {
        self.input.len() - self.start
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.flush = Flush::Now;
        self.drop_input();
    }

    fn drop_input(&mut self) {
        self.input.clear();
        (self.start, self.scanned) = (0, 0);
        self.line = Line::Reading;
        self.chunks = None;
    }

    fn next_command(&mut self) -> Option<Event> {
        let event = match self
            .next_line(command_limit)?
            .and_then(|line| match &self.home {
                Some(home) => parse_command(&completed(&line, home)),
                None => parse_command(&line),
            }) {
            Ok(command) => {
                self.begin(&command);
                Event::Command(command)
            }
            Err(malformed) => self.malformed(malformed),
        };
        Some(event)
    }

    /// What a command means for what is read behind it.
    fn begin(&mut self, command: &Command) {
        self.state = match command {
            // octets follow, whether they are welcome or not [rfc3030 2]
            Command::Bdat { bytes, place } => State::Chunk {
                left: *bytes,
                place: *place,
            },
            _ => State::Answer(Awaited::Command(command.verb())),
        };
        if let Command::Mail { parameters, .. } = command {
            self.asked = match parameters.body {
                Some(BodyType::BinaryMime) => Octets::Any,
                _ => Octets::Lines,
            };
        }
    }

    fn next_auth_line(&mut self) -> Option<Event> {
        match self.next_line(|_| AUTH_LINE_BYTES)? {
            Ok(line) => {
                self.state = State::Answer(Awaited::AuthLine);
                Some(Event::AuthLine(line))
            }
            // the exchange is over with it [rfc4954 4]
            Err(malformed) => Some(self.malformed(malformed)),
        }
    }

    fn malformed(&mut self, malformed: Malformed) -> Event {
        self.state = State::Answer(match malformed {
            Malformed::ChunkSize => Awaited::LastLine,
            _ => Awaited::Malformed,
        });
        Event::Malformed(malformed)
    }

    /// The next line without its CRLF, if it is whole. `limit` tells from the line's beginning how
    /// long it may be.
    fn next_line(&mut self, limit: fn(&[u8]) -> usize) -> Option<Result<Vec<u8>, Malformed>> {
        if self.line != Line::Reading && self.drop_line()? == Report::TooLong {
            return Some(Err(Malformed::LineTooLong));
        }
        let lf = memchr(b'\n', &self.input[self.scanned..]).map(|at| self.scanned + at);
        let length = lf.unwrap_or(self.input.len()) - self.start;
        if length >= limit(&self.input[self.start..]) {
            if is_bdat(&self.input[self.start..]) {
                return Some(Err(Malformed::ChunkSize));
            }
            self.line = Line::Dropping {
                last: 0,
                report: Report::TooLong,
            };
            return self.next_line(limit);
        }
        let Some(lf) = lf else {
            self.scanned = self.input.len();
            return None;
        };
        let line = &self.input[self.start..lf];
        // octets follow that nobody counted [rfc3030 2]
        let unreadable = match is_bdat(line) {
            true => Malformed::ChunkSize,
            false => Malformed::BareNewline,
        };
        let line = line
            .strip_suffix(b"\r")
            .map(<[u8]>::to_vec)
            .ok_or(unreadable);
        self.consume_to(lf + 1);
        if line.is_err() {
            // what follows may be somebody else's text: nothing of it is a command
            // [rfc5321 2.3.8]
            self.line = Line::Dropping {
                last: 0,
                report: Report::Nothing,
            };
        }
        Some(line)
    }

    /// Drops up to a true CRLF; None if it has not come yet.
    fn drop_line(&mut self) -> Option<Report> {
        let Line::Dropping { mut last, report } = self.line else {
            return Some(Report::Nothing);
        };
        while let Some(at) = memchr(b'\n', &self.input[self.start..]) {
            let lf = self.start + at;
            let before = if at == 0 { last } else { self.input[lf - 1] };
            self.consume_to(lf + 1);
            if before == b'\r' {
                self.line = Line::Reading;
                return Some(report);
            }
            last = b'\n';
        }
        if self.start < self.input.len() {
            last = self.input[self.input.len() - 1];
        }
        self.consume_to(self.input.len());
        self.line = Line::Dropping { last, report };
        None
    }

    fn consume_to(&mut self, at: usize) {
        self.start = at;
        self.scanned = at;
    }

    fn next_data(&mut self) -> Option<Event> {
        let State::Data(decoder) = &mut self.state else {
            return None;
        };
        let input = &self.input[self.start..];
        let mut content = Vec::with_capacity(input.len());
        match decoder.decode(input, &mut content) {
            Progress::More => self.consume_to(self.input.len()),
            Progress::Ended { used } => {
                self.state = State::DataEnded(decoder.end());
                self.consume_to(self.start + used);
            }
        }
        if content.is_empty() && self.in_data_ended() {
            return self.next();
        }
        (!content.is_empty()).then_some(Event::Data(content))
    }

    /// What has come of a chunk, or its end. The content is looked at by one decoder for all chunks
    /// of a message.
    fn next_of_chunk(&mut self, left: u64, place: ChunkPlace) -> Option<Event> {
        let rules = self.data_rules;
        let chunks = self
            .chunks
            .get_or_insert_with(|| Chunks::new(rules, self.octets));
        let input = &self.input[self.start..];
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let mut content = Vec::with_capacity(count);
        chunks.take(&input[..count], &mut content);
        let (end, left) = (chunks.end(), left - count as u64);
        self.consume_to(self.start + count);
        self.state = match (left, place) {
            (0, ChunkPlace::Last) => {
                let whole = self.chunks.take().map(|chunks| chunks.finish(&mut content));
                State::DataEnded(whole.unwrap_or(end))
            }
            (0, ChunkPlace::More) if content.is_empty() => State::Answer(Awaited::ChunkEnd),
            (left, place) => State::Chunk { left, place },
        };
        match &self.state {
            _ if !content.is_empty() => Some(Event::Data(content)),
            State::DataEnded(_) => self.next(),
            State::Answer(_) => Some(Event::ChunkEnd(end)),
            _ => None,
        }
    }

    fn in_data_ended(&self) -> bool {
        matches!(self.state, State::DataEnded(_))
    }
}

/// How long a command line may be; AUTH may carry a response.
fn command_limit(line: &[u8]) -> usize {
    match line.get(..5) {
        Some(head) if head.eq_ignore_ascii_case(b"AUTH ") => AUTH_LINE_BYTES,
        _ => COMMAND_LINE_BYTES,
    }
}

#[cfg(test)]
mod tests;
