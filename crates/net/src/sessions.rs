//! The sessions that run: who is there, since when, how much was said, and a way to end each.
//!
//! Every connection that `serve` takes has one entry, with a number that its log lines bear. What
//! never happens here: a protocol's goodbye (the door says it when it is told to stop), a mail word.

use crate::conn::TlsInfo;
use crate::stop::Stop;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tally::{Held, Metric, Number, Tally};
use tokio::time::Instant;
use tracing::Span;

/// All sessions of one server. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Sessions(Arc<Roll>);

#[derive(Debug, Default)]
struct Roll {
    tally: Tally,
    open: Mutex<Open>,
    /// Listeners to which the system gives no connections now.
    starved: Mutex<BTreeSet<&'static str>>,
}

#[derive(Debug, Default)]
struct Open {
    last_id: u64,
    entries: BTreeMap<u64, Arc<SessionEntry>>,
}

/// What is known of one session while it runs.
#[derive(Debug)]
pub struct SessionEntry {
    id: u64,
    listener: &'static str,
    peer: SocketAddr,
    began: Instant,
    ended: Stop,
    span: Span,
    tally: Tally,
    read: AtomicU64,
    written: AtomicU64,
    commands: AtomicU64,
    all_read: Number,
    all_written: Number,
    learnt: Mutex<Learnt>,
}

/// What a session shows on its way.
#[derive(Debug, Default)]
struct Learnt {
    account: Option<String>,
    tls: Option<TlsInfo>,
}

/// A session as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    pub id: u64,
    /// The listener that took it.
    pub listener: &'static str,
    pub peer: SocketAddr,
    /// How long it has run.
    pub age: Duration,
    /// Whose it is, after a login.
    pub account: Option<String>,
    pub tls: Option<TlsInfo>,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub commands: u64,
}

impl Sessions {
    /// None yet; counted in this tally.
    pub fn new(tally: Tally) -> Sessions {
        Sessions(Arc::new(Roll {
            tally,
            open: Mutex::default(),
            starved: Mutex::default(),
        }))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.0.tally
    }

    fn starving(&self) -> MutexGuard<'_, BTreeSet<&'static str>> {
        let starved = self.0.starved.lock();
        starved.unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_starved(&self, listener: &'static str) {
        self.starving().insert(listener);
    }

    pub(crate) fn is_fed(&self, listener: &'static str) {
        self.starving().remove(listener);
    }

    /// The listeners to which the system gives no connections now.
    pub fn starved(&self) -> Vec<&'static str> {
        self.starving().iter().copied().collect()
    }

    /// A new session; it is gone from here when the value is dropped.
    pub(crate) fn enter(&self, listener: &'static str, peer: SocketAddr) -> Entered {
        let mut open = self.open();
        open.last_id += 1;
        let id = open.last_id;
        let entry = Arc::new(SessionEntry::new(id, listener, peer, &self.0.tally));
        open.entries.insert(id, entry.clone());
        drop(open);
        self.0.tally.count(Metric::Connections, &[listener]);
        Entered {
            sessions: self.clone(),
            entry,
            _held: self.0.tally.number(Metric::Sessions, &[listener]).held(),
        }
    }

    /// All that run now, oldest first.
    pub fn list(&self) -> Vec<SessionInfo> {
        let entries: Vec<_> = self.open().entries.values().cloned().collect();
        entries.iter().map(|entry| entry.info()).collect()
    }

    /// Tells a session to end; false if there is none of this number.
    pub fn end(&self, id: u64) -> bool {
        let entry = self.open().entries.get(&id).cloned();
        entry.is_some_and(|entry| {
            entry.ended.stop();
            true
        })
    }

    /// Tells all sessions of an account to end; gives their numbers.
    pub fn end_account(&self, account: &str) -> Vec<u64> {
        let entries: Vec<_> = self.open().entries.values().cloned().collect();
        let theirs = entries.iter().filter(|entry| entry.is_of(account));
        theirs
            .map(|entry| {
                entry.ended.stop();
                entry.id
            })
            .collect()
    }
}

/// A session that runs.
pub(crate) struct Entered {
    sessions: Sessions,
    pub entry: Arc<SessionEntry>,
    _held: Held,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.sessions.open().entries.remove(&self.entry.id);
    }
}

