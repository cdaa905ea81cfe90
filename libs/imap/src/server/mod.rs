//! The server's side of one connection: bytes in, events out, responses in, bytes out.
//!
//! How a session uses it: read from the connection only when `next()` gave `None`; `receive` the
//! bytes; take events by `next()`, one at a time, asking for another only when the last is answered
//! (by a `Response::Tagged`, which ends its command); after each step write `output()`.
//! Never here: which command is allowed when; time.

mod append;
mod discard;
mod input;

use crate::command::{AppendForm, AppendMessage, Command, LiteralKind};
use crate::cursor::LiteralHead;
use crate::limits;
use crate::mailbox::NameEncoding;
use crate::parse::{self, Outcome};
use crate::refusal::{Refusal, What};
use crate::response::Response;
use crate::tag::Tag;
use discard::{Discard, Discarded, announced_literal};
use input::{Input, Line};

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A complete command. It is over when a tagged response is sent.
    ///
    /// - `Append`: nothing of the message is read yet. `Server::accept_append()` lets it come as
    ///   `AppendChunk`s; a tagged response, now or between chunks, refuses it (what a LITERAL+ client
    ///   sends all the same is thrown away).
    /// - `Authenticate`: `Server::challenge()` asks for the next line.
    /// - `Idle`: `Server::start_idle()` says `+` and waits for DONE.
    /// - `StartTls`: a tagged OK drops what was received and refuses bytes until `tls_started()`;
    ///   any other tagged response lets the connection go on.
    Command { tag: Tag, command: Command },
    /// A piece of APPEND's message.
    AppendChunk(Vec<u8>),
    /// The message is complete and another follows, offered as the first was: nothing of it is read
    /// yet, and `accept_append` or a tagged response decides. [rfc3502 6.3.11]
    AppendNext(AppendMessage),
    /// The message and its command are complete; now all of its messages may be kept. (If a line
    /// does not end as it must, or a message holds a NUL that its form does not allow, `Refused`
    /// comes instead, and none of them must be kept.)
    AppendEnd,
    /// The client's answer to a challenge, decoded.
    AuthenticateLine(Vec<u8>),
    /// The client sent `*`: answer the AUTHENTICATE with BAD. [rfc3501 6.2.2]
    AuthenticateCancelled,
    /// IDLE is over: answer its tag.
    IdleDone,
    /// The command cannot be taken: answer with `Response::refused(…)`, or otherwise.
    Refused { tag: Option<Tag>, refusal: Refusal },
    /// The client cannot be followed any more: say BYE and close. Nothing comes after it.
    Fatal(Refusal),
}

/// Bytes came between the OK of STARTTLS and `tls_started()`: they belong to the TLS layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BytesBeforeTls;

/// What the next bytes are.
#[derive(Debug, Default)]
enum State {
    /// A line of a command, its first or the one after a literal.
    #[default]
    Line,
    /// A literal of a command.
    Literal {
        left: u64,
    },
    /// An APPEND waits for the session's word.
    AppendOffered {
        tag: Tag,
        size: u64,
        form: AppendForm,
        waits: LiteralKind,
    },
    AppendMessage {
        tag: Tag,
        left: u64,
        form: AppendForm,
    },
    /// What follows the message: the end of the line, or another message.
    AppendTail {
        tag: Tag,
        form: AppendForm,
    },
    /// The answer to a challenge.
    AuthenticateLine {
        tag: Tag,
    },
    /// DONE.
    Idle {
        tag: Tag,
    },
    /// The rest of a refused command.
    Discard(Discard),
    /// A STARTTLS waits for the session's word.
    TlsOffered {
        tag: Tag,
    },
    /// TLS is being set up; no bytes are for us.
    TlsAwaited,
    /// `Fatal` comes next.
    Doomed(Refusal),
    Dead,
}

