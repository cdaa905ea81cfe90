//! One exchange of one client: from the mechanism's name to credentials or failure.
//!
//! The credentials are what the client claims; nothing here knows whether they are right.

use crate::limits::{NAME_BYTES, PASSWORD_BYTES};
use crate::line;
use crate::mechanism::Mechanism;
use std::fmt;

/// What the client claims. Debug shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Whom to act as: empty (meaning the same) or equal to `authcid`.
    pub authzid: String,
    /// Whose password it is.
    pub authcid: String,
    pub password: Vec<u8>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("authzid", &self.authzid)
            .field("authcid", &self.authcid)
            .finish_non_exhaustive()
    }
}

/// Why an exchange ended without credentials. Display is safe to show to the client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The client sent `*`.
    Cancelled,
    BadBase64,
    /// A line, an identity or a password over its limit.
    TooLong,
    /// Not what the mechanism's grammar says.
    Malformed,
    /// The client wants to act as somebody else than it is.
    OtherIdentity,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Failure::Cancelled => "authentication cancelled",
            Failure::BadBase64 => "not valid base64",
            Failure::TooLong => "authentication data too long",
            Failure::Malformed => "authentication data not as the mechanism says",
            Failure::OtherIdentity => "not authorized to act as another identity",
        })
    }
}

impl std::error::Error for Failure {}

/// What to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Send this (on a wire as `encode` has it), read a line, call `respond_line`.
    Challenge(Vec<u8>),
    /// The exchange is over; check these.
    Credentials(Credentials),
    /// The exchange is over.
    Failed(Failure),
}

/// One running exchange. After Credentials or Failed it is over and fails whatever comes.
pub struct Exchange(State);

/// What is awaited from the client.
enum State {
    PlainMessage,
    LoginName,
    LoginPassword { name: String },
    Over,
}

impl Exchange {
    /// Starts with the decoded initial response, None if the client sent none.
    pub fn start(mechanism: Mechanism, initial_response: Option<&[u8]>) -> (Exchange, Step) {
        let mut exchange = Exchange(match mechanism {
            Mechanism::Plain => State::PlainMessage,
            Mechanism::Login => State::LoginName,
        });
        let step = match (initial_response, mechanism) {
            (Some(response), _) => exchange.respond(response),
            // [rfc4616 2] the client speaks first, so the challenge is empty
            (None, Mechanism::Plain) => Step::Challenge(Vec::new()),
            // the draft's "User Name" is not understood by clients that look at it (section 2.2)
            (None, Mechanism::Login) => Step::Challenge(b"Username:".to_vec()),
        };
        (exchange, step)
    }

    /// The client's decoded answer to the last challenge.
    pub fn respond(&mut self, response: &[u8]) -> Step {
        self.advance(response).unwrap_or_else(Step::Failed)
    }

    /// As `start`, with the initial response as it stands on the wire: base64, `=` for an empty one.
    pub fn start_line(mechanism: Mechanism, initial: Option<&[u8]>) -> (Exchange, Step) {
        match initial.map(line::decode_initial).transpose() {
            Ok(initial) => Exchange::start(mechanism, initial.as_deref()),
            Err(failure) => (Exchange(State::Over), Step::Failed(failure)),
        }
    }

    /// As `respond`, with a line as it stands on the wire without its line end: base64, or `*`.
    pub fn respond_line(&mut self, line: &[u8]) -> Step {
        match line::decode(line) {
            Ok(response) => self.respond(&response),
            Err(failure) => {
                self.0 = State::Over;
                Step::Failed(failure)
            }
        }
    }

    fn advance(&mut self, response: &[u8]) -> Result<Step, Failure> {
        match std::mem::replace(&mut self.0, State::Over) {
            State::PlainMessage => plain(response).map(Step::Credentials),
            State::LoginName => {
                self.0 = State::LoginPassword {
                    name: identity(response)?,
                };
                Ok(Step::Challenge(b"Password:".to_vec()))
            }
            State::LoginPassword { name } => Ok(Step::Credentials(Credentials {
                authzid: String::new(),
                authcid: name,
                password: password(response)?,
            })),
            State::Over => Err(Failure::Malformed),
        }
    }
}

/// ```text
/// message = [authzid] UTF8NUL authcid UTF8NUL passwd
/// authcid = 1*SAFE ; MUST accept up to 255 octets
/// authzid = 1*SAFE ; MUST accept up to 255 octets
/// passwd  = 1*SAFE ; MUST accept up to 255 octets
/// ```
/// [rfc4616 2] A password that is not UTF-8 is taken as it is: it may be right all the same.
fn plain(message: &[u8]) -> Result<Credentials, Failure> {
    let mut fields = message.splitn(3, |&octet| octet == 0);
    let (Some(authzid), Some(authcid), Some(passwd)) =
        (fields.next(), fields.next(), fields.next())
    else {
        return Err(Failure::Malformed);
    };
    let authcid = identity(authcid)?;
    let authzid = if authzid.is_empty() {
        String::new()
    } else {
        identity(authzid)?
    };
    let password = password(passwd)?;
    if !authzid.is_empty() && authzid != authcid {
        return Err(Failure::OtherIdentity);
    }
    Ok(Credentials {
        authzid,
        authcid,
        password,
    })
}

fn identity(octets: &[u8]) -> Result<String, Failure> {
    let octets = within(octets, NAME_BYTES)?;
    String::from_utf8(octets.to_vec()).map_err(|_| Failure::Malformed)
}

fn password(octets: &[u8]) -> Result<Vec<u8>, Failure> {
    within(octets, PASSWORD_BYTES).map(<[u8]>::to_vec)
}

/// Neither empty nor too long, and no NUL.
fn within(octets: &[u8], limit: usize) -> Result<&[u8], Failure> {
    if octets.len() > limit {
        Err(Failure::TooLong)
    } else if octets.is_empty() || octets.contains(&0) {
        Err(Failure::Malformed)
    } else {
        Ok(octets)
    }
}
