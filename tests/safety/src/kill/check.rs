//! Holds the server to what it acknowledged.
//!
//! What never happens here: talking to the server; the pictures are taken by `look`.

use super::ledger::{Known, Leaving, Ledger, Mailbox, Place};
use super::look::{Found, Picture};
use std::collections::BTreeMap;

/// Everything that is not as it should be, one sentence each. Nothing wrong: the ledger then knows
/// what there is, and only that.
pub fn check(ledger: &mut Ledger, pictures: &BTreeMap<Place, Picture>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (place, picture) in pictures {
        let mailbox = ledger.mailboxes.entry(place.clone()).or_default().clone();
        let at = format!("{}/{}", place.0, place.1);
        numbers(&at, &mailbox, picture, &mut wrong);
        for (uid, known) in &mailbox.known {
            let found = picture.messages.get(uid);
            message(&format!("{at} UID {uid}"), known, found, &mut wrong);
        }
        if place.1 != "INBOX" {
            arrivals(&at, &mailbox, picture, &mut wrong);
        }
        for (uid, whole) in &picture.whole {
            is_whole(
                &format!("{at} UID {uid}"),
                ledger,
                picture,
                (*uid, whole),
                &mut wrong,
            );
        }
    }
    deliveries(ledger, pictures, &mut wrong);
    moves(ledger, pictures, &mut wrong);
    if wrong.is_empty() {
        settle(ledger, pictures);
    }
    wrong
}

/// UIDVALIDITY stays; UIDs only rise.
fn numbers(at: &str, mailbox: &Mailbox, picture: &Picture, wrong: &mut Vec<String>) {
    if mailbox.validity != 0 && mailbox.validity != picture.validity {
        wrong.push(format!(
            "{at}: UIDVALIDITY was {}, is {}",
            mailbox.validity, picture.validity
        ));
    }
    if picture.next < mailbox.next {
        wrong.push(format!(
            "{at}: UIDNEXT fell from {} to {}",
            mailbox.next, picture.next
        ));
    }
    let highest = mailbox.known.keys().chain(picture.messages.keys()).max();
    if highest.is_some_and(|highest| *highest >= picture.next) {
        wrong.push(format!("{at}: UIDNEXT {} is used already", picture.next));
    }
    for (uid, found) in &picture.messages {
        let is_new = found.token.is_some() && !mailbox.known.contains_key(uid);
        if *uid < mailbox.next && is_new {
            wrong.push(format!(
                "{at}: UID {uid} came below UIDNEXT {}",
                mailbox.next
            ));
        }
    }
}

/// A message that somebody saw.
fn message(at: &str, known: &Known, found: Option<&Found>, wrong: &mut Vec<String>) {
    let Some(found) = found else {
        if known.leaving == Leaving::No {
            wrong.push(format!("{at}: {} is gone", known.token));
        }
        return;
    };
    if known.leaving == Leaving::Done {
        wrong.push(format!("{at}: {} came back", known.token));
    }
    if found.token.as_deref() != Some(&known.token) {
        wrong.push(format!("{at}: was {}, is {:?}", known.token, found.token));
    }
    let allowed = [&known.flags, &known.wish];
    let may_be = allowed.iter().filter_map(|flags| flags.as_ref());
    if known.flags.is_some() && !may_be.clone().any(|flags| *flags == found.flags) {
        let may_be: Vec<_> = may_be.collect();
        wrong.push(format!(
            "{at}: has {:?}, should have one of {may_be:?}",
            found.flags
        ));
    }
}

/// What came by COPY, MOVE and APPEND: all that one command brought, or nothing of it.
fn arrivals(at: &str, mailbox: &Mailbox, picture: &Picture, wrong: &mut Vec<String>) {
    let unknown = picture.messages.iter();
    let unknown = unknown.filter(|(uid, _)| !mailbox.known.contains_key(uid));
    let mut unknown: Vec<&str> = unknown
        .map(|(_, found)| {
            found
                .token
                .as_deref()
                .unwrap_or("a message without a token")
        })
        .collect();
    for group in &mailbox.coming {
        let is_there = group
            .iter()
            .filter(|token| unknown.contains(&token.as_str()));
        let count = is_there.count();
        if count != 0 && count != group.len() {
            wrong.push(format!("{at}: {count} of {group:?} came"));
        }
        unknown.retain(|token| !group.iter().any(|of_group| of_group == token));
    }
    if !unknown.is_empty() {
        wrong.push(format!("{at}: nobody brought {unknown:?}"));
    }
}

