//! What the system says about a process: memory, descriptors, threads.
//!
//! What never happens here: a question to the process itself.

use std::path::Path;

/// What a process has at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// The most memory that it ever had.
    pub peak_kib: u64,
    pub resident_kib: u64,
    pub threads: usize,
    pub descriptors: usize,
    /// Of these, sockets.
    pub sockets: usize,
}

/// `None` when it is gone.
pub fn usage(pid: u32) -> Option<Usage> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    let (mut descriptors, mut sockets) = (0, 0);
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).ok()? {
        let target = std::fs::read_link(entry.ok()?.path());
        // One that was closed meanwhile does not count.
        let Ok(target) = target else { continue };
        descriptors += 1;
        sockets += usize::from(target.to_string_lossy().starts_with("socket:"));
    }
    Some(Usage {
        peak_kib: number("VmHWM:")?,
        resident_kib: number("VmRSS:")?,
        threads: usize::try_from(number("Threads:")?).ok()?,
        descriptors,
        sockets,
    })
}

/// How many files lie below a folder.
pub fn files_below(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let counts = entries.flatten().map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => files_below(&entry.path()),
        Ok(_) => 1,
        Err(_) => 0,
    });
    counts.sum()
}
