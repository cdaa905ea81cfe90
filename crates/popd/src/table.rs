//! Every command of the door: when it is allowed, what it runs, and where it is specified.
//!
//! The words and the forms of their arguments are `pop::WORDS`; a test holds both tables together.

use crate::cmd::{
    capa, envelope, flags, folders, international, leave, listing, login, mark, parts, retrieve,
    stls, submit, upload,
};
use crate::session::{End, Session};
use pop::pop4::{Flag, Folder, MessageSet, PartSection, Place, Setting};
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
    Extension(for<'a> fn(&'a mut Session, String) -> Doing<'a>),
    MaybeFolder(for<'a> fn(&'a mut Session, Option<Folder>) -> Doing<'a>),
    Folder(for<'a> fn(&'a mut Session, Folder) -> Doing<'a>),
    Folders(for<'a> fn(&'a mut Session, Folder, Folder) -> Doing<'a>),
    FolderAndPlace(for<'a> fn(&'a mut Session, Folder, Place) -> Doing<'a>),
    SetAndFolder(for<'a> fn(&'a mut Session, MessageSet, Folder) -> Doing<'a>),
    MaybeFolderAndFlags(for<'a> fn(&'a mut Session, Option<Folder>, Vec<Flag>) -> Doing<'a>),
    MaybeSet(for<'a> fn(&'a mut Session, Option<MessageSet>) -> Doing<'a>),
    SetAndFlags(for<'a> fn(&'a mut Session, MessageSet, Setting, Vec<Flag>) -> Doing<'a>),
    NumberAndSection(for<'a> fn(&'a mut Session, u32, PartSection) -> Doing<'a>),
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
    row(
        Verb::Rpop,
        Authorization,
        Run::Secret(login::rpop),
        "rfc1081",
    ),
    row(
        Verb::Xtnd,
        Transaction,
        Run::Extension(submit::xtnd),
        "draft-hansen-pop3-xtndext-00",
    ),
    row(
        Verb::Env,
        Transaction,
        Run::Number(envelope::env),
        "docs/pop4.md",
    ),
    row(
        Verb::Lfld,
        Transaction,
        Run::MaybeFolder(folders::lfld),
        "docs/pop4.md",
    ),
    row(
        Verb::Sfld,
        Transaction,
        Run::Folder(folders::sfld),
        "docs/pop4.md",
    ),
    row(
        Verb::Cfld,
        Transaction,
        Run::Folder(folders::cfld),
        "docs/pop4.md",
    ),
    row(
        Verb::Dfld,
        Transaction,
        Run::Folder(folders::dfld),
        "docs/pop4.md",
    ),
    row(
        Verb::Movf,
        Transaction,
        Run::FolderAndPlace(folders::movf),
        "docs/pop4.md",
    ),
    row(
        Verb::Renf,
        Transaction,
        Run::Folders(folders::renf),
        "docs/pop4.md",
    ),
    row(
        Verb::Move,
        Transaction,
        Run::SetAndFolder(folders::move_messages),
        "docs/pop4.md",
    ),
    row(
        Verb::Copy,
        Transaction,
        Run::SetAndFolder(folders::copy_messages),
        "docs/pop4.md",
    ),
    row(
        Verb::Stor,
        Transaction,
        Run::MaybeFolderAndFlags(upload::stor),
        "docs/pop4.md",
    ),
    row(
        Verb::Lflg,
        Transaction,
        Run::MaybeSet(flags::lflg),
        "docs/pop4.md",
    ),
    row(
        Verb::Sflg,
        Transaction,
        Run::SetAndFlags(flags::sflg),
        "docs/pop4.md",
    ),
    row(
        Verb::Lprt,
        Transaction,
        Run::Number(parts::lprt),
        "docs/pop4.md",
    ),
    row(
        Verb::Rprt,
        Transaction,
        Run::NumberAndSection(parts::rprt),
        "docs/pop4.md",
    ),
];

/// The row of a word that `pop` knows.
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
            Run::Extension(_) => Shape::Extension,
            Run::MaybeFolder(_) => Shape::MaybeFolder,
            Run::Folder(_) => Shape::Folder,
            Run::Folders(_) => Shape::Folders,
            Run::FolderAndPlace(_) => Shape::FolderAndPlace,
            Run::SetAndFolder(_) => Shape::SetAndFolder,
            Run::MaybeFolderAndFlags(_) => Shape::MaybeFolderAndFlags,
            Run::MaybeSet(_) => Shape::MaybeSet,
            Run::SetAndFlags(_) => Shape::SetAndFlags,
            Run::NumberAndSection(_) => Shape::NumberAndSection,
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
            let place = ["rfc", "draft-", "docs/"];
            assert!(
                place.iter().any(|p| row.rfc.starts_with(p)),
                "{}",
                word.word
            );
        }
        assert_eq!(TABLE.len(), WORDS.len());
    }
}
