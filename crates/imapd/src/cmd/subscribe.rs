//! SUBSCRIBE [rfc3501 6.3.6].

use crate::reply::{Answer, Outcome};
use crate::session::{Session, mailbox_name};
use imap::Mailbox;

pub(crate) async fn run(session: &mut Session, name: &Mailbox) -> Outcome {
    session.account().subscribe(&mailbox_name(name)?).await?;
    Ok(Answer::ok("subscribed"))
}
