//! CLOSE [rfc3501 6.4.2]: expunges without a word and leaves the mailbox.

use crate::reply::{Answer, Outcome};
use crate::session::Session;
use mail::Access;

pub(crate) async fn run(session: &mut Session) -> Outcome {
    let (view, _) = session.selected();
    let expunged = match view.access() {
        Access::ReadWrite => view.expunge(None).await.map(|_| ()),
        Access::ReadOnly => Ok(()),
    };
    // Whatever came of it, the mailbox is left.
    session.unselect();
    match expunged {
        // No VANISHED and no HIGHESTMODSEQ, which would cover what was not told [rfc7162 3.2.8].
        Ok(()) | Err(mail::StoreError::Gone) => Ok(Answer::ok("closed")),
        Err(error) => Err(error.into()),
    }
}
