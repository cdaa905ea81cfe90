//! What the tests on the road share: networks of their own with the real ports, DNS with signed
//! zones, Debian's mail servers, scripted ones, and Whimbrels between them.
//!
//! A test builds a [`World`]: hosts, records, servers. Everything in it ends with the test, and what
//! a killed run left is removed by the next one. What never happens here: a packet to the outside
//! (the networks have no way there), a use of the product's own crates.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a test says what it left out")]

pub mod authority;
pub mod dns;
pub mod exim;
pub mod letter;
pub mod namespaces;
pub mod peer;
pub mod policy_host;
pub mod postfix;
pub mod root;
pub mod scripted;
pub mod uucp;
pub mod wait;
pub mod whimbrel;
pub mod world;

pub use authority::{Authority, Shown};
pub use letter::Letter;
pub use namespaces::Host;
pub use peer::Peer;
pub use policy_host::PolicyHost;
pub use scripted::{Answer, Script, Scripted, Stage, say};
pub use wait::until;
pub use whimbrel::Whimbrel;
pub use world::World;
