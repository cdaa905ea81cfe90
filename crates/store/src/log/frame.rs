//! A frame: the records of some transactions, then their bodies, under one checksum. It is there
//! whole or not at all.
//!
//! ```text
//! frame   = head records bodies
//! head    = magic records_bytes:u32 bodies_bytes:u64 transactions:u32 bodies:u32
//!           first_seqno:u64 last_seqno:u64 content_sum:u64 head_sum:u64
//! magic   = "WhFr" / "WhFp"                   ; records as they are, or packed
//! packed  = unpacked_bytes:u32 zstd           ; in place of the records
//! records = *( seqno:u64 space count:u32 *( key_bytes:u16 value_bytes_plus_1:u32 key value ) )
//! space   = 0 / ( 1 partition:u64 )           ; the store's own, or a partition's
//! bodies  = *( id:u64 kind:u8 hash:32 tag_bytes:u16 len:u64 tag content )
//! content = len bytes (kind 0) / file:u64 (kind 1) / packed_bytes:u64 packed_body (kind 2)
//! ```
//! What a packed body is stands in `packed.rs`. Both sums are XXH3 seeded with the file's salt and the frame's place in the file.

use crate::body::Stored;
use crate::key::Space;
use crate::packed;
use crate::queue::{Parcel, Transaction, Writes};
use crate::words::{Words, put_u16, put_u32, put_u64};
use crate::{BodyId, Compression, Partition};
use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub(super) const HEAD_BYTES: usize = 56;
const MAGIC: [u8; 4] = *b"WhFr";
const MAGIC_PACKED: [u8; 4] = *b"WhFp";
/// Before the tag of a body.
const ENTRY_HEAD_BYTES: usize = 51;
const KIND_INLINE: u8 = 0;
const KIND_FILE: u8 = 1;
const KIND_PACKED: u8 = 2;

fn seed(salt: u64, offset: u64) -> u64 {
    salt ^ offset.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Whether a frame may begin with these bytes.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC) || bytes.starts_with(&MAGIC_PACKED)
}

/// Where the bytes of a body lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// Behind the entry's tag.
    Inline,
    /// Behind the entry's tag, packed: in so many bytes behind their number.
    Packed(u64),
    /// In a file of its own.
    File(u64),
}

impl Place {
    /// Bytes between the tag and what lies in the log of the body.
    pub(crate) fn head_bytes(self) -> u64 {
        match self {
            Place::Inline => 0,
            Place::Packed(_) | Place::File(_) => 8,
        }
    }
}

/// A body as a frame tells of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct BodyEntry {
    pub(crate) id: BodyId,
    pub(crate) hash: [u8; 32],
    pub(crate) tag: Bytes,
    pub(crate) len: u64,
    pub(crate) place: Place,
    /// Where the entry begins, from the frame's begin.
    pub(crate) offset: u64,
    /// Of the content that follows in the frame, if any does and was looked at. It is not in the
    /// frame, which has a sum of its own; who wants only one body of it takes this.
    pub(crate) sum: Option<u64>,
}

impl BodyEntry {
    /// The sum of what the log holds of a body: another one's octets do not have it.
    pub(crate) fn sum_of(id: BodyId, content: &[u8]) -> u64 {
        xxh3_64_with_seed(content, id.0)
    }

    /// Bytes of an entry before its content.
    pub(crate) fn head_bytes(tag_bytes: usize) -> usize {
        ENTRY_HEAD_BYTES + tag_bytes
    }

    /// Reads an entry's head and tag; the content follows.
    pub(crate) fn decode_head(words: &mut Words) -> Option<BodyEntry> {
        let offset = words.at() as u64;
        let id = BodyId(words.u64()?);
        let kind = words.byte()?;
        let hash = words.hash()?;
        let tag_bytes = words.u16()?;
        let len = words.u64()?;
        let tag = words.take(usize::from(tag_bytes))?;
        let place = match kind {
            KIND_INLINE => Place::Inline,
            KIND_FILE => Place::File(0),
            KIND_PACKED => Place::Packed(0),
            _ => return None,
        };
        Some(BodyEntry {
            id,
            hash,
            tag,
            len,
            place,
            offset,
            sum: None,
        })
    }

