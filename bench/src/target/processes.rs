//! The processes of one server: started in a control group of their own where that is possible, so
//! that their processor time is known to the nanosecond, ended children included.
//!
//! Never here: a process that the bench did not start.

use crate::Outcome;
use crate::target::wait;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

/// How long a server may take to end.
const PATIENCE: Duration = Duration::from_secs(20);
const PARENT: &str = "whimbrel-bench";

/// What the processes of a server take of the memory.
#[derive(Clone, Copy, Default, Debug)]
pub struct Memory {
    /// Shared pages counted in proportion: the figure that can be added up.
    pub pss_bytes: u64,
    pub rss_bytes: u64,
    pub processes: usize,
}

/// Where processor time is counted.
enum Group {
    /// `cpuacct` of cgroup v1: nanoseconds.
    One(PathBuf),
    /// cgroup v2: microseconds.
    Two(PathBuf),
    /// No group can be made: only the first process is known, to a hundredth of a second.
    None,
}

pub struct Processes {
    group: Group,
    /// The one that was started; those that it started are known to the group only.
    first: Option<Child>,
}

impl Processes {
    /// None runs yet.
    pub fn new(name: &str) -> Processes {
        Processes {
            group: group(&format!("{name}-{}", std::process::id())),
            first: None,
        }
    }

    /// Whether all processes are known, and not only the first.
    pub fn is_group(&self) -> bool {
        !matches!(self.group, Group::None)
    }

    /// A command that becomes this program inside the group.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let (Group::One(folder) | Group::Two(folder)) = &self.group else {
            return Command::new(program);
        };
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", "echo $$ > \"$0\" && exec \"$@\""])
            .arg(folder.join("cgroup.procs"))
            .arg(program);
        command
    }

    pub fn spawn(&mut self, mut command: Command) -> Outcome<()> {
        self.reap();
        let child = command.spawn();
        self.first = Some(child.map_err(|error| format!("{command:?}: {error}"))?);
        Ok(())
    }

    /// How the first process ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.first.as_mut()?.try_wait().ok().flatten()
    }

    fn reap(&mut self) {
        if self.ended().is_some() {
            self.first = None;
        }
    }

    pub fn pids(&self) -> Vec<u32> {
        let (Group::One(folder) | Group::Two(folder)) = &self.group else {
            return self.first.iter().map(Child::id).collect();
        };
        let text = std::fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    pub fn cpu(&self) -> Duration {
        match &self.group {
            Group::One(folder) => Duration::from_nanos(number(&folder.join("cpuacct.usage"))),
            Group::Two(folder) => {
                let text = std::fs::read_to_string(folder.join("cpu.stat")).unwrap_or_default();
                let used = text
                    .lines()
                    .find_map(|line| line.strip_prefix("usage_usec "));
                Duration::from_micros(used.and_then(|us| us.parse().ok()).unwrap_or(0))
            }
            Group::None => self.first.iter().map(Child::id).map(ticks).sum(),
        }
    }

    pub fn memory(&self) -> Memory {
        let mut sum = Memory::default();
        for pid in self.pids() {
            let at = format!("/proc/{pid}/smaps_rollup");
            let Ok(text) = std::fs::read_to_string(at) else {
                continue;
            };
            let field = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name));
                let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
                kib.unwrap_or(0u64) * 1024
            };
            sum.pss_bytes += field("Pss:");
            sum.rss_bytes += field("Rss:");
            sum.processes += 1;
        }
        sum
    }

    /// Asks all to end, as an init does, and sees that they do.
    pub fn end(&mut self) -> Outcome<()> {
        self.signal(Signal::TERM);
        if self.gone().is_ok() {
            return Ok(());
        }
        self.kill()
    }

    /// Ends all at once.
    pub fn kill(&mut self) -> Outcome<()> {
        // More than once: one that forks meanwhile leaves a child behind.
        wait("processes that were killed", PATIENCE, || {
            self.signal(Signal::KILL);
            self.reap();
            self.pids().is_empty()
        })
    }

    pub fn gone(&mut self) -> Outcome<()> {
        wait("the server's end", PATIENCE, || {
            self.reap();
            self.pids().is_empty()
        })
    }

    pub fn signal(&self, signal: Signal) {
        for pid in self.pids() {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            // It may have ended since.
            let _ = pid.map(|pid| kill_process(pid, signal));
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        if let Group::One(folder) | Group::Two(folder) = &self.group {
            // It stays if processes do.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Ends every process whose root is this folder. Only servers that a bench started live there.
pub fn end_all_in(root: &Path) -> Outcome<()> {
    let root = root
        .canonicalize()
        .map_err(|error| format!("{}: {error}", root.display()))?;
    let inside = || {
        let all = std::fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(Result::ok);
        let inside = all.filter(|entry| {
            std::fs::read_link(entry.path().join("root")).is_ok_and(|its| its == root)
        });
        let pids = inside.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter_map(Pid::from_raw).collect::<Vec<Pid>>()
    };
    wait("the end of what an earlier run left", PATIENCE, || {
        let left = inside();
        for pid in &left {
            // It may have ended since.
            let _ = kill_process(*pid, Signal::KILL);
        }
        left.is_empty()
    })
}

/// A control group below the root's; made by root only.
fn group(name: &str) -> Group {
    let make = |root: &str, probe: &str| {
        let root = Path::new(root);
        let folder = root.join(PARENT).join(name);
        sweep(&root.join(PARENT));
        let made = root.join(probe).exists() && std::fs::create_dir_all(&folder).is_ok();
        made.then_some(folder)
    };
    if let Some(folder) = make("/sys/fs/cgroup/cpuacct", "cpuacct.usage") {
        return Group::One(folder);
    }
    if let Some(folder) = make("/sys/fs/cgroup", "cgroup.controllers") {
        return Group::Two(folder);
    }
    Group::None
}

/// Groups of runs that were killed, once they are empty; their names end with the run's process.
fn sweep(parent: &Path) {
    let groups = std::fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    for group in groups {
        let name = group.file_name();
        let run = name.to_str().and_then(|name| name.rsplit_once('-'));
        if run.is_some_and(|(_, pid)| !Path::new("/proc").join(pid).exists()) {
            // One with processes in it stays.
            let _ = std::fs::remove_dir(group.path());
        }
    }
}

fn number(path: &Path) -> u64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

/// User and system time of a process and of its children that have ended.
fn ticks(pid: u32) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let behind_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = behind_name.split_whitespace().skip(11).take(4);
    let hundredths: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(hundredths * 10)
}
