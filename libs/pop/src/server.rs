//! The server's machine: bytes in, events out; replies in, bytes out. It owns no socket and no clock.
//!
//! One command, one answer: the next event comes only when the last one has been answered, so
//! pipelined commands are taken in turn [rfc2449 6.6] and an answer can change how the line behind
//! it is read (a challenge, STLS). Never here: whether a command is allowed, and what it does.

use crate::command::{self, Bad, Command, Secret, Verb};
use crate::limits::{AUTH_LINE_BYTES, COMMAND_LINE_BYTES, UPLOAD_BYTES};
use crate::reply::{Reply, single_line};
use crate::stuffing::Stuffer;
use crate::upload::Upload;
use memchr::memchr;

/// What the client did. Each is answered before the next one comes, but `Data`, which has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Command(Command),
    /// The answer to a challenge, still in base64.
    AuthAnswer(Secret),
    /// The client gave up the exchange with `*` [rfc5034 4].
    AuthCancelled,
    /// A piece of the message that `Reply::Receive` asked for.
    Data(Vec<u8>),
    /// The message is here whole.
    DataEnd,
    /// The line is no command. Nothing has changed.
    Bad(Bad),
}

#[derive(Debug)]
enum Turn {
    /// The client's: the next line is a command.
    Command,
    /// The client's: the next line answers a challenge.
    AuthAnswer,
    /// Ours: an event (or, at first, the greeting) waits for its answer.
    Answer,
    /// Ours: a multi-line answer has begun.
    Lines(Stuffer),
    /// The client's: a message comes.
    Upload(Upload),
    /// Nobody's: TLS is being set up.
    Tls,
}

/// One session's machine.
#[derive(Debug)]
pub struct Server {
    turn: Turn,
    input: Vec<u8>,
    /// Octets at the front of `input` that are already known to hold no LF.
    searched: usize,
    /// The rest of a line that was too long is being dropped.
    skipping: bool,
    /// A word that is no command in this session.
    without: Option<Verb>,
    out: Vec<u8>,
}

impl Default for Server {
    fn default() -> Server {
        Server::new()
    }
}

impl Server {
    /// A machine that waits for its greeting to be sent.
    pub fn new() -> Server {
        Server {
            turn: Turn::Answer,
            input: Vec::new(),
            searched: 0,
            skipping: false,
            without: None,
            out: Vec::new(),
        }
    }

    /// The same, where one word is no command: it is answered like any other that is none.
    pub fn without(self, verb: Verb) -> Server {
        Server {
            without: Some(verb),
            ..self
        }
    }

    /// Takes what the client sent. Between STLS and [`Server::tls_started`] it is dropped: plain
    /// text must not be taken for something said under TLS [rfc2595 4].
    pub fn receive(&mut self, bytes: &[u8]) {
        if !matches!(self.turn, Turn::Tls) {
            self.input.extend_from_slice(bytes);
        }
    }

    /// The next event, if the last one is answered and a whole line is here.
    #[expect(clippy::should_implement_trait, reason = "None means: not yet")]
    pub fn next(&mut self) -> Option<Event> {
        let in_exchange = match self.turn {
            Turn::Command => false,
            Turn::AuthAnswer => true,
            Turn::Upload(_) => return self.data(),
            Turn::Answer | Turn::Lines(_) | Turn::Tls => return None,
        };
        let event = match self.line(in_exchange)? {
            Err(bad) => Event::Bad(bad),
            Ok(line) if !in_exchange => match command::parse(&line, self.without) {
                Ok(command) => Event::Command(command),
                Err(bad) => Event::Bad(bad),
            },
            Ok(line) if line == b"*" => Event::AuthCancelled,
            Ok(line) => Event::AuthAnswer(Secret(line)),
        };
        self.turn = Turn::Answer;
        Some(event)
    }

    /// The next piece of the message that comes, or its end.
    fn data(&mut self) -> Option<Event> {
        let Turn::Upload(upload) = &mut self.turn else {
            return None;
        };
        let mut data = Vec::new();
        let here = self.input.len().min(UPLOAD_BYTES);
        let read = upload.push(&self.input[..here], &mut data);
        self.input.drain(..read);
        if !data.is_empty() {
            return Some(Event::Data(data));
        }
        if upload.is_ended() {
            self.turn = Turn::Answer;
            return Some(Event::DataEnd);
        }
        None
    }

