//! RENAME [rfc3501 6.3.5] [rfc9051 6.3.6].

use super::list;
use crate::reply::{Answer, Outcome};
use crate::session::{Session, mailbox_name, new_name};
use imap::Mailbox;

pub(crate) async fn run(session: &mut Session, from: &Mailbox, to: &Mailbox) -> Outcome {
    let (old, new) = (mailbox_name(from)?, new_name(session, to)?);
    session.account().rename(&old, &new).await?;
    let names = session.wire.machine().names();
    let is_so = |said: &Mailbox, name| list::shown(name).to_wire(names) == said.to_wire(names);
    let as_said = is_so(from, &old) && is_so(to, &new);
    if let (false, Some(mailbox)) = (as_said, session.account().mailbox(&new)?) {
        list::tell_name(session, from, list::entry(&mailbox));
    }
    Ok(Answer::ok("renamed"))
}
