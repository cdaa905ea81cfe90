//! From the numbers that a client writes to UIDs of its picture of the mailbox.

use crate::reply::Answer;
use imap::{Bound, Ids, MessageSet, SequenceSet};
use mail::View;
use roaring::RoaringBitmap;

/// The messages that a set means. Sequence numbers past the end are an error of the client
/// [rfc3501 9]; UIDs that are not there mean nothing [rfc3501 6.4.8]. `$` are those saved messages
/// that are still there, whatever the numbers of the command are [rfc5182 2.1].
pub(crate) fn uids(
    view: &View,
    saved: &RoaringBitmap,
    ids: Ids,
    set: &MessageSet,
) -> Result<RoaringBitmap, Answer> {
    match (set, ids) {
        (MessageSet::Saved, _) => Ok(saved & view.uids()),
        (MessageSet::Numbers(set), Ids::Uid) => Ok(by_uid(view.uids(), set)),
        (MessageSet::Numbers(set), Ids::Sequence) => by_sequence(view.uids(), set),
    }
}

fn by_uid(uids: &RoaringBitmap, set: &SequenceSet) -> RoaringBitmap {
    let mut wanted = RoaringBitmap::new();
    let last = uids.max().unwrap_or(0);
    for range in set.resolve(last) {
        // Nothing is set up for numbers that no message has.
        wanted.insert_range(*range.start()..=last.min(*range.end()));
    }
    wanted &= uids;
    wanted
}

fn by_sequence(uids: &RoaringBitmap, set: &SequenceSet) -> Result<RoaringBitmap, Answer> {
    let count = u32::try_from(uids.len()).unwrap_or(u32::MAX);
    // Old clients say 1:* without looking whether there is anything.
    let reaches_end = |(a, b): &(Bound, Bound)| *a == Bound::Highest || *b == Bound::Highest;
    if count == 0 && set.ranges().iter().all(reaches_end) {
        return Ok(RoaringBitmap::new());
    }
    if !set.fits(count) {
        return Err(Answer::bad("there is no message of that number"));
    }
    let mut wanted = RoaringBitmap::new();
    for range in set.resolve(count) {
        let first = uids.select(range.start() - 1);
        let last = uids.select(range.end() - 1);
        if let (Some(first), Some(last)) = (first, last) {
            wanted.insert_range(first..=last);
        }
    }
    wanted &= uids;
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(set: &str, by_seq: Option<&[u32]>, by_uids: &[u32]) {
        let uids: RoaringBitmap = [3, 5, 8, 20].into_iter().collect();
        let set = SequenceSet::parse(set.as_bytes()).unwrap();
        let seq = by_sequence(&uids, &set).ok();
        assert_eq!(seq.map(|s| s.iter().collect::<Vec<_>>()).as_deref(), by_seq);
        assert_eq!(by_uid(&uids, &set).iter().collect::<Vec<_>>(), by_uids);
    }

    #[test]
    fn sequence_numbers_count_and_uids_name() {
        check("1", Some(&[3]), &[]);
        check("3", Some(&[8]), &[3]);
        check("2:3,1", Some(&[3, 5, 8]), &[3]);
        check("4:2", Some(&[5, 8, 20]), &[3]);
        check("*", Some(&[20]), &[20]);
        check("1:*", Some(&[3, 5, 8, 20]), &[3, 5, 8, 20]);
        check("5:8", None, &[5, 8]);
        check("100:*", None, &[20]);
        check("100:200", None, &[]);
    }

    #[test]
    fn in_an_empty_mailbox_the_last_message_is_none() {
        let set = SequenceSet::parse(b"1:*").unwrap();
        let none = RoaringBitmap::new();
        assert!(by_sequence(&none, &set).is_ok_and(|uids| uids.is_empty()));
        assert!(by_uid(&none, &set).is_empty());
        let one = SequenceSet::parse(b"1").unwrap();
        assert!(by_sequence(&none, &one).is_err());
    }
}
