//! The Debian package, made with plain dpkg-deb: `cargo xtask deb`.
//!
//! What goes where stands in one table. What never happens here: anything but the package's making;
//! `check` looks at it.

pub mod check;

use crate::steps::{Steps, root, target};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

type Outcome<T> = Result<T, String>;

/// A file of the repository and its place in the package.
const FILES: &[(&str, &str)] = &[
    ("packaging/whimbrel.toml", "etc/whimbrel/whimbrel.toml"),
    (
        "packaging/whimbrel.service",
        "usr/lib/systemd/system/whimbrel.service",
    ),
    (
        "packaging/whimbrel.sysusers",
        "usr/lib/sysusers.d/whimbrel.conf",
    ),
    (
        "packaging/whimbrel.tmpfiles",
        "usr/lib/tmpfiles.d/whimbrel.conf",
    ),
    ("README.md", "usr/share/doc/whimbrel/README.md"),
    ("CHANGELOG.md", "usr/share/doc/whimbrel/CHANGELOG.md"),
    ("docs/settings.md", "usr/share/doc/whimbrel/settings.md"),
    ("LICENSE-MIT", "usr/share/doc/whimbrel/copyright"),
    (
        "LICENSE-APACHE",
        "usr/share/doc/whimbrel/copyright.Apache-2.0",
    ),
];
/// What a shell reads, and where.
const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "usr/share/bash-completion/completions/whimbrel"),
    ("zsh", "usr/share/zsh/vendor-completions/_whimbrel"),
    ("fish", "usr/share/fish/vendor_completions.d/whimbrel.fish"),
];
/// Where programs that were written before 1990 look for it.
const OLD_SENDMAIL: (&str, &str) = ("usr/lib/sendmail", "../sbin/sendmail");
const MANUAL: &str = "usr/share/man/man1";
/// Scripts that dpkg runs.
const SCRIPTS: &[&str] = &["postinst", "prerm", "postrm"];

/// Makes the package of this program, or of the one that is built first.
pub fn run(steps: &mut Steps, binary: Option<&Path>) -> Option<PathBuf> {
    let build = ["build", "--release", "-p", "whimbrel"];
    if binary.is_none() && !steps.cargo("release build", &build, &[]) {
        return None;
    }
    let built = target().join("release/whimbrel");
    match make(binary.unwrap_or(&built)) {
        Ok(package) => {
            println!("  made {}", package.display());
            steps.passed(1);
            Some(package)
        }
        Err(reason) => {
            steps.failed("the Debian package", &reason);
            None
        }
    }
}

/// Manual pages and completions alone: `cargo xtask man`.
pub fn manual(steps: &mut Steps) {
    let folder = target().join("man");
    let made = make_folder(&folder).and_then(|()| {
        let run = ["run", "--quiet", "-p", "whimbrel", "--", "man"];
        let mut command = Command::new(crate::steps::cargo());
        output(command.args(run).arg(&folder).current_dir(root()))
    });
    match made {
        Ok(_) => println!("  made {}", folder.display()),
        Err(reason) => steps.failed("manual pages", &reason),
    }
}

fn make(binary: &Path) -> Outcome<PathBuf> {
    let version = env!("CARGO_PKG_VERSION");
    let architecture = words(Command::new("dpkg").arg("--print-architecture"))?;
    let name = format!("whimbrel_{version}_{architecture}");
    let stage = target().join("deb").join(&name);
    if stage.exists() {
        fs::remove_dir_all(&stage).map_err(|error| doing("clear", &stage, error))?;
    }
    let program = stage.join("usr/bin/whimbrel");
    install(binary, &program, 0o755)?;
    output(Command::new("strip").arg(&program))?;
    for (from, to) in FILES {
        install(&root().join(from), &stage.join(to), 0o644)?;
    }
    for (shell, to) in COMPLETIONS {
        let text = output(Command::new(&program).args(["completions", shell]))?;
        write(&stage.join(to), &text, 0o644)?;
    }
    manual_pages(&program, &stage.join(MANUAL))?;
    for (at, target) in links(&program)? {
        link(&target, &stage.join(at))?;
    }
    for script in SCRIPTS {
        let from = root().join("packaging/deb").join(script);
        install(&from, &stage.join("DEBIAN").join(script), 0o755)?;
    }
    write(
        &stage.join("DEBIAN/conffiles"),
        b"/etc/whimbrel/whimbrel.toml\n",
        0o644,
    )?;
    let control = control(version, &architecture, &stage)?;
    write(&stage.join("DEBIAN/control"), control.as_bytes(), 0o644)?;
    let sums = "find * -path DEBIAN -prune -o -type f -print | LC_ALL=C sort | xargs md5sum";
    let sums = output(Command::new("sh").args(["-c", sums]).current_dir(&stage))?;
    write(&stage.join("DEBIAN/md5sums"), &sums, 0o644)?;
    let package = target().join("deb").join(format!("{name}.deb"));
    let mut build = Command::new("dpkg-deb");
    build.args(["--root-owner-group", "--build"]);
    output(build.arg(&stage).arg(&package))?;
    Ok(package)
}

