//! Reading at one moment.
use crate::*;
use bytes::Bytes;
use std::ops::RangeBounds;
/// All partitions at one durable moment. Keep it short-lived.
#[derive(Clone)]
pub struct Snapshot {}
impl Snapshot {
    pub fn get(&self, partition: Partition, key: &[u8]) -> Result<Option<Value>, Fault> {
        todo!()
    }
    /// Keys in order, without the partition. After an error the iterator ends.
    pub fn scan(&self, partition: Partition, range: impl RangeBounds<Vec<u8>>) -> Scan {
        todo!()
    }
    pub fn prefix(&self, partition: Partition, prefix: &[u8]) -> Scan {
        todo!()
    }
}
/// Keys in order with their values; `.rev()` works.
pub struct Scan {
    x: Option<Result<(Bytes, Value), Fault>>,
}
impl Iterator for Scan {
    type Item = Result<(Bytes, Value), Fault>;
    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}
impl DoubleEndedIterator for Scan {
    fn next_back(&mut self) -> Option<Self::Item> {
        todo!()
    }
}
