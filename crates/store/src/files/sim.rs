//! A simulated disk: what was not synced may be dropped, torn or reordered by a crash; names are
//! durable only after their folder was synced; any operation can be made to fail.
//!
//! Never here: anything random that the seed does not decide.

use crate::sync::lock;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const SECTOR_BYTES: usize = 512;

/// What is to go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SimFailure {
    /// The power fails in the middle of the operation.
    Crash,
    /// The process dies right after the operation; what it wrote stays in the page cache.
    Kill,
    /// The operation fails with EIO; a write may be there in part, a failed sync loses pages.
    InputOutput,
    /// A write fails with ENOSPC after a part of it; a sync fails like a delayed allocation.
    NoSpace,
}

#[derive(Clone)]
struct Write {
    from: usize,
    bytes: Vec<u8>,
}

#[derive(Default, Clone)]
struct Inode {
    /// What a reader sees.
    current: Vec<u8>,
    /// What the disk surely holds.
    durable: Vec<u8>,
    unsynced: Vec<Write>,
}

#[derive(Clone)]
enum NameChange {
    Added {
        path: String,
        inode: usize,
    },
    Removed {
        path: String,
    },
    Renamed {
        from: String,
        to: String,
        inode: usize,
    },
}

struct Disk {
    seed: u64,
    dice: u64,
    generation: u64,
    dead: bool,
    hangs: bool,
    /// A commit takes up to this long before it reaches the disk.
    slowness: Duration,
    /// Told when the process that had the disk is no more.
    on_death: Option<OnDeath>,
    operations: u64,
    failures: BTreeMap<u64, SimFailure>,
    /// No name in it can be changed.
    broken_folder: Option<String>,
    /// What becomes of the next renaming.
    rename_failure: Option<SimFailure>,
    free_bytes: u64,
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    unsynced_names: Vec<(String, NameChange)>,
    folders: BTreeSet<String>,
    /// What each operation was, for a test's message.
    journal: Vec<String>,
}

type OnDeath = Arc<dyn Fn(SimFailure) + Send + Sync>;

/// The simulated disk behind [`crate::Files::sim`].
#[derive(Clone)]
pub struct SimDisk(Arc<Shared>);

struct Shared {
    disk: Mutex<Disk>,
    /// Rung when a disk that hung goes on.
    goes_on: Condvar,
}

/// One process's view of the disk; it ends with a crash.
#[derive(Clone)]
pub(super) struct Handle {
    shared: Arc<Shared>,
    generation: u64,
}

pub(super) struct OpenFile {
    handle: Handle,
    inode: usize,
}

fn io_error() -> io::Error {
    io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error())
}

fn no_space() -> io::Error {
    io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error())
}

fn folder_of(path: &str) -> String {
    path.rsplit_once('/')
        .map_or(String::new(), |(folder, _)| folder.to_string())
}

fn overwrite(file: &mut Vec<u8>, write: &Write) {
    let end = write.from + write.bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[write.from..end].copy_from_slice(&write.bytes);
}

