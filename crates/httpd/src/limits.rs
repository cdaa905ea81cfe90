//! A limit on everything that a peer can make grow. No logic here.

use std::time::Duration;

/// Octets of a request that are held; hyper asks for 8 KiB at least.
pub const REQUEST_BYTES: usize = 16 * 1024;
/// Fields of a request's header.
pub const HEADER_FIELDS: usize = 64;
/// How long one connection may last, whatever goes on at it; scrapers come back.
pub const SESSION: Duration = Duration::from_secs(300);
