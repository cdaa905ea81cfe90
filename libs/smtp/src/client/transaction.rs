//! One transaction: where it stands, and what became of each recipient.
//!
//! What never happens here: bytes, replies being read.

use crate::client::envelope::Envelope;
use crate::command::{BodyType, MailParameters};
use crate::reply::{Class, Reply};
use crate::stuffing::{Encoder, Form};

/// What the client waits for, or was doing when the connection was lost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stage {
    Greeting,
    /// EHLO, HELO or LHLO
    Hello,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The content is on its way. Who loses the connection here knows that the server has not taken
    /// the message.
    Content,
    /// The content has ended. Who loses the connection here does not know: the server may have
    /// taken the message, and it will be there twice. [rfc5321 6.1]
    ContentEnd,
    Quit,
}

/// What became of one recipient in one transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The server's last word. It has taken the message for this recipient if, and only if, this is
    /// a 2yz at `ContentEnd`; a 4yz or 5yz to MAIL, DATA or content is said of all recipients.
    Answered { stage: Stage, reply: Reply },
    /// The connection ended, or was given up, while this stage lasted.
    Unanswered { stage: Stage },
}

impl Outcome {
    pub fn stage(&self) -> Stage {
        match self {
            Outcome::Answered { stage, .. } | Outcome::Unanswered { stage } => *stage,
        }
    }

    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Outcome::Answered { reply, .. } => Some(reply),
            Outcome::Unanswered { .. } => None,
        }
    }

    /// `Completion`: taken. `Transient`: not now, also where nothing was answered. `Permanent`:
    /// never. A 552 to RCPT is `Transient`: servers of old say so that there are too many
    /// recipients. [rfc5321 4.5.3.1.10]
    pub fn class(&self) -> Class {
        match self {
            Outcome::Answered { stage, reply } => match (stage, reply.code()) {
                (Stage::Rcpt, 552) => Class::Transient,
                _ => reply.class(),
            },
            Outcome::Unanswered { .. } => Class::Transient,
        }
    }
}

/// What is to be said next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Rset,
    Mail,
    Rcpt(usize),
    /// The envelope was sent; DATA, if that is the way.
    Data,
    /// The envelope was sent, its replies are awaited; then come chunks.
    Chunks,
    /// Nothing before a reply or the caller.
    Wait,
}

/// How the content goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Data,
    Chunks,
}

/// How far the transaction has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Progress {
    Begun,
    /// MAIL was taken.
    Sender,
    /// The server awaits content.
    Content,
    /// All of it was sent.
    Ended,
}

/// What became of a recipient so far.
enum State {
    Asked,
    Accepted,
    Over(Outcome),
}

pub(crate) struct Transaction {
    pub envelope: Envelope,
    /// As they go onto the wire.
    pub parameters: MailParameters,
    pub way: Way,
    pub step: Step,
    progress: Progress,
    recipients: Vec<State>,
    /// None once the caller has ended the content.
    encoder: Option<Encoder>,
    /// What waits to become a chunk.
    pub chunk: Vec<u8>,
}

impl Transaction {
    pub fn new(
        envelope: Envelope,
        parameters: MailParameters,
        way: Way,
        step: Step,
    ) -> Transaction {
        let form = match (way, parameters.body) {
            (Way::Data, _) => Form::Stuffed,
            (Way::Chunks, Some(BodyType::BinaryMime)) => Form::Octets,
            (Way::Chunks, _) => Form::Lines,
        };
        let recipients = envelope.recipients.iter().map(|_| State::Asked).collect();
        Transaction {
            envelope,
            parameters,
            way,
            step,
            progress: Progress::Begun,
            recipients,
            encoder: Some(Encoder::new(form)),
            chunk: Vec::new(),
        }
    }

    /// The answer to MAIL.
    pub fn mail_answered(&mut self, reply: &Reply) {
        match reply.class() {
            Class::Completion => self.progress = Progress::Sender,
            _ => self.end(Some(reply)),
        }
    }

    /// The answer to a RCPT.
    pub fn rcpt_answered(&mut self, index: usize, reply: Reply) {
        // behind a MAIL that was refused this means nothing
        if matches!(self.recipients[index], State::Asked) {
            self.recipients[index] = match reply.class() {
                Class::Completion => State::Accepted,
                _ => State::Over(Outcome::Answered {
                    stage: Stage::Rcpt,
                    reply,
                }),
            };
        }
    }

    /// The answer to the content for one recipient, at LMTP.
    pub fn delivered(&mut self, index: usize, reply: Reply) {
        self.recipients[index] = State::Over(Outcome::Answered {
            stage: Stage::ContentEnd,
            reply,
        });
    }

    /// Whether nothing more can become of any recipient.
    pub fn is_over(&self) -> bool {
        let over = |state: &State| matches!(state, State::Over(_));
        self.recipients.iter().all(over)
    }

    /// Those that were accepted and of which nothing else is known.
    pub fn accepted(&self) -> Vec<usize> {
        let accepted = |(index, state): (usize, &State)| match state {
            State::Accepted => Some(index),
            _ => None,
        };
        let states = self.recipients.iter().enumerate();
        states.filter_map(accepted).collect()
    }

    /// Everybody of whom nothing is known yet gets this reply, or none.
    pub fn end(&mut self, reply: Option<&Reply>) {
        let progress = self.progress;
        for state in &mut self.recipients {
            let stage = match (&*state, progress) {
                (State::Over(_), _) => continue,
                (_, Progress::Begun) => Stage::Mail,
                (State::Asked, _) => Stage::Rcpt,
                (State::Accepted, Progress::Sender) => Stage::Data,
                (State::Accepted, Progress::Content) => Stage::Content,
                (State::Accepted, Progress::Ended) => Stage::ContentEnd,
            };
            *state = State::Over(match reply.cloned() {
                Some(reply) => Outcome::Answered { stage, reply },
                None => Outcome::Unanswered { stage },
            });
        }
    }

    pub fn into_outcomes(mut self) -> Vec<Outcome> {
        self.end(None);
        let outcome = |state| match state {
            State::Over(outcome) => Some(outcome),
            _ => None,
        };
        self.recipients.into_iter().filter_map(outcome).collect()
    }

    pub fn begin_content(&mut self) {
        self.progress = Progress::Content;
    }

    pub fn end_content(&mut self) {
        self.progress = Progress::Ended;
    }

    /// The server awaits content, and the caller has not ended it.
    pub fn encoder(&mut self) -> Option<&mut Encoder> {
        match self.progress {
            Progress::Content => self.encoder.as_mut(),
            _ => None,
        }
    }

    /// The caller has ended the content.
    pub fn take_encoder(&mut self) -> Option<Encoder> {
        match self.progress {
            Progress::Content => self.encoder.take(),
            _ => None,
        }
    }

    pub fn is_in_content(&self) -> bool {
        self.progress == Progress::Content
    }

    /// The caller has ended the content, and its last chunk was not sent.
    pub fn awaits_last_chunk(&self) -> bool {
        self.is_in_content() && self.encoder.is_none()
    }
}
