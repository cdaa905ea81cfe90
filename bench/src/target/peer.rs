//! Another mail server, in a root of its own: Postfix, handing what it gets to Dovecot or Cyrus by
//! LMTP.
//!
//! Here lives how one is started, stopped and emptied. Never here: how it is installed, and the text
//! of its settings.

mod cyrus;
mod dovecot;
mod postfix;

use super::{ACCOUNTS, Changes, Doors, Processes, Road, Server, Syncs, processes, wait};
use crate::Outcome;
use rustix::process::Signal;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// Asked again so often to end: a master may be starting children just then.
const ASK_AGAIN: Duration = Duration::from_secs(3);
/// Stands in a root once everything is in it, and says how it was prepared.
const WHOLE: &str = "etc/whimbrel-peer";
/// Another one where [`Peer::prepare`] does something else; the packages stay.
const PREPARED: &str = "prepared in the second way\n";

/// What was wiped waits here, in a root.
const TRASH: &str = "/var/trash";

/// Which mail store stands behind Postfix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Product {
    Maildir,
    Mdbox,
    Cyrus,
}

impl Product {
    pub const ALL: [Product; 3] = [Product::Maildir, Product::Mdbox, Product::Cyrus];

    pub fn name(self) -> &'static str {
        match self {
            Product::Maildir => "Postfix + Dovecot, Maildir",
            Product::Mdbox => "Postfix + Dovecot, mdbox",
            Product::Cyrus => "Postfix + Cyrus",
        }
    }

    /// Of its root, below the peers' folder.
    pub fn folder(self) -> &'static str {
        match self {
            Product::Maildir => "maildir",
            Product::Mdbox => "mdbox",
            Product::Cyrus => "cyrus",
        }
    }

    /// What Debian calls it.
    pub fn packages(self) -> &'static [&'static str] {
        match self {
            Product::Maildir | Product::Mdbox => {
                &["postfix", "dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd"]
            }
            Product::Cyrus => &[
                "postfix",
                "cyrus-imapd",
                "cyrus-pop3d",
                "ssl-cert",
                "sasl2-bin",
                "libsasl2-modules",
            ],
        }
    }
}

/// Ports for one start, free a moment ago.
pub struct Ports {
    smtp: u16,
    lmtp: u16,
    imap: u16,
    imaps: u16,
    pop: u16,
}

impl Ports {
    fn find() -> Outcome<Ports> {
        // All are held until all are known.
        let held: Result<Vec<TcpListener>, _> = (0..5)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .collect();
        let held = held.map_err(|error| format!("no free port: {error}"))?;
        let ports: Result<Vec<u16>, _> = held
            .iter()
            .map(|one| one.local_addr().map(|at| at.port()))
            .collect();
        let ports = ports.map_err(|error| error.to_string())?;
        let [smtp, lmtp, imap, imaps, pop] = ports[..] else {
            return Err("no free ports".to_owned());
        };
        Ok(Ports {
            smtp,
            lmtp,
            imap,
            imaps,
            pop,
        })
    }
}

pub struct Peer {
    product: Product,
    root: PathBuf,
    processes: Processes,
    syncs: Syncs,
    road: Option<Road>,
    /// Held while the root is used, so that two runs do not start two servers in it.
    claim: Option<File>,
}

impl Peer {
    /// The peers that are installed in a folder.
    pub fn installed(peers: &Path) -> Vec<Peer> {
        let whole = Product::ALL
            .into_iter()
            .map(|product| (product, peers.join(product.folder())));
        let whole = whole.filter(|(_, root)| {
            std::fs::read_to_string(root.join(WHOLE)).is_ok_and(|text| text == PREPARED)
        });
        whole
            .map(|(product, root)| Peer::new(product, root))
            .collect()
    }

    pub fn new(product: Product, root: PathBuf) -> Peer {
        Peer {
            processes: Processes::new(product.folder()),
            product,
            root,
            syncs: Syncs::Usual,
            road: None,
            claim: None,
        }
    }

    /// Waits until no other run uses the root, and ends what one that was killed left in it.
    pub fn claim(&mut self) -> Outcome<()> {
        let path = self.root.join(WHOLE);
        let at = |error: std::io::Error| format!("{}: {error}", path.display());
        let file = File::open(&path).map_err(at)?;
        if file.try_lock().is_err() {
            println!("  waiting: another run uses {}", self.root.display());
            file.lock().map_err(at)?;
        }
        self.claim = Some(file);
        processes::end_all_in(&self.root)?;
        self.inside(&format!("rm -rf {TRASH}"))
    }

    /// Moves what is in these folders of the root out of the way: to delete a hundred thousand files
    /// takes minutes and would disturb whatever is measured next. The next run takes them away.
    fn throw_away(&self, folders: &[&str]) -> Outcome<()> {
        let folders = folders.join(" ");
        self.inside(&format!(
            "mkdir -p {TRASH}
             heap=$(mktemp -d {TRASH}/XXXXXXXX)
             for folder in {folders}; do
                 test ! -d /$folder || mv /$folder $heap/$(echo $folder | tr / -)
             done"
        ))
    }

