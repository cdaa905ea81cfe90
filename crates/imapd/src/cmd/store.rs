//! STORE [rfc3501 6.4.6].

use crate::flags::{self, Recent, to_wire};
use crate::limits;
use crate::reply::{Answer, Outcome, Trouble, read_only};
use crate::session::Session;
use crate::sets;
use crate::wire::Wire;
use imap::{FetchData, Ids, Response, ResponseCode, Store, StoreOperation, Telling};
use mail::{Access, FlagChange, Flags, View};
use roaring::RoaringBitmap;

pub(crate) async fn run(session: &mut Session, store: &Store) -> Outcome {
    let (view, wire) = session.selected();
    if view.access() == Access::ReadOnly {
        return Err(read_only());
    }
    let uids = sets::uids(view, store.ids, &store.set)?;
    let flags = flags::from_wire(&store.flags)?;
    let change = match store.operation {
        StoreOperation::Add => FlagChange::Add(flags),
        StoreOperation::Remove => FlagChange::Remove(flags),
        StoreOperation::Replace => FlagChange::Replace(flags),
    };
    let mut gone = false;
    let mut left = uids.iter();
    loop {
        // In pieces, so that the answers of one are all that is in memory.
        let piece: RoaringBitmap = left.by_ref().take(limits::STORE_MESSAGES).collect();
        if piece.is_empty() {
            break;
        }
        let result = view.store(&piece, &change, None).await?;
        gone |= !result.gone.is_empty();
        if store.telling == Telling::Told {
            for (uid, flags, _) in &result.changed {
                answer(view, wire, store.ids, *uid, flags).await?;
            }
        }
        wire.check_stop()?;
    }
    // A client that uses sequence numbers cannot know yet that the message is gone
    // [rfc2180 4.2]; for UIDs a missing one is nothing special.
    // With `.SILENT` it did not want to be told anyway.
    if gone && store.ids == Ids::Sequence && store.telling == Telling::Told {
        let text = "some of these messages are expunged";
        return Ok(Answer::no(ResponseCode::ExpungeIssued, text));
    }
    Ok(Answer::ok("stored"))
}

async fn answer(
    view: &View,
    wire: &mut Wire,
    ids: Ids,
    uid: u32,
    flags: &Flags,
) -> Result<(), Trouble> {
    let Some(seq) = view.seq_of(uid) else {
        return Ok(());
    };
    let flags = to_wire(flags, Recent::from(view.is_recent(uid)));
    let uid = (ids == Ids::Uid).then_some(FetchData::Uid(uid));
    let items = uid.into_iter().chain([FetchData::Flags(flags)]).collect();
    wire.say(&Response::Fetch { seq, items });
    Ok(wire.ease().await?)
}
