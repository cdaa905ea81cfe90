//! Mail on the road: who may send what to whom, and the one way in.
//!
//! Everything that brings a message into the house goes through [`Post`]: `sender`, `recipient`
//! for each, `new_body`, `accept` (or `accept_each`). Each step gathers evidence, asks a pure function of `judge`,
//! then acts. `accept` returns only after the durable commit. What never happens here: the words
//! of a protocol (the doors' `reply.rs`), a mailbox (the room `mail`), the disk.
#![forbid(unsafe_code)]

mod accept;
mod arriving;
mod client;
mod confirm;
pub mod customer;
mod deliver;
mod dropped;
mod envelope;
mod header;
mod hurry;
mod judge;
pub mod limits;
mod log;
mod onward;
mod provenance;
mod qualify;
pub mod queue;
mod refusal;
pub mod report;
mod return_path;
pub mod road;
mod sign;
mod srs;
mod trace;
pub mod trail;
mod untaken;
mod verify;

pub use accept::{Accepted, Post, PostSettings};
pub use arriving::Arriving;
pub use client::{Client, Greeting, LocalUser, MaySend, Neighbour, Role, Trust, here};
pub use dropped::{DroppedFile, Left, Note, Progress};
pub use envelope::{Envelope, MessageId, Recipient};
pub use judge::Wish;
pub use log::Escaped;
pub use refusal::{NotHeld, Refusal, Refused};
pub use sign::key::{MadeKey, key_record, make_key, record_shows};
pub use untaken::{Meant, Remains, Untaken};
pub use verify::Verified;
