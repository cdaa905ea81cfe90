//! The engine behind the handle: what snapshots, edits, bodies and the committer share.
//!
//! Never here: the order of a commit (`committer.rs`), a public name.

use crate::bell::Bells;
use crate::bodies::Bodies;
use crate::body::{Budget, Ids};
use crate::committer::Queue;
use crate::index::{Index, MapIndex};
use crate::key;
use crate::locks::Locks;
use crate::name::decode_value;
use crate::overlay::Overlay;
use crate::readers::Readers;
use crate::{Fault, Partition, Settings, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) struct Engine {
    pub(crate) settings: Settings,
    pub(crate) index: Index,
    pub(crate) readers: Readers,
    pub(crate) locks: Locks,
    pub(crate) overlay: Overlay,
    pub(crate) queue: Queue,
    pub(crate) bells: Bells,
    pub(crate) ids: Ids,
    pub(crate) budget: Arc<Budget>,
    pub(crate) bodies: Bodies,
    bad_values: AtomicU64,
}

impl Engine {
    pub(crate) fn memory() -> Arc<Engine> {
        let settings = Settings::default();
        Arc::new(Engine {
            index: Index::Map(MapIndex::default()),
            readers: Readers::default(),
            locks: Locks::default(),
            overlay: Overlay::default(),
            queue: Queue::new(1),
            bells: Bells::default(),
            ids: Ids::new(1),
            budget: Budget::new(settings.body_memory_bytes),
            bodies: Bodies::memory(),
            bad_values: AtomicU64::new(0),
            settings,
        })
    }

    /// A value as of a moment. A checksum that fails is a fault here: the caller asked for this key.
    pub(crate) fn get(
        &self,
        partition: Partition,
        key: &[u8],
        at: u64,
    ) -> Result<Option<Value>, Fault> {
        let full_key = key::full(partition, key);
        let Some(stored) = self.index.get(&full_key, at)? else {
            return Ok(None);
        };
        match decode_value(&full_key, stored) {
            Some(value) => Ok(Some(value)),
            None => {
                self.report_bad_value(&full_key);
                Err(Fault::new(
                    format!("reading a record of partition {}", partition.0),
                    "its checksum fails",
                ))
            }
        }
    }

    pub(crate) fn report_bad_value(&self, full_key: &[u8]) {
        self.bad_values.fetch_add(1, Ordering::Relaxed);
        tracing::error!(key = %full_key.escape_ascii(), "a stored value's checksum fails; the value is skipped");
    }
}
