//! Taking in what lies in the drop folder: at the start, and whenever something comes while the server
//! runs.
//!
//! A file goes when its messages are in mailboxes and queue, durably. The commits that put them there
//! note it in the store, so that none enters twice after a crash; the note goes after the file. What never
//! happens here: a file that its owner had not marked as whole; a link; anything outside the folder;
//! trust in what else a user puts there: a name of his is logged with its control characters escaped.

use super::drop_folder::WHOLE;
use crate::own_files;
use net::time::{Duration, sleep};
use net::{Clock, Stop};
use post::DroppedFile;
use rustix::fs::OFlags;
use smtpd::Door;
use smtpd::batch::{self, HandedIn, Patience, Step};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uucp::limits::BATCH_BYTES;

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
/// How many times larger than a message or a batch a file of ours can be: line ends and dots grow, and
/// each recipient is a line. What is larger was not written by `sendmail`, and would keep all others
/// waiting.
const GROWS: u64 = 4;
/// The bit of a folder that gives its group to what is made in it.
const GIVES_GROUP: u32 = 0o2000;

/// What this needs of the house.
pub struct Taking<N> {
    pub folder: PathBuf,
    /// The door that messages come in by, and after how long what cannot enter is given up: as they
    /// are now.
    pub now: N,
    pub clock: Clock,
}

/// Files that are left alone, for so many looks.
type Resting = BTreeMap<PathBuf, u32>;

