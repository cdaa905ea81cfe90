//! Taking locks. A poisoned lock means that a bug panicked while it changed shared state: then
//! every later user stops too, rather than going on with half a change.
//!
//! Never here: a lock held over an await.

use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

const WHY: &str = "because a panic inside the store is a bug that nothing may build upon";

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect(WHY)
}

pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().expect(WHY)
}

pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().expect(WHY)
}
