//! Installs the peers: one debootstrap folder for each, because Debian's mail servers cannot live
//! beside each other.
//!
//! Never here: anything on the machine itself. Everything goes below the peers' folder.

use crate::Outcome;
use crate::target::{Peer, Product};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The release whose packages are measured; their settings are known.
const SUITE: &str = "bookworm";
/// Where packages come from on a system that is not Debian.
const MIRROR: &str = "http://deb.debian.org/debian";

#[derive(clap::Args)]
pub struct InstallArguments {
    /// Where the peers go: some 2 GB.
    #[arg(long, default_value = crate::PEERS)]
    peers: PathBuf,
    /// Debian's mirror; that of this machine if not said.
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
}

pub fn run(arguments: &InstallArguments) -> Outcome<()> {
    if !rustix::process::geteuid().is_root() {
        return Err(
            "installing the peers needs root: debootstrap makes a system of its own \
                    for each and enters it with chroot"
                .to_owned(),
        );
    }
    let folder = std::path::absolute(&arguments.peers).map_err(|error| error.to_string())?;
    std::fs::create_dir_all(&folder).map_err(|error| at(&folder, &error))?;
    let install = Install {
        log: folder.join("install.log"),
        mirror: arguments.mirror.clone().unwrap_or_else(mirror),
        folder,
        begun: Instant::now(),
    };
    println!(
        "peers in {}, from {}",
        install.folder.display(),
        install.mirror
    );
    println!(
        "this takes some minutes; what is said goes to {}",
        install.log.display()
    );
    for product in Product::ALL {
        install.product(product)?;
    }
    println!(
        "all peers are installed ({:.0} s)",
        install.begun.elapsed().as_secs_f64()
    );
    Ok(())
}

struct Install {
    folder: PathBuf,
    mirror: String,
    log: PathBuf,
    begun: Instant,
}

impl Install {
    fn say(&self, what: &str) {
        println!("[{:4.0} s] {what}", self.begun.elapsed().as_secs_f64());
    }

    fn product(&self, product: Product) -> Outcome<()> {
        let root = self.folder.join(product.folder());
        let installed = Peer::installed(&self.folder);
        if installed.iter().any(|peer| peer.product() == product) {
            self.say(&format!("{}: is there", product.name()));
            return Ok(());
        }
        let peer = Peer::new(product, root.clone());
        if peer.has_packages() {
            self.say(&format!("{}: preparing it anew", product.name()));
            return peer.prepare();
        }
        let base = self.base()?;
        self.say(&format!(
            "{}: installing {}",
            product.name(),
            product.packages().join(" ")
        ));
        // Whatever an earlier try left half done.
        self.remove(&root)?;
        let half = self.folder.join("half");
        self.remove(&half)?;
        let mut copy = Command::new("cp");
        copy.args(["-a", "--reflink=auto"]).arg(&base).arg(&half);
        self.done("copying the base system", copy)?;
        let mut script = Command::new("unshare");
        script.args(["--mount", "/bin/sh", "-e", "-c", PACKAGES]);
        script
            .arg(&half)
            .arg(&self.mirror)
            .arg(SUITE)
            .args(product.packages());
        self.done("installing packages", script)?;
        std::fs::rename(&half, &root).map_err(|error| at(&root, &error))?;
        peer.prepare()
    }

    /// A system with nothing in it, made once and copied for each peer.
    fn base(&self) -> Outcome<PathBuf> {
        let base = self.folder.join("base");
        if base.join("etc/debian_version").is_file() && !base.join("debootstrap").exists() {
            return Ok(base);
        }
        self.remove(&base)?;
        let tools = self.debootstrap()?;
        self.say("a base system by debootstrap");
        let mut command = Command::new("/bin/sh");
        command.arg(tools.join("usr/sbin/debootstrap"));
        command.env("DEBOOTSTRAP_DIR", tools.join("usr/share/debootstrap"));
        command.args([
            "--variant=minbase",
            "--components=main",
            "--include=ca-certificates",
        ]);
        let keyring = tools.join("usr/share/keyrings/debian-archive-keyring.gpg");
        command.arg(format!("--keyring={}", keyring.display()));
        command.arg(SUITE).arg(&base).arg(&self.mirror);
        self.done("debootstrap", command)?;
        Ok(base)
    }

