//! Whole networks of mail servers: brings Debian's servers, unpacked and not installed, and runs the
//! package `roads`.
//!
//! What never happens here: the tests themselves; a change to what is installed on the machine.

use crate::clients::{is_root, is_there, left_out};
use crate::steps::{Steps, target};
use std::path::PathBuf;
use std::process::Command;

/// A folder and the packages whose files it holds. Postfix and Exim exclude each other, so each has
/// one of its own.
const FOLDERS: &[(&str, &[&str])] = &[
    (
        "dns",
        &["knot", "knot-dnsutils", "unbound", "bind9-dnsutils"],
    ),
    ("postfix", &["postfix"]),
    ("exim", &["exim4-daemon-light"]),
    ("uucp", &["uucp"]),
];

/// `$0` is the folder, the rest are packages. What they need and the machine has not comes too; files
/// below `/lib` and the like go where the machine has these.
const UNPACK: &str = "\
rm -rf \"$0\"
mkdir -p \"$0/debs\"
cd \"$0/debs\"
names=$(apt-get install -s --no-install-recommends \"$@\" | sed -n 's/^Inst \\([^ ]*\\) .*/\\1/p')
names=$(printf '%s\\n' $names \"$@\" | sort -u)
apt-get download -q $names
for package in *.deb; do dpkg -x \"$package\" ..; done
cd ..
rm -rf debs usr/share/doc usr/share/man usr/share/locale
for folder in bin sbin lib lib64; do
    if [ -L /$folder ] && [ -d $folder ]; then
        mkdir -p usr/$folder
        cp -a $folder/. usr/$folder/
        rm -r $folder
    fi
done
touch ready
";

/// Brings what is missing when that is allowed; says what is missing otherwise.
pub fn install_missing(steps: &mut Steps) {
    for (name, packages) in FOLDERS {
        let folder = all().join(name);
        if folder.join("ready").exists() {
            continue;
        }
        if !is_root() || !is_there("apt-get") {
            left_out(steps, &packages.join(" "));
            continue;
        }
        let unpack = || {
            let mut command = Command::new("/bin/sh");
            command
                .args(["-e", "-c", UNPACK])
                .arg(&folder)
                .args(*packages);
            command
        };
        let what = format!("unpack {}", packages.join(" "));
        if unpack().output().is_ok_and(|run| run.status.success()) {
            continue;
        }
        // The list of packages may be old, or not there at all.
        let mut update = Command::new("apt-get");
        update.args(["update", "-q"]);
        steps.command("apt-get update", update);
        steps.command(&what, unpack());
    }
}

/// The tests on the program that the real mail programs were tested with.
pub fn run(steps: &mut Steps, names: &[String]) {
    let binary = target().join("release/whimbrel");
    let (binary, folder) = (binary.to_string_lossy(), all());
    let folder = folder.to_string_lossy();
    // Each test has a network and several servers of its own.
    let env = [
        ("WHIMBREL_BIN", &*binary),
        ("WHIMBREL_ROADS", &*folder),
        ("RUST_TEST_THREADS", "3"),
    ];
    let mut arguments = vec!["-p", "roads", "--"];
    arguments.extend(names.iter().map(String::as_str));
    steps.cargo_test("networks of mail servers", &arguments, &env);
}

pub fn run_alone(steps: &mut Steps, names: &[String]) {
    install_missing(steps);
    let build = ["build", "--release", "-p", "whimbrel"];
    if steps.cargo("release build", &build, &[]) {
        run(steps, names);
    }
}

fn all() -> PathBuf {
    target().join("roads")
}
