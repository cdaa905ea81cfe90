//! DELETE [rfc3501 6.3.4].

use crate::reply::{Answer, Outcome};
use crate::session::{Session, State, mailbox_name};
use imap::Mailbox;

pub(crate) async fn run(session: &mut Session, name: &Mailbox) -> Outcome {
    let name = mailbox_name(name)?;
    let deleted = session.account().mailbox(&name)?.map(|mailbox| mailbox.id);
    session.account().delete(&name).await?;
    // Whoever deletes the mailbox that is open knows that it is gone; other sessions get a BYE.
    if let State::Selected(_, view) = &session.state
        && deleted == Some(view.id())
    {
        session.unselect();
    }
    Ok(Answer::ok("deleted"))
}