    fn decode(words: &mut Words) -> Option<BodyEntry> {
        let mut entry = BodyEntry::decode_head(words)?;
        match &mut entry.place {
            Place::Inline => {
                let content = words.take(usize::try_from(entry.len).ok()?)?;
                entry.sum = Some(BodyEntry::sum_of(entry.id, &content));
            }
            Place::Packed(bytes) => {
                *bytes = words.u64()?;
                let content = words.take(usize::try_from(*bytes).ok()?)?;
                entry.sum = Some(BodyEntry::sum_of(entry.id, &content));
            }
            Place::File(file) => *file = words.u64()?,
        }
        Some(entry)
    }
}

/// A frame that was read.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    pub(crate) first_seqno: u64,
    pub(crate) last_seqno: u64,
    transactions: u32,
    bodies: u32,
    records_bytes: usize,
    /// Whether the records are packed.
    is_packed: bool,
    content: Bytes,
}

impl Frame {
    /// The frame at this place of the file; None if there is none whole.
    pub(super) fn at(file: &Bytes, offset: usize, salt: u64) -> Option<Frame> {
        let head = file.get(offset..)?.first_chunk::<HEAD_BYTES>()?;
        if !may_begin(head) {
            return None;
        }
        let seed = seed(salt, offset as u64);
        let (summed, head_sum) = head.split_at(HEAD_BYTES - 8);
        if xxh3_64_with_seed(summed, seed).to_le_bytes() != head_sum {
            return None;
        }
        let mut words = Words::new(Bytes::copy_from_slice(&summed[4..]));
        let records_bytes = words.u32()? as usize;
        let content_bytes = records_bytes.checked_add(usize::try_from(words.u64()?).ok()?)?;
        let (transactions, bodies) = (words.u32()?, words.u32()?);
        let (first_seqno, last_seqno) = (words.u64()?, words.u64()?);
        let content_sum = words.u64()?;
        let begin = offset + HEAD_BYTES;
        let end = begin.checked_add(content_bytes)?;
        if end > file.len() || xxh3_64_with_seed(&file[begin..end], seed) != content_sum {
            return None;
        }
        Some(Frame {
            offset: offset as u64,
            bytes: (end - offset) as u64,
            first_seqno,
            last_seqno,
            transactions,
            bodies,
            records_bytes,
            is_packed: head.starts_with(&MAGIC_PACKED),
            content: file.slice(begin..end),
        })
    }

    /// The transactions; None if the records are not what the format says.
    pub(crate) fn transactions(&self) -> Option<Vec<Transaction>> {
        let mut words = Words::new(self.records()?);
        let mut transactions = Vec::new();
        for _ in 0..self.transactions {
            transactions.push(decode_transaction(&mut words)?);
        }
        words.is_done().then_some(transactions)
    }

    fn records(&self) -> Option<Bytes> {
        let records = self.content.slice(..self.records_bytes);
        if !self.is_packed {
            return Some(records);
        }
        let mut words = Words::new(records.clone());
        let unpacked_bytes = words.u32()? as usize;
        packed::unpack_records(unpacked_bytes, &records[words.at()..])
    }

    /// The bodies; their offsets count from the frame's begin.
    pub(crate) fn bodies(&self) -> Option<Vec<BodyEntry>> {
        let mut words = Words::new(self.content.slice(self.records_bytes..));
        let mut bodies = Vec::new();
        for _ in 0..self.bodies {
            let mut body = BodyEntry::decode(&mut words)?;
            body.offset += (HEAD_BYTES + self.records_bytes) as u64;
            bodies.push(body);
        }
        words.is_done().then_some(bodies)
    }
}

fn decode_transaction(words: &mut Words) -> Option<Transaction> {
    let seqno = words.u64()?;
    let space = match words.byte()? {
        0 => Space::Own,
        1 => Space::Of(Partition(words.u64()?)),
        _ => return None,
    };
    let mut writes = Writes::new();
    for _ in 0..words.u32()? {
        let key_bytes = words.u16()?;
        let value_bytes = words.u32()?;
        let key = words.take(usize::from(key_bytes))?;
        let value = match value_bytes.checked_sub(1) {
            Some(bytes) => Some(words.take(bytes as usize)?),
            None => None,
        };
        writes.insert(key.into(), value);
    }
    Some(Transaction {
        space,
        seqno,
        writes,
    })
}

