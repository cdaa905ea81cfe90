//! The engine behind the handle: what snapshots, edits, bodies and the committer share.
//!
//! Never here: the order of a commit (`committer.rs`), how it is opened (`open.rs`), a public name.

use crate::bell::Bells;
use crate::bodies::Bodies;
use crate::body::{Budget, Ids};
use crate::files::Files;
use crate::index::{Index, MapIndex, NEWEST};
use crate::keeper::Keeper;
use crate::key;
use crate::locks::Locks;
use crate::log::Log;
use crate::marker::Marker;
use crate::name::decode_value;
use crate::overlay::Overlay;
use crate::own_file::OwnFile;
use crate::queue::Queue;
use crate::readers::Readers;
use crate::rows::NewRow;
use crate::sync::lock;
use crate::{Fault, OpenReport, Partition, Settings, Value};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

pub(crate) struct Engine {
    pub(crate) settings: Settings,
    /// None: the engine `memory`.
    pub(crate) files: Option<Files>,
    pub(crate) index: Index,
    pub(crate) readers: Readers,
    pub(crate) locks: Locks,
    pub(crate) overlay: Overlay,
    pub(crate) queue: Queue,
    pub(crate) bells: Bells,
    pub(crate) ids: Ids,
    pub(crate) budget: Arc<Budget>,
    pub(crate) bodies: Bodies,
    /// What only one commit or flush at a time may touch.
    pub(crate) work: Mutex<Work>,
    /// Flushes the tree in a thread of its own; None where there is no tree.
    pub(crate) keeper: Option<Keeper>,
    /// How far the index on the disk holds the log.
    pub(crate) flushed: Mutex<Marker>,
    pub(crate) vacuum: tokio::sync::Mutex<()>,
    pub(crate) next_own_file: AtomicU64,
    pub(crate) report: OpenReport,
    pub(crate) bad_values: AtomicU64,
    pub(crate) threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
pub(crate) struct Work {
    /// None: the engine `memory`.
    pub(crate) log: Option<Log>,
    /// Bytes in the index since its last flush began.
    pub(crate) unflushed_bytes: u64,
    /// Why the index was not flushed, where no keeper remembers it.
    pub(crate) flush_failure: Option<Fault>,
    /// Too much has gathered while the index could not be flushed: nothing is taken.
    pub(crate) is_overfull: bool,
}

impl Engine {
    pub(crate) fn memory() -> Arc<Engine> {
        let index = Index::Map(MapIndex::default());
        Arc::new(Engine::new(
            Settings::default(),
            None,
            index,
            Marker::default(),
        ))
    }

    /// An engine that nobody uses yet.
    pub(crate) fn new(
        settings: Settings,
        files: Option<Files>,
        index: Index,
        flushed: Marker,
    ) -> Engine {
        Engine {
            bodies: files.clone().map_or_else(Bodies::memory, Bodies::on_disk),
            files,
            readers: Readers::default(),
            locks: Locks::default(),
            overlay: Overlay::default(),
            queue: Queue::new(1),
            bells: Bells::default(),
            ids: Ids::new(1),
            budget: Budget::new(settings.body_memory_bytes),
            work: Mutex::new(Work::default()),
            keeper: matches!(index, Index::Tree(_)).then(Keeper::default),
            index,
            flushed: Mutex::new(flushed),
            vacuum: tokio::sync::Mutex::new(()),
            next_own_file: AtomicU64::new(1),
            report: OpenReport::default(),
            bad_values: AtomicU64::new(0),
            threads: Mutex::default(),
            settings,
        }
    }

    /// Whether committing has a thread of its own.
    pub(crate) fn has_threads(&self) -> bool {
        self.keeper.is_some()
    }

    /// What is durable. `oldest` is the oldest transaction that somebody still reads at.
    pub(crate) fn put_in_index(&self, row: NewRow, oldest: u64) {
        self.index
            .insert(row.full_key, row.stored, row.seqno, oldest);
    }

    /// A value as of a moment. A checksum that fails is a fault here: the caller asked for this key.
    pub(crate) fn get(
        &self,
        partition: Partition,
        key: &[u8],
        at: u64,
    ) -> Result<Option<Value>, Fault> {
        self.get_full(&key::full(partition, key), at)
    }

    pub(crate) fn get_full(&self, full_key: &[u8], at: u64) -> Result<Option<Value>, Fault> {
        let Some(stored) = self.index.get(full_key, at)? else {
            return Ok(None);
        };
        match decode_value(full_key, stored) {
            Some(value) => Ok(Some(value)),
            None => {
                self.report_bad_value(full_key);
                let doing = format!("reading the record {}", full_key.escape_ascii());
                Err(Fault::new(doing, "its checksum fails"))
            }
        }
    }

