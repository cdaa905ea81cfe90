//! Notes that are written together: what ended within a moment, in one transaction and one sync.
//!
//! A server that takes a thousand messages a second would cost a thousand syncs otherwise. Until its note
//! is durable an entry is under way, so what is held up for a moment is only what others see of it. What
//! never happens here: what a note says (`note`).

use crate::limits;
use crate::queue::Queue;
use crate::queue::note::Note;
use net::time::timeout;
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::{Edit, Fault};
use tokio::sync::{Notify, oneshot};

/// Notes that wait for the one who writes them: whoever came first.
#[derive(Default)]
pub(super) struct Noting {
    waiting: Mutex<Vec<Waiting>>,
    /// Rung when there are enough of them.
    enough: Notify,
}

struct Waiting {
    note: Note,
    told: oneshot::Sender<Result<Noted, Fault>>,
}

/// What became of a note.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Noted {
    Written,
    /// Somebody else has changed the entry before.
    TooLate,
}

impl Noting {
    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        let waiting = &self.waiting;
        waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<Waiting> {
        std::mem::take(&mut *self.lock())
    }
}

/// Whoever is to write, and is cut before: those who wait hear it, and come again.
struct Duty<'a>(Option<&'a Noting>);

impl Duty<'_> {
    fn take(mut self) -> Vec<Waiting> {
        self.0.take().map(Noting::take).unwrap_or_default()
    }
}

impl Drop for Duty<'_> {
    fn drop(&mut self) {
        drop(self.0.map(Noting::take));
    }
}

impl Queue {
    /// Durable when this returns.
    pub(super) async fn together(&self, note: Note) -> Result<Noted, Fault> {
        if !note.is_short() {
            return self.alone(&note).await;
        }
        let noting = &self.inner.noting;
        let (told, answer) = oneshot::channel();
        let waiting = {
            let mut waiting = noting.lock();
            waiting.push(Waiting { note, told });
            waiting.len()
        };
        if waiting == limits::NOTES_TOGETHER {
            noting.enough.notify_one();
        }
        if waiting == 1 {
            let duty = Duty(Some(noting));
            // that there were enough may be left over from before: then these are fewer
            let _ = timeout(limits::NOTES_WAIT, noting.enough.notified()).await;
            let mut all = duty.take().into_iter().peekable();
            while all.peek().is_some() {
                self.write(all.by_ref().take(limits::NOTES_TOGETHER).collect())
                    .await;
            }
        }
        let cut = |_| Fault::new("noting an attempt", "whoever wrote was cut");
        answer.await.map_err(cut)?
    }

    async fn write(&self, notes: Vec<Waiting>) {
        let mut edit = self.inner.mail.road_edit().await;
        let mut written = notes.iter().map(|waiting| put(&mut edit, &waiting.note));
        let Ok(noted) = written.by_ref().collect::<Result<Vec<Noted>, Fault>>() else {
            drop(edit);
            // one of them must not keep the others
            for Waiting { note, told } in notes {
                // whoever was cut meanwhile comes again, or is repeated after a start
                let _ = told.send(self.alone(&note).await);
            }
            return;
        };
        let committed = self.inner.mail.road_commit(edit).await;
        for (Waiting { told, .. }, noted) in notes.into_iter().zip(noted) {
            let _ = told.send(committed.clone().map(|()| noted));
        }
    }

    async fn alone(&self, note: &Note) -> Result<Noted, Fault> {
        let mut edit = self.inner.mail.road_edit().await;
        match put(&mut edit, note)? {
            Noted::Written => self.inner.mail.road_commit(edit).await?,
            Noted::TooLate => return Ok(Noted::TooLate),
        }
        Ok(Noted::Written)
    }
}

fn put(edit: &mut Edit, note: &Note) -> Result<Noted, Fault> {
    match note.write(edit) {
        Ok(()) => Ok(Noted::Written),
        Err(_) if note.is_late() => Ok(Noted::TooLate),
        Err(fault) => Err(fault),
    }
}
