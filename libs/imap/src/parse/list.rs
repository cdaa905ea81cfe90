//! Arguments of LIST, basic and extended. Never here: which mailboxes there are.

use crate::command::Command;
use crate::cursor::{Cursor, Parsed};
use crate::limits;
use crate::list::{List, ListForm, ListReturn, ListSelect};
use crate::mailbox::{ListPattern, Mailbox};
use crate::parse::mailboxes::{list_mailbox, status_items};
use crate::refusal::What;

/// `list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]`
/// [rfc9051 9]
pub(super) fn list(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.sp()?;
    let mut form = ListForm::Basic;
    let mut select = ListSelect::default();
    if c.peek() == Some(b'(') {
        form = ListForm::Extended;
        select = select_options(c)?;
        c.sp()?;
    }
    let reference = c.mailbox()?;
    c.sp()?;
    let patterns = if c.peek() == Some(b'(') {
        form = ListForm::Extended;
        patterns(c, &reference)?
    } else {
        vec![list_mailbox(c)?]
    };
    let mut give = ListReturn::default();
    if c.sp_and_more() {
        form = ListForm::Extended;
        give = return_options(c)?;
    }
    Ok(Command::List(List {
        form,
        select,
        reference,
        patterns,
        give,
    }))
}

/// `patterns = "(" list-mailbox *(SP list-mailbox) ")"`
fn patterns(c: &mut Cursor<'_>, reference: &Mailbox) -> Parsed<Vec<ListPattern>> {
    let start = c.at();
    let patterns = c.list("a list of patterns", limits::LIST_PATTERNS, list_mailbox)?;
    if patterns.is_empty() {
        return c.refuse(What::Expected("a mailbox pattern"));
    }
    let sizes = patterns.iter().map(|pattern| pattern.as_str().len());
    let bytes: usize = sizes.map(|size| size + reference.as_str().len()).sum();
    let fits = bytes <= limits::LIST_PATTERNS_BYTES;
    c.or_refuse(
        fits.then_some(patterns),
        What::TooMany("octets in patterns"),
        start,
    )
}

/// `list-select-opt = "SUBSCRIBED" / "REMOTE" / "RECURSIVEMATCH" / "SPECIAL-USE"`, in any order and
/// more than once; RECURSIVEMATCH not alone, nor with REMOTE only. [rfc9051 6.3.9.1]
fn select_options(c: &mut Cursor<'_>) -> Parsed<ListSelect> {
    let start = c.at();
    let mut select = ListSelect::default();
    c.list("selection options", limits::LIST_OPTIONS, |c| {
        let start = c.at();
        let word = c.atom("a selection option")?.to_ascii_uppercase();
        let option = match word.as_str() {
            "SUBSCRIBED" => Some(&mut select.subscribed),
            "REMOTE" => Some(&mut select.remote),
            "RECURSIVEMATCH" => Some(&mut select.recursive_match),
            "SPECIAL-USE" => Some(&mut select.special_use),
            _ => None,
        };
        *c.or_refuse(option, What::UnknownListOption, start)? = true;
        Ok(())
    })?;
    let complete = !select.recursive_match || select.subscribed || select.special_use;
    let wanted = What::Expected("another option beside RECURSIVEMATCH");
    c.or_refuse(complete.then_some(select), wanted, start)
}

/// `list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"`
fn return_options(c: &mut Cursor<'_>) -> Parsed<ListReturn> {
    let start = c.at();
    let word = c.atom("RETURN")?;
    let is_return = word.eq_ignore_ascii_case("RETURN").then_some(());
    c.or_refuse(is_return, What::Expected("RETURN"), start)?;
    c.sp()?;
    let mut give = ListReturn::default();
    c.list("return options", limits::LIST_OPTIONS, |c| {
        return_option(c, &mut give)
    })?;
    Ok(give)
}

/// `return-option = "SUBSCRIBED" / "CHILDREN" / "SPECIAL-USE" / status-option`,
/// `status-option = "STATUS" SP "(" status-att *(SP status-att) ")"` [rfc5819 4]
fn return_option(c: &mut Cursor<'_>, give: &mut ListReturn) -> Parsed<()> {
    let start = c.at();
    let word = c.atom("a return option")?.to_ascii_uppercase();
    let option = match word.as_str() {
        "SUBSCRIBED" => Some(&mut give.subscribed),
        "CHILDREN" => Some(&mut give.children),
        "SPECIAL-USE" => Some(&mut give.special_use),
        "STATUS" => {
            c.sp()?;
            give.status = status_items(c)?;
            return Ok(());
        }
        _ => None,
    };
    *c.or_refuse(option, What::UnknownListOption, start)? = true;
    Ok(())
}
