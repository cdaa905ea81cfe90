//! What shows that the built binary keeps what it acknowledged and outlives its peers: killed at
//! random moments, watched through strace, and under attack while honest programs go on.
//!
//! Every random choice comes from a seed that is printed. What never happens here: a use of the
//! product's own crates; these tests see what a user, a peer and the system see.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    reason = "these runs tell a person where they are"
)]

pub mod dropped;
pub mod hostile;
pub mod kill;
mod letters;
mod process;
pub mod road;
mod seeded;
pub mod synced;
