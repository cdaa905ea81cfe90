//! The committer: gathers what was handed over into one durable commit, makes it visible, rings
//! the bells, and tells those who wait, in this order.
//!
//! With real files it is a thread; otherwise a task that lives while something is queued. Never
//! here: a reader; anything visible before it is durable; success after a failed write.

use crate::edit::Committed;
use crate::engine::{Engine, Work};
use crate::files::Files;
use crate::index::checkpoint;
use crate::key::{self, Space};
use crate::limits::MAX_UNFLUSHED;
use crate::log::{BodyEntry, FrameBuilder};
use crate::marker::Marker;
use crate::name::encode_value;
use crate::queue::{Group, Transaction};
use crate::rows::{self, NewRow};
use crate::sync::lock;
use crate::{CommitError, Fault, Version};
use std::sync::Arc;
use tally::Metric;
use tokio::time::Instant;

/// Where the bodies of a batch came to lie.
struct Laid {
    log_file: u64,
    frame_offset: u64,
    bodies: Vec<BodyEntry>,
}

impl Engine {
    /// Sees to it that what is queued gets committed.
    pub(crate) fn wake_committer(self: &Arc<Self>) {
        if self.has_threads() {
            self.queue.wake_thread();
            return;
        }
        if !self.queue.begin_drive() {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                let drive = Drive {
                    engine: self.clone(),
                    finished: false,
                };
                runtime.spawn(drive.run());
            }
            Err(_) => while self.commit_some() {},
        }
    }

    /// The committer's thread: ends when the store is closed and nothing is left.
    pub(crate) fn run_committer(self: Arc<Self>) {
        let _alarm = Alarm(&self);
        while self.queue.wait_for_work() {
            self.commit_some();
        }
    }

    /// One round of the committer; false if there was nothing to do.
    pub(crate) fn commit_some(&self) -> bool {
        let mut work = lock(&self.work);
        if self.queue.take_resume_wish() {
            match work.is_overfull {
                true => self.resume_overfull(&mut work),
                false => self.resume(&mut work),
            }
        }
        let batch = self.queue.take_batch();
        if batch.is_empty() {
            return false;
        }
        match self.write(&mut work, &batch) {
            Ok(laid) => {
                self.apply(&mut work, &batch, laid.as_ref());
                self.count_commit(&batch);
                self.settle(batch);
                self.flush_if_due(&mut work);
                self.stop_if_overfull(&mut work);
            }
            Err(fault) => self.fail(&mut work, batch, fault),
        }
        self.queue.relax();
        true
    }

    fn count_commit(&self, batch: &[Group]) {
        let tally = &self.settings.tally;
        let bytes: usize = batch.iter().map(|group| group.bytes).sum();
        tally.count(Metric::Commits, &[]);
        tally.add(Metric::CommitBytes, &[], bytes as u64);
        tally.observe(Metric::CommitGroups, batch.len() as f64);
    }

    /// One frame, one sync.
    fn write(&self, work: &mut Work, batch: &[Group]) -> Result<Option<Laid>, Fault> {
        let Some(log) = &mut work.log else {
            return Ok(None);
        };
        let bytes: usize = batch.iter().map(|group| group.bytes).sum();
        let mut frame = FrameBuilder::new(bytes + bytes / 4 + 4096, self.settings.compression);
        for transaction in batch.iter().flat_map(|group| &group.transactions) {
            frame.transaction(transaction);
        }
        let mut bodies: Vec<BodyEntry> = Vec::new();
        for parcel in batch.iter().flat_map(|group| &group.parcels) {
            // The same body may come with two groups of one batch.
            let here = bodies.iter().any(|body| body.id == parcel.id);
            if !here && !parcel.is_written() {
                parcel.give();
                bodies.push(frame.body(parcel));
            }
        }
        let began = Instant::now();
        let appended = log.append(frame);
        let took = began.elapsed().as_secs_f64();
        self.settings.tally.observe(Metric::SyncSeconds, took);
        let (log_file, frame_offset) = appended?;
        Ok(Some(Laid {
            log_file,
            frame_offset,
            bodies,
        }))
    }

    /// Puts what is durable into the index and shows it.
    fn apply(&self, work: &mut Work, batch: &[Group], laid: Option<&Laid>) {
        let (mut last, oldest) = (self.readers.visible(), self.readers.oldest());
        let mut put = |row: NewRow| {
            work.unflushed_bytes += row.bytes();
            self.put_in_index(row, oldest);
        };
        for group in batch {
            for transaction in &group.transactions {
                rows::of_transaction(transaction).for_each(&mut put);
                last = last.max(transaction.seqno);
            }
            for parcel in &group.parcels {
                match laid {
                    None if !parcel.is_written() => self.bodies.keep(parcel),
                    _ => {}
                }
                parcel.set_written();
            }
        }
        if let Some(laid) = laid {
            for body in &laid.bodies {
                rows::of_body(body, laid.log_file, laid.frame_offset, last).for_each(&mut put);
            }
        }
        let transactions = batch.iter().flat_map(|group| &group.transactions);
        let partitions = transactions.filter_map(Transaction::rings_at);
        self.bells.show(partitions, || self.readers.show(last));
    }

    fn settle(&self, batch: Vec<Group>) {
        let mut bytes = 0;
        for group in &batch {
            bytes += group.bytes;
            for transaction in &group.transactions {
                if let Space::Of(partition) = transaction.space {
                    self.overlay
                        .settle(partition, transaction.seqno, &transaction.writes);
                }
                if let Some(partition) = transaction.rings_at() {
                    self.bells.ring(partition);
                }
            }
        }
        self.queue.settled(bytes);
        for group in batch {
            let last = group
                .transactions
                .last()
                .map_or(0, |transaction| transaction.seqno);
            drop(group.parcels);
            // Nobody has to wait for it.
            let _ = group.done.send(Ok(Committed {
                version: Version(last),
            }));
        }
    }

    /// Nothing that was handed over survives, and nobody builds on it. Writing goes on in a new
    /// file at once if it can; only then is the failure told, so that what failed stays so.
    fn fail(&self, work: &mut Work, batch: Vec<Group>, fault: Fault) {
        self.settings.tally.count(Metric::CommitsFailed, &[]);
        tracing::error!(%fault, "a commit failed; the store takes no writes until a new log file holds");
        let failed = self.queue.fail(fault, || self.overlay.clear());
        self.resume(work);
        for group in batch.into_iter().chain(failed) {
            drop(group.parcels);
            let _ = group.done.send(Err(CommitError::Failed));
        }
    }

    fn resume(&self, work: &mut Work) {
        let Some(log) = &mut work.log else { return };
        let resumed = log.resume(self.readers.visible() + 1);
        match &resumed {
            Ok(()) => tracing::warn!(file = log.number(), "writing goes on in a new log file"),
            Err(fault) => tracing::error!(%fault, "writing cannot go on yet"),
        }
        // A log that goes on is not enough while the index takes nothing; that is tried next. A log
        // that does not goes first, and the next commit looks at the index again.
        work.is_overfull &= resumed.is_ok();
        let unflushed = self.flush_failure(work).filter(|_| work.is_overfull);
        let resumed = resumed.and(unflushed.map_or(Ok(()), |(why, _)| Err(why)));
        self.queue.resumed(resumed);
    }

    /// Writing goes on once the index is flushed; the log was never in trouble.
    fn resume_overfull(&self, work: &mut Work) {
        if let Some(keeper) = &self.keeper {
            keeper.wait_until_idle();
        }
        let flushed = self.begin_flush(work).and_then(|()| self.flush_result());
        work.is_overfull = flushed.is_err();
        match &flushed {
            Ok(()) => tracing::warn!("the index is flushed again; writing goes on"),
            Err(fault) => tracing::error!(%fault, "the index cannot be flushed yet"),
        }
        self.queue.resumed(flushed);
    }

    /// Why the last flush failed, and the bytes that are in memory only because of that.
    fn flush_failure(&self, work: &Work) -> Option<(Fault, u64)> {
        match &self.keeper {
            Some(keeper) => keeper.failure(),
            None => work.flush_failure.clone().map(|fault| (fault, 0)),
        }
    }

    /// The log still takes commits while the index cannot be flushed, but their records stay in
    /// memory; past a bound the store takes no more, before memory ends.
    fn stop_if_overfull(&self, work: &mut Work) {
        let Some((fault, sealed_bytes)) = self.flush_failure(work) else {
            return;
        };
        let most = MAX_UNFLUSHED * self.settings.index_memory_bytes;
        if sealed_bytes + work.unflushed_bytes < most || work.is_overfull {
            return;
        }
        work.is_overfull = true;
        tracing::error!(%fault, "too much waits to be flushed; the store takes no writes until the index can be");
        self.queue.stop(fault);
    }

    fn flush_if_due(&self, work: &mut Work) {
        if work.log.is_none() || work.unflushed_bytes < self.settings.index_memory_bytes {
            return;
        }
        if let Some(keeper) = &self.keeper {
            // While the last one is under way the next gathers more, up to a bound.
            if keeper.is_busy() && work.unflushed_bytes < 4 * self.settings.index_memory_bytes {
                return;
            }
            keeper.wait_until_idle();
        }
        if let Err(fault) = self.begin_flush(work) {
            tracing::error!(%fault, "the index was not flushed; its records stay in the log");
        }
    }

    /// Marks how far the index has come, and flushes it: at once, or by the keeper's thread.
    pub(crate) fn begin_flush(&self, work: &mut Work) -> Result<(), Fault> {
        let Some(log) = &work.log else { return Ok(()) };
        let seqno = self.readers.visible();
        if lock(&self.flushed).seqno == seqno {
            return Ok(());
        }
        let marker = Marker {
            seqno,
            log_file: log.number(),
            next_body: self.ids.next(),
        };
        let stored = encode_value(&key::marker(), Version(seqno), &marker.encode());
        self.index
            .insert(key::marker(), Some(stored), seqno, self.readers.oldest());
        match (&self.keeper, &self.files) {
            (Some(keeper), _) => {
                self.seal_index();
                keeper.begin(marker, work.unflushed_bytes);
            }
            (None, Some(files)) => {
                let written = checkpoint::write(files, &self.index, seqno);
                work.flush_failure = written.as_ref().err().cloned();
                written?;
                *lock(&self.flushed) = marker;
            }
            (None, None) => {}
        }
        work.unflushed_bytes = 0;
        Ok(())
    }
}

/// The committer as a task, where there is no thread for it. If the task is dropped on the way,
/// the next one who hands something over drives again.
struct Drive {
    engine: Arc<Engine>,
    finished: bool,
}

impl Drive {
    async fn run(mut self) {
        loop {
            // Lets others hand over first, so that a group gathers.
            tokio::task::yield_now().await;
            let slowness = self.engine.files.as_ref().and_then(Files::slowness);
            if let Some(slowness) = slowness {
                tokio::time::sleep(slowness).await;
            }
            if !self.engine.commit_some() {
                self.finished = true;
                return;
            }
        }
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        if !self.finished {
            self.engine.queue.drive_ended();
        }
    }
}

/// If the committer's thread dies of a bug, nothing is taken any more.
struct Alarm<'a>(&'a Engine);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.queue.abandon(Fault::new(
                "committing",
                "the committer has stopped, which is a bug",
            ));
        }
    }
}
