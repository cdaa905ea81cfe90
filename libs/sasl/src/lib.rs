//! Server side of the SASL mechanisms PLAIN and LOGIN, as machines without I/O.
//!
//! `Exchange` takes what the client says and gives the next `Step`. The base64 of SMTP, IMAP and
//! POP3 is read and written here and nowhere else. What never happens here: a password check, a
//! socket, a protocol's reply text.
#![forbid(unsafe_code)]

mod exchange;
pub mod limits;
mod line;
mod mechanism;

pub use exchange::{Credentials, Exchange, Failure, Step};
pub use line::encode;
pub use mechanism::{Channel, MECHANISMS, Mechanism, Row};
