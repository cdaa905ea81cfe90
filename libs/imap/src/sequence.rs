//! Sets of sequence numbers or UIDs as clients write them. Never here: what is in a mailbox.

use std::ops::RangeInclusive;

use crate::limits;

/// `seq-number = nz-number / "*"`
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Bound {
    /// Never zero.
    Number(u32),
    /// `*`: the highest in use.
    Highest,
}

/// `sequence-set = (seq-number / seq-range) *("," sequence-set)`
///
/// Never empty. What a client sends has at most `limits::SEQUENCE_RANGES` ranges.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SequenceSet(Vec<(Bound, Bound)>);

impl SequenceSet {
    /// The set that the text writes ("2,4:7,9,12:*"); None when it writes none or has too many ranges.
    pub fn parse(text: &[u8]) -> Option<SequenceSet> {
        let mut ranges = Vec::new();
        for range in text.split(|&byte| byte == b',') {
            if ranges.len() == limits::SEQUENCE_RANGES {
                return None;
            }
            let mut ends = range.splitn(2, |&byte| byte == b':');
            let first = parse_bound(ends.next()?)?;
            let last = ends.next().map_or(Some(first), parse_bound)?;
            ranges.push((first, last));
        }
        Some(SequenceSet(ranges))
    }

    /// From numbers, runs of rising ones merged and the order kept (COPYUID's two sets answer each
    /// other by order). Zeros are left out; None when nothing is left.
    pub fn from_numbers(numbers: impl IntoIterator<Item = u32>) -> Option<SequenceSet> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for number in numbers.into_iter().filter(|&number| number != 0) {
            match runs.last_mut() {
                Some(run) if run.1.checked_add(1) == Some(number) => run.1 = number,
                _ => runs.push((number, number)),
            }
        }
        let bounds = |(first, last)| (Bound::Number(first), Bound::Number(last));
        let ranges: Vec<_> = runs.into_iter().map(bounds).collect();
        (!ranges.is_empty()).then_some(SequenceSet(ranges))
    }

    /// The same numbers as several sets of at most so many ranges each, so that no line grows without bound.
    pub fn pieces(&self, most_ranges: usize) -> impl Iterator<Item = SequenceSet> + '_ {
        self.0
            .chunks(most_ranges.max(1))
            .map(|ranges| SequenceSet(ranges.to_vec()))
    }

    /// Whether `*` stands in it.
    pub fn has_highest(&self) -> bool {
        let highest = |bound| bound == Bound::Highest;
        self.0
            .iter()
            .any(|&(first, last)| highest(first) || highest(last))
    }

    pub fn ranges(&self) -> &[(Bound, Bound)] {
        &self.0
    }

    /// The numbers meant when `*` is `highest`: ranges rising, without overlap, merged.
    ///
    /// For UIDs `12:*` holds the highest even when that is below 12. [rfc3501 6.4.8]
    /// With `highest` = 0 (an empty mailbox) a range with `*` means nothing and is left out.
    pub fn resolve(&self, highest: u32) -> Vec<RangeInclusive<u32>> {
        let number = |bound| match bound {
            Bound::Number(number) => number,
            Bound::Highest => highest,
        };
        let mut plain: Vec<(u32, u32)> = (self.0.iter())
            .map(|&(first, last)| (number(first), number(last)))
            .filter(|&(first, last)| first != 0 && last != 0)
            .map(|(first, last)| (first.min(last), first.max(last)))
            .collect();
        plain.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(plain.len());
        for (first, last) in plain {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last)
                }
                _ => merged.push((first, last)),
            }
        }
        merged
            .into_iter()
            .map(|(first, last)| first..=last)
            .collect()
    }

    /// Whether every sequence number of the set exists in a mailbox of `count` messages;
    /// `*` in an empty mailbox does not. [rfc9051 9: seq-number]
    pub fn fits(&self, count: u32) -> bool {
        let exists = |bound| match bound {
            Bound::Number(number) => number <= count,
            Bound::Highest => count > 0,
        };
        self.0
            .iter()
            .all(|&(first, last)| exists(first) && exists(last))
    }
}

