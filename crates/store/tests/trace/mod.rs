//! Reads what strace recorded, and rebuilds the disk that a power failure would have left.

use std::collections::BTreeMap;
use std::path::Path;

#[derive(Debug)]
pub enum Call {
    Opened {
        path: String,
        fd: u32,
        created: bool,
        truncated: bool,
    },
    Wrote {
        path: String,
        fd: u32,
        from: Option<u64>,
        bytes: Vec<u8>,
    },
    Seeked {
        fd: u32,
        to: u64,
    },
    Sync {
        path: String,
    },
    Renamed {
        from: String,
        to: String,
    },
    Removed {
        path: String,
    },
    Truncated {
        path: String,
    },
    MadeDir {
        path: String,
    },
    /// Written to standard output.
    Said(String),
}

/// All threads' calls in the order in which they began.
pub fn read(folder: &Path, prefix: &str) -> Vec<Call> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        let text = String::from_utf8(std::fs::read(entry.path()).unwrap()).unwrap();
        for line in text.lines() {
            let Some((time, call)) = line.split_once(' ') else {
                continue;
            };
            let Ok(time) = time.parse::<f64>() else {
                continue;
            };
            lines.push((time, call.to_string()));
        }
    }
    lines.sort_by(|a, b| a.0.total_cmp(&b.0));
    lines.iter().filter_map(|(_, line)| parse(line)).collect()
}

/// `\x41\x42` in quotes or in `<>`.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4);
    let mut rest = text.as_bytes();
    while let Some(byte) = rest.first() {
        if rest.starts_with(b"\\x") {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&rest[2..4]).unwrap(), 16).unwrap());
            rest = &rest[4..];
        } else {
            bytes.push(*byte);
            rest = &rest[1..];
        }
    }
    bytes
}

fn path(text: &str) -> String {
    String::from_utf8(unescape(text)).unwrap()
}

/// `5</path>`
fn descriptor(text: &str) -> Option<(u32, String)> {
    let (fd, rest) = text.split_once('<')?;
    Some((fd.trim().parse().ok()?, path(rest.split_once('>')?.0)))
}

fn quoted(text: &str) -> Vec<&str> {
    text.split('"').skip(1).step_by(2).collect()
}

/// The folder of `AT_FDCWD</x>` or `5</x>` joined with a path that may be absolute.
fn at(folder: &str, name: &str) -> String {
    let name = path(name);
    if name.starts_with('/') {
        return name;
    }
    let folder = folder
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    format!(
        "{}/{name}",
        folder.map_or(String::new(), |(folder, _)| path(folder))
    )
}

fn parse(line: &str) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    if result.starts_with('-') || result.starts_with('?') {
        return None;
    }
    let number: u64 = result.split(['<', ' ']).next()?.parse().ok()?;
    let strings = quoted(arguments);
    Some(match name {
        "openat" => Call::Opened {
            path: at(arguments, strings[0]),
            fd: number as u32,
            created: arguments.contains("O_CREAT"),
            truncated: arguments.contains("O_TRUNC"),
        },
        "write" | "pwrite64" => {
            let (fd, path) = descriptor(arguments)?;
            let mut bytes = unescape(strings.first()?);
            bytes.truncate(number as usize);
            if fd == 1 {
                return Some(Call::Said(String::from_utf8_lossy(&bytes).into_owned()));
            }
            let from = (name == "pwrite64")
                .then(|| {
                    arguments
                        .rsplit_once(", ")?
                        .1
                        .trim_end_matches(')')
                        .trim()
                        .parse()
                        .ok()
                })
                .flatten();
            Call::Wrote {
                path,
                fd,
                from,
                bytes,
            }
        }
        "writev" => {
            let (fd, path) = descriptor(arguments)?;
            let mut bytes: Vec<u8> = strings.iter().flat_map(|part| unescape(part)).collect();
            bytes.truncate(number as usize);
            if fd == 1 {
                return Some(Call::Said(String::from_utf8_lossy(&bytes).into_owned()));
            }
            Call::Wrote {
                path,
                fd,
                from: None,
                bytes,
            }
        }
        "lseek" => Call::Seeked {
            fd: descriptor(arguments)?.0,
            to: number,
        },
        "fsync" | "fdatasync" => Call::Sync {
            path: descriptor(arguments)?.1,
        },
        "rename" => Call::Renamed {
            from: path(strings[0]),
            to: path(strings[1]),
        },
        "renameat" | "renameat2" => {
            let second = arguments.split('"').nth(2)?;
            Call::Renamed {
                from: at(arguments, strings[0]),
                to: at(second, strings[1]),
            }
        }
        "unlink" => Call::Removed {
            path: path(strings[0]),
        },
        "unlinkat" => Call::Removed {
            path: at(arguments, strings[0]),
        },
        "ftruncate" => Call::Truncated {
            path: descriptor(arguments)?.1,
        },
        "mkdir" => Call::MadeDir {
            path: path(strings[0]),
        },
        "mkdirat" => Call::MadeDir {
            path: at(arguments, strings[0]),
        },
        _ => return None,
    })
}

#[derive(Clone, Default)]
struct Inode {
    is_dir: bool,
    current: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone)]
enum Change {
    Added(String, usize),
    Removed(String),
    Renamed(String, String, usize),
}

