//! bzip2, unpacked. Nobody packs so here; a neighbour may.
//!
//! A block is a Burrows-Wheeler transform under move-to-front, run lengths and Huffman codes, with a
//! sum; another run length lies around all. What never happens here: a block larger than 900,000
//! octets; the randomised blocks of before 1997.

use crate::unpack::{Wrong, fill};
use std::io::BufRead;

const BLOCK: u64 = 0x3141_5926_5359;
const END: u64 = 0x1772_4538_5090;
const SYMBOLS_OF_GROUP: usize = 50;
const MOST_CODE_BITS: usize = 20;
/// Octets come out in pieces of about this size.
const PIECE: usize = 64 * 1024;
/// As many of the same are followed by how many more there are.
const RUN: u8 = 4;

#[derive(Debug)]
pub struct Bunzip<R> {
    bits: Bits<R>,
    block_bytes: usize,
    /// Sum of the blocks so far.
    all: u32,
    block: Option<Block>,
}

impl<R: BufRead> Bunzip<R> {
    pub fn new(input: R) -> Result<Bunzip<R>, Wrong> {
        let bits = Bits {
            input,
            octet: 0,
            left: 0,
        };
        let mut bunzip = Bunzip {
            bits,
            block_bytes: 0,
            all: 0,
            block: None,
        };
        bunzip.header()?;
        Ok(bunzip)
    }

    fn header(&mut self) -> Result<(), Wrong> {
        let magic = self.bits.take(24)?;
        let level = self.bits.take(8)?;
        if magic != 0x42_5a68 || !(0x31..=0x39).contains(&level) {
            return Err(Wrong::Corrupt);
        }
        self.block_bytes = (level as usize - 0x30) * 100_000;
        self.all = 0;
        Ok(())
    }

    /// More octets; false at the end.
    pub fn piece(&mut self, out: &mut Vec<u8>) -> Result<bool, Wrong> {
        while out.len() < PIECE {
            if let Some(block) = &mut self.block {
                if block.piece(out)? {
                    return Ok(true);
                }
                self.all = self.all.rotate_left(1) ^ block.sum;
                self.block = None;
            }
            let magic = self.bits.take(48)?;
            match magic {
                BLOCK => self.block = Some(Block::read(&mut self.bits, self.block_bytes)?),
                END => {
                    if self.bits.take(32)? != u64::from(self.all) {
                        return Err(Wrong::Corrupt);
                    }
                    if self.bits.is_at_end()? {
                        return Ok(false);
                    }
                    self.header()?;
                }
                _ => return Err(Wrong::Corrupt),
            }
        }
        Ok(true)
    }
}

#[derive(Debug)]
struct Bits<R> {
    input: R,
    octet: u8,
    /// Bits of the octet that are to come.
    left: u8,
}

impl<R: BufRead> Bits<R> {
    fn bit(&mut self) -> Result<u32, Wrong> {
        if self.left == 0 {
            self.octet = self.next_octet()?.ok_or(Wrong::Torn)?;
            self.left = 8;
        }
        self.left -= 1;
        Ok(u32::from(self.octet >> self.left & 1))
    }

    fn next_octet(&mut self) -> Result<Option<u8>, Wrong> {
        let mut octet = [0];
        let len = fill(&mut self.input, &mut octet)?;
        Ok((len > 0).then_some(octet[0]))
    }

    fn take(&mut self, count: u32) -> Result<u64, Wrong> {
        let mut taken = 0;
        for _ in 0..count {
            taken = taken << 1 | u64::from(self.bit()?);
        }
        Ok(taken)
    }

    /// Whether nothing is behind this octet. If something is, its bits come next.
    fn is_at_end(&mut self) -> Result<bool, Wrong> {
        self.left = 0;
        let next = self.next_octet()?;
        if let Some(octet) = next {
            (self.octet, self.left) = (octet, 8);
        }
        Ok(next.is_none())
    }
}

/// A block whose transform is undone octet by octet.
#[derive(Debug)]
struct Block {
    /// The octet, and above it where the one behind it stands.
    links: Vec<u32>,
    at: usize,
    left: usize,
    /// How often the octet came in a row.
    run: u8,
    before: Option<u8>,
    /// More of it are to come out.
    repeat: u8,
    sum: u32,
    seen: u32,
}

impl Block {
    fn read(bits: &mut Bits<impl BufRead>, most: usize) -> Result<Block, Wrong> {
        let sum = u32::try_from(bits.take(32)?).map_err(|_| Wrong::Corrupt)?;
        if bits.bit()? != 0 {
            return Err(Wrong::Corrupt);
        }
        let origin = bits.take(24)? as usize;
        let alphabet = alphabet(bits)?;
        let codes = Codes::read(bits, alphabet.len() + 2)?;
        let octets = octets(bits, codes, alphabet, most)?;
        let links = links(&octets);
        let at = *links.get(origin).ok_or(Wrong::Corrupt)? >> 8;
        Ok(Block {
            at: at as usize,
            left: links.len(),
            links,
            run: 0,
            before: None,
            repeat: 0,
            sum,
            seen: !0,
        })
    }

