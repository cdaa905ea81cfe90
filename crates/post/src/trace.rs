//! What is put before a message when it is accepted: Return-Path, Received, and on submission the
//! signatures (`sign`) and the fields that were missing. Text only; who needs what was decided in
//! `judge`.
//!
//! ```abnf
//! Return-path-line = "Return-Path:" FWS Reverse-path CRLF
//! Time-stamp-line  = "Received:" FWS "from" FWS Extended-Domain "by" FWS Domain
//!                    "with" FWS Protocol "id" FWS Atom [ "for" FWS Path ] [ Pri ]
//!                    ";" FWS date-time CRLF
//! Pri              = "PRIORITY" FWS priority-value             ; [rfc6710 7]
//! Extended-Domain  = ( Domain / address-literal ) FWS "(" address-literal ")"
//! ```

use crate::client::{Client, LocalUser};
use crate::envelope::Envelope;
use crate::judge::{Add, Additions};
use addr::{Address, Charset, Host};
use bytes::Bytes;
use mail::{Delivery, Prefix};
use net::{Random, Time};
use std::fmt::Write;

/// Lines are folded before this column. [rfc5322 2.1.1]
const COLUMNS: usize = 78;
/// What ends the name of a neighbour that brought mail by UUCP.
const BY_UUCP: &str = ".uucp";
/// Room for most of what is put before a message.
const USUAL_BYTES: usize = 512;
/// Random letters of a Message-ID: about 120 bits.
const MESSAGE_ID_LETTERS: usize = 24;

/// The fields before the message, each line with its CRLF; `fields` are those behind the trace.
pub(crate) fn prefix(
    client: &Client,
    envelope: &Envelope,
    hostname: &str,
    at: Time,
    fields: &str,
) -> String {
    let mut text = String::with_capacity(USUAL_BYTES + fields.len());
    let _ = write!(text, "Return-Path: {}\r\n", envelope.sender);
    received(client, envelope, hostname, at, &mut text);
    text.push_str(fields);
    text
}

/// The same for a message that travels on: Return-Path is written where it ends. [rfc5321 4.4]
pub(crate) fn without_return_path(prefix: &Bytes) -> Bytes {
    let line = prefix.iter().position(|octet| *octet == b'\n');
    prefix.slice(line.map_or(0, |end| end + 1)..)
}

/// With the seal of one who sends it on, which goes before all else. [rfc8617 5.1]
pub(crate) fn sealed(seal: &str, prefix: &Bytes) -> Bytes {
    match seal.is_empty() {
        true => prefix.clone(),
        false => [seal.as_bytes(), prefix].concat().into(),
    }
}

/// What is put before a message for one delivery. Behind a list its owner stands in the sender's
/// place; at a host of SDPS the recipient is said, because who fetches for many users tells the
/// copies of one message apart by their headers.
pub(crate) fn for_delivery(delivery: &Delivery, prefix: &Prefix) -> Prefix {
    let prefix = match delivery.owner() {
        Some(owner) => returned_to(owner, prefix),
        None => prefix.clone(),
    };
    if delivery.place().1.is_none() {
        return prefix;
    }
    let rest = without_return_path(&prefix.0);
    let first = &prefix.0[..prefix.0.len() - rest.len()];
    let field = format!("Delivered-To: {}\r\n", delivery.recipient());
    Prefix([first, field.as_bytes(), &rest].concat().into())
}

/// The same for a copy that a list sends: who hears of failures is its owner. [rfc5321 3.9.2]
fn returned_to(owner: &Address, prefix: &Prefix) -> Prefix {
    let rest = without_return_path(&prefix.0);
    let mut text = format!("Return-Path: <{owner}>\r\n").into_bytes();
    text.extend_from_slice(&rest);
    Prefix(text.into())
}

