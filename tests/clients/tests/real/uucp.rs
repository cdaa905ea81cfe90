//! The names under which mail comes by UUCP, called as `uuxqt` calls them: good input, and bad input of
//! each kind with the exit code that `uuxqt` reads.
//!
//! What never happens here: a link; that is in the networks of servers.

use clients::{Program, Server, server};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const FROM: &str = "From eve Mon Nov 23 01:20:09 2026 remote from alpha\n";
const HEAD: &str = "MAIL FROM:<eve@alpha.test>\nRCPT TO:<alice@example.test>\nDATA\n";

/// The programs, as a neighbour's jobs start them.
struct Jobs {
    server: Server,
    place: tempfile::TempDir,
}

impl Jobs {
    fn new() -> Jobs {
        let server = Server::start();
        let place = tempfile::tempdir().unwrap();
        let trusted = "[local]\ntrusted = [\"*\"]\n";
        let text = format!("data = \"{}\"\n{trusted}", server.data.display());
        std::fs::write(place.path().join("whimbrel.toml"), text).unwrap();
        for name in ["rmail", "rsmtp", "rcsmtp", "rgsmtp", "rbsmtp"] {
            std::os::unix::fs::symlink(server::binary(), place.path().join(name)).unwrap();
        }
        Jobs { server, place }
    }

    fn folder(&self) -> PathBuf {
        self.server.data.join("drop")
    }

    /// The exit code, and what was said.
    fn run(&self, name: &str, words: &[&str], input: &[u8]) -> (Option<i32>, String) {
        let mut child = Command::new(self.place.path().join(name))
            .args(words)
            .env("WHIMBREL_CONFIG", self.place.path().join("whimbrel.toml"))
            .env("UU_MACHINE", "alpha")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // it may end without reading
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    }
}

#[test]
fn rmail_ends_with_the_code_that_uuxqt_reads() {
    let jobs = Jobs::new();
    let message = format!("{FROM}Subject: by-rmail\n\nx\n");
    let rmail = |words: &[&str], input: &str| jobs.run("rmail", words, input.as_bytes());
    let done = rmail(&["alice@example.test"], &message);
    assert_eq!(done, (Some(0), String::new()));
    let text = jobs.server.arrived("by-rmail");
    assert!(
        text.starts_with("Return-Path: <eve@alpha.uucp>\r\n"),
        "{text}"
    );
    assert!(text.contains("Received: from alpha.uucp"), "{text}");
    let endless = format!("From {}", "x".repeat(1_000_000));
    for (words, input, code, says) in [
        (&[][..], message.as_str(), 64, "no recipient"),
        (&["-x", "alice"], &message, 64, "-x"),
        (&["a@b@c"], &message, 65, "a@b@c"),
        (&["alice"], "Subject: x\n\n", 65, "From_"),
        (&["alice"], "", 65, "From_"),
        (&["alice"], &endless, 65, "no end"),
        (&["nobody@example.test"], &message, 67, "No such user"),
        (&["delta!bob"], &message, 68, "delta"),
        // nobody sends through us who may not
        (&["bob@elsewhere.test"], &message, 77, "elsewhere.test"),
        (
            &["bob%elsewhere.test@example.test"],
            &message,
            77,
            "elsewhere",
        ),
        (&["x!bob@elsewhere.test"], &message, 77, "elsewhere"),
    ] {
        let (got, said) = rmail(words, input);
        assert_eq!(got, Some(code), "{words:?}: {said}");
        assert!(said.starts_with("rmail: ") && said.contains(says), "{said}");
    }
    // one of two: the other has it, and the sender is told, not the neighbour
    let from = "From bob@example.test Mon Nov 23 01:20:09 2026\nSubject: one-of-two\n\nx\n";
    assert_eq!(rmail(&["alice", "nobody@example.test"], from).0, Some(0));
    jobs.server.arrived("one-of-two");
    let mut bob = jobs.server.imap(jobs.server.bob());
    bob.awaited("SUBJECT \"could not be delivered\"");
}

