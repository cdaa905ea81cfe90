//! A limit on everything that a peer can make grow. No logic here.

/// Octets of one level of a mailbox name.
pub const NAME_LEVEL_BYTES: usize = 255;
/// Octets of a whole mailbox name.
pub const NAME_BYTES: usize = 1_000;
/// Levels of a mailbox name.
pub const NAME_LEVELS: usize = 20;
/// Octets of a keyword.
pub const KEYWORD_BYTES: usize = 100;
/// Keywords on one message.
pub const KEYWORDS_PER_MESSAGE: usize = 100;
/// Alias that leads to alias that leads to …
pub const ALIAS_DEPTH: usize = 10;
/// Targets of one alias, and of one recipient after all expansion.
pub const ALIAS_TARGETS: usize = 1_000;
/// Signing keys of one domain, retired ones included.
pub const DKIM_KEYS: usize = 16;
/// Accounts that are looked at for one that can be the postmaster's.
pub const POSTMASTER_ACCOUNTS: usize = 1_000;
/// Messages of one APPEND.
pub const APPEND_MESSAGES: usize = 1_000;
/// Octets of the ready records of one APPEND's messages together; an ordinary message has about
/// 2,000, one with thousands of recipients 400,000.
pub const APPEND_RECORDS_BYTES: usize = 16 * 1024 * 1024;
/// Messages that one transaction writes or forgets.
pub const EDIT_MESSAGES: usize = 1_000;
/// Messages whose flags one transaction changes, or that it expunges: 64 of them share a record.
pub const FLAG_MESSAGES: usize = 8_192;
/// Such records that one transaction reads for that.
pub const FLAG_BLOCKS: usize = 256;
/// MIME parts of one message that are told apart; what is beyond is text of the part around it.
pub const MIME_PARTS: usize = 1_000;
/// Multiparts and messages within each other.
pub const MIME_DEPTH: usize = 50;
/// Subscriptions of one account.
pub const SUBSCRIPTIONS: usize = 20_000;
/// Message-IDs of References and In-Reply-To that are looked at for the thread.
pub const THREAD_REFERENCES: usize = 20;
/// Octets of a delivery's prefix (Return-Path, Received, Authentication-Results).
pub const PREFIX_BYTES: usize = 64 * 1024;
/// Messages that one call of `View::fetch` gives.
pub const FETCH_MESSAGES: usize = 1_000;
/// Octets of ready records after which one call of `View::fetch` gives no more: a client that does
/// not read holds what the last call gave.
pub const FETCH_BYTES: usize = 512 * 1024;
/// Octets of the bodies that one look ahead reads; a session may hold them until it is past them.
pub const READ_AHEAD_BYTES: u64 = 192 * 1024;
/// A body that is larger is read by itself.
pub const READ_AHEAD_BODY_BYTES: u64 = 64 * 1024;
/// A quota that is none: for an account that has no limit where the setting has one.
pub const NO_QUOTA: u64 = u64::MAX;
/// Octets of an account's display name.
pub const DISPLAY_NAME_BYTES: usize = 255;
/// Entries of the change log that are read for one client that comes back. Beyond, it is told of
/// every UID that is missing, which is always right [rfc7162 5.1].
pub const SINCE_ENTRIES: usize = 50_000;
/// The same for one piece of a conditional STORE, which holds the account's lock meanwhile. Beyond,
/// a message that changed at all counts as changed [rfc7162 3.1.12].
pub const STORE_SINCE_ENTRIES: usize = 5_000;
/// Messages that these entries name, together.
pub const STORE_SINCE_MESSAGES: u64 = 200_000;
/// Octets of a login name: the longest address. RFC 4616 section 2 asks for 255.
pub const LOGIN_NAME_BYTES: usize = 320;
/// Octets of a password. RFC 4616 section 2 asks for 255.
pub const PASSWORD_BYTES: usize = 1_024;
/// Characters of a new password, at least; NIST SP 800-63B asks for 8.
pub const LEAST_PASSWORD_CHARS: usize = 8;
/// Keys of an issuer that are kept.
pub const ISSUER_KEYS: usize = 100;
/// Keys of an issuer that one token is tried with.
pub const TOKEN_KEYS_TRIED: usize = 10;
/// Tokens that the issuer is asked about at one time.
pub const INTROSPECTIONS: usize = 16;
/// Passwords that wait for the hash pool; at 20 ms each and two workers the last waits 2.5 s.
pub const HASH_QUEUE: usize = 256;
/// Proven passwords that are remembered, as hashes of 32 octets.
pub const PROVEN_LOGINS: usize = 50_000;
/// Sources, accounts, and owners' sources of which failed logins are known; each for itself.
pub const THROTTLE_ENTRIES: usize = 20_000;
/// Addresses of which is remembered where they lead.
pub const KNOWN_ADDRESSES: usize = 10_000;
/// Accounts that such an address may lead to; where a longer list leads is looked up each time.
pub const KNOWN_TARGETS: usize = 16;
/// Memory of pictures of mailboxes that are kept for who opens them next.
pub const PICTURES_BYTES: usize = 4 * 1024 * 1024;
/// Changes of an account since such a picture; beyond that its bitmaps are read anew.
pub const PICTURE_CHANGES: u64 = 256;
/// Memory that reading one message may take: its headers, and a window of its body.
pub const PARSE_BYTES: usize = 4 * 1024 * 1024;
/// Octets of a message that are looked at in one go while it is read.
pub const PARSE_WINDOW_BYTES: usize = 256 * 1024;
/// Octets of one line that are looked at; the rest of it is content all the same.
pub const PARSE_LINE_BYTES: usize = 64 * 1024;
/// How much of a part is looked at to choose its encoding, where it has to be made ASCII.
pub const SEVEN_BIT_SAMPLE_BYTES: usize = 64 * 1024;
/// Octets of one part's header that are looked at.
pub const PARSE_HEADER_BYTES: usize = 256 * 1024;
/// Octets of all parts' headers together that are looked at.
pub const PARSE_HEADERS_BYTES: usize = 1024 * 1024;
/// Octets of a multipart's boundary; RFC 2046 allows 70.
pub const BOUNDARY_BYTES: usize = 200;
/// Octets of a header field's value that go into ENVELOPE or BODYSTRUCTURE.
pub const FIELD_BYTES: usize = 16 * 1024;
/// Octets of ENVELOPE, and of BODYSTRUCTURE; a message beyond shows a shorter one.
pub const STRUCTURE_BYTES: usize = 192 * 1024;
/// Octets of a header field's value that are kept for searches.
pub const KEPT_FIELD_BYTES: usize = 4 * 1024;
/// Octets of the preview [rfc8970 3.1]: 200 characters.
pub const PREVIEW_CHARS: usize = 200;
/// Parameters of one Content-Type or Content-Disposition field.
pub const PARAMETERS: usize = 64;
/// Addresses of one header field that go into ENVELOPE.
pub const ENVELOPE_ADDRESSES: usize = 1_000;
/// Octets of a text's beginning that the preview is made from.
pub const PREVIEW_BYTES: usize = 4 * 1024;
/// Octets of an address list that are looked at.
pub const ADDRESS_LIST_BYTES: usize = 128 * 1024;
/// Seconds between two looks at what may be forgotten.
pub const UPKEEP_INTERVAL_S: u64 = 600;
/// Seconds after which bodies are swept even if little was forgotten.
pub const VACUUM_INTERVAL_S: u64 = 24 * 3600;
/// Octets of forgotten messages after which bodies are swept at once.
pub const VACUUM_BYTES: u64 = 256 * 1024 * 1024;
/// Problems that one verify lists.
pub const VERIFY_PROBLEMS: usize = 1_000;
/// Messages that are looked at to find those that were delivered.
pub const ARRIVALS_READ: usize = 200_000;
