//! What is kept in fewer bytes: bodies, and the records of a frame.
//!
//! A body is cut into pieces of 64 KiB, each compressed by itself, so that a part of a large one is
//! read without the rest.
//!
//! ```text
//! packed = *piece *( bytes:u32 )   ; for each 64 KiB of the body; the last piece may hold less
//! piece  = a zstd frame / the body's own bytes, if that makes as many of them
//! ```
//! Records are one zstd frame; how long they are stands before it (`log/frame.rs`).
//!
//! Never here: more memory than the body is long, whatever the bytes are; a checksum (a body's hash
//! is over what comes out, and a frame's sum over what is stored).

use crate::limits::MAX_GROUP_BYTES;
use crate::words::{Words, put_u32};
use bytes::Bytes;
use std::cell::RefCell;
use std::ops::Range;
use zstd::bulk::{Compressor, Decompressor};

const PIECE_BYTES: usize = 64 * 1024;
/// Of one piece, in the index.
const ENTRY_BYTES: u64 = 4;
/// A shorter body stays as it is: there is little to save, and each reading would cost as much as
/// finding it.
pub(crate) const LEAST_BYTES: usize = 2 * 1024;
/// Fewer bytes of records stay as they are.
const LEAST_RECORD_BYTES: usize = 512;
/// More than any group brings.
const MOST_RECORD_BYTES: usize = 2 * MAX_GROUP_BYTES;
/// What does not save one part of so many stays as it is.
const LEAST_SAVED: usize = 16;
/// The fastest of zstd's usual levels; the next ones take longer and save hardly more.
const LEVEL: i32 = 1;

thread_local! {
    // Their memory is worth keeping: half of the time for a small body would go into making it.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = RefCell::new(compressor());
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> =
        RefCell::new(Decompressor::new().ok());
}

/// What stands in the log beside a body says its length, and its hash is over the whole of it.
fn compressor() -> Option<Compressor<'static>> {
    let mut compressor = Compressor::new(LEVEL).ok()?;
    compressor.include_contentsize(false).ok()?;
    compressor.include_checksum(false).ok()?;
    Some(compressor)
}

/// The packed form; None if it does not save enough.
pub(crate) fn pack(body: &[u8]) -> Option<Bytes> {
    if body.len() < LEAST_BYTES {
        return None;
    }
    let mut out = Vec::new();
    let mut index = Vec::new();
    COMPRESSOR.with_borrow_mut(|compressor| {
        let compressor = compressor.as_mut()?;
        for piece in body.chunks(PIECE_BYTES) {
            put_u32(&mut index, pack_piece(compressor, piece, &mut out) as u32);
        }
        Some(())
    })?;
    out.extend_from_slice(&index);
    out.shrink_to_fit();
    saves(body.len(), out.len()).then(|| out.into())
}

/// Records of a frame; None if that does not save enough.
pub(crate) fn pack_records(records: &[u8]) -> Option<Vec<u8>> {
    if !(LEAST_RECORD_BYTES..=MOST_RECORD_BYTES).contains(&records.len()) {
        return None;
    }
    let mut out = Vec::new();
    let bytes = COMPRESSOR
        .with_borrow_mut(|compressor| Some(pack_piece(compressor.as_mut()?, records, &mut out)))?;
    saves(records.len(), bytes).then_some(out)
}

/// Records that are so long; None if they are damaged.
pub(crate) fn unpack_records(len: usize, packed: &[u8]) -> Option<Bytes> {
    let mut out = Vec::new();
    let is_bounded = packed.len() < len && len <= MOST_RECORD_BYTES;
    is_bounded.then(|| unpack_piece(packed, len, &mut out))??;
    Some(out.into())
}

fn saves(len: usize, packed: usize) -> bool {
    packed <= len - len / LEAST_SAVED
}

/// Appends a piece; how many bytes it takes.
fn pack_piece(compressor: &mut Compressor<'_>, piece: &[u8], out: &mut Vec<u8>) -> usize {
    let at = out.len();
    out.resize(at + piece.len(), 0);
    let into = &mut out[at..];
    let bytes = match compressor.compress_to_buffer(piece, into) {
        Ok(bytes) if bytes < piece.len() => bytes,
        // It would take more room than it had.
        _ => {
            into.copy_from_slice(piece);
            piece.len()
        }
    };
    out.truncate(at + bytes);
    bytes
}

/// Where the pieces of a packed body lie.
pub(crate) struct Pieces {
    /// Bytes of the body.
    len: u64,
    /// Where each piece ends in the packed form.
    ends: Vec<u64>,
}

impl Pieces {
    /// Bytes of the index of a body of this length; it stands at the end.
    pub(crate) fn index_bytes(len: u64) -> u64 {
        len.div_ceil(PIECE_BYTES as u64) * ENTRY_BYTES
    }

    /// Reads the index; None if it does not fit a body of this length in so many bytes.
    pub(crate) fn read(len: u64, packed_bytes: u64, index: Bytes) -> Option<Pieces> {
        if index.len() as u64 != Pieces::index_bytes(len) {
            return None;
        }
        let mut words = Words::new(index);
        let (mut ends, mut end) = (Vec::new(), 0);
        while !words.is_done() {
            end += u64::from(words.u32()?);
            ends.push(end);
        }
        let whole = end.checked_add(Pieces::index_bytes(len))? == packed_bytes;
        whole.then_some(Pieces { len, ends })
    }

