//! The client machine of SMTP and LMTP: requests in, bytes out; bytes in, events out.
//!
//! The same verbs as the server's: `receive` bytes, take the `next` event, `send` a request (or
//! `begin` a transaction and hand over its `content`), write the `output`. What never happens here:
//! I/O, time, a host's name being looked up, the decision whether to use TLS, to log in, or to try
//! again.
//!
//! # How to drive it
//!
//! ```text
//! loop {
//!     while let Some(event) = client.next() { … answer it as the table says … }
//!     if client.is_closed() { write output, close }
//!     if client.awaits_tls() { write output, start TLS on the socket, client.tls_started(); continue }
//!     while client.wants_content() { client.content(piece)?, or client.content_end() }
//!     write output and read at the same time (pipelined replies come while commands go out),
//!         for at most client.stage().timeout_s(); give what was read to receive()
//!     on a lost connection or a time-out: client.lost(), then take what next() still has
//! }
//! ```
//!
//! | Event | What may be done |
//! |---|---|
//! | `Greeting` 2yz | `send(Hello)`; anything else: `send(Quit)` |
//! | `Hello` 2yz | look at `capabilities`; `send(StartTls)`, `send(Auth)`, `begin`, `send(Quit)` |
//! | `StartTls` 2yz | start TLS, `tls_started`, `send(Hello)` again; anything else: as after `Hello` |
//! | `Challenge` | `send(Response)` or `send(CancelAuth)` |
//! | `Auth` | as after `Hello`; 2yz: the login is accepted (and whether the server has proved itself, SCRAM's exchange knows) |
//! | `Content` | hand over the content |
//! | `Done` | `begin` the next transaction, or `send(Quit)` |
//! | `Quit`, `Closing`, `Broken` | close |
//!
//! Every transaction that was begun ends with one `Done`, with one `Outcome` for each recipient in
//! the envelope's order, whatever happens: refusals, 421, a lying server (`Broken` comes first), a
//! lost connection (after `lost`). Answer an event before you take the next one, and look at
//! `is_closed` after each: a 421 closes the connection after whatever it answers.
//!
//! # What was decided
//!
//! - PIPELINING, where offered, sends RSET (if one is needed), MAIL, all RCPT and DATA at once
//!   [rfc2920 3.1]. Replies are told apart by their number only. A 354 although nobody was accepted
//!   is answered with a dot.
//! - Where CHUNKING is offered the content goes in chunks [rfc3030 2], which need no 354 and no
//!   stuffing, but only when a recipient was accepted. `ignoring` takes an extension away from
//!   hosts that announce it and cannot do it.
//! - No CR or LF goes out alone: other servers have been made to see an end of the content in
//!   them. One that stands alone becomes CRLF, but for BODY=BINARYMIME.
//! - Content that is not ASCII goes only to a server that offers 8BITMIME, as do addresses above
//!   ASCII only by SMTPUTF8: `begin` says `Unfit` and nothing is sent. To convert is the caller's
//!   matter, and so are lines above 998 octets: they go as they are.
//! - After the answer to STARTTLS everything buffered is dropped and nothing is taken until
//!   `tls_started`; what the server offered before is forgotten [rfc3207 4.2].
//! - A 421 is said of everything that still waits [rfc5321 4.2.2]; the connection has ended.
//! - A server that breaks the protocol is not guessed at: the connection ends with a `Violation`,
//!   and who was not answered by then is to be tried again.
//! - A 4yz or 5yz while content is on its way counts as the answer to it, and ends the connection:
//!   what was begun with DATA cannot be taken back otherwise.

use crate::command::{ClientName, Command};
use crate::limits::{CHALLENGE_LINE_BYTES, RECEIVED_LINE_BYTES};
use crate::reply::{Class, Reply};
use reader::Reader;
use std::collections::VecDeque;
use transaction::Transaction;

mod capabilities;
mod envelope;
mod event;
mod reader;
mod sending;
mod session;
mod transaction;

pub use capabilities::{Capabilities, EXTENSIONS, Extension};
pub use envelope::{Envelope, Recipient, Unfit};
pub use event::{Event, NotAscii, Protocol, Request, Violation};
pub use transaction::{Outcome, Stage};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Open,
    /// A challenge was handed out.
    Challenged,
    /// STARTTLS was answered with 2yz; nothing is taken.
    Tls,
    Closed,
}

