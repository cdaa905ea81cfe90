//! The laws. Each is a function that says what was expected when it does not hold.
//!
//! What never happens here: talk with a server; clients bring what they saw.

pub mod road;

use crate::ledger::{Before, FlagFact, Message, Place, Standing};
use crate::world::World;
use crate::{letter, report};
use std::collections::{BTreeMap, BTreeSet};

/// What a whole look at a mailbox showed.
pub struct Look<'a> {
    pub who: &'a str,
    pub place: &'a Place,
    pub uids: BTreeSet<u32>,
    pub uid_next: Option<u32>,
}

fn name(place: &Place) -> String {
    format!("account {} {:?}", place.0, place.1)
}

/// A 250'd message, and everything else that was promised or seen, is there.
pub fn nothing_is_lost(world: &World, look: &Look<'_>, before: &Before) {
    let mut ledger = world.ledger();
    let book = ledger.book(look.place);
    for uid in before.there.difference(&look.uids) {
        let Some(message) = book.messages.get(uid) else {
            continue;
        };
        if message.standing != Standing::There {
            continue;
        }
        let text = format!(
            "{} looks at {}: expected UID {uid} (letter {}), which was promised or seen and which \
             nobody removed, but it is not there; there are {:?}",
            look.who,
            name(look.place),
            message.letter,
            look.uids
        );
        world
            .trace
            .broken("nothing acknowledged or seen is lost", text);
    }
}

/// After all new messages of a look were read: every acknowledged one was among them.
pub fn acknowledged_is_delivered(world: &World, look: &Look<'_>, before: &Before) {
    let ledger_text = {
        let mut ledger = world.ledger();
        let book = ledger.book(look.place);
        let missing = before
            .acknowledged
            .iter()
            .find(|id| book.acknowledged.contains_key(*id));
        missing.map(|id| {
            format!(
                "{} looks at {}: expected the message that was answered `250 {id}` (letter {}) \
                 before the look began, but it is not there; there are {:?}",
                look.who,
                name(look.place),
                book.acknowledged[id],
                look.uids
            )
        })
    };
    if let Some(text) = ledger_text {
        world.trace.broken("a 250'd message is never lost", text);
    }
}

/// What was removed stays removed.
pub fn removed_stays_removed(world: &World, look: &Look<'_>, before: &Before) {
    for uid in before.gone.intersection(&look.uids) {
        let text = format!(
            "{} looks at {}: UID {uid} is there, but its removal was acknowledged or seen before",
            look.who,
            name(look.place)
        );
        world.trace.broken("what was removed stays removed", text);
    }
}

/// UIDs only rise: whatever is new lies above all that could be seen before.
pub fn uids_only_rise(world: &World, look: &Look<'_>, before: &Before) {
    let mut ledger = world.ledger();
    let book = ledger.book(look.place);
    let new = look
        .uids
        .iter()
        .find(|uid| **uid < before.watermark && !book.messages.contains_key(uid));
    if let Some(uid) = new {
        let text = format!(
            "{} looks at {}: UID {uid} is new, but UIDs up to {} were given out before",
            look.who,
            name(look.place),
            before.watermark
        );
        world.trace.broken("UIDs only rise", text);
    }
    if let Some(next) = look.uid_next
        && next < before.watermark
    {
        let text = format!(
            "{} looks at {}: UIDNEXT is {next}, it was {} before",
            look.who,
            name(look.place),
            before.watermark
        );
        world.trace.broken("UIDs only rise", text);
    }
}

/// All messages of a look are known now: later ones lie above.
pub fn raise_watermark(world: &World, look: &Look<'_>) {
    let mut ledger = world.ledger();
    let book = ledger.book(look.place);
    let highest = look.uids.last().map_or(0, |uid| uid + 1);
    book.watermark = book.watermark.max(highest).max(look.uid_next.unwrap_or(0));
}

