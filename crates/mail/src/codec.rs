//! How records are written as bytes: a version byte, then fields in order. The records of mail on
//! the road are written so as well. What never happens here: what a field means.

use net::Time;
use store::{Edit, Fault, Partition, Scan, Snapshot, Value};

use std::ops::RangeBounds;

/// The bytes are not what they should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Damaged;

pub type Decoded<T> = Result<T, Damaged>;

/// No count of octets, messages or changes comes near these; what is above is damage, and nobody
/// has to fear that the next one does not fit any more.
pub const LARGEST_COUNTER: u64 = 1 << 56;
pub const LARGEST_COUNTER32: u32 = 1 << 31;

/// Room for most records.
const USUAL_BYTES: usize = 64;

/// Writes fields. Integers are LEB128 unless their name says otherwise.
pub struct Writer(Vec<u8>);

impl Writer {
    pub fn new(version: u8) -> Self {
        Self::with_capacity(version, USUAL_BYTES)
    }
    /// With room for so many bytes.
    pub fn with_capacity(version: u8, bytes: usize) -> Self {
        let mut room = Vec::with_capacity(bytes);
        room.push(version);
        Self(room)
    }
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }
    pub fn uint(&mut self, value: impl Into<u64>) -> &mut Self {
        let mut value = value.into();
        while value >= 0x80 {
            self.0.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }
    pub fn len(&mut self, value: usize) -> &mut Self {
        self.uint(value as u64)
    }
    pub fn fixed64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }
    pub fn time(&mut self, value: Time) -> &mut Self {
        self.fixed64(value.0 as u64)
    }
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.len(value.len());
        self.0.extend_from_slice(value);
        self
    }
    pub fn raw(&mut self, value: &[u8]) -> &mut Self {
        self.0.extend_from_slice(value);
        self
    }
    pub fn str(&mut self, value: &str) -> &mut Self {
        self.bytes(value.as_bytes())
    }
    pub fn option_str(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            None => self.u8(0),
            Some(text) => self.u8(1).str(text),
        }
    }
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

/// Reads fields in the order in which they were written.
#[derive(Clone)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The version byte must be one that is known.
    pub fn new(bytes: &'a [u8], version: u8) -> Decoded<Self> {
        match bytes.split_first() {
            Some((found, rest)) if *found == version => Ok(Self(rest)),
            _ => Err(Damaged),
        }
    }
    pub fn take(&mut self, len: usize) -> Decoded<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Damaged)?;
        self.0 = rest;
        Ok(taken)
    }
    pub fn u8(&mut self) -> Decoded<u8> {
        Ok(self.take(1)?[0])
    }
    pub fn uint(&mut self) -> Decoded<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let low = u64::from(byte & 0x7f);
            value |= low.checked_shl(shift).ok_or(Damaged)?;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Damaged)
    }
    pub fn u32(&mut self) -> Decoded<u32> {
        u32::try_from(self.uint()?).map_err(|_| Damaged)
    }
    /// What is counted on or added up.
    pub fn counter(&mut self) -> Decoded<u64> {
        counter(self.uint()?)
    }
    pub fn counter32(&mut self) -> Decoded<u32> {
        let value = self.u32()?;
        (value <= LARGEST_COUNTER32).then_some(value).ok_or(Damaged)
    }
    pub fn u16(&mut self) -> Decoded<u16> {
        u16::try_from(self.uint()?).map_err(|_| Damaged)
    }
    /// A count of things that take at least one byte each, so it cannot ask for much memory.
    pub fn count(&mut self) -> Decoded<usize> {
        let count = usize::try_from(self.uint()?).map_err(|_| Damaged)?;
        if count > self.0.len() {
            Err(Damaged)
        } else {
            Ok(count)
        }
    }
    pub fn fixed64(&mut self) -> Decoded<u64> {
        let bytes = self.take(8)?.try_into().map_err(|_| Damaged)?;
        Ok(u64::from_be_bytes(bytes))
    }
    pub fn time(&mut self) -> Decoded<Time> {
        Ok(Time(self.fixed64()? as i64))
    }
    pub fn bytes(&mut self) -> Decoded<&'a [u8]> {
        let len = self.count()?;
        self.take(len)
    }
    pub fn str(&mut self) -> Decoded<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Damaged)
    }
    pub fn option_str(&mut self) -> Decoded<Option<&'a str>> {
        match self.u8()? {
            0 => Ok(None),
            1 => Ok(Some(self.str()?)),
            _ => Err(Damaged),
        }
    }
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A number that is added to others.
pub(crate) fn counter(value: u64) -> Decoded<u64> {
    (value <= LARGEST_COUNTER).then_some(value).ok_or(Damaged)
}

