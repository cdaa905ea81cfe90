//! Opening a data folder: the chain of log files, the index, and the replay of what the index does
//! not hold yet.
//!
//! Never here: anything cut away. A torn tail is left behind (writing goes on in a new file),
//! damage is reported and stepped over.

use crate::body::Ids;
use crate::engine::{Engine, Work};
use crate::files::Files;
use crate::index::{Index, NEWEST, TreeIndex, checkpoint};
use crate::key;
use crate::limits::MAX_GROUP_BYTES;
use crate::log::{Chain, Frame, Log, Tail, path_of};
use crate::marker::Marker;
use crate::name::decode_value;
use crate::queue::Queue;
use crate::rows::{self, NewRow, Newest};
use crate::sync::lock;
use crate::{Fault, OpenError, OpenReport, Settings, log, own_file};
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

/// More ids than any damaged stretch of the log can have given out.
const LOST_IDS: u64 = 1 << 32;

fn fault(doing: &str, error: &io::Error) -> OpenError {
    OpenError::Fault(Fault::new(doing, error))
}

pub(crate) fn open(files: Files, settings: Settings) -> Result<Arc<Engine>, OpenError> {
    make_folders(&files).map_err(|error| fault("making the folders of the data folder", &error))?;
    let index = match files.index_folder() {
        Some(folder) => Index::Tree(TreeIndex::open(&folder, settings.cache_bytes)?),
        None => Index::Map(checkpoint::read(&files)?),
    };
    // A process that was killed may have left the index's last change of a name in the page cache
    // only. Nothing that the index has made needless goes before that name is durable.
    files
        .sync_dir(checkpoint::DIR)
        .map_err(|error| fault("syncing the folder of the index", &error))?;
    let marker = read_marker(&index)?;
    let chain = Chain::read(&files)?;
    let mut engine = Engine::new(settings, Some(files), index, marker);
    let mut replay = Replay {
        last_seqno: marker.seqno,
        next_body: marker.next_body.max(1),
        ..Replay::default()
    };
    replay.run(&engine, &chain, marker)?;
    if !replay.report.damage.is_empty() {
        // Bodies that only the damage knows have ids, too, and copies may still point to them.
        replay.next_body += LOST_IDS;
    }
    let log = replay.end_of_log(&engine, &chain)?;
    engine.readers.show(replay.last_seqno);
    engine.queue = Queue::new(replay.last_seqno + 1);
    engine.ids = Ids::new(replay.next_body);
    engine.work = Mutex::new(Work {
        log: Some(log),
        unflushed_bytes: replay.bytes,
        ..Work::default()
    });
    for sentence in &replay.report.damage {
        tracing::error!("opening the store: {sentence}");
    }
    engine.report = replay.report;
    let next_own_file = remove_orphans(&engine)?;
    engine.next_own_file = AtomicU64::new(next_own_file);
    let engine = Arc::new(engine);
    start_threads(&engine)?;
    Ok(engine)
}

fn make_folders(files: &Files) -> io::Result<()> {
    for dir in [log::DIR, own_file::DIR, checkpoint::DIR] {
        files.make_dir(dir)?;
    }
    files.sync_dir("")
}

fn read_marker(index: &Index) -> Result<Marker, OpenError> {
    let key = key::marker();
    let Some(stored) = index.get(&key, NEWEST)? else {
        return Ok(Marker::default());
    };
    let marker = decode_value(&key, stored).and_then(|value| Marker::decode(&value));
    marker.ok_or_else(|| Fault::new("reading the marker of the index", "its checksum fails").into())
}

/// A log file is closed when it has grown past its size, by one group at most.
fn whole_file_bytes(engine: &Engine) -> u64 {
    engine.settings.log_file_bytes + 2 * MAX_GROUP_BYTES as u64
}

#[derive(Default)]
struct Replay {
    last_seqno: u64,
    next_body: u64,
    bytes: u64,
    /// What the index does not hold yet.
    newest: Newest,
    /// Where the last file's last good frame begins and ends.
    last_frame: Option<(u64, u64)>,
    tail_end: u64,
    tail_is_clean: bool,
    report: OpenReport,
}

impl Replay {
    fn run(&mut self, engine: &Engine, chain: &Chain, marker: Marker) -> Result<(), OpenError> {
        let files = engine
            .files
            .as_ref()
            .expect("because a folder is being opened");
        self.report.damage.extend(chain.damage.iter().cloned());
        let unreadable = chain.unreadable.iter().copied();
        for number in unreadable.filter(|number| *number >= marker.log_file) {
            self.lacks(number, whole_file_bytes(engine));
        }
        for number in chain.missing_from(marker.log_file) {
            self.lacks(number, whole_file_bytes(engine));
            self.report.damage.push(format!(
                "{}: is missing, with all its records",
                path_of(number)
            ));
        }
        for link in chain
            .links
            .iter()
            .filter(|link| link.number >= marker.log_file)
        {
            let (walk, damage) = link.walk(files)?;
            self.tail_is_clean = damage.is_empty() && walk.tail_bytes == 0;
            self.report.damage.extend(damage);
            self.last_frame = walk.frames.last().map(|frame| (frame.offset, frame.bytes));
            self.tail_end = walk.end;
            if walk.lost_bytes > 0 {
                self.lacks(link.number, walk.lost_bytes);
            }
            if link.believed.is_none() {
                self.report.torn_tail_bytes = walk.tail_bytes;
            }
            for frame in &walk.frames {
                if frame.last_seqno > self.last_seqno {
                    self.frame(link.number, frame);
                }
            }
        }
        let oldest = engine.readers.oldest();
        for row in std::mem::take(&mut self.newest).into_rows() {
            engine.put_in_index(row, oldest);
        }
        Ok(())
    }

