//! Dates and times as IMAP writes them. Never here: a clock or a table of time zones.

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAY_S: i64 = 86_400;
/// 0000-01-01 and 9999-12-31: what four digits can write.
const FIRST_DAY: i32 = -719_528;
const LAST_DAY: i32 = 2_932_896;

/// A day: `17-Jul-1996`. Between the years 0 and 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Date {
    days: i32,
}

impl Date {
    /// Days since 1970-01-01; moved to the nearest day that can be written.
    pub fn from_days(days: i32) -> Date {
        Date {
            days: days.clamp(FIRST_DAY, LAST_DAY),
        }
    }

    /// None if there is no such day.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Date> {
        let good =
            year <= 9999 && (1..=12).contains(&month) && day >= 1 && day <= month_days(year, month);
        if !good {
            return None;
        }
        // Years begin in March here, so that the leap day is a year's last.
        let (year, month) = if month > 2 {
            (i32::from(year), i32::from(month) - 3)
        } else {
            (i32::from(year) - 1, i32::from(month) + 9)
        };
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let day_of_year = (153 * month + 2) / 5 + i32::from(day) - 1;
        Some(Date {
            days: year * 365 + leap_days + day_of_year - 719_468,
        })
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i32 {
        self.days
    }

    /// Its first second, were it in UTC.
    pub fn seconds(self) -> i64 {
        i64::from(self.days) * DAY_S
    }

    pub fn year_month_day(self) -> (i32, u8, u8) {
        let days = self.days + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        let year = year_of_era + era * 400 + i32::from(month <= 2);
        (year, month as u8, day as u8)
    }

    /// `date-text = date-day "-" date-month "-" date-year`, `date-day = 1*2DIGIT`
    ///
    /// A space may stand for the first digit of the day (`date-day-fixed`).
    pub fn parse(text: &[u8]) -> Option<Date> {
        let mut words = text.splitn(3, |&byte| byte == b'-');
        let (day, month, year) = (words.next()?, words.next()?, words.next()?);
        let day = day
            .strip_prefix(b" ")
            .filter(|rest| rest.len() == 1)
            .unwrap_or(day);
        let month = MONTHS
            .iter()
            .position(|name| name.as_bytes().eq_ignore_ascii_case(month))?;
        let year = digits(year, 4..=4)?;
        Date::new(
            year,
            u8::try_from(month).ok()? + 1,
            u8::try_from(digits(day, 1..=2)?).ok()?,
        )
    }
}

/// A moment and the zone it was written in: `17-Jul-1996 02:44:25 -0700`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DateTime {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Minutes east of UTC.
    pub zone_minutes: i16,
}

impl DateTime {
    pub fn utc(seconds: i64) -> DateTime {
        DateTime {
            seconds,
            zone_minutes: 0,
        }
    }

    fn local_seconds(self) -> i64 {
        self.seconds
            .saturating_add(i64::from(self.zone_minutes) * 60)
    }

    /// The day in its own zone, as SEARCH compares it. [rfc3501 6.4.4]
    pub fn date(self) -> Date {
        let days = self.local_seconds().div_euclid(DAY_S);
        let nearest = days.clamp(i64::from(FIRST_DAY), i64::from(LAST_DAY));
        Date::from_days(i32::try_from(nearest).expect("because it was clamped to days that fit"))
    }

    /// `date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE`,
    /// here without its quotes. A day of one digit without the space is let through.
    pub fn parse(text: &[u8]) -> Option<DateTime> {
        let text = text.trim_ascii_end();
        let (rest, zone) = text.split_at_checked(text.len().checked_sub(6)?)?;
        let (day, time) = rest.split_at_checked(rest.len().checked_sub(9)?)?;
        let date = Date::parse(day)?;
        let of_day = parse_time(time)?;
        let zone_minutes = parse_zone(zone)?;
        let seconds = date.seconds() + of_day - i64::from(zone_minutes) * 60;
        Some(DateTime {
            seconds,
            zone_minutes,
        })
    }
}

/// `time = 2DIGIT ":" 2DIGIT ":" 2DIGIT`, with the space before it. A leap second is taken
/// for the one before it, as clocks without leap seconds have it.
fn parse_time(text: &[u8]) -> Option<i64> {
    let [b' ', h1, h2, b':', m1, m2, b':', s1, s2] = *text else {
        return None;
    };
    let (hour, minute, second) = (
        digits(&[h1, h2], 2..=2)?,
        digits(&[m1, m2], 2..=2)?,
        digits(&[s1, s2], 2..=2)?,
    );
    let good = hour <= 23 && minute <= 59 && second <= 60;
    good.then(|| i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second.min(59)))
}

