//! A bound for everything that a client can make grow, each with what the RFCs ask for beside it.
//! Never here: bounds on stored mail (they are the mail room's) and timeouts (the door's).

/// One command without its literals. RFC 7162 section 4 asks for at least 8,192 octets.
pub const COMMAND_LINE_BYTES: usize = 64 * 1024;
/// All literals of one command together, APPEND's message apart. No minimum in the RFCs;
/// passwords, mailbox names and search strings are far below.
pub const COMMAND_LITERAL_BYTES: u64 = 64 * 1024;
/// Literals of one command. No minimum in the RFCs. Each makes the command so far be read again.
pub const LITERALS: usize = 256;
/// What a refused command other than APPEND may still send before the connection ends.
pub const DISCARDED_BYTES: u64 = 1024 * 1024;
/// What a refused APPEND may still send (LITERAL+) before the connection ends; above the largest
/// message that doors take, so that a refusal alone costs no client its connection. [rfc7888 4]
pub const DISCARDED_APPEND_BYTES: u64 = 128 * 1024 * 1024;
/// One line of an AUTHENTICATE exchange, base64 included. RFC 4422 leaves it to mechanisms; 12,288 is RFC 4954's.
pub const AUTHENTICATE_LINE_BYTES: usize = 16 * 1024;
/// A line while IDLE runs: only "DONE" makes sense.
pub const IDLE_LINE_BYTES: usize = 1024;
/// A tag. No minimum in the RFCs; clients use about ten octets.
pub const TAG_BYTES: usize = 255;
/// A keyword. No minimum in the RFCs.
pub const KEYWORD_BYTES: usize = 255;
/// Flags in one list.
pub const FLAGS: usize = 1_000;
/// A mailbox name as it is sent. RFC 9051 sets no minimum.
pub const MAILBOX_BYTES: usize = 4_096;
/// Ranges in one sequence set. No minimum in the RFCs.
pub const SEQUENCE_RANGES: usize = 10_000;
/// Options of one RETURN. Five are known.
pub const RETURN_OPTIONS: usize = 20;
/// Keys of one SEARCH program.
pub const SEARCH_KEYS: usize = 1_000;
/// Nesting of one SEARCH program.
pub const SEARCH_DEPTH: usize = 32;
/// Items of one FETCH.
pub const FETCH_ITEMS: usize = 1_000;
/// Modifiers of one SELECT, FETCH or STORE. RFC 4466 sets no minimum; three are known.
pub const MODIFIERS: usize = 10;
/// Part numbers in one section.
pub const SECTION_DEPTH: usize = 100;
/// Field names in one HEADER.FIELDS.
pub const HEADER_FIELDS: usize = 1_000;
/// Patterns of one extended LIST, which every name is compared with. No minimum in the RFCs.
pub const LIST_PATTERNS: usize = 100;
/// All patterns of one extended LIST together, each with the reference before it: so much of a
/// pattern costs as much as one that a basic LIST may have, twice. No minimum in the RFCs.
pub const LIST_PATTERNS_BYTES: usize = 2 * MAILBOX_BYTES;
/// Options of one kind in one extended LIST; there are fewer than ten.
pub const LIST_OPTIONS: usize = 100;
/// Parameters of one CREATE, and special uses in one of them. RFC 6154 knows seven uses.
pub const CREATE_PARAMS: usize = 20;
/// Items of one STATUS.
pub const STATUS_ITEMS: usize = 100;
/// Pairs of one ID. [rfc2971 3.3] allows thirty.
pub const ID_PAIRS: usize = 30;
/// A field name of ID. [rfc2971 3.3] allows thirty octets.
pub const ID_FIELD_BYTES: usize = 30;
/// A value of ID. [rfc2971 3.3] allows 1,024 octets.
pub const ID_VALUE_BYTES: usize = 1_024;
/// Capabilities of one ENABLE.
pub const ENABLE_WORDS: usize = 100;
/// MIME nesting that a BODYSTRUCTURE shows; what lies deeper is shown as an opaque part.
pub const MIME_DEPTH: usize = 100;
/// Above this a string is sent as a literal. No RFC sets it; RFC 2683 section 3.2.1.5 asks for lines under 8,000.
pub const QUOTED_BYTES: usize = 1_000;
