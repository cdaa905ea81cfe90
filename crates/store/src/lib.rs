//! The store: ordered key-value transactions, message bodies and bells.
//!
//! Here lives everything that touches the disk of the data folder. What never happens here:
//! a mail word, a socket, a clock reading (the caller brings the time), a random number.
//!
//! A key belongs to a [`Partition`]; a transaction ([`Edit`]) stays inside one partition, and
//! several can be committed as one durable group. Readers see only what is durable.
#![forbid(unsafe_code)]
