//! What a peer, or a peer's silence, can make grow or last here.

use std::time::Duration;

/// The most that one `Conn::read` appends. No RFC minimum; a TLS record is as long as this.
pub const READ_BYTES: usize = 16 * 1024;
/// A TLS handshake that takes longer is given up. RFC 5321 4.5.3.2.1 gives the greeting, which
/// comes after it on an implicit-TLS port, 300 s for the other side; ours needs no such patience.
pub const HANDSHAKE: Duration = Duration::from_secs(30);
/// A write during which the peer takes nothing for so long ends the connection. RFC 5321 4.5.3.2.5
/// gives a sender 180 s for one block of data, RFC 5321 4.5.3.2.7 a server 300 s.
pub const WRITE_STALL: Duration = Duration::from_secs(300);
/// How long a connection that is being closed may take to say so.
pub const CLOSE: Duration = Duration::from_secs(1);
/// How long a peer that said it sends no more may still wait for what it asked: a script that
/// sends all its commands at once does so.
pub const HALF_CLOSED: Duration = Duration::from_secs(2);
/// How long sessions may go on after they were told to stop, before they are cut.
pub const GRACE: Duration = Duration::from_millis(1_500);
/// One question by HTTP, from the look-up of its host to the end of the answer.
pub const HTTP: Duration = Duration::from_secs(10);
/// The same where the server is a stranger's. RFC 8461 3.3 suggests a minute.
pub const HTTP_PATIENT: Duration = Duration::from_secs(60);
/// The header of an answer by HTTP.
pub const HTTP_HEAD_BYTES: usize = 16 * 1024;
/// Its body: sets of keys have some KiB.
pub const HTTP_BODY_BYTES: usize = 256 * 1024;
/// How long a listener waits after the system refused it a descriptor or memory.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections that the system holds until they are accepted.
pub const BACKLOG: i32 = 1_024;
/// Octets already received that are thrown away on close, so that the last reply is not lost to a
/// reset.
pub const DISCARD_BYTES: usize = 256 * 1024;
/// The longest that a dialled connection may take to be made (RFC 1123 has no number).
pub const DIAL: Duration = Duration::from_secs(30);
/// One question to the DNS, its aliases and the proof of its answer included.
pub const DNS: Duration = Duration::from_secs(20);
/// Questions to the DNS at a time; more wait.
pub const DNS_AT_ONCE: usize = 128;
/// Records that are taken of one answer. RFC 5321 5.1 wants at least two addresses tried.
pub const DNS_RECORDS: usize = 64;
/// Answers that are kept until their time is over.
pub const DNS_CACHE: u64 = 8_192;
/// The longest that an answer is kept, whatever it allows.
pub const DNS_CACHED: Duration = Duration::from_secs(86_400);
/// The same where there was nothing.
pub const DNS_CACHED_NEGATIVE: Duration = Duration::from_secs(900);
/// Names of which is known that there is nothing, and for how long: a record that somebody adds is
/// seen after this.
pub const DNS_NOTHING: usize = 20_000;
pub const DNS_CACHED_NOTHING: Duration = Duration::from_secs(60);
/// What is kept of what a program says.
pub const PROGRAM_OUTPUT_BYTES: usize = 4 * 1024;
/// The longest pause between two looks whether a program has ended.
pub const PROGRAM_PAUSE: Duration = Duration::from_millis(50);
/// How long it holds that DNSSEC works with the servers that are asked, or does not.
pub const DNSSEC_TRIED: Duration = Duration::from_secs(600);
