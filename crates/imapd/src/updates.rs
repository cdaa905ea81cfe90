//! Tells a client what others did to its mailbox. Which commands may tell of expunges is said in
//! the command table.

use crate::flags::{Recent, to_wire};
use crate::reply::Trouble;
use crate::wire::Wire;
use imap::{FetchData, Response};
use mail::{Expunges, Update, View};

/// Does a FETCH response that nobody asked for carry the UID? In a UID command it must
/// [rfc3501 6.4.8].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WithUid {
    Yes,
    No,
}

/// Moves the picture forward and says what changed.
pub(crate) async fn tell(
    view: &mut View,
    wire: &mut Wire,
    expunges: Expunges,
    with_uid: WithUid,
) -> Result<(), Trouble> {
    let updates = view.advance(expunges)?;
    for update in updates {
        let response = response(view, update, with_uid);
        wire.say(&response);
        wire.ease().await?;
    }
    Ok(())
}

fn response(view: &View, update: Update, with_uid: WithUid) -> Response {
    match update {
        Update::Exists(count) => Response::Exists(count),
        Update::Recent(count) => Response::Recent(count),
        Update::Expunged { seq, .. } => Response::Expunge(seq),
        Update::Flags {
            seq, uid, flags, ..
        } => {
            let flags = to_wire(&flags, Recent::from(view.is_recent(uid)));
            let uid = (with_uid == WithUid::Yes).then_some(FetchData::Uid(uid));
            let items = uid.into_iter().chain([FetchData::Flags(flags)]).collect();
            Response::Fetch { seq, items }
        }
    }
}
