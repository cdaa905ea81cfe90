//! Adopted bodies: where they lie and how they are read.
//!
//! Never here: a body that no durable commit holds.

use crate::body::{Content, piece};
use crate::committer::Parcel;
use crate::sync::lock;
use crate::{BodyId, Fault};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A body kept in memory.
pub(crate) struct Kept {
    bytes: Bytes,
    tag: Bytes,
}

pub(crate) enum Bodies {
    Memory(Mutex<BTreeMap<BodyId, Kept>>),
}

impl Bodies {
    pub(crate) fn memory() -> Bodies {
        Bodies::Memory(Mutex::default())
    }

    pub(crate) fn adopt(&self, parcel: &Parcel) {
        match self {
            Bodies::Memory(map) => {
                let Content::Memory(bytes) = &parcel.body.0.content;
                let kept = Kept {
                    bytes: bytes.clone(),
                    tag: parcel.body.0.tag.clone(),
                };
                lock(map).insert(parcel.claim.id, kept);
            }
        }
    }

    pub(crate) fn len(&self, id: BodyId) -> Result<Option<u64>, Fault> {
        match self {
            Bodies::Memory(map) => Ok(lock(map).get(&id).map(|kept| kept.bytes.len() as u64)),
        }
    }

    pub(crate) fn tag(&self, id: BodyId) -> Result<Option<Bytes>, Fault> {
        match self {
            Bodies::Memory(map) => Ok(lock(map).get(&id).map(|kept| kept.tag.clone())),
        }
    }

    pub(crate) fn read(&self, id: BodyId, from: u64, len: usize) -> Result<Bytes, Fault> {
        match self {
            Bodies::Memory(map) => match lock(map).get(&id) {
                Some(kept) => Ok(piece(&kept.bytes, from, len)),
                None => Err(Fault::new(
                    format!("reading body {}", id.0),
                    "there is no such body",
                )),
            },
        }
    }

    /// Drops what is neither in `live` nor from `before` on; how many bodies and bytes went.
    pub(crate) fn sweep(&self, live: &roaring::RoaringTreemap, before: BodyId) -> (u64, u64) {
        match self {
            Bodies::Memory(map) => {
                let (mut bodies, mut bytes) = (0, 0);
                lock(map).retain(|id, kept| {
                    let keep = *id >= before || live.contains(id.0);
                    if !keep {
                        bodies += 1;
                        bytes += kept.bytes.len() as u64;
                    }
                    keep
                });
                (bodies, bytes)
            }
        }
    }
}
