//! Unix sockets: a name in the file system that programs on this machine connect to.
//!
//! Who may connect is decided by the mode of the socket's file, which is set before anybody can.
//! The file goes when the listener goes; one that a killed server left is taken over, one at which
//! somebody listens is not. What never happens here: a look at any other file.

use crate::limits;
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixStream};

/// Who is at the other end of a Unix socket, as the system says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Credentials {
    pub uid: u32,
    pub gid: u32,
}

impl Credentials {
    /// None if the system does not say.
    pub(crate) fn of(stream: &UnixStream) -> Option<Credentials> {
        let peer = stream.peer_cred().ok()?;
        Some(Credentials {
            uid: peer.uid(),
            gid: peer.gid(),
        })
    }
}

/// The file of a listening socket; removed with it.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and number: another server's file under the same name is left alone.
    identity: (u64, u64),
}

impl SocketFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            // what is left is taken over by the next start
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Listens at `path`, for those whom `mode` lets write to the socket's file.
pub(crate) fn bind(path: &Path, mode: u32) -> io::Result<(UnixListener, SocketFile)> {
    let address = SockAddr::unix(path)?;
    let file_type = fs::symlink_metadata(path).map(|file| file.file_type());
    if file_type.is_ok_and(|kind| kind.is_socket()) {
        remove_if_left(path, &address)?;
    }
    let socket = new_socket()?;
    socket.bind(&address)?;
    let file = SocketFile {
        path: path.to_owned(),
        identity: identity(path)?,
    };
    // nobody can connect before listen, so nobody comes in under another mode
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    socket.listen(limits::BACKLOG)?;
    Ok((UnixListener::from_std(socket.into())?, file))
}

/// Removes the file of a socket at which nobody listens any more.
fn remove_if_left(path: &Path, address: &SockAddr) -> io::Result<()> {
    match new_socket()?.connect(address) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(error),
        _ => Err(ErrorKind::AddrInUse.into()),
    }
}

fn new_socket() -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}
