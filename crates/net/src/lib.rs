//! Everything outside the process: sockets, TLS, the clock and randomness.
//!
//! No other crate opens a socket, reads the time or makes a random number. What never happens
//! here: a mail word, the disk of the data folder.
#![forbid(unsafe_code)]