impl Disk {
    fn roll(&mut self, sides: u64) -> u64 {
        // xorshift64*, from the seed alone.
        self.dice ^= self.dice >> 12;
        self.dice ^= self.dice << 25;
        self.dice ^= self.dice >> 27;
        (self.dice.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }

    /// Counts an operation and tells whether it is to fail.
    fn operation(&mut self, what: impl FnOnce() -> String) -> Option<SimFailure> {
        self.operations += 1;
        self.journal.push(what());
        self.failures.remove(&self.operations)
    }

    /// Of a write that no sync covered, some sectors, all or none reach the disk.
    fn torn(&mut self, write: &Write) -> Vec<Write> {
        match self.roll(4) {
            0 => Vec::new(),
            1 => vec![write.clone()],
            2 => {
                let keep = self.roll(write.bytes.len() as u64 + 1) as usize;
                vec![Write {
                    from: write.from,
                    bytes: write.bytes[..keep].to_vec(),
                }]
            }
            _ => self.some_sectors(write),
        }
    }

    fn some_sectors(&mut self, write: &Write) -> Vec<Write> {
        let mut kept = Vec::new();
        let mut at = 0;
        while at < write.bytes.len() {
            let sector_left = SECTOR_BYTES - (write.from + at) % SECTOR_BYTES;
            let end = (at + sector_left).min(write.bytes.len());
            if self.roll(2) == 0 {
                kept.push(Write {
                    from: write.from + at,
                    bytes: write.bytes[at..end].to_vec(),
                });
            }
            at = end;
        }
        kept
    }

    /// What of the unsynced writes reaches the disk, in any order.
    fn settle(&mut self, inode: usize) {
        let mut writes = std::mem::take(&mut self.inodes[inode].unsynced);
        while !writes.is_empty() {
            let next = self.roll(writes.len() as u64) as usize;
            let write = writes.swap_remove(next);
            for part in self.torn(&write) {
                overwrite(&mut self.inodes[inode].durable, &part);
            }
        }
    }

    fn crash(&mut self) {
        for inode in 0..self.inodes.len() {
            self.settle(inode);
            let durable = self.inodes[inode].durable.clone();
            self.inodes[inode].current = durable;
        }
        for (_, change) in std::mem::take(&mut self.unsynced_names) {
            if self.roll(2) == 0 {
                apply(&mut self.durable_names, &change);
            }
        }
        self.names = self.durable_names.clone();
        self.die(SimFailure::Crash);
    }

    fn die(&mut self, how: SimFailure) {
        self.generation += 1;
        self.dead = true;
        if let Some(tell) = &self.on_death {
            tell(how);
        }
    }

    /// What a planned end of the process does after the operation; true: there was one.
    fn dies_of(&mut self, failure: Option<SimFailure>) -> bool {
        match failure {
            Some(SimFailure::Crash) => self.crash(),
            Some(SimFailure::Kill) => self.die(SimFailure::Kill),
            _ => return false,
        }
        true
    }

    fn change_name(&mut self, change: NameChange) {
        apply(&mut self.names, &change);
        self.unsynced_names.push((change.folder(), change));
    }
}

impl NameChange {
    fn folder(&self) -> String {
        match self {
            NameChange::Added { path, .. } | NameChange::Removed { path } => folder_of(path),
            NameChange::Renamed { to, .. } => folder_of(to),
        }
    }
}

fn apply(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Added { path, inode } => {
            names.insert(path.clone(), *inode);
        }
        NameChange::Removed { path } => {
            names.remove(path);
        }
        NameChange::Renamed { from, to, inode } => {
            names.remove(from);
            names.insert(to.clone(), *inode);
        }
    }
}

impl SimDisk {
    pub(super) fn new(seed: u64) -> SimDisk {
        SimDisk(Arc::new(Shared {
            goes_on: Condvar::new(),
            disk: Mutex::new(Disk {
                hangs: false,
                slowness: Duration::ZERO,
                on_death: None,
                seed,
                dice: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
                generation: 0,
                dead: false,
                operations: 0,
                failures: BTreeMap::new(),
                broken_folder: None,
                rename_failure: None,
                free_bytes: 1 << 40,
                inodes: Vec::new(),
                names: BTreeMap::new(),
                durable_names: BTreeMap::new(),
                unsynced_names: Vec::new(),
                folders: BTreeSet::new(),
                journal: Vec::new(),
            }),
        }))
    }

    /// The power fails now: every open file is lost, and what was not synced has an open fate.
    pub fn crash(&self) {
        let mut disk = lock(&self.0.disk);
        if !disk.dead {
            disk.crash();
        }
    }

    /// The disk as the next process finds it (after a crash, or beside a process that is gone).
    pub fn reopen(&self) -> super::Files {
        let mut disk = lock(&self.0.disk);
        disk.dead = false;
        disk.generation += 1;
        let handle = Handle {
            shared: self.0.clone(),
            generation: disk.generation,
        };
        super::Files(super::Inner::Sim(handle))
    }

    /// Writes, syncs and changes of names so far.
    pub fn operations(&self) -> u64 {
        lock(&self.0.disk).operations
    }

    /// What each operation was, oldest first.
    pub fn journal(&self) -> Vec<String> {
        lock(&self.0.disk).journal.clone()
    }

    /// Makes the operation with this number (the first is 1) fail.
    pub fn fail_at(&self, operation: u64, failure: SimFailure) {
        lock(&self.0.disk).failures.insert(operation, failure);
    }

    /// The process dies right after the next renaming, whenever it comes.
    pub fn kill_at_rename(&self) {
        lock(&self.0.disk).rename_failure = Some(SimFailure::Kill);
    }

