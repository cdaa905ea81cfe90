//! Everything outside the process: sockets, TLS, the clock and randomness.
//!
//! No other crate opens a socket, reads the time or makes a random number. What never happens
//! here: a mail word, the disk of the data folder.
#![forbid(unsafe_code)]
#![allow(clippy::todo, unused_variables, dead_code)]

use bytes::BytesMut;
use std::{future::Future, io, net::SocketAddr, time::Duration};

/// Time passes through tokio's clock, which a simulation owns.
pub mod time {
    pub use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
}

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub i64);
impl Time {
    pub fn from_seconds(seconds: i64) -> Time {
        todo!()
    }
    pub fn seconds(self) -> i64 {
        todo!()
    }
    /// `Mon, 23 Nov 2026 01:20:09 +0000`
    pub fn rfc5322(self) -> String {
        todo!()
    }
    pub fn civil(self) -> Civil {
        todo!()
    }
}
/// A moment as calendar and clock show it in UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Civil {
    pub year: i64,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    /** 0 = Sunday */
    pub weekday: u8,
}
/// Days since 1970-01-01 of a date in the Gregorian calendar.
pub fn days_from_civil(year: i64, month: u8, day: u8) -> i64 {
    todo!()
}
/// Year, month, day of a number of days since 1970-01-01.
pub fn civil_from_days(days: i64) -> (i64, u8, u8) {
    todo!()
}

#[derive(Clone)]
pub struct Clock(());
impl Clock {
    pub fn system() -> Clock {
        todo!()
    }
    pub fn manual(start: Time) -> Clock {
        todo!()
    }
    pub fn now(&self) -> Time {
        todo!()
    }
    /// Moves a manual clock forward; a system clock does not change.
    pub fn advance(&self, by: Duration) {
        todo!()
    }
}
#[derive(Clone)]
pub struct Random(());
impl Random {
    pub fn system() -> Random {
        todo!()
    }
    pub fn seeded(seed: u64) -> Random {
        todo!()
    }
    pub fn fill(&self, bytes: &mut [u8]) {
        todo!()
    }
    pub fn u64(&self) -> u64 {
        todo!()
    }
    /// `len` of a-z0-9 without look-alikes.
    pub fn token(&self, len: usize) -> String {
        todo!()
    }
}

/// The most that one `Conn::read` appends.
pub const READ_BYTES: usize = 16 * 1024;
pub struct Conn(());
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsInfo {
    /** "TLSv1.3" */
    pub version: &'static str,
    pub cipher: String,
    pub sni: Option<String>,
}
impl Conn {
    /// Two ends in memory, for tests and simulation.
    pub fn pipe(limit: usize) -> (Conn, Conn) {
        todo!()
    }
    /// As `pipe`, with addresses: the first end is that of `client`, the second that of `server`.
    pub fn pipe_between(client: SocketAddr, server: SocketAddr, limit: usize) -> (Conn, Conn) {
        todo!()
    }
    pub fn peer(&self) -> SocketAddr {
        todo!()
    }
    pub fn local(&self) -> SocketAddr {
        todo!()
    }
    /// Appends at most READ_BYTES; 0 = end. Cancel-safe.
    pub async fn read(&mut self, buf: &mut BytesMut) -> io::Result<usize> {
        todo!()
    }
    /// Flushes as well.
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        todo!()
    }
    /// Server side of the handshake, 30 s at most.
    pub async fn start_tls(self, tls: &TlsServer) -> io::Result<Conn> {
        todo!()
    }
    /// Client side of the handshake.
    pub async fn connect_tls(self, tls: &TlsClient, name: &str) -> io::Result<Conn> {
        todo!()
    }
    pub fn tls(&self) -> Option<TlsInfo> {
        todo!()
    }
    /// close_notify and shutdown; errors do not matter.
    pub async fn close(self) {
        todo!()
    }
}
pub struct Listener(());
impl Listener {
    pub async fn bind(at: SocketAddr) -> io::Result<Listener> {
        todo!()
    }
    pub fn local_addr(&self) -> SocketAddr {
        todo!()
    }
    pub async fn accept(&self) -> io::Result<Conn> {
        todo!()
    }
}
pub async fn dial(to: SocketAddr) -> io::Result<Conn> {
    todo!()
}

#[derive(Debug)]
pub struct TlsError(String);
impl std::fmt::Display for TlsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for TlsError {}
#[derive(Clone)]
pub struct TlsServer(());
impl TlsServer {
    pub fn from_pem(cert_chain: &str, key: &str) -> Result<TlsServer, TlsError> {
        todo!()
    }
}
#[derive(Clone)]
pub struct TlsClient(());
impl TlsClient {
    pub fn trusting_pem(ca: &str) -> Result<TlsClient, TlsError> {
        todo!()
    }
}
/// Certificate chain and key as PEM; valid 10 years from `now`.
pub fn self_signed(names: &[String], now: Time) -> Result<(String, String), TlsError> {
    todo!()
}

/// Tells every session to end. Cloned into each.
#[derive(Clone)]
pub struct Stop(());
impl Default for Stop {
    fn default() -> Self {
        Stop::new()
    }
}
impl Stop {
    pub fn new() -> Stop {
        todo!()
    }
    pub fn stop(&self) {
        todo!()
    }
    pub fn is_stopped(&self) -> bool {
        todo!()
    }
    /// Cancel-safe.
    pub async fn stopped(&self) {
        todo!()
    }
}
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub total: usize,
    /** an IPv6 address counts as its /64 */
    pub per_address: usize,
}
/// The accept loop of a door. Returns when stopped and the sessions have ended, or `GRACE` has passed.
pub async fn serve<F, Fut>(
    listener: Listener,
    tls_at_once: Option<TlsServer>,
    bounds: Bounds,
    turn_away: &'static [u8],
    stop: Stop,
    session: F,
) where
    F: Fn(Conn) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    todo!()
}