#[test]
fn a_batch_comes_in_as_a_whole_or_not_at_all() {
    let jobs = Jobs::new();
    let message = |subject: &str| format!("{HEAD}Subject: {subject}\n\n..x\n.\n");
    let run = |name: &str, input: &[u8]| jobs.run(name, &[], input);
    let two = format!(
        "HELO localhost\n{}{}QUIT\n",
        message("plain-one"),
        message("plain-two")
    );
    assert_eq!(run("rsmtp", two.as_bytes()), (Some(0), String::new()));
    for subject in ["plain-one", "plain-two"] {
        let text = jobs.server.arrived(subject);
        assert!(text.contains("Received: from alpha.uucp"), "{text}");
        assert!(text.ends_with("\r\n.x\r\n"), "{text}");
    }
    // the name is not believed, and other people's packers are understood
    for (packer, name) in [
        ("gzip", "rcsmtp"),
        ("bzip2", "rbsmtp"),
        ("compress", "rgsmtp"),
    ] {
        let Some(program) = Program::find(packer) else {
            continue;
        };
        let packed = program.arg("-c").input(message(packer)).run();
        // compress says with 2 that it got no smaller
        assert_eq!(run(name, &packed.out), (Some(0), String::new()), "{packer}");
        jobs.server.arrived(packer);
    }
    // nobody sends through us by a batch, whatever it says of itself
    let through =
        "HELO localhost\nMAIL FROM:<bob@example.test>\nRCPT TO:<x@elsewhere.test>\nDATA\n.\n";
    assert_eq!(run("rsmtp", through.as_bytes()), (Some(0), String::new()));
    let mut bob = jobs.server.imap(jobs.server.bob());
    let report = bob.awaited("SUBJECT \"could not be delivered\"");
    let report = String::from_utf8(bob.message(report)).unwrap();
    assert!(report.contains("Status: 5.7.1"), "{report}");
    let gzip = |input: Vec<u8>| {
        let program = Program::find("gzip").expect("because every Debian has it");
        program.arg("-c").input(input).run().well().out
    };
    let bomb = gzip([HEAD.as_bytes(), &vec![b'x'; 300_000_000]].concat());
    let whole = gzip(message("torn").into_bytes());
    let torn = message("torn") + &HEAD[..40];
    let odd = message("torn") + "MAIL FORM:<>\n";
    let endless = format!("{}MAIL FROM:<{}", message("torn"), "x".repeat(1_000_000));
    for (input, says) in [
        (&b""[..], "no message"),
        (torn.as_bytes(), "torn"),
        (odd.as_bytes(), "line 8"),
        (endless.as_bytes(), "without end"),
        (&whole[..whole.len() - 1], "torn"),
        (&bomb, "more than is allowed"),
        (b"\x1f\x9ffrozen", "freeze"),
    ] {
        let (got, said) = run("rbsmtp", input);
        assert_eq!(got, Some(65), "{said}");
        assert!(
            said.starts_with("rbsmtp: ") && said.contains(says),
            "{said}"
        );
    }
    assert_eq!(jobs.run("rsmtp", &["alice"], two.as_bytes()).0, Some(64));
    // nothing of them is left, and nothing came
    let deadline = Instant::now() + PATIENCE;
    while std::fs::read_dir(jobs.folder()).unwrap().count() > 0 {
        assert!(Instant::now() < deadline, "a file stays");
        std::thread::yield_now();
    }
    let mut alice = jobs.server.imap(jobs.server.alice());
    assert_eq!(alice.search("HEADER Subject torn"), [0_u32; 0]);
    // where nothing can be put, the job stays
    std::fs::remove_dir(jobs.folder()).unwrap();
    let (got, said) = run("rsmtp", two.as_bytes());
    assert_eq!(got, Some(75), "{said}");
}
