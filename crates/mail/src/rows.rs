//! The small rows of messages (flags, modseq, size, form), 64 UIDs to a record: a change of a whole
//! mailbox writes few records, and a list of flags or sizes reads few. What never happens here:
//! deciding what changes.

use crate::codec::{Damaged, Decoded, Look, Reader, Record, Writer, decode};
use crate::ids::{MailboxId, ModSeq};
use crate::keys;
use crate::ready::Form;
use crate::state::{FlagRow, FlagSet, Shown};
use store::Fault;

/// UIDs of one block: as many as its map of those that are there has bits.
pub(crate) const BLOCK_UIDS: u32 = u64::BITS;

/// Of a block. 1 was a row for each message.
const VERSION: u8 = 2;

/// The block that a UID is in.
pub(crate) fn block_of(uid: u32) -> u32 {
    uid / BLOCK_UIDS
}

fn bit_of(uid: u32) -> u64 {
    1 << (uid % BLOCK_UIDS)
}

/// The rows of 64 UIDs, of which some may have none.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Block {
    there: u64,
    /// In the order of the UIDs.
    rows: Vec<FlagRow>,
}

impl Block {
    fn place(&self, uid: u32) -> usize {
        (self.there & (bit_of(uid) - 1)).count_ones() as usize
    }
    pub fn get(&self, uid: u32) -> Option<&FlagRow> {
        let is_there = self.there & bit_of(uid) != 0;
        is_there.then(|| &self.rows[self.place(uid)])
    }
    pub fn get_mut(&mut self, uid: u32) -> Option<&mut FlagRow> {
        let (is_there, place) = (self.there & bit_of(uid) != 0, self.place(uid));
        is_there.then(|| &mut self.rows[place])
    }
    pub fn put(&mut self, uid: u32, row: FlagRow) {
        let place = self.place(uid);
        if self.there & bit_of(uid) != 0 {
            self.rows[place] = row;
        } else {
            self.there |= bit_of(uid);
            self.rows.insert(place, row);
        }
    }
    pub fn remove(&mut self, uid: u32) {
        if self.there & bit_of(uid) != 0 {
            self.rows.remove(self.place(uid));
            self.there &= !bit_of(uid);
        }
    }
    pub fn is_empty(&self) -> bool {
        self.there == 0
    }
    /// How many all rows have together.
    pub fn keywords(&self) -> usize {
        self.rows.iter().map(|row| row.flags.keywords.len()).sum()
    }
    /// The rows with their UIDs; `number` is the block's.
    pub fn rows(&self, number: u32) -> impl Iterator<Item = (u32, &FlagRow)> {
        let first = number.saturating_mul(BLOCK_UIDS);
        let places = (0..BLOCK_UIDS).filter(|place| self.there & (1 << place) != 0);
        places
            .map(move |place| first.saturating_add(place))
            .zip(&self.rows)
    }
}

const FORM_SHIFT: u8 = 5;
const HAS_KEYWORDS: u8 = 0x80;

impl Record for Block {
    const WHAT: &'static str = "the flags of messages";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(VERSION, 9 + self.rows.len() * 8);
        w.fixed64(self.there);
        for row in &self.rows {
            let keywords = &row.flags.keywords;
            let has_keywords = if keywords.is_empty() { 0 } else { HAS_KEYWORDS };
            w.u8(row.flags.system.bits() | row.form.bits() << FORM_SHIFT | has_keywords);
            if !keywords.is_empty() {
                row.flags.write_keywords(&mut w);
            }
            w.uint(row.modseq.0).uint(row.size);
        }
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        let there = r.fixed64()?;
        let mut rows = Vec::with_capacity(there.count_ones() as usize);
        for _ in 0..there.count_ones() {
            let bits = r.u8()?;
            let form = Form::from_bits(bits >> FORM_SHIFT & 3).ok_or(Damaged)?;
            let mut flags = FlagSet::of_bits(bits);
            if bits & HAS_KEYWORDS != 0 {
                flags.read_keywords(&mut r)?;
            }
            rows.push(FlagRow {
                flags,
                modseq: ModSeq(r.counter()?),
                size: r.counter()?,
                form,
            });
        }
        Ok(Self { there, rows })
    }
}