fn is_whole(
    at: &str,
    ledger: &Ledger,
    picture: &Picture,
    (uid, whole): (u32, &[u8]),
    wrong: &mut Vec<String>,
) {
    let Some(found) = picture.messages.get(&uid) else {
        return wrong.push(format!("{at}: is there, and is not"));
    };
    if found.octets != whole.len() as u64 {
        wrong.push(format!(
            "{at}: size {} but {} octets",
            found.octets,
            whole.len()
        ));
    }
    let Some(token) = &found.token else {
        return;
    };
    match ledger.octets_of(token) {
        Some(octets) if whole.ends_with(octets) => {}
        Some(octets) => wrong.push(format!(
            "{at}: {token} has {} octets and does not end with the {} that were sent",
            whole.len(),
            octets.len()
        )),
        None => wrong.push(format!("{at}: {token} was never sent")),
    }
}

/// Acknowledged messages are in every inbox that they were for; twice only when the reply was lost.
fn deliveries(ledger: &Ledger, pictures: &BTreeMap<Place, Picture>, wrong: &mut Vec<String>) {
    let mut counts: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for ((account, name), picture) in pictures {
        if name != "INBOX" {
            continue;
        }
        let place = (account.clone(), name.clone());
        let known = ledger.mailboxes.get(&place).map(|mailbox| &mailbox.known);
        for (uid, found) in &picture.messages {
            if let Some(token) = &found.token
                && known.is_none_or(|known| !known.contains_key(uid))
            {
                *counts.entry((account, token)).or_default() += 1;
            }
        }
        for known in known.into_iter().flat_map(BTreeMap::values) {
            *counts.entry((account, &known.token)).or_default() += 1;
        }
    }
    for (token, letter) in &ledger.letters {
        for to in &letter.to {
            let count = counts.remove(&(to, token)).unwrap_or(0);
            let tries = letter.tries;
            if count < tries.acknowledged || count > tries.sent {
                wrong.push(format!(
                    "{token} is {count} times in {to}/INBOX; sent {} times, acknowledged {}",
                    tries.sent, tries.acknowledged
                ));
            }
        }
    }
    for ((account, token), _) in counts {
        wrong.push(format!(
            "{token} is in {account}/INBOX, for whom it was not"
        ));
    }
}

/// A message whose MOVE was under way is here or there.
fn moves(ledger: &Ledger, pictures: &BTreeMap<Place, Picture>, wrong: &mut Vec<String>) {
    for ((account, name), mailbox) in &ledger.mailboxes {
        if name != "Moved" {
            continue;
        }
        let place = |name: &str| (account.clone(), name.to_owned());
        let inbox = place("INBOX");
        let known = &ledger.mailboxes[&inbox].known;
        for token in mailbox.coming.iter().flatten() {
            let asked = known
                .iter()
                .filter(|(_, known)| known.token == *token && known.leaving == Leaving::Asked);
            let asked: Vec<u32> = asked.map(|(uid, _)| *uid).collect();
            let here = &pictures[&inbox].messages;
            let stayed = asked.iter().filter(|uid| here.contains_key(uid)).count();
            let moved = &pictures[&place("Moved")].messages;
            let moved = moved
                .iter()
                .filter(|(uid, found)| {
                    found.token.as_ref() == Some(token) && !mailbox.known.contains_key(uid)
                })
                .count();
            if stayed + moved != asked.len() {
                wrong.push(format!(
                    "{account}: {token} stayed {stayed} and moved {moved} times"
                ));
            }
        }
    }
}

/// From now on what was found is what is known.
fn settle(ledger: &mut Ledger, pictures: &BTreeMap<Place, Picture>) {
    for (place, picture) in pictures {
        let mailbox = ledger.mailboxes.entry(place.clone()).or_default();
        (mailbox.validity, mailbox.next) = (picture.validity, picture.next);
        mailbox.coming.clear();
        for (uid, found) in &picture.messages {
            let Some(token) = &found.token else {
                continue;
            };
            let known = Known {
                token: token.clone(),
                flags: Some(found.flags.clone()),
                wish: None,
                leaving: Leaving::No,
            };
            mailbox.known.insert(*uid, known);
        }
        // What is gone stays in the ledger: it counts as delivered, and must not come back.
        for (uid, known) in &mut mailbox.known {
            if !picture.messages.contains_key(uid) {
                known.leaving = Leaving::Done;
            }
        }
    }
    ledger.acknowledged.clear();
}
