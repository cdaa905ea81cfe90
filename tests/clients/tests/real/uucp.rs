//! The names under which mail comes by UUCP, called as `uuxqt` calls them: good input, and bad input of
//! each kind with the exit code that `uuxqt` reads, in one table.
//!
//! What never happens here: a link; that is in the networks of servers.

use clients::server::Account;
use clients::{Imap, Program, Server, server};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const FROM: &str = "From eve Mon Nov 23 01:20:09 2026 remote from alpha\n";
const HEAD: &str = "MAIL FROM:<eve@alpha.test>\nRCPT TO:<alice@example.test>\nDATA\n";

const BATCH_NAMES: [&str; 4] = ["rsmtp", "rcsmtp", "rgsmtp", "rbsmtp"];
/// 8 MiB, what the program itself keeps in tables included.
const LITTLE_MEMORY: &str = "ulimit -d 8192 && exec $0";

/// The programs, as a neighbour's jobs start them.
struct Jobs {
    /// None while it is away.
    server: Option<Server>,
    data: PathBuf,
    place: tempfile::TempDir,
}

impl Jobs {
    fn new() -> Jobs {
        let server = Server::start();
        Jobs::of(server.data.clone(), Some(server))
    }

    /// With a drop folder, and nobody who takes anything.
    fn alone() -> Jobs {
        let mut jobs = Jobs::of(PathBuf::new(), None);
        jobs.data = jobs.place.path().join("data");
        jobs.settings();
        std::fs::create_dir_all(jobs.folder()).unwrap();
        jobs
    }

    fn of(data: PathBuf, server: Option<Server>) -> Jobs {
        let place = tempfile::tempdir().unwrap();
        for name in ["rmail"].iter().chain(&BATCH_NAMES) {
            std::os::unix::fs::symlink(server::binary(), place.path().join(name)).unwrap();
        }
        let jobs = Jobs {
            server,
            data,
            place,
        };
        jobs.settings();
        jobs
    }

    fn settings(&self) {
        let text = format!(
            "data = \"{}\"\n[mail]\nmessage_size = \"1200 KiB\"\n[local]\ntrusted = [\"*\"]\n",
            self.data.display()
        );
        std::fs::write(self.place.path().join("whimbrel.toml"), text).unwrap();
    }

    fn folder(&self) -> PathBuf {
        self.data.join("drop")
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("because it is not away")
    }

    fn imap(&self, who: fn(&Server) -> &Account) -> Imap {
        self.server().imap(who(self.server()))
    }

    /// No file stays in the drop folder, and alice has nothing with this subject.
    fn nothing_is_left(&self, subject: &str) {
        let deadline = Instant::now() + PATIENCE;
        while std::fs::read_dir(self.folder()).unwrap().count() > 0 {
            assert!(Instant::now() < deadline, "a file stays");
            std::thread::yield_now();
        }
        let mut alice = self.imap(Server::alice);
        let found = alice.search(&format!("HEADER Subject {subject}"));
        assert_eq!(found, [0_u32; 0]);
    }

    /// The exit code, and what was said.
    fn run(&self, name: &str, words: &[&str], input: &[u8]) -> (Option<i32>, String) {
        let program = self.place.path().join(name);
        self.started(Command::new(program).args(words), input)
    }

    /// The same, where the command line is a shell's, and `$0` the program.
    fn shell(&self, line: &str, name: &str, input: &[u8]) -> (Option<i32>, String) {
        let program = self.place.path().join(name);
        let mut shell = Command::new("sh");
        self.started(shell.args(["-c", line]).arg(program), input)
    }

