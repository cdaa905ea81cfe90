//! The wish of the person or the system that the program ends, or reads its settings again.
//!
//! What never happens here: the ending itself.

use crate::Outcome;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From here on the signals do not end the process by themselves.
    pub fn listen() -> Outcome<Signals> {
        let watch = |kind| signal(kind).map_err(|error| format!("cannot watch signals: {error}"));
        Ok(Signals {
            interrupt: watch(SignalKind::interrupt())?,
            terminate: watch(SignalKind::terminate())?,
        })
    }

    /// Returns when Ctrl-C is pressed or SIGTERM arrives.
    pub async fn wish(&mut self) -> &'static str {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// SIGHUP, for those who do not end by it.
pub struct Hangups(Signal);

impl Hangups {
    /// From here on SIGHUP does not end the process.
    pub fn listen() -> Outcome<Hangups> {
        let hangups = signal(SignalKind::hangup());
        hangups
            .map(Hangups)
            .map_err(|error| format!("cannot watch signals: {error}"))
    }

    pub async fn next(&mut self) {
        // None: no more will come, and then none is waited for.
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}
