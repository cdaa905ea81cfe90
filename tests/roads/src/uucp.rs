//! Two systems that know each other by UUCP alone: a Whimbrel and Debian's Taylor UUCP each, and a link
//! between them that is a pipe, and can be cut.
//!
//! No network is needed, and nothing is looked up. What never happens here: a service of the machine; a
//! look into the spool.

use crate::root::{Running, packages, write};
use crate::wait::until;
use clients::Imap;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

const PASSWORD: &str = "gull-over-wet-sand";
/// Who uses UUCP on every Debian.
const USER: &str = "uucp";
/// The names under which mail comes.
const NAMES: [&str; 5] = ["rmail", "rsmtp", "rcsmtp", "rgsmtp", "rbsmtp"];
const LISTENERS: [&str; 8] = [
    "smtp",
    "submission",
    "submissions",
    "imap",
    "imaps",
    "pop3",
    "pop3s",
    "metrics",
];
/// The called side, or only so many octets of what it is told: the first word is the folder, the rest
/// the program.
const LINK: &str = "\
folder=$1
shift
if [ ! -e $folder/cut ]; then exec \"$@\"; fi
dd bs=1 count=$(cat $folder/cut) status=none | \"$@\"
";

/// `alpha` and `beta`; they go away with this.
pub struct Pair {
    pub alpha: System,
    pub beta: System,
    folder: PathBuf,
}

pub struct System {
    pub name: &'static str,
    other: &'static str,
    folder: PathBuf,
    program: Option<Running>,
}

