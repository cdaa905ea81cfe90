//! Parses the text of one command: tag, word, arguments. Never here: whether it is allowed now.

mod fetch;
mod list;
mod mailboxes;
mod messages;
mod search;
mod select;
mod session;

pub(crate) use messages::after_append;
pub(crate) use session::decode_base64;

use crate::command::{Command, Ids};
use crate::cursor::{Cursor, LiteralHead, Parsed, Stop};
use crate::mailbox::NameEncoding;
use crate::refusal::{Refusal, What};
use crate::tag::Tag;

type Arguments = fn(&mut Cursor<'_>) -> Parsed<Command>;

/// Every command's word and the parser of what follows it. A new command is a new line here.
const COMMANDS: &[(&str, Arguments)] = &[
    ("CAPABILITY", |_| Ok(Command::Capability)),
    ("NOOP", |_| Ok(Command::Noop)),
    ("LOGOUT", |_| Ok(Command::Logout)),
    ("STARTTLS", |_| Ok(Command::StartTls)),
    ("AUTHENTICATE", session::authenticate),
    ("LOGIN", session::login),
    ("SELECT", select::select),
    ("EXAMINE", select::examine),
    ("CREATE", mailboxes::create),
    ("DELETE", |c| mailboxes::one(c, Command::Delete)),
    ("RENAME", mailboxes::rename),
    ("SUBSCRIBE", |c| mailboxes::one(c, Command::Subscribe)),
    ("UNSUBSCRIBE", |c| mailboxes::one(c, Command::Unsubscribe)),
    ("LIST", list::list),
    ("LSUB", mailboxes::lsub),
    ("STATUS", mailboxes::status),
    ("APPEND", messages::append),
    ("CHECK", |_| Ok(Command::Check)),
    ("CLOSE", |_| Ok(Command::Close)),
    ("UNSELECT", |_| Ok(Command::Unselect)),
    ("EXPUNGE", |_| Ok(Command::Expunge)),
    ("SEARCH", |c| search::search(c, Ids::Sequence)),
    ("FETCH", |c| fetch::fetch(c, Ids::Sequence)),
    ("STORE", |c| messages::store(c, Ids::Sequence)),
    ("COPY", |c| messages::copy(c, Ids::Sequence)),
    ("MOVE", |c| messages::move_to(c, Ids::Sequence)),
    ("UID", uid),
    ("IDLE", |_| Ok(Command::Idle)),
    ("NAMESPACE", |_| Ok(Command::Namespace)),
    ("ID", session::id),
    ("ENABLE", session::enable),
];

/// `uid = "UID" SP (copy / move / fetch / search / store / uid-expunge)`
const UID_COMMANDS: &[(&str, Arguments)] = &[
    ("SEARCH", |c| search::search(c, Ids::Uid)),
    ("FETCH", |c| fetch::fetch(c, Ids::Uid)),
    ("STORE", |c| messages::store(c, Ids::Uid)),
    ("COPY", |c| messages::copy(c, Ids::Uid)),
    ("MOVE", |c| messages::move_to(c, Ids::Uid)),
    ("EXPUNGE", messages::uid_expunge),
];

/// What the text of a command turned out to be.
pub(crate) enum Outcome {
    Command(Tag, Command),
    /// It goes on with a literal.
    Literal(LiteralHead),
    Refused(Option<Tag>, Refusal),
}

/// A whole command, literals included, without its last CRLF. APPEND is parsed up to the header
/// of its message literal, with which the text must end.
/// The tag comes along with a refusal whenever it was readable.
pub fn parse_command(
    text: &[u8],
    names: NameEncoding,
) -> Result<(Tag, Command), (Option<Tag>, Refusal)> {
    match parse(text, names) {
        Outcome::Command(tag, command) => Ok((tag, command)),
        Outcome::Refused(tag, refusal) => Err((tag, refusal)),
        Outcome::Literal(_) => {
            let refusal = Refusal::new(What::Expected("all of the literal"), text.len());
            Err((read_tag(text), refusal))
        }
    }
}

/// `command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF`
pub(crate) fn parse(text: &[u8], names: NameEncoding) -> Outcome {
    if text.trim_ascii().is_empty() {
        return Outcome::Refused(None, Refusal::new(What::EmptyLine, 0));
    }
    let Some(tag) = read_tag(text) else {
        return Outcome::Refused(None, Refusal::new(What::Tag, 0));
    };
    if let Some(at_octet) = memchr::memchr(0, text) {
        return Outcome::Refused(Some(tag), Refusal::new(What::Nul, at_octet));
    }
    let mut cursor = Cursor::new(text, tag.as_str().len(), names);
    match after_tag(&mut cursor) {
        Ok(command) => Outcome::Command(tag, command),
        Err(Stop::Refused(refusal)) => Outcome::Refused(Some(tag), refusal),
        Err(Stop::Literal(head)) => Outcome::Literal(head),
    }
}

/// The tag of a command, however the rest looks.
pub(crate) fn read_tag(text: &[u8]) -> Option<Tag> {
    text.split(|&octet| octet == b' ').next().and_then(Tag::new)
}

fn after_tag(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.sp()?;
    let command = by_word(c, COMMANDS)?;
    c.end()?;
    Ok(command)
}

fn uid(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.sp()?;
    by_word(c, UID_COMMANDS)
}

fn by_word(c: &mut Cursor<'_>, table: &[(&str, Arguments)]) -> Parsed<Command> {
    let start = c.at();
    let word = c.atom("a command")?;
    let row = table
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word));
    let (_, arguments) = c.or_refuse(row, What::UnknownCommand, start)?;
    arguments(c)
}
