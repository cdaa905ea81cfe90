//! What a commit makes of the index: a row for each record, and one or two for each body.
//!
//! Never here: the index itself.

use crate::Version;
use crate::bodies::Location;
use crate::key;
use crate::log::{BodyEntry, Place};
use crate::name::encode_value;
use crate::queue::Transaction;
use bytes::Bytes;
use std::collections::BTreeMap;

/// A row as it goes into the index; without a value the key goes.
pub(crate) struct NewRow {
    pub(crate) full_key: Vec<u8>,
    pub(crate) stored: Option<Bytes>,
    pub(crate) seqno: u64,
}

impl NewRow {
    fn new(full_key: Vec<u8>, seqno: u64, payload: Option<&[u8]>) -> NewRow {
        let stored = payload.map(|payload| encode_value(&full_key, Version(seqno), payload));
        NewRow {
            full_key,
            stored,
            seqno,
        }
    }

    /// How many bytes the index grows by.
    pub(crate) fn bytes(&self) -> u64 {
        (self.full_key.len() + self.stored.as_ref().map_or(0, Bytes::len)) as u64
    }
}

/// The records of a transaction.
pub(crate) fn of_transaction(transaction: &Transaction) -> impl Iterator<Item = NewRow> + '_ {
    transaction.writes.iter().map(|(key, payload)| {
        let full_key = transaction.space.full(key);
        NewRow::new(full_key, transaction.seqno, payload.as_deref())
    })
}

/// Where a body lies; `frame` is where its frame begins.
pub(crate) fn of_body(
    body: &BodyEntry,
    log_file: u64,
    frame: u64,
    seqno: u64,
) -> impl Iterator<Item = NewRow> {
    let place = Location::of(body, log_file, frame).encode();
    let place = NewRow::new(key::of_body(body.id), seqno, Some(&place));
    let own_file = match body.place {
        Place::File(file) => {
            let full_key = key::of_body_file(file, body.id);
            Some(NewRow::new(full_key, seqno, Some(&[])))
        }
        Place::Inline | Place::Packed(_) => None,
    };
    std::iter::once(place).chain(own_file)
}

/// The newest row of each key while the log is replayed: nobody reads what was before, and many
/// records (counts, bitmaps) are written with every message.
#[derive(Default)]
pub(crate) struct Newest(BTreeMap<Vec<u8>, (u64, Option<Bytes>)>);

impl Newest {
    /// Rows come in the order in which they were written.
    pub(crate) fn take(&mut self, row: NewRow) {
        self.0.insert(row.full_key, (row.seqno, row.stored));
    }

    /// In the order of the keys, in which the index takes them most quickly.
    pub(crate) fn into_rows(self) -> impl Iterator<Item = NewRow> {
        self.0
            .into_iter()
            .map(|(full_key, (seqno, stored))| NewRow {
                full_key,
                stored,
                seqno,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_key_the_newest_row_is_left_in_order() {
        let mut newest = Newest::default();
        for (key, seqno, payload) in [
            ("b", 1, "old"),
            ("c", 2, "gone"),
            ("b", 3, "new"),
            ("a", 3, "one"),
        ] {
            newest.take(NewRow::new(key.into(), seqno, Some(payload.as_bytes())));
        }
        newest.take(NewRow::new(b"c".to_vec(), 4, None));
        let left: Vec<_> = newest
            .into_rows()
            .map(|row| (row.full_key, row.seqno, row.stored.is_some()))
            .collect();
        let wanted = [(b"a", 3, true), (b"b", 3, true), (b"c", 4, false)];
        assert_eq!(left, wanted.map(|(key, at, is)| (key.to_vec(), at, is)));
    }
}
