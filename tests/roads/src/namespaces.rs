//! Networks of a test's own: one namespace for each host, and one with a bridge between them, where
//! the test itself stands.
//!
//! Nothing leads out of them, so any address and any port can be taken, by several tests at once.
//! What never happens here: a change to the machine's own network.

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// Every name begins so; then come the process and the number of the network.
const PREFIX: &str = "whimbrel-roads-";
/// Where the test stands in each network.
pub const TESTER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// Packets to these addresses are dropped in silence.
pub const SILENT: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);

#[derive(Debug)]
pub struct Network {
    name: String,
    hosts: Vec<Host>,
}

#[derive(Debug, Clone)]
pub struct Host {
    pub name: String,
    pub space: String,
    pub v4: Ipv4Addr,
    pub v6: Ipv6Addr,
}

impl Network {
    /// A new network; the calling thread, and what it starts, is in it from here on.
    pub fn begin() -> Result<Network, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        static CLEAN: Once = Once::new();
        CLEAN.call_once(remove_what_is_left);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        let hub = format!("{name}-hub");
        ip(&format!(
            "netns add {hub}\n\
             -n {hub} link add hub type bridge\n\
             -n {hub} addr add {TESTER}/24 dev hub\n\
             -n {hub} addr add fd77::1/64 dev hub nodad\n\
             -n {hub} link set hub up\n\
             -n {hub} link set lo up\n"
        ))?;
        // Dropped, it takes away what was made, whatever fails now.
        let network = Network {
            name,
            hosts: Vec::new(),
        };
        enter(&hub)?;
        Ok(network)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// A host with addresses of its own.
    pub fn host(&mut self, name: &str) -> Host {
        let number = u8::try_from(self.hosts.len() + 2).expect("because a test has few hosts");
        let host = Host {
            name: name.to_owned(),
            space: format!("{}-{name}", self.name),
            v4: Ipv4Addr::new(10, 77, 0, number),
            v6: Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, number.into()),
        };
        let (hub, space) = (format!("{}-hub", self.name), &host.space);
        ip(&format!(
            "netns add {space}\n\
             -n {hub} link add host{number} type veth peer name eth0 netns {space}\n\
             -n {hub} link set host{number} master hub up\n\
             -n {space} addr add {}/24 dev eth0\n\
             -n {space} addr add {}/64 dev eth0 nodad\n\
             -n {space} link set eth0 up\n\
             -n {space} link set lo up\n\
             -n {space} route add {SILENT}/32 via {TESTER}\n",
            host.v4, host.v6
        ))
        .unwrap_or_else(|reason| panic!("{reason}"));
        self.hosts.push(host.clone());
        host
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let spaces = self.hosts.iter().map(|host| host.space.clone());
        for space in spaces.chain([format!("{}-hub", self.name)]) {
            // What cannot be removed now is removed by the next run.
            let _ = ip(&format!("netns delete {space}\n"));
        }
    }
}

/// The calling thread's sockets are made in this namespace from here on.
pub fn enter(space: &str) -> Result<(), String> {
    let path = Path::new("/run/netns").join(space);
    let file = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(|error| format!("cannot enter {space}: {error}"))
}

/// Each line is what one `ip` is told. (`ip -batch` cannot work in several namespaces.)
fn ip(lines: &str) -> Result<(), String> {
    for line in lines.lines() {
        let run = Command::new("ip")
            .args(line.split_whitespace())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot run ip: {error}"))?;
        if !run.status.success() {
            let said = String::from_utf8_lossy(&run.stderr);
            return Err(format!("ip {line}: {}", said.trim()));
        }
    }
    Ok(())
}

/// Namespaces and folders of runs whose process is gone.
fn remove_what_is_left() {
    for folder in [Path::new("/run/netns"), &std::env::temp_dir()] {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let owner = name
                .strip_prefix(PREFIX)
                .and_then(|rest| rest.split('-').next());
            let Some(owner) = owner else { continue };
            if Path::new("/proc").join(owner).exists() {
                continue;
            }
            // Another run may be removing it at the same time.
            let _ = match folder.ends_with("netns") {
                true => ip(&format!("netns delete {name}\n")),
                false => std::fs::remove_dir_all(entry.path()).map_err(|error| error.to_string()),
            };
        }
    }
}
