//! Everything that touches the disk of the data folder goes through [`Files`]: the real files, or
//! a simulated disk that loses what was not synced.
//!
//! Never here: what the files mean. Paths are relative to the data folder, with `/`.

mod real;
mod sim;

use crate::OpenError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use sim::{SimDisk, SimFailure};

/// The files of one data folder: real or simulated.
#[derive(Clone)]
pub struct Files(Inner);

#[derive(Clone)]
enum Inner {
    Real(Arc<real::Folder>),
    Sim(sim::Handle),
}

/// An open file. Reads and writes name their place; nothing is buffered.
pub(crate) struct File(FileInner);

enum FileInner {
    Real(std::fs::File),
    Sim(sim::OpenFile),
}

impl Files {
    /// Creates the folder (0700) if needed and takes its lock; a second process is refused.
    pub fn real(path: impl AsRef<Path>) -> Result<Files, OpenError> {
        Ok(Files(Inner::Real(Arc::new(real::Folder::open(
            path.as_ref(),
        )?))))
    }

    /// A simulated disk; all that is random in it comes from the seed.
    pub fn sim(seed: u64) -> (Files, SimDisk) {
        let disk = SimDisk::new(seed);
        (disk.reopen(), disk)
    }

    /// The folder of the index tree, which has files of its own; None where files are simulated.
    pub(crate) fn index_folder(&self) -> Option<PathBuf> {
        match &self.0 {
            Inner::Real(folder) => Some(folder.path("index")),
            Inner::Sim(_) => None,
        }
    }

    /// A number that nobody outside can guess (real) or that the seed decides (simulated).
    pub(crate) fn salt(&self) -> u64 {
        match &self.0 {
            Inner::Real(folder) => folder.salt(),
            Inner::Sim(handle) => handle.salt(),
        }
    }

    /// How much longer a commit takes where the disk is slow; real ones need no telling.
    pub(crate) fn slowness(&self) -> Option<Duration> {
        match &self.0 {
            Inner::Real(_) => None,
            Inner::Sim(handle) => handle.slowness(),
        }
    }

    pub(crate) fn make_dir(&self, path: &str) -> io::Result<()> {
        match &self.0 {
            Inner::Real(folder) => folder.make_dir(path),
            Inner::Sim(handle) => handle.make_dir(path),
        }
    }

    /// The names in a folder, sorted.
    pub(crate) fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        match &self.0 {
            Inner::Real(folder) => folder.list(dir),
            Inner::Sim(handle) => handle.list(dir),
        }
    }

    /// A new empty file; an error if it exists.
    pub(crate) fn create(&self, path: &str) -> io::Result<File> {
        Ok(File(match &self.0 {
            Inner::Real(folder) => FileInner::Real(folder.create(path)?),
            Inner::Sim(handle) => FileInner::Sim(handle.create(path)?),
        }))
    }

    pub(crate) fn open(&self, path: &str) -> io::Result<File> {
        Ok(File(match &self.0 {
            Inner::Real(folder) => FileInner::Real(folder.open_file(path)?),
            Inner::Sim(handle) => FileInner::Sim(handle.open(path)?),
        }))
    }

    pub(crate) fn remove(&self, path: &str) -> io::Result<()> {
        match &self.0 {
            Inner::Real(folder) => folder.remove(path),
            Inner::Sim(handle) => handle.remove(path),
        }
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        match &self.0 {
            Inner::Real(folder) => folder.rename(from, to),
            Inner::Sim(handle) => handle.rename(from, to),
        }
    }

    /// Makes the names in a folder durable.
    pub(crate) fn sync_dir(&self, dir: &str) -> io::Result<()> {
        match &self.0 {
            Inner::Real(folder) => folder.sync_dir(dir),
            Inner::Sim(handle) => handle.sync_dir(dir),
        }
    }

    pub(crate) fn free_bytes(&self) -> io::Result<u64> {
        match &self.0 {
            Inner::Real(folder) => folder.free_bytes(),
            Inner::Sim(handle) => handle.free_bytes(),
        }
    }

    /// Lets another process have the folder.
    pub(crate) fn release(&self) {
        if let Inner::Real(folder) = &self.0 {
            folder.release();
        }
    }
}

impl File {
    pub(crate) fn len(&self) -> io::Result<u64> {
        match &self.0 {
            FileInner::Real(file) => Ok(file.metadata()?.len()),
            FileInner::Sim(file) => file.len(),
        }
    }

    /// Writes all of it.
    pub(crate) fn write_at(&self, from: u64, bytes: &[u8]) -> io::Result<()> {
        match &self.0 {
            FileInner::Real(file) => std::os::unix::fs::FileExt::write_all_at(file, bytes, from),
            FileInner::Sim(file) => file.write_at(from, bytes),
        }
    }

    /// Reads at most `len` bytes; fewer at the end of the file.
    pub(crate) fn read_at(&self, from: u64, len: usize) -> io::Result<Vec<u8>> {
        match &self.0 {
            FileInner::Real(file) => real::read_at(file, from, len),
            FileInner::Sim(file) => file.read_at(from, len),
        }
    }

    /// Makes the contents durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match &self.0 {
            FileInner::Real(file) => file.sync_data(),
            FileInner::Sim(file) => file.sync(),
        }
    }
}