impl SessionEntry {
    fn new(id: u64, listener: &'static str, peer: SocketAddr, tally: &Tally) -> SessionEntry {
        let span = tracing::info_span!(
            "session",
            session = id,
            listener,
            %peer,
            account = tracing::field::Empty
        );
        SessionEntry {
            id,
            listener,
            peer,
            began: Instant::now(),
            ended: Stop::new(),
            span,
            all_read: tally.number(Metric::SessionBytes, &[listener, "in"]),
            all_written: tally.number(Metric::SessionBytes, &[listener, "out"]),
            tally: tally.clone(),
            read: AtomicU64::new(0),
            written: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            learnt: Mutex::default(),
        }
    }

    /// Of a connection that no listener took: a pipe, or one that we dialled.
    pub(crate) fn apart() -> Arc<SessionEntry> {
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        Arc::new(SessionEntry::new(0, "none", nowhere, &Tally::new()))
    }

    fn learnt(&self) -> MutexGuard<'_, Learnt> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its number; every log line of the session bears it.
    pub fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The name of the listener that took it.
    pub fn listener(&self) -> &'static str {
        self.listener
    }

    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// Ends when the server does, or when this session alone is ended.
    pub fn stop(&self, server: &Stop) -> Stop {
        server.or(&self.ended)
    }

    /// Whether this session is ended, not the server.
    pub fn is_ended(&self) -> bool {
        self.ended.is_stopped()
    }

    /// Whose session it is, after a login.
    pub fn belongs_to(&self, account: &str) {
        self.span.record("account", account);
        self.learnt().account = Some(account.to_owned());
    }

    fn is_of(&self, account: &str) -> bool {
        self.learnt().account.as_deref() == Some(account)
    }

    /// One more command.
    pub fn commanded(&self) {
        self.commands.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn took(&self, bytes: usize) {
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        self.all_read.add(bytes as u64);
    }

    pub(crate) fn gave(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
        self.all_written.add(bytes as u64);
    }

    pub(crate) fn secured(&self, tls: Option<TlsInfo>) {
        self.learnt().tls = tls;
    }

    pub(crate) fn handshake_failed(&self) {
        self.tally.count(Metric::TlsFailed, &[self.listener]);
    }

    fn info(&self) -> SessionInfo {
        let learnt = self.learnt();
        SessionInfo {
            id: self.id,
            listener: self.listener,
            peer: self.peer,
            age: self.began.elapsed(),
            account: learnt.account.clone(),
            tls: learnt.tls.clone(),
            bytes_in: self.read.load(Ordering::Relaxed),
            bytes_out: self.written.load(Ordering::Relaxed),
            commands: self.commands.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 4_000))
    }

    #[tokio::test]
    async fn a_session_is_listed_while_it_runs_and_ended_by_number_or_account() {
        let sessions = Sessions::default();
        let first = sessions.enter("imap", peer());
        let second = sessions.enter("smtp", peer());
        first.entry.belongs_to("alice@example.test");
        let ids: Vec<_> = sessions.list().iter().map(|s| (s.id, s.listener)).collect();
        assert_eq!(ids, [(1, "imap"), (2, "smtp")]);

        let server = Stop::new();
        let stop = second.entry.stop(&server);
        assert!(sessions.end(2) && !sessions.end(3));
        stop.stopped().await;
        assert!(second.entry.is_ended() && !server.is_stopped());
        assert!(!first.entry.is_ended(), "only the one that was named");

        assert_eq!(sessions.end_account("bob@example.test"), [0; 0]);
        assert_eq!(sessions.end_account("alice@example.test"), [1]);
        assert!(first.entry.stop(&server).is_stopped());
        drop((first, second));
        assert!(sessions.list().is_empty());
    }

    #[tokio::test]
    async fn the_end_of_the_server_is_the_end_of_each_session() {
        let sessions = Sessions::default();
        let session = sessions.enter("imap", peer());
        let server = Stop::new();
        let stop = session.entry.stop(&server);
        server.stop();
        stop.stopped().await;
        assert!(!session.entry.is_ended());
    }
}
