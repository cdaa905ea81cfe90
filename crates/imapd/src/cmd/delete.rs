//! DELETE [rfc3501 6.3.4] [rfc9051 6.3.5].

use super::list;
use crate::reply::{Answer, Outcome};
use crate::session::{Session, State, mailbox_name};
use imap::Mailbox;

pub(crate) async fn run(session: &mut Session, said: &Mailbox) -> Outcome {
    let name = mailbox_name(said)?;
    let deleted = session.account().mailbox(&name)?.map(|mailbox| mailbox.id);
    session.account().delete(&name).await?;
    // Whoever deletes the mailbox that is open knows that it is gone; other sessions get a BYE.
    if let State::Selected(_, view) = &session.state
        && deleted == Some(view.id())
    {
        session.unselect();
    }
    list::tell_name(session, said, list::bare(&name, vec!["\\NonExistent"]));
    Ok(Answer::ok("deleted"))
}
