//! LIST [rfc3501 6.3.8], with the attributes of RFC 3348 and RFC 6154.

use crate::reply::{Answer, Outcome};
use crate::session::Session;
use imap::{ListEntry, ListPattern, Mailbox, Response};
use mail::{MailboxInfo, MailboxName, SpecialUse};

pub(crate) async fn run(
    session: &mut Session,
    reference: &Mailbox,
    pattern: &ListPattern,
) -> Outcome {
    if pattern.as_str().is_empty() {
        session.wire.say(&Response::List(root()));
        return Ok(Answer::ok("that is the separator"));
    }
    let pattern = pattern.within(reference);
    for mailbox in session.account().mailboxes()? {
        if pattern.matches(mailbox.name.as_str(), MailboxName::SEPARATOR) {
            session.wire.say(&Response::List(entry(&mailbox)));
            session.wire.ease().await?;
        }
    }
    Ok(Answer::ok("listed"))
}

/// What an empty pattern asks for: the separator, and the root of the reference.
pub(super) fn root() -> ListEntry {
    ListEntry {
        attributes: vec!["\\Noselect"],
        separator: Some(MailboxName::SEPARATOR),
        mailbox: Mailbox::new(""),
    }
}

pub(super) fn entry(mailbox: &MailboxInfo) -> ListEntry {
    let mut attributes = Vec::new();
    if !mailbox.selectable {
        attributes.push("\\Noselect");
    }
    attributes.push(match mailbox.has_children {
        true => "\\HasChildren",
        false => "\\HasNoChildren",
    });
    attributes.extend(mailbox.special_use.map(SpecialUse::name));
    ListEntry {
        attributes,
        separator: Some(MailboxName::SEPARATOR),
        mailbox: Mailbox::new(mailbox.name.as_str()),
    }
}
