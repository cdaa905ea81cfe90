//! The handle of the store: [`Db`], what can be set, and what it reports.
//!
//! Never here: how anything is done; each call is handed to its room.

use crate::edit::{self, Edit, Pending};
use crate::engine::Engine;
use crate::sync::lock;
use crate::{
    Bell, BodyId, BodyRefusal, BodyWriter, Fault, Files, OpenError, Partition, Snapshot, check,
    open, vacuum,
};
use bytes::Bytes;
use roaring::RoaringTreemap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tally::{Metric, Tally};

/// Whether bodies and records of the log are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compression {
    None,
    /// Where it saves a sixteenth.
    Zstd,
}

/// What can be set; the default is for a small server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// New bodies are refused below this much free space.
    pub reserve_bytes: u64,
    /// A log file is closed when it has grown past this.
    pub log_file_bytes: u64,
    /// All bodies waiting in memory together.
    pub body_memory_bytes: usize,
    /// A larger body streams into a file of its own.
    pub body_inline_bytes: usize,
    /// Of what comes into the log; what is stored is read in either form.
    pub compression: Compression,
    /// A commit that takes longer is a fault.
    pub commit_timeout_s: u64,
    /// Records in memory that trigger a flush of the index.
    pub index_memory_bytes: u64,
    /// Block cache of the index.
    pub cache_bytes: u64,
    /// Where is counted what the store does.
    pub tally: Tally,
}
impl Default for Settings {
    fn default() -> Settings {
        Settings {
            reserve_bytes: 256 << 20,
            log_file_bytes: 64 << 20,
            body_memory_bytes: 256 << 20,
            body_inline_bytes: 256 << 10,
            compression: Compression::Zstd,
            commit_timeout_s: 30,
            index_memory_bytes: 64 << 20,
            cache_bytes: 64 << 20,
            tally: Tally::new(),
        }
    }
}
/// Whether the store takes writes.
#[derive(Clone, Debug)]
pub enum State {
    Writable,
    /// No writes for now; reading goes on.
    ReadOnly {
        why: Fault,
    },
    /// Less free space than the reserve: no new bodies, other writes go on.
    Full,
}
/// What a vacuum did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VacuumReport {
    pub bodies_dropped: u64,
    pub bodies_moved: u64,
    pub files_removed: u64,
    pub bytes_freed: u64,
}
/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    pub frames: u64,
    pub bodies: u64,
    pub values: u64,
    /// One sentence for each thing that is not as it should be.
    pub damage: Vec<String>,
}
/// What was found when the data folder was opened.
#[derive(Clone, Debug, Default)]
pub struct OpenReport {
    pub frames_replayed: u64,
    /// Bytes of a torn last frame, whose commit was never acknowledged.
    pub torn_tail_bytes: u64,
    /// One sentence for each thing that is not as it should be.
    pub damage: Vec<String>,
    /// None: every octet of the log that had to be replayed was read.
    pub gap: Option<Gap>,
}

/// What could not be read of the log. A torn last frame and an acknowledged one that the disk has
/// spoilt look alike, so here they count alike; so does what a failed commit has left.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Gap {
    /// The last log file that lacks something.
    pub log_file: u64,
    /// At most so much is lacking.
    pub bytes: u64,
}

impl Gap {
    pub(crate) fn and(self, log_file: u64, bytes: u64) -> Gap {
        Gap {
            log_file: self.log_file.max(log_file),
            bytes: self.bytes.saturating_add(bytes),
        }
    }
}

/// A handle to the store; cheap to clone.
#[derive(Clone)]
pub struct Db {
    engine: Arc<Engine>,
    _last: Arc<Last>,
}

/// The last handle to go closes a store that nobody closed.
struct Last(Arc<Engine>);

impl Drop for Last {
    fn drop(&mut self) {
        if !self.0.has_threads() || lock(&self.0.threads).is_empty() {
            return;
        }
        if let Err(fault) = self.0.close() {
            tracing::error!(%fault, "closing the store");
        }
    }
}

impl Db {
    fn over(engine: Arc<Engine>) -> Db {
        Db {
            _last: Arc::new(Last(engine.clone())),
            engine,
        }
    }

    /// The engine `memory`: all is gone with the last handle.
    pub fn memory() -> Db {
        Db::over(Engine::memory())
    }

    /// The engine `embedded`.
    pub fn open(files: Files, settings: Settings) -> Result<Db, OpenError> {
        Ok(Db::over(open::open(files, settings)?))
    }

    /// What was found at opening.
    pub fn open_report(&self) -> OpenReport {
        self.engine.report.clone()
    }