/// [rfc5321 4.4]
fn received(client: &Client, envelope: &Envelope, hostname: &str, at: Time, text: &mut String) {
    let address = client.address_literal();
    let mut field = Folded::begin("Received:", text);
    match &client.local {
        Some(user) => handed_in(client, user, hostname, &mut field),
        None => {
            field.clause(&["from ", &claimed_name(client, &address)]);
            field.clause(&["(", &address, ")"]);
            field.clause(&["by ", hostname]);
            field.clause(&["with ", client.protocol(envelope.charset())]);
        }
    }
    if let Some(tls) = &client.tls {
        field.clause(&["(", tls, ")"]);
    }
    // with several, it would tell each of the others [rfc5321 4.4] [rfc5321 7.6]
    let only = match envelope.recipients.as_slice() {
        [only] => Some(only.path().to_string()),
        _ => None,
    };
    let asked = envelope.parameters().priority;
    let priority = asked.map(|_| envelope.asked.priority.to_string()); // [rfc6710 4.1]
    let id = envelope.id.to_string();
    let end = |more: &[&Option<String>]| match more.iter().any(|one| one.is_some()) {
        true => "",
        false => ";",
    };
    field.clause(&["id ", &id, end(&[&only, &priority])]);
    if let Some(path) = &only {
        field.clause(&["for ", path, end(&[&priority])]);
    }
    if let Some(priority) = &priority {
        field.clause(&["PRIORITY ", priority, ";"]);
    }
    // the year has four digits [rfc5321 F.5]
    field.clause(&[&at.rfc5322()]);
    text.push_str("\r\n");
}

/// Handed in on this machine: there is no host that it came from, but for what a neighbour brought
/// by UUCP. [rfc5321 4.4]
fn handed_in(client: &Client, user: &LocalUser, hostname: &str, field: &mut Folded<'_>) {
    match client.neighbour() {
        Some(neighbour) => {
            field.clause(&["from ", &neighbour.name, BY_UUCP]);
            field.clause(&["by ", hostname]);
            field.clause(&["via UUCP"]);
        }
        None => field.clause(&["by ", hostname]),
    }
    field.clause(&["(handed in by uid ", &user.uid.to_string(), ")"]);
}

/// A field of clauses with spaces between them, and a fold where a line would grow past COLUMNS.
struct Folded<'a> {
    text: &'a mut String,
    column: usize,
    name_len: usize,
}

impl<'a> Folded<'a> {
    fn begin(name: &str, text: &'a mut String) -> Folded<'a> {
        text.push_str(name);
        Folded {
            text,
            column: name.len(),
            name_len: name.len(),
        }
    }

    /// A clause of pieces that stand together.
    fn clause(&mut self, pieces: &[&str]) {
        let len: usize = pieces.iter().map(|piece| piece.len()).sum();
        if self.column + 1 + len >= COLUMNS && self.column > self.name_len {
            self.text.push_str("\r\n\t");
            // a tab counts as eight columns
            self.column = 8;
        } else {
            self.text.push(' ');
            self.column += 1;
        }
        self.text.extend(pieces.iter().copied());
        self.column += len;
    }
}

/// The name of EHLO or HELO if it can stand in a Received field, else the address.
fn claimed_name(client: &Client, address: &str) -> String {
    let Some((_, name)) = &client.helo else {
        return address.to_owned();
    };
    if let Ok(host) = Host::parse(name.as_bytes(), Charset::Utf8) {
        return host.to_string();
    }
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
    if name.bytes().all(plain) {
        name.clone()
    } else {
        address.to_owned()
    }
}

/// What the user's program left out. [rfc6409 8]
pub(crate) fn added(
    client: &Client,
    envelope: &Envelope,
    hostname: &str,
    at: Time,
    additions: Additions,
    random: &Random,
) -> String {
    let mut text = String::new();
    let author = envelope.sender.address().cloned();
    let author = author.or_else(|| client.login.as_ref().map(|login| login.primary().clone()));
    let own = client.local.as_ref().and_then(LocalUser::address).cloned();
    let author = author.or_else(|| own.clone());
    let mut add = |wanted: Add, line: &dyn Fn() -> String| {
        if wanted == Add::Yes {
            text.push_str(&line());
        }
    };
    if let Some(author) = author {
        add(additions.from, &|| format!("From: {author}\r\n"));
        let sender = own.as_ref().unwrap_or(&author);
        add(additions.sender, &|| format!("Sender: {sender}\r\n"));
    }
    add(additions.date, &|| format!("Date: {}\r\n", at.rfc5322()));
    add(additions.message_id, &|| {
        let id = random.token(MESSAGE_ID_LETTERS);
        format!("Message-ID: <{id}@{hostname}>\r\n")
    });
    add(additions.empty_line, &|| "\r\n".to_owned());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Greeting, Role};
    use crate::envelope::{Leads, MessageId, Recipient};
    use crate::queue::Asked;
    use addr::{ForwardPath, ReversePath};
    use smtp::{MailParameters, Priority, RcptParameters};

    fn client(helo: &str) -> Client {
        Client {
            peer: "192.0.2.1:4711".parse().unwrap(),
            helo: Some((Greeting::Ehlo, helo.to_owned())),
            tls: Some("TLSv1.3 TLS_AES_256_GCM_SHA384".to_owned()),
            login: None,
            local: None,
            role: Role::Exchange,
        }
    }