/// `zone = ("+" / "-") 4DIGIT`, with the space before it.
fn parse_zone(text: &[u8]) -> Option<i16> {
    let [b' ', sign @ (b'+' | b'-'), h1, h2, m1, m2] = *text else {
        return None;
    };
    let (hours, minutes) = (digits(&[h1, h2], 2..=2)?, digits(&[m1, m2], 2..=2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let east = i16::try_from(hours * 60 + minutes).ok()?;
    Some(if sign == b'-' { -east } else { east })
}

fn digits(text: &[u8], count: std::ops::RangeInclusive<usize>) -> Option<u16> {
    if !count.contains(&text.len()) || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn month_days(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = self.year_month_day();
        write!(f, "{day}-{}-{year:04}", MONTHS[usize::from(month) - 1])
    }
}

impl std::fmt::Display for DateTime {
    /// Without the quotes; the day is two characters wide (`date-day-fixed`).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = self.date().year_month_day();
        let of_day = self.local_seconds().rem_euclid(DAY_S);
        let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
        let month = MONTHS[usize::from(month) - 1];
        let sign = if self.zone_minutes < 0 { '-' } else { '+' };
        let zone = self.zone_minutes.unsigned_abs();
        write!(
            f,
            "{day:2}-{month}-{year:04} {hour:02}:{minute:02}:{second:02} "
        )?;
        write!(f, "{sign}{:02}{:02}", zone / 60, zone % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_and_writes_the_rfcs_moment() {
        let text = "17-Jul-1996 02:44:25 -0700";
        let moment = DateTime::parse(text.as_bytes()).expect("a moment");
        assert_eq!(
            moment,
            DateTime {
                seconds: 837_596_665,
                zone_minutes: -420
            }
        );
        assert_eq!(moment.to_string(), text);
        assert_eq!(moment.date().to_string(), "17-Jul-1996");
    }

    #[test]
    fn writes_a_day_of_one_digit_with_a_space() {
        let text = " 7-Feb-1994 22:43:04 +0530";
        assert_eq!(
            DateTime::parse(text.as_bytes())
                .expect("a moment")
                .to_string(),
            text
        );
        let short = DateTime::parse(b"7-Feb-1994 22:43:04 +0530").expect("a moment");
        assert_eq!(short.to_string(), text);
    }

    #[test]
    fn refuses_days_and_times_that_do_not_exist() {
        for text in [
            "",
            "1",
            "1-Feb",
            "0-Feb-1994",
            "30-Feb-1994",
            "29-Feb-1900",
            "1-Foo-1994",
            "1-Feb-94",
            "1-Feb-19940",
            "001-Feb-1994",
            " 10-Feb-1994",
            "1-Feb-1994 ",
        ] {
            assert_eq!(Date::parse(text.as_bytes()), None, "{text}");
        }
        for text in [
            "",
            "17-Jul-1996",
            "17-Jul-1996 24:00:00 +0000",
            "17-Jul-1996 02:60:00 +0000",
            "17-Jul-1996 02:44:25",
            "17-Jul-1996 02:44:25 0000",
            "17-Jul-1996 02:44:25 +00:0",
            "17-Jul-1996 02:44:25 +9900",
        ] {
            assert_eq!(DateTime::parse(text.as_bytes()), None, "{text}");
        }
        assert!(Date::parse(b"29-feb-2000").is_some());
    }

    #[test]
    fn moments_beyond_four_digit_years_are_still_written() {
        let text = DateTime {
            seconds: i64::MAX,
            zone_minutes: 60,
        }
        .to_string();
        assert!(text.starts_with("31-Dec-9999"), "{text}");
        let text = DateTime {
            seconds: i64::MIN,
            zone_minutes: -60,
        }
        .to_string();
        assert!(text.starts_with(" 1-Jan-0000"), "{text}");
    }

    proptest! {
        #[test]
        fn days_come_back(days in FIRST_DAY..=LAST_DAY) {
            let date = Date::from_days(days);
            let (year, month, day) = date.year_month_day();
            prop_assert_eq!(Date::new(u16::try_from(year).expect("a year"), month, day), Some(date));
            prop_assert_eq!(Date::parse(date.to_string().as_bytes()), Some(date));
        }

        #[test]
        fn moments_come_back(seconds in -60_000_000_000i64..250_000_000_000, zone_minutes in -1439i16..=1439) {
            let moment = DateTime { seconds, zone_minutes };
            prop_assert_eq!(DateTime::parse(moment.to_string().as_bytes()), Some(moment));
        }
    }
}
