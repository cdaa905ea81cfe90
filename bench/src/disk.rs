//! The limit: the same bytes appended to one file and synced.

use std::fs::File;
use std::io::Write;
use std::path::Path;

pub struct Limit {
    file: File,
    bytes: Vec<u8>,
}

impl Limit {
    pub fn new(folder: &Path, group: usize, message_bytes: usize) -> Limit {
        let path = folder.join(format!("limit-{group}"));
        let file = File::create(path).expect("because the folder was just made");
        Limit {
            file,
            bytes: crate::message::noise(1, group * message_bytes),
        }
    }

    pub fn append_and_sync(&mut self) {
        self.file
            .write_all(&self.bytes)
            .expect("because a disk that fails has no speed");
        self.file
            .sync_data()
            .expect("because a disk that fails has no speed");
    }
}

/// Bytes that this process sent to the disk so far.
pub fn written_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|bytes| bytes.parse().ok()).unwrap_or(0)
}

/// Processor time of this process so far, in seconds.
pub fn processor_s() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    // utime and stime, in hundredths of a second.
    let ticks = behind_name.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}
