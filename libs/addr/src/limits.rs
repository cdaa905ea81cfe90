//! What a peer can make grow here. [rfc5321 4.5.3.1]

/// Octets of a local part, without needless quotes. RFC minimum: 64 [rfc5321 4.5.3.1.1].
pub const LOCAL_BYTES: usize = 64;
/// Octets of a domain in A-labels. RFC 5321 4.5.3.1.2 asks for 255; a name that the DNS can hold
/// has 253 at most.
pub const DOMAIN_BYTES: usize = 255;
/// Octets of one label [rfc1035 2.3.4].
pub const LABEL_BYTES: usize = 63;
/// Octets of a path, angle brackets and a source route included. RFC minimum: 256
/// [rfc5321 4.5.3.1.3].
pub const PATH_BYTES: usize = 256;
/// Octets of an address: a path without its angle brackets.
pub const ADDRESS_BYTES: usize = PATH_BYTES - 2;
/// Octets of a header field that are read as an address list. No RFC has a minimum.
pub const LIST_BYTES: usize = 1024 * 1024;
/// Mailboxes and groups of a header field. No RFC has a minimum.
pub const LIST_ITEMS: usize = 10_000;
/// Words, dots and the like of one mailbox of a header field. No RFC has a minimum.
pub const ENTRY_TOKENS: usize = 2_000;
