//! Sizes and times as people write them: `25 MiB`, `30 days`.
//!
//! What never happens here: a bound; those stand in the table.

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    Plain,
    /// Octets.
    Size,
    /// Seconds.
    Time,
}

/// A unit's word as it is written, other words that are understood, and how much it is.
struct Word {
    written: &'static str,
    others: &'static [&'static str],
    amount: u64,
}

const fn word(written: &'static str, others: &'static [&'static str], amount: u64) -> Word {
    Word {
        written,
        others,
        amount,
    }
}

/// The largest first.
const SIZES: &[Word] = &[
    word("TiB", &[], 1 << 40),
    word("GiB", &[], 1 << 30),
    word("MiB", &[], 1 << 20),
    word("KiB", &[], 1 << 10),
    word("B", &["byte", "bytes", "octets"], 1),
];
/// Understood, never written.
const DECIMAL_SIZES: &[Word] = &[
    word("TB", &[], 1_000_000_000_000),
    word("GB", &[], 1_000_000_000),
    word("MB", &[], 1_000_000),
    word("kB", &[], 1_000),
];
const TIMES: &[Word] = &[
    word("days", &["day", "d"], 24 * 3_600),
    word("h", &["hour", "hours"], 3_600),
    word("min", &["minute", "minutes", "m"], 60),
    word("s", &["sec", "second", "seconds"], 1),
];
const WEEKS: &[Word] = &[word("weeks", &["week", "w"], 7 * 24 * 3_600)];

impl Unit {
    /// How it is asked for in a message.
    pub fn asked(self) -> &'static str {
        match self {
            Unit::Plain => "a whole number",
            Unit::Size => "a size such as \"25 MiB\"",
            Unit::Time => "a time such as \"30 days\" or \"5 min\"",
        }
    }

    /// How the reference calls it.
    pub fn title(self) -> &'static str {
        match self {
            Unit::Plain => "number",
            Unit::Size => "size",
            Unit::Time => "time",
        }
    }

    fn words(self) -> impl Iterator<Item = &'static Word> {
        let (first, second) = match self {
            Unit::Plain => (&[][..], &[][..]),
            Unit::Size => (SIZES, DECIMAL_SIZES),
            Unit::Time => (TIMES, WEEKS),
        };
        first.iter().chain(second)
    }

    /// The number that a text means; `None` if it means none.
    ///
    /// ```text
    /// value = 1*DIGIT [ *SP unit ]
    /// ```
    pub fn read(self, text: &str) -> Option<u64> {
        let text = text.trim();
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let number: u64 = text[..end].parse().ok()?;
        let unit = text[end..].trim_start();
        if unit.is_empty() {
            return Some(number);
        }
        let is = |word: &Word| {
            let mut all = word.others.iter().chain([&word.written]);
            all.any(|known| known.eq_ignore_ascii_case(unit))
        };
        let word = self.words().find(|word| is(word))?;
        number.checked_mul(word.amount)
    }

    /// The shortest text that means this number.
    pub fn write(self, number: u64) -> String {
        let words = match self {
            Unit::Plain => return number.to_string(),
            Unit::Size => SIZES,
            Unit::Time => TIMES,
        };
        let fits = |word: &&Word| number.is_multiple_of(word.amount) && number >= word.amount;
        match words.iter().find(fits) {
            Some(word) if number == word.amount && word.written == "days" => "1 day".to_owned(),
            Some(word) => format!("{} {}", number / word.amount, word.written),
            None => number.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn understands_what_people_write() {
        for (unit, text, number) in [
            (Unit::Size, "25 MiB", Some(25 << 20)),
            (Unit::Size, "25mib", Some(25 << 20)),
            (Unit::Size, "10 MB", Some(10_000_000)),
            (Unit::Size, "7", Some(7)),
            (Unit::Size, "7 bytes", Some(7)),
            (Unit::Time, "30 days", Some(30 * 86_400)),
            (Unit::Time, "5 min", Some(300)),
            (Unit::Time, "2 weeks", Some(14 * 86_400)),
            (Unit::Time, "1h", Some(3_600)),
            (Unit::Plain, "12", Some(12)),
            (Unit::Plain, "12 days", None),
            (Unit::Size, "25 days", None),
            (Unit::Size, "-1", None),
            (Unit::Size, "1.5 GiB", None),
            (Unit::Size, "", None),
            (Unit::Size, "99999999999 TiB", None),
        ] {
            assert_eq!(unit.read(text), number, "{text}");
        }
    }

    #[test]
    fn reads_back_what_it_writes() {
        for unit in [Unit::Plain, Unit::Size, Unit::Time] {
            for number in [0, 1, 59, 60, 90, 3_600, 86_400, 1 << 10, 3 << 30, u64::MAX] {
                assert_eq!(unit.read(&unit.write(number)), Some(number));
            }
        }
        assert_eq!(Unit::Size.write(256 << 20), "256 MiB");
        assert_eq!(Unit::Time.write(90), "90 s");
    }
}
