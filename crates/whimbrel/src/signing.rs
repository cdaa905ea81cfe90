//! Looks again and again whether the DNS shows the keys that wait, and lets those sign.
//!
//! What never happens here: making a key, changing the DNS.

use crate::admin::Office;
use net::Stop;
use net::time::{Duration, sleep};

/// Between two looks. Nothing is asked where no key waits.
const LOOK: Duration = Duration::from_secs(300);

pub async fn watch(office: Office, stop: Stop) {
    loop {
        if let Err(refused) = office.look_for_all_keys().await {
            tracing::warn!(
                why = refused.text,
                "cannot look for signing keys in the DNS"
            );
        }
        tokio::select! {
            biased;
            () = stop.stopped() => return,
            () = sleep(LOOK) => {}
        }
    }
}