    /// False when it is over, and its sum fits.
    fn piece(&mut self, out: &mut Vec<u8>) -> Result<bool, Wrong> {
        while out.len() < PIECE {
            if let (Some(octet), 1..) = (self.before, self.repeat) {
                self.repeat -= 1;
                self.give(octet, out);
                continue;
            }
            if self.left == 0 {
                return match !self.seen == self.sum {
                    true => Ok(false),
                    false => Err(Wrong::Corrupt),
                };
            }
            let link = self.links[self.at];
            let octet = (link & 0xff) as u8;
            self.at = (link >> 8) as usize;
            self.left -= 1;
            if self.run == RUN {
                self.run = 0;
                self.repeat = octet;
                continue;
            }
            self.run = match self.before == Some(octet) {
                true => self.run + 1,
                false => 1,
            };
            self.before = Some(octet);
            self.give(octet, out);
        }
        Ok(true)
    }

    fn give(&mut self, octet: u8, out: &mut Vec<u8>) {
        out.push(octet);
        self.seen ^= u32::from(octet) << 24;
        for _ in 0..8 {
            let carry = self.seen >> 31;
            self.seen = (self.seen << 1) ^ (carry * 0x04c1_1db7);
        }
    }
}

/// The octets that occur.
fn alphabet(bits: &mut Bits<impl BufRead>) -> Result<Vec<u8>, Wrong> {
    let ranges = bits.take(16)?;
    let mut alphabet = Vec::new();
    for range in 0..16_u8 {
        if ranges >> (15 - range) & 1 == 0 {
            continue;
        }
        let used = bits.take(16)?;
        let octets = (0..16).filter(|octet| used >> (15 - octet) & 1 == 1);
        alphabet.extend(octets.map(|octet| range * 16 + octet));
    }
    match alphabet.is_empty() {
        true => Err(Wrong::Corrupt),
        false => Ok(alphabet),
    }
}

/// The octets in the order of the transform.
fn octets(
    bits: &mut Bits<impl BufRead>,
    mut codes: Codes,
    mut alphabet: Vec<u8>,
    most: usize,
) -> Result<Vec<u8>, Wrong> {
    let end = alphabet.len() + 1;
    let mut octets = Vec::new();
    let (mut run, mut weight) = (0_usize, 1_usize);
    loop {
        let symbol = codes.next(bits)?;
        if symbol < 2 {
            run += weight << symbol;
            weight <<= 1;
            if run > most {
                return Err(Wrong::Corrupt);
            }
            continue;
        }
        if octets.len() + run + 1 > most + 1 {
            return Err(Wrong::Corrupt);
        }
        octets.resize(octets.len() + run, alphabet[0]);
        (run, weight) = (0, 1);
        if symbol == end {
            return Ok(octets);
        }
        alphabet[..symbol].rotate_right(1);
        octets.push(alphabet[0]);
        if octets.len() > most {
            return Err(Wrong::Corrupt);
        }
    }
}

/// For each octet where the one behind it stands. An octet's place among its like is the same in the
/// first and the last column.
fn links(octets: &[u8]) -> Vec<u32> {
    let mut places = [0_u32; 256];
    for octet in octets {
        places[usize::from(*octet)] += 1;
    }
    let mut sum = 0;
    for place in &mut places {
        (sum, *place) = (sum + *place, sum);
    }
    let mut links: Vec<u32> = octets.iter().map(|octet| u32::from(*octet)).collect();
    for (at, octet) in (0_u32..).zip(octets) {
        let place = &mut places[usize::from(*octet)];
        links[*place as usize] |= at << 8;
        *place += 1;
    }
    links
}

/// The tables of a block, and which of them is when.
#[derive(Debug)]
struct Codes {
    tables: Vec<Table>,
    selectors: std::vec::IntoIter<u8>,
    table: usize,
    left: usize,
}

impl Codes {
    fn read(bits: &mut Bits<impl BufRead>, symbols: usize) -> Result<Codes, Wrong> {
        let count = bits.take(3)? as usize;
        let groups = bits.take(15)? as usize;
        if !(2..=6).contains(&count) || groups == 0 {
            return Err(Wrong::Corrupt);
        }
        let mut order: Vec<u8> = (0..6).collect();
        let mut selectors = Vec::with_capacity(groups);
        for _ in 0..groups {
            let mut position = 0;
            while bits.bit()? == 1 {
                position += 1;
                if position >= count {
                    return Err(Wrong::Corrupt);
                }
            }
            order[..=position].rotate_right(1);
            selectors.push(order[0]);
        }
        let tables = (0..count).map(|_| Table::read(bits, symbols));
        Ok(Codes {
            tables: tables.collect::<Result<_, _>>()?,
            selectors: selectors.into_iter(),
            table: 0,
            left: 0,
        })
    }