/// What the next reply answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Awaited {
    Greeting,
    /// EHLO or LHLO
    Hello,
    Helo,
    StartTls,
    Auth,
    CancelledAuth,
    Rset,
    Mail,
    Rcpt(usize),
    Data,
    /// The dot behind a 354 although nobody was accepted.
    Nobody,
    /// A chunk that is not the last.
    Chunk,
    ContentEnd,
    /// The content, for one recipient. [rfc2033 4.2]
    Delivered(usize),
    /// What does not matter any more.
    Nothing,
    Quit,
}

impl Awaited {
    fn stage(self) -> Stage {
        match self {
            Awaited::Greeting => Stage::Greeting,
            Awaited::Hello | Awaited::Helo => Stage::Hello,
            Awaited::StartTls => Stage::StartTls,
            Awaited::Auth | Awaited::CancelledAuth => Stage::Auth,
            Awaited::Rset | Awaited::Mail => Stage::Mail,
            Awaited::Rcpt(_) => Stage::Rcpt,
            Awaited::Data => Stage::Data,
            Awaited::Chunk | Awaited::Nothing => Stage::Content,
            Awaited::Nobody | Awaited::ContentEnd | Awaited::Delivered(_) => Stage::ContentEnd,
            Awaited::Quit => Stage::Quit,
        }
    }

    /// Whether a 3yz may answer it.
    fn takes_intermediate(self) -> bool {
        matches!(self, Awaited::Auth | Awaited::Data | Awaited::Quit)
    }

    /// Whether a 2yz may.
    fn takes_completion(self) -> bool {
        !matches!(self, Awaited::Data | Awaited::CancelledAuth)
    }

    /// Whether the text of its answer begins with an enhanced status: not where something is done
    /// that comes before EHLO's answer, nor in a 3yz; a refusal may have one anywhere. [rfc2034 4]
    fn has_status(self, class: Class) -> bool {
        let early = matches!(self, Awaited::Greeting | Awaited::Hello | Awaited::Helo);
        match class {
            Class::Completion => !early,
            Class::Intermediate => false,
            Class::Transient | Class::Permanent => true,
        }
    }
}

/// The client's side of one connection.
pub struct Client {
    protocol: Protocol,
    name: ClientName,
    state: State,
    replies: Reader,
    output: Vec<u8>,
    events: VecDeque<Event>,
    /// The commands that were sent and not answered, in order.
    awaited: VecDeque<Awaited>,
    capabilities: Capabilities,
    /// An initial response that was too long for its command.
    response: Option<String>,
    transaction: Option<Transaction>,
    /// The server may remember something of the last transaction.
    needs_rset: bool,
}

impl Client {
    /// A new connection, on which the greeting is awaited. The name is our host's.
    pub fn new(protocol: Protocol, name: impl Into<ClientName>) -> Client {
        Client {
            protocol,
            name: name.into(),
            state: State::Open,
            replies: Reader::default(),
            output: Vec::new(),
            events: VecDeque::new(),
            awaited: VecDeque::from([Awaited::Greeting]),
            capabilities: Capabilities::default(),
            response: None,
            transaction: None,
            needs_rset: false,
        }
    }

