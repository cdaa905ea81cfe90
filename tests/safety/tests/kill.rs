//! Thirty kills at random moments; `cargo xtask kill --rounds N` does as many as you like.
//!
//! What never happens here: the work; it is in `safety::kill`.

#[test]
fn everything_acknowledged_is_there_after_thirty_kills() {
    // [rfc5321 6.1] [rfc5321 6.1 #1]
    // Another seed each time: what one run cannot find, the next may.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = now.map_or(1, |now| now.as_secs());
    safety::kill::rounds(seed, 30);
}
