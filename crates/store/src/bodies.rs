//! Adopted bodies: where they lie and how they are read.
//!
//! A body's place is a record of the store's own in the index, with a sum over what is stored of it;
//! its hash and tag stand beside it in the log. A body that is read whole is checked by the sum,
//! which costs a small part of what the hash does; by the hash whenever it is moved or verified, and
//! where there is no sum. Never here: a body that no durable commit holds.

use crate::body::{Stored, piece};
use crate::engine::Engine;
use crate::files::{File, Files};
use crate::index::NEWEST;
use crate::key;
use crate::log::{self, BodyEntry, Place};
use crate::own_file::{self, OwnFile};
use crate::packed::{self, Pieces};
use crate::queue::Parcel;
use crate::sync::lock;
use crate::words::{Words, put_short, put_u64};
use crate::{BodyId, Fault};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// Open files kept for reading.
const MAX_HANDLES: usize = 256;

/// No body's own file has this number.
const NO_FILE: u64 = 0;
/// No packed body is so short.
const NOT_PACKED: u64 = 0;

/// Where a body lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Location {
    pub(crate) log_file: u64,
    /// Where its entry begins in the log file.
    pub(crate) offset: u64,
    pub(crate) tag_bytes: usize,
    pub(crate) len: u64,
    pub(crate) place: Place,
    /// Over the content in the log file; None: of before there were sums, or a file of its own.
    pub(crate) sum: Option<u64>,
}

impl Location {
    pub(crate) fn of(body: &BodyEntry, log_file: u64, frame: u64) -> Location {
        Location {
            log_file,
            offset: frame + body.offset,
            tag_bytes: body.tag.len(),
            len: body.len,
            place: body.place,
            sum: body.sum,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_short(&mut out, self.log_file);
        put_short(&mut out, self.offset);
        put_short(&mut out, self.tag_bytes as u64);
        put_short(&mut out, self.len);
        match (self.place, self.sum) {
            (Place::Inline, None) => {}
            (Place::Inline, Some(_)) => {
                put_short(&mut out, NO_FILE);
                put_short(&mut out, NOT_PACKED);
            }
            (Place::File(file), _) => put_short(&mut out, file),
            (Place::Packed(bytes), _) => {
                put_short(&mut out, NO_FILE);
                put_short(&mut out, bytes);
            }
        }
        if let Some(sum) = self.sum {
            put_u64(&mut out, sum);
        }
        out
    }

    pub(crate) fn decode(bytes: Bytes) -> Option<Location> {
        let mut words = Words::new(bytes);
        let (log_file, offset) = (words.short()?, words.short()?);
        let (tag_bytes, len) = (usize::try_from(words.short()?).ok()?, words.short()?);
        let place = if words.is_done() {
            Place::Inline
        } else {
            match words.short()? {
                NO_FILE => match words.short()? {
                    NOT_PACKED => Place::Inline,
                    bytes => Place::Packed(bytes),
                },
                file => Place::File(file),
            }
        };
        let sum = match words.is_done() {
            true => None,
            false => Some(words.u64()?),
        };
        Some(Location {
            log_file,
            offset,
            tag_bytes,
            len,
            place,
            sum,
        })
    }

    /// Bytes of its entry in the log file.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.content_at() - self.offset + self.content_bytes()
    }

    /// Where in the log file the content begins.
    fn content_at(&self) -> u64 {
        self.offset + BodyEntry::head_bytes(self.tag_bytes) as u64 + self.place.head_bytes()
    }

    /// Bytes of the content in the log file.
    fn content_bytes(&self) -> u64 {
        match self.place {
            Place::Inline => self.len,
            Place::Packed(bytes) => bytes,
            Place::File(_) => 0,
        }
    }
}

/// A body kept in memory.
pub(crate) struct Kept {
    bytes: Bytes,
    tag: Bytes,
}

pub(crate) enum Bodies {
    Memory(Mutex<BTreeMap<BodyId, Kept>>),
    Disk(Shelf),
}

/// Open files by path.
pub(crate) struct Shelf {
    files: Files,
    handles: Mutex<BTreeMap<String, Arc<File>>>,
}

impl Shelf {
    fn open(&self, path: String) -> io::Result<Arc<File>> {
        if let Some(file) = lock(&self.handles).get(&path) {
            return Ok(file.clone());
        }
        let file = Arc::new(self.files.open(&path)?);
        let mut handles = lock(&self.handles);
        if handles.len() >= MAX_HANDLES {
            handles.pop_first();
        }
        handles.insert(path, file.clone());
        Ok(file)
    }

