//! What the operator does with what waits: keeps it back, lets it go, takes it out.
//!
//! Works on a queue that is being sent and on one that is not. What never happens here: words for
//! people.

use crate::limits;
use crate::queue::entry::{EntryNumber, EntryRecord, Standing};
use crate::queue::note::remove;
use crate::queue::{Queue, keys};
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

    /// Lets those go that were kept back.
    pub async fn release(&self, numbers: &[EntryNumber]) -> Result<usize, Fault> {
        self.change_all(numbers, Change::Release).await
    }

    /// Tries them now, whatever was planned, also where nobody could be reached; those that are kept
    /// back stay so. Gives how many.
    pub async fn retry(&self, numbers: &[EntryNumber]) -> Result<usize, Fault> {
        self.change_all(numbers, Change::Retry).await
    }

    /// Takes them out for good; nobody is told. An attempt that runs may still succeed.
    pub async fn remove(&self, numbers: &[EntryNumber]) -> Result<usize, Fault> {
        self.change_all(numbers, Change::Remove).await
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
                if change.apply(&mut edit, *number, now)? {
                    done.push(*number);
                }
            }
            self.inner.mail.road_commit(edit).await?;
            count += done.len();
            self.tell_schedule(change, &done, now);
        }
        self.inner.bell.notify_one();
        Ok(count)
    }

    /// Whether an attempt at it runs.
    pub fn is_under_way(&self, number: EntryNumber) -> bool {
        self.schedule().is_under_way(number)
    }

    fn tell_schedule(&self, change: Change, numbers: &[EntryNumber], now: Time) {
        let mut wanted = Vec::new();
        let mut schedule = self.schedule();
        for number in numbers {
            match change {
                Change::Hold => schedule.hold(*number),
                Change::Remove if schedule.is_under_way(*number) => {}
                Change::Remove => schedule.forget(*number),
                Change::Release => drop(schedule.hurry(*number, now)),
                Change::Retry => wanted.extend(schedule.hurry(*number, now)),
            }
        }
        drop(schedule);
        if let Some(road) = &*self.road() {
            wanted.dedup();
            wanted
                .iter()
                .for_each(|destination| road.reopen(destination));
        }
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
    /// Whether there was something to change.
    fn apply(self, edit: &mut Edit, number: EntryNumber, now: Time) -> Result<bool, Fault> {
        let key = keys::entry(number);
        let Some(value) = edit.get(&key)? else {
            return Ok(false);
        };
        let mut entry: EntryRecord = decode(&key, &value)?;
        match self {
            Change::Hold | Change::Release => {
                let standing = match self {
                    Change::Hold => Standing::Held,
                    _ => Standing::Free,
                };
                if entry.standing == standing {
                    return Ok(false);
                }
                entry.standing = standing;
                if standing == Standing::Free {
                    entry.due = now;
                }
            }
            Change::Retry if entry.standing == Standing::Held => return Ok(false),
            Change::Retry => entry.due = now,
            Change::Remove => {
                let end = End {
                    at: now,
                    how: How::Removed,
                    entry,
                    told: None,
                };
                remove(edit, number, &end)?;
                return Ok(true);
            }
        }
        edit.put(key, entry.encode());
        Ok(true)
    }
}
