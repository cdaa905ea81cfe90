//! The log: numbered files of checksummed frames, one frame for each group commit.
//!
//! `header.rs` and `frame.rs` are the formats, `walk.rs` reads a file whatever its state,
//! `chain.rs` puts the files in order at opening, `writer.rs` appends. Never here: what a record
//! means, which transaction is visible.

mod chain;
mod frame;
mod header;
mod walk;
mod writer;

pub(crate) use chain::Chain;
pub(crate) use frame::{BodyEntry, Frame, FrameBuilder, Place};
pub(crate) use header::HEADER_BYTES;
use walk::{Walk, walk};
pub(crate) use writer::{Log, Tail, number_of, path_of};

pub(crate) const DIR: &str = "log";
