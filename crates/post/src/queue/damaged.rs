//! Rows of the road that cannot be read or lead nowhere: found with what is known of them, and removed
//! when the operator says so.
//!
//! Nothing is removed that reads by then, nor what can still go its way. What never happens here: a
//! repair, a row that goes unasked.

use crate::limits;
use crate::queue::attempt::AttemptRecord;
use crate::queue::entry::{EntryNumber, EntryRecord, Onward, Standing, Whither};
use crate::queue::message::MessageRecord;
use crate::queue::note::{has_entries, remove};
use crate::queue::{Queue, keys};
use crate::trail::{self, End, How, Trail};
use addr::Address;
use mail::codec::{Record, decode};
use mail::road::{MessageNumber, RoadLook, let_go};
use net::Time;
use std::collections::{BTreeMap, BTreeSet};
use store::{Edit, Fault};

/// A row, or several of one message, by which nothing can go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damaged {
    pub what: What,
    /// For people.
    pub why: String,
    /// What is known of the message.
    pub trail: Option<Trail>,
}

/// What would be removed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum What {
    /// A message with all that waits of it.
    Message(MessageNumber),
    Entry(EntryNumber),
    /// A body that nothing needs.
    Body(MessageNumber),
    /// A row of a trail, or one of which even the key cannot be read.
    Row(Vec<u8>),
}

impl What {
    fn message(&self) -> Option<MessageNumber> {
        match self {
            What::Message(number) | What::Body(number) => Some(*number),
            What::Entry(number) => Some(number.message),
            What::Row(key) => trail::of_row(key),
        }
    }
}

/// Everything that is damaged, in the order of the queue.
pub fn damaged(look: &RoadLook) -> Result<Vec<Damaged>, Fault> {
    let mut found = Vec::new();
    // by message: whether its row reads
    let mut messages = BTreeMap::new();
    for row in look.below(keys::MESSAGES) {
        let (key, value) = row?;
        match keys::message_of(&key) {
            Some(number) => {
                let read = decode::<MessageRecord>(&key, &value);
                messages.insert(number, read.is_ok());
                found.extend(
                    read.err()
                        .map(|why| (What::Message(number), why.to_string())),
                );
            }
            None => found.push(unread_key(&key)),
        }
    }
    let mut with_entries = BTreeSet::new();
    for row in look.below(keys::ENTRIES) {
        let (key, value) = row?;
        let Some(number) = keys::entry_of(&key) else {
            found.push(unread_key(&key));
            continue;
        };
        with_entries.insert(number.message);
        let why = match (
            messages.get(&number.message),
            decode::<EntryRecord>(&key, &value),
        ) {
            // it goes with its message, or waits as it should
            (Some(false), _) | (Some(true), Ok(_)) => continue,
            (None, _) => "its message is not there".to_owned(),
            (Some(true), Err(why)) => why.to_string(),
        };
        found.push((What::Entry(number), why));
    }
    let alone = messages
        .iter()
        .filter(|(number, _)| !with_entries.contains(number));
    let alone = alone.filter(|(_, reads)| **reads);
    found.extend(alone.map(|(number, _)| (What::Message(*number), "it goes nowhere".to_owned())));
    for number in look.holding() {
        let number = number?;
        if !messages.contains_key(&number) {
            let why = "its message is not there".to_owned();
            found.push((What::Body(number), why));
        }
    }
    for (key, why) in trail::unread(look)? {
        found.push((What::Row(key), why));
    }
    let with_trail = |(what, why): (What, String)| Damaged {
        trail: what.message().and_then(|number| trail_of(look, number)),
        what,
        why,
    };
    Ok(found.into_iter().map(with_trail).collect())
}

fn unread_key(key: &[u8]) -> (What, String) {
    (What::Row(key.to_vec()), "its key cannot be read".to_owned())
}

fn trail_of(look: &RoadLook, number: MessageNumber) -> Option<Trail> {
    trail::read(look, number).ok().flatten()
}

impl Queue {
    /// Takes these rows out for good; nobody is told. What reads by now stays. Gives how many went.
    pub async fn remove_damaged(&self, all: &[What]) -> Result<usize, Fault> {
        let mut count = 0;
        for piece in all.chunks(limits::CHANGED_AT_ONCE) {
            let now = self.inner.clock.now();
            let mut edit = self.inner.mail.road_edit().await;
            let mut gone = Vec::new();
            for what in piece {
                if let Some(entries) = take_out(&mut edit, what, now)? {
                    count += 1;
                    gone.extend(entries);
                }
            }
            self.inner.mail.road_commit(edit).await?;
            let mut schedule = self.schedule();
            gone.retain(|number| !schedule.is_under_way(*number));
            for number in gone {
                schedule.forget(number);
            }
        }
        Ok(count)
    }
}

