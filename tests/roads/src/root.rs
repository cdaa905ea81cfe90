//! A program in a root of its own: the machine's system with Debian's packages laid over it, as if
//! they were installed, in the network of one host.
//!
//! What it writes is kept in memory and goes with it, except in `/share`, which the test sees as
//! well. What never happens here: a change to the machine's own files.

use crate::namespaces::Host;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// `$0` the packages, `$1` the host's folder; the rest is the program. The shell stays as the first
/// process of its process namespace: when it is killed, everything in it is.
const IN_ROOT: &str = "\
packages=$0 folder=$1
shift
mkdir -p $folder/system $folder/share
mount -t tmpfs none $folder/system
mkdir $folder/system/upper $folder/system/work $folder/system/root
root=$folder/system/root
cp -a $packages/. $folder/system/upper/
mount -t overlay none -o lowerdir=/,upperdir=$folder/system/upper,workdir=$folder/system/work $root
mount --rbind /dev $root/dev
mount -t proc none $root/proc
mount -t tmpfs none $root/run
mount -t tmpfs none $root/tmp
chmod 1777 $root/tmp
mkdir -p $root/share
mount --bind $folder/share $root/share
rm -f $root/etc/resolv.conf
cp -r $folder/etc/. $root/etc/
chroot $root /bin/sh -e /etc/roads-prepare
chroot $root \"$@\"
status=$?
exit $status
";

/// A program that ends when this does.
#[derive(Debug)]
pub struct Running {
    child: Child,
    pub log: PathBuf,
}

/// What a program in a root of its own needs.
pub struct Root<'a> {
    pub host: &'a Host,
    /// The host's folder: `etc` is laid over `/etc`, `share` is `/share`.
    pub folder: PathBuf,
    /// Which packages.
    pub packages: &'a str,
    /// Shell commands in the root, before the program.
    pub prepare: &'a str,
}

impl Root<'_> {
    /// Writes a file below `/etc`.
    pub fn etc(&self, name: &str, text: &str) {
        write(&self.folder.join("etc").join(name), text);
    }

    pub fn start(&self, program: &[&str]) -> Running {
        self.etc("roads-prepare", self.prepare);
        std::fs::create_dir_all(self.folder.join("share")).expect("because the folder is ours");
        let mut command = in_space(&self.host.space);
        command.args(["unshare", "--mount", "--pid", "--fork", "--kill-child"]);
        command.args(["/bin/sh", "-e", "-c", IN_ROOT]);
        command
            .arg(packages(self.packages))
            .arg(&self.folder)
            .args(program);
        Running::start(command, self.folder.join("share/log"))
    }
}

impl Running {
    /// What it prints goes to `log`.
    pub fn start(mut command: Command, log: PathBuf) -> Running {
        let file = File::options().create(true).append(true).open(&log);
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let also = file
            .try_clone()
            .expect("because there are descriptors left");
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(also)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Running { child, log }
    }

    /// Panics with what it said when it has ended.
    pub fn must_run(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            panic!("ended with {status}:\n{said}");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command in the network of a host; it is killed when the test's thread ends.
pub fn in_space(space: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "ip", "netns", "exec", space]);
    command
}

/// The folder with Debian's packages that `cargo xtask` made.
pub fn packages(name: &str) -> PathBuf {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/roads");
    let all = std::env::var_os("WHIMBREL_ROADS").map_or_else(usual, PathBuf::from);
    let all = all.canonicalize().unwrap_or(all);
    all.join(name)
}

pub fn write(path: &Path, text: impl AsRef<[u8]>) {
    let folder = path.parent().expect("because a file lies in a folder");
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
