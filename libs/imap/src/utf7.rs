//! Modified UTF-7, in which RFC 3501 writes mailbox names. [rfc3501 5.1.3]

/// None when it is no modified UTF-7 (or UTF-8 outside the shifts, which is let through).
pub fn decode(wire: &[u8]) -> Option<String> {
    let _ = wire;
    todo!()
}

pub fn encode(name: &str) -> String {
    let _ = name;
    todo!()
}
