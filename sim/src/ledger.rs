//! What clients were promised and what they have seen: the facts that the laws are checked against.
//!
//! Everything uncertain stays so until somebody saw how it came out. What never happens here: a
//! judgement (`laws`).

use crate::letter::Letter;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A mailbox of an account.
pub type Place = (usize, String);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Promised or seen, and nobody asked for its removal.
    There,
    /// Somebody asked for its removal; how that came out is not known.
    MayGo,
    /// Its removal was promised or seen.
    Gone,
}

/// One flag of one message.
#[derive(Clone, Default, Debug)]
pub struct FlagFact {
    /// None: not known.
    pub value: Option<bool>,
    /// Changes under way.
    pub open: u32,
    /// Rises with every beginning and end of a change.
    pub version: u64,
}

#[derive(Clone, Debug)]
pub struct Message {
    pub letter: u64,
    pub standing: Standing,
    /// Its bytes were read and compared.
    pub read: bool,
    pub flags: BTreeMap<String, FlagFact>,
}

/// What is known of a mailbox.
#[derive(Default, Debug)]
pub struct Book {
    pub uid_validity: Option<u32>,
    /// Every UID below is known, if it was ever given to a message.
    pub watermark: u32,
    pub messages: BTreeMap<u32, Message>,
    /// Messages that may come to be here by what is under way or was cut off.
    pub possible: BTreeMap<u64, u32>,
    /// Ids of 250 replies whose messages nobody has seen yet.
    pub acknowledged: BTreeMap<String, u64>,
    /// Ids in Received fields that were seen, and the UID under which.
    pub received: BTreeMap<String, u32>,
}

/// A moment before a look.
pub struct Before {
    pub there: BTreeSet<u32>,
    pub gone: BTreeSet<u32>,
    pub acknowledged: Vec<String>,
    pub watermark: u32,
    pub versions: BTreeMap<(u32, String), u64>,
}

/// A message at the server at the other end of the road.
#[derive(Clone, Debug)]
pub struct Abroad {
    /// How often our server had died when it was taken last.
    pub deaths: u64,
    /// Its 250 was read by our server.
    pub reply_was_read: bool,
}

/// A message for one recipient elsewhere: its id, or a report's Message-ID, and the address.
pub type Onward = (String, String);

/// What a sender wants to hear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ask {
    /// What is usual.
    Nothing,
    Never,
    Failure,
    SuccessAndFailure,
}

impl Ask {
    /// The parameter of RCPT.
    pub fn parameter(self) -> &'static str {
        match self {
            Ask::Nothing => "",
            Ask::Never => " NOTIFY=NEVER",
            Ask::Failure => " NOTIFY=FAILURE",
            Ask::SuccessAndFailure => " NOTIFY=SUCCESS,FAILURE",
        }
    }
}

/// Who wrote a letter for somebody elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// None: a stranger, whose reports travel.
    pub account: Option<usize>,
    pub ask: Ask,
}

#[derive(Default)]
pub struct Ledger {
    /// Messages for elsewhere that were answered with 250, and their letters.
    pub submitted: BTreeMap<Onward, u64>,
    /// Letters for elsewhere and the addresses that they go to.
    pub wishes: BTreeMap<(u64, String), Wish>,
    /// What the other server has taken, by the id in our Received field.
    pub abroad: BTreeMap<Onward, Abroad>,
    /// Reports that were seen, and the numbers that they have here.
    pub reports: BTreeMap<String, u64>,
    /// What senders were told: of which message and recipient, in which word, by which report.
    pub told: BTreeMap<(Onward, String), String>,
    /// A report on its way to a stranger was refused, or may grow too old, or nobody can say whether
    /// the stranger has sent what it is about: nobody is told of that.
    pub reports_may_be_lost: bool,
    pub letters: BTreeMap<u64, Arc<Letter>>,
    books: BTreeMap<Place, Book>,
    /// Refused while the store could not write: a crash may still bring them to light.
    doubtful: Vec<(Place, u64)>,
    next_letter: u64,
    /// Mailboxes whose deletion was acknowledged.
    pub gone_mailboxes: BTreeSet<Place>,
    /// How much was done, for the end of the trace.
    pub counts: BTreeMap<&'static str, u64>,
}