    /// Whether its packages are there, prepared in this way or another.
    pub fn has_packages(&self) -> bool {
        self.root.join(WHOLE).is_file()
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    fn syncs(&self) -> Syncs {
        self.syncs
    }

    pub fn product(&self) -> Product {
        self.product
    }

    /// What is done once, when its packages are there: accounts, tables, keys.
    pub fn prepare(&self) -> Outcome<()> {
        postfix::prepare(self)?;
        match self.product {
            Product::Cyrus => cyrus::prepare(self)?,
            Product::Maildir | Product::Mdbox => dovecot::prepare(self)?,
        }
        self.write(WHOLE, PREPARED)
    }

    /// Runs a line of the shell in the root to its end.
    fn inside(&self, line: &str) -> Outcome<()> {
        let mut command = self.processes.command("unshare");
        command.args(["--mount", "/bin/sh", "-e", "-c", IN_ROOT]);
        command.arg(&self.root).arg(line);
        command.stdin(Stdio::null());
        // Daemons keep it open; a pipe would wait for them.
        let said = tempfile::tempfile().map_err(|error| error.to_string())?;
        let also = said.try_clone().map_err(|error| error.to_string())?;
        let log = said.try_clone().map_err(|error| error.to_string())?;
        let status = command.stdout(said).stderr(also).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{line}: {status}\n{}", words(log))),
            Err(error) => Err(format!("unshare: {error}")),
        }
    }

    /// A file in the root, from a path without the first `/`.
    fn write(&self, path: &str, text: &str) -> Outcome<()> {
        let file = self.root.join(path);
        std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// A program's words in one of its logs, the last ones.
    fn last_words(&self, error: &str) -> String {
        let logs = ["var/log/postfix.log", "var/log/dovecot.log"];
        let mut text = format!("{}: {error}", self.product.name());
        for log in logs {
            let said = std::fs::read(self.root.join(log)).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            let lines: Vec<&str> = said.lines().collect();
            let last = &lines[lines.len().saturating_sub(5)..];
            text.extend(last.iter().map(|line| format!("\n{line}")));
        }
        text
    }

    fn begin(&mut self, ports: &Ports) -> Outcome<()> {
        postfix::configure(self, ports)?;
        match self.product {
            Product::Cyrus => {
                cyrus::configure(self, ports)?;
                self.inside(cyrus::START)?;
            }
            Product::Maildir | Product::Mdbox => {
                dovecot::configure(self, ports)?;
                self.inside(dovecot::START)?;
            }
        }
        self.inside("postfix start")
    }
}

/// `$0` is the root, `$1` what is run in it. The mounts end with the processes.
const IN_ROOT: &str = "\
mount -t proc proc \"$0/proc\"
mount --rbind /dev \"$0/dev\"
mount --make-rslave \"$0/dev\"
ulimit -n 100000 2> /dev/null || ulimit -n \"$(ulimit -H -n)\"
exec chroot \"$0\" /bin/sh -e -c \"$1\"
";

fn words(mut log: File) -> String {
    use std::io::{Read, Seek};
    let mut text = Vec::new();
    // It is only told beside an error.
    let _ = log.rewind().and_then(|()| log.read_to_end(&mut text));
    String::from_utf8_lossy(&text).into_owned()
}

fn accepts(port: u16) -> bool {
    TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
}

impl Server for Peer {
    fn start(&mut self) -> Outcome<Doors> {
        if !self.processes.is_group() {
            let why = "its processes cannot be told from others without a control group";
            return Err(format!(
                "{}: {why}; run the bench as root",
                self.product.name()
            ));
        }
        let ports = Ports::find()?;
        let begun = self.begin(&ports);
        begun.map_err(|error| self.last_words(&error))?;
        for port in [ports.lmtp, ports.imap, ports.imaps, ports.pop, ports.smtp] {
            let waited = wait("its listeners", PATIENCE, || accepts(port));
            waited.map_err(|error| self.last_words(&error))?;
        }
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Ok(Doors {
            smtp: at(ports.smtp),
            imap: at(ports.imap),
            imaps: Some(at(ports.imaps)),
            pop: at(ports.pop),
            submission: None,
        })
    }

    fn stop(&mut self) -> Outcome<()> {
        let mut asked: Option<std::time::Instant> = None;
        let ended = wait("its end", PATIENCE, || {
            if asked.is_none_or(|at| at.elapsed() > ASK_AGAIN) {
                self.processes.signal(Signal::TERM);
                asked = Some(std::time::Instant::now());
            }
            self.processes.pids().is_empty()
        });
        ended.or_else(|_| self.processes.kill())
    }

    fn wipe(&mut self) -> Outcome<()> {
        postfix::wipe(self)?;
        match self.product {
            Product::Cyrus => cyrus::wipe(self),
            Product::Maildir | Product::Mdbox => dovecot::wipe(self),
        }
    }

    fn send_by(&mut self, road: Option<Road>) {
        self.road = road;
    }

    fn sync(&mut self, syncs: Syncs) -> Changes {
        // Cyrus syncs its index before every OK.
        if self.product == Product::Cyrus || self.syncs == syncs {
            return Changes::No;
        }
        self.syncs = syncs;
        Changes::Yes
    }

    fn processes(&self) -> &Processes {
        &self.processes
    }

    fn processes_mut(&mut self) -> &mut Processes {
        &mut self.processes
    }

    fn folders(&self) -> Vec<PathBuf> {
        let folders = match self.product {
            Product::Cyrus => cyrus::FOLDERS,
            Product::Maildir | Product::Mdbox => dovecot::FOLDERS,
        };
        folders
            .iter()
            .map(|folder| self.root.join(folder))
            .collect()
    }

    fn spool(&self) -> Option<PathBuf> {
        Some(self.root.join("var/spool/postfix"))
    }

    fn version(&self) -> String {
        let names: Vec<&str> = match self.product {
            Product::Cyrus => vec!["postfix", "cyrus-imapd"],
            Product::Maildir | Product::Mdbox => vec!["postfix", "dovecot-core"],
        };
        let mut query = Command::new("chroot");
        query
            .arg(&self.root)
            .args(["dpkg-query", "-W", "-f", "${Package} ${Version}  "]);
        let said = query.args(names).output();
        let said = said.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        said.unwrap_or_default().replace("  ", ", ")
    }
}
