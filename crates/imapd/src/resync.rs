//! What a client missed while it was away: the QRESYNC parameter of SELECT, and CHANGEDSINCE with
//! VANISHED of FETCH. What never happens here: moving the picture.

use crate::limits;
use crate::reply::Trouble;
use crate::updates::{Open, say_vanished};
use imap::{Ids, Response, Resync, SequenceSet};
use mail::{Cursor, ModSeq, View, Want};
use roaring::RoaringBitmap;

/// After SELECT or EXAMINE: says what vanished, then which flags changed [rfc7162 3.2.5.1].
pub(crate) async fn resync(open: &mut Open<'_>, asked: &Resync) -> Result<(), Trouble> {
    // Another UIDVALIDITY: the client knows nothing of this mailbox [rfc7162 3.2.5].
    if asked.uid_validity != open.view.uid_validity() {
        return Ok(());
    }
    let since = ModSeq(asked.modseq);
    let known = open.view.since(since)?;
    let wanted = match &asked.known_uids {
        Some(uids) => numbers(open.view, uids),
        None => below_uid_next(open.view),
    };
    let mut gone = known.gone & &wanted;
    if let Some((seqs, uids)) = &asked.matches {
        gone.remove_range(..=matched(open.view, seqs, uids));
    }
    // Before any FETCH response [rfc7162 3.2.6].
    say_vanished(open.wire, &gone, Response::VanishedEarlier).await?;
    let changed = changed(open, wanted & open.view.uids(), since, known.changed).await?;
    say_flags(open, &changed).await
}

/// Those of the messages that changed after a moment.
pub(crate) async fn changed(
    open: &mut Open<'_>,
    among: RoaringBitmap,
    since: ModSeq,
    known: Option<RoaringBitmap>,
) -> Result<RoaringBitmap, Trouble> {
    if let Some(known) = known {
        return Ok(among & known);
    }
    // The log does not reach back: each message says it itself.
    let mut changed = RoaringBitmap::new();
    let mut cursor = Cursor::start();
    loop {
        let batch = open
            .view
            .fetch(&among, Want::Flags, &mut cursor, limits::BATCH_MESSAGES)?;
        if batch.is_empty() {
            return Ok(changed);
        }
        let later = batch.iter().filter(|message| message.modseq > since);
        changed.extend(later.map(|message| message.uid));
        open.wire.check_stop()?;
        open.wire.turns.pass().await;
    }
}

/// A FETCH response with UID, FLAGS and MODSEQ for each [rfc7162 3.2.5.1].
pub(crate) async fn say_flags(open: &mut Open<'_>, uids: &RoaringBitmap) -> Result<(), Trouble> {
    let mut cursor = Cursor::start();
    loop {
        let batch = open
            .view
            .fetch(uids, Want::Flags, &mut cursor, limits::BATCH_MESSAGES)?;
        if batch.is_empty() {
            return Ok(());
        }
        open.learn(batch.iter().map(|message| &message.flags))?;
        for message in &batch {
            let (flags, modseq) = (Some(&message.flags), message.modseq);
            open.say_fetch(message.seq, message.uid, flags, modseq, Ids::Uid);
            open.wire.ease().await?;
        }
        open.wire.check_stop()?;
        open.wire.turns.pass().await;
    }
}

/// The UIDs that a client names, be they in the mailbox or not; `*` is the last that there was.
pub(crate) fn numbers(view: &View, uids: &SequenceSet) -> RoaringBitmap {
    let last = view.uid_next().saturating_sub(1);
    let mut numbers = RoaringBitmap::new();
    for range in uids.resolve(last) {
        numbers.insert_range(*range.start()..=last.min(*range.end()));
    }
    numbers
}

/// A client that names no UIDs knows all that there were [rfc7162 3.2.5.1].
fn below_uid_next(view: &View) -> RoaringBitmap {
    let mut all = RoaringBitmap::new();
    all.insert_range(1..view.uid_next());
    all
}

/// The highest UID of the client's samples that has the same number here: of what is gone below it
/// the client knows [rfc7162 3.2.5.2]. 0 if there is none.
fn matched(view: &View, seqs: &SequenceSet, uids: &SequenceSet) -> u32 {
    let pairs = pairs(seqs, uids);
    let total: u64 = pairs.iter().map(|pair| u64::from(pair.count)).sum();
    let uid_at = |index: u64| {
        let (seq, uid) = pair_at(&pairs, index)?;
        (view.uid_at(seq) == Some(uid)).then_some(uid)
    };
    // A sample that matches says that all before it match, so they are halved, not walked.
    let (mut low, mut high) = (0, total);
    while low < high {
        let middle = low + (high - low) / 2;
        match uid_at(middle) {
            Some(_) => low = middle + 1,
            None => high = middle,
        }
    }
    low.checked_sub(1).and_then(uid_at).unwrap_or(0)
}

/// So many sequence numbers from `seq` on that had the UIDs from `uid` on.
struct Pair {
    seq: u32,
    uid: u32,
    count: u32,
}

/// The two sets side by side, in rising order; where one is longer its rest says nothing.
fn pairs(seqs: &SequenceSet, uids: &SequenceSet) -> Vec<Pair> {
    let (mut seqs, mut uids) = (
        seqs.resolve(0).into_iter().peekable(),
        uids.resolve(0).into_iter().peekable(),
    );
    let mut pairs = Vec::new();
    while let (Some(seq), Some(uid)) = (seqs.peek_mut(), uids.peek_mut()) {
        let count = (seq.end() - seq.start())
            .min(uid.end() - uid.start())
            .saturating_add(1);
        pairs.push(Pair {
            seq: *seq.start(),
            uid: *uid.start(),
            count,
        });
        // A range that is used up is left empty, and skipped.
        *seq = shortened(seq, count);
        *uid = shortened(uid, count);
        seqs.next_if(|range| range.is_empty());
        uids.next_if(|range| range.is_empty());
    }
    pairs
}

fn shortened(range: &std::ops::RangeInclusive<u32>, by: u32) -> std::ops::RangeInclusive<u32> {
    match range.start().checked_add(by) {
        Some(start) => start..=*range.end(),
        #[allow(clippy::reversed_empty_ranges, reason = "an empty range is meant")]
        None => 1..=0,
    }
}

fn pair_at(pairs: &[Pair], index: u64) -> Option<(u32, u32)> {
    let mut left = index;
    for pair in pairs {
        match u32::try_from(left) {
            Ok(by) if by < pair.count => return Some((pair.seq + by, pair.uid + by)),
            _ => left -= u64::from(pair.count),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(seqs: &str, uids: &str) -> Vec<(u32, u32)> {
        let set = |text: &str| SequenceSet::parse(text.as_bytes()).unwrap();
        let pairs = pairs(&set(seqs), &set(uids));
        (0..).map_while(|index| pair_at(&pairs, index)).collect()
    }

    /// [rfc7162 3.2.5.2]
    #[test]
    fn samples_stand_side_by_side_whatever_their_ranges() {
        assert_eq!(
            all("1,3:5", "10:11,20,30"),
            [(1, 10), (3, 11), (4, 20), (5, 30)]
        );
        assert_eq!(all("1:3", "7"), [(1, 7)]);
        assert_eq!(all("4", "7:9"), [(4, 7)]);
        let last = u32::MAX;
        assert_eq!(all(&last.to_string(), &last.to_string()), [(last, last)]);
    }
}
