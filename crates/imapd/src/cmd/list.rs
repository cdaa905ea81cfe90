//! LIST [rfc9051 6.3.9], basic and extended [rfc5258], with STATUS of what it lists [rfc5819], and
//! the attributes of RFC 3348 and RFC 6154. All mailboxes are on this server, so the option REMOTE
//! adds none [rfc9051 6.3.9.1].

use super::status;
use crate::listing::{self, Below, Fits, Line};
use crate::reply::{Answer, Outcome, Trouble};
use crate::session::{ExtendedList, Session};
use imap::{List, ListEntry, ListForm, ListPattern, ListSelect, Mailbox, Response, StatusItem};
use mail::{MailboxError, MailboxInfo, MailboxName, SpecialUse};

pub(crate) async fn run(session: &mut Session, list: &List) -> Outcome {
    let only_empty = list
        .patterns
        .iter()
        .all(|pattern| pattern.as_str().is_empty());
    match list.form {
        ListForm::Basic if only_empty => {
            session.wire.say(&Response::List(root()));
            return Ok(Answer::ok("that is the separator"));
        }
        ListForm::Basic => {}
        // Whoever asks so understands all that an answer can hold [rfc5258 3].
        ListForm::Extended => session.extended_list = ExtendedList::Understood,
    }
    let subscribed = match list.select.subscribed {
        true => session.account().subscriptions()?,
        false => Vec::new(),
    };
    let mailboxes = session.account().mailboxes()?;
    for line in listing::lines(list.select, &canonical(list), mailboxes, subscribed) {
        say(session, list, line)?;
        session.wire.ease().await?;
        if !list.give.status.is_empty() {
            // One STATUS costs a little, thousands would keep others waiting (RFC 5819, section 5).
            tokio::task::yield_now().await;
        }
    }
    Ok(Answer::ok("listed"))
}

/// The canonical patterns; an empty one means nothing [rfc5258 3].
fn canonical(list: &List) -> Vec<ListPattern> {
    let patterns = list.patterns.iter();
    let said = patterns.filter(|pattern| !pattern.as_str().is_empty());
    said.map(|pattern| listing::canonical(&list.reference, pattern))
        .collect()
}

/// One name, all said of it in one answer [rfc9051 7.3.1], and the STATUS [rfc9051 6.3.9.2] of a mailbox that can be selected. If there is none, the name says so
/// [rfc5819 2].
fn say(session: &mut Session, list: &List, line: Line) -> Result<(), Trouble> {
    let mut entry = entry_of(list, &line);
    let mut status = None;
    if let (Fits::Yes, Some(mailbox)) = (line.fits, &line.mailbox)
        && mailbox.selectable
    {
        status = status_of(session, &line.name, &list.give.status)?;
        if status.is_none() && !list.give.status.is_empty() {
            entry.attributes.push("\\Noselect");
        }
    }
    session.wire.say(&Response::List(entry));
    status.iter().for_each(|status| session.wire.say(status));
    Ok(())
}

/// `None`: not asked for, or the mailbox was deleted just now.
fn status_of(
    session: &mut Session,
    name: &MailboxName,
    items: &[StatusItem],
) -> Result<Option<Response>, Trouble> {
    if items.is_empty() {
        return Ok(None);
    }
    match status::response(session, name, shown(name), items) {
        Ok(response) => Ok(Some(response)),
        Err(MailboxError::NotFound | MailboxError::NoSelect) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn entry_of(list: &List, line: &Line) -> ListEntry {
    let mut entry = match &line.mailbox {
        Some(mailbox) => entry(mailbox),
        None => bare(&line.name, vec!["\\NonExistent", "\\HasNoChildren"]),
    };
    if line.subscribed && (list.select.subscribed || list.give.subscribed) {
        entry.attributes.push("\\Subscribed");
    }
    if line.below > Below::Nothing {
        entry.child_info = criteria(list.select);
    }
    entry
}

/// What CHILDINFO names: the options that a name below fits [rfc9051 6.3.9.6].
fn criteria(select: ListSelect) -> Vec<&'static str> {
    let mut criteria = Vec::new();
    if select.subscribed {
        criteria.push("SUBSCRIBED");
    }
    if select.special_use {
        criteria.push("SPECIAL-USE");
    }
    criteria
}

/// What an empty pattern asks for: the separator, which is the same everywhere [rfc3501 7.2.2], and
/// the root of the reference.
pub(super) fn root() -> ListEntry {
    ListEntry {
        attributes: vec!["\\Noselect"],
        separator: Some(MailboxName::SEPARATOR),
        mailbox: Mailbox::new(""),
        child_info: Vec::new(),
        old_name: None,
    }
}

/// A name as each client is to see it.
pub(super) fn shown(name: &MailboxName) -> Mailbox {
    Mailbox::spelled(name.as_str(), name.spelling())
}

/// A name with these attributes.
pub(super) fn bare(name: &MailboxName, attributes: Vec<&'static str>) -> ListEntry {
    ListEntry {
        attributes,
        mailbox: shown(name),
        ..root()
    }
}

pub(super) fn entry(mailbox: &MailboxInfo) -> ListEntry {
    let mut attributes = Vec::new();
    if !mailbox.selectable {
        attributes.push("\\Noselect");
    }
    // Asked for or not [rfc9051 6.3.9.5].
    attributes.push(match mailbox.has_children {
        true => "\\HasChildren",
        false => "\\HasNoChildren",
    });
    attributes.extend(mailbox.special_use.map(SpecialUse::name));
    bare(&mailbox.name, attributes)
}

/// Tells a client how a mailbox is really called that it called `said`: names in UTF-8 are in NFC
/// [rfc9051 6.3.9.7]. Only clients that understand such an answer get one [rfc9051 6.5].
pub(super) fn tell_name(session: &mut Session, said: &Mailbox, entry: ListEntry) {
    let names = session.wire.machine().names();
    let is_other = entry.mailbox.to_wire(names) != said.to_wire(names);
    if session.extended_list == ExtendedList::Understood && is_other {
        session.wire.say(&Response::List(ListEntry {
            old_name: Some(said.clone()),
            ..entry
        }));
    }
}
