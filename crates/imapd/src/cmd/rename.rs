//! RENAME [rfc3501 6.3.5] [rfc9051 6.3.6].

use super::list;
use crate::reply::{Answer, Outcome};
use crate::session::{Session, mailbox_name};
use imap::Mailbox;

pub(crate) async fn run(session: &mut Session, from: &Mailbox, to: &Mailbox) -> Outcome {
    let (old, new) = (mailbox_name(from)?, mailbox_name(to)?);
    session.account().rename(&old, &new).await?;
    let as_said = from.as_str() == old.as_str() && to.as_str() == new.as_str();
    if let (false, Some(mailbox)) = (as_said, session.account().mailbox(&new)?) {
        list::tell_name(session, from, list::entry(&mailbox));
    }
    Ok(Answer::ok("renamed"))
}
