//! The words of mail over UUCP: From_ lines, bang paths, and how batches are packed.
//!
//! No standard says all of this; `docs/uucp.md` tells what is written somewhere and what is our own
//! reconstruction. What never happens here: I/O, a clock, a choice who may send what.
#![forbid(unsafe_code)]

mod bang;
mod bunzip;
mod from_line;
pub mod limits;
mod lzw;
mod unpack;

pub use bang::{
    NotAPath, Systems, UnknownSystem, argument, is_system, recipient, sender, system_of,
};
pub use from_line::{FromLines, NoFromLine, from_line};
pub use lzw::Compressor;
pub use unpack::{Packing, Unpacker, Wrong};