    /// Takes what the network gave. While TLS is starting and after the end it is dropped.
    pub fn receive(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Tls | State::Closed) {
            self.replies.receive(bytes);
        }
    }

    /// The next event, or None if more bytes or a request are awaited first.
    #[allow(
        clippy::should_implement_trait,
        reason = "a machine is no iterator: None is not the end"
    )]
    pub fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if matches!(self.state, State::Tls | State::Closed) {
                return None;
            }
            let limit = match self.awaited.front() {
                Some(Awaited::Auth) => CHALLENGE_LINE_BYTES,
                _ => RECEIVED_LINE_BYTES,
            };
            match self.replies.next(limit)? {
                Ok(reply) => self.take(reply),
                Err(violation) => self.break_off(violation),
            }
        }
    }

    /// Says something outside of transactions. Panics in the middle of something else: see the
    /// table above.
    pub fn send(&mut self, request: Request) {
        let answers = matches!(request, Request::Response(_) | Request::CancelAuth);
        assert!(
            if answers {
                self.state == State::Challenged
            } else {
                self.is_idle()
            },
            "a request in the middle of something else"
        );
        self.state = State::Open;
        match request {
            Request::Hello => self.hello(),
            Request::StartTls => self.command(&Command::StartTls, Awaited::StartTls),
            Request::Auth {
                mechanism,
                initial_response,
            } => self.auth(mechanism, initial_response),
            Request::Response(line) => self.auth_line(&line, Awaited::Auth),
            Request::CancelAuth => self.auth_line("*", Awaited::CancelledAuth),
            Request::Quit => self.command(&Command::Quit, Awaited::Quit),
        }
    }

    /// The bytes to write; empty if there are none.
    pub fn output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Octets that wait to be written.
    pub fn output_len(&self) -> usize {
        self.output.len()
    }

    /// Octets received and not yet read: at most one read and one unfinished reply.
    pub fn buffered(&self) -> usize {
        self.replies.buffered()
    }

    /// What is waited for, or None: then the next word is the caller's. Says as well how long to
    /// wait (`Stage::timeout_s`).
    pub fn stage(&self) -> Option<Stage> {
        let in_content = self.transaction.as_ref().is_some_and(|t| t.is_in_content());
        let awaited = self.awaited.front().copied().map(Awaited::stage);
        awaited.or(in_content.then_some(Stage::Content))
    }

    /// What the server offers, as its last answer to EHLO has it.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// True while TLS is awaited.
    pub fn awaits_tls(&self) -> bool {
        self.state == State::Tls
    }

    /// TLS is there: what is received from now on came through it. Say `Hello` again.
    /// [rfc3207 4.2]
    pub fn tls_started(&mut self) {
        assert!(self.state == State::Tls, "TLS started without STARTTLS");
        self.state = State::Open;
        self.capabilities = Capabilities::default();
    }

    /// True when the conversation is over: write the output, take the events that are left, close.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// The connection was lost, took too long, or is given up. A transaction that runs ends with its
    /// `Done`.
    pub fn lost(&mut self) {
        self.close();
    }

    /// Nothing is awaited that matters.
    fn is_idle(&self) -> bool {
        let nothing = |awaited: &Awaited| *awaited == Awaited::Nothing;
        self.state == State::Open && self.transaction.is_none() && self.awaited.iter().all(nothing)
    }

    fn command(&mut self, command: &Command, awaited: Awaited) {
        command.encode(&mut self.output);
        self.awaited.push_back(awaited);
    }

    /// What a reply means. [rfc5321 4.3.1]
    fn take(&mut self, reply: Reply) {
        let Some(awaited) = self.awaited.pop_front() else {
            return self.take_unasked(reply.with_status());
        };
        let class = reply.class();
        let wrong = match class {
            Class::Intermediate => !awaited.takes_intermediate(),
            Class::Completion => !awaited.takes_completion(),
            _ => false,
        };
        if wrong && awaited != Awaited::Nothing {
            let (stage, code) = (awaited.stage(), reply.code());
            return self.break_off(Violation::Class { stage, code });
        }
        if awaited == Awaited::Hello && class == Class::Completion {
            self.capabilities = Capabilities::of(&reply);
        }
        let reply = match awaited.has_status(class) {
            true => reply.with_status(),
            false => reply,
        };
        let says_goodbye = reply.code() == 421;
        match self.transaction.is_some() {
            true if says_goodbye => self.end_transaction(Some(&reply)),
            true => self.take_in_transaction(awaited, reply),
            false => self.take_alone(awaited, reply),
        }
        match says_goodbye {
            true => self.close(),
            false => self.advance(),
        }
    }

    /// A reply that no command has asked for. [rfc5321 3.8] allows a 421; a refusal of content
    /// before its end is taken for one.
    fn take_unasked(&mut self, reply: Reply) {
        let in_content = self.transaction.as_ref().is_some_and(|t| t.is_in_content());
        let refusal = matches!(reply.class(), Class::Transient | Class::Permanent);
        match (self.transaction.is_some(), reply.code()) {
            (false, 421) => self.events.push_back(Event::Closing(reply)),
            (true, 421) => self.end_transaction(Some(&reply)),
            _ if in_content && refusal => self.end_transaction(Some(&reply)),
            _ => return self.break_off(Violation::Unasked),
        }
        self.close();
    }

    fn break_off(&mut self, violation: Violation) {
        self.events.push_back(Event::Broken(violation));
        self.close();
    }

    fn close(&mut self) {
        self.end_transaction(None);
        self.state = State::Closed;
        self.awaited.clear();
        self.replies.clear();
    }
}

#[cfg(test)]
mod tests;
