//! Whole servers in one process, one thread and one seed: real doors, real post, real mail and the
//! real store over a simulated network, clock and disk, with clients that know only the wire.
//!
//! The same seed is the same run, byte for byte. What never happens here: a switch in the product;
//! what is simulated are engines of `net` and `store`.
#![forbid(unsafe_code)]

mod auditor;
mod client;
mod dice;
mod far;
mod faults;
mod house;
mod imap;
mod laws;
mod ledger;
mod letter;
mod pop;
mod report;
mod run;
mod smtp;
mod trace;
mod world;

pub use run::{Outcome, run};
