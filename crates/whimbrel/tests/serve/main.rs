//! `whimbrel serve` as a person or systemd runs it: the built program, a settings file, signals.
//!
//! Those that need root say so and are left out without it. What never happens here: a fixed port
//! outside of a network of the test's own.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]
#![allow(clippy::print_stdout, reason = "a test says what it left out")]

mod reload;
mod root;
mod served;
mod service_manager;
mod start;
