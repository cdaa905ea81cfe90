//! Looks into the Debian package, installs it in a throw-away root, and runs what is there.
//!
//! What never happens here: a change of this machine; the root is a folder.

use super::{Outcome, links, output, words};
use crate::steps::{Steps, root, target};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What must be there beside the links, as dpkg-deb lists it.
const CONTENTS: &[&str] = &[
    "-rwxr-xr-x root/root ./usr/bin/whimbrel",
    "-rw-r--r-- root/root ./etc/whimbrel/whimbrel.toml",
    "-rw-r--r-- root/root ./usr/lib/systemd/system/whimbrel.service",
    "-rw-r--r-- root/root ./usr/lib/sysusers.d/whimbrel.conf",
    "-rw-r--r-- root/root ./usr/lib/tmpfiles.d/whimbrel.conf",
    "-rw-r--r-- root/root ./usr/share/man/man1/whimbrel.1.gz",
    "-rw-r--r-- root/root ./usr/share/man/man1/whimbrel-serve.1.gz",
    "-rw-r--r-- root/root ./usr/share/bash-completion/completions/whimbrel",
    "-rw-r--r-- root/root ./usr/share/zsh/vendor-completions/_whimbrel",
    "-rw-r--r-- root/root ./usr/share/fish/vendor_completions.d/whimbrel.fish",
    "-rw-r--r-- root/root ./usr/share/doc/whimbrel/settings.md",
];
/// Names that `uuxqt` calls; there are others.
const UUCP_NAMES: usize = 5;
/// No name of the program knows it.
const NO_WORD: &str = "--no-such-word";
/// How each says so.
const EX_USAGE: i32 = 64;
const PATIENCE: Duration = Duration::from_secs(60);

/// One look; each counts as a test.
type Look = (&'static str, fn(&Path, &Path) -> Outcome<()>);
const LOOKS: &[Look] = &[
    ("the package says what it is", says_what_it_is),
    ("the package holds what it should", holds_what_it_should),
    ("systemd understands the unit", unit_is_right),
    ("each name of the program is there, and is it", names_run),
    ("the package installs, and keeps mail when purged", installs),
    ("what was installed serves", serves),
];

pub fn run(steps: &mut Steps, package: &Path) {
    let place = target().join("deb/root");
    for (what, look) in LOOKS {
        match look(package, &place) {
            Ok(()) => {
                println!("  ok   {what}");
                steps.passed(1);
            }
            Err(reason) => steps.failed(what, &reason),
        }
    }
}

fn must(holds: bool, what: impl FnOnce() -> String) -> Outcome<()> {
    if holds { Ok(()) } else { Err(what()) }
}

fn says_what_it_is(package: &Path, _: &Path) -> Outcome<()> {
    let info = words(Command::new("dpkg-deb").arg("--info").arg(package))?;
    for part in [
        "Package: whimbrel",
        concat!("Version: ", env!("CARGO_PKG_VERSION")),
        "Depends: libc6 (>= 2.",
        "Provides: mail-transport-agent",
        "conffiles",
        "md5sums",
        "postinst",
    ] {
        must(info.contains(part), || format!("no “{part}” in\n{info}"))?;
    }
    Ok(())
}

fn holds_what_it_should(package: &Path, place: &Path) -> Outcome<()> {
    unpack(package, place)?;
    let list = words(Command::new("dpkg-deb").arg("--contents").arg(package))?;
    let lines: Vec<String> = list.lines().map(without_size_and_date).collect();
    let links = links(&place.join("usr/bin/whimbrel"))?;
    let links = links
        .iter()
        .map(|(at, target)| format!("lrwxrwxrwx root/root ./{at} -> {target}"));
    let files = CONTENTS.iter().map(|&line| line.to_owned());
    for wanted in files.chain(links) {
        let is_there = lines.contains(&wanted);
        must(is_there, || {
            format!("no “{wanted}” in\n{}", lines.join("\n"))
        })?;
    }
    Ok(())
}

/// Called by its path, each knows its name, and refuses a word that is none of its own.
fn names_run(package: &Path, place: &Path) -> Outcome<()> {
    unpack(package, place)?;
    let links = links(&place.join("usr/bin/whimbrel"))?;
    let programs: Vec<&String> = links
        .iter()
        .map(|(at, _)| at)
        .filter(|at| !at.ends_with(".gz"))
        .collect();
    must(programs.len() > UUCP_NAMES, || format!("only {programs:?}"))?;
    for at in programs {
        let said = Command::new(place.join(at)).arg(NO_WORD).output();
        let said = said.map_err(|error| format!("{at}: {error}"))?;
        let name = at.rsplit('/').next().unwrap_or_default();
        let text = String::from_utf8_lossy(&said.stderr);
        let is_it = said.status.code() == Some(EX_USAGE) && text.starts_with(&format!("{name}: "));
        must(is_it, || format!("{at}: {}: {text}", said.status))?;
    }
    Ok(())
}

/// `-rw-r--r-- root/root 12 2026-11-23 05:00 ./path` has five words before its path.
fn without_size_and_date(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [rights, owner, _, _, _, path @ ..] => format!("{rights} {owner} {}", path.join(" ")),
        _ => line.to_owned(),
    }
}

fn unit_is_right(package: &Path, place: &Path) -> Outcome<()> {
    unpack(package, place)?;
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        println!("       (systemd-analyze is not installed)");
        return Ok(());
    }
    // It looks whether the program is there; the user is made at installation.
    let unit = fs::read_to_string(root().join("packaging/whimbrel.service"));
    let unit = unit.map_err(|error| error.to_string())?;
    let program = place.join("usr/bin/whimbrel");
    let unit = unit.replace("/usr/bin/whimbrel", &program.to_string_lossy());
    let beside = target().join("deb/whimbrel.service");
    fs::write(&beside, unit).map_err(|error| error.to_string())?;
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no"]).arg(&beside);
    let said = verify.output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    must(
        said.status.success() && !text.contains("whimbrel.service"),
        || text,
    )
}