    /// From now on no name in this folder can be changed, until it is mended by `None`.
    pub fn break_folder(&self, folder: Option<&str>) {
        lock(&self.0.disk).broken_folder = folder.map(str::to_owned);
    }

    /// Takes back every failure that has not struck yet.
    pub fn forgive(&self) {
        let mut disk = lock(&self.0.disk);
        disk.failures.clear();
        disk.rename_failure = None;
    }

    /// The process that has the disk dies now, as by `kill -9`: its open files are lost to it, what
    /// it wrote is not.
    pub fn kill(&self) {
        let mut disk = lock(&self.0.disk);
        if !disk.dead {
            disk.die(SimFailure::Kill);
        }
    }

    /// Calls this at the instant when the process that has the disk is no more, by whatever cause.
    /// It must not touch the disk.
    pub fn on_death(&self, tell: impl Fn(SimFailure) + Send + Sync + 'static) {
        lock(&self.0.disk).on_death = Some(Arc::new(tell));
    }

    /// From now on a commit takes up to this long before it reaches the disk.
    pub fn set_slowness(&self, slowness: Duration) {
        lock(&self.0.disk).slowness = slowness;
    }

    pub fn set_free_bytes(&self, bytes: u64) {
        lock(&self.0.disk).free_bytes = bytes;
    }

    /// From now on syncs do not return, until [`SimDisk::go_on`].
    pub fn hang(&self) {
        lock(&self.0.disk).hangs = true;
    }

    pub fn go_on(&self) {
        lock(&self.0.disk).hangs = false;
        self.0.goes_on.notify_all();
    }

    /// The paths of all files.
    pub fn paths(&self) -> Vec<String> {
        lock(&self.0.disk).names.keys().cloned().collect()
    }

    /// A file's bytes.
    pub fn contents(&self, path: &str) -> Option<Vec<u8>> {
        let disk = lock(&self.0.disk);
        disk.names
            .get(path)
            .map(|inode| disk.inodes[*inode].current.clone())
    }

    /// Replaces a file's bytes behind everybody's back, as rot does.
    pub fn replace(&self, path: &str, bytes: Vec<u8>) {
        let mut disk = lock(&self.0.disk);
        if let Some(inode) = disk.names.get(path).copied() {
            disk.inodes[inode] = Inode {
                current: bytes.clone(),
                durable: bytes,
                unsynced: Vec::new(),
            };
        }
    }

    /// Removes a file behind everybody's back.
    pub fn lose(&self, path: &str) {
        let mut disk = lock(&self.0.disk);
        disk.names.remove(path);
        disk.durable_names.remove(path);
    }
}

impl Handle {
    /// Runs one operation on a disk that is alive. `torn` is what a failing one still does.
    fn with<T>(&self, run: impl FnOnce(&mut Disk) -> io::Result<T>) -> io::Result<T> {
        let mut disk = lock(&self.shared.disk);
        if disk.generation != self.generation {
            return Err(io_error());
        }
        run(&mut disk)
    }

    fn name_operation(
        &self,
        what: impl FnOnce() -> String,
        change: impl FnOnce(&mut Disk) -> io::Result<NameChange>,
    ) -> io::Result<()> {
        self.with(|disk| {
            let mut failure = disk.operation(what);
            if let Some(SimFailure::InputOutput) = failure {
                return Err(io_error());
            }
            let change = change(disk)?;
            if disk.broken_folder == Some(change.folder()) {
                return Err(io_error());
            }
            if let NameChange::Renamed { .. } = &change {
                failure = failure.or(disk.rename_failure.take());
            }
            if let Some(SimFailure::NoSpace) = failure {
                return Err(no_space());
            }
            disk.change_name(change);
            if disk.dies_of(failure) {
                return Err(io_error());
            }
            Ok(())
        })
    }

    pub(super) fn slowness(&self) -> Option<Duration> {
        let mut disk = lock(&self.shared.disk);
        let most = u64::try_from(disk.slowness.as_micros()).unwrap_or(u64::MAX);
        (most > 0).then(|| Duration::from_micros(disk.roll(most) + 1))
    }

    pub(super) fn salt(&self) -> u64 {
        let disk = lock(&self.shared.disk);
        xxhash_rust::xxh3::xxh3_64_with_seed(&self.generation.to_le_bytes(), disk.seed)
    }

