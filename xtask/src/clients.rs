//! The real mail programs that the product is tested with: which, and where they come from.
//!
//! What never happens here: the tests themselves; they are the package `clients`.

use crate::steps::{Steps, target};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Program and the Debian or Ubuntu package that brings it.
const PROGRAMS: &[(&str, &str)] = &[
    ("swaks", "swaks"),
    ("curl", "curl"),
    ("mutt", "mutt"),
    ("fetchmail", "fetchmail"),
    ("mbsync", "isync"),
    ("python3", "python3"),
    ("neomutt", "neomutt"),
    ("alpine", "alpine"),
    ("offlineimap", "offlineimap3"),
    ("getmail", "getmail6"),
    ("mpop", "mpop"),
    ("msmtp", "msmtp"),
    ("imapfilter", "imapfilter"),
    ("gsasl", "gsasl"),
    // 88 MB to download, the others together a tenth of that
    ("thunderbird", "thunderbird"),
    // 5 MB; they want a screen, which is another 6 MB
    ("sylpheed", "sylpheed"),
    ("claws-mail", "claws-mail"),
    ("Xvfb", "xvfb"),
    ("strace", "strace"),
    // networks of mail servers
    ("ip", "iproute2"),
    // counts instructions of the main paths
    ("valgrind", "valgrind"),
    // a library of Perl, which swaks needs for TLS
    ("Net::SSLeay", "libnet-ssleay-perl"),
    // what a virtual environment of Python is made with
    ("import ensurepip", "python3-venv"),
    // its `imap` answers the same commands as Whimbrel; never run as a service
    ("dovecot", "dovecot-imapd"),
    // pack what comes by UUCP
    ("bzip2", "bzip2"),
    ("compress", "ncompress"),
    // they hand in by sendmail; bsd-mailx wants a mail server, of which this is the smallest
    ("sendmail", "msmtp-mta"),
    ("s-nail", "s-nail"),
    ("bsd-mailx", "bsd-mailx"),
    ("cron", "cron"),
    ("php", "php-cli"),
    ("git send-email", "git-email"),
    // verify what is signed; opendkim is never run as a service
    ("dkimverify", "python3-dkim"),
    (
        "/usr/lib/python3/dist-packages/nacl/__init__.py",
        "python3-nacl",
    ),
    ("opendkim", "opendkim"),
    // Evolution's engine and how Python speaks to it; its providers are unpacked, see below
    (
        "/usr/lib/python3/dist-packages/gi/__init__.py",
        "python3-gi",
    ),
    (
        "/usr/share/doc/gir1.2-camel-1.2/copyright",
        "gir1.2-camel-1.2",
    ),
    (
        "/usr/share/glib-2.0/schemas/org.gnome.evolution-data-server.gschema.xml",
        "evolution-data-server-common",
    ),
    ("/usr/share/doc/libical3/copyright", "libical3"),
    (
        "/usr/share/doc/glib-networking/copyright",
        "glib-networking",
    ),
    // ring and libFuzzer are built from C and C++
    ("cc", "gcc"),
    ("g++", "g++"),
];

/// From Python's registry: it is not in Debian. It brings its own OpenSSL, old enough for weak TLS.
const SSLYZE: &str = "sslyze==6.3.1";

/// Where Evolution keeps how it speaks IMAP, POP3 and SMTP.
const PROVIDERS: &str = "usr/lib/evolution-data-server/camel-providers";

/// Brings them. Installed, it wants a desktop and its key ring, 250 MB; unpacked it has 5.
const EVOLUTION: &str = "evolution-data-server";

/// Installs what is missing when that is allowed; says what is missing otherwise.
pub fn install_missing(steps: &mut Steps) {
    let missing = missing();
    if !missing.is_empty() {
        install(steps, &missing);
    }
    if !environment().join("bin/sslyze").is_file() {
        install_sslyze(steps);
    }
    if providers().is_none() {
        unpack_evolution(steps);
    }
}

fn install(steps: &mut Steps, missing: &[&str]) {
    if is_root() && is_there("apt-get") {
        let mut update = Command::new("apt-get");
        update.args(["update", "-q"]);
        steps.command("apt-get update", update);
        let mut install = Command::new("apt-get");
        install
            .args(["install", "-q", "-y", "--no-install-recommends"])
            .args(missing);
        install.env("DEBIAN_FRONTEND", "noninteractive");
        let quiet = NoServices::begin();
        steps.command("apt-get install", install);
        drop(quiet);
    } else {
        left_out(steps, &missing.join(" "));
    }
}

