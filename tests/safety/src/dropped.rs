//! A server that is killed when a file of the drop folder has entered and is about to be removed: the
//! next start removes it, and nothing of it enters twice.
//!
//! strace kills at the very system call, so the moment is always hit. What never happens here: a note of
//! the server's that is read.

use clients::{Program, Server, Start};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
const SUBJECTS: [&str; 3] = ["dropped-one", "dropped-two", "dropped-three"];

/// Drops a file, kills, starts again, and counts. Without strace it shows nothing, which on the build
/// machine is a failure.
pub fn run() {
    if Program::find("strace").is_none() {
        return;
    }
    let place = tempfile::tempdir().expect("because there is room for a folder");
    let data = place.path().join("data");
    Start::on(&data).start().stop();
    let path = data.join("drop/mail");
    put(&path);
    killed_at_removal(&data, &path);
    let server = Start::on(&data).start();
    until("the file goes", || !path.exists());
    has_each_once(&server);
    // what comes later under this name is other mail, however equal it is
    put(&path);
    until("the second file goes", || !path.exists());
    let mut alice = server.imap(server.alice());
    for subject in SUBJECTS {
        let found = alice.search(&format!("HEADER Subject {subject}"));
        assert_eq!(found.len(), 2, "{subject}");
    }
    server.stop();
}

/// Who drops a file has it synced, and its name with it, before it is marked as whole: the owner of the
/// folder by a sync of the folder, anybody else, who may not open that, by one of the file system.
pub fn is_synced_by_its_writer() {
    if Program::find("strace").is_none() {
        return;
    }
    let place = tempfile::tempdir().expect("because there is room for a folder");
    let open = |path: &Path, mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, mode).expect("because it is ours");
    };
    open(place.path(), 0o755);
    let (data, binary) = (place.path().join("data"), place.path().join("whimbrel"));
    std::fs::copy(clients::server::binary(), &binary).expect("because there is room for it");
    Start::on(&data).start().stop();
    open(&data, 0o711);
    let calls = calls_of(&data, &["strace"], &binary);
    let at = |what: &str| calls.iter().position(|call| call.contains(what));
    let (file, folder, mark) = (at("fsync(file"), at("fsync(folder"), at("fchmod("));
    assert!(
        file.is_some() && file < folder && folder < mark,
        "{calls:?}"
    );
    if !rustix::process::geteuid().is_root() {
        println!("only root can become somebody else, so half of this test shows nothing");
        return;
    }
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "strace",
    ];
    let calls = calls_of(&data, &nobody, &binary);
    let at = |what: &str| calls.iter().position(|call| call.contains(what));
    let (file, all, mark) = (at("fsync(file"), at("syncfs("), at("fchmod("));
    assert!(file.is_some() && file < all && all < mark, "{calls:?}");
}

/// What the system is asked to sync and mark while a message is dropped.
fn calls_of(data: &Path, strace: &[&str], binary: &Path) -> Vec<String> {
    let mut words = strace.iter();
    let mut command = Command::new(words.next().expect("because there is a program"));
    command.args(words);
    command.args(["-f", "-qq", "-y", "-e", "signal=none"]);
    command.args(["-e", "trace=fsync,syncfs,fchmod"]);
    command.arg(binary).args(["sendmail", "--data"]).arg(data);
    command.arg("alice").stdin(Stdio::null());
    let done = command.output().expect("because strace is there");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");
    let folder = data.join("drop").display().to_string();
    let short = |line: &str| {
        let call = line.split("] ").last().unwrap_or(line);
        let (name, rest) = call.split_once('(').unwrap_or((call, ""));
        let what = match rest.contains(&format!("<{folder}>")) {
            true => "folder",
            false => "file",
        };
        format!("{name}({what}")
    };
    said.lines().map(short).collect()
}

fn killed_at_removal(data: &Path, path: &Path) {
    let at = path.display().to_string();
    let strace = [
        "strace",
        "-f",
        "-qq",
        "-P",
        &at,
        "-e",
        "trace=unlink,unlinkat",
        "-e",
        "inject=unlink,unlinkat:signal=KILL",
        "-o",
        "/dev/null",
    ];
    let server = Start::on(data).under(&strace).start();
    let pid = server.ready.pid;
    until("the server is killed", || {
        crate::process::usage(pid).is_none()
    });
    assert!(path.exists(), "it was killed too late to show anything");
    drop(server);
}

/// Three messages in one file; of the second one recipient is nobody.
fn put(path: &Path) {
    let message = |subject: &&str| {
        let nobody = match *subject == SUBJECTS[1] {
            true => "RCPT TO:<nobody-at-all@example.test>\r\n",
            false => "",
        };
        format!(
            "MAIL FROM:<bob@example.test>\r\nRCPT TO:<alice@example.test>\r\n{nobody}DATA\r\n\
             Subject: {subject}\r\n\r\nx\r\n.\r\n"
        )
    };
    let batch: String = SUBJECTS.iter().map(message).collect();
    std::fs::write(path, batch).expect("because the folder is ours");
    let whole = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(path, whole).expect("because the file is ours");
}

fn has_each_once(server: &Server) {
    let mut alice = server.imap(server.alice());
    for subject in SUBJECTS {
        let found = alice.search(&format!("HEADER Subject {subject}"));
        assert_eq!(found.len(), 1, "{subject}");
    }
    let mut bob = server.imap(server.bob());
    let told = bob.search("TEXT nobody-at-all@example.test");
    assert_eq!(told.len(), 1, "the sender is told once");
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not in time");
        std::thread::yield_now();
    }
}