/// The links to the program and to its pages, and where each leads: its own table of names says which.
fn links(program: &Path) -> Outcome<Vec<(String, String)>> {
    let table = words(Command::new(program).arg("names"))?;
    let (at, target) = OLD_SENDMAIL;
    let mut links = vec![(at.to_owned(), target.to_owned())];
    for line in table.lines() {
        let row = line.strip_prefix("/usr/").and_then(|line| {
            let (path, page) = line.split_once(' ')?;
            let (folder, name) = path.split_once('/')?;
            Some((folder, name, page))
        });
        let (folder, name, page) = row.ok_or_else(|| format!("cannot read the name {line:?}"))?;
        let target = match folder {
            "bin" => "whimbrel",
            _ => "../bin/whimbrel",
        };
        links.push((format!("usr/{folder}/{name}"), target.to_owned()));
        let page = format!("whimbrel-{page}.1.gz");
        links.push((format!("{MANUAL}/{name}.1.gz"), page));
    }
    Ok(links)
}

fn manual_pages(program: &Path, folder: &Path) -> Outcome<()> {
    make_folder(folder)?;
    output(Command::new(program).arg("man").arg(folder))?;
    let pages = fs::read_dir(folder).map_err(|error| doing("read", folder, error))?;
    for page in pages {
        let page = page.map_err(|error| doing("read", folder, error))?.path();
        output(Command::new("gzip").args(["-9", "-n"]).arg(&page))?;
    }
    Ok(())
}

fn control(version: &str, architecture: &str, stage: &Path) -> Outcome<String> {
    let program = stage.join("usr/bin/whimbrel");
    let bytes = fs::read(&program).map_err(|error| doing("read", &program, error))?;
    let libc = needed_libc(&bytes).ok_or("the program names no version of libc")?;
    let kib = words(Command::new("du").arg("-sk").arg(stage.join("usr")))?;
    let kib = kib.split_whitespace().next().unwrap_or("0").to_owned();
    Ok(format!(
        "Package: whimbrel\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: Whimbrel <postmaster@localhost>\n\
         Installed-Size: {kib}\n\
         Depends: libc6 (>= {}.{}), libgcc-s1, passwd\n\
         Provides: mail-transport-agent\n\
         Conflicts: mail-transport-agent, rmail\n\
         Replaces: mail-transport-agent, rmail\n\
         Section: mail\n\
         Priority: optional\n\
         Description: complete mail server in one program\n \
         Receives mail by SMTP, keeps it in its own store, and hands it out by IMAP\n \
         and POP3. One process, no database or other service beside it.\n",
        libc.0, libc.1
    ))
}

/// The newest `GLIBC_2.n` that the program asks for.
fn needed_libc(program: &[u8]) -> Option<(u32, u32)> {
    const WORD: &[u8] = b"GLIBC_";
    let places = program.windows(WORD.len()).enumerate();
    let versions = places.filter(|(_, window)| *window == WORD).map(|(at, _)| {
        let rest = &program[at + WORD.len()..];
        let end = rest.iter().position(|octet| *octet == 0)?;
        let text = std::str::from_utf8(rest.get(..end.min(10))?).ok()?;
        let (major, minor) = text.split_once('.')?;
        let minor = minor.split('.').next()?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    });
    versions.flatten().max()
}

fn install(from: &Path, to: &Path, mode: u32) -> Outcome<()> {
    let bytes = fs::read(from).map_err(|error| doing("read", from, error))?;
    write(to, &bytes, mode)
}

fn write(to: &Path, bytes: &[u8], mode: u32) -> Outcome<()> {
    make_folder(to.parent().unwrap_or(to))?;
    fs::write(to, bytes)
        .and_then(|()| fs::set_permissions(to, fs::Permissions::from_mode(mode)))
        .map_err(|error| doing("write", to, error))
}

fn link(target: &str, at: &Path) -> Outcome<()> {
    make_folder(at.parent().unwrap_or(at))?;
    symlink(target, at).map_err(|error| doing("make", at, error))
}

/// With the rights that folders of a package have, whatever the umask is.
fn make_folder(path: &Path) -> Outcome<()> {
    if path.is_dir() {
        return Ok(());
    }
    make_folder(path.parent().unwrap_or(path))?;
    fs::create_dir(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)))
        .map_err(|error| doing("make", path, error))
}

/// What a program prints, if it is content.
fn output(command: &mut Command) -> Outcome<Vec<u8>> {
    let output = command
        .output()
        .map_err(|error| format!("cannot start {command:?}: {error}"))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("{command:?} failed:\n{said}"))
        }
    }
}

fn words(command: &mut Command) -> Outcome<String> {
    let bytes = output(command)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

fn doing(what: &str, path: &Path, error: impl std::fmt::Display) -> String {
    format!("cannot {what} {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_newest_libc_that_is_asked_for() {
        let program = b"x\0GLIBC_2.4\0GLIBC_2.34\0GLIBC_2.2.5\0GLIBC_PRIVATE\0";
        assert_eq!(needed_libc(program), Some((2, 34)));
        assert_eq!(needed_libc(b"nothing"), None);
    }
}
