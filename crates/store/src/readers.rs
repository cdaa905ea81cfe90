//! What readers may see, and what must be kept because they still look at it.
//!
//! Never here: a transaction that is not durable.

use crate::sync::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Inner {
    /// The last durable transaction.
    visible: u64,
    /// The moments that somebody reads at, with how many do.
    held: BTreeMap<u64, usize>,
}

#[derive(Clone, Default)]
pub(crate) struct Readers(Arc<Mutex<Inner>>);

impl Readers {
    pub(crate) fn visible(&self) -> u64 {
        lock(&self.0).visible
    }

    /// Everything up to `seqno` is durable and stands in the index.
    pub(crate) fn show(&self, seqno: u64) {
        let mut inner = lock(&self.0);
        assert!(seqno >= inner.visible, "what was visible stays visible");
        inner.visible = seqno;
    }

    pub(crate) fn enter(&self) -> Moment {
        let mut inner = lock(&self.0);
        let at = inner.visible;
        *inner.held.entry(at).or_default() += 1;
        Moment {
            at,
            readers: self.clone(),
        }
    }

    /// The oldest moment at which somebody reads or may begin to.
    pub(crate) fn oldest(&self) -> u64 {
        let inner = lock(&self.0);
        inner.held.keys().next().copied().unwrap_or(inner.visible)
    }
}

/// One reader's moment; what it needs is kept until it is dropped.
pub(crate) struct Moment {
    pub(crate) at: u64,
    readers: Readers,
}

impl Drop for Moment {
    fn drop(&mut self) {
        let mut inner = lock(&self.readers.0);
        if let Some(count) = inner.held.get_mut(&self.at) {
            *count -= 1;
            if *count == 0 {
                inner.held.remove(&self.at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_reader_holds_the_watermark() {
        let readers = Readers::default();
        readers.show(5);
        let first = readers.enter();
        readers.show(9);
        let second = readers.enter();
        assert_eq!((first.at, second.at, readers.oldest()), (5, 9, 5));
        drop(first);
        assert_eq!(readers.oldest(), 9);
        drop(second);
        readers.show(12);
        assert_eq!(readers.oldest(), 12);
    }
}
