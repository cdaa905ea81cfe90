//! What a mailbox holds, as IMAP tells it.
//!
//! What never happens here: a judgement on it.

use crate::letters::token_in;
use clients::Imap;
use clients::imap::Answer;
use std::collections::BTreeMap;

/// A message as it is found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// None: the welcome.
    pub token: Option<String>,
    pub flags: Vec<String>,
    pub octets: u64,
}

/// A mailbox as it is found.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    pub validity: u32,
    pub next: u32,
    pub messages: BTreeMap<u32, Found>,
    /// Whole messages, of those that were asked for.
    pub whole: BTreeMap<u32, Vec<u8>>,
}

/// Reads a mailbox; from `whole_from` on also the messages themselves.
pub fn look(imap: &mut Imap, mailbox: &str, whole_from: u32) -> Picture {
    let status = imap
        .must(&format!("STATUS {mailbox} (MESSAGES UIDNEXT UIDVALIDITY)"))
        .text();
    let number = |word| {
        let found = number_after(&status, word);
        found.unwrap_or_else(|| panic!("{word} is missing: {status}"))
    };
    imap.must(&format!("EXAMINE {mailbox}"));
    let mut picture = Picture {
        validity: number("UIDVALIDITY "),
        next: number("UIDNEXT "),
        ..Picture::default()
    };
    let items = "(UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (X-TOKEN)])";
    for response in imap.must(&format!("UID FETCH 1:* {items}")).untagged {
        let Some(uid) = uid_of(&response) else {
            continue;
        };
        let text = String::from_utf8_lossy(&response).into_owned();
        let found = Found {
            token: token_in(&response),
            flags: flags_of(&text),
            octets: u64::from(
                number_after(&text, "RFC822.SIZE ").expect("because it was asked for"),
            ),
        };
        picture.messages.insert(uid, found);
    }
    assert_eq!(
        picture.messages.len(),
        number("MESSAGES ") as usize,
        "STATUS counts what FETCH shows: {status}"
    );
    for response in imap
        .must(&format!("UID FETCH {whole_from}:* (UID BODY.PEEK[])"))
        .untagged
    {
        if let (Some(uid), Some(whole)) = (uid_of(&response), Answer::literal_of(&response)) {
            picture.whole.insert(uid, whole.to_vec());
        }
    }
    picture
}

/// The UID in a FETCH response that has one before any text.
pub fn uid_of(response: &[u8]) -> Option<u32> {
    let line_end = response.iter().position(|&byte| byte == b'\r');
    let line = String::from_utf8_lossy(&response[..line_end.unwrap_or(response.len())]);
    line.contains(" FETCH (")
        .then(|| number_after(&line, "UID "))?
}

pub fn number_after(text: &str, word: &str) -> Option<u32> {
    let (_, rest) = text.split_once(word)?;
    let end = rest
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// The flags in a FETCH response, sorted; `\Recent` belongs to the session.
pub fn flags_of(text: &str) -> Vec<String> {
    let list = text
        .split_once("FLAGS (")
        .and_then(|(_, rest)| rest.split_once(')'));
    let words = list.map_or("", |(list, _)| list).split_ascii_whitespace();
    let mut flags: Vec<String> = words
        .filter(|flag| *flag != "\\Recent")
        .map(str::to_owned)
        .collect();
    flags.sort();
    flags
}
