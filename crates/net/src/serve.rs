//! The accept loop of every door: bounds, implicit TLS, one task a session, an orderly end.
//!
//! A panic in a session is logged and ends only this session; a system without descriptors makes
//! the loop wait, never spin or end. What never happens here: a protocol word (the text for those
//! who are turned away comes from the door).

use crate::conn::{Conn, Incoming};
use crate::limits;
use crate::listener::{Listener, send_last_word};
use crate::sessions::Entered;
use crate::source::Source;
use crate::stop::Stop;
use crate::tls::TlsServer;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tally::Metric;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::Instrument;

/// How many sessions a listener may have at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    pub total: usize,
    /// From one IPv4 address or one IPv6 /64; at a Unix socket, of one user.
    pub per_address: usize,
}

/// Serves a listener until `stop`. Sessions see the same `Stop` and end by themselves; what is
/// left after GRACE is cut. When this returns, the listener and all its sessions are gone.
///
/// Whoever comes when a bound is reached is sent `turn_away` and closed (closed without a word if
/// TLS comes first: plain text means nothing there). `bounds` is asked at each connection, because
/// they may change.
pub async fn serve<B, F, Fut>(
    listener: Listener,
    tls_at_once: Option<TlsServer>,
    bounds: B,
    turn_away: &'static [u8],
    stop: Stop,
    session: F,
) where
    B: Fn() -> Bounds + Send + 'static,
    F: Fn(Conn) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let session = Arc::new(session);
    let mut sessions = Sessions::default();
    let mut starved = Starved::No;
    loop {
        tokio::select! {
            biased;
            () = stop.stopped() => break,
            Some(ended) = sessions.tasks.join_next_with_id() => sessions.forget(ended),
            accepted = listener.accept_stream() => match accepted {
                Ok((stream, peer)) => {
                    if starved == Starved::Yes {
                        listener.sessions().is_fed(listener.name());
                    }
                    starved = Starved::No;
                    let from = stream.source(peer);
                    if !sessions.has_room(bounds(), from) {
                        tracing::warn!(%from, at = %listener.place(), "turned away, too many connections");
                        listener.sessions().tally().count(Metric::TurnedAway, &[listener.name()]);
                        let word = if tls_at_once.is_some() { &[][..] } else { turn_away };
                        send_last_word(stream, word);
                        continue;
                    }
                    let entered = listener.sessions().enter(listener.name(), peer);
                    let span = entered.entry.span().clone();
                    let run = run(stream, entered, tls_at_once.clone(), stop.clone(), session.clone());
                    sessions.start((peer, from), run.instrument(span));
                }
                Err(error) => starved.wait(&error, &listener).await,
            },
        }
    }
    drop(listener);
    sessions.end().await;
}

/// One session from the first octet to the last.
async fn run<F, Fut>(
    stream: Incoming,
    entered: Entered,
    tls: Option<TlsServer>,
    stop: Stop,
    session: Arc<F>,
) where
    F: Fn(Conn) -> Fut,
    Fut: Future<Output = ()>,
{
    let peer = entered.entry.peer();
    let conn = Conn::accepted(stream, peer, entered.entry.clone());
    let conn = match (conn, tls) {
        (Ok(conn), None) => conn,
        // TLS from the first octet on [rfc9051 11.2]
        (Ok(conn), Some(tls)) => {
            let ended = entered.entry.stop(&stop);
            let shaken = tokio::select! {
                biased;
                () = ended.stopped() => return,
                shaken = conn.start_tls(&tls) => shaken,
            };
            match shaken {
                Ok(conn) => conn,
                Err(error) => return tracing::debug!(%peer, %error, "TLS handshake failed"),
            }
        }
        // the peer was gone before we looked
        (Err(error), _) => return tracing::debug!(%peer, %error, "connection lost at once"),
    };
    session(conn).await;
}

/// The sessions that run, counted by where they come from.
#[derive(Default)]
struct Sessions {
    tasks: JoinSet<()>,
    peers: HashMap<Id, (SocketAddr, Source)>,
    counts: BTreeMap<Source, usize>,
}

impl Sessions {
    fn has_room(&mut self, bounds: Bounds, from: Source) -> bool {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.forget(ended);
        }
        self.tasks.len() < bounds.total
            && self.counts.get(&from).copied().unwrap_or(0) < bounds.per_address
    }

    fn start(
        &mut self,
        (peer, from): (SocketAddr, Source),
        session: impl Future<Output = ()> + Send + 'static,
    ) {
        let id = self.tasks.spawn(session).id();
        self.peers.insert(id, (peer, from));
        *self.counts.entry(from).or_default() += 1;
    }

    fn forget(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        let Some((peer, from)) = self.peers.remove(&id) else {
            return;
        };
        if let Some(count) = self.counts.get_mut(&from) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&from);
            }
        }
        if let Err(error) = ended
            && error.is_panic()
        {
            // the panic's own text and place were written by the panic hook
            tracing::error!(%peer, %error, "a session panicked and was ended; this is a bug");
        }
    }

    /// Waits for the sessions, then cuts what is left.
    async fn end(mut self) {
        let all = async {
            while let Some(ended) = self.tasks.join_next_with_id().await {
                self.forget(ended);
            }
        };
        if timeout(limits::GRACE, all).await.is_err() {
            tracing::info!(
                sessions = self.tasks.len(),
                "cutting sessions that did not end in time"
            );
            self.tasks.shutdown().await;
        }
    }
}

/// Whether the system last refused us a connection; so that it is logged once, not every 50 ms.
#[derive(PartialEq, Eq)]
enum Starved {
    No,
    Yes,
}

impl Starved {
    async fn wait(&mut self, error: &io::Error, listener: &Listener) {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        if matches!(
            error.kind(),
            ConnectionAborted | ConnectionReset | Interrupted
        ) {
            return; // the peer's matter; the next one may be fine
        }
        if *self == Starved::No {
            tracing::error!(at = %listener.place(), %error, "cannot accept connections; trying on");
            listener.sessions().is_starved(listener.name());
            *self = Starved::Yes;
        }
        sleep(limits::ACCEPT_PAUSE).await;
    }
}
