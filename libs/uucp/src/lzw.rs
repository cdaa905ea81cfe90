//! compress(1): the `.Z` format, packed and unpacked.
//!
//! Codes grow from 9 bits to at most 16, eight of one width in a group; a group is filled up when the
//! width changes, which nobody ever meant and everybody must do. What never happens here: a program
//! that is started for it.

use crate::unpack::{Wrong, fill};
use std::collections::HashMap;
use std::io::BufRead;

const MAGIC: [u8; 2] = [0x1f, 0x9d];
const FIRST_BITS: u32 = 9;
const MOST_BITS: u32 = 16;
/// In the header: there is a code that empties the table.
const BLOCK_MODE: u8 = 0x80;
const CLEAR: usize = 256;

/// Octets that are taken between two looks at how well they pack.
const LOOK_EVERY: u64 = 10_000;

/// Octets come out in pieces of about this size.
const PIECE: usize = 64 * 1024;

/// Unpacks.
#[derive(Debug)]
pub struct Decompressor<R> {
    rest: R,
    most_bits: u32,
    has_clear: bool,
    bits: u32,
    /// The group, eight codes of at most 16 bits, and how much of it is there.
    group: [u8; MOST_BITS as usize],
    group_len: usize,
    /// Bits of it that are read.
    at: usize,
    prefix: Vec<u16>,
    suffix: Vec<u8>,
    free: usize,
    before: Option<(usize, u8)>,
    must_regroup: bool,
}

impl<R: BufRead> Decompressor<R> {
    pub fn new(mut rest: R) -> Result<Decompressor<R>, Wrong> {
        let mut header = [0; MAGIC.len() + 1];
        if fill(&mut rest, &mut header)? < header.len() {
            return Err(Wrong::Torn);
        }
        let [_, _, flags] = header;
        let most_bits = u32::from(flags & 0x1f);
        // what compress makes with 9 bits not even gzip reads
        if !(FIRST_BITS + 1..=MOST_BITS).contains(&most_bits) || flags & 0x60 != 0 {
            return Err(Wrong::Corrupt);
        }
        let has_clear = flags & BLOCK_MODE != 0;
        let size = 1 << most_bits;
        Ok(Decompressor {
            rest,
            most_bits,
            has_clear,
            bits: FIRST_BITS,
            group: [0; MOST_BITS as usize],
            group_len: 0,
            at: 0,
            prefix: vec![0; size],
            suffix: (0..size).map(|n| u8::try_from(n).unwrap_or(0)).collect(),
            free: CLEAR + usize::from(has_clear),
            before: None,
            must_regroup: false,
        })
    }

    /// More octets; false at the end.
    pub fn piece(&mut self, out: &mut Vec<u8>) -> Result<bool, Wrong> {
        while out.len() < PIECE {
            let Some(code) = self.code()? else {
                return Ok(false);
            };
            if code == CLEAR && self.has_clear {
                self.before = None;
                self.free = CLEAR + 1;
                self.bits = FIRST_BITS;
                self.must_regroup = true;
                continue;
            }
            self.expand(code, out)?;
        }
        Ok(true)
    }

    fn expand(&mut self, code: usize, out: &mut Vec<u8>) -> Result<(), Wrong> {
        let start = out.len();
        let mut at = match (self.before, code) {
            (None, 256..) => return Err(Wrong::Corrupt),
            (Some((before, first)), code) if code >= self.free => {
                if code > self.free || self.free >= self.prefix.len() {
                    return Err(Wrong::Corrupt);
                }
                out.push(first);
                before
            }
            (_, code) => code,
        };
        // each prefix was there before what it is the prefix of
        while at >= CLEAR {
            out.push(self.suffix[at]);
            at = usize::from(self.prefix[at]);
        }
        let first = self.suffix[at];
        out.push(first);
        out[start..].reverse();
        if let Some((before, _)) = self.before
            && self.free < self.prefix.len()
        {
            self.prefix[self.free] = u16::try_from(before).map_err(|_| Wrong::Corrupt)?;
            self.suffix[self.free] = first;
            self.free += 1;
        }
        self.before = Some((code, first));
        Ok(())
    }

    fn code(&mut self) -> Result<Option<usize>, Wrong> {
        // the writer widens before it knows the entry that the reader makes of its next code
        let is_full = self.bits < self.most_bits && self.free >= 1 << self.bits;
        if is_full {
            self.bits += 1;
        }
        let width = self.bits as usize;
        let left = self.group_len * 8 - self.at;
        if is_full || self.must_regroup || left < width {
            // only the last octet of all may be filled up
            let is_torn = !is_full && !self.must_regroup && left >= 8;
            let len = fill(&mut self.rest, &mut self.group[..width])?;
            self.group_len = len;
            self.at = 0;
            self.must_regroup = false;
            if is_torn || (1..width).contains(&(len * 8)) {
                return Err(Wrong::Torn);
            }
            if len == 0 {
                return Ok(None);
            }
        }
        let mut code = 0;
        for bit in 0..width {
            let at = self.at + bit;
            code |= usize::from(self.group[at / 8] >> (at % 8) & 1) << bit;
        }
        self.at += width;
        Ok(Some(code))
    }
}