    fn envelope(recipients: &[&str]) -> Envelope {
        let recipient = |text: &&str| {
            let path = ForwardPath::parse(text.as_bytes(), Charset::Utf8).unwrap();
            Recipient::new(path, Leads::default(), RcptParameters::default())
        };
        Envelope {
            id: MessageId("abc123".to_owned()),
            sender: ReversePath::parse(b"<carol@example.org>", Charset::Ascii).unwrap(),
            parameters: MailParameters::default(),
            asked: Asked::default(),
            recipients: recipients.iter().map(recipient).collect(),
            named: Vec::new(),
            note: None,
        }
    }

    fn prefix_of(helo: &str, recipients: &[&str], additions: Additions) -> String {
        let at = Time::from_seconds(1_795_396_809);
        let random = Random::seeded(1);
        let (client, envelope) = (client(helo), envelope(recipients));
        let hostname = "mx.example.test";
        let added = added(&client, &envelope, hostname, at, additions, &random);
        prefix(&client, &envelope, hostname, at, &added)
    }

    #[test]
    fn writes_return_path_and_received() {
        // [rfc5321 4.4] [rfc5321 F.5] [rfc5321 4.4 #2 #3 #14] [rfc5321 F.5 #1]
        let text = prefix_of(
            "mail.example.org",
            &["<bob@example.test>"],
            Additions::default(),
        );
        assert_eq!(
            text,
            "Return-Path: <carol@example.org>\r\n\
             Received: from mail.example.org ([192.0.2.1]) by mx.example.test with ESMTPS\r\n\
             \t(TLSv1.3 TLS_AES_256_GCM_SHA384) id abc123 for <bob@example.test>;\r\n\
             \tMon, 23 Nov 2026 01:20:09 +0000\r\n"
        );
    }

    #[test]
    fn names_no_recipient_where_there_are_several() {
        // [rfc5321 4.4] [rfc5321 7.6] [rfc5321 4.4 #4]
        let two = ["<bob@example.test>", "<alice@example.test>"];
        let text = prefix_of("mail.example.org", &two, Additions::default());
        assert!(!text.contains(" for "), "{text}");
    }

    #[test]
    fn says_how_urgent_a_message_is_if_that_was_asked() {
        // [rfc6710 4.1] [rfc6710 7]
        let at = Time::from_seconds(1_795_396_809);
        let shown = |recipients: &[&str], asked: i8| {
            let mut envelope = envelope(recipients);
            envelope.parameters.priority = Priority::new(asked);
            envelope.asked.priority = Priority::new(asked.min(0)).unwrap();
            prefix(&client("pc"), &envelope, "mx.example.test", at, "").replace("\r\n\t", " ")
        };
        let one = shown(&["<bob@example.test>"], -4);
        assert!(
            one.contains(" for <bob@example.test> PRIORITY -4; Mon"),
            "{one}"
        );
        let two = shown(&["<bob@example.test>", "<alice@example.test>"], 4);
        assert!(two.contains(" id abc123 PRIORITY 0; Mon"), "{two}");
    }

    #[test]
    fn a_name_that_is_no_name_does_not_stand_in_received() {
        let text = prefix_of("a=b$c", &["<bob@example.test>"], Additions::default());
        assert!(text.contains("from [192.0.2.1] ([192.0.2.1])"), "{text}");
        let text = prefix_of("odd_host", &["<bob@example.test>"], Additions::default());
        assert!(text.contains("from odd_host ([192.0.2.1])"), "{text}");
    }

    #[test]
    fn adds_what_a_submission_left_out() {
        // [rfc6409 8.2] [rfc6409 8.3]
        let additions = Additions {
            date: Add::Yes,
            message_id: Add::Yes,
            empty_line: Add::Yes,
            ..Additions::default()
        };
        let text = prefix_of("pc", &["<bob@example.test>"], additions);
        assert!(text.contains("\r\nDate: Mon, 23 Nov 2026 01:20:09 +0000\r\nMessage-ID: <"));
        assert!(text.ends_with("@mx.example.test>\r\n\r\n"), "{text}");
    }

    #[test]
    fn lines_stay_short_where_they_can() {
        let long = format!("<{}@example.test>", "x".repeat(60));
        let helo = format!("{}.example.org", "y".repeat(60));
        let text = prefix_of(&helo, &[&long], Additions::default());
        for line in text.lines() {
            assert!(line.len() < 100, "{line}");
        }
    }
}
