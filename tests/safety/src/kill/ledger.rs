//! What was asked of the server and what it acknowledged, so that it can be held to it.
//!
//! What never happens here: talking to the server.

use std::collections::BTreeMap;

/// How far the removal of a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Leaving {
    #[default]
    No,
    /// Asked for, no answer: it may be there or not.
    Asked,
    /// Acknowledged.
    Done,
}

/// A message whose UID somebody has seen.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub token: String,
    /// Acknowledged or read; `None` = nobody has looked.
    pub flags: Option<Vec<String>>,
    /// Asked for, no answer.
    pub wish: Option<Vec<String>>,
    pub leaving: Leaving,
}

/// One mailbox.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    pub validity: u32,
    /// No new message may have a UID below this.
    pub next: u32,
    pub known: BTreeMap<u32, Known>,
    /// Messages that one command was about to bring here when the connection was lost: all of a
    /// group or none.
    pub coming: Vec<Vec<String>>,
}

/// One message for one recipient.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tries {
    pub sent: u32,
    pub acknowledged: u32,
}

/// A message that was sent by SMTP.
#[derive(Clone, Debug)]
pub struct Letter {
    pub octets: Vec<u8>,
    pub to: Vec<String>,
    pub tries: Tries,
}

/// The place of a mailbox: the account's name and the mailbox's.
pub type Place = (String, String);

#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub letters: BTreeMap<String, Letter>,
    /// Messages that were appended, by token.
    pub appended: BTreeMap<String, Vec<u8>>,
    pub mailboxes: BTreeMap<Place, Mailbox>,
    /// What was acknowledged in this round.
    pub acknowledged: BTreeMap<&'static str, u64>,
}

impl Ledger {
    pub fn mailbox(&mut self, account: &str, mailbox: &str) -> &mut Mailbox {
        let place = (account.to_owned(), mailbox.to_owned());
        self.mailboxes.entry(place).or_default()
    }

    /// The octets that were handed over under this token.
    pub fn octets_of(&self, token: &str) -> Option<&[u8]> {
        let sent = self.letters.get(token).map(|letter| &letter.octets);
        sent.or_else(|| self.appended.get(token)).map(Vec::as_slice)
    }

    /// Somebody has read this message: from now on it stays, with this UID.
    pub fn seen(&mut self, (account, mailbox): (&str, &str), uid: u32, token: &str) {
        let mailbox = self.mailbox(account, mailbox);
        let known = mailbox.known.entry(uid).or_insert_with(|| Known {
            token: token.to_owned(),
            ..Known::default()
        });
        assert_eq!(known.token, token, "UID {uid} of {account} is two messages");
    }

    pub fn count(&mut self, what: &'static str) {
        *self.acknowledged.entry(what).or_default() += 1;
    }
}

impl Mailbox {
    /// Messages that may be worked on and whose UID is in this class, below the one that a session
    /// has not been told of yet: what only others have seen means nothing to it [rfc3501 6.4.8].
    pub fn class(&self, (modulus, rest): (u32, u32), below: u32) -> Vec<u32> {
        let stays = |(uid, known): (&u32, &Known)| {
            (uid % modulus == rest && known.leaving == Leaving::No).then_some(*uid)
        };
        self.known.range(..below).filter_map(stays).collect()
    }

    pub fn message(&mut self, uid: u32) -> &mut Known {
        self.known
            .get_mut(&uid)
            .expect("because only known messages are worked on")
    }
}