/// The modseqs of messages that were shown with a whole range; remembers the last range.
#[derive(Default)]
pub(crate) struct ShownRanges(Option<(MailboxId, u32, Shown)>);

impl ShownRanges {
    /// A row with its true modseq.
    pub fn complete(
        &mut self,
        look: &impl Look,
        id: MailboxId,
        (uid, mut row): (u32, FlagRow),
    ) -> Result<FlagRow, Fault> {
        if row.modseq == ModSeq(0) {
            row.modseq = self.modseq(look, id, uid)?;
        }
        Ok(row)
    }

    /// 0: in no such range.
    pub fn modseq(&mut self, look: &impl Look, id: MailboxId, uid: u32) -> Result<ModSeq, Fault> {
        if let Some((mailbox, first, shown)) = &self.0
            && (*mailbox, true) == (id, (*first..=shown.last_uid).contains(&uid))
        {
            return Ok(shown.modseq);
        }
        let range = keys::shown(id, 0)..=keys::shown(id, uid);
        let Some(row) = look.range(range).next_back() else {
            return Ok(ModSeq(0));
        };
        let (key, value) = row?;
        let shown = decode::<Shown>(&key, &value)?;
        if uid > shown.last_uid {
            return Ok(ModSeq(0));
        }
        self.0 = Some((id, keys::last_u32(&key).unwrap_or_default(), shown));
        Ok(shown.modseq)
    }
}

/// The blocks of these UIDs, each once, in their order. Each is asked for by its key: a scan would
/// walk over every older version of it that has not left memory yet.
pub(crate) fn blocks(
    look: &impl Look,
    id: MailboxId,
    uids: &[u32],
) -> Result<Vec<(u32, Block)>, Fault> {
    let mut numbers: Vec<u32> = uids.iter().map(|uid| block_of(*uid)).collect();
    numbers.dedup();
    let mut found = Vec::with_capacity(numbers.len());
    for number in numbers {
        if let Some(block) = look.record::<Block>(&keys::flags(id, number))? {
            found.push((number, block));
        }
    }
    Ok(found)
}

/// The rows of these UIDs, which rise, with their true modseqs.
pub(crate) fn rows(
    look: &impl Look,
    id: MailboxId,
    uids: &[u32],
) -> Result<Vec<Option<FlagRow>>, Fault> {
    let mut shown = ShownRanges::default();
    let blocks = blocks(look, id, uids)?;
    let mut blocks = blocks.iter().peekable();
    let mut rows = Vec::with_capacity(uids.len());
    for uid in uids {
        while blocks
            .next_if(|(number, _)| *number < block_of(*uid))
            .is_some()
        {}
        let block = blocks
            .peek()
            .filter(|(number, _)| *number == block_of(*uid));
        rows.push(match block.and_then(|(_, block)| block.get(*uid)) {
            Some(row) => Some(shown.complete(look, id, (*uid, row.clone()))?),
            None => None,
        });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::SystemFlags;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn row(size: u64) -> FlagRow {
        FlagRow {
            flags: FlagSet::of_bits(SystemFlags::SEEN.bits()),
            modseq: ModSeq(size + 1),
            size,
            form: Form::default(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]
        #[test]
        fn a_block_holds_what_a_map_holds(
            steps in proptest::collection::vec((0..64_u32, 0..3_u8), 0..80)
        ) {
            let (mut block, mut map) = (Block::default(), BTreeMap::new());
            for (step, (slot, what)) in steps.into_iter().enumerate() {
                let uid = 640 + slot;
                match what {
                    0 => {
                        block.remove(uid);
                        map.remove(&uid);
                    }
                    _ => {
                        block.put(uid, row(step as u64));
                        map.insert(uid, row(step as u64));
                    }
                }
            }
            let rows: Vec<_> = block.rows(10).map(|(uid, row)| (uid, row.clone())).collect();
            prop_assert_eq!(&rows, &map.clone().into_iter().collect::<Vec<_>>());
            for uid in 640..704 {
                prop_assert_eq!(block.get(uid), map.get(&uid));
            }
            prop_assert_eq!(block.is_empty(), map.is_empty());
            prop_assert_eq!(Block::decode(&block.encode()), Ok(block));
        }
    }
}
