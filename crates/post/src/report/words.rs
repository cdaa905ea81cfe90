//! The part of a report that people read: what happened, who said what, what to do.
//!
//! What never happens here: a decision.

use super::{Action, Fate, Named, Reporter, Returned, Said, Subject};
use addr::ForwardPath;
use mail_parser::MessageParser;
use smtp::Status;

const COLUMNS: usize = 72;
/// Of a field of the message that is named again.
const LONGEST_VALUE: usize = 300;

/// The Subject field.
pub(super) fn subject(fates: &[Fate<'_>]) -> &'static str {
    let mut actions: Vec<Action> = fates.iter().map(|fate| fate.action).collect();
    actions.sort_unstable();
    match actions.first() {
        Some(Action::Delayed) => "Your message is delayed",
        Some(Action::Delivered) => "Your message was delivered",
        Some(Action::Relayed | Action::Expanded) => "Your message was passed on",
        Some(Action::Failed) | None => "Your message could not be delivered",
    }
}

/// The whole text, in lines with CRLF.
pub(super) fn text(
    reporter: &Reporter<'_>,
    subject: &Subject<'_>,
    fates: &[Fate<'_>],
    returned: Returned,
) -> String {
    let mut out = format!("This is the mail server {}.\r\n", reporter.hostname);
    let mut actions: Vec<Action> = fates.iter().map(|fate| fate.action).collect();
    actions.sort_unstable();
    actions.dedup();
    for action in actions {
        out.push_str("\r\n");
        wrap(head(action), "", &mut out);
        for fate in fates.iter().filter(|fate| fate.action == action) {
            out.push_str("\r\n");
            recipient(fate, &mut out);
        }
        let of_action = || fates.iter().filter(move |fate| fate.action == action);
        let until = of_action().filter_map(|fate| fate.retry_until).max();
        let until = until.map(net::Time::rfc5322);
        out.push_str("\r\n");
        wrap(&foot(action, until.as_deref()), "", &mut out);
    }
    about(subject, &mut out);
    let comes_back = match returned {
        Returned::Header => "the header of your message",
        Returned::Whole => "your message",
    };
    out.push_str("\r\n");
    let end = format!(
        "If you need help, forward all of this to {}; the number of your message here is {}. Below \
         are the same facts for programs, and {comes_back}.",
        reporter.postmaster, subject.id
    );
    wrap(&end, "", &mut out);
    out
}

fn head(action: Action) -> &'static str {
    match action {
        Action::Failed => "Your message could NOT be delivered to:",
        Action::Delayed => "Your message could not be delivered yet to:",
        Action::Delivered => "Your message was put into the mailbox of:",
        Action::Relayed => "Your message was handed to another server, for:",
        Action::Expanded => "Your message was sent on to everybody who is behind the address:",
    }
}

fn foot(action: Action, until: Option<&str>) -> String {
    match (action, until) {
        (Action::Failed, _) => "It is not tried any further.".to_owned(),
        (Action::Delayed, None) => {
            "You need not do anything: it is tried again by itself.".to_owned()
        }
        (Action::Delayed, Some(until)) => format!(
            "You need not do anything: it is tried again by itself until {until}. If it cannot be \
             delivered by then, you will be told."
        ),
        (Action::Delivered, _) => "You are told because you asked for it. It does not mean that \
             the message was read."
            .to_owned(),
        (Action::Relayed, _) => {
            "You are told because you asked to hear of the delivery, or by when \
             it has to be there. That server may not tell when it is delivered; from here you hear \
             no more of it."
                .to_owned()
        }
        (Action::Expanded, _) => {
            "You are told because you asked to hear of the delivery. You will \
             hear no more of it unless it fails."
                .to_owned()
        }
    }
}

fn recipient(fate: &Fate<'_>, out: &mut String) {
    let name = match fate.recipient {
        Named::Path(ForwardPath::Postmaster) => "postmaster".to_owned(),
        Named::Path(ForwardPath::Address(address)) => address.to_string(),
        Named::Unreadable(text) => text.to_owned(),
    };
    out.push_str(&format!("  {name}\r\n"));
    let is_bad = matches!(fate.action, Action::Failed | Action::Delayed);
    match fate.said {
        Said::Server { host, reply } if is_bad => {
            wrap(&format!("The server {host} said:"), "    ", out);
            wrap(reply, "      ", out);
        }
        Said::Server { host, .. } => wrap(&format!("It is with the server {host}."), "    ", out),
        Said::Ours(why) => wrap(why, "    ", out),
        Said::Nothing => {}
    }
    if let Some(advice) = advice(fate.status).filter(|_| fate.action == Action::Failed) {
        wrap(advice, "    ", out);
    }
}

/// What a status means for whoever wrote the message. [rfc3463 3]
fn advice(Status(class, subject, detail): Status) -> Option<&'static str> {
    Some(match (subject, detail) {
        (1, 0 | 1) => {
            "There is no such mailbox. Look whether the part before the @ is spelt rightly, and ask \
             the person for the address that holds now."
        }
        (1, 2) => "The domain behind the @ has no mail server. Look whether it is spelt rightly.",
        (1, 3) => "The address is not one that their server understands. Look at its spelling.",
        (1, 6) => "The person has moved and left no new address.",
        (1, 10) => {
            "The domain behind the @ takes no mail at all. Look whether it is spelt rightly."
        }
        (1, 7 | 8) => "Their server does not accept your own address as a sender.",
        (2, 1) => "The mailbox is closed for now or for good. Reach the person another way.",
        (2, 2) => "The mailbox is full. Reach the person another way, or write again later.",
        (2, 3) | (3, 4) => {
            "The message is too large for them. Send less, or let them fetch it from somewhere."
        }
        (4, 6) | (4, 4) if class == 5 => {
            "Their servers send it in circles or to nowhere; only those who run them can mend it."
        }
        (4, _) => {
            "Their server could not be reached, for as long as it was tried. Look whether the \
             domain is spelt rightly; if it is, write again later."
        }
        (6, _) => "Their server cannot take a message of this form.",
        (7, 30) => "You asked for encryption that cannot be had on the way.",
        (7, _) => {
            "Their server refuses the message: what it is, or where it comes from, is not let in \
             there. What it said may tell why; those who run it can help."
        }
        _ if class == 4 => "It was tried until the time for it was over. Write again later.",
        _ => return None,
    })
}

/// By which the sender knows the message again.
fn about(subject: &Subject<'_>, out: &mut String) {
    out.push_str("\r\nThis is about your message:\r\n\r\n");
    let parser = MessageParser::new().with_minimal_headers();
    let parsed = parser.parse_headers(header_of(subject.header));
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let safe = |c: char| if c.is_control() { ' ' } else { c };
            let value: String = value.chars().map(safe).take(LONGEST_VALUE).collect();
            out.push_str(&format!("  {name}: {value}\r\n"));
        }
    };
    let words = parsed.as_ref().and_then(|message| message.subject());
    line("Subject", words.map(str::to_owned));
    line("Came in", Some(subject.arrived.rfc5322()));
    let by = subject.deliver_by.map(|by| by.rfc5322());
    line("To be there by", by);
}

