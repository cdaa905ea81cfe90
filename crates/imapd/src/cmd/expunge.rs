//! EXPUNGE [rfc3501 6.4.3] and UID EXPUNGE [rfc4315 2.1]. The EXPUNGE responses come from the
//! session, as those for what others expunge, and so does HIGHESTMODSEQ.

use crate::reply::{Answer, Outcome, read_only};
use crate::session::Session;
use imap::{Ids, MessageSet};
use mail::Access;

pub(crate) async fn run(session: &mut Session, set: Option<&MessageSet>) -> Outcome {
    if session.selected().0.access() == Access::ReadOnly {
        return Err(read_only());
    }
    let among = set.map(|set| session.uids(Ids::Uid, set)).transpose()?;
    let (view, _) = session.selected();
    view.expunge(among.as_ref()).await?;
    Ok(Answer::ok("expunged"))
}
