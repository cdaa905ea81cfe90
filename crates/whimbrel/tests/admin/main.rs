//! The commands of administration as a person gives them: on a running server and on a stopped one.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]

mod commands;
mod hosts;
mod house;
mod road;
mod running;
