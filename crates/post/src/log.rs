//! One line for every accept and every refusal, with the message's id; both are counted here.
//!
//! What a peer said is escaped and cut, so that no peer writes lines of its own into the log.

use crate::client::{Client, Role};
use crate::envelope::{Envelope, MessageId, Recipient};
use crate::limits::LOGGED_BYTES;
use crate::refusal::Refusal;
use addr::ForwardPath;
use std::fmt::{self, Write};
use tally::{Metric, Tally};

/// Shows a peer's text escaped and cut.
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |octet: u8| (b' '..=b'~').contains(&octet) && octet != b'\\';
        if self.0.len() <= LOGGED_BYTES && self.0.bytes().all(plain) {
            return f.write_str(self.0);
        }
        for c in self.0.chars().take(LOGGED_BYTES) {
            if c.is_control() || c == '\\' {
                write!(f, "{}", c.escape_default())?;
            } else {
                f.write_char(c)?;
            }
        }
        if self.0.len() > LOGGED_BYTES {
            f.write_str("…")
        } else {
            Ok(())
        }
    }
}

/// At which step something was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    Mail,
    Rcpt,
    Data,
    Content,
}

impl Stage {
    pub fn word(self) -> &'static str {
        match self {
            Stage::Mail => "MAIL",
            Stage::Rcpt => "RCPT",
            Stage::Data => "DATA",
            Stage::Content => "content",
        }
    }
}

pub(crate) fn accepted(tally: &Tally, client: &Client, envelope: &Envelope, to: &str, bytes: u64) {
    let role = match client.role {
        Role::Exchange => "exchange",
        Role::Submission => "submission",
        Role::Lmtp => "lmtp",
        Role::Local => "local",
        Role::OnDemand => "on-demand",
    };
    tally.count(Metric::MessagesAccepted, &[role]);
    tally.add(Metric::MessageBytes, &[role], bytes);
    tracing::info!(
        target: "post",
        message_id = %envelope.id,
        peer = %client.peer,
        helo = %Escaped(helo(client)),
        login = %Escaped(&login(client)),
        from = %Escaped(&envelope.sender.to_string()),
        to = %Escaped(to),
        bytes,
        // [rfc6710 4.1]
        priority = envelope.asked.priority.number(),
        "accepted"
    );
}

pub(crate) fn refused(
    tally: &Tally,
    client: &Client,
    id: &MessageId,
    stage: Stage,
    (from, to): (&str, &str),
    refusal: &Refusal,
) {
    let class = match refusal.is_temporary() {
        true => "temporary",
        false => "permanent",
    };
    tally.count(Metric::MessagesRefused, &[stage.word(), class]);
    tracing::info!(
        target: "post",
        message_id = %id,
        peer = %client.peer,
        helo = %Escaped(helo(client)),
        login = %Escaped(&login(client)),
        from = %Escaped(from),
        to = %Escaped(to),
        at = stage.word(),
        why = refusal.to_string().as_str(),
        "refused"
    );
}

/// Our trouble; the peer sees only the id.
pub(crate) fn fault(id: &MessageId, fault: &dyn fmt::Display) {
    tracing::error!(target: "post", message_id = %id, fault = fault.to_string().as_str(), "fault");
}

/// The recipients in one text, as many as a log line bears.
pub(crate) fn recipients<'a>(recipients: impl Iterator<Item = &'a Recipient>) -> String {
    let mut text = String::new();
    for recipient in recipients {
        if text.len() > LOGGED_BYTES {
            break;
        }
        if !text.is_empty() {
            text.push(',');
        }
        match recipient.path() {
            ForwardPath::Address(address) => text.push_str(&address.to_string()),
            ForwardPath::Postmaster => text.push_str("postmaster"),
        }
    }
    text
}

fn helo(client: &Client) -> &str {
    client.helo.as_ref().map_or("", |(_, name)| name)
}

/// Who it is: the login, or the user of this machine.
fn login(client: &Client) -> String {
    let login = client.login.as_ref().map(|login| login.name().to_owned());
    let local = client.local.as_ref().map(ToString::to_string);
    login.or(local).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_cannot_write_lines_of_its_own() {
        assert_eq!(
            Escaped("a\r\nb\\\u{1b}[1m").to_string(),
            "a\\r\\nb\\\\\\u{1b}[1m"
        );
        assert!(Escaped(&"x".repeat(5_000)).to_string().chars().count() <= LOGGED_BYTES + 1);
    }
}