fn encode_transaction(out: &mut Vec<u8>, transaction: &Transaction) {
    put_u64(out, transaction.seqno);
    match transaction.space {
        Space::Own => out.push(0),
        Space::Of(partition) => {
            out.push(1);
            put_u64(out, partition.0);
        }
    }
    put_u32(out, transaction.writes.len() as u32);
    for (key, value) in &transaction.writes {
        put_u16(out, key.len() as u16);
        put_u32(
            out,
            value.as_ref().map_or(0, |value| value.len() as u32 + 1),
        );
        out.extend_from_slice(key);
        out.extend_from_slice(value.as_deref().unwrap_or_default());
    }
}

/// Builds a frame: all transactions first, then all bodies.
pub(crate) struct FrameBuilder {
    out: Vec<u8>,
    compression: Compression,
    /// Where the records end, once they are whole.
    records_end: Option<usize>,
    magic: [u8; 4],
    transactions: u32,
    bodies: u32,
    first_seqno: u64,
    last_seqno: u64,
}

impl FrameBuilder {
    pub(crate) fn new(expected_bytes: usize, compression: Compression) -> FrameBuilder {
        let mut out = Vec::with_capacity(HEAD_BYTES + expected_bytes);
        out.resize(HEAD_BYTES, 0);
        FrameBuilder {
            out,
            compression,
            records_end: None,
            magic: MAGIC,
            transactions: 0,
            bodies: 0,
            first_seqno: 0,
            last_seqno: 0,
        }
    }

    pub(crate) fn transaction(&mut self, transaction: &Transaction) {
        assert_eq!(self.records_end, None, "transactions come before bodies");
        encode_transaction(&mut self.out, transaction);
        if self.transactions == 0 {
            self.first_seqno = transaction.seqno;
        }
        self.transactions += 1;
        self.last_seqno = transaction.seqno;
    }

    /// No transactions follow; where the records end.
    fn end_records(&mut self) -> usize {
        if let Some(end) = self.records_end {
            return end;
        }
        let records = &self.out[HEAD_BYTES..];
        let (unpacked_bytes, packed) = match self.compression {
            Compression::Zstd => (records.len(), packed::pack_records(records)),
            Compression::None => (records.len(), None),
        };
        if let Some(packed) = packed {
            self.magic = MAGIC_PACKED;
            self.out.truncate(HEAD_BYTES);
            put_u32(&mut self.out, unpacked_bytes as u32);
            self.out.extend_from_slice(&packed);
        }
        *self.records_end.insert(self.out.len())
    }

    pub(crate) fn body(&mut self, parcel: &Parcel) -> BodyEntry {
        self.end_records();
        let offset = self.out.len() as u64;
        self.bodies += 1;
        let (kind, place) = match &parcel.stored {
            Stored::Plain(_) => (KIND_INLINE, Place::Inline),
            Stored::Packed(packed) => (KIND_PACKED, Place::Packed(packed.len() as u64)),
            Stored::File(file) => (KIND_FILE, Place::File(file.number)),
        };
        put_u64(&mut self.out, parcel.id.0);
        self.out.push(kind);
        self.out.extend_from_slice(&parcel.hash);
        put_u16(&mut self.out, parcel.tag.len() as u16);
        put_u64(&mut self.out, parcel.len);
        self.out.extend_from_slice(&parcel.tag);
        let sum = |content: &[u8]| Some(BodyEntry::sum_of(parcel.id, content));
        let sum = match &parcel.stored {
            Stored::Plain(bytes) => {
                self.out.extend_from_slice(bytes);
                sum(bytes)
            }
            Stored::Packed(packed) => {
                put_u64(&mut self.out, packed.len() as u64);
                self.out.extend_from_slice(packed);
                sum(packed)
            }
            Stored::File(file) => {
                put_u64(&mut self.out, file.number);
                None
            }
        };
        let (id, hash, tag, len) = (parcel.id, parcel.hash, parcel.tag.clone(), parcel.len);
        BodyEntry {
            id,
            hash,
            tag,
            len,
            place,
            offset,
            sum,
        }
    }

    pub(crate) fn first_seqno(&self) -> u64 {
        self.first_seqno
    }

