//! Where the control socket lies: in the data folder, however long its path is.
//!
//! The system takes 107 octets for the path of a socket. A folder whose path is longer is opened, and
//! the socket is named through that (`/proc/self/fd/N/control.sock`). What never happens here: the
//! socket itself, a look into the store.

use crate::Outcome;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const NAME: &str = "control.sock";
/// What `sockaddr_un` has room for, with the zero at its end.
const PATH_BYTES: usize = 107;

/// The control socket's path; good as long as the value lives.
pub struct Place {
    pub path: PathBuf,
    _folder: Option<File>,
}

/// In this data folder.
pub fn control(data: &Path) -> Outcome<Place> {
    let path = data.join(NAME);
    if path.as_os_str().as_bytes().len() <= PATH_BYTES {
        return Ok(Place {
            path,
            _folder: None,
        });
    }
    let cannot = |error| format!("cannot open the data folder {}: {error}", data.display());
    let folder = File::open(data).map_err(cannot)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    if !short.exists() {
        return Err(format!(
            "the path {} is longer than the {PATH_BYTES} octets that a socket may have, and there \
             is no /proc to shorten it: use a shorter --data, such as a symbolic link to the folder",
            path.display()
        ));
    }
    Ok(Place {
        path: short.join(NAME),
        _folder: Some(folder),
    })
}

/// Whose the data folder is.
pub fn owner(data: &Path) -> Outcome<u32> {
    let cannot = |error| format!("cannot look at the data folder {}: {error}", data.display());
    Ok(std::fs::metadata(data).map_err(cannot)?.uid())
}