/// For as long as it lives, packages start no service: Debian asks this program before it does.
struct NoServices {
    is_ours: bool,
}

impl NoServices {
    const ASKED: &str = "/usr/sbin/policy-rc.d";

    fn begin() -> NoServices {
        let is_ours = !Path::new(Self::ASKED).exists()
            && std::fs::write(Self::ASKED, "#!/bin/sh\nexit 101\n").is_ok()
            && succeeds("chmod", &["755", Self::ASKED]);
        NoServices { is_ours }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.is_ours {
            // Left behind, it would keep services from starting later; nothing can be done about it here.
            let _ = std::fs::remove_file(Self::ASKED);
        }
    }
}

/// In a virtual environment of its own; without the registry it is left out.
fn install_sslyze(steps: &mut Steps) {
    let at = environment();
    let install = || {
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(&at);
        let mut pip = Command::new(at.join("bin/pip"));
        pip.args(["install", "-q", "--disable-pip-version-check", SSLYZE]);
        let ran = |mut command: Command| command.output().is_ok_and(|run| run.status.success());
        ran(make) && ran(pip)
    };
    if !install() {
        left_out(steps, SSLYZE);
    }
}

/// Into a folder of its own, of which nothing runs but its providers.
fn unpack_evolution(steps: &mut Steps) {
    let at = evolution();
    let ran = |program: &str, words: &[&str]| {
        let mut command = Command::new(program);
        command.args(words).current_dir(&at);
        command.output().is_ok_and(|run| run.status.success())
    };
    let download = || ran("apt-get", &["download", "-q", EVOLUTION]);
    // What apt knows may be so old that the file is gone.
    let is_unpacked = std::fs::create_dir_all(&at).is_ok()
        && (download() || ran("apt-get", &["update", "-q"]) && download())
        && ran(
            "sh",
            &[
                "-c",
                &format!("dpkg-deb -x {EVOLUTION}_*.deb . && rm *.deb"),
            ],
        );
    if !is_unpacked {
        left_out(steps, EVOLUTION);
    }
}

fn evolution() -> PathBuf {
    target().join("evolution")
}

/// Those that are installed come first.
fn providers() -> Option<PathBuf> {
    let places = [Path::new("/").join(PROVIDERS), evolution().join(PROVIDERS)];
    places.into_iter().find(|place| place.is_dir())
}

/// Said again at the end; on the build machine it is a failure.
pub fn left_out(steps: &mut Steps, what: &str) {
    let text = format!("not installed: {what} (their tests are left out)");
    if std::env::var("CI").is_ok_and(|ci| ci == "true") {
        steps.failed("mail programs", &text);
    } else {
        steps.note(text);
    }
}

/// Where sslyze is installed.
fn environment() -> PathBuf {
    target().join("sslyze")
}

/// Builds the product as it is shipped and lets the real programs use it.
pub fn run(steps: &mut Steps) {
    if !steps.cargo(
        "release build",
        &["build", "--release", "-p", "whimbrel"],
        &[],
    ) {
        return;
    }
    let binary = target().join("release/whimbrel");
    let binary = binary.to_string_lossy();
    // Each test starts its own server; a few at a time keeps a small machine responsive.
    let path = path();
    let providers = providers().unwrap_or_default();
    let providers = providers.to_string_lossy();
    let env = [
        ("WHIMBREL_BIN", &*binary),
        ("EDS_CAMEL_PROVIDER_DIR", &*providers),
        ("RUST_TEST_THREADS", "3"),
        ("PATH", path.as_str()),
    ];
    steps.cargo_test("real mail programs", &["-p", "clients"], &env);
}

/// The usual one, and last the environment: its python3 comes after the system's.
fn path() -> String {
    let usual = std::env::var("PATH").unwrap_or_default();
    format!("{usual}:{}", environment().join("bin").display())
}

fn missing() -> Vec<&'static str> {
    let absent = PROGRAMS.iter().filter(|(program, _)| {
        if program.contains("::") {
            !succeeds("perl", &[&format!("-M{program}"), "-e", "1"])
        } else if program.starts_with("import ") {
            !succeeds("python3", &["-c", program])
        } else if program.starts_with("git ") {
            !succeeds(
                "sh",
                &["-c", "test -x \"$(git --exec-path)/git-send-email\""],
            )
        } else {
            !is_there(program)
        }
    });
    absent.map(|(_, package)| *package).collect()
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let probe = Command::new(program).args(arguments).output();
    probe.is_ok_and(|output| output.status.success())
}

pub fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file())
}

pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
