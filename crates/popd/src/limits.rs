//! Every bound of the POP3 door, each with the RFC's minimum beside it.

use std::time::Duration;

/// How long a client may stay silent, or may take to read. Minimum 10 minutes [rfc1939 3].
/// A session that ends this way enters no UPDATE state.
pub(crate) const AUTOLOGOUT: Duration = Duration::from_secs(10 * 60);

/// Wrong passwords in one session. No minimum.
pub(crate) const FAILED_LOGINS: u32 = 3;

/// Lines in one session that are no command, or not now. No minimum.
pub(crate) const BAD_COMMANDS: u32 = 25;

/// Octets of a message that are read from the store at once.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;

/// Messages whose records are read at once for LIST, UIDL and STAT.
pub(crate) const BATCH_MESSAGES: usize = 500;

/// Messages that are read at once for who retrieves one after the other; their octets are bounded by
/// `mail::limits::READ_AHEAD_BYTES`.
pub(crate) const AHEAD_MESSAGES: usize = 64;

/// Answers that wait while the client sends further commands.
pub(crate) const OUTPUT_BYTES: usize = 32 * 1024;

/// Surrogates whose sizes a session remembers; of others they are counted anew. No minimum.
pub(crate) const REMEMBERED_SIZES: usize = 10_000;

/// Accounts whose last login is remembered for the login delay. No minimum.
pub(crate) const REMEMBERED_LOGINS: usize = 50_000;

/// Octets of a message that a client sends, unless the settings say otherwise. No minimum.
pub(crate) const MESSAGE_BYTES: u64 = 50 * 1024 * 1024;

/// Octets of the header of a message that a client sends on; it is held until it is whole.
pub(crate) const SUBMITTED_HEADER_BYTES: usize = 256 * 1024;

/// Octets of a line of such a message, with its CRLF [rfc5321 4.5.3.1.6].
pub(crate) const SUBMITTED_LINE_BYTES: usize = 1_000;

/// Folders of one session in which messages are marked. No minimum.
pub(crate) const MARKED_FOLDERS: usize = 100;

/// Octets of a part's header that are looked at for LPRT.
pub(crate) const PART_HEADER_BYTES: usize = 16 * 1024;

/// Characters of a file's name, a media type or an encoding that LPRT says; a line has 512 octets at most in
/// POP3.
pub(crate) const WORD_CHARS: usize = 100;

/// How long the last words of a session may take.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(1);
