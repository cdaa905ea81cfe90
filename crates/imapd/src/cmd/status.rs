//! STATUS [rfc3501 6.3.10] [rfc9051 6.3.11].

use crate::reply::{Answer, Outcome, id};
use crate::session::{Session, mailbox_name};
use imap::{Mailbox, Response, StatusData, StatusItem, StatusValue};
use mail::{MailboxError, MailboxName};

pub(crate) fn run(session: &mut Session, mailbox: Mailbox, items: &[StatusItem]) -> Outcome {
    let name = mailbox_name(&mailbox)?;
    let response = response(session, &name, mailbox, items)?;
    session.wire.say(&response);
    Ok(Answer::ok("that is its status"))
}

/// The answer about one mailbox, which is called as the client called it.
pub(super) fn response(
    session: &mut Session,
    name: &MailboxName,
    mailbox: Mailbox,
    items: &[StatusItem],
) -> Result<Response, MailboxError> {
    let status = session.account().status(name)?;
    let value = |item: StatusItem| {
        let number = match item {
            StatusItem::Messages => status.messages.into(),
            StatusItem::Recent => status.recent.into(),
            StatusItem::UidNext => status.uid_next.into(),
            StatusItem::UidValidity => status.uid_validity.into(),
            StatusItem::Unseen => status.unseen.into(),
            StatusItem::Deleted => status.deleted.into(),
            StatusItem::Size => status.bytes,
            StatusItem::HighestModSeq => status.highest_modseq.0,
            // The same for every mailbox [rfc7889 3.1].
            StatusItem::AppendLimit => session.door.settings.max_append_bytes,
            StatusItem::MailboxId => return StatusData::Id(id(status.id)),
        };
        StatusData::Number(number)
    };
    let values = items.iter().map(|&item| StatusValue {
        item,
        value: value(item),
    });
    let values = values.collect();
    Ok(Response::Status { mailbox, values })
}
