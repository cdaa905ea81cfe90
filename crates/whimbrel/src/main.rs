//! Nothing yet.
#![forbid(unsafe_code)]
fn main() {}