    fn started(&self, command: &mut Command, input: &[u8]) -> (Option<i32>, String) {
        let began = Instant::now();
        let mut child = command
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
        assert!(began.elapsed() < PATIENCE, "{command:?} took too long");
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
    let text = jobs.server().arrived("by-rmail");
    assert!(
        text.starts_with("Return-Path: <eve@alpha.uucp>\r\n"),
        "{text}"
    );
    assert!(text.contains("Received: from alpha.uucp"), "{text}");
    // one of two: the other has it, and the sender is told, not the neighbour
    let from = "From bob@example.test Mon Nov 23 01:20:09 2026\nSubject: one-of-two\n\nx\n";
    assert_eq!(rmail(&["alice", "nobody@example.test"], from).0, Some(0));
    jobs.server().arrived("one-of-two");
    let mut bob = jobs.imap(Server::bob);
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
        let text = jobs.server().arrived(subject);
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
        jobs.server().arrived(packer);
    }
    // nobody sends through us by a batch, whatever it says of itself
    let through =
        "HELO localhost\nMAIL FROM:<bob@example.test>\nRCPT TO:<x@elsewhere.test>\nDATA\n.\n";
    assert_eq!(run("rsmtp", through.as_bytes()), (Some(0), String::new()));
    let mut bob = jobs.imap(Server::bob);
    let report = bob.awaited("SUBJECT \"could not be delivered\"");
    let report = String::from_utf8(bob.message(report)).unwrap();
    assert!(report.contains("Status: 5.7.1"), "{report}");
}

/// A kind of bad input: what it is, the input, the exit code, and what the line on standard error has.
type Bad = (&'static str, Vec<u8>, i32, &'static str);

fn packed(packer: &'static str, input: impl Into<Vec<u8>>) -> Vec<u8> {
    let program = Program::find(packer).expect("because the build machine has it");
    // compress says with 2 that it got no smaller
    program.arg("-c").input(input).run().out
}

/// What is no message to `rmail`, whoever gets it.
fn bad_messages() -> Vec<Bad> {
    let text = |text: &str| text.as_bytes().to_vec();
    let chain = format!(
        "{FROM}{}Subject: bad\n\nx\n",
        FROM.replacen("From", ">From", 1).repeat(10_000)
    );
    let large = format!("{FROM}Subject: bad\n\n{}", "x\n".repeat(700_000));
    let endless = format!("{FROM}Subject: bad\n\n{}\n", "x".repeat(1_048_600));
    vec![
        ("nothing", Vec::new(), 65, "From_"),
        ("no From_ line", text("Subject: bad\n\nx\n"), 65, "From_"),
        ("a batch", text(HEAD), 65, "From_"),
        ("a packed batch", packed("gzip", HEAD), 65, "From_"),
        (
            "only >From",
            text(">From eve\nSubject: bad\n\n"),
            65,
            "From_",
        ),
        ("nobody", text("From  \nSubject: bad\n\n"), 65, "no sender"),
        (
            "no address",
            text("From a@b@c x\nSubject: bad\n\n"),
            65,
            "a@b@c",
        ),
        ("no end", text("From eve"), 65, "no sender"),
        (
            "a CR for an end",
            text("From eve x\rSubject: bad\r\r"),
            65,
            "no sender",
        ),
        (
            "endless",
            text(&format!("From {}", "x".repeat(1_000_000))),
            65,
            "no end",
        ),
        (
            "a NUL in From_",
            text("From e\0ve x\nSubject: bad\n\n"),
            65,
            "e\0ve",
        ),
        ("a chain", text(&chain), 65, "too many"),
        (
            "a NUL",
            text(&format!("{FROM}Subject: bad\n\na\0b\n")),
            65,
            "NUL",
        ),
        ("an endless line", text(&endless), 65, "ine"),
        ("too large", text(&large), 65, "larger"),
    ]
}

