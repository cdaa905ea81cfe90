//! SUBSCRIBE [rfc3501 6.3.6].

use crate::reply::{Answer, Outcome};
use crate::session::{Session, new_name};
use imap::Mailbox;

pub(crate) async fn run(session: &mut Session, name: &Mailbox) -> Outcome {
    let name = new_name(session, name)?;
    session.account().subscribe(&name).await?;
    Ok(Answer::ok("subscribed"))
}
