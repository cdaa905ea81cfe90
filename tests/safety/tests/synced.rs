//! Each acknowledged message was preceded by its sync, counted by strace.
//!
//! What never happens here: the work; it is in `safety::synced`.

#[test]
fn every_acknowledged_message_was_preceded_by_its_sync() {
    // [rfc5321 6.1] [rfc5321 6.1 #1]
    safety::synced::run();
}
