//! A transaction as it is said: its commands in groups, its content stuffed or in chunks, and what the
//! replies mean for it.
//!
//! What never happens here: a choice of recipients, memory that grows with the message.

use crate::client::capabilities::Extension;
use crate::client::envelope::{Envelope, Unfit};
use crate::client::event::{Event, NotAscii, Protocol, Violation};
use crate::client::transaction::{Stage, Step, Transaction, Way};
use crate::client::{Awaited, Client};
use crate::command::{BodyType, ChunkPlace, Command};
use crate::limits::{CHUNKS_AHEAD, CONTENT_BYTES};
use crate::reply::{Class, Reply};

impl Client {
    /// Begins a transaction; `Done` ends it. With `Unfit` nothing was begun. Panics in the middle of
    /// something else, and with an envelope beyond its bounds.
    pub fn begin(&mut self, envelope: Envelope) -> Result<(), Unfit> {
        assert!(
            self.is_idle(),
            "a transaction in the middle of something else"
        );
        envelope.assert_bounds();
        let parameters = envelope.mail_parameters(&self.capabilities)?;
        let way = match self.capabilities.offers(Extension::Chunking) {
            true => Way::Chunks,
            false => Way::Data,
        };
        let step = match std::mem::take(&mut self.needs_rset) {
            true => Step::Rset,
            false => Step::Mail,
        };
        self.transaction = Some(Transaction::new(envelope, parameters, way, step));
        self.advance();
        Ok(())
    }

    /// Whether the message can be sent to this server as it is; what `begin` would say.
    pub fn fits(&self, envelope: &Envelope) -> Result<(), Unfit> {
        envelope.mail_parameters(&self.capabilities).map(drop)
    }

    /// Whether content is awaited and there is room for it: up to `limits::CONTENT_BYTES` at once.
    /// False again when the transaction has ended early, by a refusal.
    pub fn wants_content(&self) -> bool {
        let waiting = self.transaction.as_ref().filter(|t| t.is_in_content());
        waiting.is_some_and(|t| {
            !t.awaits_last_chunk() && self.output.len() + t.chunk.len() < CONTENT_BYTES
        })
    }

    /// Takes content: the message as it lies, in any pieces. Where the transaction has ended early it
    /// is dropped. With an error the envelope has promised ASCII and this is none: nothing of it was
    /// taken, and only `lost` is left.
    pub fn content(&mut self, octets: &[u8]) -> Result<(), NotAscii> {
        let Some(transaction) = &mut self.transaction else {
            return Ok(());
        };
        let ascii = matches!(transaction.parameters.body, None | Some(BodyType::SevenBit));
        if ascii && !octets.is_ascii() {
            return Err(NotAscii);
        }
        let way = transaction.way;
        let mut chunk = std::mem::take(&mut transaction.chunk);
        if let Some(encoder) = transaction.encoder() {
            match way {
                Way::Data => encoder.encode(octets, &mut self.output),
                Way::Chunks => encoder.encode(octets, &mut chunk),
            }
        }
        transaction.chunk = chunk;
        self.send_chunks();
        Ok(())
    }

    /// The content has ended.
    pub fn content_end(&mut self) {
        let Some(transaction) = &mut self.transaction else {
            return;
        };
        let Some(encoder) = transaction.take_encoder() else {
            return;
        };
        match transaction.way {
            Way::Data => {
                encoder.finish(&mut self.output);
                self.output.extend_from_slice(b".\r\n");
                self.await_end();
            }
            Way::Chunks => {
                encoder.finish(&mut transaction.chunk);
                self.send_chunks();
            }
        }
    }

    pub(super) fn take_in_transaction(&mut self, awaited: Awaited, reply: Reply) {
        let class = reply.class();
        let Some(transaction) = &mut self.transaction else {
            return;
        };
        match awaited {
            // without it nobody knows what the server would do with the next MAIL
            Awaited::Rset if class != Class::Completion => {
                let code = reply.code();
                let stage = awaited.stage();
                self.break_off(Violation::Class { stage, code });
            }
            Awaited::Mail => {
                self.needs_rset = class == Class::Completion;
                transaction.mail_answered(&reply);
            }
            Awaited::Rcpt(index) => transaction.rcpt_answered(index, reply),
            Awaited::Data if class == Class::Intermediate => self.begin_content(),
            Awaited::Data => transaction.end(Some(&reply)),
            Awaited::Chunk if class != Class::Completion => {
                // the answers to the chunks behind it say no more than this one
                self.awaited.iter_mut().for_each(|a| *a = Awaited::Nothing);
                self.end_transaction(Some(&reply));
            }
            Awaited::Chunk => self.send_chunks(),
            Awaited::ContentEnd => {
                self.needs_rset = class != Class::Completion;
                transaction.end(Some(&reply));
            }
            Awaited::Delivered(index) => {
                transaction.delivered(index, reply);
                self.needs_rset = false;
            }
            _ => {}
        }
    }

