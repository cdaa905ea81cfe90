//! Reading at one moment: [`Snapshot`], and [`Scan`] for ranges.
//!
//! Never here: a write, a look at anything that is not durable (an edit lays its own layer over a
//! scan, see `edit.rs`).

use crate::engine::Engine;
use crate::index::Rows;
use crate::key::{self, PREFIX_BYTES};
use crate::name::decode_value;
use crate::readers::Moment;
use crate::{Fault, Partition, Value};
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

/// All partitions at one durable moment. Keep it short-lived: what it sees is kept for it.
#[derive(Clone)]
pub struct Snapshot {
    engine: Arc<Engine>,
    moment: Arc<Moment>,
}

impl Snapshot {
    pub(crate) fn new(engine: Arc<Engine>) -> Snapshot {
        let moment = Arc::new(engine.readers.enter());
        Snapshot { engine, moment }
    }

    pub fn get(&self, partition: Partition, key: &[u8]) -> Result<Option<Value>, Fault> {
        self.engine.get(partition, key, self.moment.at)
    }

    /// Keys in order, without the partition. After an error the iterator ends.
    pub fn scan(&self, partition: Partition, range: impl RangeBounds<Vec<u8>>) -> Scan {
        let rows = key::bounds(partition, &range)
            .map(|(low, high)| self.engine.index.range(low, high, self.moment.at));
        Scan::new(
            self.engine.clone(),
            rows,
            Some(self.moment.clone()),
            VecDeque::new(),
        )
    }

    pub fn prefix(&self, partition: Partition, prefix: &[u8]) -> Scan {
        self.scan(partition, key::prefix_range(prefix))
    }
}

/// A layer of writes over the index: None is a deletion.
pub(crate) type Layer = VecDeque<(Vec<u8>, Option<Value>)>;

/// Keys in order with their values; `.rev()` works. After an error it ends.
pub struct Scan {
    engine: Arc<Engine>,
    rows: Option<Rows>,
    /// Keeps what is read from being forgotten.
    _moment: Option<Arc<Moment>>,
    over: Layer,
    front: Option<(Bytes, Value)>,
    back: Option<(Bytes, Value)>,
}

enum End {
    Front,
    Back,
}

impl Scan {
    pub(crate) fn new(
        engine: Arc<Engine>,
        rows: Option<Rows>,
        moment: Option<Arc<Moment>>,
        over: Layer,
    ) -> Scan {
        Scan {
            engine,
            rows,
            _moment: moment,
            over,
            front: None,
            back: None,
        }
    }

    /// The next row of the index from one end; a value whose checksum fails is reported and skipped.
    fn row(&mut self, end: &End) -> Result<Option<(Bytes, Value)>, Fault> {
        loop {
            let Some(rows) = self.rows.as_mut() else {
                return Ok(None);
            };
            let row = match end {
                End::Front => rows.next(),
                End::Back => rows.next_back(),
            };
            let Some(row) = row else { return Ok(None) };
            let (mut full_key, stored) = row?;
            match decode_value(&full_key, stored) {
                Some(value) => {
                    full_key.advance(PREFIX_BYTES);
                    return Ok(Some((full_key, value)));
                }
                None => self.engine.report_bad_value(&full_key),
            }
        }
    }

    fn fill(&mut self, end: &End) -> Result<(), Fault> {
        match end {
            End::Front if self.front.is_none() => {
                self.front = self.row(end)?.or_else(|| self.back.take());
            }
            End::Back if self.back.is_none() => {
                self.back = self.row(end)?.or_else(|| self.front.take());
            }
            End::Front | End::Back => {}
        }
        Ok(())
    }

    fn step(&mut self, end: End) -> Option<Result<(Bytes, Value), Fault>> {
        loop {
            if let Err(fault) = self.fill(&end) {
                self.rows = None;
                self.over.clear();
                self.front = None;
                self.back = None;
                return Some(Err(fault));
            }
            let (base, over) = match end {
                End::Front => (&mut self.front, self.over.front()),
                End::Back => (&mut self.back, self.over.back()),
            };
            let Some((over_key, _)) = over else {
                return base.take().map(Ok);
            };
            if let Some((base_key, _)) = base {
                let order = match end {
                    End::Front => base_key[..].cmp(over_key),
                    End::Back => over_key[..].cmp(base_key),
                };
                match order {
                    std::cmp::Ordering::Less => return base.take().map(Ok),
                    std::cmp::Ordering::Equal => *base = None,
                    std::cmp::Ordering::Greater => {}
                }
            }
            let (key, value) = match end {
                End::Front => self.over.pop_front()?,
                End::Back => self.over.pop_back()?,
            };
            if let Some(value) = value {
                return Some(Ok((key.into(), value)));
            }
        }
    }
}

impl Iterator for Scan {
    type Item = Result<(Bytes, Value), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(End::Front)
    }
}

impl DoubleEndedIterator for Scan {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(End::Back)
    }
}

/// An owned copy of a range.
pub(crate) fn owned(range: &impl RangeBounds<Vec<u8>>) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    (range.start_bound().cloned(), range.end_bound().cloned())
}
