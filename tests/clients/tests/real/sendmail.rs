//! The programs of a Unix machine that hand in mail by `sendmail`: cron's words, mutt, mailx, git and
//! PHP; with the server there, and while it is away.
//!
//! What never happens here: a program of the product's own but the binary.

use clients::{Program, Server, server};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A folder with a `sendmail` that finds the server of this data folder.
pub(super) struct Machine {
    pub place: tempfile::TempDir,
}

impl Machine {
    pub fn new(data: &Path) -> Machine {
        let place = tempfile::tempdir().unwrap();
        let config = place.path().join("whimbrel.toml");
        std::fs::write(&config, format!("data = \"{}\"\n", data.display())).unwrap();
        let script = format!(
            "#!/bin/sh\nWHIMBREL_CONFIG={} exec {} sendmail \"$@\"\n",
            config.display(),
            server::binary().display()
        );
        let sendmail = place.path().join("sendmail");
        std::fs::write(&sendmail, script).unwrap();
        std::fs::set_permissions(&sendmail, std::fs::Permissions::from_mode(0o755)).unwrap();
        Machine { place }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub fn sendmail(&self) -> String {
        self.path("sendmail").display().to_string()
    }

    /// Its exit code, and what it said.
    pub fn run(&self, words: &[&str], input: &[u8]) -> (Option<i32>, String) {
        let (code, _, said) = self.says(words, input);
        (code, said)
    }

    /// The same, with standard output before the errors.
    pub fn says(&self, words: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
        let mut child = Command::new(self.path("sendmail"))
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // who is refused by its words does not read
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input);
        let output = child.wait_with_output().unwrap();
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }
}

#[test]
fn what_cron_says_reaches_whoever_is_root() {
    let server = Server::start();
    let machine = Machine::new(&server.data);
    // as Debian's cron writes and calls
    let mail = b"From: root (Cron Daemon)\nTo: alice\nSubject: cron-words\n\nout\n.\nput\n";
    let words = ["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "alice"];
    assert_eq!(machine.run(&words, mail), (Some(0), String::new()));
    let text = server.arrived("cron-words");
    assert!(
        text.contains("From: root@example.test (Cron Daemon)\r\n"),
        "{text}"
    );
    assert!(text.contains("To: alice@example.test\r\n"), "{text}");
    assert!(text.ends_with("out\r\n.\r\nput\r\n"), "{text}");
    assert!(text.contains("handed in by uid "), "{text}");
}

#[test]
fn what_cannot_be_sent_ends_with_the_code_that_callers_know() {
    let server = Server::start();
    let machine = Machine::new(&server.data);
    let code = |words: &[&str], input: &[u8]| machine.run(words, input);
    let (got, said) = code(&["nobody-here", "alice"], b"Subject: one-of-two\n\n");
    assert_eq!(got, Some(67));
    assert!(said.contains("No such user"), "{said}");
    // the other has it
    server.arrived("one-of-two");
    assert_eq!(code(&[], b"x\n").0, Some(64));
    assert_eq!(code(&["-t"], b"Subject: x\n\n").0, Some(64));
    assert_eq!(code(&["-z", "alice"], b"").0, Some(64));
    assert_eq!(code(&["-t"], b"To: <alice\n\n").0, Some(65));
    assert_eq!(code(&["alice"], b"Subject: nul\n\na\0b\n").0, Some(65));
    // and with -oem the sender is told by mail
    let words = ["-oem", "-f", "alice@example.test", "nobody-here"];
    assert_eq!(code(&words, b"Subject: x\n\n"), (Some(67), String::new()));
    let text = server.arrived("delivered");
    assert!(text.contains("nobody-here@example.test"), "{text}");
}

#[test]
fn while_the_server_is_away_mail_waits_in_the_drop_folder() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let server = server::Start::on(&data).start();
    let machine = Machine::new(&data);
    drop(server.stop());
    let words = ["-t", "-i"];
    let mail = b"To: alice\nSubject: dropped\n\n.dot\n";
    assert_eq!(machine.run(&words, mail), (Some(0), String::new()));
    let folder = data.join("drop");
    let mode = std::fs::metadata(&folder).unwrap().mode();
    assert_eq!(mode & 0o1777, 0o1733);
    let files = || std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(files(), 1);
    // what its writer has not finished is nobody's mail
    std::fs::write(folder.join("unfinished"), "MAIL FROM:<>\r\n").unwrap();
    let server = server::Start::on(&data).start();
    let text = server.arrived("dropped");
    assert!(text.ends_with("\r\n\r\n.dot\r\n"), "{text}");
    let deadline = Instant::now() + PATIENCE;
    while files() != 1 {
        assert!(Instant::now() < deadline, "the file stays");
        std::thread::yield_now();
    }
    // and by the running server as well: a file of two messages
    let batch = "MAIL FROM:<alice@localhost>\r\nRCPT TO:<alice@localhost>\r\nDATA\r\n\
                 Subject: first\r\n\r\n.\r\n";
    let batch = format!("{batch}{}", batch.replace("first", "second"));
    std::fs::write(folder.join("two"), batch).unwrap();
    let whole = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(folder.join("two"), whole).unwrap();
    server.arrived("second");
    server.arrived("first");
}

