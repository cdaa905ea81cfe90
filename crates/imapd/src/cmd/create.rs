//! CREATE [rfc3501 6.3.3].

use crate::reply::{Answer, Outcome};
use crate::session::{Session, mailbox_name};
use imap::Mailbox;

pub(crate) async fn run(session: &mut Session, name: &Mailbox) -> Outcome {
    // A separator at the end says that names below it will be made; it is no part of the name.
    let name = name.as_str();
    let name = Mailbox::new(
        name.strip_suffix(mail::MailboxName::SEPARATOR)
            .unwrap_or(name),
    );
    session
        .account()
        .create(&mailbox_name(&name)?, None)
        .await?;
    Ok(Answer::ok("created"))
}
