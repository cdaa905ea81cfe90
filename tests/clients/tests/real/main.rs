//! Real mail programs against the built binary: each sends, reads, flags or deletes, and the result
//! is looked at from the other side.
//!
//! What never happens here: a use of the product's own crates.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod curl;
mod fetchmail;
mod keeping;
mod large;
mod mbsync;
mod mutt;
mod python;
mod samples;
mod starting;
mod swaks;
mod thunderbird;
