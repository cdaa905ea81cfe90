//! History expiry, sweeping of deleted mailboxes, vacuum. Never decides what mail is.
pub(crate) async fn run(inner: &crate::deliver::Inner, stop: net::Stop) {
    stop.stopped().await;
}
