//! HOLDFOR= and HOLDUNTIL=: before when a message is not to be released. [rfc4865 3]
//!
//! Moments are seconds since 1970-01-01T00:00:00Z, and rounded up: nothing is released early. What
//! never happens here: a clock, a bound on how long.
//!
//! ```abnf
//! hold-for-param   = "HOLDFOR=" future-release-integer        ; %x31-39 *8DIGIT, seconds
//! hold-until-param = "HOLDUNTIL=" date-time
//! date-time    = full-date "T" full-time                      ; [rfc3339 5.6]
//! full-date    = 4DIGIT "-" 2DIGIT "-" 2DIGIT
//! full-time    = 2DIGIT ":" 2DIGIT ":" 2DIGIT [ "." 1*DIGIT ] time-offset
//! time-offset  = "Z" / ( "+" / "-" ) 2DIGIT ":" 2DIGIT
//! ```

use crate::by::nine_digits;
use crate::limits::DATE_TIME_BYTES;
use std::fmt;

/// What a submission says of its release.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Hold {
    /// So many seconds from the command on.
    For(u32),
    /// This moment.
    Until(i64),
}

impl Hold {
    /// Reads the value of HOLDFOR.
    pub fn read_for(value: &str) -> Option<Hold> {
        let begins_well = !value.starts_with('0');
        nine_digits(value).filter(|_| begins_well).map(Hold::For)
    }

    /// Reads the value of HOLDUNTIL.
    pub fn read_until(value: &str) -> Option<Hold> {
        read_date_time(value).map(Hold::Until)
    }

    /// The moment, for a command that came at `now`.
    pub fn release(self, now: i64) -> i64 {
        match self {
            Hold::For(seconds) => now.saturating_add(i64::from(seconds)),
            Hold::Until(at) => at,
        }
    }
}

/// As it stands in a notification. [rfc4865 5.1.2]
impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hold::For(seconds) => write!(f, "for;{seconds}"),
            Hold::Until(at) => write!(f, "until;{}", date_time(*at)),
        }
    }
}

