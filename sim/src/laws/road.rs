//! The laws of the road: what a user submits for elsewhere gets there, or the user learns why not.

use crate::ledger::{Abroad, Ask, Onward, Place};
use crate::letter::{self, Letter};
use crate::report::{self, Report};
use crate::world::World;

/// The other server takes a message for one recipient: one that was sent, and a second time only if
/// a crash, or a lost connection, fell between its 250 and our record of it. Gives what it goes by.
pub fn taken_abroad(
    world: &World,
    who: &str,
    sender: &str,
    recipient: &str,
    content: &[u8],
) -> Onward {
    let is_report = report::is_report(content);
    if is_report != sender.is_empty() {
        let text =
            format!("{who} takes a message from <{sender}>; that it is a report is {is_report}");
        world
            .trace
            .broken("reports, and nothing else, come from nobody", text);
    }
    let id = match is_report {
        true => told(world, who, content).map(|report| report.message_id),
        false => sent(world, who, content),
    };
    let onward = (id.unwrap_or_default(), recipient.to_owned());
    let deaths = *world.deaths.borrow();
    let mut ledger = world.ledger();
    ledger.count(if is_report {
        "reports taken abroad"
    } else {
        "messages taken abroad"
    });
    let taken = Abroad {
        deaths,
        reply_was_read: false,
    };
    let before = ledger.abroad.insert(onward.clone(), taken);
    drop(ledger);
    if let Some(before) = before
        && before.reply_was_read
        && before.deaths == deaths
    {
        let text = format!(
            "{who} takes the message {onward:?} again, although its first 250 was read and our server \
             has not died since"
        );
        world
            .trace
            .broken("a message goes twice only if its 250 was lost", text);
    }
    onward
}

/// A letter as it was written, under the id of our server.
fn sent(world: &World, who: &str, content: &[u8]) -> Option<String> {
    let letter = letter::number_of(content);
    let sent = letter.and_then(|number| world.ledger().letters.get(&number).cloned());
    // it begins with the Received field of our server
    let id = letter::received_id(&[b"\r\n", content].concat());
    if !sent.is_some_and(|sent| content.ends_with(&sent.text)) {
        let text =
            format!("{who} takes a message (id {id:?}, letter {letter:?}) that nobody sent so");
        world.trace.broken("what is read is what was sent", text);
    }
    id
}

/// Our server has read the 250.
pub fn reply_was_read(world: &World, onward: &Onward) {
    if let Some(abroad) = world.ledger().abroad.get_mut(onward) {
        abroad.reply_was_read = true;
    }
}

/// A report is read in a mailbox: it is for who lives there. From now on it is a letter as any other.
pub fn report_came(world: &World, who: &str, place: &Place, content: &[u8]) -> Option<u64> {
    let report = told(world, who, content)?;
    let mut ledger = world.ledger();
    if let Some(number) = ledger.reports.get(&report.message_id) {
        return Some(*number);
    }
    let mut wishes = ledger.wishes.range((report.letter, String::new())..);
    let author = wishes
        .next()
        .filter(|((letter, _), _)| *letter == report.letter);
    let author = author.and_then(|(_, wish)| wish.account);
    let number = ledger.next_letter();
    let text = content
        .strip_prefix(b"Return-Path: <>\r\n")
        .unwrap_or(content);
    ledger.keep(Letter {
        number,
        accounts: author.into_iter().collect(),
        text: text.to_vec(),
    });
    ledger.reports.insert(report.message_id, number);
    ledger.begin_arrival(&(place.0, "INBOX".to_owned()), number);
    ledger.count("reports read");
    Some(number)
}

/// A report tells what its reader wanted to hear, once, and what is true.
fn told(world: &World, who: &str, content: &[u8]) -> Option<Report> {
    let Some(report) = report::read(content) else {
        let text = format!("{who} cannot read {}", String::from_utf8_lossy(content));
        world.trace.broken("a report says what it is about", text);
        return None;
    };
    if report::is_about_a_report(content) {
        let text = format!("{who} reads {}, which is about a report", report.message_id);
        world.trace.broken("on a report there is no report", text);
    }
    for (recipient, action) in &report.fates {
        told_of_one(world, who, &report, recipient, action);
    }
    Some(report)
}

fn told_of_one(world: &World, who: &str, report: &Report, recipient: &str, action: &str) {
    let onward = (report.about.clone(), recipient.to_owned());
    let mut ledger = world.ledger();
    let wish = ledger.wishes.get(&(report.letter, recipient.to_owned()));
    let wanted: &[&str] = match wish.map(|wish| wish.ask) {
        Some(Ask::Nothing) => &["failed", "delayed"],
        Some(Ask::Failure) => &["failed"],
        Some(Ask::SuccessAndFailure) => &["failed", "relayed"],
        Some(Ask::Never) | None => &[],
    };
    let is_there = ledger.abroad.contains_key(&onward);
    let what = (onward, action.to_owned());
    let first = ledger.told.entry(what.clone());
    let first = first.or_insert_with(|| report.message_id.clone()).clone();
    drop(ledger);
    let words = format!("{who} reads in {} of {what:?}", report.message_id);
    if !wanted.contains(&action) {
        let text = format!("{words}, but its sender wanted to hear of {wanted:?}");
        world
            .trace
            .broken("a sender is told what was asked for", text);
    }
    if first != report.message_id {
        let text = format!("{words}, but {first} told it already");
        world.trace.broken("a sender is told once", text);
    }
    if action == "relayed" && !is_there {
        let text = format!("{words}, but nobody has taken it");
        world.trace.broken("what a sender is told is true", text);
    }
}

/// When the queue is empty and all mail has been read: everything that was submitted for elsewhere
/// is there, or its sender was told; and never both, but where the 250 was lost.
pub fn delivered_or_told(world: &World) {
    let deaths = *world.deaths.borrow();
    let ledger = world.ledger();
    let mut neither = Vec::new();
    let mut both = Vec::new();
    for (onward, letter) in &ledger.submitted {
        let told = |action: &str| {
            ledger
                .told
                .contains_key(&(onward.clone(), action.to_owned()))
        };
        let Some(wish) = ledger.wishes.get(&(*letter, onward.1.clone())) else {
            continue;
        };
        let taken = ledger.abroad.get(onward);
        let is_settled = match wish.ask {
            Ask::Never => true,
            Ask::Nothing | Ask::Failure => taken.is_some() || told("failed"),
            Ask::SuccessAndFailure => told("relayed") || told("failed"),
        };
        let excused = wish.account.is_none() && ledger.reports_may_be_lost;
        if !is_settled && !excused {
            neither.push(format!("{onward:?} (letter {letter})"));
        }
        let is_sure = taken.is_some_and(|taken| taken.reply_was_read && taken.deaths == deaths);
        if is_sure && told("failed") {
            both.push(format!("{onward:?} (letter {letter})"));
        }
    }
    drop(ledger);
    if !neither.is_empty() {
        let text = format!(
            "the queue is empty, but these were answered with 250, and are neither there nor was \
             their sender told: {}",
            neither.join(", ")
        );
        world
            .trace
            .broken("a 250'd message is delivered, or its sender told", text);
    }
    if !both.is_empty() {
        let text = format!(
            "these are there, and their sender was told the opposite: {}",
            both.join(", ")
        );
        world.trace.broken("what a sender is told is true", text);
    }
}
