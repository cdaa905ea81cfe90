//! SMTP and LMTP words and their machines: bytes in, events out; replies or requests in, bytes out.
//!
//! A session feeds [`Server`] with whatever the network gives (`receive`), takes one event at a
//! time (`next`), answers it (`send`) and writes what has gathered (`output`). [`client::Client`] is
//! the other end of the same, for mail that goes out, and [`Batch`] reads what nobody answers. What never happens here: I/O, a clock,
//! logging, settings, a decision whether mail is welcome or where it goes.
#![forbid(unsafe_code)]

mod bare_name;
pub mod batch;
mod by;
mod chunks;
pub mod client;
pub mod command;
pub mod data;
pub mod dsn;
mod encode;
mod hold;
pub mod limits;
mod parse;
mod priority;
pub mod reply;
pub mod sequence;
mod server;
mod stuffing;

pub use batch::Batch;
pub use by::{By, ByMode};
pub use client::Client;
pub use command::{
    ArgumentError, BodyType, ChunkPlace, ClientName, Command, MailParameters, Malformed, Node,
    Protection, RcptParameters, VERBS, Verb,
};
pub use data::{BareNewlines, DataEnd, DataProblem, DataRules};
pub use hold::{Hold, date_time};
pub use parse::parse_command;
pub use priority::Priority;
pub use reply::{Class, Reply, Status};
pub use server::{Event, Flush, Server};
