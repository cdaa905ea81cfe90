//! The road to other servers: where a message goes next, how it is carried there, and what a failure
//! means.
//!
//! `route` and `failure` are pure: answers in, decision out. What never happens here: a row of the
//! queue, the text of a report.

pub mod failure;
pub mod route;