    /// The whole frame for its place in the file with this salt.
    pub(super) fn finish(mut self, salt: u64, offset: u64) -> Vec<u8> {
        let records_end = self.end_records();
        let seed = seed(salt, offset);
        let content_sum = xxh3_64_with_seed(&self.out[HEAD_BYTES..], seed);
        let mut head = self.magic.to_vec();
        put_u32(&mut head, (records_end - HEAD_BYTES) as u32);
        put_u64(&mut head, (self.out.len() - records_end) as u64);
        put_u32(&mut head, self.transactions);
        put_u32(&mut head, self.bodies);
        put_u64(&mut head, self.first_seqno);
        put_u64(&mut head, self.last_seqno);
        put_u64(&mut head, content_sum);
        let head_sum = xxh3_64_with_seed(&head, seed);
        put_u64(&mut head, head_sum);
        self.out[..HEAD_BYTES].copy_from_slice(&head);
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parcel(id: u64, bytes: Vec<u8>, tag: Vec<u8>) -> Parcel {
        Parcel {
            id: BodyId(id),
            hash: *blake3::hash(&bytes).as_bytes(),
            len: bytes.len() as u64,
            tag: tag.into(),
            stored: match packed::pack(&bytes) {
                Some(packed) => Stored::Packed(packed),
                None => Stored::Plain(bytes.into()),
            },
            claim: None,
        }
    }

    /// Some of them shrink when packed.
    fn bodies() -> impl Strategy<Value = Vec<u8>> {
        let small = proptest::collection::vec(any::<u8>(), 0..200);
        prop_oneof![small.clone(), small.prop_map(|some| some.repeat(40))]
    }

    type Written = std::collections::BTreeMap<Vec<u8>, Option<Vec<u8>>>;

    fn transactions() -> impl Strategy<Value = Vec<(Option<u64>, Written)>> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
        // Some frames have records that are worth packing.
        let value = (bytes(), 1..30usize).prop_map(|(bytes, times)| bytes.repeat(times));
        let writes = proptest::collection::btree_map(bytes(), proptest::option::of(value), 0..6);
        proptest::collection::vec((proptest::option::of(any::<u64>()), writes), 0..5)
    }

    proptest! {
        #[test]
        fn frames_come_back_at_their_own_place_only(
            written in transactions(),
            bodies in proptest::collection::vec(bodies(), 0..4),
            salt: u64,
            before in 0usize..100,
            flip: u64,
        ) {
            let mut builder = FrameBuilder::new(0, Compression::Zstd);
            for (n, (partition, writes)) in written.iter().enumerate() {
                let writes = writes.iter().map(|(k, v)| (k.clone(), v.clone().map(Bytes::from)));
                builder.transaction(&Transaction {
                    space: partition.map_or(Space::Own, |p| Space::Of(Partition(p))),
                    seqno: n as u64 + 5,
                    writes: writes.collect(),
                });
            }
            let mut entries = Vec::new();
            for (n, body) in bodies.iter().enumerate() {
                entries.push(builder.body(&parcel(n as u64, body.clone(), vec![7; n])));
            }
            let frame = builder.finish(salt, before as u64);
            let mut file = vec![0; before];
            file.extend_from_slice(&frame);
            let file = Bytes::from(file);
            let read = Frame::at(&file, before, salt).unwrap();
            prop_assert_eq!(read.bodies().unwrap(), entries);
            let back = read.transactions().unwrap();
            prop_assert_eq!(back.len(), written.len());
            for (transaction, (_, writes)) in back.iter().zip(&written) {
                prop_assert!(transaction.writes.iter().map(|(k, v)| (k, v.as_deref()))
                    .eq(writes.iter().map(|(k, v)| (k, v.as_deref()))));
            }
            // Elsewhere, under another salt, or with a flipped bit it is no frame.
            prop_assert!(Frame::at(&file, before, salt ^ 1).is_none());
            prop_assert!(Frame::at(&Bytes::from([&[0], &file[..]].concat()), before + 1, salt).is_none());
            let mut bad = file.to_vec();
            let bit = before * 8 + (flip % (frame.len() as u64 * 8)) as usize;
            bad[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Frame::at(&bad.into(), before, salt).is_none());
        }
    }
}
