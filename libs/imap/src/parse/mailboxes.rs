//! Arguments of the commands on mailboxes. Never here: whether a mailbox exists.

use crate::command::{Command, Create, StatusItem};
use crate::cursor::{Cursor, Parsed, Stop, is_astring_char};
use crate::limits;
use crate::mailbox::{ListPattern, Mailbox};
use crate::refusal::{Refusal, What};

/// `select = "SELECT" SP mailbox` and its like.
pub(super) fn one(c: &mut Cursor<'_>, command: fn(Mailbox) -> Command) -> Parsed<Command> {
    c.sp()?;
    c.mailbox().map(command)
}

/// `create = "CREATE" SP mailbox [SP "(" create-param *(SP create-param) ")"]` [rfc4466 2.2]
pub(super) fn create(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.sp()?;
    let mailbox = c.mailbox()?;
    let mut uses = Vec::new();
    if c.sp_and_more() {
        let params = c.list("a list of parameters", limits::CREATE_PARAMS, create_param)?;
        if params.is_empty() {
            return c.refuse(What::Expected("a parameter"));
        }
        uses = params.concat();
    }
    Ok(Command::Create(Create { mailbox, uses }))
}

/// `create-param =/ "USE" SP "(" [use-attr *(SP use-attr)] ")"`, `use-attr = "\" atom` [rfc6154 6]
fn create_param(c: &mut Cursor<'_>) -> Parsed<Vec<String>> {
    let start = c.at();
    let word = c.atom("a parameter")?;
    let known = word.eq_ignore_ascii_case("USE").then_some(());
    c.or_refuse(known, What::UnknownCreateParameter, start)?;
    c.sp()?;
    c.list("a list of special uses", limits::CREATE_PARAMS, |c| {
        c.octet(b'\\', "a special use")?;
        let word = c.atom("a special use")?;
        Ok(format!("\\{word}"))
    })
}

/// `rename = "RENAME" SP mailbox SP mailbox`
pub(super) fn rename(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.sp()?;
    let from = c.mailbox()?;
    c.sp()?;
    let to = c.mailbox()?;
    Ok(Command::Rename { from, to })
}

/// `lsub = "LSUB" SP mailbox SP list-mailbox`
pub(super) fn lsub(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.sp()?;
    let reference = c.mailbox()?;
    c.sp()?;
    let pattern = list_mailbox(c)?;
    Ok(Command::Lsub { reference, pattern })
}

/// `list-mailbox = 1*list-char / string`, `list-char = ATOM-CHAR / list-wildcards / resp-specials`
pub(super) fn list_mailbox(c: &mut Cursor<'_>) -> Parsed<ListPattern> {
    let start = c.at();
    let wire = match c.peek() {
        Some(b'"' | b'{') => c.string("a mailbox pattern")?,
        _ => c
            .take_while(|octet| is_astring_char(octet) || octet == b'%' || octet == b'*')
            .to_vec(),
    };
    if wire.is_empty() && c.at() == start {
        return c.refuse(What::Expected("a mailbox pattern"));
    }
    match ListPattern::from_wire(&wire, c.names) {
        Ok(pattern) => Ok(pattern),
        // It fits no name, which is no reason to refuse the command [rfc9051 6.3.9].
        Err(What::MailboxEncoding | What::NotUtf8) => Ok(ListPattern::of_no_name()),
        Err(what) => Err(Stop::Refused(Refusal::new(what, start))),
    }
}

/// `status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"`
pub(super) fn status(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.sp()?;
    let mailbox = c.mailbox()?;
    c.sp()?;
    let items = status_items(c)?;
    Ok(Command::Status { mailbox, items })
}

/// `"(" status-att *(SP status-att) ")"`
pub(super) fn status_items(c: &mut Cursor<'_>) -> Parsed<Vec<StatusItem>> {
    let items = c.list("a list of status items", limits::STATUS_ITEMS, status_item)?;
    if items.is_empty() {
        return c.refuse(What::Expected("a status item"));
    }
    Ok(items)
}

fn status_item(c: &mut Cursor<'_>) -> Parsed<StatusItem> {
    let start = c.at();
    let word = c.atom("a status item")?;
    let known = StatusItem::ALL
        .into_iter()
        .find(|item| item.word().eq_ignore_ascii_case(word));
    c.or_refuse(known, What::UnknownStatusItem, start)
}