/// What is no batch, under any name.
fn bad_batches() -> Vec<Bad> {
    let text = |text: &str| text.as_bytes().to_vec();
    let good = format!("{HEAD}Subject: bad\n\nx\n.\n");
    let and = |more: &str| format!("{good}{more}").into_bytes();
    let cut = |mut packed: Vec<u8>| {
        packed.truncate(packed.len() - 3);
        packed
    };
    let mut odd = packed("gzip", good.clone());
    let middle = odd.len() / 2;
    odd[middle] ^= 0x55;
    let behind = |packed: Vec<u8>| [packed, b"some rubbish behind it".to_vec()].concat();
    let undoubled = format!("{HEAD}Subject: bad\n\n.\nmy text\n{HEAD}\n.\n");
    vec![
        ("nothing", Vec::new(), 65, "no message"),
        (
            "no message",
            text("HELO x.test\nNOOP\nQUIT\n"),
            65,
            "no message",
        ),
        ("a packed nothing", packed("gzip", ""), 65, "no message"),
        (
            "a message",
            text(&format!("{FROM}Subject: bad\n\n")),
            65,
            "\"From\"",
        ),
        ("a NUL", text("\0\0\0\0\n"), 65, "control octet"),
        (
            "CR for line ends",
            text(&good.replace('\n', "\r")),
            65,
            "torn",
        ),
        (
            "an endless command",
            and(&format!("MAIL FROM:<{}", "x".repeat(1_000_000))),
            65,
            "without end",
        ),
        ("no such command", and("MAILFROM:<>\n"), 65, "line 8"),
        (
            "out of order",
            and("RCPT TO:<alice@example.test>\n"),
            65,
            "RCPT does not belong",
        ),
        ("single dots", text(&undoubled), 65, "line 7"),
        ("torn in a command", and(&HEAD[..40]), 65, "torn"),
        (
            "torn in the content",
            and(&format!("{HEAD}x\n")),
            65,
            "torn",
        ),
        ("torn in the dot", and(&format!("{HEAD}x\n.")), 65, "torn"),
        ("a torn gzip", cut(packed("gzip", good.clone())), 65, "torn"),
        (
            "a gzip of a torn one",
            packed("gzip", and(HEAD)),
            65,
            "torn",
        ),
        ("a damaged gzip", odd, 65, "damaged"),
        (
            "more behind a gzip",
            behind(packed("gzip", good.clone())),
            65,
            "damaged",
        ),
        (
            "more behind a bzip2",
            behind(packed("bzip2", good.clone())),
            65,
            "damaged",
        ),
        (
            "a torn bzip2",
            cut(packed("bzip2", good.clone())),
            65,
            "torn",
        ),
        (
            "a torn compress",
            packed("compress", good)[..4].to_vec(),
            65,
            "torn",
        ),
        (
            "a compress of 31 bits",
            b"\x1f\x9d\xffxxxx".to_vec(),
            65,
            "damaged",
        ),
        ("freeze", b"\x1f\x9ffrozen".to_vec(), 65, "freeze"),
        ("old freeze", b"\x1f\x9efrozen".to_vec(), 65, "freeze"),
    ]
}

#[test]
fn bad_input_of_each_kind_ends_with_its_code_and_leaves_nothing() {
    let jobs = Jobs::new();
    let check = |name: &str, words: &[&str], (what, input, code, says): &Bad| {
        let (got, said) = jobs.run(name, words, input);
        assert_eq!(got, Some(*code), "{name}, {what}: {said}");
        let line = format!("{name}: ");
        let is_line = said.starts_with(&line) && said.contains(says) && said.len() < 2_000;
        assert!(is_line, "{name}, {what}: {said}");
    };
    for bad in &bad_messages() {
        check("rmail", &["alice@example.test"], bad);
    }
    let message = format!("{FROM}Subject: bad\n\nx\n").into_bytes();
    for (words, code, says) in [
        (&[][..], 64, "no recipient"),
        (&["-x", "alice"], 64, "-x"),
        (&["a@b@c"], 65, "a@b@c"),
        (&["nobody@example.test"], 67, "No such user"),
        (&["delta!bob"], 68, "delta"),
        // nobody sends through us who may not
        (&["bob@elsewhere.test"], 77, "elsewhere.test"),
        (&["bob%elsewhere.test@example.test"], 77, "elsewhere"),
        (&["x!bob@elsewhere.test"], 77, "elsewhere"),
    ] {
        check("rmail", words, &("recipients", message.clone(), code, says));
    }
    let batches = bad_batches();
    for name in BATCH_NAMES {
        for bad in &batches {
            check(name, &[], bad);
        }
        check(name, &["alice"], &("a word", HEAD.into(), 64, "alice"));
    }
    jobs.nothing_is_left("bad");
}