    fn next(&mut self, bits: &mut Bits<impl BufRead>) -> Result<usize, Wrong> {
        if self.left == 0 {
            let selector = self.selectors.next().ok_or(Wrong::Corrupt)?;
            self.table = usize::from(selector);
            self.left = SYMBOLS_OF_GROUP;
        }
        self.left -= 1;
        self.tables[self.table].next(bits)
    }
}

/// Canonical Huffman codes.
#[derive(Debug)]
struct Table {
    /// How many codes there are of each length.
    counts: [u32; MOST_CODE_BITS + 1],
    /// By length, then by number.
    symbols: Vec<u16>,
}

impl Table {
    fn read(bits: &mut Bits<impl BufRead>, symbols: usize) -> Result<Table, Wrong> {
        let mut len = bits.take(5)? as usize;
        let mut lens = Vec::with_capacity(symbols);
        for _ in 0..symbols {
            loop {
                if !(1..=MOST_CODE_BITS).contains(&len) {
                    return Err(Wrong::Corrupt);
                }
                if bits.bit()? == 0 {
                    break;
                }
                len = match bits.bit()? {
                    0 => len + 1,
                    _ => len - 1,
                };
            }
            lens.push(len);
        }
        let mut counts = [0; MOST_CODE_BITS + 1];
        for len in &lens {
            counts[*len] += 1;
        }
        let mut by_len: Vec<u16> = (0_u16..).take(symbols).collect();
        by_len.sort_by_key(|symbol| lens[usize::from(*symbol)]);
        Ok(Table {
            counts,
            symbols: by_len,
        })
    }

    fn next(&self, bits: &mut Bits<impl BufRead>) -> Result<usize, Wrong> {
        let (mut code, mut first, mut before) = (0_u32, 0_u32, 0_u32);
        for count in &self.counts[1..] {
            code |= bits.bit()?;
            if let Some(number) = code.checked_sub(first)
                && number < *count
            {
                let symbol = self.symbols.get((before + number) as usize);
                return symbol
                    .map(|symbol| usize::from(*symbol))
                    .ok_or(Wrong::Corrupt);
            }
            before += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Wrong::Corrupt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(input: &[u8]) -> Result<Vec<u8>, Wrong> {
        let mut bunzip = Bunzip::new(input)?;
        let mut all = Vec::new();
        loop {
            let mut piece = Vec::new();
            let goes_on = bunzip.piece(&mut piece)?;
            all.append(&mut piece);
            if !goes_on {
                return Ok(all);
            }
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .chars()
            .filter_map(|c| c.to_digit(16))
            .map(|d| d as u8)
            .collect();
        digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect()
    }

    // made by bzip2 1.0.8
    const EMPTY: &str = "\
        425a683917724538509000000000";
    const BATCH: &str = "\
        425a6839314159265359a1af15760000105f800110400100156d26dc003a108e5020004110d47a9e89a031a219 \
        a86300000000aae326c0b8a4051f894c8042c4652ac3ad9239195051b537ee97b28df04136086141df02c75567 \
        3f8bb9229c284850d78abb00";
    const DOTS: &str = "\
        425a6839314159265359cda0cde80000115f800010400110156d26dc003a764f50200054450c9a69826431064f \
        51b508a698329a6406c90002fdaded514b327050c79ee7310583c0999243091c182e9acd4825b2513c6d751b0f \
        b305af9c8be356e6636683080408f85eafc5dc914e14243368337a00";
    const SAME: &str = "\
        425a68393141592653594c13894c000f53a1008000a0000008200030cc09aa69d58a921b515243c5dc914e1424 \
        1304e25300";

    #[test]
    fn what_bzip2_packed_comes_back() {
        assert_eq!(unpacked(&hex(EMPTY)), Ok(Vec::new()));
        let batch =
            b"MAIL FROM:<a@x.test>\nRCPT TO:<bob@beta.test>\nDATA\nSubject: x\n\nzzzzzzzzzz\n.\n";
        assert_eq!(unpacked(&hex(BATCH)), Ok(batch.to_vec()));
        let dots =
            b"MAIL FROM:<eve@alpha.test>\nRCPT TO:<alice@example.test>\nDATA\nSubject: bzip2\n\n\
                     ..x\n.\n";
        assert_eq!(unpacked(&hex(DOTS)), Ok(dots.to_vec()));
        let two = [hex(BATCH), hex(BATCH)].concat();
        assert_eq!(unpacked(&two), Ok([batch.as_slice(), batch].concat()));
        assert_eq!(unpacked(&hex(SAME)), Ok(vec![b'a'; 2_000_000]));
    }

    #[test]
    fn what_is_torn_or_damaged_is_said() {
        let whole = hex(BATCH);
        for end in 0..whole.len() {
            assert_eq!(unpacked(&whole[..end]), Err(Wrong::Torn), "{end}");
        }
        for at in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            // bits that fill up the last octet say nothing, and a smaller block size is no lie
            if let Ok(all) = unpacked(&damaged) {
                assert_eq!(all.len(), 75, "{at}");
            }
        }
    }
}
