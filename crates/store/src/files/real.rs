//! The real files of a data folder, and the lock that keeps a second process out.
//!
//! Never here: a retry. An error is told to whoever asked; what is still true after it is theirs
//! to decide.

use crate::sync::lock;
use crate::{Fault, OpenError};
use rustix::fs::FlockOperation;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// How long the free space is taken to be as it was seen: it is asked for with every body, and the
/// reserve is far larger than what a disk takes in this time.
const FREE_SPACE_SEEN: Duration = Duration::from_millis(50);
const LOCK: &str = "LOCK";
const HOLDER_BYTES: u64 = 100;

pub(super) struct Folder {
    root: PathBuf,
    lock: Mutex<Option<File>>,
    salt: u64,
    free: Mutex<Option<(Instant, u64)>>,
}

fn fault(doing: &str, path: &Path, error: &io::Error) -> OpenError {
    OpenError::Fault(Fault::new(format!("{doing} {}", path.display()), error))
}

impl Folder {
    pub(super) fn open(root: &Path) -> Result<Folder, OpenError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .and_then(|()| sync_parent(root))
            .map_err(|error| fault("creating the data folder", root, &error))?;
        let path = root.join(LOCK);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| fault("opening the lock file", &path, &error))?;
        if let Err(errno) = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if errno == rustix::io::Errno::WOULDBLOCK {
                let folder = root.display().to_string();
                return Err(OpenError::Locked {
                    folder,
                    holder: holder(&mut file),
                });
            }
            return Err(fault("locking", &path, &errno.into()));
        }
        let salt =
            claim(&mut file).map_err(|error| fault("writing the lock file", &path, &error))?;
        Ok(Folder {
            root: root.to_path_buf(),
            lock: Mutex::new(Some(file)),
            salt,
            free: Mutex::new(None),
        })
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(super) fn salt(&self) -> u64 {
        self.salt
    }

    pub(super) fn release(&self) {
        *lock(&self.lock) = None;
    }

    pub(super) fn make_dir(&self, path: &str) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(self.path(path)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    pub(super) fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.path(dir))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    pub(super) fn create(&self, path: &str) -> io::Result<File> {
        let path = self.path(path);
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
    }

    pub(super) fn open_file(&self, path: &str) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.path(path))
    }

    pub(super) fn remove(&self, path: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(path))
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    pub(super) fn sync_dir(&self, dir: &str) -> io::Result<()> {
        File::open(self.path(dir))?.sync_all()
    }

    /// As of at most FREE_SPACE_SEEN ago.
    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        let mut seen = lock(&self.free);
        let now = Instant::now();
        if let Some((at, bytes)) = *seen
            && now.duration_since(at) < FREE_SPACE_SEEN
        {
            return Ok(bytes);
        }
        let found = rustix::fs::statvfs(&self.root)?;
        let bytes = found.f_bavail.saturating_mul(found.f_frsize);
        *seen = Some((now, bytes));
        Ok(bytes)
    }
}

/// The name of a new data folder is to survive, too.
fn sync_parent(root: &Path) -> io::Result<()> {
    match root.canonicalize()?.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.take(HOLDER_BYTES).read_to_string(&mut text);
    let text = text.trim();
    if text.is_empty() {
        "process unknown".into()
    } else {
        text.into()
    }
}

/// Writes who has the folder; the file's place and time of change are the salt.
fn claim(file: &mut File) -> io::Result<u64> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {}", std::process::id())?;
    let found = file.metadata()?;
    let words = [
        found.dev(),
        found.ino(),
        found.ctime() as u64,
        found.ctime_nsec() as u64,
    ];
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    Ok(xxhash_rust::xxh3::xxh3_64(&bytes))
}

/// Room that is made without a look at how much there is to read.
const TRUSTED_BYTES: usize = 64 * 1024;

pub(super) fn read_at(file: &File, from: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut room = len;
    if len > TRUSTED_BYTES {
        let left = file.metadata()?.len().saturating_sub(from);
        room = len.min(usize::try_from(left).unwrap_or(usize::MAX));
    }
    let mut bytes = vec![0; room];
    let mut got = 0;
    while got < bytes.len() {
        match file.read_at(&mut bytes[got..], from + got as u64) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(got);
    Ok(bytes)
}
