//! A mailbox's sets of UIDs, kept as roaring bitmaps in chunks of 65,536, so that a change of one
//! message rewrites one small record and opening reads a handful.

use crate::codec::{Damaged, Decoded, Look, Record};
use crate::ids::MailboxId;
use crate::keys;
use roaring::RoaringBitmap;
use store::Fault;

/// Which set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Kind {
    /// Every message of the mailbox.
    All = 0,
    /// Those without `\Seen`.
    Unseen = 1,
    /// Those with `\Deleted`.
    Deleted = 2,
}

/// The members of one chunk, as whole UIDs.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Chunk(pub RoaringBitmap);

impl Record for Chunk {
    const WHAT: &'static str = "a bitmap of messages";
    fn encode(&self) -> Vec<u8> {
        let mut bitmap = self.0.clone();
        bitmap.optimize();
        let mut bytes = Vec::with_capacity(1 + bitmap.serialized_size());
        bytes.push(1);
        bitmap
            .serialize_into(&mut bytes)
            .expect("because a Vec takes every write");
        bytes
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        match bytes.split_first() {
            Some((1, rest)) => RoaringBitmap::deserialize_from(rest)
                .map(Self)
                .map_err(|_| Damaged),
            _ => Err(Damaged),
        }
    }
}

/// The whole set of a mailbox with this UIDNEXT. Each chunk is asked for by its key: a scan would
/// walk over every older version of it that has not left memory yet.
pub(crate) fn load(
    look: &impl Look,
    (mailbox, uid_next): (MailboxId, u32),
    kind: Kind,
) -> Result<RoaringBitmap, Fault> {
    let mut all = RoaringBitmap::new();
    for chunk in 0..=chunk_of(uid_next) {
        let key = keys::bits(mailbox, kind as u8, chunk);
        let Some(kept) = look.record::<Chunk>(&key)? else {
            continue;
        };
        match all.is_empty() {
            true => all = kept.0,
            false => all |= kept.0,
        }
    }
    Ok(all)
}

/// The first member from this UID on. Chunks behind it are not read.
pub(crate) fn first_from(
    look: &impl Look,
    (mailbox, uid_next): (MailboxId, u32),
    kind: Kind,
    from: u32,
) -> Result<Option<u32>, Fault> {
    for chunk in chunk_of(from)..=chunk_of(uid_next) {
        let key = keys::bits(mailbox, kind as u8, chunk);
        if let Some(kept) = look.record::<Chunk>(&key)?
            && let Some(first) = kept.0.range(from..).next()
        {
            return Ok(Some(first));
        }
    }
    Ok(None)
}

/// The chunk that a UID is in.
pub(crate) fn chunk_of(uid: u32) -> u16 {
    (uid >> 16) as u16
}