    pub(crate) fn read(&self, path: String, from: u64, len: usize) -> io::Result<Bytes> {
        Ok(self.open(path)?.read_at(from, len)?.into())
    }
}

impl Bodies {
    pub(crate) fn memory() -> Bodies {
        Bodies::Memory(Mutex::default())
    }

    pub(crate) fn on_disk(files: Files) -> Bodies {
        Bodies::Disk(Shelf {
            files,
            handles: Mutex::default(),
        })
    }

    /// Keeps a body where there is no log.
    pub(crate) fn keep(&self, parcel: &Parcel) {
        if let (Bodies::Memory(map), Stored::Plain(bytes)) = (self, &parcel.stored) {
            let kept = Kept {
                bytes: bytes.clone(),
                tag: parcel.tag.clone(),
            };
            lock(map).insert(parcel.id, kept);
        }
    }

    /// The file is gone; nobody is to find it open.
    pub(crate) fn forget(&self, path: &str) {
        if let Bodies::Disk(shelf) = self {
            lock(&shelf.handles).remove(path);
        }
    }

    /// Drops what is neither in `live` nor from `before` on; how many bodies and bytes went.
    pub(crate) fn sweep_memory(
        &self,
        live: &roaring::RoaringTreemap,
        before: BodyId,
    ) -> (u64, u64) {
        let Bodies::Memory(map) = self else {
            return (0, 0);
        };
        let (mut bodies, mut bytes) = (0, 0);
        lock(map).retain(|id, kept| {
            let keep = *id >= before || live.contains(id.0);
            bodies += u64::from(!keep);
            bytes += if keep { 0 } else { kept.bytes.len() as u64 };
            keep
        });
        (bodies, bytes)
    }
}

/// What is told of a body that cannot be read.
fn fault(id: BodyId, why: impl std::fmt::Display) -> Fault {
    Fault::new(format!("reading body {}", id.0), why)
}

impl Engine {
    pub(crate) fn location(&self, id: BodyId) -> Result<Option<Location>, Fault> {
        let Some(value) = self.get_full(&key::of_body(id), NEWEST)? else {
            return Ok(None);
        };
        match Location::decode(value.bytes().clone()) {
            Some(location) => Ok(Some(location)),
            None => Err(fault(id, "its place is not understood")),
        }
    }

    pub(crate) fn body_len(&self, id: BodyId) -> Result<Option<u64>, Fault> {
        match &self.bodies {
            Bodies::Memory(map) => Ok(lock(map).get(&id).map(|kept| kept.bytes.len() as u64)),
            Bodies::Disk(_) => Ok(self.location(id)?.map(|location| location.len)),
        }
    }

    pub(crate) fn body_tag(&self, id: BodyId) -> Result<Option<Bytes>, Fault> {
        match &self.bodies {
            Bodies::Memory(map) => Ok(lock(map).get(&id).map(|kept| kept.tag.clone())),
            Bodies::Disk(shelf) => {
                if self.location(id)?.is_none() {
                    return Ok(None);
                }
                let tag = self.with_location(id, |place| Ok(read_head(shelf, id, place)?.tag))?;
                Ok(Some(tag))
            }
        }
    }

    pub(crate) fn read_body(&self, id: BodyId, from: u64, len: usize) -> Result<Bytes, Fault> {
        match &self.bodies {
            Bodies::Memory(map) => match lock(map).get(&id) {
                Some(kept) => Ok(piece(&kept.bytes, from, len)),
                None => Err(fault(id, "there is no such body")),
            },
            Bodies::Disk(shelf) => {
                self.with_location(id, |place| read(shelf, id, place, from, len))
            }
        }
    }

    /// Reads a body to see whether it has its hash.
    pub(crate) fn verify_body(&self, id: BodyId) -> Result<(), Fault> {
        let Bodies::Disk(shelf) = &self.bodies else {
            return Ok(());
        };
        self.with_location(id, |place| {
            let place = Location {
                sum: None,
                ..*place
            };
            read_whole(shelf, id, &place).map(drop)
        })
    }

