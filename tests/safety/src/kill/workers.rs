//! The programs that keep the server busy until it is killed: senders, IMAP programs that flag,
//! copy, move and expunge, one that appends, and a POP3 program that deletes.
//!
//! Each writes into the ledger what it is about to ask before it asks, and the answer when it has
//! come. No two of them change the same message: each has UIDs of its own class. What never happens
//! here: a judgement on what is found after the kill.

use super::ledger::{Known, Leaving, Ledger, Letter, Tries};
use super::look::{number_after, uid_of};
use crate::letters::{letter, token_in};
use crate::seeded::{Once, Seeded};
use clients::{Account, Imap, Pop3, Smtp};
use std::collections::BTreeMap;
use std::io::Result;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a program did last; the kill is aimed by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// About to be sent, or in the middle of it.
    Asked(Kind),
    Acknowledged(Kind),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Delivery,
    Flags,
    Copy,
    Move,
    Expunge,
    Append,
    Pop3Quit,
}

impl Kind {
    pub const ALL: [Kind; 7] = [
        Kind::Delivery,
        Kind::Flags,
        Kind::Copy,
        Kind::Move,
        Kind::Expunge,
        Kind::Append,
        Kind::Pop3Quit,
    ];

    fn word(self) -> &'static str {
        match self {
            Kind::Delivery => "deliveries",
            Kind::Flags => "flag changes",
            Kind::Copy => "copies",
            Kind::Move => "moves",
            Kind::Expunge => "expunges",
            Kind::Append => "appends",
            Kind::Pop3Quit => "POP3 deletions",
        }
    }
}

/// Where the server is and what all programs write into.
#[derive(Clone)]
pub struct Yard {
    pub listeners: BTreeMap<String, String>,
    pub accounts: Vec<Account>,
    pub ledger: Arc<Mutex<Ledger>>,
    pub steps: Sender<Step>,
    /// Stands in the tokens, so that each is used in one round only.
    pub round: u64,
}

impl Yard {
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self, kind: Kind) {
        // The round may be over already.
        let _ = self.steps.send(Step::Asked(kind));
    }

    fn acknowledged(&self, kind: Kind) {
        self.ledger().count(kind.word());
        // The round may be over already.
        let _ = self.steps.send(Step::Acknowledged(kind));
    }

    fn account(&self, name: &str) -> &Account {
        let address = format!("{name}@example.test");
        let mut accounts = self.accounts.iter();
        accounts
            .find(|account| account.address == address)
            .expect("because try makes it")
    }

    fn imap(&self, name: &str, mailbox: &str) -> Result<Imap> {
        let account = self.account(name);
        let mut imap = Imap::log_in(&self.listeners["imap"], &account.address, &account.password)?;
        must(&mut imap, &format!("SELECT {mailbox}"))?;
        Ok(imap)
    }
}

/// An answer other than OK fails the round: nothing here may be refused.
fn must(imap: &mut Imap, command: &str) -> Result<clients::imap::Answer> {
    let answer = imap.try_command(command)?;
    assert!(answer.is_ok(), "{command}: {}", answer.status);
    Ok(answer)
}

/// Delivers until the connection is lost. What was lost in an earlier round is sent again first,
/// as a mail server does.
pub fn send(yard: &Yard, number: u64, mut seeded: Seeded) -> Result<()> {
    let mut smtp = Smtp::try_connect(&yard.listeners["smtp"])?;
    let lost: Vec<String> = {
        let ledger = yard.ledger();
        let lost = ledger
            .letters
            .iter()
            .filter(|(_, l)| l.tries.acknowledged == 0);
        let mine = lost.skip(usize::try_from(number).unwrap_or(0)).step_by(4);
        mine.map(|(token, _)| token.clone()).collect()
    };
    for token in lost {
        send_one(yard, &mut smtp, &token)?;
    }
    for count in 0.. {
        let token = format!("r{}s{number}n{count}e", yard.round);
        let to: &[&str] = match seeded.below(10) {
            0..5 => &["alice"],
            5..7 => &["bob"],
            7 => &["alice", "bob"],
            8 => &["user1", "user2", "user3"],
            _ => &["alice", "bob", "user1", "user2"],
        };
        let octets = match seeded.below(40) {
            // larger than what a body may be to lie in the log
            0 => 300_000 + seeded.below(200_000),
            1..10 => seeded.below(40_000),
            _ => seeded.below(4_000),
        };
        let letter = Letter {
            octets: letter(&token, usize::try_from(octets).unwrap_or(0)),
            to: to.iter().map(|&name| name.to_owned()).collect(),
            tries: Tries::default(),
        };
        yard.ledger().letters.insert(token.clone(), letter);
        send_one(yard, &mut smtp, &token)?;
    }
    Ok(())
}

