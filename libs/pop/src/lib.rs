//! POP3 as spoken on the wire: words, answers, byte-stuffing, and the server's machine.
//!
//! RFC 1939 (POP3), RFC 2449 (CAPA, response codes), RFC 2595 (STLS), RFC 5034 (AUTH),
//! RFC 3206 (`[SYS/…]`, `[AUTH]`), RFC 6856 (UTF8, LANG); SDPS's `*ENV`, POP4, and what was before
//! RFC 1939. Bytes go in, events come out; replies go in, bytes come out.
//!
//! Never here: sockets, clocks, passwords that are checked, messages that are stored.
#![forbid(unsafe_code)]

pub mod limits;

mod command;
pub mod pop4;
mod prepared;
mod reply;
mod server;
mod stuffing;
mod surrogate;
mod top;
mod upload;

pub use command::{Arguments, Bad, Command, Mechanism, Secret, Shape, Verb, WORDS, Word, word_of};
pub use reply::{Code, Reply};
pub use server::{Event, Server};
pub use stuffing::{Stuffer, Unstuffer};
pub use surrogate::Surrogate;
pub use top::Top;