    /// The vacuum may move a body between the look at its place and the reading; then it is looked
    /// for once more.
    fn with_location<T>(
        &self,
        id: BodyId,
        read: impl Fn(&Location) -> Result<T, ReadError>,
    ) -> Result<T, Fault> {
        let find = || {
            self.location(id)?
                .ok_or_else(|| fault(id, "there is no such body"))
        };
        let first = find()?;
        let error = match read(&first) {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        let second = find()?;
        if matches!(error, ReadError::Gone) && second != first {
            return read(&second).map_err(|error| error.fault(id));
        }
        Err(error.fault(id))
    }

    /// A stored body, to be moved: its bytes with their tag and hash, or the file that it keeps.
    pub(crate) fn parcel(&self, id: BodyId, place: &Location) -> Result<Parcel, Fault> {
        let Bodies::Disk(shelf) = &self.bodies else {
            return Err(fault(id, "it is not on a disk"));
        };
        let (entry, stored) = stored(shelf, id, place).map_err(|error| error.fault(id))?;
        let (hash, tag, len) = (entry.hash, entry.tag, entry.len);
        Ok(Parcel {
            id,
            stored,
            len,
            hash,
            tag,
            claim: None,
        })
    }
}

/// A body moves in the form that it has. A large one stays where it is: only its entry moves.
fn stored(shelf: &Shelf, id: BodyId, place: &Location) -> Result<(BodyEntry, Stored), ReadError> {
    if let Place::File(number) = place.place {
        let file = OwnFile::adopted(&shelf.files, number)?;
        let entry = read_head(shelf, id, place)?;
        return Ok((entry, Stored::File(Arc::new(file))));
    }
    let (entry, content) = read_entry(shelf, id, place)?;
    whole(&entry, place, &content)?;
    let stored = match place.place {
        Place::Packed(_) => Stored::Packed(content),
        _ => Stored::Plain(content),
    };
    Ok((entry, stored))
}

enum ReadError {
    /// The file is not there.
    Gone,
    Other(String),
}

impl ReadError {
    fn fault(self, id: BodyId) -> Fault {
        match self {
            ReadError::Gone => fault(id, "its file is missing"),
            ReadError::Other(why) => fault(id, why),
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        if error.kind() == io::ErrorKind::NotFound {
            return ReadError::Gone;
        }
        ReadError::Other(error.to_string())
    }
}

fn other(why: &str) -> ReadError {
    ReadError::Other(why.into())
}

fn decode_head(id: BodyId, bytes: Bytes) -> Result<BodyEntry, ReadError> {
    let entry = BodyEntry::decode_head(&mut Words::new(bytes)).filter(|entry| entry.id == id);
    entry.ok_or_else(|| other("its entry in the log is broken"))
}

fn read_head(shelf: &Shelf, id: BodyId, place: &Location) -> Result<BodyEntry, ReadError> {
    let head_bytes = BodyEntry::head_bytes(place.tag_bytes);
    let bytes = shelf.read(log::path_of(place.log_file), place.offset, head_bytes)?;
    decode_head(id, bytes)
}

/// The entry, and what it holds of the body, in one read.
fn read_entry(
    shelf: &Shelf,
    id: BodyId,
    place: &Location,
) -> Result<(BodyEntry, Bytes), ReadError> {
    let len = usize::try_from(place.log_bytes()).map_err(|_| other("it is too long"))?;
    let bytes = shelf.read(log::path_of(place.log_file), place.offset, len)?;
    split_entry(id, place, bytes)
}

/// The head of an entry, and what it holds of the body.
fn split_entry(
    id: BodyId,
    place: &Location,
    entry: Bytes,
) -> Result<(BodyEntry, Bytes), ReadError> {
    let head = decode_head(id, entry.clone())?;
    let content_at = (place.content_at() - place.offset) as usize;
    Ok((head, entry.slice(content_at.min(entry.len())..)))
}

/// The body in what is stored of it; its hash is verified.
fn whole(entry: &BodyEntry, place: &Location, stored: &Bytes) -> Result<Bytes, ReadError> {
    unpacked(entry, place, stored)
        .filter(|body| blake3::hash(body) == entry.hash)
        .ok_or_else(|| other("its bytes do not have its hash"))
}

/// The same, verified by the sum of what is stored, if there is one.
fn checked(entry: &BodyEntry, place: &Location, stored: &Bytes) -> Result<Bytes, ReadError> {
    let Some(sum) = place.sum else {
        return whole(entry, place, stored);
    };
    let body = match sum == BodyEntry::sum_of(entry.id, stored) {
        true => unpacked(entry, place, stored),
        false => None,
    };
    body.ok_or_else(|| other("its bytes do not have its sum"))
}

fn unpacked(entry: &BodyEntry, place: &Location, stored: &Bytes) -> Option<Bytes> {
    let body = match place.place {
        Place::Packed(_) => packed::unpack(entry.len, stored),
        Place::Inline | Place::File(_) => Some(stored.clone()),
    };
    body.filter(|body| body.len() as u64 == entry.len)
}

/// The body of an entry of the log; `None`: it is not what it should be.
pub(crate) fn entry_of(id: BodyId, place: &Location, entry: Bytes) -> Option<Bytes> {
    let (head, content) = split_entry(id, place, entry).ok()?;
    checked(&head, place, &content).ok()
}

fn read_whole(shelf: &Shelf, id: BodyId, place: &Location) -> Result<Bytes, ReadError> {
    let (entry, content) = read_entry(shelf, id, place)?;
    let stored = match place.place {
        Place::File(file) => shelf.read(own_file::path_of(file), 0, usize::MAX)?,
        Place::Inline | Place::Packed(_) => content,
    };
    checked(&entry, place, &stored)
}

fn read(
    shelf: &Shelf,
    id: BodyId,
    place: &Location,
    from: u64,
    len: usize,
) -> Result<Bytes, ReadError> {
    if from == 0 && len as u64 >= place.len {
        return read_whole(shelf, id, place);
    }
    let from = from.min(place.len);
    let part = from..from.saturating_add(len as u64).min(place.len);
    match place.place {
        Place::Inline => {
            let path = log::path_of(place.log_file);
            let at = place.content_at();
            read_exactly(shelf, path, at + part.start..at + part.end)
        }
        Place::Packed(bytes) => read_packed(shelf, place, bytes, &part),
        Place::File(file) => read_exactly(shelf, own_file::path_of(file), part),
    }
}

/// Only what holds the part is read and unpacked.
fn read_packed(
    shelf: &Shelf,
    place: &Location,
    packed_bytes: u64,
    part: &Range<u64>,
) -> Result<Bytes, ReadError> {
    let broken = || other("its packed form is broken");
    let path = || log::path_of(place.log_file);
    let begin = place.content_at();
    let index_bytes = Pieces::index_bytes(place.len);
    let index_at = packed_bytes.checked_sub(index_bytes).ok_or_else(broken)?;
    let index = begin + index_at..begin + packed_bytes;
    let index = read_exactly(shelf, path(), index)?;
    let pieces = Pieces::read(place.len, packed_bytes, index).ok_or_else(broken)?;
    let stretch = pieces.stretch(part);
    let stretch = begin + stretch.start..begin + stretch.end;
    let stretch = read_exactly(shelf, path(), stretch)?;
    pieces.unpack(part, &stretch).ok_or_else(broken)
}

fn read_exactly(shelf: &Shelf, path: String, at: Range<u64>) -> Result<Bytes, ReadError> {
    let len = usize::try_from(at.end - at.start).map_err(|_| other("it is too long"))?;
    let bytes = shelf.read(path, at.start, len)?;
    if bytes.len() != len {
        return Err(other("its file ends too early"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_as_it_was_written_with_a_sum_and_without() {
        for place in [Place::Inline, Place::Packed(77), Place::File(9)] {
            for sum in [None, Some(0), Some(u64::MAX)] {
                let location = Location {
                    log_file: 3,
                    offset: 1 << 40,
                    tag_bytes: 5,
                    len: 8_192,
                    place,
                    sum,
                };
                let back = Location::decode(location.encode().into());
                assert_eq!(back, Some(location));
            }
        }
    }

    #[test]
    fn what_is_read_has_its_sum_and_what_has_none_its_hash() {
        let bytes = Bytes::from_static(b"some octets");
        let id = BodyId(7);
        let entry = BodyEntry {
            id,
            hash: *blake3::hash(b"other octets").as_bytes(),
            tag: Bytes::new(),
            len: bytes.len() as u64,
            place: Place::Inline,
            offset: 0,
            sum: None,
        };
        let with = |sum| Location {
            sum,
            ..Location::of(&entry, 1, 0)
        };
        let sum = BodyEntry::sum_of(id, &bytes);
        assert!(checked(&entry, &with(Some(sum)), &bytes).is_ok());
        assert!(checked(&entry, &with(Some(sum ^ 1)), &bytes).is_err());
        let elsewhere = BodyEntry::sum_of(BodyId(8), &bytes);
        assert!(checked(&entry, &with(Some(elsewhere)), &bytes).is_err());
        assert!(checked(&entry, &with(None), &bytes).is_err());
    }
}
