//! SEARCH: a client's keys made into a program over UIDs, and its answer from a picture of a
//! mailbox. Cheap keys narrow what expensive keys look at.
//!
//! What never happens here: speaking to the client.

mod charset;
mod decode;
mod facts;
mod program;

pub(crate) use facts::Facts;
pub(crate) use program::{Cost, Ground, Program, compile};
