//! EXPUNGE [rfc3501 6.4.3] and UID EXPUNGE [rfc4315 2.1]. The EXPUNGE responses come from the
//! session, as those for what others expunge.

use crate::reply::{Answer, Outcome, read_only};
use crate::session::Session;
use crate::sets;
use imap::{Ids, SequenceSet};
use mail::Access;

pub(crate) async fn run(session: &mut Session, set: Option<&SequenceSet>) -> Outcome {
    let (view, _) = session.selected();
    if view.access() == Access::ReadOnly {
        return Err(read_only());
    }
    let among = set.map(|set| sets::uids(view, Ids::Uid, set)).transpose()?;
    view.expunge(among.as_ref()).await?;
    Ok(Answer::ok("expunged"))
}