/// A moment in UTC, as EHLO and commands have it.
pub fn date_time(at: i64) -> String {
    let (days, of_day) = (at.div_euclid(DAY), at.rem_euclid(DAY));
    let (year, month, day) = date_of(days);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

const DAY: i64 = 86_400;

fn read_date_time(text: &str) -> Option<i64> {
    let octets = text.as_bytes();
    let fits = (20..=DATE_TIME_BYTES).contains(&octets.len()) && text.is_ascii();
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let mut marks = marks.iter();
    if !fits || !marks.all(|(at, mark)| octets[*at].to_ascii_uppercase() == *mark) {
        return None;
    }
    let number = |from: usize, len: usize, range: std::ops::RangeInclusive<i64>| {
        let digits = text.get(from..from + len)?;
        let number = nine_digits(digits).map(i64::from);
        number.filter(|number| range.contains(number))
    };
    let (year, month) = (number(0, 4, 0..=9_999)?, number(5, 2, 1..=12)?);
    let day = number(8, 2, 1..=days_of_month(year, month))?;
    let (hour, minute) = (number(11, 2, 0..=23)?, number(14, 2, 0..=59)?);
    // a leap second is the one behind it
    let second = number(17, 2, 0..=60)?;
    let (part, offset) = fraction(&text[19..])?;
    let seconds = days_to(year, month, day) * DAY + hour * 3_600 + minute * 60 + second;
    Some(seconds + part - offset_seconds(offset)?)
}

/// What a fraction of a second is rounded up to, and what stands behind it.
fn fraction(rest: &str) -> Option<(i64, &str)> {
    let Some(behind) = rest.strip_prefix('.') else {
        return Some((0, rest));
    };
    let end = behind.find(|c: char| !c.is_ascii_digit())?;
    let (digits, offset) = behind.split_at(end);
    let is_more = digits.bytes().any(|octet| octet != b'0');
    (!digits.is_empty()).then_some((i64::from(is_more), offset))
}

fn offset_seconds(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("Z") {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text[1..].split_once(':')?;
    let two = |digits: &str, most: u32| {
        let number = nine_digits(digits).filter(|number| *number <= most);
        number.filter(|_| digits.len() == 2).map(i64::from)
    };
    Some(sign * (two(hours, 23)? * 3_600 + two(minutes, 59)? * 60))
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days in all years before, the first of which begins with March so that the leap day is its last.
fn days_before_year(year: i64) -> i64 {
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400)
}

/// Days of such a year before a month of it, of which March is 0.
fn days_before_month(month: i64) -> i64 {
    (153 * month + 2) / 5
}

/// From year 0's first of March to 1970-01-01.
const EPOCH: i64 = 719_468;

/// Days from 1970-01-01 to this one.
fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    days_before_year(year) + days_before_month(month) + day - 1 - EPOCH
}

/// The inverse.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH;
    // no year has more days than this, so it is this one or the next
    let mut year = days.div_euclid(366);
    while days_before_year(year + 1) <= days {
        year += (days - days_before_year(year + 1)) / 366 + 1;
    }
    let of_year = days - days_before_year(year);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - days_before_month(month) + 1;
    match month {
        10 | 11 => (year + 1, month - 9, day),
        _ => (year, month + 3, day),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_how_long_to_hold() {
        // [rfc4865 3]
        assert_eq!(Hold::read_for("93200"), Some(Hold::For(93_200)));
        assert_eq!(Hold::read_for("999999999"), Some(Hold::For(999_999_999)));
        for bad in ["", "0", "01", "-1", "+1", "1000000000", "1.5", "1h"] {
            assert_eq!(Hold::read_for(bad), None, "{bad}");
        }
    }

    #[test]
    fn reads_until_when_to_hold() {
        // [rfc4865 3]
        let check = |value: &str, expect: Option<&str>| {
            let read = Hold::read_until(value).map(|hold| hold.to_string());
            let expect = expect.map(|text| format!("until;{text}"));
            assert_eq!(read, expect, "{value}");
        };
        let plain = "2026-11-23T01:20:09Z";
        check(plain, Some(plain));
        check("2026-11-23t01:20:09z", Some(plain));
        check("2026-11-23T02:20:09+01:00", Some(plain));
        check("2026-11-22T19:50:09-05:30", Some(plain));
        check("2026-11-23T01:20:09.000Z", Some(plain));
        check("2026-11-23T01:20:08.01Z", Some(plain));
        check("2028-02-29T23:59:60Z", Some("2028-03-01T00:00:00Z"));
        for bad in [
            "",
            "2026-11-23",
            "2026-11-23T01:20:09",
            "2026-11-23 01:20:09Z",
            "2026-11-23T01:20Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T01:20:61Z",
            "2026-11-23T01:20:09.Z",
            "2026-11-23T01:20:09+1:00",
            "2026-11-23T01:20:09+24:00",
            "2026-11-23T01:20:09ZZ",
            "2026-11-23T01:20:09.00000000000000000000000000000Z",
            "+026-11-23T01:20:09Z",
            "2026-11-23T01:20:0ñZ",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn tells_the_moment() {
        // [rfc4865 4.2] [rfc4865 5.1.2]
        assert_eq!(Hold::For(60).release(1_000), 1_060);
        assert_eq!(Hold::Until(7).release(1_000), 7);
        assert_eq!(Hold::For(60).to_string(), "for;60");
    }

    #[test]
    fn knows_the_calendar() {
        for (at, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(date_time(at), text);
        }
    }

    proptest! {
        #[test]
        fn every_moment_reads_as_it_is_written(at in -62_135_596_800_i64..253_402_300_800) {
            prop_assert_eq!(read_date_time(&date_time(at)), Some(at));
        }
    }
}