impl Ledger {
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub fn next_letter(&mut self) -> u64 {
        self.next_letter += 1;
        self.next_letter
    }

    pub fn keep(&mut self, letter: Letter) -> Arc<Letter> {
        let letter = Arc::new(letter);
        self.letters.insert(letter.number, letter.clone());
        letter
    }

    pub fn book(&mut self, place: &Place) -> &mut Book {
        self.books.entry(place.clone()).or_default()
    }

    pub fn books(&self) -> impl Iterator<Item = (&Place, &Book)> {
        self.books.iter()
    }

    /// A mailbox that was made anew, or is gone.
    pub fn forget_book(&mut self, place: &Place) {
        self.books.remove(place);
    }

    pub fn rename_book(&mut self, from: &Place, to: &Place) {
        if let Some(book) = self.books.remove(from) {
            self.books.insert(to.clone(), book);
        }
    }

    /// The server's process died: what was refused because the disk failed may be there after all.
    pub fn died(&mut self) {
        for (place, letter) in std::mem::take(&mut self.doubtful) {
            *self.book(&place).possible.entry(letter).or_default() += 1;
        }
    }

    /// Something is under way that may put this letter there once.
    pub fn begin_arrival(&mut self, place: &Place, letter: u64) {
        *self.book(place).possible.entry(letter).or_default() += 1;
    }

    /// It was refused by a store that could not write, and so does not know whether the disk has
    /// it.
    pub fn doubt(&mut self, place: &Place, letter: u64) {
        self.doubtful.push((place.clone(), letter));
    }

    /// The store writes again: what it refused is decided.
    pub fn no_more_doubt(&mut self) {
        self.doubtful.clear();
    }

    /// One possible arrival is accounted for. False: there was none.
    pub fn consume(&mut self, place: &Place, letter: u64) -> bool {
        let possible = &mut self.book(place).possible;
        match possible.get_mut(&letter) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) => {
                possible.remove(&letter);
            }
            None => return false,
        }
        true
    }

    /// A removal of these is asked for.
    pub fn may_go(&mut self, place: &Place, uids: &[u32]) {
        let book = self.book(place);
        for uid in uids {
            if let Some(message) = book.messages.get_mut(uid)
                && message.standing == Standing::There
            {
                message.standing = Standing::MayGo;
            }
        }
    }

    pub fn before(&mut self, place: &Place) -> Before {
        let book = self.book(place);
        let of = |standing: Standing| {
            let those = book.messages.iter();
            those
                .filter(move |(_, message)| message.standing == standing)
                .map(|(uid, _)| *uid)
                .collect()
        };
        let mut versions = BTreeMap::new();
        for (uid, message) in &book.messages {
            for (flag, fact) in &message.flags {
                versions.insert((*uid, flag.clone()), fact.version);
            }
        }
        Before {
            there: of(Standing::There),
            gone: of(Standing::Gone),
            acknowledged: book.acknowledged.keys().cloned().collect(),
            watermark: book.watermark,
            versions,
        }
    }

    /// A change of a flag begins; gives what `end_flag` needs.
    pub fn begin_flag(&mut self, place: &Place, uid: u32, flag: &str) -> u64 {
        let Some(message) = self.book(place).messages.get_mut(&uid) else {
            return 0;
        };
        let fact = message.flags.entry(flag.to_owned()).or_default();
        fact.open += 1;
        fact.version += 1;
        fact.value = None;
        fact.version
    }

    /// It ended; None: how, is not known.
    pub fn end_flag(
        &mut self,
        place: &Place,
        uid: u32,
        flag: &str,
        begun: u64,
        value: Option<bool>,
    ) {
        let Some(message) = self.book(place).messages.get_mut(&uid) else {
            return;
        };
        let fact = message.flags.entry(flag.to_owned()).or_default();
        fact.open = fact.open.saturating_sub(1);
        // Only if no other change overlapped is it known what stands there now.
        fact.value = if fact.version == begun && fact.open == 0 {
            value
        } else {
            None
        };
        fact.version += 1;
    }
}
