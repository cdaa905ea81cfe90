//! The word that ends every session.

use std::sync::Arc;
use tokio::sync::watch;

/// Tells every session to end. Cloned into each; once said it stays said.
#[derive(Clone, Debug)]
pub struct Stop {
    said: Arc<watch::Sender<bool>>,
    /// Another word that counts as well.
    or: Option<Arc<watch::Sender<bool>>>,
}

impl Default for Stop {
    fn default() -> Stop {
        Stop::new()
    }
}

impl Stop {
    pub fn new() -> Stop {
        Stop {
            said: Arc::new(watch::Sender::new(false)),
            or: None,
        }
    }

    /// Said when either is said. `stop` of it says only this one.
    pub(crate) fn or(&self, other: &Stop) -> Stop {
        Stop {
            said: self.said.clone(),
            or: Some(other.said.clone()),
        }
    }

    pub fn stop(&self) {
        self.said.send_replace(true);
    }

    pub fn is_stopped(&self) -> bool {
        *self.said.borrow() || self.or.as_ref().is_some_and(|other| *other.borrow())
    }

    /// Returns once `stop` was called, at once if it was called before. Cancel-safe.
    pub async fn stopped(&self) {
        match &self.or {
            None => said(&self.said).await,
            Some(other) => tokio::select! {
                biased;
                () = said(&self.said) => {}
                () = said(other) => {}
            },
        }
    }
}

async fn said(word: &watch::Sender<bool>) {
    word.subscribe()
        .wait_for(|&stopped| stopped)
        .await
        .expect("because we hold the sender, so the channel cannot be closed");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn wakes_who_waited_before_and_who_asks_after() {
        let stop = Stop::new();
        let waiting = tokio::spawn({
            let stop = stop.clone();
            async move { stop.stopped().await }
        });
        tokio::task::yield_now().await;
        assert!(!stop.is_stopped());
        stop.stop();
        waiting.await.expect("because the task does not panic");
        stop.clone().stopped().await;
        assert!(stop.is_stopped());
    }
}
