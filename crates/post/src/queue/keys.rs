//! The keys of the road's partition. Numbers are big-endian, so that order by key is order by number.
//!
//! | key | value |
//! |---|---|
//! | `b` message | the body that is held (`mail::road`) |
//! | `m` message | the message, as it was accepted |
//! | `e` message, entry | what of it goes to one domain, or into mailboxes here later: recipients, next attempt |
//! | `s` domain | an MTA-STS policy (`road::policy`) |
//! | `t` day, domain | what came of TLS on a day (`road::tls_report`) |
//! | `d` name | how much of a file of the drop folder has entered (`dropped`) |
//! | `n` | the incarnation of the last node that had the queue |
//! | `r` … | the record of every message (`report`) |

use crate::queue::EntryNumber;
use mail::road::MessageNumber;

/// The prefix of messages.
pub const MESSAGES: &[u8] = b"m";
/// The prefix of entries.
pub const ENTRIES: &[u8] = b"e";

/// How often a node has begun to look after the queue.
pub const INCARNATION: &[u8] = b"n";

/// The key of a message.
pub fn message(number: MessageNumber) -> Vec<u8> {
    [MESSAGES, &number.0.to_be_bytes()].concat()
}

/// All entries of a message.
pub fn entries_of(message: MessageNumber) -> Vec<u8> {
    [ENTRIES, &message.0.to_be_bytes()].concat()
}

/// The key of an entry.
pub fn entry(number: EntryNumber) -> Vec<u8> {
    let mut key = entries_of(number.message);
    key.extend_from_slice(&number.part.to_be_bytes());
    key
}

/// The number in an entry's key.
pub fn entry_of(key: &[u8]) -> Option<EntryNumber> {
    let (message, part) = key.strip_prefix(ENTRIES)?.split_first_chunk()?;
    Some(EntryNumber {
        message: MessageNumber(u64::from_be_bytes(*message)),
        part: u32::from_be_bytes(part.try_into().ok()?),
    })
}

/// The number in a message's key.
pub fn message_of(key: &[u8]) -> Option<MessageNumber> {
    let number = key.strip_prefix(MESSAGES)?.try_into().ok()?;
    Some(MessageNumber(u64::from_be_bytes(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_give_their_numbers_back_and_stand_in_their_order() {
        let number = |message, part| EntryNumber {
            message: MessageNumber(message),
            part,
        };
        for one in [number(0, 0), number(1, 2), number(u64::MAX, u32::MAX)] {
            assert_eq!(entry_of(&entry(one)), Some(one));
            assert!(entry(one).starts_with(&entries_of(one.message)));
            assert_eq!(message_of(&message(one.message)), Some(one.message));
        }
        assert!(entry(number(1, u32::MAX)) < entry(number(2, 0)));
        assert_eq!(entry_of(b"e12"), None);
        assert_eq!(message_of(b"e"), None);
    }
}
