//! RENAME [rfc3501 6.3.5].

use crate::reply::{Answer, Outcome};
use crate::session::{Session, mailbox_name};
use imap::Mailbox;

pub(crate) async fn run(session: &mut Session, from: &Mailbox, to: &Mailbox) -> Outcome {
    let (from, to) = (mailbox_name(from)?, mailbox_name(to)?);
    session.account().rename(&from, &to).await?;
    Ok(Answer::ok("renamed"))
}