/// A command as far as it has come.
#[derive(Debug, Default)]
struct Partly {
    /// Lines and literals as sent, line ends as CRLF.
    text: Vec<u8>,
    literals: usize,
    literal_bytes: u64,
}

impl Partly {
    fn line_bytes(&self) -> usize {
        let literal_bytes =
            usize::try_from(self.literal_bytes).expect("because it is below its bound");
        self.text.len() - literal_bytes
    }
}

#[derive(Debug, Default)]
pub struct Server {
    input: Input,
    state: State,
    partly: Partly,
    /// The command that was given out last.
    current: Option<Tag>,
    out: Vec<u8>,
    names: NameEncoding,
}

impl Server {
    pub fn new() -> Server {
        Server::default()
    }

    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), BytesBeforeTls> {
        match self.state {
            State::TlsAwaited => Err(BytesBeforeTls),
            State::Dead | State::Doomed(_) => Ok(()),
            _ => {
                self.input.push(bytes);
                Ok(())
            }
        }
    }

    /// The next event; None when more bytes, or the session's word on the last event, are needed.
    #[allow(clippy::should_implement_trait)] // because it is no iterator: None now may be Some later
    pub fn next(&mut self) -> Option<Event> {
        loop {
            match self.step() {
                Step::Event(event) => return Some(event),
                Step::GoOn => {}
                Step::Wait => return None,
            }
        }
    }

    fn step(&mut self) -> Step {
        // Each step puts back the state that it leaves unchanged.
        match std::mem::take(&mut self.state) {
            State::Line => self.command_line(),
            State::Literal { left } => self.literal(left),
            State::AppendMessage { tag, left, form } => self.append_message(tag, left, form),
            State::AppendTail { tag, form } => self.append_tail(tag, form),
            State::AuthenticateLine { tag } => self.authenticate_line(tag),
            State::Idle { tag } => self.idle_line(tag),
            State::Discard(discard) => self.discard(discard),
            State::Doomed(refusal) => {
                self.state = State::Dead;
                Step::Event(Event::Fatal(refusal))
            }
            waits @ (State::AppendOffered { .. }
            | State::TlsOffered { .. }
            | State::TlsAwaited
            | State::Dead) => {
                self.state = waits;
                Step::Wait
            }
        }
    }

    /// One more line of a command. The text so far is parsed at each literal, so that a command
    /// that is wrong already is refused before its literal is asked for. [rfc3501 7.5]
    fn command_line(&mut self) -> Step {
        let room = limits::COMMAND_LINE_BYTES.saturating_sub(self.partly.line_bytes());
        match self.input.line(room) {
            Line::NotYet => return Step::Wait,
            Line::TooLong => {
                let mut partly = std::mem::take(&mut self.partly);
                let start =
                    &self.input.waiting()[..self.input.waiting().len().min(limits::TAG_BYTES + 1)];
                partly.text.extend_from_slice(start);
                let tag = parse::read_tag(&partly.text);
                return self.line_too_long(tag);
            }
            Line::Whole(line) => self.partly.text.extend_from_slice(&line),
        }
        match parse::parse(&self.partly.text, self.names) {
            Outcome::Command(tag, command) => self.give(tag, command),
            Outcome::Literal(head) => self.literal_announced(head),
            Outcome::Refused(tag, refusal) => self.refuse_command(tag, refusal),
        }
    }

    fn give(&mut self, tag: Tag, command: Command) -> Step {
        self.partly = Partly::default();
        self.current = Some(tag.clone());
        match &command {
            Command::Append(append) => self.offer(tag.clone(), &append.message),
            Command::StartTls => self.state = State::TlsOffered { tag: tag.clone() },
            _ => {}
        }
        Step::Event(Event::Command { tag, command })
    }

    fn literal_announced(&mut self, head: LiteralHead) -> Step {
        let total = self.partly.literal_bytes.saturating_add(head.octets);
        let what = if total > limits::COMMAND_LITERAL_BYTES {
            What::LiteralTooLarge
        } else if self.partly.literals == limits::LITERALS {
            What::TooManyLiterals
        } else {
            self.partly.literals += 1;
            self.partly.literal_bytes = total;
            self.partly.text.extend_from_slice(b"\r\n");
            if head.kind == LiteralKind::Synchronizing {
                self.out.extend_from_slice(b"+ OK\r\n");
            }
            self.state = State::Literal { left: head.octets };
            return Step::GoOn;
        };
        let refusal = Refusal::new(what, self.partly.text.len());
        let tag = parse::read_tag(&self.partly.text);
        self.refuse_command(tag, refusal)
    }

    fn literal(&mut self, left: u64) -> Step {
        let wanted = usize::try_from(left).expect("because it is below its bound");
        let piece = self.input.take(wanted);
        self.partly.text.extend_from_slice(&piece);
        let left = left - piece.len() as u64;
        if left > 0 {
            self.state = State::Literal { left };
            return Step::Wait;
        }
        Step::GoOn
    }

    /// Refuses the command read so far; what a client sends of it without waiting is read over.
    fn refuse_command(&mut self, tag: Option<Tag>, refusal: Refusal) -> Step {
        let text = std::mem::take(&mut self.partly).text;
        if let Some(octets) = announced_literal(&text) {
            let budget = if is_append(&text) {
                limits::DISCARDED_APPEND_BYTES
            } else {
                limits::DISCARDED_BYTES
            };
            self.state = State::Discard(Discard::new(octets, budget));
        }
        Step::Event(Event::Refused { tag, refusal })
    }

    /// The line still waits, whole or in part.
    fn line_too_long(&mut self, tag: Option<Tag>) -> Step {
        self.state = State::Discard(Discard::new(0, limits::DISCARDED_BYTES));
        let refusal = Refusal::new(What::LineTooLong, 0);
        Step::Event(Event::Refused { tag, refusal })
    }

    /// A line that came where another was due: refused, and with it the literal that it announces.
    fn refuse_line(&mut self, tag: Tag, line: &[u8], what: What) -> Step {
        if let Some(octets) = announced_literal(line) {
            self.state = State::Discard(Discard::new(octets, limits::DISCARDED_BYTES));
        }
        Step::Event(Event::Refused {
            tag: Some(tag),
            refusal: Refusal::new(what, 0),
        })
    }

    /// `base64 / "*"` [rfc3501 6.2.2]
    fn authenticate_line(&mut self, tag: Tag) -> Step {
        match self.input.line(limits::AUTHENTICATE_LINE_BYTES) {
            Line::NotYet => {
                self.state = State::AuthenticateLine { tag };
                Step::Wait
            }
            Line::TooLong => self.line_too_long(Some(tag)),
            Line::Whole(line) if line == b"*" => Step::Event(Event::AuthenticateCancelled),
            Line::Whole(line) => match parse::decode_base64(&line) {
                Some(octets) => Step::Event(Event::AuthenticateLine(octets)),
                None => {
                    let refusal = Refusal::new(What::BadBase64, 0);
                    Step::Event(Event::Refused {
                        tag: Some(tag),
                        refusal,
                    })
                }
            },
        }
    }

    /// `"DONE"` [rfc2177 4]
    fn idle_line(&mut self, tag: Tag) -> Step {
        match self.input.line(limits::IDLE_LINE_BYTES) {
            Line::NotYet => {
                self.state = State::Idle { tag };
                Step::Wait
            }
            Line::TooLong => self.line_too_long(Some(tag)),
            Line::Whole(line) if line.trim_ascii_end().eq_ignore_ascii_case(b"DONE") => {
                Step::Event(Event::IdleDone)
            }
            Line::Whole(line) => self.refuse_line(tag, &line, What::DoneExpected),
        }
    }

    fn discard(&mut self, mut discard: Discard) -> Step {
        match discard.go_on(&mut self.input) {
            Discarded::NotYet => {
                self.state = State::Discard(discard);
                Step::Wait
            }
            Discarded::Done => Step::GoOn,
            Discarded::TooMuch => {
                self.input.clear();
                self.state = State::Doomed(Refusal::new(What::TooMuchRefused, 0));
                Step::GoOn
            }
        }
    }

    pub fn send(&mut self, response: &Response) {
        crate::encode::encode(response, self.names, &mut self.out);
        if let Response::Tagged { tag, condition, .. } = response {
            self.command_over(tag, *condition);
        }
    }

    /// A tagged response ends its command, wherever it was.
    fn command_over(&mut self, over: &Tag, condition: crate::Condition) {
        self.state = match std::mem::take(&mut self.state) {
            State::AppendOffered {
                tag,
                waits: LiteralKind::Synchronizing,
                ..
            } if tag == *over => State::Line,
            State::AppendOffered {
                tag, size: left, ..
            }
            | State::AppendMessage { tag, left, .. }
                if tag == *over =>
            {
                State::Discard(Discard::new(left, limits::DISCARDED_APPEND_BYTES))
            }
            State::AppendTail { tag, .. } if tag == *over => {
                State::Discard(Discard::new(0, limits::DISCARDED_BYTES))
            }
            State::AuthenticateLine { tag } | State::Idle { tag } if tag == *over => State::Line,
            State::TlsOffered { tag } if tag == *over => match condition {
                crate::Condition::Ok => {
                    // What came in clear text behind STARTTLS is nobody's word. [rfc3501 6.2.1]
                    self.input.clear();
                    State::TlsAwaited
                }
                _ => State::Line,
            },
            other => other,
        };
    }

    /// The bytes to write to the connection; empties the buffer.
    pub fn output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// How many bytes `output()` would give: a session writes when this grows past its bound.
    pub fn output_len(&self) -> usize {
        self.out.len()
    }

    /// Where a `FetchWriter` writes.
    pub fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Sends `+ ` and the challenge in base64; the next event is the client's line.
    /// Only while an AUTHENTICATE waits for its answer.
    pub fn challenge(&mut self, challenge: &[u8]) {
        use base64::Engine;
        let challenge = base64::engine::general_purpose::STANDARD.encode(challenge);
        let tag = self.ask_for_line();
        self.out
            .extend_from_slice(format!("+ {challenge}\r\n").as_bytes());
        self.state = State::AuthenticateLine { tag };
    }

    /// Sends `+ ` for IDLE; the next event is `IdleDone`. Only while an IDLE waits for its answer.
    pub fn start_idle(&mut self) {
        let tag = self.ask_for_line();
        self.out.extend_from_slice(b"+ idling\r\n");
        self.state = State::Idle { tag };
    }

    /// Only between a command and its answer a line can be asked for.
    fn ask_for_line(&mut self) -> Tag {
        assert!(
            matches!(self.state, State::Line),
            "a line is asked for between command and answer"
        );
        self.current
            .clone()
            .expect("because a command was given out before")
    }

    /// TLS runs: the connection begins anew. [rfc3501 6.2.1]
    pub fn tls_started(&mut self) {
        assert!(
            matches!(self.state, State::TlsAwaited),
            "TLS starts after the OK of STARTTLS"
        );
        self.state = State::Line;
        self.current = None;
    }

    /// How names are written now.
    pub fn names(&self) -> NameEncoding {
        self.names
    }

    /// From now on names are written so. [rfc9051 5.1]
    pub fn set_names(&mut self, names: NameEncoding) {
        self.names = names;
    }
}

enum Step {
    Event(Event),
    GoOn,
    Wait,
}

fn is_append(text: &[u8]) -> bool {
    let word = text
        .split(|&octet| octet == b' ')
        .filter(|word| !word.is_empty())
        .nth(1);
    word.is_some_and(|word| word.eq_ignore_ascii_case(b"APPEND"))
}
