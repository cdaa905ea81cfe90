//! A walk over all that waits: messages and entries side by side, no body read.
//!
//! What never happens here: a change.

use crate::queue::entry::{EntryNumber, EntryRecord};
use crate::queue::keys;
use crate::queue::message::MessageRecord;
use mail::codec::decode;
use mail::road::{MessageNumber, RoadLook};
use store::Fault;

/// Shows every entry with its message, in the order of their numbers. One that cannot be read is
/// told as an error and passed over: it keeps no other from being sent. Gives how many were.
pub(super) fn walk(
    look: &RoadLook,
    mut visit: impl FnMut(EntryNumber, &MessageRecord, EntryRecord),
) -> Result<u64, Fault> {
    let mut damaged = 0;
    let mut messages = look.below(keys::MESSAGES);
    let mut message: Option<(MessageNumber, Option<MessageRecord>)> = None;
    for row in look.below(keys::ENTRIES) {
        let (key, value) = row?;
        let Some(number) = keys::entry_of(&key) else {
            tracing::error!(target: "queue", key = %key.escape_ascii(), "a key of the queue cannot be read");
            damaged += 1;
            continue;
        };
        while message.as_ref().is_none_or(|(at, _)| *at < number.message) {
            let Some(row) = messages.next() else { break };
            let (key, value) = row?;
            let at = keys::message_of(&key).unwrap_or(MessageNumber(u64::MAX));
            message = Some((at, told(&key, decode(&key, &value))));
        }
        let Some(entry) = told(&key, decode(&key, &value)) else {
            damaged += 1;
            continue;
        };
        match &message {
            Some((at, Some(message))) if *at == number.message => visit(number, message, entry),
            _ => {
                tracing::error!(target: "queue", entry = %number, "the message of an entry is lost");
                damaged += 1;
            }
        }
    }
    Ok(damaged)
}

fn told<T>(key: &[u8], read: Result<T, Fault>) -> Option<T> {
    if let Err(fault) = &read {
        tracing::error!(target: "queue", key = %key.escape_ascii(), %fault, "a row of the queue cannot be read");
    }
    read.ok()
}
