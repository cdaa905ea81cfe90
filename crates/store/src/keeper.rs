//! The keeper of the index tree: flushes and merges in a thread of its own, so that no commit
//! waits for it.
//!
//! Never here: a decision when to flush (the committer's), records that are not durable.

use crate::Fault;
use crate::engine::Engine;
use crate::index::{Index, TreeIndex};
use crate::marker::Marker;
use crate::sync::lock;
use std::sync::{Condvar, Mutex, MutexGuard};

#[derive(Default)]
struct Inner {
    /// Sealed and to be flushed, and how far the index holds the log then.
    wanted: Option<Marker>,
    busy: bool,
    /// Bytes that are sealed and not on the disk; a flush takes all of them.
    sealed_bytes: u64,
    /// The last flush failed; it is tried again with the next.
    failure: Option<Fault>,
    stopped: bool,
}

#[derive(Default)]
pub(crate) struct Keeper {
    inner: Mutex<Inner>,
    changed: Condvar,
}

impl Keeper {
    fn wait<'a>(&self, inner: MutexGuard<'a, Inner>) -> MutexGuard<'a, Inner> {
        self.changed
            .wait(inner)
            .expect("because a panic inside the store is a bug that nothing may build upon")
    }

    pub(crate) fn is_busy(&self) -> bool {
        let inner = lock(&self.inner);
        inner.busy || inner.wanted.is_some()
    }

    /// Only while it is idle.
    pub(crate) fn begin(&self, marker: Marker, bytes: u64) {
        let mut inner = lock(&self.inner);
        inner.wanted = Some(marker);
        inner.sealed_bytes += bytes;
        drop(inner);
        self.changed.notify_all();
    }

    /// Why the last flush failed, and how much waits in memory since.
    pub(crate) fn failure(&self) -> Option<(Fault, u64)> {
        let inner = lock(&self.inner);
        let fault = inner.failure.clone()?;
        Some((fault, inner.sealed_bytes))
    }

    /// Waits until nothing sealed is left to flush, or its flush has failed.
    pub(crate) fn wait_until_idle(&self) {
        let mut inner = lock(&self.inner);
        while (inner.busy || inner.wanted.is_some()) && !inner.stopped {
            inner = self.wait(inner);
        }
    }

    /// Waits likewise, and tells how the last flush went.
    pub(crate) fn result(&self) -> Result<(), Fault> {
        self.wait_until_idle();
        match &lock(&self.inner).failure {
            Some(fault) => Err(fault.clone()),
            None => Ok(()),
        }
    }

    pub(crate) fn stop(&self) {
        lock(&self.inner).stopped = true;
        self.changed.notify_all();
    }

    fn next(&self) -> Option<Marker> {
        let mut inner = lock(&self.inner);
        loop {
            if let Some(marker) = inner.wanted.take() {
                inner.busy = true;
                return Some(marker);
            }
            if inner.stopped {
                return None;
            }
            inner = self.wait(inner);
        }
    }

    fn finished(&self, failure: Option<Fault>) {
        let mut inner = lock(&self.inner);
        inner.busy = false;
        if failure.is_none() {
            inner.sealed_bytes = 0;
        }
        inner.failure = failure;
        self.changed.notify_all();
    }

    /// The keeper's thread.
    pub(crate) fn run(&self, engine: &Engine) {
        let Index::Tree(tree) = &engine.index else {
            return;
        };
        let _alarm = Alarm(self);
        while let Some(marker) = self.next() {
            self.flush(engine, tree, marker);
        }
    }

    fn flush(&self, engine: &Engine, tree: &TreeIndex, marker: Marker) {
        let flushed = tree.flush(engine.readers.visible(), engine.readers.oldest());
        match flushed {
            Ok(()) => {
                *lock(&engine.flushed) = marker;
                self.finished(None);
            }
            Err(fault) => {
                tracing::error!(%fault, "the index was not flushed; its records stay in the log");
                self.finished(Some(fault));
                return;
            }
        }
        let now = || (engine.readers.visible(), engine.readers.oldest());
        if let Err(fault) = tree.compact(now) {
            tracing::error!(%fault, "the index was not compacted");
        }
    }
}

/// If the thread dies of a bug, nobody waits for it.
struct Alarm<'a>(&'a Keeper);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}