    /// The tool and Debian's keys, unpacked and not installed.
    fn debootstrap(&self) -> Outcome<PathBuf> {
        let tools = self.folder.join("tools");
        if tools.join("usr/sbin/debootstrap").is_file() {
            return Ok(tools);
        }
        self.say("fetching debootstrap");
        let mut command = Command::new("/bin/sh");
        command.args(["-e", "-c", TOOLS]).arg(&tools);
        self.done(
            "fetching debootstrap (this needs a Debian or an Ubuntu)",
            command,
        )?;
        Ok(tools)
    }

    fn remove(&self, folder: &Path) -> Outcome<()> {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(at(folder, &error)),
            _ => Ok(()),
        }
    }

    /// Runs it with its words in the log; what it said last is the error.
    fn done(&self, what: &str, mut command: Command) -> Outcome<()> {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.map_err(|error| at(&self.log, &error))?;
        let also = log.try_clone().map_err(|error| at(&self.log, &error))?;
        let status = command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(also)
            .status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => {
                let said = std::fs::read(&self.log).unwrap_or_default();
                let said = String::from_utf8_lossy(&said).into_owned();
                let lines: Vec<&str> = said.lines().collect();
                let last = lines[lines.len().saturating_sub(15)..].join("\n");
                Err(format!(
                    "{what} failed ({status}); {} ends with:\n{last}",
                    self.log.display()
                ))
            }
            Err(error) => Err(format!("{what}: {error}")),
        }
    }
}

/// `$0` is the folder.
const TOOLS: &str = "\
rm -rf \"$0.half\" \"$0\"
mkdir -p \"$0.half\"
cd \"$0.half\"
apt-get download debootstrap debian-archive-keyring
for package in *.deb; do dpkg -x \"$package\" .; done
mv \"$0.half\" \"$0\"
";

/// `$0` is the root, `$1` the mirror, `$2` the suite, the rest are packages. No service is started.
const PACKAGES: &str = "\
mirror=$1 suite=$2
shift 2
cp /etc/resolv.conf \"$0/etc/resolv.conf\"
printf 'deb %s %s main\\ndeb %s %s-updates main\\n' \"$mirror\" $suite \"$mirror\" $suite \
    > \"$0/etc/apt/sources.list\"
printf 'deb %s-security %s-security main\\n' \"$mirror\" $suite >> \"$0/etc/apt/sources.list\"
printf '#!/bin/sh\\nexit 101\\n' > \"$0/usr/sbin/policy-rc.d\"
chmod 755 \"$0/usr/sbin/policy-rc.d\"
printf '127.0.0.1 localhost mx.example.test\\n' > \"$0/etc/hosts\"
mount -t proc proc \"$0/proc\"
mount --rbind /dev \"$0/dev\"
mount --make-rslave \"$0/dev\"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
chroot \"$0\" apt-get update -q
echo 'postfix postfix/main_mailer_type select No configuration' | chroot \"$0\" debconf-set-selections
chroot \"$0\" apt-get install -y -q --no-install-recommends procps \"$@\"
chroot \"$0\" apt-get clean
";

fn at(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// That of this machine, where it is Debian's.
fn mirror() -> String {
    let system = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let is_debian = system.lines().any(|line| line == "ID=debian");
    let sources = std::fs::read_to_string("/etc/apt/sources.list.d/debian.sources");
    let sources = sources.unwrap_or_default();
    let named = sources.lines().find_map(|line| line.strip_prefix("URIs:"));
    let first = named.and_then(|names| names.split_whitespace().next());
    match first {
        Some(url) if is_debian => url.to_owned(),
        _ => MIRROR.to_owned(),
    }
}
