//! The limits of the store: what a caller, and so a peer behind it, can make grow.

/// Records of one transaction, keys and values together.
pub const MAX_EDIT_BYTES: usize = 1024 * 1024;
/// Records and waiting bodies of one group of transactions.
pub const MAX_GROUP_BYTES: usize = 64 * 1024 * 1024;
/// One key, without its partition.
pub const MAX_KEY_BYTES: usize = 4 * 1024;
/// The caller's words beside a body.
pub const MAX_TAG_BYTES: usize = 4 * 1024;
/// What waits in memory of a body that goes into a file of its own, before it is written.
pub const FILE_PIECE_BYTES: usize = 32 * 1024;
/// One read that brings several bodies.
pub const READ_AHEAD_BYTES: u64 = 256 * 1024;
/// One frame takes no more transactions than this (a single group may be larger).
pub const MAX_FRAME_TRANSACTIONS: usize = 1_024;
/// A frame is closed when it has grown past this (a single group may be larger).
pub const MAX_FRAME_BYTES: usize = 8 * 1024 * 1024;
/// New edits wait when this much has been handed over and is not yet durable.
pub const MAX_PENDING_BYTES: usize = 32 * 1024 * 1024;
/// While the index cannot be flushed its records gather in memory: at this many times
/// `index_memory_bytes` nothing more is taken.
pub const MAX_UNFLUSHED: u64 = 2;
/// Records kept at hand for the next edits, of all partitions.
pub const MAX_KEPT_BYTES: usize = 8 * 1024 * 1024;
