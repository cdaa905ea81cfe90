//! The index as an ordered map in memory, with the versions that somebody may still read.

use super::Row;
use crate::key::is_empty;
use crate::sync::{lock, read, write};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, RwLock};

/// Rows fetched under one taking of the lock.
const CHUNK_ROWS: usize = 64;
/// Deleted keys looked at after each write, so that forgetting keeps up with deleting.
const FORGET_AT_ONCE: usize = 2;

/// Oldest first; None is a deletion.
type Versions = Vec<(u64, Option<Bytes>)>;
type Map = BTreeMap<Bytes, Versions>;

#[derive(Default)]
pub(crate) struct MapIndex {
    map: Arc<RwLock<Map>>,
    /// Deletions that may be forgotten once nobody reads before them.
    deleted: Mutex<VecDeque<(u64, Bytes)>>,
}

fn at(versions: &Versions, at: u64) -> Option<&Bytes> {
    let (_, value) = versions.iter().rev().find(|(seqno, _)| *seqno <= at)?;
    value.as_ref()
}

impl MapIndex {
    pub(crate) fn get(&self, full_key: &[u8], at_seqno: u64) -> Option<Bytes> {
        at(read(&self.map).get(full_key)?, at_seqno).cloned()
    }

    pub(crate) fn range(&self, low: Bound<Vec<u8>>, high: Bound<Vec<u8>>, at: u64) -> MapRows {
        MapRows {
            map: self.map.clone(),
            low: low.map(Bytes::from),
            high: high.map(Bytes::from),
            at,
            front: VecDeque::new(),
            back: VecDeque::new(),
        }
    }

    pub(crate) fn insert(&self, full_key: Vec<u8>, value: Option<Bytes>, seqno: u64, oldest: u64) {
        let key = Bytes::from(full_key);
        let mut map = write(&self.map);
        if value.is_none() {
            lock(&self.deleted).push_back((seqno, key.clone()));
        }
        let versions = map.entry(key).or_default();
        versions.retain(|(existing, _)| *existing != seqno);
        versions.push((seqno, value));
        prune(versions, oldest);
        self.forget(&mut map, oldest);
    }

    fn forget(&self, map: &mut Map, oldest: u64) {
        let mut deleted = lock(&self.deleted);
        for _ in 0..FORGET_AT_ONCE {
            match deleted.front() {
                Some((seqno, _)) if *seqno <= oldest => {}
                _ => return,
            }
            let Some((_, key)) = deleted.pop_front() else {
                return;
            };
            let Some(versions) = map.get_mut(&key) else {
                continue;
            };
            prune(versions, oldest);
            if matches!(versions[..], [(seqno, None)] if seqno <= oldest) {
                map.remove(&key);
            }
        }
    }
}

/// Drops what nobody at or after `oldest` can read.
fn prune(versions: &mut Versions, oldest: u64) {
    if let Some(needed) = versions.iter().rposition(|(seqno, _)| *seqno <= oldest) {
        versions.drain(..needed);
    }
}

/// Rows of a range, fetched in chunks so that no reader holds the map's lock for long.
pub(crate) struct MapRows {
    map: Arc<RwLock<Map>>,
    low: Bound<Bytes>,
    high: Bound<Bytes>,
    at: u64,
    front: VecDeque<(Bytes, Bytes)>,
    /// In the order of the keys, too: the last one goes out first.
    back: VecDeque<(Bytes, Bytes)>,
}

impl MapRows {
    fn fetch_front(&mut self) {
        while self.front.is_empty() && !is_empty(&self.low, &self.high) {
            let map = read(&self.map);
            let rows = map.range((self.low.clone(), self.high.clone()));
            match chunk(rows, self.at, |row| self.front.push_back(row)) {
                Some(last) => self.low = Bound::Excluded(last),
                None => (self.low, self.high) = NOTHING,
            }
        }
    }

    fn fetch_back(&mut self) {
        while self.back.is_empty() && !is_empty(&self.low, &self.high) {
            let map = read(&self.map);
            let rows = map.range((self.low.clone(), self.high.clone()));
            match chunk(rows.rev(), self.at, |row| self.back.push_front(row)) {
                Some(last) => self.high = Bound::Excluded(last),
                None => (self.low, self.high) = NOTHING,
            }
        }
    }
}

/// Bounds with nothing between them.
const NOTHING: (Bound<Bytes>, Bound<Bytes>) =
    (Bound::Excluded(Bytes::new()), Bound::Excluded(Bytes::new()));

/// Shows what is there of the next rows at a moment; gives the last key that was looked at.
fn chunk<'a>(
    rows: impl Iterator<Item = (&'a Bytes, &'a Versions)>,
    moment: u64,
    mut show: impl FnMut((Bytes, Bytes)),
) -> Option<Bytes> {
    let mut last = None;
    for (key, versions) in rows.take(CHUNK_ROWS) {
        last = Some(key);
        if let Some(value) = at(versions, moment) {
            show((key.clone(), value.clone()));
        }
    }
    last.cloned()
}

impl Iterator for MapRows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        self.fetch_front();
        self.front
            .pop_front()
            .or_else(|| self.back.pop_front())
            .map(Ok)
    }
}

impl DoubleEndedIterator for MapRows {
    fn next_back(&mut self) -> Option<Row> {
        self.fetch_back();
        self.back
            .pop_back()
            .or_else(|| self.front.pop_back())
            .map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(index: &MapIndex, at: u64) -> Vec<(Bytes, Bytes)> {
        index
            .range(Bound::Unbounded, Bound::Unbounded, at)
            .map(|row| row.unwrap())
            .collect()
    }

    #[test]
    fn each_reader_sees_its_own_moment() {
        let index = MapIndex::default();
        index.insert(b"a".to_vec(), Some(Bytes::from_static(b"1")), 1, 0);
        index.insert(b"a".to_vec(), Some(Bytes::from_static(b"2")), 2, 1);
        index.insert(b"a".to_vec(), None, 3, 1);
        assert_eq!(index.get(b"a", 0), None);
        assert_eq!(index.get(b"a", 1).unwrap(), "1");
        assert_eq!(index.get(b"a", 2).unwrap(), "2");
        assert_eq!(index.get(b"a", 3), None);
    }

    #[test]
    fn what_nobody_reads_is_forgotten() {
        let index = MapIndex::default();
        for round in 0..100u64 {
            let seqno = round * 2 + 1;
            index.insert(
                vec![round as u8],
                Some(Bytes::from_static(b"x")),
                seqno,
                seqno - 1,
            );
            index.insert(vec![round as u8], None, seqno + 1, seqno);
        }
        index.insert(b"last".to_vec(), Some(Bytes::from_static(b"x")), 1000, 999);
        assert!(read(&index.map).len() <= 4, "{}", read(&index.map).len());
    }

    #[test]
    fn both_ends_meet_in_the_middle() {
        let index = MapIndex::default();
        for key in 0..=255u8 {
            index.insert(vec![key], Some(Bytes::from(vec![key])), 1, 0);
        }
        assert_eq!(rows(&index, 1).len(), 256);
        let mut both = index.range(Bound::Unbounded, Bound::Unbounded, 1);
        let mut seen = Vec::new();
        loop {
            let Some(row) = both.next() else { break };
            seen.push(row.unwrap().0[0]);
            let Some(row) = both.next_back() else { break };
            seen.push(row.unwrap().0[0]);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..=255).collect::<Vec<u8>>());
    }
}
