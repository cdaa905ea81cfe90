//! SMTP words and the server machine: bytes in, events out; replies in, bytes out.
//!
//! A session feeds [`Server`] with whatever the network gives (`receive`), takes one event at a
//! time (`next`), answers it (`send`) and writes what has gathered (`output`). What never happens
//! here: I/O, a clock, logging, settings, a decision whether mail is welcome.
#![forbid(unsafe_code)]

mod chunks;
pub mod command;
pub mod data;
pub mod dsn;
pub mod limits;
mod parse;
pub mod reply;
pub mod sequence;
mod server;

pub use command::{
    ArgumentError, BodyType, ChunkPlace, ClientName, Command, MailParameters, Malformed,
    RcptParameters, VERBS, Verb,
};
pub use data::{BareNewlines, DataEnd, DataProblem, DataRules};
pub use parse::parse_command;
pub use reply::{Reply, Status};
pub use server::{Event, Flush, Server};
