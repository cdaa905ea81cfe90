//! The one table of commands: in which states each is allowed, what may be told at its end, where
//! it is specified, and the function that does it.

use crate::cmd;
use crate::reply::Outcome;
use crate::session::Session;
use imap::{Command, Ids, MessageSet, SearchKey, Tag, Verb};
use mail::Expunges;

/// The states of a session [rfc3501 3] [rfc9051 3].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    NotAuthenticated,
    Authenticated,
    Selected,
}

/// In which states a command is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    Anywhere,
    BeforeLogin,
    AfterLogin,
    Selected,
}

impl Allowed {
    pub fn in_stage(self, stage: Stage) -> bool {
        match self {
            Allowed::Anywhere => true,
            Allowed::BeforeLogin => stage == Stage::NotAuthenticated,
            Allowed::AfterLogin => stage != Stage::NotAuthenticated,
            Allowed::Selected => stage == Stage::Selected,
        }
    }

    /// Why a command is not taken now.
    pub fn refusal(self) -> &'static str {
        match self {
            Allowed::Anywhere => "not now",
            Allowed::BeforeLogin => "you have logged in already",
            Allowed::AfterLogin => "log in first",
            Allowed::Selected => "select a mailbox first",
        }
    }
}

/// What a session with a mailbox open is told before the tagged answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing: the mailbox is just opened or left.
    Nothing,
    Everything,
    /// No EXPUNGE in the form with sequence numbers [rfc3501 7.4.1].
    ByIds,
}

impl Told {
    /// What of expunges may be told at the end of this command; `None` = nothing at all.
    pub fn expunges(self, command: &Command) -> Option<Expunges> {
        match (self, uses_numbers(command)) {
            (Told::Nothing, _) => None,
            (Told::Everything, _) | (Told::ByIds, false) => Some(Expunges::Tell),
            (Told::ByIds, true) => Some(Expunges::Hold),
        }
    }
}

/// One command.
#[derive(Debug)]
pub(crate) struct Row {
    pub verb: Verb,
    pub allowed: Allowed,
    pub told: Told,
    /// Where it is specified.
    pub rfc: &'static str,
}

const fn row(verb: Verb, allowed: Allowed, told: Told, rfc: &'static str) -> Row {
    Row {
        verb,
        allowed,
        told,
        rfc,
    }
}

