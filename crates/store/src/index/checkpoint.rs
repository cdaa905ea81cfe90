//! A whole map as one file: what stands in for the tree's flush where files are simulated.
//!
//! Written beside the old one, synced, then renamed over it. Never here: half a checkpoint.

use super::{Index, MapIndex, NEWEST};
use crate::Fault;
use crate::files::Files;
use crate::words::{Words, put_u32, put_u64};
use std::io;
use std::ops::Bound;

pub(crate) const DIR: &str = "index";
const PATH: &str = "index/map";
const NEW_PATH: &str = "index/map.new";

pub(crate) fn write(files: &Files, index: &Index, seqno: u64) -> Result<(), Fault> {
    let mut out = Vec::new();
    for row in index.range(Bound::Unbounded, Bound::Unbounded, seqno) {
        let (key, value) = row?;
        put_u32(&mut out, key.len() as u32);
        put_u32(&mut out, value.len() as u32);
        out.extend_from_slice(&key);
        out.extend_from_slice(&value);
    }
    let sum = xxhash_rust::xxh3::xxh3_64(&out);
    put_u64(&mut out, sum);
    replace(files, &out).map_err(|error| Fault::new(format!("writing {PATH}"), error))
}

fn replace(files: &Files, bytes: &[u8]) -> io::Result<()> {
    match files.remove(NEW_PATH) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = files.create(NEW_PATH)?;
    file.write_at(0, bytes)?;
    file.sync()?;
    files.rename(NEW_PATH, PATH)?;
    files.sync_dir(DIR)
}

pub(crate) fn read(files: &Files) -> Result<MapIndex, Fault> {
    let map = MapIndex::default();
    let bytes = match files
        .open(PATH)
        .and_then(|file| file.read_at(0, usize::MAX))
    {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(map),
        Err(error) => return Err(Fault::new(format!("reading {PATH}"), error)),
    };
    let broken = || Fault::new(format!("reading {PATH}"), "its checksum fails");
    let (content, sum) = bytes.split_last_chunk::<8>().ok_or_else(broken)?;
    if xxhash_rust::xxh3::xxh3_64(content).to_le_bytes() != *sum {
        return Err(broken());
    }
    let mut words = Words::new(content.to_vec().into());
    while !words.is_done() {
        let mut row = || {
            let (key_bytes, value_bytes) = (words.u32()?, words.u32()?);
            Some((
                words.take(key_bytes as usize)?,
                words.take(value_bytes as usize)?,
            ))
        };
        let (key, value) = row().ok_or_else(broken)?;
        map.insert(key.into(), Some(value), 0, NEWEST);
    }
    Ok(map)
}
