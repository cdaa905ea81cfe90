//! APPEND's messages: offered one by one, streamed, followed by the next or by the end. Never here:
//! what becomes of them.

use super::discard::{Discard, announced_literal};
use super::input::Line;
use super::{Event, Server, State, Step};
use crate::command::{AppendForm, AppendMessage, LiteralKind};
use crate::limits;
use crate::parse;
use crate::refusal::{Refusal, What};
use crate::tag::Tag;

impl Server {
    /// A message waits for the session's word.
    pub(super) fn offer(&mut self, tag: Tag, message: &AppendMessage) {
        self.state = State::AppendOffered {
            tag,
            size: message.size,
            form: message.form,
            waits: message.waits,
        };
    }

    /// Lets the offered message of APPEND come (and says `+` where the client waits for it).
    /// Without an APPEND that waits nothing happens.
    pub fn accept_append(&mut self) {
        self.state = match std::mem::take(&mut self.state) {
            State::AppendOffered {
                tag,
                size: left,
                form,
                waits,
            } => {
                if waits == LiteralKind::Synchronizing {
                    self.out.extend_from_slice(b"+ OK\r\n");
                }
                State::AppendMessage { tag, left, form }
            }
            other => other,
        };
    }

    pub(super) fn append_message(&mut self, tag: Tag, left: u64, form: AppendForm) -> Step {
        if left == 0 {
            self.state = State::AppendTail { tag, form };
            return Step::GoOn;
        }
        let waiting = self.input.waiting();
        if waiting.is_empty() {
            self.state = State::AppendMessage { tag, left, form };
            return Step::Wait;
        }
        let most = usize::try_from(left).map_or(waiting.len(), |left| left.min(waiting.len()));
        // A literal is CHAR8, which leaves out NUL [rfc3501 4.3]; a literal8 is any octets.
        let nul = match form {
            AppendForm::Literal => memchr::memchr(0, &waiting[..most]),
            AppendForm::Binary | AppendForm::Utf8 => None,
        };
        if nul == Some(0) {
            self.state = State::Discard(Discard::new(left, limits::DISCARDED_APPEND_BYTES));
            let refusal = Refusal::new(What::Nul, 0);
            return Step::Event(Event::Refused {
                tag: Some(tag),
                refusal,
            });
        }
        let chunk = self.input.take(nul.unwrap_or(most));
        self.state = State::AppendMessage {
            tag,
            left: left - chunk.len() as u64,
            form,
        };
        Step::Event(Event::AppendChunk(chunk))
    }

    pub(super) fn append_tail(&mut self, tag: Tag, form: AppendForm) -> Step {
        let line = match self.input.line(limits::COMMAND_LINE_BYTES) {
            Line::NotYet => {
                self.state = State::AppendTail { tag, form };
                return Step::Wait;
            }
            Line::TooLong => return self.line_too_long(Some(tag)),
            Line::Whole(line) => line,
        };
        match parse::after_append(&line, form) {
            Ok(None) => Step::Event(Event::AppendEnd),
            Ok(Some(message)) => {
                self.offer(tag, &message);
                Step::Event(Event::AppendNext(message))
            }
            Err(refusal) => {
                if let Some(octets) = announced_literal(&line) {
                    let budget = limits::DISCARDED_APPEND_BYTES;
                    self.state = State::Discard(Discard::new(octets, budget));
                }
                Step::Event(Event::Refused {
                    tag: Some(tag),
                    refusal,
                })
            }
        }
    }
}
