//! Administration: domains, accounts, aliases, mailboxes, quotas, sessions, the log, the queue.
//!
//! One request type for both ways: `commands` makes requests of arguments, `client` takes them to
//! the control socket of a running server (`control`) or, where none runs, to the store itself;
//! `office` does them, the same function for both. What never happens here: a protocol of mail.

pub mod arguments;
pub mod client;
pub mod commands;
pub mod control;
pub mod dkim_command;
mod dns;
pub mod import;
pub mod limits;
mod measure;
mod nearest;
mod office;
mod place;
pub mod request;
pub mod road;
mod terminal;
mod words;

pub use office::Office;
pub use terminal::password_once;
