//! Server side of the SASL mechanisms PLAIN and LOGIN, as machines without I/O.
//!
//! What never happens here: a password check, a socket, a protocol's reply text.
#![forbid(unsafe_code)]
#![allow(clippy::todo, unused_variables)]

/// A mechanism that the server speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mechanism {
    Plain,
    Login,
}
/// Whether a mechanism may run without TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    NeedsTls,
    Any,
}
/// One row of the mechanism table.
pub struct Row {
    pub mechanism: Mechanism,
    pub name: &'static str,
    pub channel: Channel,
}
/// All mechanisms, in the order in which they are offered.
pub const MECHANISMS: &[Row] = &[
    Row {
        mechanism: Mechanism::Plain,
        name: "PLAIN",
        channel: Channel::NeedsTls,
    },
    Row {
        mechanism: Mechanism::Login,
        name: "LOGIN",
        channel: Channel::NeedsTls,
    },
];
impl Mechanism {
    /// By name, in any case.
    pub fn from_name(name: &[u8]) -> Option<Mechanism> {
        todo!()
    }
    pub fn name(self) -> &'static str {
        todo!()
    }
    pub fn channel(self) -> Channel {
        todo!()
    }
}
/// What the client said; Debug shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Whom to act as; empty = same as `authcid`. Always empty or equal to `authcid`.
    pub authzid: String,
    /// Whose password it is.
    pub authcid: String,
    pub password: Vec<u8>,
}
/// Why an exchange ended without credentials.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    Cancelled,
    BadBase64,
    TooLong,
    Malformed,
    OtherIdentity,
}
#[derive(Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this (raw bytes, see `encode`), read a line, call `respond` or `respond_line`.
    Challenge(Vec<u8>),
    Credentials(Credentials),
    Failed(Failure),
}
/// One running exchange. Over after Credentials or Failed.
pub struct Exchange(());
impl Exchange {
    /// `initial_response`: raw bytes, None if the client sent none.
    pub fn start(mechanism: Mechanism, initial_response: Option<&[u8]>) -> (Exchange, Step) {
        todo!()
    }
    pub fn respond(&mut self, response: &[u8]) -> Step {
        todo!()
    }
    /// As `start`, with the initial response as it stands on the wire: base64, `=` for an empty one.
    pub fn start_line(mechanism: Mechanism, initial_response: Option<&[u8]>) -> (Exchange, Step) {
        todo!()
    }
    /// As `respond`, with a line as it stands on the wire without its line end: base64 or `*`.
    pub fn respond_line(&mut self, line: &[u8]) -> Step {
        todo!()
    }
}
/// Base64 of a challenge for the wire.
pub fn encode(challenge: &[u8]) -> String {
    todo!()
}
pub mod limits {
    //! What a peer can make grow here.
    /// The longest line of an exchange in octets, base64 included, line end not. [rfc4954 4]
    pub const LINE_BYTES: usize = 12_288;
}
