//! How much of a file of the drop folder has entered: a row beside the queue's, written by the very
//! commit that takes a message of it, so that none enters twice and none is lost.
//!
//! | key | value |
//! |---|---|
//! | `d` name | which file it is, how many of its messages are done, who is left of the next |
//!
//! Another file under the same name is another file: number, time of change and length tell. A row goes
//! when its file is gone, so there are no more of them than files. What never happens here: a file.

use crate::accept::Post;
use crate::limits::LEFT_RECIPIENTS;
use crate::queue::codec::Read;
use mail::codec::{Damaged, Decoded, Reader, Record, Writer};
use mail::road::RoadLook;
use std::collections::BTreeSet;
use store::{Edit, Fault};

const PREFIX: &[u8] = b"d";
const VERSION: u8 = 1;

/// A file in the drop folder, as the system tells it from every other that had or will have its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DroppedFile {
    pub name: Vec<u8>,
    pub inode: u64,
    /// When it was last changed, or given other rights: seconds and nanoseconds.
    pub changed: (i64, i64),
    pub bytes: u64,
}

/// How much of it has entered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Messages that are done: they are where they belong, and their senders are told of the rest.
    pub done: u64,
    /// Of the message behind these.
    pub left: Left,
}

/// Who of a message's recipients has neither got it nor been reported.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Left {
    #[default]
    All,
    /// Those of these places; all others have it.
    Only(BTreeSet<u32>),
}

impl Left {
    pub fn has(&self, place: u32) -> bool {
        match self {
            Left::All => true,
            Left::Only(places) => places.contains(&place),
        }
    }
}

impl Progress {
    /// So many messages are done.
    pub fn done(done: u64) -> Progress {
        Progress {
            done,
            left: Left::All,
        }
    }

    /// The next one is, too, but for these recipients, who did not get it and whose sender is still to
    /// be told. Of more than can be kept he is told only if no crash comes between.
    pub fn but_for(done: u64, left: BTreeSet<u32>) -> Progress {
        match left.len() > LEFT_RECIPIENTS {
            true => Progress::done(done + 1),
            false => Progress {
                done,
                left: Left::Only(left),
            },
        }
    }
}

/// The row of a file, for a transaction to write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    pub file: DroppedFile,
    pub progress: Progress,
}

impl Note {
    pub(crate) fn write(&self, edit: &mut Edit) {
        edit.put(key(&self.file.name), self.encode());
    }
}

fn key(name: &[u8]) -> Vec<u8> {
    [PREFIX, name].concat()
}

impl Record for Note {
    const WHAT: &'static str = "how much of a dropped file has entered";

    fn encode(&self) -> Vec<u8> {
        let Note { file, progress } = self;
        let mut w = Writer::new(VERSION);
        let (seconds, nanoseconds) = file.changed;
        w.bytes(&file.name).fixed64(file.inode);
        w.fixed64(seconds.cast_unsigned());
        w.fixed64(nanoseconds.cast_unsigned());
        w.uint(file.bytes).uint(progress.done);
        match &progress.left {
            Left::All => w.u8(0),
            Left::Only(places) => {
                w.u8(1).len(places.len());
                for place in places {
                    w.uint(*place);
                }
                &mut w
            }
        };
        w.into_vec()
    }

    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        let file = DroppedFile {
            name: r.bytes()?.to_vec(),
            inode: r.fixed64()?,
            changed: (r.fixed64()?.cast_signed(), r.fixed64()?.cast_signed()),
            bytes: r.uint()?,
        };
        let done = r.uint()?;
        let left = match r.flag()? {
            false => Left::All,
            true => {
                let count = r.count()?;
                let places: Decoded<_> = (0..count).map(|_| r.u32()).collect();
                Left::Only(places?)
            }
        };
        let progress = Progress { done, left };
        r.is_empty()
            .then_some(Note { file, progress })
            .ok_or(Damaged)
    }
}

impl Post {
    /// How much of this file has entered.
    pub fn progress(&self, file: &DroppedFile) -> Result<Progress, Fault> {
        let note = self.inner.mail.road().record::<Note>(&key(&file.name))?;
        let of_this = note.filter(|note| note.file == *file);
        Ok(of_this.map(|note| note.progress).unwrap_or_default())
    }

    /// Notes what no message's commit notes.
    pub async fn note(&self, note: &Note) -> Result<(), Fault> {
        let mut edit = self.inner.mail.road_edit().await;
        note.write(&mut edit);
        self.inner.mail.road_commit(edit).await
    }

    /// The names of all files of which something is noted.
    pub fn noted(&self) -> Result<Vec<Vec<u8>>, Fault> {
        let look = self.inner.mail.road();
        let names = look.below(PREFIX).map(|row| {
            let (key, _) = row?;
            Ok(key[PREFIX.len()..].to_vec())
        });
        names.collect()
    }

    /// The file of this name is gone for good.
    pub async fn forget_dropped(&self, name: &[u8]) -> Result<(), Fault> {
        let mut edit = self.inner.mail.road_edit().await;
        edit.delete(key(name));
        self.inner.mail.road_commit(edit).await
    }
}

/// Says what is wrong with the rows; gives how many there are.
pub(crate) fn check(look: &RoadLook, problem: &mut impl FnMut(String)) -> Result<u64, Fault> {
    let mut rows = 0;
    for row in look.below(PREFIX) {
        let (key, value) = row?;
        rows += 1;
        if let Err(fault) = mail::codec::decode::<Note>(&key, &value) {
            problem(format!("{}: {fault}", Note::WHAT));
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_as_written() {
        let file = DroppedFile {
            name: b"a\xffb".to_vec(),
            inode: 7,
            changed: (-1, 999_999_999),
            bytes: 300,
        };
        let few = BTreeSet::from([0, 7, 300]);
        let many: BTreeSet<u32> = (0..).take(LEFT_RECIPIENTS + 1).collect();
        for progress in [
            Progress::default(),
            Progress::done(3),
            Progress::but_for(3, few.clone()),
        ] {
            let file = file.clone();
            let note = Note { file, progress };
            assert_eq!(Note::decode(&note.encode()), Ok(note));
        }
        assert!(Progress::but_for(3, few).left.has(7));
        assert_eq!(Progress::but_for(3, many), Progress::done(4));
        assert_eq!(Note::decode(&[VERSION, 1]), Err(Damaged));
    }
}
