//! Fifteen kills of a server whose queue is full; `cargo xtask kill-queue --rounds N` does as many as
//! you like.
//!
//! What never happens here: the work; it is in `safety::road`.

#[test]
fn everything_submitted_gets_on_or_is_told_after_fifteen_kills() {
    // [rfc5321 6.1]
    // Another seed each time: what one run cannot find, the next may.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = now.map_or(1, |now| now.as_secs());
    safety::road::rounds(seed, 15);
}
