//! STATUS [rfc3501 6.3.10].

use crate::reply::{Answer, Outcome};
use crate::session::{Session, mailbox_name};
use imap::{Mailbox, Response, StatusItem, StatusValue};

pub(crate) fn run(session: &mut Session, mailbox: Mailbox, items: &[StatusItem]) -> Outcome {
    let status = session.account().status(&mailbox_name(&mailbox)?)?;
    let value = |item: StatusItem| match item {
        StatusItem::Messages => status.messages.into(),
        StatusItem::Recent => status.recent.into(),
        StatusItem::UidNext => status.uid_next.into(),
        StatusItem::UidValidity => status.uid_validity.into(),
        StatusItem::Unseen => status.unseen.into(),
        StatusItem::Deleted => status.deleted.into(),
        StatusItem::Size => status.bytes,
        StatusItem::HighestModSeq => status.highest_modseq.0,
    };
    let values = items.iter().map(|&item| StatusValue {
        item,
        value: value(item),
    });
    let values = values.collect();
    session.wire.say(&Response::Status { mailbox, values });
    Ok(Answer::ok("that is its status"))
}
