//! What a peer can make grow here.

/// The longest line of an exchange in octets, base64 included, line end not. RFC 4954 section 4
/// asks for 12,288 octets.
pub const LINE_BYTES: usize = 12_288;
/// The longest identity in octets. RFC 4616 section 2 asks for 255.
pub const NAME_BYTES: usize = 1_024;
/// The longest password in octets. RFC 4616 section 2 asks for 255.
pub const PASSWORD_BYTES: usize = 1_024;
/// The longest message of SCRAM in octets. RFC 5802 sets no minimum; a name of the longest kind,
/// each of its octets escaped, and a nonce fit in.
pub const SCRAM_MESSAGE_BYTES: usize = 4_096;
/// The longest answer of CRAM-MD5 in octets: the longest name, a space, a digest.
pub const CRAM_MESSAGE_BYTES: usize = NAME_BYTES + 33;
/// The longest nonce of a SCRAM client in octets. RFC 5802 sets no minimum; clients use 18 to 64.
pub const NONCE_BYTES: usize = 512;
/// The fewest iterations that SCRAM's client takes: with less, whoever took the server's place could
/// guess at the password cheaply. RFC 7677 section 4 asks servers for 4,096 at least.
pub const ITERATIONS_MIN: u32 = 4_096;
/// The most: a million are some hundred milliseconds of one processor.
pub const ITERATIONS_MAX: u32 = 1_000_000;
