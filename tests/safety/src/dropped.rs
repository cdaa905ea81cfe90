//! A server that is killed when a file of the drop folder has entered and is about to be removed: the
//! next start removes it, and nothing of it enters twice.
//!
//! strace kills at the very system call, so the moment is always hit. What never happens here: a note of
//! the server's that is read.

use clients::{Program, Server, Start};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
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
