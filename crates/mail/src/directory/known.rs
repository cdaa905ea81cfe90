//! Addresses that were resolved before: mail comes to the same ones again and again.
//!
//! An answer counts as long as nothing in the directory has changed since it was read. What never
//! happens here: an answer that was not found in the directory.

use crate::limits::KNOWN_ADDRESSES;
use crate::resolve::Target;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::Bell;

pub(crate) struct Known {
    /// Rings when the directory has changed.
    bell: Bell,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// As of which ring of the bell.
    rings: u64,
    targets: HashMap<String, Vec<Target>>,
}

impl Known {
    pub fn new(bell: Bell) -> Known {
        Known {
            bell,
            inner: Mutex::default(),
        }
    }

    /// As of when an answer holds; asked before the directory is read.
    pub fn moment(&self) -> Option<u64> {
        self.bell.rings()
    }

    fn inner(&self, rings: u64) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.rings != rings {
            inner.targets.clear();
            inner.rings = rings;
        }
        inner
    }

    pub fn get(&self, address: &str) -> Option<Vec<Target>> {
        self.inner(self.bell.rings()?).targets.get(address).cloned()
    }

    /// Where the address leads, as read after `moment`.
    pub fn put(&self, moment: Option<u64>, address: String, targets: &[Target]) {
        let Some(rings) = moment.filter(|_| self.bell.rings() == moment) else {
            return;
        };
        let mut inner = self.inner(rings);
        if inner.targets.len() >= KNOWN_ADDRESSES {
            inner.targets.clear();
        }
        inner.targets.insert(address, targets.to_vec());
    }
}