/// A value that is kept under a key.
pub trait Record: Sized {
    /// For people, when it cannot be read.
    const WHAT: &'static str;
    fn encode(&self) -> Vec<u8>;
    fn decode(bytes: &[u8]) -> Decoded<Self>;
}

/// The whole of a record that is one number.
pub fn number(version: u8, number: u64) -> Vec<u8> {
    let mut w = Writer::new(version);
    w.fixed64(number);
    w.into_vec()
}

/// Reads the same.
pub fn read_number(bytes: &[u8], version: u8) -> Decoded<u64> {
    let mut r = Reader::new(bytes, version)?;
    let number = r.fixed64()?;
    r.is_empty().then_some(number).ok_or(Damaged)
}

/// Reading in one partition: a snapshot, or an edit with its own writes.
pub(crate) trait Look {
    fn value(&self, key: &[u8]) -> Result<Option<Value>, Fault>;
    fn range(&self, range: impl RangeBounds<Vec<u8>>) -> Scan;
    fn below(&self, prefix: &[u8]) -> Scan;

    /// The same for keys that every change of an account reads.
    fn often(&self, key: &[u8]) -> Result<Option<Value>, Fault> {
        self.value(key)
    }

    fn record<T: Record>(&self, key: &[u8]) -> Result<Option<T>, Fault> {
        record(key, self.value(key)?)
    }

    fn record_often<T: Record>(&self, key: &[u8]) -> Result<Option<T>, Fault> {
        record(key, self.often(key)?)
    }
}

fn record<T: Record>(key: &[u8], value: Option<Value>) -> Result<Option<T>, Fault> {
    value.map(|value| decode(key, &value)).transpose()
}

/// Decodes, or says what is damaged.
pub fn decode<T: Record>(key: &[u8], value: &[u8]) -> Result<T, Fault> {
    T::decode(value).map_err(|Damaged| damaged(T::WHAT, key))
}

/// The fault of a record that cannot be read.
pub fn damaged(what: &str, key: &[u8]) -> Fault {
    Fault::new(
        format!("reading {what} {}", key.escape_ascii()),
        "the record is damaged",
    )
}

impl Look for Edit {
    fn value(&self, key: &[u8]) -> Result<Option<Value>, Fault> {
        self.get(key)
    }
    fn often(&self, key: &[u8]) -> Result<Option<Value>, Fault> {
        self.get_often(key)
    }
    fn range(&self, range: impl RangeBounds<Vec<u8>>) -> Scan {
        self.scan(range)
    }
    fn below(&self, prefix: &[u8]) -> Scan {
        self.prefix(prefix)
    }
}

/// One partition at one moment.
#[derive(Clone)]
pub(crate) struct Moment {
    snapshot: Snapshot,
    partition: Partition,
}

impl Moment {
    pub fn new(snapshot: Snapshot, partition: Partition) -> Self {
        Self {
            snapshot,
            partition,
        }
    }
}

impl Look for Moment {
    fn value(&self, key: &[u8]) -> Result<Option<Value>, Fault> {
        self.snapshot.get(self.partition, key)
    }
    fn range(&self, range: impl RangeBounds<Vec<u8>>) -> Scan {
        self.snapshot.scan(self.partition, range)
    }
    fn below(&self, prefix: &[u8]) -> Scan {
        self.snapshot.prefix(self.partition, prefix)
    }
}
