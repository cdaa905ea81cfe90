//! The store: ordered key-value transactions, message bodies and bells.
//!
//! Here lives everything that touches the disk of the data folder. What never happens here:
//! a mail word, a socket, a clock reading (the caller brings the time), a random number.
//!
//! A key belongs to a [`Partition`]; a transaction ([`Edit`]) stays inside one partition, and
//! several can be committed as one durable group. Readers see only what is durable.
#![forbid(unsafe_code)]

mod bell;
mod bodies;
mod body;
mod check;
mod committer;
mod db;
mod edit;
mod engine;
mod error;
mod files;
mod index;
mod keeper;
mod key;
pub mod limits;
mod locks;
mod log;
mod marker;
mod name;
mod open;
mod overlay;
mod own_file;
mod packed;
mod queue;
mod read_ahead;
mod readers;
mod rows;
mod snapshot;
mod sync;
mod vacuum;
mod words;

pub use bell::Bell;
pub use body::{Body, BodyWriter};
pub use db::{CheckReport, Compression, Db, Gap, OpenReport, Settings, State, VacuumReport};
pub use edit::{Committed, Edit, Pending};
pub use error::{BodyRefusal, CommitError, Fault, OpenError};
pub use files::{Files, SimDisk, SimFailure};
pub use name::{BodyId, Partition, Value, Version};
pub use snapshot::{Scan, Snapshot};