impl<N: Fn() -> (Arc<Door>, Duration) + Send + Sync + 'static> Taking<N> {
    /// Looks until `stop`.
    pub async fn run(self, stop: &Stop) {
        self.forget().await;
        let this = Arc::new(self);
        let mut resting = Resting::new();
        while !stop.is_stopped() {
            let files;
            (files, resting) = this.look(resting).await;
            for path in files {
                if stop.is_stopped() {
                    return;
                }
                let (taking, of, until) = (this.clone(), path.clone(), stop.clone());
                let taking = async move { taking.take(&of, &until).await };
                if alone(&path, taking).await == Taken::Later {
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

    /// A thread of its own looks: a user may have filled the folder with anything.
    async fn look(&self, mut resting: Resting) -> (Vec<PathBuf>, Resting) {
        let (folder, now_s) = (self.folder.clone(), self.clock.now().seconds());
        let looked = tokio::task::spawn_blocking(move || {
            resting.retain(|_, looks| {
                *looks -= 1;
                *looks > 0
            });
            (look(&folder, &resting, now_s), resting)
        });
        looked.await.unwrap_or_default()
    }

    async fn take(&self, path: &Path, stop: &Stop) -> Taken {
        let (file, facts) = match open(path) {
            Ok(opened) => opened,
            Err(error) => {
                tracing::warn!(target: "post", ?path, %error, "cannot be taken in");
                return Taken::Later;
            }
        };
        // it may be another since it was looked at
        if Kind::of(&facts) != Kind::Whole {
            return Taken::Later;
        }
        let (door, lifetime) = (self.now)();
        let most = GROWS.saturating_mul(door.max_message_bytes() + BATCH_BYTES);
        if facts.len() > most || !is_made_in(&self.folder, &facts) {
            tracing::warn!(target: "post", ?path, uid = facts.uid(), "was not left by sendmail, and was removed");
            self.remove(path, &facts).await;
            return Taken::Yes;
        }
        // what is noted of it must be true of what a crash leaves
        if let Err(error) = file.sync_all() {
            tracing::warn!(target: "post", ?path, %error, "cannot be synced");
            return Taken::Later;
        }
        let age_s = self.clock.now().seconds() - facts.mtime();
        let lifetime_s = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        let patience = match age_s > lifetime_s {
            true => Patience::IsOver,
            false => Patience::Waits,
        };
        let dropped = dropped(path, &facts);
        let batch = match HandedIn::new(door, facts.uid(), dropped, patience) {
            Ok(batch) => batch,
            Err(fault) => {
                tracing::error!(target: "post", uid = facts.uid(), %fault, "fault");
                return Taken::Later;
            }
        };
        // what is appended from now on is not read
        let taken = self
            .read(batch, file.take(facts.len()), facts.uid(), stop)
            .await;
        if taken == Taken::Yes {
            self.remove(path, &facts).await;
        }
        taken
    }

    async fn read(&self, mut batch: HandedIn, mut file: impl Read, uid: u32, stop: &Stop) -> Taken {
        let mut octets = vec![0; PIECE];
        loop {
            match batch.step().await {
                Step::More if stop.is_stopped() => return Taken::Later,
                Step::More => match file.read(&mut octets) {
                    Ok(0) if batch.is_ended() => return Taken::Yes,
                    Ok(0) => batch.end(),
                    Ok(read) => {
                        batch.receive(&octets[..read]);
                        // others have work, too
                        tokio::task::yield_now().await;
                    }
                    Err(error) => {
                        tracing::error!(target: "post", uid, %error, "cannot read a file in the drop folder");
                        return Taken::Later;
                    }
                },
                Step::Done(_) => {}
                Step::Later(why) => {
                    tracing::info!(target: "post", uid, why, "a message in the drop folder waits");
                    return Taken::Later;
                }
                Step::Wrong(wrong) => {
                    // its owner marked it as whole himself
                    tracing::warn!(target: "post", uid, %wrong, "a file in the drop folder is no batch, and was removed");
                    return Taken::Yes;
                }
            }
        }
    }

    /// The note goes when the file is gone for good, or a crash could bring back the file alone.
    async fn remove(&self, path: &Path, facts: &Metadata) {
        let there = std::fs::symlink_metadata(path);
        if there.is_ok_and(|there| dropped(path, &there) != dropped(path, facts)) {
            return tracing::info!(target: "post", ?path, "was replaced while it was taken in");
        }
        let gone = own_files::remove_if_there(path).and_then(|()| {
            let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
            synced.map_err(|error| error.to_string())
        });
        match gone {
            Ok(()) => self.forget_one(name_of(path)).await,
            Err(error) => {
                tracing::error!(target: "post", ?error, "what was taken in cannot be removed");
            }
        }
    }

    /// Forgets the files that went when nobody could note it any more.
    async fn forget(&self) {
        let noted = match batch::noted(&(self.now)().0) {
            Ok(noted) => noted,
            Err(fault) => return tracing::error!(target: "post", %fault, "fault"),
        };
        for name in noted {
            let path = self.folder.join(OsString::from_vec(name.clone()));
            let is_gone = std::fs::symlink_metadata(path)
                .is_err_and(|error| error.kind() == ErrorKind::NotFound);
            if is_gone {
                self.forget_one(&name).await;
            }
        }
    }

    async fn forget_one(&self, name: &[u8]) {
        if let Err(fault) = batch::forget(&(self.now)().0, name).await {
            tracing::error!(target: "post", %fault, "fault");
        }
    }
}

/// What is in the folder, by what the system says of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// A file that its owner has marked.
    Whole,
    /// One that he is writing.
    Unmarked,
    Folder,
    /// A link, a pipe, or a file that has another name elsewhere.
    Strange,
}

impl Kind {
    fn of(facts: &Metadata) -> Kind {
        match facts.is_file() && facts.nlink() == 1 {
            true if facts.mode() & WHOLE != 0 => Kind::Whole,
            true => Kind::Unmarked,
            false if facts.is_dir() => Kind::Folder,
            false => Kind::Strange,
        }
    }
}

/// The files of this look. What can be no message takes nobody's place: it is passed by, or removed.
fn look(folder: &Path, resting: &Resting, now_s: i64) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::debug!(target: "post", %error, "cannot look into the drop folder");
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let Ok(facts) = std::fs::symlink_metadata(&path) else {
            continue;
        };
        match Kind::of(&facts) {
            Kind::Whole if !resting.contains_key(&path) => found.push(path),
            Kind::Unmarked if now_s - facts.mtime() > TORN_AFTER_S => remove_alone(&path),
            Kind::Strange => {
                let uid = facts.uid();
                tracing::warn!(target: "post", ?path, uid, "is no file of a message, and was removed");
                remove_alone(&path);
            }
            Kind::Whole | Kind::Unmarked | Kind::Folder => {}
        }
        if found.len() == FILES {
            break;
        }
    }
    found
}

fn remove_alone(path: &Path) {
    if let Err(error) = own_files::remove_if_there(path) {
        tracing::error!(target: "post", ?error, "what is no message cannot be removed");
    }
}

/// Whether it was written in this folder, and is not somebody else's file that was moved there: who owns
/// a file is who sends its messages.
fn is_made_in(folder: &Path, facts: &Metadata) -> bool {
    let around = std::fs::metadata(folder);
    around.is_ok_and(|around| is_of_group(around.mode(), around.gid(), facts.gid()))
}

