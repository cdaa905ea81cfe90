//! Arguments of APPEND, STORE, COPY, MOVE and UID EXPUNGE. Never here: what becomes of the messages.

use crate::command::{
    Append, AppendForm, AppendMessage, Command, Ids, Store, StoreOperation, Telling,
};
use crate::cursor::{Cursor, Parsed, Stop};
use crate::date::DateTime;
use crate::flag::{Flag, Keyword};
use crate::limits;
use crate::mailbox::NameEncoding;
use crate::refusal::{Refusal, What};

/// `append = "APPEND" SP mailbox 1*append-message` [rfc3502 6.3.11], up to the first literal's text.
pub(super) fn append(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.sp()?;
    let mailbox = c.mailbox()?;
    let message = append_message(c)?;
    Ok(Command::Append(Append { mailbox, message }))
}

/// `append-message = [SP flag-list] [SP date-time] SP append-data`, up to the literal's text,
/// `append-data = literal / literal8 / "UTF8" SP "(" literal8 ")"`
fn append_message(c: &mut Cursor<'_>) -> Parsed<AppendMessage> {
    c.sp()?;
    let mut flags = Vec::new();
    if c.peek() == Some(b'(') {
        flags = c.list("a list of flags", limits::FLAGS, flag)?;
        flags.retain(|flag| *flag != Flag::Recent);
        c.sp()?;
    }
    let mut date = None;
    if c.peek() == Some(b'"') {
        let start = c.at();
        let text = c.string("a date and time")?;
        date = Some(c.or_refuse(DateTime::parse(&text), What::BadDate, start)?);
        c.sp()?;
    }
    let form = append_form(c)?;
    let head = c.literal_head()?;
    if c.peek().is_some() {
        return c.refuse(What::Expected("the end of the line"));
    }
    Ok(AppendMessage {
        flags,
        date,
        size: head.octets,
        form,
        waits: head.kind,
    })
}

/// What stands before the brace of the literal: nothing, `~`, or `UTF8 (~`.
fn append_form(c: &mut Cursor<'_>) -> Parsed<AppendForm> {
    let start = c.at();
    if c.take(b'~').is_some() {
        return Ok(AppendForm::Binary);
    }
    if !c.peek().is_some_and(|octet| octet.is_ascii_alphabetic()) {
        return Ok(AppendForm::Literal);
    }
    let is_utf8 = c.atom("a literal")?.eq_ignore_ascii_case("UTF8");
    c.or_refuse(is_utf8.then_some(()), What::Expected("a literal"), start)?;
    c.sp()?;
    c.octet(b'(', "( before the literal")?;
    c.octet(b'~', "~ before the literal")?;
    Ok(AppendForm::Utf8)
}

/// What follows a message of APPEND on its line: the next one, or the end of the command.
pub(crate) fn after_append(
    line: &[u8],
    form: AppendForm,
) -> Result<Option<AppendMessage>, Refusal> {
    let mut c = Cursor::new(line, 0, NameEncoding::default());
    let next = (|| {
        if form == AppendForm::Utf8 {
            c.octet(b')', ") after the literal")?;
        }
        let is_over = line[c.at()..].iter().all(|&octet| octet == b' ');
        match c.peek() {
            Some(b' ') if !is_over => append_message(&mut c).map(Some),
            _ => c.end().map(|()| None),
        }
    })();
    next.map_err(|stop| match stop {
        Stop::Refused(refusal) => refusal,
        Stop::Literal(_) => Refusal::new(What::TrailingText, 0),
    })
}

/// `flag = "\Answered" / … / flag-keyword / flag-extension`, `flag-extension = "\" atom`
fn flag(c: &mut Cursor<'_>) -> Parsed<Flag> {
    let start = c.at();
    let system = c.take(b'\\').is_some();
    let word = c.atom("a flag")?;
    let keyword = c.or_refuse(
        Keyword::new(word),
        What::TooMany("octets in a keyword"),
        start,
    )?;
    if !system {
        return Ok(Flag::Keyword(keyword));
    }
    Ok(Flag::system(word).unwrap_or(Flag::Extension(keyword)))
}