/// The entries that went with it; None: it is damaged no more.
fn take_out(edit: &mut Edit, what: &What, now: Time) -> Result<Option<Vec<EntryNumber>>, Fault> {
    match what {
        What::Message(number) => take_message(edit, *number, now),
        What::Entry(number) => {
            let key = keys::entry(*number);
            let message = edit.get(&keys::message(number.message))?;
            let entry = edit
                .get(&key)?
                .map(|value| decode::<EntryRecord>(&key, &value));
            match (message, entry) {
                (Some(_), Some(Ok(_))) | (_, None) => return Ok(None),
                (_, Some(entry)) => end_entry(edit, *number, entry.ok(), now)?,
            }
            Ok(Some(vec![*number]))
        }
        What::Body(number) => {
            let is_there = edit.get(&keys::message(*number))?.is_some();
            if !is_there {
                let_go(edit, *number);
            }
            Ok((!is_there).then(Vec::new))
        }
        What::Row(key) => {
            let value = edit.get(key)?;
            let is_damaged = value.is_some_and(|value| !reads(key, &value));
            if is_damaged {
                trail::take_out(edit, key)?;
            }
            Ok(is_damaged.then(Vec::new))
        }
    }
}

fn take_message(
    edit: &mut Edit,
    number: MessageNumber,
    now: Time,
) -> Result<Option<Vec<EntryNumber>>, Fault> {
    let key = keys::message(number);
    let Some(value) = edit.get(&key)? else {
        return Ok(None);
    };
    let is_whole = decode::<MessageRecord>(&key, &value).is_ok();
    if is_whole && has_entries(edit, number)? {
        return Ok(None);
    }
    let rows: Vec<_> = edit
        .prefix(&keys::entries_of(number))
        .collect::<Result<_, _>>()?;
    let mut entries = Vec::new();
    for (key, value) in rows {
        if let Some(number) = keys::entry_of(&key) {
            end_entry(edit, number, decode(&key, &value).ok(), now)?;
            entries.push(number);
        }
    }
    edit.delete(key);
    let_go(edit, number);
    Ok(Some(entries))
}

/// Its end goes into the trail, with those whom nothing else speaks of if it cannot be read.
fn end_entry(
    edit: &mut Edit,
    number: EntryNumber,
    entry: Option<EntryRecord>,
    at: Time,
) -> Result<(), Fault> {
    let entry = match entry {
        Some(entry) => Some(entry),
        None => as_the_trail_has_it(edit, number, at)?,
    };
    let Some(entry) = entry else {
        edit.delete(keys::entry(number));
        if !has_entries(edit, number.message)? {
            edit.delete(keys::message(number.message));
            let_go(edit, number.message);
        }
        return Ok(());
    };
    let end = End {
        at,
        how: How::Removed,
        entry,
        told: None,
    };
    remove(edit, number, &end)
}

/// Those recipients of the message of whom no other entry speaks.
fn as_the_trail_has_it(
    edit: &Edit,
    number: EntryNumber,
    at: Time,
) -> Result<Option<EntryRecord>, Fault> {
    let Some(mut trail) = trail::read_by(edit, number.message)? else {
        return Ok(None);
    };
    let mut others: Vec<EntryRecord> = trail::ends_of(edit, number.message)?;
    for row in edit.prefix(&keys::entries_of(number.message)) {
        let (key, value) = row?;
        others.extend(decode::<EntryRecord>(&key, &value).ok());
    }
    let known: Vec<&Onward> = others.iter().flat_map(|entry| &entry.recipients).collect();
    let is_known = |one: &trail::Destination| known.iter().any(|onward| onward.to == one.path);
    let is_elsewhere = |one: &trail::Destination| one.place == trail::Place::Elsewhere;
    trail
        .recipients
        .retain(|one| is_elsewhere(one) && !is_known(one));
    let mut addresses = trail.recipients.iter().filter_map(|one| one.path.address());
    let Some(domain) = addresses.next().map(Address::host).cloned() else {
        return Ok(None);
    };
    let onward = |one: trail::Destination| Onward::new(one.path, None, None);
    Ok(Some(EntryRecord {
        domain,
        whither: Whither::Elsewhere,
        recipients: trail.recipients.into_iter().map(onward).collect(),
        attempts: 0,
        due: at,
        standing: Standing::Free,
        lease: None,
        delay_told: None,
    }))
}

/// Whether a row of which only the key was told can be read.
fn reads(key: &[u8], value: &[u8]) -> bool {
    match key.get(..2) {
        Some(b"rm") => Trail::decode(value).is_ok(),
        Some(b"rt") => AttemptRecord::decode(value).is_ok(),
        Some(b"re") => End::decode(value).is_ok(),
        _ => keys::entry_of(key).is_some() || keys::message_of(key).is_some(),
    }
}
