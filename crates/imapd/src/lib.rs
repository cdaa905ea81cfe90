//! The IMAP door: sessions over what `mail` keeps, IMAP4rev1 (RFC 3501) with extensions, and
//! IMAP4rev2 (RFC 9051) for clients that enable it.
//!
//! Here live the command and capability tables, the session loop and one `run` per command. What
//! never happens here: parsing or encoding (`imap` does both), reading of records (`mail` does),
//! and writing to a client while anything is locked.
#![forbid(unsafe_code)]

mod binary;
mod capability;
mod cmd;
mod enabled;
mod flags;
mod keywords;
pub mod limits;
mod listing;
mod reply;
mod resync;
mod search;
mod section;
mod session;
mod sets;
mod settings;
mod table;
mod transfer;
mod updates;
mod wire;

pub use session::session;
pub use settings::{Door, Settings};
