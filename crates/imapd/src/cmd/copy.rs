//! COPY [rfc3501 6.4.7] [rfc9051 6.4.7], with COPYUID [rfc4315 3].

use crate::reply::{Answer, Outcome};
use crate::session::{Session, mailbox_name};
use imap::{Ids, Mailbox, MessageSet, ResponseCode, SequenceSet};
use mail::Copied;

pub(crate) async fn run(
    session: &mut Session,
    ids: Ids,
    set: &MessageSet,
    to: &Mailbox,
) -> Outcome {
    let to = mailbox_name(to)?;
    let uids = session.uids(ids, set)?;
    if uids.is_empty() {
        return Ok(Answer::ok("there is nothing to copy"));
    }
    let (view, _) = session.selected();
    let copied = view.copy(&uids, &to).await?;
    Ok(match code(copied) {
        Some(code) => Answer::ok_with(code, "copied"),
        None => Answer::ok("there is nothing to copy"),
    })
}

/// Which UIDs became which; none if nothing did [rfc4315 3].
pub(super) fn code(copied: Copied) -> Option<ResponseCode> {
    Some(ResponseCode::CopyUid {
        uid_validity: copied.uid_validity,
        from: SequenceSet::from_numbers(copied.from)?,
        to: SequenceSet::from_numbers(copied.to)?,
    })
}