/// The files below one folder, as they are seen and as they are durable.
#[derive(Clone, Default)]
pub struct Disk {
    root: String,
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    unsynced_names: Vec<Change>,
    /// Where each open file's next write goes.
    positions: BTreeMap<u32, usize>,
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn write(file: &mut Vec<u8>, from: usize, bytes: &[u8]) {
    if file.len() < from + bytes.len() {
        file.resize(from + bytes.len(), 0);
    }
    file[from..from + bytes.len()].copy_from_slice(bytes);
}

fn change(names: &mut BTreeMap<String, usize>, change: &Change) {
    match change {
        Change::Added(path, inode) => {
            names.insert(path.clone(), *inode);
        }
        Change::Removed(path) => {
            names.remove(path);
        }
        Change::Renamed(from, to, inode) => {
            names.remove(from);
            names.insert(to.clone(), *inode);
        }
    }
}

impl Disk {
    pub fn new(root: &str) -> Disk {
        Disk {
            root: root.to_string(),
            ..Disk::default()
        }
    }

    fn inside(&self, path: &str) -> bool {
        path.strip_prefix(&self.root)
            .is_some_and(|rest| rest.starts_with('/'))
    }

    fn name(&mut self, new: Change) {
        change(&mut self.names, &new);
        self.unsynced_names.push(new);
    }

    fn add(&mut self, path: &str, is_dir: bool) {
        if self.inside(path) && !self.names.contains_key(path) {
            self.inodes.push(Inode {
                is_dir,
                ..Inode::default()
            });
            self.name(Change::Added(path.to_string(), self.inodes.len() - 1));
        }
    }

    pub fn apply(&mut self, call: &Call) {
        match call {
            Call::MadeDir { path } => self.add(path, true),
            Call::Opened {
                path,
                fd,
                created,
                truncated,
            } => {
                if *created {
                    self.add(path, false);
                }
                self.positions.insert(*fd, 0);
                if *truncated && let Some(inode) = self.names.get(path) {
                    assert!(
                        self.inodes[*inode].current.is_empty(),
                        "{path} is truncated while in use"
                    );
                }
            }
            Call::Wrote {
                path,
                fd,
                from,
                bytes,
            } => {
                let at = from.map_or_else(
                    || self.positions.get(fd).copied().unwrap_or(0),
                    |from| from as usize,
                );
                if from.is_none() {
                    self.positions.insert(*fd, at + bytes.len());
                }
                if let Some(inode) = self.names.get(path) {
                    write(&mut self.inodes[*inode].current, at, bytes);
                    self.inodes[*inode].unsynced.push((at, bytes.clone()));
                }
            }
            Call::Seeked { fd, to } => {
                self.positions.insert(*fd, *to as usize);
            }
            Call::Sync { path } => self.sync(path),
            Call::Renamed { from, to } => {
                if let Some(inode) = self.names.get(from).copied() {
                    self.name(Change::Renamed(from.clone(), to.clone(), inode));
                }
            }
            Call::Removed { path } => {
                if self.names.contains_key(path) {
                    self.name(Change::Removed(path.clone()));
                }
            }
            // Only of the lock file, which has no contents that matter.
            Call::Truncated { path } => {
                assert!(path.ends_with("/LOCK") || !self.inside(path), "{path}")
            }
            Call::Said(_) => {}
        }
    }

    fn sync(&mut self, path: &str) {
        if let Some(inode) = self.names.get(path) {
            let inode = &mut self.inodes[*inode];
            inode.durable.clone_from(&inode.current);
            inode.unsynced.clear();
        }
        let changes = std::mem::take(&mut self.unsynced_names);
        for new in changes {
            let folder = match &new {
                Change::Added(path, _) | Change::Removed(path) => folder_of(path),
                Change::Renamed(_, to, _) => folder_of(to),
            };
            if folder == path {
                change(&mut self.durable_names, &new);
            } else {
                self.unsynced_names.push(new);
            }
        }
    }

    /// What the power failure leaves: of what no sync covered, some.
    pub fn cut(&self, dice: u64) -> Disk {
        let mut left = self.clone();
        let mut dice = dice | 1;
        let mut heads = move || {
            dice ^= dice >> 12;
            dice ^= dice << 25;
            dice ^= dice >> 27;
            (dice.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) & 1 == 0
        };
        for inode in &mut left.inodes {
            for (from, bytes) in std::mem::take(&mut inode.unsynced) {
                if heads() {
                    let torn = if heads() {
                        bytes.len()
                    } else {
                        bytes.len() / 2
                    };
                    write(&mut inode.durable, from, &bytes[..torn]);
                }
            }
        }
        for new in std::mem::take(&mut left.unsynced_names) {
            if heads() {
                change(&mut left.durable_names, &new);
            }
        }
        left
    }

    pub fn write_to(&self, folder: &Path) {
        for (path, inode) in &self.durable_names {
            let inode = &self.inodes[*inode];
            let place = folder.join(&path[self.root.len() + 1..]);
            if inode.is_dir {
                std::fs::create_dir_all(place).unwrap();
            } else if place.parent().is_some_and(Path::exists) {
                // A name below a folder whose own name was lost is lost with it.
                std::fs::write(place, &inode.durable).unwrap();
            }
        }
    }
}
