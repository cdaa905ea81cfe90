//! One test's world: its network, DNS, certificates and the folder with everything that its servers
//! keep and say.
//!
//! What never happens here: a server; each kind has a file of its own.

use crate::authority::Authority;
use crate::dns::Dns;
use crate::namespaces::{Host, Network};
use crate::root::packages;
use std::cell::RefCell;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's, which has dkimpy and a DNS library as packages.
pub const PYTHON: &str = "/usr/bin/python3";

/// A dynamic update: a server, and records.
const UPDATE: &str = "\
import sys, dns.query, dns.rcode, dns.update
update = dns.update.Update('example.')
for record in sys.argv[2:]:
    name, kind, value = record.split(' ', 2)
    update.add(name, 60, kind, value)
answer = dns.query.tcp(update, sys.argv[1], timeout=20)
assert answer.rcode() == 0, dns.rcode.to_text(answer.rcode())
";

pub struct World {
    // The order in which they end: programs, then networks.
    dns: RefCell<Option<Dns>>,
    network: RefCell<Network>,
    records: RefCell<Vec<String>>,
    pub authority: Authority,
    folder: PathBuf,
}

impl World {
    /// `None`, and a word why, where a test may not make networks or Debian's servers are missing.
    /// On the build machine that is a failure.
    pub fn begin() -> Option<World> {
        match World::try_begin() {
            Ok(world) => Some(world),
            Err(reason) => {
                let on_build_machine = std::env::var("CI").is_ok_and(|ci| ci == "true");
                assert!(!on_build_machine, "{reason}");
                println!("{reason}, so this test shows nothing");
                None
            }
        }
    }

    fn try_begin() -> Result<World, String> {
        for name in ["dns", "postfix", "exim"] {
            let folder = packages(name);
            if !folder.join("ready").exists() {
                return Err(format!(
                    "{} is not there: `cargo xtask roads` brings Debian's servers",
                    folder.display()
                ));
            }
        }
        let network = Network::begin()?;
        let folder = std::env::temp_dir().join(network.name());
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::create_dir(&folder)
            .and_then(|()| std::fs::set_permissions(&folder, open))
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(World {
            dns: RefCell::new(None),
            network: RefCell::new(network),
            records: RefCell::new(Vec::new()),
            authority: Authority::new(),
            folder,
        })
    }

    /// A host `NAME.example` with its address records, and no other.
    pub fn host(&self, name: &str) -> Host {
        let host = self.network.borrow_mut().host(name);
        self.record(&format!("{name}.example. A {}", host.v4));
        self.record(&format!("{name}.example. AAAA {}", host.v6));
        host
    }

    /// A host that is `mx.NAME.example` and takes mail for `NAME.example`.
    pub fn mail_host(&self, name: &str) -> Host {
        let host = self.network.borrow_mut().host(name);
        self.record(&format!("{name}.example. MX 10 mx.{name}.example."));
        self.addresses(&format!("mx.{name}.example"), &host);
        host
    }

    /// The addresses of a host under a name, and the name of its addresses.
    pub fn addresses(&self, name: &str, host: &Host) {
        self.record(&format!("{name}. A {}", host.v4));
        self.record(&format!("{name}. AAAA {}", host.v6));
        for address in [IpAddr::from(host.v4), IpAddr::from(host.v6)] {
            self.record(&format!("{} PTR {name}.", reverse(address)));
        }
    }

    /// A record in the signed zones, by absolute names. Before [`World::start_dns`].
    pub fn record(&self, line: &str) {
        self.records.borrow_mut().push(line.to_owned());
    }

    /// Serves all records from here on, signed, and a resolver that validates.
    pub fn start_dns(&self) {
        let authoritative = self.network.borrow_mut().host("dns");
        let resolver = self.network.borrow_mut().host("resolver");
        let dns = Dns::start(self, authoritative, resolver, &self.records.borrow());
        *self.dns.borrow_mut() = Some(dns);
    }

    /// More records in the signed zone `example.`, while it is served.
    pub fn publish(&self, records: &[String]) {
        let mut update = Command::new(PYTHON);
        update
            .args(["-B", "-c", UPDATE])
            .arg(self.name_server().to_string());
        let ended = update.args(records).output();
        let ended = ended.unwrap_or_else(|error| panic!("cannot run {PYTHON}: {error}"));
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{records:?}: {said}");
    }

    /// The resolver that every server asks.
    pub fn resolver(&self) -> IpAddr {
        let dns = self.dns.borrow();
        dns.as_ref()
            .expect("because DNS was started")
            .resolver
            .v4
            .into()
    }

    /// The authoritative server.
    pub fn name_server(&self) -> IpAddr {
        let dns = self.dns.borrow();
        dns.as_ref()
            .expect("because DNS was started")
            .authoritative
            .v4
            .into()
    }

    /// The root's keys, as DNSKEY records.
    pub fn trust_anchor(&self) -> PathBuf {
        self.folder.join("resolver/share/root.key")
    }

    /// For `/etc/resolv.conf`.
    pub fn resolv_conf(&self) -> String {
        format!("nameserver {}\noptions trust-ad edns0\n", self.resolver())
    }

    /// A host's folder.
    pub fn folder(&self, host: &Host) -> PathBuf {
        let folder = self.folder.join(&host.name);
        std::fs::create_dir_all(folder.join("share")).expect("because the folder is ours");
        folder
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for host in self.network.borrow().hosts() {
                show(&host.name, &self.folder.join(&host.name).join("share"));
            }
        }
        drop(self.dns.borrow_mut().take());
        // What cannot be removed now is removed by the next run.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The logs of a host whose test failed.
fn show(name: &str, share: &Path) {
    for file in ["log", "mainlog", "rejectlog", "paniclog"] {
        if let Ok(text) = std::fs::read_to_string(share.join(file)) {
            println!("---- {file} of {name}\n{text}");
        }
    }
}

/// The name at which an address' PTR record stands.
fn reverse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        IpAddr::V6(v6) => {
            let octets = v6.octets();
            let nibbles = octets
                .iter()
                .rev()
                .flat_map(|octet| [octet & 15, octet >> 4]);
            let labels: String = nibbles.map(|nibble| format!("{nibble:x}.")).collect();
            format!("{labels}ip6.arpa.")
        }
    }
}
