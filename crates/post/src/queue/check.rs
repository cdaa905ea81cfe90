//! Whether what lies on the road hangs together: every row reads, what one row says of another is so.
//!
//! Looks and says; `whimbrel verify` tells people. What never happens here: a change, the octets of a
//! body (`mail` looks at those).

use crate::dropped;
use crate::queue::entry::{EntryNumber, EntryRecord, Whither};
use crate::queue::keys;
use crate::queue::message::MessageRecord;
use crate::trail;
use mail::codec::{Record, decode};
use mail::road::{MessageNumber, RoadLook};
use std::collections::BTreeMap;
use store::Fault;

/// Says what is wrong with the rows of queue and trails; gives how many were looked at.
pub fn check(look: &RoadLook, mut problem: impl FnMut(String)) -> Result<u64, Fault> {
    let mut rows = 0;
    // by message: whether an entry speaks of it
    let mut messages: BTreeMap<MessageNumber, bool> = BTreeMap::new();
    for row in look.below(keys::MESSAGES) {
        let (key, value) = row?;
        rows += 1;
        let Some(number) = keys::message_of(&key) else {
            problem(unread_key(&key));
            continue;
        };
        messages.insert(number, false);
        let Some(message) = read::<MessageRecord>(&key, &value, &mut problem) else {
            continue;
        };
        if look.held(number).ok().flatten() != Some(message.body) {
            let id = &message.id;
            problem(format!("message {number} ({id}) does not hold its body"));
        }
    }
    for row in look.below(keys::ENTRIES) {
        let (key, value) = row?;
        rows += 1;
        let Some(EntryNumber { message, .. }) = keys::entry_of(&key) else {
            problem(unread_key(&key));
            continue;
        };
        match messages.get_mut(&message) {
            Some(has_entry) => *has_entry = true,
            None => problem(format!(
                "an entry waits whose message {message} is not there"
            )),
        }
        let entry = read::<EntryRecord>(&key, &value, &mut problem);
        // mail is put into mailboxes here a moment before its entry is taken out
        let waits_for_nobody =
            |entry: &EntryRecord| entry.is_over() && entry.whither == Whither::Elsewhere;
        if entry.as_ref().is_some_and(waits_for_nobody) {
            problem(format!("an entry of message {message} waits for nobody"));
        }
    }
    for number in look.holding() {
        let number = number?;
        if !messages.contains_key(&number) {
            problem(format!(
                "a body is held for message {number}, which is not there"
            ));
        }
    }
    for (number, _) in messages.iter().filter(|(_, has_entry)| !**has_entry) {
        problem(format!("message {number} goes nowhere: it has no entry"));
    }
    rows += dropped::check(look, &mut problem)?;
    Ok(rows + trail::check(look, &mut problem)?)
}

/// A record, or None with what was said of it.
pub(crate) fn read<T: Record>(
    key: &[u8],
    value: &[u8],
    problem: &mut impl FnMut(String),
) -> Option<T> {
    let read = decode(key, value);
    if let Err(fault) = &read {
        problem(format!("{}: {fault}", T::WHAT));
    }
    read.ok()
}

pub(crate) fn unread_key(key: &[u8]) -> String {
    format!("a key cannot be read: {}", key.escape_ascii())
}
