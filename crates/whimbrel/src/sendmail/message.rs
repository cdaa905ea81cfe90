//! The message that a program writes to `sendmail`: read within a bound, and given what its writer
//! left to us.
//!
//! What never happens here: a connection.

use super::addresses;
use super::exit::{Code, Ended};
use super::flags::{Dot, Flags, Recipients};
use super::header::{self, Parts};
use super::house::Myself;
use addr::{Charset, ForwardPath, ReversePath};
use smtp::client::{Envelope, Recipient};
use smtp::{BodyType, MailParameters, RcptParameters};
use std::io::Read;

/// An envelope and the content that goes with it.
#[derive(Clone, Debug)]
pub struct Message {
    pub from: ReversePath,
    pub parameters: MailParameters,
    pub recipients: Vec<Recipient>,
    pub content: Vec<u8>,
}

impl Message {
    /// The envelope of some of the recipients.
    pub fn envelope(&self, recipients: &[Recipient]) -> Envelope {
        Envelope {
            from: self.from.clone(),
            parameters: self.parameters.clone(),
            recipients: recipients.to_vec(),
        }
    }
}

/// All that is on standard input, up to a bound.
pub fn input(most: u64) -> Result<Vec<u8>, Ended> {
    let mut all = Vec::new();
    let read = std::io::stdin().lock().take(most + 1).read_to_end(&mut all);
    read.map_err(|error| Ended::new(Code::Temporary, format!("cannot read: {error}")))?;
    match all.len() as u64 > most {
        true => Err(Ended::new(
            Code::Data,
            format!("the message is larger than {most} octets"),
        )),
        false => Ok(all),
    }
}

/// The message that the flags and the input make.
pub fn made(flags: &Flags, myself: &Myself, mut input: Vec<u8>) -> Result<Message, Ended> {
    if flags.dot == Dot::Ends {
        input.truncate(end_at_dot(&input));
    }
    let parts = header::split(&input);
    let from = match &flags.from {
        Some(text) => addresses::sender(text)?,
        None => ReversePath::Address(myself.address()?),
    };
    let added = added(flags, myself, &from, &parts);
    let content = parts.joined(&added);
    let parameters = MailParameters {
        body: Some(match content.is_ascii() {
            true => BodyType::SevenBit,
            false => BodyType::EightBitMime,
        }),
        charset: match parts.is_ascii() {
            true => Charset::Ascii,
            false => Charset::Utf8,
        },
        ret: flags.ret,
        envid: flags.envid.clone(),
        ..MailParameters::default()
    };
    Ok(Message {
        from,
        parameters,
        recipients: recipients(flags, &parts)?,
        content,
    })
}

fn recipients(flags: &Flags, parts: &Parts<'_>) -> Result<Vec<Recipient>, Ended> {
    let mut paths: Vec<ForwardPath> = Vec::new();
    for word in &flags.named {
        paths.extend(addresses::recipients(word.as_bytes())?);
    }
    if flags.recipients == Recipients::InHeader {
        paths.extend(parts.recipients()?);
    }
    if paths.is_empty() {
        let why = match flags.recipients {
            Recipients::InHeader => "the header names no recipient, nor does the command line",
            Recipients::Named => "no recipient is named; -t takes them from the header",
        };
        return Err(Ended::new(Code::Usage, why));
    }
    let recipient = |to| Recipient {
        to,
        parameters: RcptParameters {
            notify: flags.notify.clone(),
            orcpt: None,
        },
    };
    Ok(paths.into_iter().map(recipient).collect())
}

/// A From field with the writer's full name, where there is none. A name that is not plain is left
/// out: the server writes the address.
fn added(flags: &Flags, myself: &Myself, from: &ReversePath, parts: &Parts<'_>) -> String {
    if parts.has("from") {
        return String::new();
    }
    let name = flags.full_name.as_deref().unwrap_or(&myself.full_name);
    let address = addresses::shown(from).or_else(|| myself.name.clone());
    let is_plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    match address {
        Some(address) if !name.is_empty() && name.chars().all(is_plain) => {
            format!("From: \"{name}\" <{address}>\n")
        }
        _ => String::new(),
    }
}

/// Where a line with only a dot stands.
fn end_at_dot(input: &[u8]) -> usize {
    let mut at = 0;
    for line in input.split_inclusive(|octet| *octet == b'\n') {
        if matches!(line, b".\n" | b".\r\n" | b".") {
            return at;
        }
        at += line.len();
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn myself() -> Myself {
        Myself {
            uid: 1_000,
            name: Some("jane".to_owned()),
            full_name: "Jane Doe".to_owned(),
        }
    }

    fn message(line: &str, input: &str) -> Result<Message, Ended> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let flags = super::super::flags::read(&words).unwrap();
        made(&flags, &myself(), input.as_bytes().to_vec())
    }

    #[test]
    fn a_dot_ends_a_message_unless_it_is_text() {
        let text = "Subject: x\nFrom: a\n\none\n.\ntwo\n";
        assert!(message("a", text).unwrap().content.ends_with(b"one\n"));
        assert!(message("-i a", text).unwrap().content.ends_with(b"two\n"));
        assert!(message("-oi a", text).unwrap().content.ends_with(b"two\n"));
    }

    #[test]
    fn the_writer_is_named_where_he_has_not_named_himself() {
        let text = |line: &str, input: &str| {
            String::from_utf8(message(line, input).unwrap().content).unwrap()
        };
        assert_eq!(text("a", "\nx\n"), "From: \"Jane Doe\" <jane>\n\nx\n");
        assert_eq!(
            text("-Fcron -f b@x.test a", "To: a\n\n"),
            "From: \"cron\" <b@x.test>\nTo: a\n\n"
        );
        assert_eq!(text("a", "From: root\n\n"), "From: root\n\n");
        let got = message("a", "\n").unwrap();
        assert_eq!(got.from.to_string(), "<jane@localhost>");
    }

    #[test]
    fn recipients_come_from_the_command_line_and_with_t_from_the_header() {
        let got = message("-t -i b@x.test", "To: a@x.test\nBcc: c@x.test\n\n").unwrap();
        let all: Vec<_> = got
            .recipients
            .iter()
            .map(|one| one.to.to_string())
            .collect();
        assert_eq!(all, ["<b@x.test>", "<a@x.test>", "<c@x.test>"]);
        assert!(!got.content.windows(3).any(|three| three == b"Bcc"));
        for line in ["-i", "-t"] {
            assert_eq!(message(line, "\n").unwrap_err().code, Code::Usage, "{line}");
        }
    }

    #[test]
    fn what_is_not_ascii_is_told() {
        // [rfc6532 3]
        let got = message("a", "Subject: x\n\n\u{e4}\n").unwrap().parameters;
        assert_eq!(
            (got.body, got.charset),
            (Some(BodyType::EightBitMime), Charset::Ascii)
        );
        let got = message("a", "Subject: \u{e4}\n\n").unwrap().parameters;
        assert_eq!(got.charset, Charset::Utf8);
    }
}