    pub(super) fn make_dir(&self, path: &str) -> io::Result<()> {
        // Folders are durable at once here: the store makes them once, before anything else.
        self.with(|disk| {
            disk.folders.insert(path.to_string());
            Ok(())
        })
    }

    pub(super) fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.with(|disk| {
            let inside = disk.names.keys().filter(|path| folder_of(path) == dir);
            Ok(inside
                .map(|path| path.rsplit('/').next().unwrap_or(path).to_string())
                .collect())
        })
    }

    pub(super) fn create(&self, path: &str) -> io::Result<OpenFile> {
        let mut created = 0;
        self.name_operation(
            || format!("create {path}"),
            |disk| {
                if disk.names.contains_key(path) {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                created = disk.inodes.len();
                disk.inodes.push(Inode::default());
                Ok(NameChange::Added {
                    path: path.to_string(),
                    inode: created,
                })
            },
        )?;
        Ok(OpenFile {
            handle: self.clone(),
            inode: created,
        })
    }

    pub(super) fn open(&self, path: &str) -> io::Result<OpenFile> {
        let found = self.with(|disk| Ok(disk.names.get(path).copied()))?;
        let inode = found.ok_or(io::ErrorKind::NotFound)?;
        Ok(OpenFile {
            handle: self.clone(),
            inode,
        })
    }

    pub(super) fn remove(&self, path: &str) -> io::Result<()> {
        self.name_operation(
            || format!("remove {path}"),
            |disk| {
                disk.names.get(path).ok_or(io::ErrorKind::NotFound)?;
                Ok(NameChange::Removed {
                    path: path.to_string(),
                })
            },
        )
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.name_operation(
            || format!("rename {from} to {to}"),
            |disk| {
                let inode = *disk.names.get(from).ok_or(io::ErrorKind::NotFound)?;
                Ok(NameChange::Renamed {
                    from: from.to_string(),
                    to: to.to_string(),
                    inode,
                })
            },
        )
    }

    pub(super) fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.with(|disk| {
            let failure = disk.operation(|| format!("sync folder {dir}"));
            match failure {
                Some(SimFailure::Crash | SimFailure::Kill) => {
                    disk.dies_of(failure);
                    return Err(io_error());
                }
                Some(SimFailure::InputOutput) => return Err(io_error()),
                Some(SimFailure::NoSpace) => return Err(no_space()),
                None => {}
            }
            let changes = std::mem::take(&mut disk.unsynced_names);
            let (here, elsewhere): (Vec<_>, Vec<_>) =
                changes.into_iter().partition(|(folder, _)| folder == dir);
            for (_, change) in here {
                apply(&mut disk.durable_names, &change);
            }
            disk.unsynced_names = elsewhere;
            Ok(())
        })
    }

    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        self.with(|disk| Ok(disk.free_bytes))
    }
}

impl OpenFile {
    pub(super) fn len(&self) -> io::Result<u64> {
        self.handle
            .with(|disk| Ok(disk.inodes[self.inode].current.len() as u64))
    }

    pub(super) fn write_at(&self, from: u64, bytes: &[u8]) -> io::Result<()> {
        self.handle.with(|disk| {
            let inode = self.inode;
            let failure = disk.operation(|| format!("write {} bytes at {from}", bytes.len()));
            let kept = match failure {
                Some(SimFailure::InputOutput | SimFailure::NoSpace) => {
                    disk.roll(bytes.len() as u64 + 1) as usize
                }
                Some(SimFailure::Crash | SimFailure::Kill) | None => bytes.len(),
            };
            let write = Write {
                from: from as usize,
                bytes: bytes[..kept].to_vec(),
            };
            overwrite(&mut disk.inodes[inode].current, &write);
            disk.inodes[inode].unsynced.push(write);
            match failure {
                Some(SimFailure::Crash | SimFailure::Kill) => {
                    disk.dies_of(failure);
                    Err(io_error())
                }
                Some(SimFailure::InputOutput) => Err(io_error()),
                Some(SimFailure::NoSpace) => Err(no_space()),
                None => Ok(()),
            }
        })
    }