/// UIDVALIDITY stays.
pub fn uid_validity_stays(world: &World, who: &str, place: &Place, found: u32) {
    let mut ledger = world.ledger();
    let known = ledger.book(place).uid_validity.get_or_insert(found);
    if *known != found {
        let text = format!(
            "{who} selects {}: UIDVALIDITY is {found}, it was {known}",
            name(place)
        );
        world.trace.broken("UIDVALIDITY stays", text);
    }
}

/// A message was read whole: it is what was sent, for this account, here once, under this UID only.
pub fn read(world: &World, who: &str, place: &Place, uid: u32, content: &[u8]) {
    let number = match report::is_report(content) {
        true => road::report_came(world, who, place, content),
        false => letter::number_of(content),
    };
    let Some(number) = number else {
        let text = format!(
            "{who} reads UID {uid} of {}: {} octets that nobody sent: {}",
            name(place),
            content.len(),
            String::from_utf8_lossy(&content[..content.len().min(300)])
        );
        return world.trace.broken("what is read is what was sent", text);
    };
    let letter = world.ledger().letters.get(&number).cloned();
    let Some(letter) = letter else {
        let text = format!(
            "{who} reads UID {uid} of {}: letter {number}, which nobody wrote",
            name(place)
        );
        return world.trace.broken("what is read is what was sent", text);
    };
    bytes_are_those_sent(world, who, place, uid, content, &letter.text);
    if !letter.accounts.contains(&place.0) {
        let text = format!(
            "{who} reads UID {uid} of {}: letter {number}, which is for {:?}",
            name(place),
            letter.accounts
        );
        world.trace.broken("nobody sees another's mail", text);
    }
    arrived(world, who, place, uid, number, letter::received_id(content));
}

fn bytes_are_those_sent(
    world: &World,
    who: &str,
    place: &Place,
    uid: u32,
    content: &[u8],
    sent: &[u8],
) {
    let prefix = content.strip_suffix(sent);
    let fits = prefix.is_some_and(|prefix| {
        prefix.is_empty() || (prefix.starts_with(b"Return-Path:") && prefix.ends_with(b"\r\n"))
    });
    if !fits {
        let same = content.iter().rev().zip(sent.iter().rev());
        let same = same.take_while(|(a, b)| a == b).count();
        let text = format!(
            "{who} reads UID {uid} of {}: {} octets were sent, {} are there, of which the last \
             {same} are the same",
            name(place),
            sent.len(),
            content.len()
        );
        world.trace.broken("what is read is what was sent", text);
    }
}

/// A message is seen in a mailbox for the first time, or again.
fn arrived(world: &World, who: &str, place: &Place, uid: u32, letter: u64, id: Option<String>) {
    let mut ledger = world.ledger();
    let book = ledger.book(place);
    let known = book.messages.get_mut(&uid).map(|message| {
        message.read = true;
        message.letter
    });
    // A copy keeps the Received field of what it was made from, so only INBOX counts them.
    let id = id.filter(|_| place.1 == "INBOX");
    let elsewhere = id.as_ref().and_then(|id| book.received.get(id)).copied();
    if let Some(other) = elsewhere.filter(|other| *other != uid) {
        let text = format!(
            "{who} reads UID {uid} of {}: the message received under id {id:?} (letter {letter}) \
             is UID {other} already",
            name(place)
        );
        return world.trace.broken("a message is there once", text);
    }
    if let Some(id) = &id {
        book.received.insert(id.clone(), uid);
    }
    let acknowledged = id.is_some_and(|id| book.acknowledged.remove(&id).is_some());
    if let Some(known) = known {
        if known != letter {
            let text = format!(
                "{who} reads UID {uid} of {}: letter {letter}, but it was letter {known} before",
                name(place)
            );
            world
                .trace
                .broken("a UID stands for one message for ever", text);
        }
        return;
    }
    book.messages.insert(
        uid,
        Message {
            letter,
            standing: Standing::There,
            read: true,
            flags: BTreeMap::new(),
        },
    );
    if !ledger.consume(place, letter) {
        let what = if acknowledged {
            "acknowledged"
        } else {
            "not acknowledged"
        };
        let text = format!(
            "{who} reads UID {uid} of {}: letter {letter} ({what}), but every time that it was \
             sent or put there is accounted for by another message, or was refused",
            name(place)
        );
        drop(ledger);
        world.trace.broken(
            "a message is there twice only if the reply to it was lost",
            text,
        );
    }
}

