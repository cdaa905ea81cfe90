//! Finding a message's trail: by our id, by its Message-ID field, by an address.
//!
//! What never happens here: words for people, a change.

use super::rows::{self, TRAILS, hashed, name, number_in, number_of, part_of};
use super::{End, Trail};
use crate::limits::TRAIL_ATTEMPTS_READ;
use crate::queue::{AttemptRecord, EntryNumber, EntryRecord, MessageNumber, MessageRecord, keys};
use addr::Address;
use mail::codec::{Record, decode};
use mail::road::RoadLook;
use store::{Edit, Fault};

/// Everything that is known of one message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Passage {
    pub number: MessageNumber,
    pub trail: Trail,
    /// As it is kept while something of it is in the queue.
    pub message: Option<MessageRecord>,
    /// What is still in the queue.
    pub waiting: Vec<(EntryNumber, EntryRecord)>,
    /// In the order in which they were made, entry by entry.
    pub attempts: Vec<(EntryNumber, AttemptRecord)>,
    pub ends: Vec<(EntryNumber, End)>,
    /// Rows that cannot be read.
    pub unread: usize,
}

/// The message of this id.
pub fn by_id(look: &RoadLook, id: &str) -> Result<Option<MessageNumber>, Fault> {
    let value = look.get(&rows::id(id))?;
    Ok(value.and_then(|value| number_in(&value)))
}

/// The newest messages with this Message-ID field, angle brackets or not.
pub fn by_message_id(
    look: &RoadLook,
    text: &str,
    limit: usize,
) -> Result<Vec<MessageNumber>, Fault> {
    let bare = text.trim_start_matches('<').trim_end_matches('>');
    let text = format!("<{bare}>");
    let is_it = |trail: &Trail| trail.message_id.as_deref() == Some(&*text);
    newest(look, &hashed(b"rx", &text), limit, is_it)
}

/// The newest messages from or to this address.
pub fn by_address(
    look: &RoadLook,
    address: &Address,
    limit: usize,
) -> Result<Vec<MessageNumber>, Fault> {
    let key = name(address);
    let is_it = |trail: &Trail| {
        let recipients = trail.recipients.iter().filter_map(|one| one.path.address());
        let mut all = trail.sender.address().into_iter().chain(recipients);
        all.any(|one| name(one) == key)
    };
    newest(look, &hashed(b"ra", &key), limit, is_it)
}

fn newest(
    look: &RoadLook,
    prefix: &[u8],
    limit: usize,
    is_it: impl Fn(&Trail) -> bool,
) -> Result<Vec<MessageNumber>, Fault> {
    let mut found = Vec::new();
    for row in look.below(prefix).rev() {
        let Some(number) = number_of(&row?.0) else {
            continue;
        };
        let trail = look.record::<Trail>(&rows::trail(number))?;
        if trail.is_some_and(|trail| is_it(&trail)) {
            found.push(number);
        }
        if found.len() == limit {
            break;
        }
    }
    Ok(found)
}

/// Everything about one message; None if its trail is not kept any more.
pub fn passage(look: &RoadLook, number: MessageNumber) -> Result<Option<Passage>, Fault> {
    let Some(trail) = look.record::<Trail>(&rows::trail(number))? else {
        return Ok(None);
    };
    let mut passage = Passage {
        number,
        trail,
        message: None,
        waiting: Vec::new(),
        attempts: Vec::new(),
        ends: Vec::new(),
        unread: 0,
    };
    let key = keys::message(number);
    if let Some(value) = look.get(&key)? {
        passage.message = readable(&key, &value, &mut passage.unread);
    }
    for row in look.below(&keys::entries_of(number)) {
        let (key, value) = row?;
        let record = readable(&key, &value, &mut passage.unread);
        passage.waiting.extend(keys::entry_of(&key).zip(record));
    }
    let of_part = |key: &[u8]| {
        let entry = |part| EntryNumber {
            message: number,
            part,
        };
        part_of(key).map(entry)
    };
    for row in look
        .below(&rows::attempts(number))
        .take(TRAIL_ATTEMPTS_READ)
    {
        let (key, value) = row?;
        let record = readable(&key, &value, &mut passage.unread);
        passage.attempts.extend(of_part(&key).zip(record));
    }
    for row in look.below(&rows::ends(number)) {
        let (key, value) = row?;
        let record = readable(&key, &value, &mut passage.unread);
        passage.ends.extend(of_part(&key).zip(record));
    }
    Ok(Some(passage))
}

/// One row that is damaged keeps no other from whoever asks.
fn readable<T: Record>(key: &[u8], value: &[u8], unread: &mut usize) -> Option<T> {
    let read = decode(key, value);
    if let Err(fault) = &read {
        *unread += 1;
        tracing::error!(target: "queue", %fault, "what became of a message cannot be read");
    }
    read.ok()
}

/// The trail of a message.
pub(crate) fn read(look: &RoadLook, number: MessageNumber) -> Result<Option<Trail>, Fault> {
    look.record(&rows::trail(number))
}

/// The same, in a transaction; None also if it cannot be read.
pub(crate) fn read_by(edit: &Edit, number: MessageNumber) -> Result<Option<Trail>, Fault> {
    let value = edit.get(&rows::trail(number))?;
    Ok(value.and_then(|value| Trail::decode(&value).ok()))
}

/// The entries of a message that are over, those that can be read.
pub(crate) fn ends_of(edit: &Edit, number: MessageNumber) -> Result<Vec<EntryRecord>, Fault> {
    let mut ends = Vec::new();
    for row in edit.prefix(&rows::ends(number)) {
        let (_, value) = row?;
        ends.extend(End::decode(&value).ok().map(|end| end.entry));
    }
    Ok(ends)
}

/// The message that a row of a trail is about.
pub(crate) fn of_row(key: &[u8]) -> Option<MessageNumber> {
    let number = key.get(TRAILS.len()..)?.first_chunk()?;
    Some(MessageNumber(u64::from_be_bytes(*number)))
}
