//! Addresses that were resolved before: mail comes to the same ones again and again.
//!
//! An answer counts as long as nothing in the directory has changed since it was read. What never
//! happens here: an answer that was not found in the directory.

use crate::limits::{KNOWN_ADDRESSES, KNOWN_TARGETS};
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

    /// Where the address leads, as read after `moment`. A list is looked up each time: under the
    /// names with a detail it is as many addresses as a peer likes.
    pub fn put(&self, moment: Option<u64>, address: String, targets: &[Target]) {
        let Some(rings) = moment.filter(|_| self.bell.rings() == moment) else {
            return;
        };
        if targets.len() > KNOWN_TARGETS || targets.iter().any(|target| target.owner.is_some()) {
            return;
        }
        let mut inner = self.inner(rings);
        if inner.targets.len() >= KNOWN_ADDRESSES {
            inner.targets.clear();
        }
        inner.targets.insert(address, targets.to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AccountId;
    use crate::keys::DIRECTORY;
    use store::Db;

    fn targets(count: usize) -> Vec<Target> {
        let target = Target {
            account: AccountId(1),
            quota_bytes: None,
            owner: None,
            at_host: None,
        };
        vec![target; count]
    }

    #[tokio::test]
    async fn an_answer_holds_until_the_directory_changes_and_a_long_one_is_not_kept() {
        let db = Db::memory();
        let known = Known::new(db.bell(DIRECTORY));
        let moment = known.moment();
        known.put(moment, "few".to_owned(), &targets(KNOWN_TARGETS));
        known.put(moment, "many".to_owned(), &targets(KNOWN_TARGETS + 1));
        assert_eq!(
            known.get("few").map(|found| found.len()),
            Some(KNOWN_TARGETS)
        );
        assert!(known.get("many").is_none());
        let mut edit = db.edit(DIRECTORY).await;
        edit.put("changed", "1");
        edit.submit().await.unwrap();
        assert!(known.get("few").is_none());
        known.put(moment, "few".to_owned(), &targets(1));
        assert!(known.get("few").is_none(), "it was read before the change");
    }
}