/// Packs, with 16 bits.
#[derive(Debug)]
pub struct Compressor {
    table: HashMap<(u16, u8), u16>,
    before: Option<u16>,
    bits: u32,
    free: usize,
    held: u32,
    held_bits: u32,
    /// Codes of the group so far.
    codes: u32,
    is_begun: bool,
    /// Since the last look: octets taken, octets given, and the best that these were to those.
    taken: u64,
    given: u64,
    best: u64,
}

impl Default for Compressor {
    fn default() -> Compressor {
        Compressor {
            table: HashMap::new(),
            before: None,
            bits: FIRST_BITS,
            free: CLEAR + 1,
            held: 0,
            held_bits: 0,
            codes: 0,
            is_begun: false,
            taken: 0,
            given: 0,
            best: 0,
        }
    }
}

impl Compressor {
    /// Takes a piece.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.begin(out);
        for &octet in piece {
            self.taken += 1;
            let Some(before) = self.before else {
                self.before = Some(u16::from(octet));
                continue;
            };
            if let Some(&longer) = self.table.get(&(before, octet)) {
                self.before = Some(longer);
                continue;
            }
            self.write(before, out);
            match u16::try_from(self.free) {
                Ok(free) => {
                    self.table.insert((before, octet), free);
                    self.free += 1;
                }
                // the table is full, and may be one for other text than this
                Err(_) => self.look(out),
            }
            self.before = Some(u16::from(octet));
        }
    }

    /// The end.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.begin(out);
        if let Some(before) = self.before.take() {
            self.write(before, out);
        }
        if self.held_bits > 0 {
            out.push((self.held & 0xff) as u8);
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !self.is_begun {
            self.is_begun = true;
            out.extend_from_slice(&MAGIC);
            out.push(BLOCK_MODE | MOST_BITS as u8);
        }
    }

    /// Begins anew when it packs worse than it did.
    fn look(&mut self, out: &mut Vec<u8>) {
        if self.taken < LOOK_EVERY {
            return;
        }
        let ratio = self.taken * 256 / self.given.max(1);
        (self.taken, self.given) = (0, 0);
        if ratio >= self.best {
            self.best = ratio;
            return;
        }
        self.best = 0;
        self.put(CLEAR as u16, out);
        self.fill_group(out);
        self.bits = FIRST_BITS;
        self.free = CLEAR + 1;
        self.table.clear();
    }

    fn fill_group(&mut self, out: &mut Vec<u8>) {
        while !self.codes.is_multiple_of(8) {
            self.put(0, out);
        }
    }

    fn write(&mut self, code: u16, out: &mut Vec<u8>) {
        self.put(code, out);
        if self.bits < MOST_BITS && self.free >= 1 << self.bits {
            self.fill_group(out);
            self.bits += 1;
        }
    }

    fn put(&mut self, code: u16, out: &mut Vec<u8>) {
        self.held |= u32::from(code) << self.held_bits;
        self.held_bits += self.bits;
        self.codes += 1;
        while self.held_bits >= 8 {
            out.push((self.held & 0xff) as u8);
            self.given += 1;
            self.held >>= 8;
            self.held_bits -= 8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packed(pieces: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut compressor = Compressor::default();
        for piece in pieces {
            compressor.push(piece, &mut out);
        }
        compressor.finish(&mut out);
        out
    }

    fn unpacked(input: &[u8]) -> Result<Vec<u8>, Wrong> {
        let mut all = Vec::new();
        let mut decompressor = Decompressor::new(input)?;
        let mut piece = Vec::new();
        loop {
            let goes_on = decompressor.piece(&mut piece)?;
            all.append(&mut piece);
            if !goes_on {
                return Ok(all);
            }
        }
    }

    /// Octets that repeat, but not too much: the table fills up.
    fn text(len: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8 & 0x3f
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn all_widths_come_back() {
        for len in [0, 1, 2, 300, 5_000, 400_000] {
            let text = text(len);
            assert_eq!(unpacked(&packed(&[&text])).as_ref(), Ok(&text), "{len}");
        }
        // the table is emptied when other text comes
        let other: Vec<u8> = text(400_000).iter().map(|octet| octet | 0x80).collect();
        let both = [text(400_000), other].concat();
        let once = packed(&[&text(400_000)]).len();
        let packed_both = packed(&[&both]);
        assert!(
            packed_both.len() < 3 * once,
            "{} and {once}",
            packed_both.len()
        );
        assert_eq!(unpacked(&packed_both), Ok(both));
        let same = vec![b'a'; 100_000];
        assert_eq!(unpacked(&packed(&[&same])), Ok(same));
    }

    proptest! {
        #[test]
        fn what_is_packed_in_any_pieces_comes_back(text in proptest::collection::vec(0_u8..4, 0..3_000), at in 0_usize..3_000) {
            let at = at.min(text.len());
            let whole = packed(&[&text]);
            prop_assert_eq!(&packed(&[&text[..at], &text[at..]]), &whole);
            prop_assert_eq!(unpacked(&whole), Ok(text));
        }

        #[test]
        fn anything_is_unpacked_or_refused(flags in any::<u8>(), rest in proptest::collection::vec(any::<u8>(), 0..500)) {
            let mut input = vec![0x1f, 0x9d, flags];
            input.extend(rest);
            let _ = unpacked(&input);
        }
    }
}