fn send_one(yard: &Yard, smtp: &mut Smtp, token: &str) -> Result<()> {
    let (octets, to) = {
        let mut ledger = yard.ledger();
        let letter = ledger
            .letters
            .get_mut(token)
            .expect("because it was put in");
        letter.tries.sent += 1;
        (letter.octets.clone(), letter.to.clone())
    };
    let to: Vec<String> = to
        .iter()
        .map(|name| format!("{name}@example.test"))
        .collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    yard.asked(Kind::Delivery);
    let reply = smtp.try_mail("carol@client.example.org", &to, &octets)?;
    assert!(reply.starts_with("250 2.0.0 "), "{token}: {reply}");
    let mut ledger = yard.ledger();
    let letter = ledger
        .letters
        .get_mut(token)
        .expect("because it was put in");
    letter.tries.acknowledged += 1;
    drop(ledger);
    yard.acknowledged(Kind::Delivery);
    Ok(())
}

/// Reads what is new in a mailbox into the ledger: what a reader saw must be there after a crash.
fn read_new(yard: &Yard, imap: &mut Imap, place: (&str, &str), from: &mut u32) -> Result<()> {
    let fetch = format!("UID FETCH {from}:* (UID BODY.PEEK[HEADER.FIELDS (X-TOKEN)])");
    let answer = must(imap, &fetch)?;
    let mut ledger = yard.ledger();
    for response in &answer.untagged {
        let (Some(uid), Some(token)) = (uid_of(response), token_in(response)) else {
            continue;
        };
        ledger.seen(place, uid, &token);
        *from = (*from).max(uid + 1);
    }
    Ok(())
}

const FLAGS: [&str; 6] = [
    "$Forwarded",
    "\\Answered",
    "\\Draft",
    "\\Flagged",
    "\\Seen",
    "kept",
];

/// Replaces flags of its own messages, one after the other.
pub fn flag(yard: &Yard, name: &str, class: (u32, u32), mut seeded: Seeded) -> Result<()> {
    let mut imap = yard.imap(name, "INBOX")?;
    let mut from = 1;
    loop {
        read_new(yard, &mut imap, (name, "INBOX"), &mut from)?;
        let own = yard.ledger().mailbox(name, "INBOX").class(class, from);
        if own.is_empty() {
            continue;
        }
        for _ in 0..5 {
            let uid = *seeded.pick(&own);
            let chosen = seeded.next();
            let flags = FLAGS.iter().enumerate();
            let flags: Vec<String> = flags
                .filter(|(bit, _)| chosen >> bit & 1 == 1)
                .map(|(_, &flag)| flag.to_owned())
                .collect();
            let store = format!("UID STORE {uid} FLAGS ({})", flags.join(" "));
            yard.ledger().mailbox(name, "INBOX").message(uid).wish = Some(flags.clone());
            yard.asked(Kind::Flags);
            must(&mut imap, &store)?;
            let mut ledger = yard.ledger();
            let message = ledger.mailbox(name, "INBOX").message(uid);
            (message.flags, message.wish) = (Some(flags), None);
            drop(ledger);
            yard.acknowledged(Kind::Flags);
        }
    }
}

