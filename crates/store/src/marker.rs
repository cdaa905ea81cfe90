//! The marker: a record in the index itself that says up to where the index holds the log. It is
//! flushed with what it speaks of, so the two cannot disagree.

use crate::words::{Words, put_u64};
use bytes::Bytes;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marker {
    /// The last transaction that the index holds.
    pub(crate) seqno: u64,
    /// Later transactions are in this log file and those after it.
    pub(crate) log_file: u64,
    /// No body had this id or a higher one.
    pub(crate) next_body: u64,
}

impl Marker {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for word in [self.seqno, self.log_file, self.next_body] {
            put_u64(&mut out, word);
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Marker> {
        let mut words = Words::new(Bytes::copy_from_slice(bytes));
        Some(Marker {
            seqno: words.u64()?,
            log_file: words.u64()?,
            next_body: words.u64()?,
        })
    }
}