    /// All partitions at the last durable commit.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.engine.clone())
    }

    /// Waits for the partition's lock.
    pub async fn edit(&self, partition: Partition) -> Edit {
        Edit::begin(self.engine.clone(), partition).await
    }

    /// Edits of several partitions, in the order of the partitions, each once: no deadlock.
    pub async fn edit_many(&self, partitions: &[Partition]) -> Vec<Edit> {
        let mut sorted = partitions.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut edits = Vec::with_capacity(sorted.len());
        for partition in sorted {
            edits.push(self.edit(partition).await);
        }
        edits
    }

    /// One frame, one sync: all durable or none. An empty group is Ok at once.
    pub fn submit_group(&self, edits: Vec<Edit>) -> Pending {
        edit::submit(&self.engine, edits)
    }

    pub async fn new_body(&self) -> Result<BodyWriter, BodyRefusal> {
        if let State::ReadOnly { why } = self.state() {
            return Err(BodyRefusal::ReadOnly(why));
        }
        if self.engine.is_full() {
            return Err(BodyRefusal::Full);
        }
        Ok(BodyWriter::new(self.engine.clone()))
    }

    pub fn body_len(&self, id: BodyId) -> Result<Option<u64>, Fault> {
        self.engine.body_len(id)
    }

    /// The caller's tag of a body.
    pub fn body_tag(&self, id: BodyId) -> Result<Option<Bytes>, Fault> {
        self.engine.body_tag(id)
    }

    /// At most `len` bytes from `from`; fewer at the end. Whole-body reads verify the body's hash.
    pub fn read_body(&self, id: BodyId, from: u64, len: usize) -> Result<Bytes, Fault> {
        self.engine.read_body(id, from, len)
    }

    /// Whole bodies at once: cheaper than one after the other where they lie close together. `None`:
    /// ask for it by itself. What is asked for at once is bounded by `limits::READ_AHEAD_BYTES`.
    pub fn read_ahead(&self, ids: &[BodyId]) -> Vec<Option<Bytes>> {
        self.engine.read_ahead(ids)
    }

    pub fn bell(&self, partition: Partition) -> Bell {
        self.engine.bells.listen(partition)
    }

    pub fn state(&self) -> State {
        let why = lock(&self.engine.queue.inner).why();
        if let Some(why) = why {
            self.engine.ask_to_resume();
            return State::ReadOnly { why };
        }
        if self.engine.is_full() {
            State::Full
        } else {
            State::Writable
        }
    }

    /// Where this store and what is built on it count.
    pub fn tally(&self) -> &Tally {
        &self.engine.settings.tally
    }

    /// Brings up to date what is not counted as it happens but looked at: gauges of the store.
    pub fn refresh_tally(&self) {
        let tally = self.tally();
        let state = self.state();
        let is = |yes| u64::from(yes);
        tally.set(
            Metric::StoreReadOnly,
            &[],
            is(matches!(state, State::ReadOnly { .. })),
        );
        tally.set(Metric::StoreFull, &[], is(matches!(state, State::Full)));
        let (groups, bytes) = lock(&self.engine.queue.inner).waiting();
        tally.set(Metric::CommitQueue, &[], groups as u64);
        tally.set(Metric::CommitQueueBytes, &[], bytes as u64);
        tally.set(Metric::BodyMemory, &[], self.engine.budget.used() as u64);
        tally.set(Metric::BadValues, &[], self.bad_values());
    }

    /// The vacuum's `before`, taken BEFORE marking.
    pub fn next_body_id(&self) -> BodyId {
        self.engine.ids.first_unsettled()
    }

    /// Marks and sweeps: bodies that are neither in `live` nor from `before` on are dropped, log
    /// files that are mostly dead are rewritten.
    pub async fn vacuum(
        &self,
        live: &RoaringTreemap,
        before: BodyId,
    ) -> Result<VacuumReport, Fault> {
        vacuum::run(&self.engine, live, before).await
    }

    /// Reads everything: frames, hashes, value checksums.
    pub async fn check(&self) -> Result<CheckReport, Fault> {
        let engine = self.engine.clone();
        self.engine.blocking(move || check::run(&engine)).await
    }

    /// Values found with a failing checksum since opening.
    pub fn bad_values(&self) -> u64 {
        self.engine.bad_values.load(Ordering::Relaxed)
    }

    /// Makes the index hold all that is durable, so that it rests on the log no more.
    pub async fn flush(&self) -> Result<(), Fault> {
        let engine = self.engine.clone();
        self.engine.blocking(move || engine.flush()).await
    }

    /// Commits what was handed over, flushes, stops the threads, releases the folder's lock.
    pub async fn close(&self) {
        let engine = self.engine.clone();
        if let Err(fault) = self.engine.blocking(move || engine.close()).await {
            tracing::error!(%fault, "closing the store");
        }
    }
}