/// Copies and moves its own messages to other mailboxes, a few at a time.
pub fn copy_and_move(yard: &Yard, name: &str, mut seeded: Seeded) -> Result<()> {
    let mut imap = yard.imap(name, "INBOX")?;
    let mut from = 1;
    loop {
        read_new(yard, &mut imap, (name, "INBOX"), &mut from)?;
        let mut own = yard.ledger().mailbox(name, "INBOX").class((5, 2), from);
        let few = 1 + usize::try_from(seeded.below(4)).unwrap_or(0);
        if own.len() <= few {
            continue;
        }
        let start = usize::try_from(seeded.below(own.len() as u64 - few as u64)).unwrap_or(0);
        let own: Vec<u32> = own.drain(start..start + few).collect();
        let (kind, word, to) = match seeded.once_in(2) {
            Once::Now => (Kind::Copy, "COPY", "Copies"),
            Once::NotNow => (Kind::Move, "MOVE", "Moved"),
        };
        let tokens: Vec<String> = {
            let mut ledger = yard.ledger();
            let inbox = ledger.mailbox(name, "INBOX");
            let message = own.iter().map(|&uid| {
                let message = inbox.message(uid);
                if kind == Kind::Move {
                    message.leaving = Leaving::Asked;
                }
                message.token.clone()
            });
            let tokens: Vec<String> = message.collect();
            ledger.mailbox(name, to).coming.push(tokens.clone());
            tokens
        };
        yard.asked(kind);
        let answer = must(&mut imap, &format!("UID {word} {} {to}", set(&own)))?;
        let copied = copied(&format!("{}\n{}", answer.text(), answer.status))
            .unwrap_or_else(|| panic!("no COPYUID: {}", answer.status));
        assert_eq!(copied.0, own, "what was copied is what was asked for");
        let mut ledger = yard.ledger();
        ledger.mailbox(name, to).coming.pop();
        for (token, uid) in tokens.iter().zip(&copied.1) {
            ledger.seen((name, to), *uid, token);
        }
        if kind == Kind::Move {
            for uid in own {
                ledger.mailbox(name, "INBOX").message(uid).leaving = Leaving::Done;
            }
        }
        drop(ledger);
        yard.acknowledged(kind);
    }
}

/// Marks its own messages as deleted and expunges them.
pub fn expunge(yard: &Yard, name: &str, mut seeded: Seeded) -> Result<()> {
    let mut imap = yard.imap(name, "INBOX")?;
    let mut from = 1;
    loop {
        read_new(yard, &mut imap, (name, "INBOX"), &mut from)?;
        let mut own = yard.ledger().mailbox(name, "INBOX").class((5, 3), from);
        own.truncate(1 + usize::try_from(seeded.below(3)).unwrap_or(0));
        if own.is_empty() {
            continue;
        }
        let deleted = vec!["\\Deleted".to_owned()];
        for &uid in &own {
            yard.ledger().mailbox(name, "INBOX").message(uid).wish = Some(deleted.clone());
        }
        yard.asked(Kind::Flags);
        must(
            &mut imap,
            &format!("UID STORE {} FLAGS (\\Deleted)", set(&own)),
        )?;
        for &uid in &own {
            let mut ledger = yard.ledger();
            let message = ledger.mailbox(name, "INBOX").message(uid);
            (message.flags, message.wish) = (Some(deleted.clone()), None);
            message.leaving = Leaving::Asked;
        }
        yard.acknowledged(Kind::Flags);
        yard.asked(Kind::Expunge);
        must(&mut imap, &format!("UID EXPUNGE {}", set(&own)))?;
        for &uid in &own {
            yard.ledger().mailbox(name, "INBOX").message(uid).leaving = Leaving::Done;
        }
        yard.acknowledged(Kind::Expunge);
    }
}

