//! DNS: Debian's knot is authoritative for a signed root and the zones below it, Debian's unbound
//! validates and resolves for everybody.
//!
//! | Zone | |
//! |---|---|
//! | `.` and `example.` | signed |
//! | `insecure.example.` | not signed, and the parent says so |
//! | `bogus.example.` | signed by another key than the parent names: nobody may believe it |
//!
//! What never happens here: a question to the outside.

use crate::namespaces::Host;
use crate::root::{Root, Running};
use crate::wait::until;
use crate::world::World;
use std::net::TcpStream;
use std::time::Duration;

pub struct Dns {
    pub authoritative: Host,
    pub resolver: Host,
    _programs: [Running; 2],
}

/// Zones below the root, the deepest first.
const ZONES: [&str; 3] = ["insecure.example.", "bogus.example.", "example."];

const KNOT: &str = "\
server:
    listen: [ 0.0.0.0@53, \"::@53\" ]
    rundir: /run
database:
    storage: /var/lib/knot
log:
  - target: stderr
    any: warning
policy:
  - id: signed
    manual: on
    single-type-signing: on
    algorithm: ecdsap256sha256
acl:
  - id: tester
    address: 10.77.0.1
    action: update
template:
  - id: default
    storage: /share/zones
    acl: tester
    zonefile-sync: -1
    zonefile-load: whole
zone:
  - domain: .
    file: root
    dnssec-signing: on
    dnssec-policy: signed
  - domain: example.
    file: example.
    dnssec-signing: on
    dnssec-policy: signed
  - domain: bogus.example.
    file: bogus.example.
    dnssec-signing: on
    dnssec-policy: signed
  - domain: insecure.example.
    file: insecure.example.
";

/// Makes the keys and lets each parent name its children's.
const KEYS: &str = "\
mkdir -p /var/lib/knot
for zone in . example. bogus.example.; do
    keymgr $zone generate algorithm=ecdsap256sha256 ksk=yes zsk=yes > /dev/null
done
keymgr . dnskey | sed 's/ DNSKEY/ 3600 IN DNSKEY/' > /share/root.key
keymgr example. ds | grep ' 13 2 ' >> /share/zones/root
keymgr bogus.example. ds | grep ' 13 2 ' | sed -E 's/[0-9a-fA-F]{64}$/\
0000000000000000000000000000000000000000000000000000000000000001/' >> /share/zones/example.
";

const UNBOUND: &str = "\
server:
    interface: 0.0.0.0
    interface: ::0
    access-control: 0.0.0.0/0 allow
    access-control: ::/0 allow
    username: \"\"
    chroot: \"\"
    directory: \"/run\"
    pidfile: \"/run/unbound.pid\"
    use-syslog: no
    logfile: \"\"
    root-hints: /share/root.hints
    trust-anchor-file: /share/root.key
    module-config: \"validator iterator\"
    unblock-lan-zones: yes
    insecure-lan-zones: no
    val-log-level: 2
remote-control:
    control-enable: no
";

impl Dns {
    pub fn start(world: &World, authoritative: Host, resolver: Host, records: &[String]) -> Dns {
        let knot = Root {
            host: &authoritative,
            folder: world.folder(&authoritative),
            packages: "dns",
            prepare: KEYS,
        };
        knot.etc("knot/knot.conf", KNOT);
        for zone in ZONES.into_iter().chain(["."]) {
            let file = if zone == "." { "root" } else { zone };
            let path = knot.folder.join("share/zones").join(file);
            crate::root::write(&path, zone_file(zone, &authoritative, records));
        }
        let mut knotd = knot.start(&["knotd", "-c", "/etc/knot/knot.conf"]);
        accepts(&authoritative, 53, &mut knotd);
        let unbound = Root {
            host: &resolver,
            folder: world.folder(&resolver),
            packages: "dns",
            prepare: "",
        };
        let hints = format!(
            ". NS ns.example.\nns.example. A {}\nns.example. AAAA {}\n",
            authoritative.v4, authoritative.v6
        );
        crate::root::write(&unbound.folder.join("share/root.hints"), hints);
        let anchor = std::fs::read(knot.folder.join("share/root.key"));
        let anchor = anchor.expect("because the keys are made before the server starts");
        crate::root::write(&unbound.folder.join("share/root.key"), anchor);
        unbound.etc("unbound/unbound.conf", UNBOUND);
        let mut unboundd = unbound.start(&["unbound", "-d", "-c", "/etc/unbound/unbound.conf"]);
        accepts(&resolver, 53, &mut unboundd);
        Dns {
            authoritative,
            resolver,
            _programs: [knotd, unboundd],
        }
    }
}

/// Waits until the host takes connections at the port.
pub fn accepts(host: &Host, port: u16, program: &mut Running) {
    until(&format!("{} accepts at port {port}", host.name), || {
        program.must_run();
        TcpStream::connect_timeout(&(host.v4, port).into(), Duration::from_secs(1)).ok()
    });
}

fn zone_file(zone: &str, server: &Host, records: &[String]) -> String {
    let mut text = format!(
        "$TTL 60\n{zone} SOA ns.example. hostmaster.example. 1 3600 600 86400 5\n{zone} NS ns.example.\n"
    );
    if zone == "." {
        text.push_str("example. NS ns.example.\n");
    }
    if zone == "example." {
        text.push_str("insecure.example. NS ns.example.\nbogus.example. NS ns.example.\n");
    }
    if zone == "." || zone == "example." {
        text.push_str(&format!("ns.example. A {}\n", server.v4));
        text.push_str(&format!("ns.example. AAAA {}\n", server.v6));
    }
    for record in records.iter().filter(|record| zone_of(record) == zone) {
        text.push_str(record);
        text.push('\n');
    }
    text
}

/// The deepest zone that the record's name lies in.
fn zone_of(record: &str) -> &'static str {
    let name = record.split(' ').next().unwrap_or_default();
    let lies_in = |zone: &&str| {
        name.strip_suffix(*zone)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    ZONES.into_iter().find(lies_in).unwrap_or(".")
}