impl Pair {
    /// `None`, and a word why, where Debian's UUCP is missing. On the build machine that is a failure.
    pub fn begin() -> Option<Pair> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if !packages("uucp").join("ready").exists() {
            let on_build_machine = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!on_build_machine, "Debian's UUCP is not there");
            println!("`cargo xtask roads` brings Debian's UUCP; without, this test shows nothing");
            return None;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("whimbrel-roads-{}-uucp{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let system = |name, other| System {
            name,
            other,
            folder: folder.join(name),
            program: None,
        };
        let mut pair = Pair {
            alpha: system("alpha", "beta"),
            beta: system("beta", "alpha"),
            folder: folder.clone(),
        };
        pair.alpha.set_up(&folder.join("beta"));
        pair.beta.set_up(&folder.join("alpha"));
        if is_root() {
            let owner = format!("{USER}:{USER}");
            let done = Command::new("chown")
                .args(["-R", &owner])
                .arg(&folder)
                .status();
            assert!(done.is_ok_and(|status| status.success()), "chown");
        }
        for system in [&mut pair.alpha, &mut pair.beta] {
            system.start();
            system.people();
        }
        Some(pair)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.alpha.program = None;
        self.beta.program = None;
        // What is left is removed by the next run.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl System {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn set_up(&self, other: &Path) {
        self.uucp_files(other);
        let config = self.path("whimbrel.toml");
        for name in NAMES {
            let script = format!(
                "#!/bin/sh\nWHIMBREL_CONFIG={} exec {} {name} \"$@\"\n",
                config.display(),
                binary().display()
            );
            write(&self.path("bin").join(name), script);
            let anybody = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(self.path("bin").join(name), anybody).expect("our file");
        }
        let mut text = format!(
            "hostname = \"{}.test\"\ndata = \"{}\"\n[login]\ncleartext = \"always\"\n\
             [store]\nreserve = \"1 MiB\"\n[local]\ntrusted = [\"*\"]\n\
             [uucp]\nneighbours = [\"{}\"]\n[queue]\nfirst_retry = \"1 s\"\n",
            self.name,
            self.path("data").display(),
            self.other,
        );
        for listener in LISTENERS {
            text.push_str(&format!(
                "[listen.{listener}]\naddresses = [\"127.0.0.1:0\"]\n"
            ));
        }
        text.push_str(&format!("[road]\nroute = [{}]\n", self.routes().join(", ")));
        write(&config, text);
    }

    /// A domain of the other system for each form, and its bang paths by rmail.
    fn routes(&self) -> Vec<String> {
        let uux = packages("uucp").join("usr/bin/uux");
        let route = |to: String, form: &str| {
            let recipient = match form {
                "rmail" => ", \"({recipient})\"",
                _ => "",
            };
            format!(
                "{{ to = \"{to}\", via = \"pipe\", form = \"{form}\", command = [\"{}\", \"-I\", \"{}\", \"-\", \
                 \"-r\", \"-z\", \"-a{{sender}}\", \"-gC\", \"{}!{form}\"{recipient}] }}",
                uux.display(),
                self.path("config").display(),
                self.other,
            )
        };
        let mut routes: Vec<String> = NAMES[..4]
            .iter()
            .map(|form| route(format!("{form}.{}.test", self.other), form))
            .collect();
        routes.push(route(format!("{}.uucp", self.other), "rmail"));
        routes.push(route(format!("{}.test", self.other), "rmail"));
        routes
    }

    /// As Taylor UUCP wants them; the caller's link is a pipe to the other's uucico.
    fn uucp_files(&self, other: &Path) {
        let at = |name: &str| self.path(name).display().to_string();
        let uucico = packages("uucp").join("usr/lib/uucp/uucico");
        write(
            &self.path("config"),
            format!(
                "nodename {}\nspool {}\npubdir {}\nlogfile {}\nstatfile {}\ndebugfile {}\nsysfile {}\n\
                 portfile {}\ncallfile {}\npasswdfile {}\nlockdir {}\nrun-uuxqt never\n",
                self.name,
                at("spool"),
                at("pub"),
                at("Log"),
                at("Stats"),
                at("Debug"),
                at("sys"),
                at("port"),
                at("call"),
                at("passwd"),
                at("lock"),
            ),
        );
        for folder in ["spool", "pub", "lock"] {
            std::fs::create_dir_all(self.path(folder)).expect("because the folder is ours");
        }
        write(
            &self.path("port"),
            format!(
                "port PIPE\ntype pipe\ncommand /bin/sh {} {} {} -I {} -u U{}\n",
                at("link"),
                at(""),
                uucico.display(),
                other.join("config").display(),
                self.name,
            ),
        );
        write(&self.path("link"), LINK);
        write(&self.path("call"), "");
        write(&self.path("passwd"), "");
        write(
            &self.path("sys"),
            format!(
                "system {}\ntime any\nport PIPE\nchat \"\"\nprotocol t\ncalled-login U{}\n\
                 commands {}\ncommand-path {}\n",
                self.other,
                self.other,
                NAMES.join(" "),
                at("bin"),
            ),
        );
    }

    pub fn start(&mut self) {
        let ready = self.path("ready.json");
        // It is not there at the first start.
        let _ = std::fs::remove_file(&ready);
        let mut command = as_user(&binary());
        command
            .args(["serve", "--config"])
            .arg(self.path("whimbrel.toml"));
        command.arg("--ready-file").arg(&ready);
        let mut program = Running::start(command, self.path("log"));
        until(&format!("{} is ready", self.name), || {
            program.must_run();
            ready.exists().then_some(())
        });
        self.program = Some(program);
    }

    /// What a power failure leaves.
    pub fn kill(&mut self) {
        self.program = None;
    }

    fn people(&self) {
        let own = format!("{}.test", self.name);
        self.admin(&["domain", "add", &own], "");
        let address = format!("ann@{own}");
        self.admin(&["account", "add", &address, "--password-stdin"], PASSWORD);
        for form in &NAMES[..4] {
            let domain = format!("{form}.{own}");
            self.admin(&["domain", "add", &domain], "");
            self.admin(&["alias", "add", &format!("ann@{domain}"), &address], "");
        }
    }

    /// A command of the administrator that must be done; what it prints.
    pub fn admin(&self, words: &[&str], input: &str) -> String {
        let mut command = as_user(&binary());
        command
            .args(words)
            .arg("--config")
            .arg(self.path("whimbrel.toml"));
        let output = fed(command, format!("{input}\n").as_bytes());
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Somebody of this system sends; the message leaves for the spool.
    pub fn send(&self, to: &[&str], subject: &str, text: &str) {
        let mut command = as_user(&binary());
        command.args(["sendmail", "-i", "-f"]);
        command.arg(format!("ann@{}.test", self.name)).args(to);
        command.env("WHIMBREL_CONFIG", self.path("whimbrel.toml"));
        let message = format!("From: ann@{}.test\nSubject: {subject}\n\n{text}", self.name);
        let output = fed(command, message.as_bytes());
        assert!(output.status.success(), "{}", said(&output));
        until(&format!("{subject} is in the spool"), || {
            let queue = self.admin(&["queue", "list"], "");
            (queue == "Mail queue is empty\n").then_some(())
        });
    }

    /// Asks the other system to run a command, as a user of this one.
    pub fn uux(&self, words: &[&str], input: &[u8]) {
        let mut command = self.taylor("usr/bin/uux");
        command.args(["-", "-r", "-z"]).args(words);
        let output = fed(command, input);
        assert!(output.status.success(), "{}", said(&output));
    }

    /// Calls the other system; with a number, the link is cut behind so many octets.
    pub fn call(&self, cut_after: Option<u32>) {
        let cut = self.path("cut");
        match cut_after {
            Some(octets) => write(&cut, octets.to_string()),
            // it may not be there
            None => drop(std::fs::remove_file(&cut)),
        }
        let mut command = self.taylor("usr/lib/uucp/uucico");
        command.args(["-S", self.other, "-p", "PIPE"]);
        let output = fed(command, b"");
        let log = std::fs::read_to_string(self.path("Log")).unwrap_or_default();
        assert_eq!(
            output.status.success(),
            cut_after.is_none(),
            "{}\n{log}",
            said(&output)
        );
    }

    /// Does what the other system asked for.
    pub fn execute(&self) {
        let output = fed(self.taylor("usr/sbin/uuxqt"), b"");
        let log = std::fs::read_to_string(self.path("Log")).unwrap_or_default();
        assert!(output.status.success(), "{}\n{log}", said(&output));
    }

    /// What Taylor UUCP said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("Log")).unwrap_or_default()
    }

    fn taylor(&self, program: &str) -> Command {
        let mut command = as_user(&packages("uucp").join(program));
        command.arg("-I").arg(self.path("config"));
        command
    }

    fn imap(&self) -> Imap {
        let ready = std::fs::read(self.path("ready.json")).expect("because the server is ready");
        let ready: serde_json::Value = serde_json::from_slice(&ready).expect("JSON");
        let at = ready["listeners"]["imap"][0].as_str().expect("a listener");
        Imap::open(at, &format!("ann@{}.test", self.name), PASSWORD)
    }

    /// How many messages ann has with this in their subjects.
    pub fn count(&self, subject: &str) -> usize {
        self.imap().search(&format!("SUBJECT \"{subject}\"")).len()
    }

    /// What ann has with this in its subject; waits until there are so many.
    pub fn messages(&self, subject: &str, count: usize) -> Vec<String> {
        let what = format!("{count} of {subject} at {}", self.name);
        let mut imap = self.imap();
        let found = until(&what, || {
            imap.must("NOOP");
            let found = imap.search(&format!("SUBJECT \"{subject}\""));
            (found.len() >= count).then_some(found)
        });
        assert_eq!(found.len(), count, "{what}");
        let text = |uid: &u32| String::from_utf8_lossy(&imap.message(*uid)).into_owned();
        found.iter().map(text).collect()
    }
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// What runs as root in a test runs as the user of UUCP.
fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]);
    command.arg(program);
    command
}

fn fed(mut command: Command, input: &[u8]) -> Output {
    command
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("because it is piped");
    // it may end without reading
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("because the child is ours")
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{}: {}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    )
}

/// The program as it is shipped, which `cargo xtask` built.
fn binary() -> PathBuf {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/debug/whimbrel");
    let path = std::env::var_os("WHIMBREL_BIN").map_or_else(usual, PathBuf::from);
    path.canonicalize().unwrap_or(path)
}
