//! What the tests with real mail programs share: a running server, programs with a time limit, and
//! a plain client to look from the other side.
//!
//! Nothing here sleeps: a server is ready when it says so, a program has ended when its output has.
//! What never happens here: a use of the product's own crates; these tests see what a user sees.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a test says what it left out")]

pub mod display;
pub mod imap;
pub mod pop3;
pub mod program;
pub mod samples;
pub mod server;
pub mod sink;
pub mod smtp;
pub mod wire;

pub use display::Display;
pub use imap::Imap;
pub use pop3::Pop3;
pub use program::{Ended, Program, Running, fetchmail, private_file};
pub use server::{Account, Server, Start};
pub use sink::Sink;
pub use smtp::Smtp;
