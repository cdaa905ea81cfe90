//! The server's side of one connection: bytes in, events out, responses in, bytes out.
//!
//! How a session uses it: read from the connection only when `next()` gave `None`; `receive` the
//! bytes; take events by `next()`, one at a time, asking for another only when the last is answered
//! (by a `Response::Tagged`, which ends its command); after each step write `output()`.
//! Never here: which command is allowed when; time.

use crate::command::Command;
use crate::mailbox::NameEncoding;
use crate::refusal::Refusal;
use crate::response::Response;
use crate::tag::Tag;

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
    /// The message and its command are complete; now it may be kept. (If the line does not end
    /// as it must, `Refused` comes instead, and the message must not be kept.)
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

#[derive(Debug, Default)]
pub struct Server {
    out: Vec<u8>,
    names: NameEncoding,
}

impl Server {
    pub fn new() -> Server {
        Server::default()
    }
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), BytesBeforeTls> {
        let _ = bytes;
        todo!()
    }
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Event> {
        todo!()
    }
    pub fn send(&mut self, response: &Response) {
        crate::encode::encode(response, self.names, &mut self.out);
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
    /// Lets the message of APPEND come (and says `+` where the client waits for it).
    pub fn accept_append(&mut self) {
        todo!()
    }
    /// Sends `+ ` and the challenge in base64; the next event is the client's line.
    pub fn challenge(&mut self, challenge: &[u8]) {
        let _ = challenge;
        todo!()
    }
    /// Sends `+ ` for IDLE; the next event is `IdleDone`.
    pub fn start_idle(&mut self) {
        todo!()
    }
    /// TLS runs: the connection begins anew. [rfc3501 6.2.1]
    pub fn tls_started(&mut self) {
        todo!()
    }
    pub fn set_names(&mut self, names: NameEncoding) {
        self.names = names;
    }
}