    /// 354, or the recipients' answers where the content goes in chunks.
    fn begin_content(&mut self) {
        let Some(transaction) = &mut self.transaction else {
            return;
        };
        if !transaction.accepted().is_empty() {
            transaction.begin_content();
            return self.events.push_back(Event::Content);
        }
        match self.protocol {
            // [rfc2920 3.1]
            Protocol::Smtp => {
                self.output.extend_from_slice(b".\r\n");
                self.awaited.push_back(Awaited::Nobody);
            }
            // it must have been 503 [rfc2033 4.2]
            Protocol::Lmtp => self.break_off(Violation::Class {
                stage: Stage::Data,
                code: 354,
            }),
        }
    }

    /// Says what can be said now of the transaction, and ends it when all is known.
    pub(super) fn advance(&mut self) {
        while let Some(transaction) = &mut self.transaction {
            let all_answered = self.awaited.is_empty();
            if all_answered && transaction.is_over() {
                return self.end_transaction(None);
            }
            let may_go_on = all_answered || self.capabilities.offers(Extension::Pipelining);
            match transaction.step {
                Step::Wait => return,
                Step::Chunks if !all_answered => return,
                _ if !may_go_on => return,
                Step::Chunks => {
                    transaction.step = Step::Wait;
                    self.begin_content();
                }
                step => self.say(step),
            }
        }
    }

    /// One command of the envelope.
    fn say(&mut self, step: Step) {
        let Some(transaction) = &mut self.transaction else {
            return;
        };
        let behind = |way| match way {
            Way::Data => Step::Data,
            Way::Chunks => Step::Chunks,
        };
        let (command, awaited, next) = match step {
            Step::Rset => (Command::Rset, Awaited::Rset, Step::Mail),
            Step::Mail => {
                let command = Command::Mail {
                    from: transaction.envelope.from.clone(),
                    written_in: transaction.parameters.charset,
                    parameters: transaction.parameters.clone(),
                };
                (command, Awaited::Mail, Step::Rcpt(0))
            }
            Step::Rcpt(index) => {
                let envelope = &transaction.envelope;
                let command = Command::Rcpt {
                    to: envelope.recipients[index].to.clone(),
                    written_in: transaction.parameters.charset,
                    parameters: envelope.rcpt_parameters(index, &self.capabilities),
                };
                let next = match index + 1 < envelope.recipients.len() {
                    true => Step::Rcpt(index + 1),
                    false => behind(transaction.way),
                };
                (command, Awaited::Rcpt(index), next)
            }
            Step::Data | Step::Chunks | Step::Wait => (Command::Data, Awaited::Data, Step::Wait),
        };
        transaction.step = next;
        self.command(&command, awaited);
    }

    /// Sends what has gathered to a chunk, so many at once as may be awaited. LMTP's last chunk is
    /// answered for each recipient, so nothing else may be awaited with it.
    fn send_chunks(&mut self) {
        let pipelining = self.capabilities.offers(Extension::Pipelining);
        let ahead = match (self.protocol, pipelining) {
            (Protocol::Smtp, true) => CHUNKS_AHEAD,
            _ => 1,
        };
        let Some(transaction) = &mut self.transaction else {
            return;
        };
        if transaction.way == Way::Data || self.awaited.len() >= ahead {
            return;
        }
        let place = match transaction.awaits_last_chunk() {
            true => ChunkPlace::Last,
            false if transaction.chunk.len() >= CONTENT_BYTES => ChunkPlace::More,
            false => return,
        };
        let chunk = std::mem::take(&mut transaction.chunk);
        let bytes = chunk.len() as u64;
        Command::Bdat { bytes, place }.encode(&mut self.output);
        self.output.extend_from_slice(&chunk);
        match place {
            ChunkPlace::More => self.awaited.push_back(Awaited::Chunk),
            ChunkPlace::Last => self.await_end(),
        }
    }

    /// The content was sent to its end.
    fn await_end(&mut self) {
        let Some(transaction) = &mut self.transaction else {
            return;
        };
        transaction.end_content();
        match self.protocol {
            Protocol::Smtp => self.awaited.push_back(Awaited::ContentEnd),
            Protocol::Lmtp => {
                let each = transaction.accepted().into_iter().map(Awaited::Delivered);
                self.awaited.extend(each);
            }
        }
    }

    /// Ends the transaction; whoever was not answered gets this reply, or none.
    pub(super) fn end_transaction(&mut self, reply: Option<&Reply>) {
        if let Some(mut transaction) = self.transaction.take() {
            transaction.end(reply);
            let outcomes = transaction.into_outcomes();
            self.events.push_back(Event::Done(outcomes));
        }
    }
}
