//! MOVE [rfc6851 3.3] [rfc9051 6.4.8]: COPYUID untagged, then the EXPUNGE responses, which come from the session.

use super::copy;
use crate::reply::{Answer, Outcome, read_only};
use crate::session::{Session, mailbox_name};
use imap::{Ids, Mailbox, MessageSet, Response};
use mail::Access;

pub(crate) async fn run(
    session: &mut Session,
    ids: Ids,
    set: &MessageSet,
    to: &Mailbox,
) -> Outcome {
    let to = mailbox_name(to)?;
    if session.selected().0.access() == Access::ReadOnly {
        return Err(read_only());
    }
    let uids = session.uids(ids, set)?;
    if uids.is_empty() {
        return Ok(Answer::ok("there is nothing to move"));
    }
    let (view, wire) = session.selected();
    if let Some(code) = copy::code(view.move_to(&uids, &to).await?) {
        wire.say(&Response::untagged_ok(code, "moved"));
    }
    Ok(Answer::ok("moved"))
}
