//! What is answered about mail on the road in words, for people.
//!
//! What never happens here: JSON.

use super::{
    Arrival, Attempt, Damaged, DamagedRow, Entry, IfLate, LegState, Message, Queue, Said, Story,
    Traveller, TravellerState, Waiting, Wishes,
};
use crate::admin::measure;
use crate::admin::words::table;

const HEADS: &[&str; 7] = &["ID", "TO", "SENDER", "AGE", "TRIED", "NEXT", "LAST WORD"];
/// Of a last word in the list; `whimbrel queue show` has the whole.
const WORD_CHARS: usize = 60;

/// The list of the queue.
pub fn queue(queue: &Queue) -> String {
    let mut text = table(
        HEADS,
        queue.entries.iter().map(cells),
        "Mail queue is empty",
    );
    if queue.left_out > 0 {
        let more = format!(
            "and {} more; --limit shows more of them
",
            queue.left_out
        );
        text.push_str(&more);
    }
    if let Some(line) = unread(queue.unread) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// What is said of rows that cannot be read, if there are any.
pub fn unread(rows: usize) -> Option<String> {
    let which = match rows {
        0 => return None,
        1 => "1 row cannot be read and is".to_owned(),
        many => format!("{many} rows cannot be read and are"),
    };
    Some(format!(
        "{which} not sent; `whimbrel queue damaged` says what is known of such"
    ))
}

/// What cannot be read, one after the other.
pub fn damaged(damaged: &Damaged) -> String {
    if damaged.rows.is_empty() {
        return "everything on the road can be read\n".to_owned();
    }
    let mut text: String = damaged.rows.iter().map(damaged_row).collect();
    if damaged.left_out > 0 {
        text.push_str(&format!("and {} more\n", damaged.left_out));
    }
    text
}

fn damaged_row(row: &DamagedRow) -> String {
    let mut text = format!("{}: {}\n", row.what, row.why);
    match (&row.id, &row.arrived) {
        (Some(id), Some(arrived)) => text.push_str(&format!(
            "  of message {id} from {}, handed in {arrived}, to {}\n",
            sender(row.sender.as_deref().unwrap_or_default()),
            row.recipients.join(", ")
        )),
        _ => text.push_str("  nothing more is known of it\n"),
    }
    text
}

fn cells(one: &Waiting) -> [String; 7] {
    let leg = &one.leg;
    let waits = |who: &&Traveller| who.state == TravellerState::Waiting;
    let mut waiting = leg.recipients.iter().filter(waits);
    let first = waiting
        .next()
        .map_or(leg.domain.as_str(), |who| &who.address);
    let more = waiting.count();
    let to = match more {
        0 => first.to_owned(),
        _ => format!("{first} +{more}"),
    };
    let next = match (leg.state, &leg.held_until, &leg.kept_for) {
        (LegState::Waiting, Some(until), _) => format!("held until {until}"),
        (LegState::Waiting, None, Some(customer)) => format!("pick-up by {customer}"),
        (LegState::Waiting, None, None) => leg.due.clone().unwrap_or_default(),
        (state, _, _) => state.word().to_owned(),
    };
    let said = leg.recipients.iter().filter_map(|who| who.said.as_ref());
    let last = said.max_by(|a, b| a.at.cmp(&b.at)).map(word);
    let last: String = last.unwrap_or_default().chars().take(WORD_CHARS).collect();
    [
        one.id.clone(),
        to,
        one.sender.clone(),
        measure::span(one.age_s),
        leg.attempts.to_string(),
        next,
        if last.is_empty() {
            "-".to_owned()
        } else {
            last
        },
    ]
}

/// `mx.example.net: 450 4.2.1 busy (at RCPT)`
fn word(said: &Said) -> String {
    let host = said.host.as_ref().map(|host| format!("{host}: "));
    let text = match (&said.reply, &said.why) {
        (Some(reply), _) => format!("{reply} (at {})", said.stage),
        (None, Some(why)) => why.clone(),
        (None, None) => format!("{} at {}", said.status, said.stage),
    };
    format!("{}{text}", host.unwrap_or_default())
}

/// Where messages are.
pub fn story(story: &Story) -> String {
    let mut texts: Vec<String> = Vec::new();
    for one in &story.messages {
        let with_it = |arrival: &&Arrival| arrival.id.as_ref() == Some(&one.id);
        let here: Vec<&Arrival> = story.arrivals.iter().filter(with_it).collect();
        texts.push(message(one, &here));
    }
    let ids: Vec<&String> = story.messages.iter().map(|one| &one.id).collect();
    let alone = |one: &&Arrival| one.id.as_ref().is_none_or(|id| !ids.contains(&id));
    texts.extend(story.arrivals.iter().filter(alone).map(arrival));
    let mut text = texts.join("\n");
    if story.is_cut {
        text.push_str("\nonly the newest messages of the mailboxes here were looked at\n");
    }
    text
}

fn message(one: &Message, here: &[&Arrival]) -> String {
    let mut text = format!("message {} from {}\n", one.id, sender(&one.sender));
    let by = handed_in(one.login.as_deref(), &one.client);
    text.push_str(&format!(
        "  {}  handed in {by}, {}{}\n",
        one.arrived,
        measure::bytes(one.bytes),
        message_id(one.message_id.as_deref())
    ));
    for wish in one.wishes.iter().flat_map(wishes) {
        text.push_str(&format!("  {wish}\n"));
    }
    for address in &one.here {
        let placed = here.iter().filter(|arrival| arrival.recipient == *address);
        let placed: Vec<String> = placed.map(|arrival| places(arrival)).collect();
        text.push_str(&format!("to {address}\n"));
        text.push_str(&format!("  {}  put into the mailbox here\n", one.arrived));
        for line in placed {
            text.push_str(&format!("  {line}\n"));
        }
    }
    for entry in &one.entries {
        text.push_str(&leg(entry));
    }
    if one.unread > 0 {
        let rows = one.unread;
        text.push_str(&format!(
            "rows of it that cannot be read: {rows}; `whimbrel queue damaged {}` shows them\n",
            one.id
        ));
    }
    text
}

/// What its sender has asked for, a line for each.
fn wishes(wishes: &Wishes) -> Vec<String> {
    let mut lines = Vec::new();
    if wishes.priority != 0 {
        lines.push(format!("its priority is {}", wishes.priority));
    }
    if let Some(by) = &wishes.deliver_by {
        let late = match wishes.if_late {
            Some(IfLate::Returned) => "if not, it comes back",
            Some(IfLate::Told) | None => "if not, its sender is told",
        };
        lines.push(format!("it is to be there by {by}; {late}"));
    }
    lines
}

fn leg(entry: &Entry) -> String {
    let names: Vec<&str> = entry
        .leg
        .recipients
        .iter()
        .map(|who| &*who.address)
        .collect();
    let mut text = format!("to {}\n", names.join(", "));
    for one in &entry.tried {
        text.push_str(&attempt(one));
    }
    if let Some(told) = &entry.leg.delay_told {
        text.push_str(&format!("  {told}  told the sender that it takes long\n"));
    }
    for who in &entry.leg.recipients {
        let what = match (who.state, entry.leg.state) {
            (TravellerState::Done, _) if entry.leg.here => "put into the mailbox here",
            (TravellerState::Done, _) => "delivered there",
            (TravellerState::Failed, _) => "failed",
            (TravellerState::Waiting, LegState::Removed) => "taken out of the queue",
            (TravellerState::Waiting, _) if entry.leg.kept_for.is_some() => "waits to be picked up",
            (TravellerState::Waiting, _) => "waits",
        };
        let last = who.said.as_ref().map(|said| format!(": {}", word(said)));
        text.push_str(&format!(
            "  {} {what}{}\n",
            who.address,
            last.unwrap_or_default()
        ));
    }
    if let Some(customer) = &entry.leg.kept_for {
        text.push_str(&format!("  it is held for pick-up by {customer}\n"));
    }
    match (entry.leg.state, &entry.leg.due, &entry.ended) {
        (LegState::Waiting, _, _) if entry.leg.held_until.is_some() => {
            let until = entry.leg.held_until.as_deref().unwrap_or_default();
            text.push_str(&format!(
                "  held until {until}, as its sender asked; `whimbrel queue release` lets it go now\n"
            ));
        }
        (LegState::Waiting, Some(due), _) => {
            text.push_str(&format!("  the next attempt is at {due}\n"));
        }
        (LegState::Held, _, _) => {
            text.push_str("  it is held; `whimbrel queue release` lets it go on\n");
        }
        (_, _, Some(ended)) => text.push_str(&format!("  {ended}  over\n")),
        _ => {}
    }
    if let Some(told) = &entry.told {
        text.push_str(&format!("  report to the sender: {told}\n"));
    }
    text
}

fn attempt(one: &Attempt) -> String {
    let host = match (&one.host, &one.address) {
        (Some(host), Some(address)) => format!("{host} [{address}]"),
        (Some(host), None) => host.clone(),
        (None, Some(address)) => address.clone(),
        (None, None) => "no host".to_owned(),
    };
    let tls = match (&one.tls, &one.proof) {
        (Some(tls), Some(proof)) => format!(", {tls} ({proof})"),
        (Some(tls), None) => format!(", {tls}"),
        (None, Some(proof)) => format!(", no TLS ({proof})"),
        (None, None) => String::new(),
    };
    let mut text = format!("  {}  tried {host}{tls}\n", one.begun);
    for note in &one.notes {
        text.push_str(&format!("      {note}\n"));
    }
    for said in &one.said {
        text.push_str(&format!("      {}: {}\n", said.recipient, word(&said.said)));
    }
    text
}

fn arrival(one: &Arrival) -> String {
    let id = one.id.as_ref().map(|id| format!("{id} "));
    format!(
        "message {}from {} to {}\n  {}  handed in {}, {}{}\n  {}\n",
        id.unwrap_or_default(),
        sender(&one.sender),
        one.recipient,
        one.arrived,
        handed_in(one.login.as_deref(), &one.client),
        measure::bytes(one.bytes),
        message_id(one.message_id.as_deref()),
        places(one)
    )
}

fn places(one: &Arrival) -> String {
    let place = |place: &super::ArrivalPlace| {
        let mailbox = place.mailbox.as_deref().unwrap_or("a deleted mailbox");
        match place.there {
            true => format!("it is in {mailbox} (UID {})", place.uid),
            false => format!("it was in {mailbox} (UID {})", place.uid),
        }
    };
    let all: Vec<String> = one.places.iter().map(place).collect();
    format!("{} of {}", all.join(", "), one.account)
}

fn sender(sender: &str) -> &str {
    match sender {
        "" => "nobody (<>, a report)",
        sender => sender,
    }
}

fn handed_in(login: Option<&str>, client: &str) -> String {
    match login {
        Some(login) => format!("by {login} from {client}"),
        // a user of this machine, not a host
        None if client.starts_with("uid ") => format!("locally by {client}"),
        // a report, for example
        None if client.is_empty() => "by this server".to_owned(),
        None => format!("by {client}"),
    }
}

fn message_id(message_id: Option<&str>) -> String {
    message_id.map_or_else(String::new, |text| format!(", Message-ID {text}"))
}

#[cfg(test)]
mod tests {
    use super::super::Leg;
    use super::*;

    #[test]
    fn says_who_handed_a_message_in() {
        assert_eq!(
            handed_in(Some("ann@a.test"), "h [192.0.2.1]"),
            "by ann@a.test from h [192.0.2.1]"
        );
        assert_eq!(handed_in(None, "uid 8 (mail)"), "locally by uid 8 (mail)");
        assert_eq!(handed_in(None, ""), "by this server");
    }

    #[test]
    fn what_was_asked_is_told_and_what_is_usual_is_not() {
        assert!(wishes(&Wishes::default()).is_empty());
        let asked = Wishes {
            priority: -4,
            deliver_by: Some("then".to_owned()),
            if_late: Some(IfLate::Returned),
        };
        let lines = wishes(&asked).join("\n");
        assert!(lines.contains("priority is -4"), "{lines}");
        assert!(lines.contains("by then; if not, it comes back"), "{lines}");
    }

    #[test]
    fn what_is_held_says_until_when() {
        // [rfc4865 4.2]
        let leg = Leg {
            domain: "example.test".to_owned(),
            state: LegState::Waiting,
            recipients: Vec::new(),
            attempts: 0,
            due: Some("then".to_owned()),
            held_until: Some("then".to_owned()),
            here: true,
            kept_for: None,
            delay_told: None,
        };
        let waiting = Waiting {
            id: "id1".to_owned(),
            sender: "ann@example.test".to_owned(),
            arrived: "now".to_owned(),
            age_s: 1,
            bytes: 1,
            expires: "later".to_owned(),
            wishes: Wishes::default(),
            leg: leg.clone(),
        };
        assert_eq!(cells(&waiting)[5], "held until then");
        let entry = Entry {
            leg,
            tried: Vec::new(),
            ended: None,
            told: None,
        };
        let text = super::leg(&entry);
        assert!(
            text.contains("held until then, as its sender asked"),
            "{text}"
        );
    }
}