    /// The pieces that hold these bytes of the body.
    fn holding(&self, part: &Range<u64>) -> Range<usize> {
        let piece = PIECE_BYTES as u64;
        let last = part.end.min(self.len).div_ceil(piece) as usize;
        ((part.start / piece) as usize).min(last)..last
    }

    fn begin(&self, piece: usize) -> u64 {
        piece.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    /// What has to be read of the packed form for these bytes of the body.
    pub(crate) fn stretch(&self, part: &Range<u64>) -> Range<u64> {
        let pieces = self.holding(part);
        self.begin(pieces.start)..self.begin(pieces.end)
    }

    /// These bytes of the body, from the stretch that holds them; None if it is damaged.
    pub(crate) fn unpack(&self, part: &Range<u64>, stretch: &[u8]) -> Option<Bytes> {
        let pieces = self.holding(part);
        let (first, begin) = (pieces.start, self.begin(pieces.start));
        let mut out = Vec::new();
        for piece in pieces {
            let at = |place: u64| usize::try_from(place - begin).ok();
            let packed = stretch.get(at(self.begin(piece))?..at(self.ends[piece])?)?;
            unpack_piece(packed, self.piece_bytes(piece), &mut out)?;
        }
        let out = Bytes::from(out);
        let skipped = (first * PIECE_BYTES) as u64;
        let end = part.end.min(self.len).checked_sub(skipped)? as usize;
        let start = (part.start.checked_sub(skipped)? as usize).min(end);
        (end <= out.len()).then(|| out.slice(start..end))
    }

    fn piece_bytes(&self, piece: usize) -> usize {
        let left = self.len - (piece * PIECE_BYTES) as u64;
        usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES))
    }
}

fn unpack_piece(packed: &[u8], bytes: usize, out: &mut Vec<u8>) -> Option<()> {
    if packed.len() == bytes {
        out.extend_from_slice(packed);
        return Some(());
    }
    let at = out.len();
    out.resize(at + bytes, 0);
    let unpacked = DECOMPRESSOR.with_borrow_mut(|decompressor| {
        let into = &mut out[at..];
        decompressor
            .as_mut()?
            .decompress_to_buffer(packed, into)
            .ok()
    })?;
    (unpacked == bytes).then_some(())
}

/// The whole body; None if the packed form is damaged.
pub(crate) fn unpack(len: u64, packed: &Bytes) -> Option<Bytes> {
    let packed_bytes = packed.len() as u64;
    let index = packed_bytes.checked_sub(Pieces::index_bytes(len))? as usize;
    let pieces = Pieces::read(len, packed_bytes, packed.slice(index..))?;
    pieces.unpack(&(0..len), &packed[..index])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Words that repeat, then bytes that do not.
    fn body(words: usize, noise: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut state = 1u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as u32
        };
        while out.len() < words {
            out.extend_from_slice(format!("word{} ", next() % 300).as_bytes());
        }
        out.truncate(words);
        out.extend((0..noise).map(|_| next() as u8));
        out
    }

    #[test]
    fn what_would_not_shrink_stays_as_it_is() {
        assert!(pack(&body(LEAST_BYTES - 1, 0)).is_none());
        assert!(pack(&body(0, 9_000)).is_none());
        assert!(pack(&body(0, 300_000)).is_none());
        assert!(pack(&body(LEAST_BYTES, 0)).is_some());
    }

    #[test]
    fn a_piece_that_does_not_shrink_lies_there_as_it_is() {
        let mixed = body(3 * PIECE_BYTES, 2 * PIECE_BYTES);
        let packed = pack(&mixed).unwrap();
        assert!(packed.len() < 2 * PIECE_BYTES + PIECE_BYTES * 2);
        assert_eq!(unpack(mixed.len() as u64, &packed).unwrap(), mixed);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_part_comes_back_from_its_stretch(
            words in LEAST_BYTES..300_000usize,
            noise in 0..60_000usize,
            from: proptest::sample::Index,
            to: proptest::sample::Index,
        ) {
            let body = body(words, noise);
            let Some(packed) = pack(&body) else { return Ok(()) };
            prop_assert!(packed.len() <= body.len() - body.len() / LEAST_SAVED);
            let len = body.len() as u64;
            prop_assert_eq!(&unpack(len, &packed).unwrap(), &body);
            let index = packed.len() - Pieces::index_bytes(len) as usize;
            let pieces = Pieces::read(len, packed.len() as u64, packed.slice(index..)).unwrap();
            let (a, b) = (from.index(body.len() + 1), to.index(body.len() + 1));
            let part = a.min(b) as u64..a.max(b) as u64;
            let stretch = pieces.stretch(&part);
            let read = &packed[stretch.start as usize..stretch.end as usize];
            let got = pieces.unpack(&part, read).unwrap();
            prop_assert_eq!(&got[..], &body[a.min(b)..a.max(b)]);
        }

        #[test]
        fn damaged_bytes_give_no_more_than_the_body_and_no_panic(
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..20),
            cut: proptest::sample::Index,
            len in 0..200_000u64,
        ) {
            let mut packed = pack(&body(100_000, 0)).unwrap().to_vec();
            for (at, byte) in changes {
                let at = at.index(packed.len());
                packed[at] = byte;
            }
            packed.truncate(cut.index(packed.len() + 1));
            let packed = Bytes::from(packed);
            for len in [len, 100_000] {
                if let Some(out) = unpack(len, &packed) {
                    prop_assert_eq!(out.len() as u64, len);
                }
            }
        }
    }
}
