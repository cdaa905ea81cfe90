//! What a peer can make grow here.

/// The longest line of an exchange in octets, base64 included, line end not. RFC 4954 section 4
/// asks for 12,288 octets.
pub const LINE_BYTES: usize = 12_288;
/// The longest identity in octets. RFC 4616 section 2 asks for 255.
pub const NAME_BYTES: usize = 1_024;
/// The longest password in octets. RFC 4616 section 2 asks for 255.
pub const PASSWORD_BYTES: usize = 1_024;