    fn lacks(&mut self, log_file: u64, bytes: u64) {
        let gap = self.report.gap.unwrap_or_default();
        self.report.gap = Some(gap.and(log_file, bytes));
    }

    fn frame(&mut self, log_file: u64, frame: &Frame) {
        self.last_seqno = frame.last_seqno;
        let (Some(transactions), Some(bodies)) = (frame.transactions(), frame.bodies()) else {
            let place = format!("{}: the frame at {}", path_of(log_file), frame.offset);
            self.report.damage.push(format!(
                "{place} is whole, but its content is not understood"
            ));
            self.lacks(log_file, frame.bytes);
            return;
        };
        self.report.frames_replayed += 1;
        let mut take = |row: NewRow| {
            self.bytes += row.bytes();
            self.newest.take(row);
        };
        for transaction in &transactions {
            rows::of_transaction(transaction).for_each(&mut take);
        }
        for body in &bodies {
            self.next_body = self.next_body.max(body.id.0 + 1);
            rows::of_body(body, log_file, frame.offset, frame.last_seqno).for_each(&mut take);
        }
    }

    /// Everything replayed is made durable before anybody sees it; then the log goes on.
    fn end_of_log(&self, engine: &Engine, chain: &Chain) -> Result<Log, OpenError> {
        let files = engine
            .files
            .clone()
            .expect("because a folder is being opened");
        let file_bytes = engine.settings.log_file_bytes;
        let Some(last) = chain.links.last() else {
            let tail = Tail {
                number: 0,
                end: 0,
                salt: files.salt(),
                next_number: chain.next_number,
            };
            return Ok(Log::behind(files, file_bytes, tail));
        };
        let tail = Tail {
            number: last.number,
            end: self.tail_end,
            salt: last.salt(),
            next_number: chain.next_number,
        };
        make_durable(&files, last.number, self.last_frame)
            .map_err(|error| fault("syncing the end of the log", &error))?;
        if !self.tail_is_clean || last.number + 1 != chain.next_number {
            return Ok(Log::behind(files, file_bytes, tail));
        }
        Log::within(files, file_bytes, tail).map_err(|error| fault("opening the log", &error))
    }
}

/// A process that was killed may have left its last frame, or the header of a file that it had just
/// begun, in the page cache only, even after a failed sync; so the same bytes are written again and
/// synced.
fn make_durable(files: &Files, number: u64, last_frame: Option<(u64, u64)>) -> io::Result<()> {
    let file = files.open(&path_of(number))?;
    let header = (0, log::HEADER_BYTES as u64);
    for (offset, bytes) in [Some(header), last_frame].into_iter().flatten() {
        let written = file.read_at(offset, bytes as usize)?;
        file.write_at(offset, &written)?;
    }
    file.sync()?;
    files.sync_dir(log::DIR)
}

/// Bodies' own files that no frame ever adopted go. If the log is damaged, the frame that adopted
/// one may be what cannot be read: then they stay, under another name. Tells the next free number.
fn remove_orphans(engine: &Engine) -> Result<u64, OpenError> {
    let files = engine
        .files
        .as_ref()
        .expect("because a folder is being opened");
    let names = files
        .list(own_file::DIR)
        .map_err(|error| fault("listing the bodies", &error))?;
    let is_damaged = !engine.report.damage.is_empty();
    let lost = names
        .iter()
        .filter_map(|name| own_file::lost_number_of(name));
    let mut next = lost.max().map_or(1, |number| number.saturating_add(1));
    for number in names.iter().filter_map(|name| own_file::number_of(name)) {
        next = next.max(number.saturating_add(1));
        if !engine.has_owners(number)? {
            let path = own_file::path_of(number);
            let done = if is_damaged {
                files.rename(&path, &own_file::lost_path_of(number))
            } else {
                files.remove(&path)
            };
            done.map_err(|error| fault("removing a body that nobody adopted", &error))?;
        }
    }
    if is_damaged {
        // The next opening may not know of the damage any more.
        files
            .sync_dir(own_file::DIR)
            .map_err(|error| fault("syncing the bodies' folder", &error))?;
    }
    Ok(next)
}

fn start_threads(engine: &Arc<Engine>) -> Result<(), OpenError> {
    if !engine.has_threads() {
        return Ok(());
    }
    let start = |name: &str, run: Box<dyn FnOnce() + Send>| {
        std::thread::Builder::new()
            .name(name.into())
            .spawn(run)
            .map_err(|error| fault("starting a thread of the store", &error))
    };
    let (committing, keeping) = (engine.clone(), engine.clone());
    let committer = start("committer", Box::new(move || committing.run_committer()))?;
    let keeper = start(
        "keeper",
        Box::new(move || {
            if let Some(keeper) = &keeping.keeper {
                keeper.run(&keeping);
            }
        }),
    )?;
    *lock(&engine.threads) = vec![committer, keeper];
    Ok(())
}
