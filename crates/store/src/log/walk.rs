//! Walks over the frames of one log file, whatever state it is in.
//!
//! A bad stretch with a good frame behind it is damage: told, stepped over, never cut away. A bad
//! stretch with nothing behind it is the torn tail. Never here: a panic on any bytes.

use super::frame::{Frame, may_begin};
use super::header::HEADER_BYTES;
use bytes::Bytes;

/// What was found in a file.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    pub(crate) frames: Vec<Frame>,
    /// Bad stretches with good frames behind them: from, to.
    pub(crate) damage: Vec<(u64, u64)>,
    /// Where the last good frame ends.
    pub(crate) end: u64,
    /// Bytes behind the last good frame.
    pub(crate) tail_bytes: u64,
    /// Of the file and of what it should hold, those in no good frame.
    pub(crate) lost_bytes: u64,
}

/// Walks `file`, which holds the bytes up to where the file is to be believed.
pub(crate) fn walk(file: &Bytes, salt: u64) -> Walk {
    let mut found = Walk {
        end: HEADER_BYTES.min(file.len()) as u64,
        ..Walk::default()
    };
    let mut at = HEADER_BYTES;
    let mut last_seqno = 0;
    while at < file.len() {
        let next = (at..file.len())
            .filter(|place| may_begin(&file[*place..]))
            .find_map(|place| Frame::at(file, place, salt));
        let Some(frame) = next else { break };
        if frame.offset > at as u64 {
            found.damage.push((at as u64, frame.offset));
        }
        at = (frame.offset + frame.bytes) as usize;
        found.end = at as u64;
        // A frame out of order was never written by this program.
        if frame.first_seqno <= last_seqno || frame.last_seqno < frame.first_seqno {
            found.damage.push((frame.offset, found.end));
            continue;
        }
        last_seqno = frame.last_seqno;
        found.frames.push(frame);
    }
    found.tail_bytes = file.len() as u64 - found.end;
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Compression;
    use crate::key::Space;
    use crate::log::FrameBuilder;
    use crate::queue::{Transaction, Writes};
    use proptest::prelude::*;

    fn file(frames: u64, salt: u64) -> (Vec<u8>, Vec<usize>) {
        let mut file = vec![0; HEADER_BYTES];
        let mut ends = vec![file.len()];
        for seqno in 1..=frames {
            let mut builder = FrameBuilder::new(0, Compression::Zstd);
            let writes = Writes::from([(vec![seqno as u8; 30], None)]);
            builder.transaction(&Transaction {
                space: Space::Own,
                seqno,
                writes,
            });
            file.extend(builder.finish(salt, file.len() as u64));
            ends.push(file.len());
        }
        (file, ends)
    }

    #[test]
    fn stops_at_the_torn_frame_of_the_tail() {
        let (whole, ends) = file(5, 1);
        for cut in ends[4]..whole.len() {
            let found = walk(&Bytes::copy_from_slice(&whole[..cut]), 1);
            assert_eq!((found.frames.len(), found.end), (4, ends[4] as u64));
            assert_eq!(found.tail_bytes, (cut - ends[4]) as u64);
            assert!(found.damage.is_empty());
        }
    }

    #[test]
    fn a_bad_frame_with_good_ones_behind_it_is_damage_and_hides_nothing() {
        let (mut bytes, ends) = file(5, 1);
        bytes[ends[1] + 60] ^= 1;
        let found = walk(&bytes.into(), 1);
        let seqnos: Vec<_> = found.frames.iter().map(|frame| frame.first_seqno).collect();
        assert_eq!(seqnos, [1, 3, 4, 5]);
        assert_eq!(found.damage, [(ends[1] as u64, ends[2] as u64)]);
        assert_eq!(found.tail_bytes, 0);
    }

    proptest! {
        #[test]
        fn never_panics_on_any_bytes(
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..20),
            cut: proptest::sample::Index,
            salt in 0u64..2,
        ) {
            let (mut bytes, _) = file(4, 1);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(cut.index(bytes.len() + 1));
            for frame in walk(&bytes.into(), salt).frames {
                prop_assert!(frame.transactions().is_some() && frame.bodies().is_some());
            }
        }
    }
}