/// A root with nothing in it but what dpkg and the scripts ask for.
fn empty_root(place: &Path) -> Outcome<()> {
    if place.exists() {
        fs::remove_dir_all(place).map_err(|error| error.to_string())?;
    }
    for folder in ["etc", "var/lib/dpkg/info", "var/lib/dpkg/updates"] {
        fs::create_dir_all(place.join(folder)).map_err(|error| error.to_string())?;
    }
    let files = [
        ("etc/passwd", "root:x:0:0::/:/bin/sh\n"),
        ("etc/group", "root:x:0:\n"),
        ("etc/shadow", "root:*:::::::\n"),
        ("etc/gshadow", "root:*::\n"),
        ("var/lib/dpkg/status", ""),
        ("var/lib/dpkg/available", ""),
    ];
    for (name, text) in files {
        fs::write(place.join(name), text).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn unpack(package: &Path, place: &Path) -> Outcome<()> {
    empty_root(place)?;
    let mut command = Command::new("dpkg-deb");
    output(command.arg("--extract").arg(package).arg(place)).map(drop)
}

fn installs(package: &Path, place: &Path) -> Outcome<()> {
    if words(Command::new("id").arg("-u"))? != "0" {
        println!("       (only root can install; unpacked only)");
        return unpack(package, place);
    }
    empty_root(place)?;
    let dpkg = |words: &[&str]| {
        let mut command = Command::new("dpkg");
        command.arg("--root").arg(place);
        // What it depends on is on this machine, not in that root.
        command.args([
            "--force-script-chrootless",
            "--force-depends",
            "--no-triggers",
        ]);
        command.args(words);
        output(&mut command)
    };
    let name = package.to_string_lossy();
    dpkg(&["--install", &name])?;
    let passwd = fs::read_to_string(place.join("etc/passwd")).map_err(|e| e.to_string())?;
    let line = passwd.lines().find(|line| line.starts_with("whimbrel:"));
    let line = line.ok_or("there is no user whimbrel")?;
    let uid = line.split(':').nth(2).unwrap_or_default();
    let data = fs::metadata(place.join("var/lib/whimbrel")).map_err(|e| e.to_string())?;
    must(
        data.uid().to_string() == uid && data.mode() & 0o777 == 0o711,
        || format!("the data folder is {}'s, {:o}", data.uid(), data.mode()),
    )?;
    // A second time is an upgrade; what a person changed stays.
    let settings = place.join("etc/whimbrel/whimbrel.toml");
    fs::write(&settings, "hostname = \"mail.example.org\"\n").map_err(|e| e.to_string())?;
    dpkg(&["--force-confold", "--install", &name])?;
    let kept = fs::read_to_string(&settings).map_err(|e| e.to_string())?;
    must(kept.contains("mail.example.org"), || {
        "the settings are gone".to_owned()
    })?;
    dpkg(&["--purge", "whimbrel"])?;
    must(place.join("var/lib/whimbrel").is_dir(), || {
        "the mail is gone".to_owned()
    })?;
    must(!place.join("usr/bin/whimbrel").exists(), || {
        "the program is there".to_owned()
    })?;
    dpkg(&["--install", &name]).map(drop)
}

/// Ended with this value, however a look ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serves(_: &Path, place: &Path) -> Outcome<()> {
    let program = place.join("usr/bin/whimbrel");
    let config = place.join("etc/whimbrel/whimbrel.toml");
    let mut check = Command::new(&program);
    output(check.args(["config", "check", "--config"]).arg(&config))?;
    let data = std::env::temp_dir().join(format!("whimbrel-package-{}", std::process::id()));
    let text = loopback(&data);
    fs::write(&config, text).map_err(|error| error.to_string())?;
    let served = serve_once(&program, &config);
    // What a failed look leaves is somebody's to read; what a good one leaves is nobody's.
    if served.is_ok() {
        let _ = fs::remove_dir_all(&data);
    }
    served
}

fn loopback(data: &Path) -> String {
    let mut text = format!(
        "hostname = \"mail.example.org\"\nuser = \"nobody\"\ndata = \"{}\"\n",
        data.display()
    );
    for kind in [
        "smtp",
        "submission",
        "submissions",
        "imap",
        "imaps",
        "pop3",
        "pop3s",
        "metrics",
    ] {
        text += &format!("[listen.{kind}]\naddresses = [\"127.0.0.1:0\"]\n");
    }
    text
}

fn serve_once(program: &PathBuf, config: &Path) -> Outcome<()> {
    let mut command = Command::new(program);
    command.args(["serve", "--config"]).arg(config);
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    let mut child = Running(command.spawn().map_err(|error| error.to_string())?);
    let log = child.0.stderr.take().ok_or("no log")?;
    let (mut said, mut at) = (String::new(), None);
    for line in BufReader::new(log).lines().map_while(Result::ok) {
        if let (true, Some((_, address))) = (line.contains("serving SMTP"), line.split_once("at="))
        {
            at = Some(address.trim().to_owned());
        }
        said += &line;
        said += "\n";
        if line.contains(" ready ") {
            break;
        }
    }
    let at = at.ok_or(said)?;
    let mut greeting = [0; 4];
    TcpStream::connect(&at)
        .and_then(|mut stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.read_exact(&mut greeting)
        })
        .map_err(|error| format!("{at}: {error}"))?;
    must(&greeting == b"220 ", || {
        format!("{greeting:?} is no greeting")
    })
}
