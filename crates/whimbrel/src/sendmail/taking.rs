//! Taking in what lies in the drop folder: at the start, and whenever something comes while the server
//! runs.
//!
//! A file goes when its messages are in mailboxes and queue, durably. How many of them are done stands
//! in a file beside it, so that none enters twice after a crash. What never happens here: a file that
//! its owner had not marked as whole; a link; anything outside the folder.

use super::drop_folder::WHOLE;
use crate::own_files;
use net::time::{Duration, sleep};
use net::{Clock, Stop};
use rustix::fs::OFlags;
use smtpd::Door;
use smtpd::batch::{HandedIn, Patience, Step};
use std::collections::BTreeMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Between two looks; an empty folder costs nothing.
const PAUSE: Duration = Duration::from_secs(2);
/// How many looks a file is left alone that could not enter.
const LOOKS: u32 = 30;
/// Octets that are read at once.
const PIECE: usize = 256 * 1024;
/// Files of one look; the others have theirs.
const FILES: usize = 1_000;
/// After so long a file that was never marked is somebody's torn write.
const TORN_AFTER_S: i64 = 24 * 3_600;
/// What the count of messages that are done is called behind the name of its file.
const DONE: &str = "done";

/// What this needs of the house.
pub struct Taking<D> {
    pub folder: PathBuf,
    /// The door that messages come in by, as it is now.
    pub door: D,
    pub clock: Clock,
    /// After how long what cannot enter is given up.
    pub lifetime: Duration,
}

impl<D: Fn() -> Arc<Door>> Taking<D> {
    /// Looks until `stop`.
    pub async fn run(self, stop: &Stop) {
        let mut resting: BTreeMap<PathBuf, u32> = BTreeMap::new();
        while !stop.is_stopped() {
            resting.retain(|_, looks| {
                *looks -= 1;
                *looks > 0
            });
            for path in self.files() {
                if stop.is_stopped() {
                    return;
                }
                if !resting.contains_key(&path) && self.take(&path).await == Taken::Later {
                    resting.insert(path, LOOKS);
                }
            }
            tokio::select! {
                biased;
                () = stop.stopped() => {}
                () = sleep(PAUSE) => {}
            }
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) => {
                tracing::debug!(target: "post", %error, "cannot look into the drop folder");
                return Vec::new();
            }
        };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let paths = paths.filter(|path| path.extension().is_none());
        let mut paths: Vec<PathBuf> = paths.take(FILES).collect();
        paths.sort();
        paths
    }

    async fn take(&self, path: &Path) -> Taken {
        let (mut file, facts) = match open(path) {
            Ok(opened) => opened,
            Err(error) => {
                tracing::warn!(target: "post", path = %path.display(), %error, "cannot be taken in");
                return Taken::Later;
            }
        };
        let age_s = self.clock.now().seconds() - facts.mtime();
        if !facts.is_file() || facts.nlink() != 1 {
            tracing::warn!(target: "post", path = %path.display(), uid = facts.uid(), "is no file of a message");
            return Taken::Later;
        }
        if facts.mode() & WHOLE == 0 {
            if age_s > TORN_AFTER_S {
                self.remove(path);
            }
            return Taken::Later;
        }
        let lifetime_s = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let patience = match age_s > lifetime_s {
            true => Patience::IsOver,
            false => Patience::Waits,
        };
        let count = beside(path);
        let mut batch = HandedIn::new((self.door)(), facts.uid(), done(&count), patience);
        let mut octets = vec![0; PIECE];
        loop {
            match batch.step().await {
                Step::More => match file.read(&mut octets) {
                    Ok(0) if batch.is_ended() => break,
                    Ok(0) => batch.end(),
                    Ok(read) => batch.receive(&octets[..read]),
                    Err(error) => {
                        tracing::error!(target: "post", path = %path.display(), %error, "cannot read");
                        return Taken::Later;
                    }
                },
                Step::Done(number) => {
                    if let Err(error) = own_files::write_text(&count, &number.to_string()) {
                        tracing::error!(target: "post", %error, "what is done cannot be noted");
                    }
                }
                Step::Later(why) => {
                    let uid = facts.uid();
                    tracing::info!(target: "post", uid, why, "a message in the drop folder waits");
                    return Taken::Later;
                }
                Step::Wrong(wrong) => {
                    // its owner marked it as whole himself
                    tracing::warn!(target: "post", uid = facts.uid(), %wrong, "a file in the drop folder is no batch, and was removed");
                    break;
                }
            }
        }
        self.remove(path);
        Taken::Yes
    }

    fn remove(&self, path: &Path) {
        for one in [path.to_owned(), beside(path)] {
            if let Err(error) = own_files::remove_if_there(&one) {
                tracing::error!(target: "post", %error, "what was taken in cannot be removed");
            }
        }
    }
}

#[derive(PartialEq, Eq)]
enum Taken {
    Yes,
    Later,
}

/// Never waits, and never follows a link.
fn open(path: &Path) -> std::io::Result<(File, Metadata)> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let flags = i32::try_from(flags).map_err(std::io::Error::other)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    let facts = file.metadata()?;
    Ok((file, facts))
}

fn beside(path: &Path) -> PathBuf {
    path.with_extension(DONE)
}

/// Messages of the file that are done.
fn done(count: &Path) -> u64 {
    let text = own_files::read_if_there(count).ok().flatten();
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}