/// `store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags`
pub(super) fn store(c: &mut Cursor<'_>, ids: Ids) -> Parsed<Command> {
    c.sp()?;
    let set = c.message_set()?;
    c.sp()?;
    let unchanged_since = match c.peek() {
        Some(b'(') => Some(unchanged_since(c)?),
        _ => None,
    };
    let (operation, telling) = store_attribute(c)?;
    c.sp()?;
    let start = c.at();
    let flags = store_flags(c)?;
    // "\Recent … can not be altered by the client" [rfc3501 2.3.2]
    if flags.contains(&Flag::Recent) {
        return Err(Stop::Refused(Refusal::new(What::RecentFlag, start)));
    }
    Ok(Command::Store(Store {
        ids,
        set,
        unchanged_since,
        operation,
        telling,
        flags,
    }))
}

/// `store-modifiers = SP "(" store-modifier *(SP store-modifier) ")"` [rfc4466 2.5],
/// `store-modifier =/ "UNCHANGEDSINCE" SP mod-sequence-valzer`, only one of it [rfc7162 7]
fn unchanged_since(c: &mut Cursor<'_>) -> Parsed<u64> {
    let start = c.at();
    let modseqs = c.list("store modifiers", limits::MODIFIERS, |c| {
        let start = c.at();
        let word = c.atom("UNCHANGEDSINCE")?;
        let known = word.eq_ignore_ascii_case("UNCHANGEDSINCE").then_some(());
        c.or_refuse(known, What::Expected("UNCHANGEDSINCE"), start)?;
        c.sp()?;
        c.number64("a mod-sequence")
    })?;
    let one = match modseqs.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    let one = c.or_refuse(one, What::Expected("one UNCHANGEDSINCE"), start)?;
    c.sp()?;
    Ok(one)
}

/// `["+" / "-"] "FLAGS" [".SILENT"]`
fn store_attribute(c: &mut Cursor<'_>) -> Parsed<(StoreOperation, Telling)> {
    let start = c.at();
    let word = c.atom("FLAGS")?;
    let (operation, word) = match word.split_at_checked(1) {
        Some(("+", rest)) => (StoreOperation::Add, rest),
        Some(("-", rest)) => (StoreOperation::Remove, rest),
        _ => (StoreOperation::Replace, word),
    };
    let telling = match word.to_ascii_uppercase().as_str() {
        "FLAGS" => Some(Telling::Told),
        "FLAGS.SILENT" => Some(Telling::Silent),
        _ => None,
    };
    let telling = c.or_refuse(telling, What::Expected("FLAGS, +FLAGS or -FLAGS"), start)?;
    Ok((operation, telling))
}

/// `flag-list / (flag *(SP flag))`
fn store_flags(c: &mut Cursor<'_>) -> Parsed<Vec<Flag>> {
    if c.peek() == Some(b'(') {
        return c.list("a list of flags", limits::FLAGS, flag);
    }
    let mut flags = vec![flag(c)?];
    while c.sp_and_more() {
        if flags.len() == limits::FLAGS {
            return c.refuse(What::TooMany("flags"));
        }
        flags.push(flag(c)?);
    }
    Ok(flags)
}

/// `copy = "COPY" SP sequence-set SP mailbox`
pub(super) fn copy(c: &mut Cursor<'_>, ids: Ids) -> Parsed<Command> {
    c.sp()?;
    let set = c.message_set()?;
    c.sp()?;
    Ok(Command::Copy {
        ids,
        set,
        mailbox: c.mailbox()?,
    })
}

/// `move = "MOVE" SP sequence-set SP mailbox` [rfc6851 4.1]
pub(super) fn move_to(c: &mut Cursor<'_>, ids: Ids) -> Parsed<Command> {
    c.sp()?;
    let set = c.message_set()?;
    c.sp()?;
    Ok(Command::Move {
        ids,
        set,
        mailbox: c.mailbox()?,
    })
}

/// `uid-expunge = "EXPUNGE" SP sequence-set` [rfc4315 4]
pub(super) fn uid_expunge(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.sp()?;
    c.message_set().map(Command::UidExpunge)
}
