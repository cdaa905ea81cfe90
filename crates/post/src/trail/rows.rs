//! The rows of trails in the road's partition, and how they are written.
//!
//! | key | value |
//! |---|---|
//! | `rm` message | the message as it was handed in |
//! | `rt` message, part, round, place | an attempt |
//! | `re` message, part | how the entry ended |
//! | `rd` message, id | a report on the message, delivered here, whose id leads to it |
//! | `ri` id | the message of this id of ours, or on which this report is |
//! | `rx` hash, message | messages with this Message-ID field |
//! | `ra` hash, message | messages from or to this address |
//! | `rf` | the first message whose trail is kept |
//!
//! Hashes only lead to messages, which say themselves whether they are meant. What never happens
//! here: a transaction of its own.

use super::{End, Trail};
use crate::limits::{TRAIL_ATTEMPTS, TRAIL_ROUNDS};
use crate::queue::{AttemptRecord, EntryNumber, MessageNumber};
use addr::Address;
use mail::codec::Record;
use std::collections::BTreeSet;
use store::Edit;

pub(crate) const TRAILS: &[u8] = b"rm";
pub(crate) const ATTEMPTS: &[u8] = b"rt";
pub(crate) const ENDS: &[u8] = b"re";
pub(super) const FIRST: &[u8] = b"rf";

pub(super) fn numbered(tag: &[u8; 2], number: MessageNumber) -> Vec<u8> {
    [&tag[..], &number.0.to_be_bytes()].concat()
}

pub(super) fn trail(number: MessageNumber) -> Vec<u8> {
    numbered(b"rm", number)
}

pub(super) fn attempts(number: MessageNumber) -> Vec<u8> {
    numbered(b"rt", number)
}

pub(super) fn ends(number: MessageNumber) -> Vec<u8> {
    numbered(b"re", number)
}

/// The reports on a message that were delivered here.
pub(super) fn reports(number: MessageNumber) -> Vec<u8> {
    numbered(b"rd", number)
}

/// The id at the end of such a key.
pub(super) fn report_of(key: &[u8], number: MessageNumber) -> Option<&str> {
    std::str::from_utf8(key.strip_prefix(&reports(number)[..])?).ok()
}

pub(super) fn id(id: &str) -> Vec<u8> {
    [b"ri", id.as_bytes()].concat()
}

/// All messages of one hash.
pub(super) fn hashed(tag: &[u8; 2], text: &str) -> Vec<u8> {
    [&tag[..], &hash(text).to_be_bytes()].concat()
}

/// Stays the same for ever, as rows have it in their keys (FNV-1a).
fn hash(text: &str) -> u64 {
    let step = |hash: u64, octet: u8| (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// The part of a message in the keys of attempts and ends.
pub(super) fn part_of(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*key.get(10..)?.first_chunk()?))
}

/// The message in the keys of trails, and at the end of those of hashes.
pub(super) fn number_of(key: &[u8]) -> Option<MessageNumber> {
    Some(MessageNumber(u64::from_be_bytes(*key.last_chunk()?)))
}

/// The rows that lead to a trail.
pub(super) fn leading(number: MessageNumber, trail: &Trail) -> BTreeSet<Vec<u8>> {
    let with_number = |key: Vec<u8>| [&key[..], &number.0.to_be_bytes()].concat();
    let message_id = trail.message_id.iter();
    let message_id = message_id.map(|text| hashed(b"rx", text));
    let recipients = trail.recipients.iter().filter_map(|one| one.path.address());
    let addresses = trail.sender.address().into_iter().chain(recipients);
    let addresses = addresses.map(|address| hashed(b"ra", &name(address)));
    message_id.chain(addresses).map(with_number).collect()
}

/// An address as it is looked for.
pub(super) fn name(address: &Address) -> String {
    address.key()
}

/// A message begins its way: in the transaction that takes it.
pub fn begun(edit: &mut Edit, number: MessageNumber, begun: &Trail) {
    edit.put(id(&begun.id), number.0.to_be_bytes());
    for key in leading(number, begun) {
        edit.put(key, Vec::new());
    }
    edit.put(trail(number), begun.encode());
}

/// The attempts of one round: in the transaction that notes what came of them. `round` counts the
/// entry's rounds; of very many only the first are kept.
pub fn attempted(edit: &mut Edit, entry: EntryNumber, round: u32, made: &[AttemptRecord]) {
    if round >= TRAIL_ROUNDS {
        return;
    }
    for (place, attempt) in (0_u16..).zip(made.iter().take(TRAIL_ATTEMPTS)) {
        let mut key = attempts(entry.message);
        key.extend_from_slice(&entry.part.to_be_bytes());
        key.extend_from_slice(&round.to_be_bytes());
        key.extend_from_slice(&place.to_be_bytes());
        edit.put(key, attempt.encode());
    }
}

/// The sender is told by a report that is delivered here: in the transaction that takes it.
pub fn told(edit: &mut Edit, number: MessageNumber, report: &str) {
    edit.put(id(report), number.0.to_be_bytes());
    edit.put(
        [&reports(number)[..], report.as_bytes()].concat(),
        Vec::new(),
    );
}

/// An entry is over: in the transaction that removes it.
pub fn ended(edit: &mut Edit, entry: EntryNumber, end: &End) {
    let mut key = ends(entry.message);
    key.extend_from_slice(&entry.part.to_be_bytes());
    edit.put(key, end.encode());
}

/// The value of a row with a number.
pub(super) fn number_in(value: &[u8]) -> Option<MessageNumber> {
    value
        .try_into()
        .ok()
        .map(|octets| MessageNumber(u64::from_be_bytes(octets)))
}
