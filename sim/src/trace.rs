//! What happened, in order, with the simulated time: what two runs of a seed must agree on.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tokio::time::Instant;

/// The events of a run. Clones are the same one.
#[derive(Clone)]
pub struct Trace(Arc<Inner>);

struct Inner {
    began: Instant,
    lines: Mutex<Vec<String>>,
    broken: Mutex<Vec<Broken>>,
    over: watch::Sender<bool>,
}

/// A law that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub law: &'static str,
    pub text: String,
}

impl Trace {
    pub fn new() -> Trace {
        Trace(Arc::new(Inner {
            began: Instant::now(),
            lines: Mutex::default(),
            broken: Mutex::default(),
            over: watch::Sender::new(false),
        }))
    }

    pub fn note(&self, line: impl AsRef<str>) {
        let at = self.0.began.elapsed();
        let line = format!(
            "{:>6}.{:06} {}",
            at.as_secs(),
            at.subsec_micros(),
            line.as_ref()
        );
        let mut lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }

    /// A law does not hold; the run ends.
    pub fn broken(&self, law: &'static str, text: impl Into<String>) {
        let text = text.into();
        self.note(format!("BROKEN {law}: {text}"));
        let mut broken = self.0.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.push(Broken { law, text });
        self.0.over.send_replace(true);
    }

    /// Returns when a law was broken.
    pub async fn over(&self) {
        let mut over = self.0.over.subscribe();
        // We hold the sender, so this ends only when a law was broken.
        let _ = over.wait_for(|over| *over).await;
    }

    pub fn is_over(&self) -> bool {
        *self.0.over.borrow()
    }

    pub fn take(&self) -> (Vec<String>, Vec<Broken>) {
        let take = |lines: &Mutex<Vec<String>>| {
            std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner))
        };
        let broken = self.0.broken.lock().unwrap_or_else(PoisonError::into_inner);
        (take(&self.0.lines), broken.clone())
    }
}
