//! Whole sessions over a pipe in memory: what dialogue files cannot say (many messages, large
//! ones, time, random commands of several sessions).
#![allow(clippy::unwrap_used, reason = "a test")]

mod client;
mod mails;
mod model;
mod resync;
mod rules;
mod value;