/// A server promised that a letter now has this UID.
pub fn promised(world: &World, who: &str, place: &Place, uid: u32, letter: u64) {
    let mut ledger = world.ledger();
    let book = ledger.book(place);
    if let Some(message) = book.messages.get(&uid) {
        if message.letter != letter {
            let text = format!(
                "{who} was promised UID {uid} of {} for letter {letter}, but it is letter {}",
                name(place),
                message.letter
            );
            world
                .trace
                .broken("a UID stands for one message for ever", text);
        }
        return;
    }
    if uid < book.watermark {
        let text = format!(
            "{who} was promised UID {uid} of {}, but UIDs up to {} were given out before",
            name(place),
            book.watermark
        );
        world.trace.broken("UIDs only rise", text);
    }
    book.messages.insert(
        uid,
        Message {
            letter,
            standing: Standing::There,
            read: false,
            flags: BTreeMap::new(),
        },
    );
    ledger.consume(place, letter);
}

/// Something was refused: it must not be there.
pub fn refused(world: &World, who: &str, place: &Place, letter: u64) {
    let in_doubt = world.is_read_only();
    let mut ledger = world.ledger();
    if in_doubt {
        ledger.doubt(place, letter);
    }
    let accounted = ledger.consume(place, letter);
    drop(ledger);
    if !accounted {
        let text = format!(
            "{who} was refused letter {letter} in {}, but it was seen there",
            name(place)
        );
        world.trace.broken("what was refused is not there", text);
    }
}

/// A session was told that a message is gone.
pub fn told_gone(world: &World, who: &str, place: &Place, uid: u32) {
    let mut ledger = world.ledger();
    let Some(message) = ledger.book(place).messages.get_mut(&uid) else {
        return;
    };
    if message.standing == Standing::There {
        let text = format!(
            "{who} was told that UID {uid} of {} (letter {}) is gone, but nobody asked for that",
            name(place),
            message.letter
        );
        world
            .trace
            .broken("nothing acknowledged or seen is lost", text);
    }
    message.standing = Standing::Gone;
}

/// Flags that were seen are those that were set, and stay.
pub fn flags_stay(
    world: &World,
    who: &str,
    place: &Place,
    uid: u32,
    seen: &BTreeSet<String>,
    before: &Before,
) {
    let mut ledger = world.ledger();
    let Some(message) = ledger.book(place).messages.get_mut(&uid) else {
        return;
    };
    for flag in crate::imap::FLAGS {
        let fact: &mut FlagFact = message.flags.entry((*flag).to_owned()).or_default();
        let then = before.versions.get(&(uid, (*flag).to_owned()));
        if fact.open > 0 || then.copied().unwrap_or(0) != fact.version {
            continue;
        }
        let found = seen.contains(*flag);
        match fact.value {
            None => fact.value = Some(found),
            Some(value) if value == found => {}
            Some(value) => {
                let text = format!(
                    "{who} looks at UID {uid} of {}: expected {flag} to be {value}, as it was set \
                     or seen before, but it is {found}",
                    name(place)
                );
                world.trace.broken("flags that were set or seen stay", text);
            }
        }
    }
}

/// A session's picture follows from what it was told.
pub fn picture_is_told(world: &World, who: &str, place: &Place, text: String) {
    let text = format!("{who} in {}: {text}", name(place));
    world
        .trace
        .broken("a session's picture follows from what it was told", text);
}
