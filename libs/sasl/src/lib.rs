//! SASL mechanisms as machines without I/O. The server's side: PLAIN, LOGIN, SCRAM with and without
//! channel binding, CRAM-MD5, EXTERNAL, OAUTHBEARER, XOAUTH2. The client's: PLAIN, LOGIN, SCRAM without.
//!
//! `Exchange` takes what the client says and gives the next `Step`; `ClientExchange` takes what a
//! server says and gives the answer. The base64 of SMTP, IMAP and
//! POP3 is read and written here and nowhere else. What never happens here: a look-up, a decision
//! on a password or a token, a random number, a socket, a protocol's reply text.
#![forbid(unsafe_code)]

mod apop;
mod bearer;
mod client;
mod cram;
mod exchange;
mod hash;
pub mod limits;
mod line;
mod mechanism;
mod plain;
mod scram;

pub use apop::apop_digest;
pub use bearer::{Bearer, TokenRefusal};
pub use client::{ClientExchange, ClientFailure, Exposure};
pub use cram::CramKeys;
pub use exchange::{Claim, Credentials, Exchange, Failure, Step, Terms};
pub use hash::{Hash, ScramKeys};
pub use line::encode;
pub use mechanism::{Beginner, Bindings, MECHANISMS, Mechanism, Needs, Row};
