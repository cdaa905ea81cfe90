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
        let is_meant = |host: &Host| match host {
            Host::Name(domain) => which(domain),
            Host::Literal(_) => false,
        };
        let numbers = queue.waiting_for(&is_meant)?;
        queue.retry(&numbers).await.map(Some)
    }
}
