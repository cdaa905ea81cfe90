//! What messages had before a change, as the change log keeps it: those that had the same flags
//! together, as runs of UIDs, so that a change of a whole mailbox is a short entry. What never
//! happens here: what the change was.

use crate::codec::{Damaged, Decoded, Reader, Writer};
use crate::state::FlagSet;
use std::collections::BTreeMap;

/// First UID, and how many.
pub(crate) type Run = (u32, u32);

/// No transaction changes flags of more messages, or expunges more; what says so is damaged.
const MOST_MESSAGES: u64 = 1 << 20;

/// Messages with the flags that they had.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Before(BTreeMap<FlagSet, Vec<Run>>);

/// Adds what follows; a neighbour of the last joins it.
pub(crate) fn add_run(runs: &mut Vec<Run>, (first, count): Run) {
    match runs.last_mut() {
        Some((start, len)) if start.checked_add(*len) == Some(first) => *len += count,
        _ => runs.push((first, count)),
    }
}

/// The UIDs of runs.
pub(crate) fn uids(runs: &[Run]) -> impl Iterator<Item = u32> {
    let run = |(first, count): &Run| *first..first.saturating_add(*count);
    runs.iter().flat_map(run)
}

impl Before {
    pub fn note(&mut self, uid: u32, flags: FlagSet) {
        add_run(self.0.entry(flags).or_default(), (uid, 1));
    }
    /// Not in the order of the UIDs.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &FlagSet)> {
        let groups = self.0.iter();
        groups.flat_map(|(flags, runs)| uids(runs).map(move |uid| (uid, flags)))
    }
    pub fn runs(&self) -> impl Iterator<Item = Run> {
        self.0.values().flatten().copied()
    }
    pub fn write(&self, w: &mut Writer) {
        w.len(self.0.len());
        for (flags, runs) in &self.0 {
            flags.write(w);
            w.len(runs.len());
            let mut end = 0;
            for (first, count) in runs {
                w.uint(first.wrapping_sub(end)).uint(*count);
                end = first.wrapping_add(*count);
            }
        }
    }
    pub fn read(r: &mut Reader<'_>) -> Decoded<Self> {
        let (mut groups, mut messages) = (BTreeMap::new(), 0);
        for _ in 0..r.count()? {
            let flags = FlagSet::read(r)?;
            let (mut runs, mut end) = (Vec::new(), 0_u32);
            for _ in 0..r.count()? {
                let (first, count) = (end.wrapping_add(r.u32()?), r.u32()?);
                end = first.checked_add(count).ok_or(Damaged)?;
                messages += u64::from(count);
                runs.push((first, count));
                if messages > MOST_MESSAGES {
                    return Err(Damaged);
                }
            }
            groups.insert(flags, runs);
        }
        Ok(Self(groups))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(runs: &[Run]) -> Decoded<Before> {
        let written = Before(BTreeMap::from([(FlagSet::default(), runs.to_vec())]));
        let mut w = Writer::new(1);
        written.write(&mut w);
        let bytes = w.into_vec();
        let read = Before::read(&mut Reader::new(&bytes, 1)?)?;
        assert_eq!(read, written);
        Ok(read)
    }

    #[test]
    fn a_run_of_more_messages_than_a_transaction_has_is_damage() {
        assert!(read_back(&[(7, 8_192), (1, 3), (u32::MAX - 1, 1)]).is_ok());
        assert_eq!(read_back(&[(1, u32::MAX - 1)]), Err(Damaged));
        // Each of them begins anew at 1, so that their ends say nothing.
        let many = vec![(1, 600_000); 2];
        assert_eq!(read_back(&many), Err(Damaged));
    }
}