    /// Answers the last event, or a piece of it.
    ///
    /// # Panics
    /// When no answer is due, or when a piece of a multi-line answer comes outside of one: the door
    /// would be out of step with its client.
    pub fn send(&mut self, reply: Reply<'_>) {
        if let Turn::Lines(stuffer) = &mut self.turn {
            match reply {
                Reply::Line(line) => {
                    stuffer.push(line.as_bytes(), &mut self.out);
                    stuffer.push(b"\r\n", &mut self.out);
                }
                Reply::Data(data) => stuffer.push(data, &mut self.out),
                Reply::End => {
                    stuffer.clone().finish(&mut self.out);
                    self.turn = Turn::Command;
                }
                other => panic!("{other:?} inside of a multi-line answer"),
            }
            return;
        }
        assert!(
            matches!(self.turn, Turn::Answer),
            "{reply:?}, but no answer is due"
        );
        self.turn = self.first_line(reply);
    }

    fn first_line(&mut self, reply: Reply<'_>) -> Turn {
        match reply {
            Reply::Ok(text) => single_line(&mut self.out, "+OK", None, text),
            Reply::Err(code, text) => single_line(&mut self.out, "-ERR", code, text),
            Reply::Challenge(base64) => {
                self.out.extend_from_slice(b"+ ");
                self.out.extend_from_slice(base64.as_bytes());
                self.out.extend_from_slice(b"\r\n");
                return Turn::AuthAnswer;
            }
            Reply::StartTls(text) => {
                single_line(&mut self.out, "+OK", None, text);
                self.input = Vec::new();
                self.searched = 0;
                return Turn::Tls;
            }
            Reply::Begin(text) => {
                single_line(&mut self.out, "+OK", None, text);
                return Turn::Lines(Stuffer::new());
            }
            Reply::Receive(text) => {
                single_line(&mut self.out, "+OK", None, text);
                return Turn::Upload(Upload::default());
            }
            Reply::Line(_) | Reply::Data(_) | Reply::End => {
                panic!("{reply:?} outside of a multi-line answer")
            }
        }
        Turn::Command
    }

    /// Says goodbye out of turn, before the connection is closed: nothing is read after it.
    /// Inside a multi-line answer nothing can be said; the connection just ends.
    pub fn send_last(&mut self, reply: Reply<'_>) {
        if !matches!(self.turn, Turn::Lines(_) | Turn::Tls) {
            let _ = self.first_line(reply);
        }
        self.turn = Turn::Tls;
        self.input = Vec::new();
    }

    /// What is to be written to the client.
    pub fn output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// How much waits to be written.
    pub fn output_len(&self) -> usize {
        self.out.len()
    }

    /// The handshake is done: commands are read again, all of them from under TLS.
    pub fn tls_started(&mut self) {
        assert!(matches!(self.turn, Turn::Tls), "TLS was not asked for");
        self.turn = Turn::Command;
    }

    /// The next line without its end, or that it was too long. A bare LF ends a line as well.
    fn line(&mut self, in_exchange: bool) -> Option<Result<Vec<u8>, Bad>> {
        let found = memchr(b'\n', &self.input[self.searched..]).map(|at| self.searched + at + 1);
        let bound = match in_exchange || command::may_be_long(&self.input) {
            true => AUTH_LINE_BYTES,
            false => COMMAND_LINE_BYTES,
        };
        let Some(end) = found else {
            self.searched = self.input.len();
            if self.skipping || self.input.len() >= bound {
                // read to its end, but not kept
                self.skipping = true;
                self.input.clear();
                self.searched = 0;
            }
            return None;
        };
        self.searched = 0;
        let too_long = std::mem::take(&mut self.skipping) || end > bound;
        let mut line: Vec<u8> = self.input.drain(..end).collect();
        if too_long {
            return Some(Err(Bad::TooLong));
        }
        line.pop();
        line.pop_if(|last| *last == b'\r');
        Some(Ok(line))
    }
}

#[cfg(test)]
mod tests;