    pub(super) fn read_at(&self, from: u64, len: usize) -> io::Result<Vec<u8>> {
        self.handle.with(|disk| {
            let current = &disk.inodes[self.inode].current;
            let from = usize::try_from(from)
                .unwrap_or(usize::MAX)
                .min(current.len());
            Ok(current[from..from + len.min(current.len() - from)].to_vec())
        })
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        let shared = &self.handle.shared;
        let mut disk = lock(&shared.disk);
        while disk.hangs {
            disk = shared
                .goes_on
                .wait(disk)
                .expect("because a panic inside the store is a bug that nothing may build upon");
        }
        drop(disk);
        self.handle.with(|disk| {
            let inode = self.inode;
            let failure = disk.operation(|| "sync".to_string());
            match failure {
                Some(SimFailure::Crash | SimFailure::Kill) => {
                    disk.dies_of(failure);
                    Err(io_error())
                }
                // The pages count as clean from now on: a later sync that succeeds says nothing
                // about them.
                Some(SimFailure::InputOutput) => {
                    disk.settle(inode);
                    Err(io_error())
                }
                Some(SimFailure::NoSpace) => {
                    disk.settle(inode);
                    Err(no_space())
                }
                None => {
                    let writes = std::mem::take(&mut disk.inodes[inode].unsynced);
                    for write in &writes {
                        overwrite(&mut disk.inodes[inode].durable, write);
                    }
                    Ok(())
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{Files, SimFailure};

    #[test]
    fn a_crash_keeps_what_was_synced_and_may_lose_the_rest() {
        let mut lost = 0;
        for seed in 0..100 {
            let (files, disk) = Files::sim(seed);
            let file = files.create("a").unwrap();
            file.write_at(0, &[1; 5000]).unwrap();
            file.sync().unwrap();
            files.sync_dir("").unwrap();
            file.write_at(5000, &[2; 5000]).unwrap();
            disk.crash();
            assert!(file.len().is_err(), "a crash ends every open file");
            let found = disk.contents("a").unwrap();
            assert!(found[..5000] == [1; 5000]);
            lost += u32::from(found.len() < 10_000 || found[5000..].contains(&0));
        }
        assert!((30..100).contains(&lost), "{lost}");
    }

    #[test]
    fn a_name_is_durable_only_after_its_folder_was_synced() {
        let survived = (0..100).filter(|seed| {
            let (files, disk) = Files::sim(*seed);
            files.create("log/a").unwrap().sync().unwrap();
            disk.crash();
            disk.paths() == ["log/a"]
        });
        assert!((20..80).contains(&survived.count()));
    }

    #[test]
    fn a_process_killed_at_a_renaming_leaves_a_name_that_only_the_page_cache_knows() {
        let survived = (0..100).filter(|seed| {
            let (files, disk) = Files::sim(*seed);
            files.create("new").unwrap().sync().unwrap();
            files.sync_dir("").unwrap();
            disk.kill_at_rename();
            assert!(files.rename("new", "old").is_err());
            assert_eq!(disk.paths(), ["old"]);
            disk.reopen();
            disk.crash();
            disk.paths() == ["old"]
        });
        assert!((20..80).contains(&survived.count()));
    }

    #[test]
    fn a_killed_process_leaves_its_writes_and_reaches_the_disk_no_more() {
        let (files, disk) = Files::sim(1);
        let file = files.create("a").unwrap();
        let deaths = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let told = deaths.clone();
        disk.on_death(move |how| told.lock().unwrap().push(how));
        disk.fail_at(2, SimFailure::Kill);
        assert!(file.write_at(0, &[1; 700]).is_err());
        assert!(file.write_at(0, &[2; 700]).is_err() && file.sync().is_err());
        assert_eq!(disk.contents("a").unwrap(), [1; 700]);
        disk.kill();
        assert_eq!(deaths.lock().unwrap()[..], [SimFailure::Kill]);
        assert!(disk.reopen().open("a").unwrap().sync().is_ok());
    }

    #[test]
    fn after_a_failed_sync_a_later_one_proves_nothing() {
        let broken = (0..100).filter(|seed| {
            let (files, disk) = Files::sim(*seed);
            let file = files.create("a").unwrap();
            files.sync_dir("").unwrap();
            file.write_at(0, &[1; 2000]).unwrap();
            disk.fail_at(4, SimFailure::InputOutput);
            assert!(file.sync().is_err());
            file.sync().unwrap();
            disk.crash();
            disk.contents("a").unwrap() != [1; 2000]
        });
        assert!(broken.count() > 30);
    }
}
