//! What the operator does with what waits: keeps it back, lets it go, takes it out.
//!
//! Works on a queue that is being sent and on one that is not. What never happens here: words for
//! people.

use crate::limits;
use crate::queue::entry::{EntryNumber, EntryRecord, Standing};
use crate::queue::message::MessageRecord;
use crate::queue::note::remove;
use crate::queue::{Queue, keys, settle};
use crate::road::route::Destination;
use crate::trail::{End, How};
use addr::Host;
use mail::codec::{Record, decode};
use net::Time;
use store::{Edit, Fault};

impl Queue {
    /// Keeps them back until they are released; an attempt that runs is not broken off. Gives how
    /// many.
    pub async fn hold(&self, numbers: &[EntryNumber]) -> Result<usize, Fault> {
        self.change_all(numbers, Change::Hold).await
    }

    /// Lets those go that were kept back. What the operator keeps back is held on as long as its
    /// sender wants it held; what only its sender wants held goes now.
    pub async fn release(&self, numbers: &[EntryNumber]) -> Result<usize, Fault> {
        self.change_all(numbers, Change::Release).await
    }

    /// Tries them now, whatever was planned, also where nobody could be reached; those that are kept
    /// back, or held as their sender wants it, stay so. Gives how many.
    pub async fn retry(&self, numbers: &[EntryNumber]) -> Result<usize, Fault> {
        self.change_all(numbers, Change::Retry).await
    }

    /// Takes them out for good; nobody is told. An attempt that runs may still succeed.
    pub async fn remove(&self, numbers: &[EntryNumber]) -> Result<usize, Fault> {
        self.change_all(numbers, Change::Remove).await
    }

    /// Takes them out for good, and tells their senders by a report that they failed. What is being
    /// tried just now stays: it may be taken. Gives how many.
    pub async fn give_back(&self, numbers: &[EntryNumber]) -> Result<usize, Fault> {
        let mut count = 0;
        for number in numbers {
            if !self.schedule().set_aside(*number) {
                continue;
            }
            let _aside = Aside(self, *number);
            let Some((message, entry)) = self.read(*number)? else {
                continue;
            };
            let settled = settle::given_back(&entry, self.inner.clock.now());
            self.note((*number, &message, &entry), &settled, &[])
                .await?;
            if self.read(*number)?.is_none() {
                self.held().forget(number.message);
                count += 1;
            }
        }
        Ok(count)
    }

    /// The entries for these domains. What goes its way by the DNS is told apart in memory; only of
    /// the rest the rows are read.
    pub(crate) fn waiting_for(
        &self,
        is_meant: &(dyn Fn(&Host) -> bool + Sync),
    ) -> Result<Vec<EntryNumber>, Fault> {
        let may_be = |way: &Destination| way.domain.as_ref().is_none_or(is_meant);
        let candidates = self.schedule().going(may_be);
        let look = self.inner.mail.road();
        let mut found = Vec::new();
        for number in candidates {
            let entry = look.record::<EntryRecord>(&keys::entry(number))?;
            if entry.is_some_and(|entry| is_meant(&entry.domain)) {
                found.push(number);
            }
        }
        Ok(found)
    }

    /// In pieces, each durable by itself.
    async fn change_all(&self, numbers: &[EntryNumber], change: Change) -> Result<usize, Fault> {
        let now = self.inner.clock.now();
        let mut count = 0;
        for piece in numbers.chunks(limits::CHANGED_AT_ONCE) {
            let mut edit = self.inner.mail.road_edit().await;
            let mut done = Vec::new();
            for number in piece {
                if let Some(due) = change.apply(&mut edit, *number, now)? {
                    done.push((*number, due));
                }
            }
            self.inner.mail.road_commit(edit).await?;
            count += done.len();
            self.tell_schedule(change, &done);
        }
        self.inner.bell.notify_one();
        Ok(count)
    }

    /// Whether an attempt at it runs.
    pub fn is_under_way(&self, number: EntryNumber) -> bool {
        self.schedule().is_under_way(number)
    }

    fn tell_schedule(&self, change: Change, numbers: &[(EntryNumber, Time)]) {
        let mut wanted = Vec::new();
        let mut schedule = self.schedule();
        for (number, due) in numbers {
            match change {
                Change::Hold => schedule.hold(*number),
                Change::Remove if schedule.is_under_way(*number) => {}
                Change::Remove => schedule.forget(*number),
                Change::Release => schedule.release(*number, *due),
                Change::Retry => wanted.extend(schedule.hurry(*number, *due)),
            }
        }
        drop(schedule);
        if matches!(change, Change::Release | Change::Remove) {
            let mut held = self.held();
            numbers
                .iter()
                .for_each(|(number, _)| held.forget(number.message));
        }
        if let Some(road) = &*self.road() {
            wanted.dedup();
            wanted
                .iter()
                .for_each(|destination| road.reopen(destination));
        }
    }
}

/// An entry at which no attempt begins, until this is dropped. Then it stands where its row says.
struct Aside<'a>(&'a Queue, EntryNumber);

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        let Aside(queue, number) = *self;
        match queue.read(number) {
            Ok(Some((message, entry))) => {
                let mut schedule = queue.schedule();
                let timing = queue.timing(&message, &entry);
                match entry.standing {
                    Standing::Free => schedule.add(number, timing),
                    Standing::Held => schedule.add_held(number, timing),
                }
            }
            Ok(None) | Err(_) => queue.schedule().forget(number),
        }
        queue.inner.bell.notify_one();
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Change {
    Hold,
    Release,
    Retry,
    Remove,
}

impl Change {
    /// When the entry is due then, if there was something to change.
    fn apply(self, edit: &mut Edit, number: EntryNumber, now: Time) -> Result<Option<Time>, Fault> {
        let key = keys::entry(number);
        let Some(value) = edit.get(&key)? else {
            return Ok(None);
        };
        let mut entry: EntryRecord = decode(&key, &value)?;
        let is_too_early = too_early(edit, number, &entry, now)?;
        match (self, entry.standing, is_too_early) {
            (Change::Hold, Standing::Free, _) => entry.standing = Standing::Held,
            // as long as its sender wants it held, it is
            (Change::Release, Standing::Held, true) => entry.standing = Standing::Free,
            (Change::Release, Standing::Held, false) => {
                entry.standing = Standing::Free;
                entry.due = now;
            }
            (Change::Release, Standing::Free, true) | (Change::Retry, Standing::Free, false) => {
                entry.due = now
            }
            (Change::Hold, Standing::Held, _)
            | (Change::Release, Standing::Free, false)
            | (Change::Retry, Standing::Held, _)
            | (Change::Retry, Standing::Free, true) => return Ok(None),
            (Change::Remove, _, _) => {
                let end = End {
                    at: now,
                    how: How::Removed,
                    entry,
                    told: None,
                };
                remove(edit, number, &end)?;
                return Ok(Some(now));
            }
        }
        edit.put(key, entry.encode());
        Ok(Some(entry.due))
    }
}

/// Whether its sender wants it held by now.
fn too_early(
    edit: &Edit,
    number: EntryNumber,
    entry: &EntryRecord,
    now: Time,
) -> Result<bool, Fault> {
    let key = keys::message(number.message);
    let Some(value) = edit.get(&key)? else {
        return Ok(false);
    };
    let message: MessageRecord = decode(&key, &value)?;
    Ok(message.holds(entry, now))
}
