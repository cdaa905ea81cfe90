//! Every command of the door: when it is allowed, what it runs, and where it is specified.
//!
//! The words and the forms of their arguments are `pop::WORDS`; a test holds both tables together.

use crate::cmd::{capa, international, leave, listing, login, mark, retrieve, stls};
use crate::session::{End, Session};
use pop::{Mechanism, Secret, Verb};
use std::future::Future;
use std::pin::Pin;

/// A command at work. An `Err` ends the session.
pub(crate) type Doing<'a> = Pin<Box<dyn Future<Output = Result<(), End>> + Send + 'a>>;

/// The states of [rfc1939 3]; UPDATE takes no commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum States {
    Authorization,
    Transaction,
    Both,
}

/// The function of a command, by the shape of its arguments.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    Nothing(for<'a> fn(&'a mut Session) -> Doing<'a>),
    Name(for<'a> fn(&'a mut Session, String) -> Doing<'a>),
    Secret(for<'a> fn(&'a mut Session, Secret) -> Doing<'a>),
    NameAndDigest(for<'a> fn(&'a mut Session, String, String) -> Doing<'a>),
    Number(for<'a> fn(&'a mut Session, u32) -> Doing<'a>),
    MaybeNumber(for<'a> fn(&'a mut Session, Option<u32>) -> Doing<'a>),
    NumberAndLines(for<'a> fn(&'a mut Session, u32, u64) -> Doing<'a>),
    MaybeLanguage(for<'a> fn(&'a mut Session, Option<String>) -> Doing<'a>),
    Mechanism(for<'a> fn(&'a mut Session, Option<Mechanism>) -> Doing<'a>),
}

/// One row of [`TABLE`].
pub(crate) struct Row {
    pub verb: Verb,
    pub states: States,
    pub run: Run,
    /// Where it is specified.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by people and by a test"))]
    pub rfc: &'static str,
}

const fn row(verb: Verb, states: States, run: Run, rfc: &'static str) -> Row {
    Row {
        verb,
        states,
        run,
        rfc,
    }
}

use States::{Authorization, Both, Transaction};

/// All commands.
pub(crate) static TABLE: &[Row] = &[
    row(
        Verb::User,
        Authorization,
        Run::Name(login::user),
        "rfc1939 7",
    ),
    row(
        Verb::Pass,
        Authorization,
        Run::Secret(login::pass),
        "rfc1939 7",
    ),
    row(
        Verb::Apop,
        Authorization,
        Run::NameAndDigest(login::apop),
        "rfc1939 7",
    ),
    row(
        Verb::Auth,
        Authorization,
        Run::Mechanism(login::auth),
        "rfc5034 4",
    ),
    row(
        Verb::Stls,
        Authorization,
        Run::Nothing(stls::run),
        "rfc2595 4",
    ),
    row(Verb::Capa, Both, Run::Nothing(capa::run), "rfc2449 5"),
    row(
        Verb::Utf8,
        Authorization,
        Run::Nothing(international::utf8),
        "rfc6856 2.1",
    ),
    row(
        Verb::Lang,
        Both,
        Run::MaybeLanguage(international::lang),
        "rfc6856 3.2",
    ),
    row(
        Verb::Stat,
        Transaction,
        Run::Nothing(listing::stat),
        "rfc1939 5",
    ),
    row(
        Verb::List,
        Transaction,
        Run::MaybeNumber(listing::list),
        "rfc1939 5",
    ),
    row(
        Verb::Uidl,
        Transaction,
        Run::MaybeNumber(listing::uidl),
        "rfc1939 7",
    ),
    row(
        Verb::Retr,
        Transaction,
        Run::Number(retrieve::retr),
        "rfc1939 5",
    ),
    row(
        Verb::Top,
        Transaction,
        Run::NumberAndLines(retrieve::top),
        "rfc1939 7",
    ),
    row(
        Verb::Dele,
        Transaction,
        Run::Number(mark::dele),
        "rfc1939 5",
    ),
    row(
        Verb::Rset,
        Transaction,
        Run::Nothing(mark::rset),
        "rfc1939 5",
    ),
    // RFC 1460; RFC 1939 has it no more, old programs still ask
    row(Verb::Last, Transaction, Run::Nothing(mark::last), "rfc1460"),
    row(
        Verb::Noop,
        Transaction,
        Run::Nothing(mark::noop),
        "rfc1939 5",
    ),
    row(Verb::Quit, Both, Run::Nothing(leave::quit), "rfc1939 6"),
];

/// The row of a word that `pop` knows; POP4 words may be known there before they are served here.
pub(crate) fn find(verb: Verb) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.verb == verb)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pop::{Shape, WORDS};

    fn shape(run: Run) -> Shape {
        match run {
            Run::Nothing(_) => Shape::Nothing,
            Run::Name(_) => Shape::Name,
            Run::Secret(_) => Shape::Secret,
            Run::NameAndDigest(_) => Shape::NameAndDigest,
            Run::Number(_) => Shape::Number,
            Run::MaybeNumber(_) => Shape::MaybeNumber,
            Run::NumberAndLines(_) => Shape::NumberAndLines,
            Run::MaybeLanguage(_) => Shape::MaybeLanguage,
            Run::Mechanism(_) => Shape::Mechanism,
        }
    }

    #[test]
    fn every_word_has_one_row_that_takes_its_arguments() {
        for word in WORDS {
            let rows: Vec<&Row> = TABLE.iter().filter(|row| row.verb == word.verb).collect();
            let [row] = rows[..] else {
                panic!("{} rows for {}", rows.len(), word.word)
            };
            assert_eq!(shape(row.run), word.shape, "{}", word.word);
            assert!(row.rfc.starts_with("rfc"), "{}", word.word);
        }
        assert_eq!(TABLE.len(), WORDS.len());
    }
}
