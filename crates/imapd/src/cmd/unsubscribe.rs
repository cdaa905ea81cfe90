//! UNSUBSCRIBE [rfc3501 6.3.7].

use crate::reply::{Answer, Outcome};
use crate::session::{Session, mailbox_name};
use imap::Mailbox;

pub(crate) async fn run(session: &mut Session, name: &Mailbox) -> Outcome {
    session.account().unsubscribe(&mailbox_name(name)?).await?;
    Ok(Answer::ok("unsubscribed"))
}