/// What stands before the first empty line, with the end of its last line.
pub(super) fn header_of(message: &[u8]) -> &[u8] {
    if message.starts_with(b"\r\n") {
        return &[];
    }
    let end = message.windows(4).position(|four| four == b"\r\n\r\n");
    &message[..end.map_or(message.len(), |end| end + 2)]
}

/// Appends lines of at most so many columns where there are spaces.
fn wrap(text: &str, indent: &str, out: &mut String) {
    let mut column = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let len = word.chars().count();
        if column > 0 && column + 1 + len > COLUMNS {
            out.push_str("\r\n");
            column = 0;
        }
        let before = if column == 0 { indent } else { " " };
        out.push_str(before);
        let safe = |c: char| if c.is_control() { '?' } else { c };
        out.extend(word.chars().map(safe));
        column += before.len() + len;
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_header_of_what_it_gets() {
        for (message, expect) in [
            ("A: b\r\nC: d\r\n\r\nbody\r\n\r\n", "A: b\r\nC: d\r\n"),
            ("A: b\r\nC: ", "A: b\r\nC: "),
            ("\r\nbody", ""),
            ("", ""),
        ] {
            assert_eq!(header_of(message.as_bytes()), expect.as_bytes());
        }
    }

    #[test]
    fn lines_of_text_are_short_where_they_can_be() {
        let mut out = String::new();
        wrap(&"word ".repeat(40), "    ", &mut out);
        assert!(out.lines().all(|line| line.len() <= COLUMNS + 4));
        assert!(out.lines().all(|line| line.starts_with("    word")));
        out.clear();
        wrap("a\r\nb", "", &mut out);
        assert_eq!(out, "a??b\r\n");
    }

    #[test]
    fn what_people_can_mend_is_told_to_them() {
        // [rfc3463 3]
        let of = |class, subject, detail| advice(Status(class, subject, detail)).unwrap_or("");
        assert!(of(5, 1, 1).contains("no such mailbox"));
        assert!(of(5, 2, 2).contains("full"));
        assert!(of(4, 4, 1).contains("could not be reached"));
        assert!(of(5, 7, 1).contains("refuses"));
        assert_eq!(of(5, 0, 0), "");
    }
}
