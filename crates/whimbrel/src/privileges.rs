//! Giving up root: a server begins with it to take ports and read keys, and goes on without.
//!
//! Before any thread is started. What never happens here: going on as root.

use crate::Outcome;
use crate::own_files;
use crate::settings::Process;
use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User, geteuid, getgid, getresuid, initgroups, setgid, setuid};
use rustix::process::umask;
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, set_capabilities,
};
use std::ffi::CString;
use std::path::PathBuf;
use store::Fault;

/// Whether programs that the server starts may become another user by the set-user-id bit of their file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewPrivileges {
    Forbidden,
    /// `uux` is the user `uucp`'s, and nobody else can write what `uucico` reads.
    ForUux,
}

/// Becomes the user of the settings if this process is root's. The data folder must be that user's;
/// it and the folders of `sockets` are made if they are not there.
pub fn give_up(
    process: &Process,
    sockets: &[PathBuf],
    new_privileges: NewPrivileges,
) -> Outcome<()> {
    if new_privileges == NewPrivileges::Forbidden {
        rustix::thread::set_no_new_privs(true)
            .map_err(|error| format!("cannot forbid new privileges: {error}"))?;
    }
    // What is written is the server's alone, whatever the shell that starts it thinks.
    umask(0o077.into());
    if !geteuid().is_root() {
        drop_capabilities();
        return Ok(());
    }
    let (user, gid) = owner(process)?;
    let missing = sockets.iter().filter(|folder| !folder.exists());
    for folder in missing.chain([&process.data]) {
        own_files::make_for(folder, user.uid.as_raw(), gid.as_raw(), &user.name)?;
    }
    become_user(&user, gid)?;
    tracing::info!(user = user.name, "gave up root");
    Ok(())
}

/// What this process was given up to now; nothing takes it back.
pub fn new_privileges() -> NewPrivileges {
    match rustix::thread::no_new_privs() {
        Ok(false) => NewPrivileges::ForUux,
        // a system that does not say it is asked for nothing
        Ok(true) | Err(_) => NewPrivileges::Forbidden,
    }
}

/// The login name of a user of this machine.
pub fn name_of(uid: u32) -> Result<Option<String>, Fault> {
    let user = found(User::from_uid(Uid::from_raw(uid)));
    let user = user.map_err(|error| Fault::new("looking up a user of this machine", error))?;
    Ok(user.map(|user| user.name))
}

/// What the system's look-up means: that there is no such user it says in many ways (getpwuid(3)); all
/// else may be otherwise in a moment.
pub fn found(looked_up: Result<Option<User>, Errno>) -> Result<Option<User>, Errno> {
    match looked_up {
        Err(Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM) => Ok(None),
        other => other,
    }
}

/// Who may take low ports without being root, by systemd's grace, needs that no more.
fn drop_capabilities() {
    let none = CapabilitySet::empty();
    let sets = CapabilitySets {
        effective: none,
        permitted: none,
        inheritable: none,
    };
    let dropped = clear_ambient_capability_set().and_then(|()| set_capabilities(None, sets));
    if let Err(error) = dropped {
        tracing::warn!(%error, "cannot give up capabilities");
    }
}

/// Who is to own the data and run the server.
fn owner(process: &Process) -> Outcome<(User, Gid)> {
    let name = &process.user;
    let found = User::from_name(name).map_err(|error| format!("cannot look up {name}: {error}"))?;
    let user = found.ok_or_else(|| {
        format!(
            "there is no user `{name}` to become, and whimbrel does not go on as root: \
             make one with `useradd --system --home-dir {} --shell /usr/sbin/nologin {name}`, \
             or name another with the setting `user`",
            process.data.display()
        )
    })?;
    if user.uid.is_root() {
        return Err(format!(
            "the setting `user` is `{name}`, which is root, and whimbrel does not go on as root: \
             name a user who may do nothing else"
        ));
    }
    let gid = match &process.group {
        None => user.gid,
        Some(name) => {
            let found = Group::from_name(name);
            let found = found.map_err(|error| format!("cannot look up {name}: {error}"))?;
            let advice = "make it with groupadd, or change the setting `group`";
            let group = found.ok_or_else(|| format!("there is no group `{name}`: {advice}"))?;
            group.gid
        }
    };
    Ok((user, gid))
}

fn become_user(user: &User, gid: Gid) -> Outcome<()> {
    let name = &user.name;
    let doing = |what: &str, error: nix::Error| format!("cannot {what} to become {name}: {error}");
    let words = CString::new(name.as_str()).map_err(|error| error.to_string())?;
    // Groups first: without root's rights they cannot be changed any more.
    initgroups(&words, gid).map_err(|error| doing("take the groups", error))?;
    setgid(gid).map_err(|error| doing("take the group", error))?;
    setuid(user.uid).map_err(|error| doing("take the user", error))?;
    let ids = getresuid().map_err(|error| doing("look at the ids", error))?;
    let all_left = [ids.real, ids.effective, ids.saved] == [user.uid; 3] && getgid() == gid;
    assert!(
        all_left && setuid(Uid::from_raw(0)).is_err(),
        "root's rights are still there"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_who_cannot_be_looked_up_now_is_not_one_who_does_not_exist() {
        for there_is_none in [Ok(None), Err(Errno::ENOENT), Err(Errno::ESRCH)] {
            assert!(found(there_is_none).unwrap().is_none());
        }
        for not_now in [
            Errno::EIO,
            Errno::EMFILE,
            Errno::EAGAIN,
            Errno::ECONNREFUSED,
        ] {
            assert_eq!(found(Err(not_now)).unwrap_err(), not_now);
        }
    }
}
