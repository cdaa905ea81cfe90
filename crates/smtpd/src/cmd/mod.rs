//! The commands, one file for each step of a dialogue.
//!
//! A function here runs one command and sends its reply. It neither parses nor decides about mail.

pub(crate) mod atrn;
pub(crate) mod chunk;
pub(crate) mod content;
pub(crate) mod etrn;
pub(crate) mod hello;
pub(crate) mod login;
pub(crate) mod recipient;
pub(crate) mod sender;
pub(crate) mod small;
pub(crate) mod tls;
