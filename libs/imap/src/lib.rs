//! IMAP words and the server machine: bytes to values and values to bytes (RFC 3501 and RFC 9051).
//!
//! Lives here: the values of commands and responses, their parser and encoder, and [`Server`],
//! which turns received bytes into events. Never here: sockets, clocks, tasks, logs, settings,
//! or anything that knows what a mailbox holds.
#![forbid(unsafe_code)]

mod body_form;
pub mod command;
mod cursor;
pub mod date;
pub mod encode;
pub mod fetch;
pub mod flag;
pub mod limits;
pub mod list;
pub mod mailbox;
pub mod object_id;
mod parse;
pub mod refusal;
pub mod response;
pub mod search;
pub mod sequence;
pub mod server;
mod spell;
pub mod structure;
pub mod tag;
pub mod utf7;

pub use body_form::body_from_bodystructure;
pub use command::{
    Append, AppendForm, AppendMessage, Command, CondStore, Create, FetchModifiers, Ids, Resync,
    SelectParams, StatusItem, Store, StoreOperation, Telling, Vanished, Verb,
};
pub use date::{Date, DateTime};
pub use encode::{FetchWriter, SectionLabel};
pub use fetch::{FetchItem, Partial, Peek, Section, SectionText};
pub use flag::{Flag, Keyword};
pub use list::{List, ListForm, ListReturn, ListSelect};
pub use mailbox::{ListPattern, Mailbox, NameEncoding};
pub use object_id::ObjectId;
pub use parse::parse_command;
pub use refusal::{Refusal, What};
pub use response::{
    Condition, ESearch, FetchData, ListEntry, Namespaces, Response, ResponseCode, StatusData,
    StatusValue,
};
pub use search::{ReturnOption, Search, SearchKey};
pub use sequence::{Bound, MessageSet, SequenceSet};
pub use server::{BytesBeforeTls, Event, Server};
pub use structure::{
    Address, BodyStructure, Disposition, Envelope, Multipart, PartKind, SinglePart, encode_body,
    encode_bodystructure, encode_envelope,
};
pub use tag::Tag;
