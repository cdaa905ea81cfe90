//! A large body's own file: written piece by piece, durable before any frame speaks of it, removed
//! if no frame ever does.
//!
//! Never here: a file that a commit of unknown outcome may have adopted is removed.

use crate::Fault;
use crate::files::{File, Files};
use bytes::Bytes;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) const DIR: &str = "bodies";
const LOST: &str = ".lost";

pub(crate) fn path_of(number: u64) -> String {
    format!("{DIR}/{number:016x}")
}

pub(crate) fn number_of(name: &str) -> Option<u64> {
    u64::from_str_radix(name, 16).ok()
}

/// What damage has orphaned gets this name: kept for those who look, and never taken again.
pub(crate) fn lost_path_of(number: u64) -> String {
    format!("{}{LOST}", path_of(number))
}

pub(crate) fn lost_number_of(name: &str) -> Option<u64> {
    number_of(name.strip_suffix(LOST)?)
}

pub(crate) struct OwnFile {
    pub(crate) number: u64,
    files: Files,
    file: File,
    /// A frame speaks of it, or may.
    given: AtomicBool,
}

impl OwnFile {
    pub(crate) fn create(files: &Files, number: u64) -> Result<OwnFile, Fault> {
        let file = files
            .create(&path_of(number))
            .map_err(|error| fault("creating", number, &error))?;
        Ok(OwnFile {
            number,
            files: files.clone(),
            file,
            given: AtomicBool::new(false),
        })
    }

    /// The file of a stored body.
    pub(crate) fn adopted(files: &Files, number: u64) -> io::Result<OwnFile> {
        Ok(OwnFile {
            number,
            files: files.clone(),
            file: files.open(&path_of(number))?,
            given: AtomicBool::new(true),
        })
    }

    pub(crate) fn write_at(&self, from: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.file
            .write_at(from, bytes)
            .map_err(|error| fault("writing", self.number, &error))
    }

    pub(crate) fn read_at(&self, from: u64, len: usize) -> Result<Bytes, Fault> {
        let read = self.file.read_at(from, len);
        Ok(read
            .map_err(|error| fault("reading", self.number, &error))?
            .into())
    }

    /// Makes the contents and the name durable.
    pub(crate) fn sync(&self) -> Result<(), Fault> {
        let synced = self.file.sync().and_then(|()| self.files.sync_dir(DIR));
        synced.map_err(|error| fault("syncing", self.number, &error))
    }

    pub(crate) fn give(&self) {
        self.given.store(true, Ordering::Release);
    }
}

fn fault(doing: &str, number: u64, error: &io::Error) -> Fault {
    Fault::new(format!("{doing} {}", path_of(number)), error)
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if !self.given.load(Ordering::Acquire) {
            // If this fails, the next opening removes it.
            let _ = self.files.remove(&path_of(self.number));
        }
    }
}