pub(crate) const TABLE: &[Row] = &[
    row(
        Verb::Capability,
        Allowed::Anywhere,
        Told::Everything,
        "rfc3501 6.1.1",
    ),
    row(
        Verb::Noop,
        Allowed::Anywhere,
        Told::Everything,
        "rfc3501 6.1.2",
    ),
    row(
        Verb::Logout,
        Allowed::Anywhere,
        Told::Nothing,
        "rfc3501 6.1.3",
    ),
    row(Verb::Id, Allowed::Anywhere, Told::Everything, "rfc2971 3.1"),
    row(
        Verb::StartTls,
        Allowed::BeforeLogin,
        Told::Nothing,
        "rfc3501 6.2.1",
    ),
    row(
        Verb::Authenticate,
        Allowed::BeforeLogin,
        Told::Nothing,
        "rfc3501 6.2.2",
    ),
    row(
        Verb::Login,
        Allowed::BeforeLogin,
        Told::Nothing,
        "rfc3501 6.2.3",
    ),
    row(
        Verb::Enable,
        Allowed::AfterLogin,
        Told::Everything,
        "rfc5161 3.1",
    ),
    row(
        Verb::Select,
        Allowed::AfterLogin,
        Told::Nothing,
        "rfc3501 6.3.1",
    ),
    row(
        Verb::Examine,
        Allowed::AfterLogin,
        Told::Nothing,
        "rfc3501 6.3.2",
    ),
    row(
        Verb::Create,
        Allowed::AfterLogin,
        Told::Everything,
        "rfc3501 6.3.3",
    ),
    row(
        Verb::Delete,
        Allowed::AfterLogin,
        Told::Everything,
        "rfc3501 6.3.4",
    ),
    row(
        Verb::Rename,
        Allowed::AfterLogin,
        Told::Everything,
        "rfc3501 6.3.5",
    ),
    row(
        Verb::Subscribe,
        Allowed::AfterLogin,
        Told::Everything,
        "rfc3501 6.3.6",
    ),
    row(
        Verb::Unsubscribe,
        Allowed::AfterLogin,
        Told::Everything,
        "rfc3501 6.3.7",
    ),
    row(
        Verb::List,
        Allowed::AfterLogin,
        Told::Everything,
        "rfc3501 6.3.8",
    ),
    row(
        Verb::Lsub,
        Allowed::AfterLogin,
        Told::Everything,
        "rfc3501 6.3.9",
    ),
    row(
        Verb::Status,
        Allowed::AfterLogin,
        Told::Everything,
        "rfc3501 6.3.10",
    ),
    row(
        Verb::Append,
        Allowed::AfterLogin,
        Told::Everything,
        "rfc3501 6.3.11",
    ),
    row(
        Verb::Namespace,
        Allowed::AfterLogin,
        Told::Everything,
        "rfc2342 5",
    ),
    row(
        Verb::Idle,
        Allowed::AfterLogin,
        Told::Everything,
        "rfc2177 3",
    ),
    row(
        Verb::Check,
        Allowed::Selected,
        Told::Everything,
        "rfc3501 6.4.1",
    ),
    row(
        Verb::Close,
        Allowed::Selected,
        Told::Nothing,
        "rfc3501 6.4.2",
    ),
    row(
        Verb::Unselect,
        Allowed::Selected,
        Told::Nothing,
        "rfc3691 2",
    ),
    row(
        Verb::Expunge,
        Allowed::Selected,
        Told::Everything,
        "rfc3501 6.4.3",
    ),
    row(
        Verb::UidExpunge,
        Allowed::Selected,
        Told::Everything,
        "rfc4315 2.1",
    ),
    row(
        Verb::Search,
        Allowed::Selected,
        Told::ByIds,
        "rfc3501 6.4.4",
    ),
    row(Verb::Fetch, Allowed::Selected, Told::ByIds, "rfc3501 6.4.5"),
    row(Verb::Store, Allowed::Selected, Told::ByIds, "rfc3501 6.4.6"),
    row(
        Verb::Copy,
        Allowed::Selected,
        Told::Everything,
        "rfc3501 6.4.7",
    ),
    row(
        Verb::Move,
        Allowed::Selected,
        Told::Everything,
        "rfc6851 3.1",
    ),
];

/// The row of a command.
pub(crate) fn row_of(verb: Verb) -> &'static Row {
    let row = TABLE.iter().find(|row| row.verb == verb);
    row.expect("because a test finds every verb in the table")
}

/// What the numbers of a command are; commands without numbers count as those with sequence
/// numbers.
pub(crate) fn ids_of(command: &Command) -> Ids {
    match command {
        Command::Search(search) => search.ids,
        Command::Store(store) => store.ids,
        Command::Fetch { ids, .. } | Command::Copy { ids, .. } | Command::Move { ids, .. } => *ids,
        Command::UidExpunge(_) => Ids::Uid,
        _ => Ids::Sequence,
    }
}

/// Does the client count by sequence numbers while this command runs? A UID SEARCH with numbers
/// among its keys does [rfc7162 3.2.10.2].
fn uses_numbers(command: &Command) -> bool {
    let by_number = |key: &SearchKey| matches!(key, SearchKey::Sequence(MessageSet::Numbers(_)));
    match command {
        Command::Search(search) => search.ids == Ids::Sequence || search.key.any(by_number),
        other => ids_of(other) == Ids::Sequence,
    }
}