#[test]
fn mutt_hands_in() {
    let server = Server::start();
    let machine = Machine::new(&server.data);
    let rc = machine.path("muttrc");
    let settings = format!(
        "set sendmail=\"{} -oem -oi\"\nset copy=no\n",
        machine.sendmail()
    );
    std::fs::write(&rc, settings).unwrap();
    let Some(mutt) = Program::find("mutt") else {
        return;
    };
    let run = mutt
        .args(&["-n", "-F"])
        .arg(&rc)
        .args(&["-s", "by-mutt", "alice@example.test"])
        .env("HOME", machine.place.path())
        .input("from mutt\n");
    run.run().well();
    assert!(server.arrived("by-mutt").contains("from mutt\r\n"));
}

#[test]
fn mailx_hands_in() {
    let server = Server::start();
    let machine = Machine::new(&server.data);
    let Some(mailx) = Program::find("s-nail") else {
        return;
    };
    let run = mailx
        .args(&["-n", "-s", "by-mailx", "-S"])
        .arg(format!("mta={}", machine.sendmail()))
        .arg("alice")
        .env("HOME", machine.place.path())
        .input("from mailx\n");
    run.run().well();
    assert!(server.arrived("by-mailx").contains("from mailx\r\n"));
}

#[test]
fn php_hands_in() {
    let server = Server::start();
    let machine = Machine::new(&server.data);
    let Some(php) = Program::find("php") else {
        return;
    };
    let call = "exit(mail('alice@example.test', 'by-php', \"from\\r\\nPHP\", 'From: shop@example.test') ? 0 : 1);";
    let run = php
        .arg("-d")
        .arg(format!("sendmail_path={} -t -i", machine.sendmail()))
        .args(&["-r", call]);
    run.run().well();
    let text = server.arrived("by-php");
    assert!(
        text.contains("From: shop@example.test\r\n") && text.contains("PHP\r\n"),
        "{text}"
    );
}

#[test]
fn git_sends_its_patches() {
    let server = Server::start();
    let machine = Machine::new(&server.data);
    let patch = machine.path("0001-x.patch");
    let text = "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n\
                From: Alice <alice@example.test>\nDate: Mon, 23 Nov 2026 12:00:00 +0000\n\
                Subject: [PATCH] by-git\n\n---\n x | 1 +\n\n-- \n2.39\n";
    std::fs::write(&patch, text).unwrap();
    let Some(git) = Program::find("git") else {
        return;
    };
    let has_it = Command::new("git").args(["send-email", "--help"]).output();
    let is_there =
        has_it.is_ok_and(|run| !String::from_utf8_lossy(&run.stderr).contains("not a git command"));
    if !is_there {
        println!("git send-email is not installed, so this test shows nothing");
        return;
    }
    let run = git
        .args(&[
            "-c",
            "user.name=Alice",
            "-c",
            "user.email=alice@example.test",
        ])
        .args(&["-c", "sendemail.confirm=never", "send-email", "--quiet"])
        .arg(format!("--smtp-server={}", machine.sendmail()))
        .args(&[
            "--from=Alice <alice@example.test>",
            "--to=alice@example.test",
        ])
        .args(&["--suppress-cc=all"])
        .arg(&patch)
        .env("HOME", machine.place.path())
        .folder(machine.place.path());
    run.run().well();
    let text = server.arrived("by-git");
    assert!(
        text.contains("From: Alice <alice@example.test>\r\n"),
        "{text}"
    );
}
