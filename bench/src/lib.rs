//! Measurements beside other servers and against the machine's own limits, taken in the same run.
//!
//! Never here: product code, or a figure without a limit or a peer beside it.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "the figures are for a person to read")]

pub mod clock;
pub mod count;
mod disk;
pub mod install;
pub mod letter;
mod message;
pub mod null;
pub mod path;
pub mod report;
pub mod run;
pub mod store_bench;
pub mod target;
pub mod wire;
pub mod work;

/// What went wrong, in words for a person.
pub type Outcome<T> = Result<T, String>;

/// Where `install` puts the peers if nothing else is said.
pub const PEERS: &str = "/opt/whimbrel-peers";