fn is_of_group(folder_mode: u32, folder_gid: u32, gid: u32) -> bool {
    folder_mode & GIVES_GROUP == 0 || folder_gid == gid
}

fn name_of(path: &Path) -> &[u8] {
    path.file_name().unwrap_or_default().as_bytes()
}

/// What tells it from another file of its name: nobody can set the time of a change back.
fn dropped(path: &Path, facts: &Metadata) -> DroppedFile {
    DroppedFile {
        name: name_of(path).to_vec(),
        inode: facts.ino(),
        changed: (facts.ctime(), facts.ctime_nsec()),
        bytes: facts.len(),
    }
}

#[derive(PartialEq, Eq, Debug)]
enum Taken {
    Yes,
    Later,
}

/// In a task of its own: a bug that one file meets keeps no other waiting.
async fn alone(path: &Path, taking: impl Future<Output = Taken> + Send + 'static) -> Taken {
    tokio::spawn(taking).await.unwrap_or_else(|error| {
        tracing::error!(target: "post", ?path, %error, "taking it in panicked; this is a bug");
        Taken::Later
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn put(folder: &Path, name: &str, mode: u32) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    fn now_s() -> i64 {
        Clock::system().now().seconds()
    }

    #[test]
    fn what_users_put_there_besides_messages_keeps_nobody_waiting() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        // as many as a look takes, and none of them is whole
        for number in 0..FILES {
            put(folder, &format!("u{number}"), 0o600);
        }
        std::fs::create_dir(folder.join("folder")).unwrap();
        let mail = put(folder, "mail", 0o700);
        let rests = put(folder, "rests", 0o700);
        let resting = Resting::from([(rests, 1)]);
        assert_eq!(look(folder, &resting, now_s()), std::slice::from_ref(&mail));
        // nobody finishes what is as old as this
        let later = now_s() + 2 * TORN_AFTER_S;
        assert_eq!(look(folder, &resting, later), [mail]);
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 3);
    }

    #[test]
    fn links_and_pipes_go_and_what_they_lead_to_stays() {
        let place = tempfile::tempdir().unwrap();
        let (folder, other) = (place.path().join("drop"), place.path().join("other"));
        std::fs::create_dir(&folder).unwrap();
        let secret = put(place.path(), "secret", 0o700);
        symlink(&secret, folder.join("link")).unwrap();
        std::fs::hard_link(&secret, &other).unwrap();
        std::fs::hard_link(&secret, folder.join("second-name")).unwrap();
        let pipe = std::process::Command::new("mkfifo")
            .arg(folder.join("pipe"))
            .status();
        assert!(pipe.unwrap().success());
        assert_eq!(
            look(&folder, &Resting::new(), now_s()),
            [""; 0].map(PathBuf::from)
        );
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        assert_eq!(std::fs::read(&secret).unwrap(), b"x");
        // nor does opening one wait for a writer
        let pipe = folder.join("pipe");
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap();
        assert_eq!(Kind::of(&open(&pipe).unwrap().1), Kind::Strange);
    }

    #[tokio::test]
    async fn a_bug_that_one_file_meets_keeps_no_other_waiting() {
        let path = Path::new("mail");
        let broken = alone(path, async { panic!("a bug") }).await;
        assert_eq!(broken, Taken::Later);
        assert_eq!(alone(path, async { Taken::Yes }).await, Taken::Yes);
    }

    #[test]
    fn a_file_is_told_from_another_of_its_name() {
        let place = tempfile::tempdir().unwrap();
        let is = |path: &Path| dropped(path, &std::fs::metadata(path).unwrap());
        let path = put(place.path(), "mail", 0o700);
        let first = is(&path);
        assert_eq!(is(&path), first);
        // as long, and at the same time
        let other = put(place.path(), "other", 0o700);
        std::fs::rename(&other, &path).unwrap();
        assert_ne!(is(&path), first);
    }

    #[test]
    fn a_file_that_was_made_elsewhere_and_moved_here_is_nobodys_message() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        let facts = std::fs::metadata(put(folder, "mail", 0o700)).unwrap();
        assert!(is_made_in(folder, &facts));
        assert!(!is_of_group(0o3733, 7, 8));
        assert!(is_of_group(0o3733, 7, 7));
        // a system may not let us give the group
        assert!(is_of_group(0o1733, 7, 8));
    }
}
