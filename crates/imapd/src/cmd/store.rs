//! STORE [rfc3501 6.4.6], with UNCHANGEDSINCE [rfc7162 3.1.3].

use crate::enabled::Extension;
use crate::flags;
use crate::limits;
use crate::reply::{Answer, Outcome, Trouble, read_only};
use crate::resync;
use crate::session::Session;
use crate::updates::Open;
use imap::{Ids, ResponseCode, SequenceSet, Store, StoreOperation, Telling};
use mail::{Access, FlagChange, Flags, ModSeq, Seqs, StoreResult};
use roaring::RoaringBitmap;

pub(crate) async fn run(session: &mut Session, store: &Store) -> Outcome {
    if session.selected().0.access() == Access::ReadOnly {
        return Err(read_only());
    }
    let uids = session.uids(store.ids, &store.set)?;
    let flags = flags::from_wire(&store.flags)?;
    let change = match store.operation {
        StoreOperation::Add => FlagChange::Add(flags),
        StoreOperation::Remove => FlagChange::Remove(flags),
        StoreOperation::Replace => FlagChange::Replace(flags),
    };
    let unchanged_since = store.unchanged_since.map(ModSeq);
    let mut open = session.open();
    let mut gone = false;
    let mut modified = RoaringBitmap::new();
    let mut left = uids.iter();
    loop {
        // In pieces, so that the answers of one are all that is in memory.
        let keywords = match uids.len() > at_once(usize::MAX) as u64 {
            true => open.view.keywords()?.len() + store.flags.len(),
            // Few enough for any number.
            false => 0,
        };
        let piece = RoaringBitmap::from_sorted_iter(left.by_ref().take(at_once(keywords)))
            .expect("because the members of a bitmap rise");
        if piece.is_empty() {
            break;
        }
        let result = open.view.store(&piece, &change, unchanged_since).await?;
        answer(&mut open, store, &result).await?;
        gone |= !result.gone.is_empty();
        modified.extend(result.modified);
        open.wire.check_stop()?;
    }
    // So that the client need not ask what the others have now [rfc7162 3.1.3].
    resync::say_flags(&mut open, &modified).await?;
    Ok(outcome(&open, store, &modified, Gone::from(gone)))
}

/// Was a message expunged by somebody else?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gone {
    No,
    Yes,
}

impl From<bool> for Gone {
    fn from(gone: bool) -> Gone {
        if gone { Gone::Yes } else { Gone::No }
    }
}

/// Messages whose flags may be in memory together where each can have so many keywords.
fn at_once(keywords: usize) -> usize {
    let most = keywords.clamp(1, mail::limits::KEYWORDS_PER_MESSAGE);
    limits::STORE_MESSAGES.min(limits::STORE_KEYWORDS / most)
}

fn outcome(open: &Open<'_>, store: &Store, modified: &RoaringBitmap, gone: Gone) -> Answer {
    let numbers: Vec<u32> = match store.ids {
        Ids::Uid => modified.iter().collect(),
        Ids::Sequence => {
            let numbers = modified.iter().filter_map(|uid| open.view.seq_of(uid));
            numbers.collect()
        }
    };
    let modified = SequenceSet::from_numbers(numbers).map(ResponseCode::Modified);
    // A client that uses sequence numbers cannot know yet that the message is gone
    // [rfc2180 4.2]; for UIDs a missing one is nothing special.
    // With `.SILENT` it did not want to be told anyway, unless it made a condition.
    let wants_to_know = store.telling == Telling::Told || store.unchanged_since.is_some();
    if gone == Gone::Yes && store.ids == Ids::Sequence && wants_to_know {
        let code = modified.unwrap_or(ResponseCode::ExpungeIssued);
        return Answer::no(code, "some of these messages are expunged");
    }
    match modified {
        Some(code) => Answer::ok_with(code, "some of these messages changed since"),
        None => Answer::ok("stored"),
    }
}

/// The new flags; for a silent STORE only the new mod-sequences, if the client knows such. With
/// UNCHANGEDSINCE it does, so that it is answered for each message [rfc7162 3.1.3].
async fn answer(open: &mut Open<'_>, store: &Store, result: &StoreResult) -> Result<(), Trouble> {
    let told = store.telling == Telling::Told;
    open.learn(result.changed.iter().map(|(_, flags, _)| flags))?;
    if !told && !open.enabled.has(Extension::CondStore) {
        return Ok(());
    }
    let mut seqs = Seqs::default();
    for (uid, flags, modseq) in &result.changed {
        let Some(seq) = seqs.of(open.view, *uid) else {
            continue;
        };
        let flags: Option<&Flags> = told.then_some(flags);
        open.say_fetch(seq, *uid, flags, *modseq, store.ids);
        open.wire.ease().await?;
        open.wire.turns.step().await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_wait_for_the_client_are_bounded_whatever_keywords_there_are() {
        for keywords in [0, 1, 4, 5, 100, 1_000] {
            let held = at_once(keywords) * keywords.min(mail::limits::KEYWORDS_PER_MESSAGE);
            assert!(held <= limits::STORE_KEYWORDS, "{keywords}");
        }
        assert_eq!(at_once(4), limits::STORE_MESSAGES);
    }
}