    /// Whether a body lies in this file of its own.
    pub(crate) fn has_owners(&self, file: u64) -> Result<bool, Fault> {
        let (low, high) = key::owners_of_file(file);
        let first = self.index.range(low, high, NEWEST).next().transpose()?;
        Ok(first.is_some())
    }

    pub(crate) fn report_bad_value(&self, full_key: &[u8]) {
        self.bad_values.fetch_add(1, Ordering::Relaxed);
        tracing::error!(key = %full_key.escape_ascii(), "a stored value's checksum fails; the value is skipped");
    }

    /// Less free space than the reserve.
    pub(crate) fn is_full(&self) -> bool {
        let Some(files) = &self.files else {
            return false;
        };
        match files.free_bytes() {
            Ok(free) => free < self.settings.reserve_bytes,
            Err(error) => {
                tracing::error!(%error, "the free space of the data folder could not be read");
                false
            }
        }
    }

    pub(crate) fn new_own_file(&self) -> Result<OwnFile, Fault> {
        let files = self
            .files
            .as_ref()
            .expect("because only an engine with files spills bodies");
        OwnFile::create(files, self.next_own_file.fetch_add(1, Ordering::Relaxed))
    }

    /// Runs something that waits for the disk, beside the tasks where there are threads.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        run: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        if !self.has_threads() {
            return run();
        }
        match tokio::task::spawn_blocking(run).await {
            Ok(result) => result,
            Err(error) => Err(Fault::new("waiting for the disk", error)),
        }
    }

    pub(crate) fn stall(&self) {
        let limit_s = self.settings.commit_timeout_s;
        let fault = Fault::new(
            "committing",
            format!("not durable within {limit_s} seconds"),
        );
        tracing::error!(%fault, "the store takes no writes until the commit returns");
        self.queue.stall(fault);
    }

    /// In trouble, tries now and then whether writing works again.
    pub(crate) fn ask_to_resume(self: &Arc<Self>) {
        if self.queue.wish_to_resume() {
            self.wake_committer();
        }
    }

    pub(crate) fn seal_index(&self) {
        if let Index::Tree(tree) = &self.index {
            tree.seal();
        }
    }

    /// Flushes the index up to what is durable now. Waits for the disk.
    pub(crate) fn flush(&self) -> Result<(), Fault> {
        let mut work = lock(&self.work);
        if let Some(keeper) = &self.keeper {
            keeper.wait_until_idle();
        }
        self.begin_flush(&mut work)?;
        drop(work);
        self.flush_result()
    }

    /// Waits until the flush that was begun is over.
    pub(crate) fn flush_result(&self) -> Result<(), Fault> {
        self.keeper.as_ref().map_or(Ok(()), Keeper::result)
    }

    /// Commits what is left, flushes, ends the threads, lets the folder go.
    pub(crate) fn close(&self) -> Result<(), Fault> {
        self.queue.close();
        let mut threads = std::mem::take(&mut *lock(&self.threads));
        let keeper_thread = threads.pop();
        for thread in threads {
            let _ = thread.join();
        }
        while !self.queue.is_empty() && self.commit_some() {}
        let flushed = self.flush();
        if let (Some(keeper), Some(thread)) = (&self.keeper, keeper_thread) {
            keeper.stop();
            let _ = thread.join();
        }
        if let Some(files) = &self.files {
            files.release();
        }
        flushed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Snapshot;
    use crate::Version;
    use crate::name::encode_value;

    #[test]
    fn a_value_whose_checksum_fails_is_skipped_in_scans_and_a_fault_when_asked_for() {
        let engine = Engine::memory();
        let partition = Partition(1);
        for (key, byte) in [(b"a", 1), (b"b", 2), (b"c", 3)] {
            let full_key = key::full(partition, key);
            let mut stored = encode_value(&full_key, Version(1), &[byte]).to_vec();
            stored[12] ^= u8::from(byte == 2);
            engine.index.insert(full_key, Some(stored.into()), 1, 0);
        }
        engine.readers.show(1);
        let snapshot = Snapshot::new(engine.clone());
        let keys: Vec<_> = snapshot
            .scan(partition, ..)
            .map(|row| row.unwrap().0)
            .collect();
        assert_eq!(keys, ["a", "c"]);
        let backward: Vec<_> = snapshot
            .scan(partition, ..)
            .rev()
            .map(|row| row.unwrap().0)
            .collect();
        assert_eq!(backward, ["c", "a"]);
        assert!(snapshot.get(partition, b"b").is_err());
        assert_eq!(engine.bad_values.load(Ordering::Relaxed), 3);
    }
}
