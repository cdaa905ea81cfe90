//! The handle of the store.
use crate::*;
use bytes::Bytes;
use roaring::RoaringTreemap;
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
    /// A commit that takes longer is a fault.
    pub commit_timeout_s: u64,
    /// Records in memory that trigger a flush of the index.
    pub index_memory_bytes: u64,
    /// Block cache of the index.
    pub cache_bytes: u64,
}
impl Default for Settings {
    fn default() -> Settings {
        Settings {
            reserve_bytes: 256 << 20,
            log_file_bytes: 64 << 20,
            body_memory_bytes: 256 << 20,
            body_inline_bytes: 256 << 10,
            commit_timeout_s: 30,
            index_memory_bytes: 64 << 20,
            cache_bytes: 64 << 20,
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
}
/// A handle to the store; cheap to clone.
#[derive(Clone)]
pub struct Db {}
impl Db {
    /// The engine `memory`.
    pub fn memory() -> Db {
        todo!()
    }
    /// The engine `embedded`.
    pub fn open(files: Files, settings: Settings) -> Result<Db, OpenError> {
        todo!()
    }
    /// What was found at opening.
    pub fn open_report(&self) -> OpenReport {
        todo!()
    }
    /// All partitions at the last durable commit.
    pub fn snapshot(&self) -> Snapshot {
        todo!()
    }
    /// Waits for the partition's lock.
    pub async fn edit(&self, partition: Partition) -> Edit {
        todo!()
    }
    /// Edits of several partitions, in the order of the partitions, each once.
    pub async fn edit_many(&self, partitions: &[Partition]) -> Vec<Edit> {
        todo!()
    }
    /// One frame, one sync: all durable or none. An empty group is Ok at once.
    pub fn submit_group(&self, edits: Vec<Edit>) -> Pending {
        todo!()
    }
    pub async fn new_body(&self) -> Result<BodyWriter, BodyRefusal> {
        todo!()
    }
    pub fn body_len(&self, id: BodyId) -> Result<Option<u64>, Fault> {
        todo!()
    }
    /// The caller's tag of a body.
    pub fn body_tag(&self, id: BodyId) -> Result<Option<Bytes>, Fault> {
        todo!()
    }
    /// At most `len` bytes from `from`; fewer at the end. Whole-body reads verify the body's hash.
    pub fn read_body(&self, id: BodyId, from: u64, len: usize) -> Result<Bytes, Fault> {
        todo!()
    }
    pub fn bell(&self, partition: Partition) -> Bell {
        todo!()
    }
    pub fn state(&self) -> State {
        todo!()
    }
    /// The vacuum's `before`, taken BEFORE marking.
    pub fn next_body_id(&self) -> BodyId {
        todo!()
    }
    /// Marks and sweeps: bodies that are neither in `live` nor from `before` on are dropped, log
    /// files that are mostly dead are rewritten.
    pub async fn vacuum(
        &self,
        live: &RoaringTreemap,
        before: BodyId,
    ) -> Result<VacuumReport, Fault> {
        todo!()
    }
    /// Reads everything: frames, hashes, value checksums.
    pub async fn check(&self) -> Result<CheckReport, Fault> {
        todo!()
    }
    /// Flushes, stops the threads, releases the folder's lock.
    pub async fn close(&self) {
        todo!()
    }
}