/// The table's last column: a command without a function does not compile.
///
/// What a command needs while it runs lies in a box that goes when it is done. A session mostly
/// waits, and would else hold room for the largest of all commands all the time; only IDLE, which
/// is the waiting, lies in the session itself.
pub(crate) async fn run(session: &mut Session, tag: &Tag, command: Command) -> Outcome {
    match command {
        Command::Capability => cmd::capability::run(session),
        Command::Noop => Ok(cmd::noop::run()),
        Command::Logout => Ok(cmd::logout::run(session)),
        Command::StartTls => cmd::starttls::run(session),
        Command::Authenticate { mechanism, initial } => {
            Box::pin(cmd::authenticate::run(session, &mechanism, initial)).await
        }
        Command::Login { user, password } => {
            Box::pin(cmd::login::run(session, &user, &password)).await
        }
        Command::Select { mailbox, params } => {
            Box::pin(cmd::select::run(
                session,
                &mailbox,
                &params,
                mail::Access::ReadWrite,
            ))
            .await
        }
        Command::Examine { mailbox, params } => {
            Box::pin(cmd::select::run(
                session,
                &mailbox,
                &params,
                mail::Access::ReadOnly,
            ))
            .await
        }
        Command::Create(create) => Box::pin(cmd::create::run(session, &create)).await,
        Command::Delete(name) => Box::pin(cmd::delete::run(session, &name)).await,
        Command::Rename { from, to } => Box::pin(cmd::rename::run(session, &from, &to)).await,
        Command::Subscribe(name) => Box::pin(cmd::subscribe::run(session, &name)).await,
        Command::Unsubscribe(name) => Box::pin(cmd::unsubscribe::run(session, &name)).await,
        Command::List(list) => Box::pin(cmd::list::run(session, &list)).await,
        Command::Lsub { reference, pattern } => {
            Box::pin(cmd::lsub::run(session, &reference, &pattern)).await
        }
        Command::Status { mailbox, items } => cmd::status::run(session, mailbox, &items),
        Command::Append(append) => Box::pin(cmd::append::run(session, append)).await,
        Command::Check => Ok(cmd::check::run()),
        Command::Close => Box::pin(cmd::close::run(session)).await,
        Command::Unselect => Ok(cmd::unselect::run(session)),
        Command::Expunge => Box::pin(cmd::expunge::run(session, None)).await,
        Command::UidExpunge(set) => Box::pin(cmd::expunge::run(session, Some(&set))).await,
        Command::Search(search) => Box::pin(cmd::search::run(session, tag, &search)).await,
        Command::Fetch {
            ids,
            set,
            items,
            modifiers,
        } => Box::pin(cmd::fetch::run(session, ids, &set, items, modifiers)).await,
        Command::Store(store) => Box::pin(cmd::store::run(session, &store)).await,
        Command::Copy { ids, set, mailbox } => {
            Box::pin(cmd::copy::run(session, ids, &set, &mailbox)).await
        }
        Command::Move { ids, set, mailbox } => {
            Box::pin(cmd::move_to::run(session, ids, &set, &mailbox)).await
        }
        Command::Idle => cmd::idle::run(session).await,
        Command::Namespace => Ok(cmd::namespace::run(session)),
        Command::Id(_) => Ok(cmd::id::run(session)),
        Command::Enable(words) => Ok(cmd::enable::run(session, &words)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_stands_in_the_table_once() {
        for (at, row) in TABLE.iter().enumerate() {
            assert!(
                TABLE[at + 1..].iter().all(|other| other.verb != row.verb),
                "{row:?}"
            );
            assert!(row.rfc.starts_with("rfc"));
        }
        // Capability is the first verb, Enable the last of those that the library reads.
        assert_eq!(TABLE.len(), Verb::Enable as usize + 1);
    }

    /// [rfc9051 6.5 #1]
    #[test]
    fn every_command_beyond_the_base_is_announced() {
        for row in TABLE.iter().filter(|row| !row.rfc.starts_with("rfc3501")) {
            let capability = match row.verb {
                Verb::UidExpunge => "UIDPLUS".to_owned(),
                verb => format!("{verb:?}").to_ascii_uppercase(),
            };
            assert_eq!(crate::capability::spelled(&capability), capability);
        }
    }

    /// [rfc3501 7.4.1]
    #[test]
    fn tells_no_expunge_while_sequence_numbers_are_in_use() {
        for verb in [Verb::Fetch, Verb::Store, Verb::Search] {
            assert_eq!(row_of(verb).told, Told::ByIds);
        }
        check("FETCH 1 UID", Expunges::Hold);
        check("STORE $ FLAGS ()", Expunges::Hold);
        check("UID FETCH 1 UID", Expunges::Tell);
        check("NOOP", Expunges::Tell);
    }

    /// [rfc7162 3.2.10.2]
    #[test]
    fn tells_no_expunge_while_a_uid_search_has_sequence_numbers_among_its_keys() {
        check("UID SEARCH ALL", Expunges::Tell);
        check("UID SEARCH UID 1:* $", Expunges::Tell);
        check("UID SEARCH OR SEEN (NOT 1:*)", Expunges::Hold);
        check("SEARCH ALL", Expunges::Hold);
    }

    fn check(text: &str, expect: Expunges) {
        let text = format!("a {text}");
        let parsed = imap::parse_command(text.as_bytes(), imap::NameEncoding::Utf8);
        let (_, command) = parsed.unwrap();
        let told = row_of(command.verb()).told.expunges(&command);
        assert_eq!(told, Some(expect), "{text}");
    }
}
