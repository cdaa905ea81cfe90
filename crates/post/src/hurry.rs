//! Mail for somebody whose server is there now, before its time.
//!
//! What never happens here: a decision who may ask for it, another way than the usual one.

use crate::Post;
use addr::{Domain, Host};
use store::Fault;

impl Post {
    /// Lets everything be tried now that waits for domains of this kind; how many messages that are.
    /// `None`: this server sends to no other.
    pub async fn hurry(
        &self,
        which: &(dyn Fn(&Domain) -> bool + Sync),
    ) -> Result<Option<usize>, Fault> {
        let Some(queue) = &self.inner.queue else {
            return Ok(None);
        };
        let numbers = queue.waiting_for(&of_names(which))?;
        queue.retry(&numbers).await.map(Some)
    }

    /// How much waits for domains of this kind.
    pub fn waiting(&self, which: &(dyn Fn(&Domain) -> bool + Sync)) -> Result<usize, Fault> {
        match &self.inner.queue {
            Some(queue) => Ok(queue.waiting_for(&of_names(which))?.len()),
            None => Ok(0),
        }
    }
}

/// No address literal is somebody's domain.
fn of_names(which: &(dyn Fn(&Domain) -> bool + Sync)) -> impl Fn(&Host) -> bool + Sync {
    move |host| match host {
        Host::Name(domain) => which(domain),
        Host::Literal(_) => false,
    }
}