/// `sequence-set =/ seq-last-command`: where a command takes messages, it takes `$` too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MessageSet {
    Numbers(SequenceSet),
    /// `seq-last-command = "$"`: what the last SEARCH with SAVE found. [rfc5182 3]
    Saved,
}

/// `nz-number = digit-nz *DIGIT`; leading zeros are let through.
fn parse_bound(text: &[u8]) -> Option<Bound> {
    if text == b"*" {
        return Some(Bound::Highest);
    }
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number != 0).then_some(Bound::Number(number))
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Bound::Number(number) => write!(f, "{number}"),
            Bound::Highest => f.write_str("*"),
        }
    }
}

/// One number is never written as a range [rfc9051 7.1].
impl std::fmt::Display for SequenceSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}:{last}")?;
            }
        }
        Ok(())
    }
}

impl std::fmt::Display for MessageSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MessageSet::Numbers(set) => set.fmt(f),
            MessageSet::Saved => f.write_str("$"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, highest: u32, expect: &[RangeInclusive<u32>]) {
        let set = SequenceSet::parse(text.as_bytes()).expect("a set");
        assert_eq!(set.resolve(highest), expect, "{text}");
        assert_eq!(SequenceSet::parse(set.to_string().as_bytes()), Some(set));
    }

    #[test]
    fn resolves_sets_as_the_rfc_shows() {
        // [rfc3501 9: seq-range]
        check("2,4:7,9,12:*", 15, &[2..=2, 4..=7, 9..=9, 12..=15]);
        check("*:4,5:7", 10, &[4..=10]);
        check("4:2", 10, &[2..=4]);
        check("1,2,3", 3, &[1..=3]);
        check("*", 7, &[7..=7]);
        check("*", 0, &[]);
        check("1:*", 0, &[]);
        check("4294967295,1:4294967295", 9, &[1..=u32::MAX]);
    }

    #[test]
    fn star_range_holds_the_last_uid_even_above_it() {
        // [rfc3501 6.4.8]
        check("3291:*", 100, &[100..=3291]);
    }

    #[test]
    fn refuses_what_is_no_set() {
        for text in [
            "",
            ",",
            "1,",
            "0",
            "1:0",
            "1:2:3",
            "a",
            "-1",
            "4294967296",
            "1 2",
            "**",
        ] {
            assert_eq!(SequenceSet::parse(text.as_bytes()), None, "{text}");
        }
        let many = vec!["1"; limits::SEQUENCE_RANGES + 1].join(",");
        assert_eq!(SequenceSet::parse(many.as_bytes()), None);
        assert!(SequenceSet::parse(&many.as_bytes()[2..]).is_some());
    }

    #[test]
    fn tells_numbers_that_do_not_exist() {
        // [rfc9051 9: seq-number]
        let fits = |text: &str, count| {
            SequenceSet::parse(text.as_bytes())
                .expect("a set")
                .fits(count)
        };
        assert!(fits("1:3", 3) && fits("*", 1) && fits("2:*", 2));
        assert!(!fits("4", 3) && !fits("*", 0) && !fits("1:*", 0));
    }

    #[test]
    fn falls_into_pieces_that_together_are_the_same() {
        let set = SequenceSet::parse(b"1:3,5,7:9").expect("a set");
        let pieces: Vec<String> = set.pieces(2).map(|piece| piece.to_string()).collect();
        assert_eq!(pieces, ["1:3,5", "7:9"]);
        assert!(!set.has_highest());
        assert!(SequenceSet::parse(b"1,4:*").expect("a set").has_highest());
    }

    #[test]
    fn keeps_the_order_of_uids_for_copyuid() {
        // [rfc9051 7.1]
        let set = SequenceSet::from_numbers([304, 319, 320, 7]).expect("numbers");
        assert_eq!(set.to_string(), "304,319:320,7");
        assert_eq!(SequenceSet::from_numbers([0]), None);
    }
}
