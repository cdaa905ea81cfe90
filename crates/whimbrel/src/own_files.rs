//! The program's own files, which are not the store's: settings and keys to read, the passwords of
//! `try`, a self-made certificate and the ready file to write.
//!
//! All are written whole or not at all, and only the owner may read those with secrets. What never
//! happens here: mail.

use crate::Outcome;
use net::{Certificates, Clock};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

const OWNER_ONLY_FOLDER: u32 = 0o700;
/// Others cannot see what is there; they need the name, and rights to what has it.
const PASSES_FOLDER: u32 = 0o711;
/// Everybody may put a file there and nobody list it; files belong to the server's group.
const DROP_FOLDER: u32 = 0o3733;
/// Where the system does not let us set the bit for the group.
const PLAIN_DROP_FOLDER: u32 = 0o1733;
const OWNER_ONLY: u32 = 0o600;

/// An account with the password that `try` gave it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KnownAccount {
    pub address: String,
    pub password: String,
}

/// What `try.json` holds.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TryFile {
    pub accounts: Vec<KnownAccount>,
}

/// The data folder, with the store and a few files beside it.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes it if it is not there yet.
    pub fn make(path: &Path) -> Outcome<Folder> {
        let made = DirBuilder::new()
            .recursive(true)
            .mode(OWNER_ONLY_FOLDER)
            .create(path);
        made.map_err(|error| doing("make the data folder", path, error))?;
        Ok(Folder(path.to_owned()))
    }

    /// Makes it, if it is not there yet, so that users of this machine may pass through to a socket
    /// in it.
    pub fn make_for_users(path: &Path) -> Outcome<Folder> {
        let is_there = path.exists();
        let folder = Folder::make(path)?;
        if !is_there {
            let mode = Permissions::from_mode(PASSES_FOLDER);
            std::fs::set_permissions(path, mode).map_err(|error| doing("open", path, error))?;
        }
        Ok(folder)
    }

    /// Makes the folder where users of this machine leave mail while no server takes it. One that is
    /// there stays as it is.
    pub fn make_drop(&self) -> Outcome<()> {
        let path = drop_in(&self.0);
        if !path.exists() {
            Folder::make(&path)?;
            let mode = |mode| std::fs::set_permissions(&path, Permissions::from_mode(mode));
            let set = mode(DROP_FOLDER).or_else(|_| mode(PLAIN_DROP_FOLDER));
            set.map_err(|error| doing("open", &path, error))?;
        }
        Ok(())
    }

    /// Where the store keeps its files.
    pub fn store(&self) -> PathBuf {
        store_in(&self.0)
    }

    pub fn certificate(&self) -> PathBuf {
        self.0.join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.join("key.pem")
    }

    fn passwords(&self) -> PathBuf {
        self.0.join("try.json")
    }

    /// The passwords of earlier starts; none at the first.
    pub fn read_passwords(&self) -> Outcome<TryFile> {
        let path = self.passwords();
        let Some(text) = read_if_there(&path)? else {
            return Ok(TryFile::default());
        };
        serde_json::from_str(&text).map_err(|error| doing("understand", &path, error))
    }

    pub fn write_passwords(&self, file: &TryFile) -> Outcome<()> {
        write_json(&self.passwords(), file)
    }

    /// The certificate of earlier starts, or a new one for these names; programs that were told to
    /// trust it find it again.
    pub fn certificate_for(&self, names: &[&str], clock: &Clock) -> Outcome<Certificates> {
        let kept = (
            read_if_there(&self.certificate())?,
            read_if_there(&self.key())?,
        );
        let (chain, key) = match kept {
            (Some(chain), Some(key)) => (chain, key),
            _ => {
                let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
                let (chain, key) = net::self_signed(&names, clock.now())
                    .map_err(|error| format!("cannot make a certificate: {error}"))?;
                write_whole(&self.key(), key.as_bytes())?;
                write_whole(&self.certificate(), chain.as_bytes())?;
                (chain, key)
            }
        };
        Certificates::from_pem(&chain, &key)
            .map_err(|error| doing("use the certificate", &self.certificate(), error))
    }
}

/// Makes a folder that is a user's, and that others may pass through; takes one that is root's and empty; refuses one that is
/// somebody else's. For root.
pub fn make_for(path: &Path, uid: u32, gid: u32, name: &str) -> Outcome<()> {
    let there = match std::fs::metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Folder::make_for_users(path)?;
            return chown(path, Some(uid), Some(gid)).map_err(|error| doing("give", path, error));
        }
        Err(error) => return Err(doing("look at", path, error)),
    };
    if there.uid() == uid {
        return Ok(());
    }
    let is_empty = || std::fs::read_dir(path).is_ok_and(|mut folder| folder.next().is_none());
    if there.uid() == 0 && is_empty() {
        return chown(path, Some(uid), Some(gid)).map_err(|error| doing("give", path, error));
    }
    let path = path.display();
    Err(format!(
        "{path} does not belong to {name}: if it is the server's, run `chown -R {name}: {path}`"
    ))
}

/// A file that somebody wrote for us.
pub fn read(path: &Path) -> Outcome<String> {
    std::fs::read_to_string(path).map_err(|error| doing("read", path, error))
}

/// Where the store lies in a data folder.
pub fn store_in(data: &Path) -> PathBuf {
    data.join("store")
}

/// Where the drop folder lies in a data folder.
pub fn drop_in(data: &Path) -> PathBuf {
    data.join("drop")
}

/// Writes JSON that may hold passwords.
pub fn write_json(path: &Path, value: &impl Serialize) -> Outcome<()> {
    let mut text =
        serde_json::to_vec_pretty(value).map_err(|error| doing("put into words", path, error))?;
    text.push(b'\n');
    write_whole(path, &text)
}

/// Removes a file of an earlier start; fine if there is none.
pub fn remove_if_there(path: &Path) -> Outcome<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(doing("remove", path, error)),
        _ => Ok(()),
    }
}

/// None if there is none.
pub fn read_if_there(path: &Path) -> Outcome<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(doing("read", path, error)),
    }
}

/// A reader sees the old file or the new one, never a half.
fn write_whole(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let beside = PathBuf::from(name);
    // What is left of a start that was cut off may have other rights.
    remove_if_there(&beside)?;
    let mut file = create_for_owner(&beside)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&beside, path))
        .map_err(|error| doing("write", path, error))
}

fn create_for_owner(path: &Path) -> Outcome<File> {
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(path);
    opened.map_err(|error| doing("write", path, error))
}

fn doing(what: &str, path: &Path, error: impl Display) -> String {
    format!("cannot {what} {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn keeps_passwords_for_the_owner_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::make(&place.path().join("a/data")).unwrap();
        assert_eq!(folder.read_passwords().unwrap(), TryFile::default());
        let account = KnownAccount {
            address: "a@b".to_owned(),
            password: "x".to_owned(),
        };
        let file = TryFile {
            accounts: vec![account],
        };
        folder.write_passwords(&file).unwrap();
        assert_eq!(folder.read_passwords().unwrap(), file);
        let mode = std::fs::metadata(folder.passwords())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn shows_the_same_certificate_at_the_next_start() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::make(place.path()).unwrap();
        let names = ["mail.example.test"];
        folder.certificate_for(&names, &Clock::system()).unwrap();
        let first = std::fs::read_to_string(folder.certificate()).unwrap();
        folder.certificate_for(&names, &Clock::system()).unwrap();
        assert_eq!(
            std::fs::read_to_string(folder.certificate()).unwrap(),
            first
        );
    }
}