#[test]
fn a_bomb_ends_at_the_bound_in_little_memory() {
    let jobs = Jobs::new();
    let bomb = [HEAD.as_bytes(), &vec![b'x'; 300_000_000]].concat();
    for packer in ["gzip", "compress"] {
        let (got, said) = jobs.shell(LITTLE_MEMORY, "rsmtp", &packed(packer, bomb.clone()));
        assert_eq!(got, Some(65), "{packer}: {said}");
        assert!(said.contains("more than is allowed"), "{packer}: {said}");
    }
    jobs.nothing_is_left("bad");
    // nor does what cannot be packed stay in memory
    let mut state = 1_u32;
    let mut lines = format!("{HEAD}Subject: large\n\n");
    while lines.len() < 30_000_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        lines += &format!("{state:08x}{}\n", state ^ 0x5555);
    }
    let large = packed("gzip", lines + ".\n");
    assert!(large.len() > 10_000_000);
    let done = jobs.shell(LITTLE_MEMORY, "rsmtp", &large);
    assert_eq!(done, (Some(0), String::new()));
    jobs.server().arrived("large");
}

#[test]
fn what_is_bad_in_one_message_of_a_batch_does_not_cost_the_others() {
    let jobs = Jobs::new();
    let good = |subject: &str| format!("{HEAD}Subject: {subject}\n\nx\n.\n");
    let from_bob = "MAIL FROM:<bob@example.test>";
    let to = "RCPT TO:<alice@example.test>\nDATA\nSubject: bad\n\nx\n.\n";
    let batch = format!(
        "{}{from_bob} SIZE=x\n{to}{}{from_bob}\nRCPT TO:<a lice@example.test>\nDATA\n\n.\n{}",
        good("good-one"),
        good("good-two"),
        good("good-three"),
    );
    assert_eq!(
        jobs.run("rsmtp", &[], batch.as_bytes()),
        (Some(0), String::new())
    );
    let lost = format!("MAIL FORM:<bob@example.test>\n{to}{}", good("good-four"));
    let (code, said) = jobs.run("rgsmtp", &[], &packed("gzip", lost));
    assert_eq!(code, Some(65), "{said}");
    assert!(
        said.contains("in line 1\n") && said.contains(" 1 taken"),
        "{said}"
    );
    for subject in ["good-one", "good-two", "good-three", "good-four"] {
        jobs.server().arrived(subject);
    }
    jobs.nothing_is_left("bad");
    let mut bob = jobs.imap(Server::bob);
    let reports = bob.search("SUBJECT \"could not be delivered\"");
    assert_eq!(reports.len(), 2);
}

#[test]
fn without_a_server_what_comes_waits_and_without_room_the_job_does() {
    let jobs = Jobs::alone();
    let text = "x\n".repeat(10_000);
    let message = format!("{FROM}Subject: away\n\n{text}").into_bytes();
    let batch = format!("{HEAD}Subject: away\n\n{text}.\n").into_bytes();
    let both = |line: &str| {
        let rmail = jobs.shell(&line.replace("$0", "$0 alice"), "rmail", &message);
        [rmail, jobs.shell(line, "rsmtp", &batch)]
    };
    for done in both("exec $0") {
        assert_eq!(done, (Some(0), String::new()));
    }
    assert_eq!(std::fs::read_dir(jobs.folder()).unwrap().count(), 2);
    let mut without_room = both(&full_disk(&jobs.folder())).to_vec();
    if without_room[0].1.contains("unshare: ") {
        println!("no disk can be made full here: {}", without_room[0].1);
        without_room.clear();
    }
    for (_, said) in &without_room {
        assert!(said.ends_with("\n0 files\n"), "{said}");
    }
    // nor where there is no place at all
    std::fs::remove_dir_all(jobs.folder()).unwrap();
    without_room.extend(both("exec $0"));
    for (code, said) in without_room {
        assert_eq!(code, Some(75), "{said}");
        assert!(said.contains("cannot be written"), "{said}");
    }
}

/// Runs the program where the folder has room for two pages, and says how many files are left.
fn full_disk(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "exec unshare --map-root-user --mount sh -c 'mount -t tmpfs -o size=8k none {folder} && $0; \
         code=$?; echo $(ls -A {folder} | wc -l) files >&2; exit $code' \"$0\""
    )
}