/// Appends messages, a large one now and then.
pub fn append(yard: &Yard, name: &str, mut seeded: Seeded) -> Result<()> {
    let mut imap = yard.imap(name, "Sent")?;
    for count in 0.. {
        let token = format!("r{}an{count}e", yard.round);
        let octets = match seeded.below(20) {
            0 => 300_000,
            _ => seeded.below(5_000),
        };
        let octets = letter(&token, usize::try_from(octets).unwrap_or(0));
        {
            let mut ledger = yard.ledger();
            ledger.appended.insert(token.clone(), octets.clone());
            ledger
                .mailbox(name, "Sent")
                .coming
                .push(vec![token.clone()]);
        }
        yard.asked(Kind::Append);
        let answer = imap.try_append("Sent", "\\Seen", &octets)?;
        assert!(answer.is_ok(), "{}", answer.status);
        let mut words = answer.status.split([' ', ']']);
        let uid = words
            .by_ref()
            .skip_while(|word| *word != "[APPENDUID")
            .nth(2);
        let uid: u32 = uid
            .and_then(|uid| uid.parse().ok())
            .unwrap_or_else(|| panic!("no APPENDUID: {}", answer.status));
        let mut ledger = yard.ledger();
        let sent = ledger.mailbox(name, "Sent");
        sent.coming.pop();
        let known = Known {
            token,
            flags: Some(vec!["\\Seen".to_owned()]),
            ..Known::default()
        };
        sent.known.insert(uid, known);
        drop(ledger);
        yard.acknowledged(Kind::Append);
    }
    Ok(())
}

/// Reads and deletes by POP3, session after session.
pub fn pop3(yard: &Yard, name: &str, mut seeded: Seeded) -> Result<()> {
    let account = yard.account(name);
    loop {
        let at = &yard.listeners["pop3"];
        let mut pop3 = Pop3::log_in(at, &account.address, &account.password)?;
        let mut marked = Vec::new();
        for line in pop3.try_lines("UIDL")? {
            let line = String::from_utf8_lossy(&line).into_owned();
            let uid = line.rsplit('.').next().and_then(|uid| uid.parse().ok());
            let uid: u32 = uid.unwrap_or_else(|| panic!("{line}"));
            if !uid.is_multiple_of(3) || seeded.once_in(2) == Once::NotNow {
                continue;
            }
            let number = number_after(&line, "").unwrap_or_else(|| panic!("{line}"));
            let head = pop3
                .try_lines(&format!("TOP {number} 0"))?
                .join(&b"\r\n"[..]);
            // The welcome has no token, and stays.
            let Some(token) = token_in(&head) else {
                continue;
            };
            yard.ledger().seen((name, "INBOX"), uid, &token);
            pop3.try_must(&format!("DELE {number}"))?;
            marked.push(uid);
            if marked.len() == 3 {
                break;
            }
        }
        for &uid in &marked {
            yard.ledger().mailbox(name, "INBOX").message(uid).leaving = Leaving::Asked;
        }
        if !marked.is_empty() {
            yard.asked(Kind::Pop3Quit);
        }
        pop3.try_must("QUIT")?;
        for &uid in &marked {
            yard.ledger().mailbox(name, "INBOX").message(uid).leaving = Leaving::Done;
        }
        if !marked.is_empty() {
            yard.acknowledged(Kind::Pop3Quit);
        }
    }
}

fn set(uids: &[u32]) -> String {
    let words: Vec<String> = uids.iter().map(u32::to_string).collect();
    words.join(",")
}

/// From and to of a COPYUID.
fn copied(text: &str) -> Option<(Vec<u32>, Vec<u32>)> {
    let (_, rest) = text.split_once("[COPYUID ")?;
    let (inside, _) = rest.split_once(']')?;
    let mut words = inside.split(' ').skip(1);
    Some((spread(words.next()?)?, spread(words.next()?)?))
}

/// The numbers of a set, in its order.
fn spread(set: &str) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    for part in set.split(',') {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        numbers.extend(first.parse::<u32>().ok()?..=last.parse().ok()?);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_which_messages_became_which() {
        let text = "* OK [COPYUID 7 1:3,9 20:22,40] moved\nOK done";
        assert_eq!(copied(text), Some((vec![1, 2, 3, 9], vec![20, 21, 22, 40])));
        assert_eq!(copied("OK nothing"), None);
    }
}
