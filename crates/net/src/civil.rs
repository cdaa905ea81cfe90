//! Days and seconds to dates of the Gregorian calendar and back, in UTC.
//!
//! Pure functions. What never happens here: time zones, leap seconds, reading a clock.

const DAY_S: i64 = 86_400;
/// The calendar repeats after 400 years.
const ERA_DAYS: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i64 = 719_468;

/// A moment as calendar and clock show it in UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Civil {
    pub year: i64,
    /// 1 to 12
    pub month: u8,
    /// 1 to 31
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    /// 0 = Sunday
    pub weekday: u8,
}

impl Civil {
    /// The moment so many seconds after 1970-01-01T00:00:00Z.
    pub fn from_seconds(seconds: i64) -> Civil {
        let days = seconds.div_euclid(DAY_S);
        let in_day = seconds.rem_euclid(DAY_S);
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month,
            day,
            hour: small(in_day / 3_600),
            minute: small(in_day / 60 % 60),
            second: small(in_day % 60),
            // 1970-01-01 was a Thursday
            weekday: small((days + 4).rem_euclid(7)),
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn seconds(&self) -> i64 {
        days_from_civil(self.year, self.month, self.day) * DAY_S
            + i64::from(self.hour) * 3_600
            + i64::from(self.minute) * 60
            + i64::from(self.second)
    }
}

fn small(value: i64) -> u8 {
    u8::try_from(value).expect("because it is the remainder of a division by less than 256")
}

/// Days since 1970-01-01 of a date. A day past the month's end counts on into the next month.
pub fn days_from_civil(year: i64, month: u8, day: u8) -> i64 {
    // Years begin with March, so that the leap day is the last day of a year.
    let (month, day) = (i64::from(month), i64::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let from_march = (month + 9) % 12;
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let year_of_era = year.rem_euclid(400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year.div_euclid(400) * ERA_DAYS + day_of_era - EPOCH_DAYS
}

/// Year, month and day of a number of days since 1970-01-01.
pub fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let days = days + EPOCH_DAYS;
    let day_of_era = days.rem_euclid(ERA_DAYS);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = days.div_euclid(ERA_DAYS) * 400 + year_of_era + i64::from(month <= 2);
    (year, small(month), small(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_eight_centuries_comes_back() {
        let (mut year, mut month, mut day) = (1_600, 1, 1);
        for days in days_from_civil(1_600, 1, 1)..days_from_civil(2_400, 1, 1) {
            assert_eq!(civil_from_days(days), (year, month, day));
            assert_eq!(days_from_civil(year, month, day), days);
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 if leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            if day < last {
                day += 1;
            } else if month < 12 {
                (month, day) = (month + 1, 1);
            } else {
                (year, month, day) = (year + 1, 1, 1);
            }
        }
    }

    #[test]
    fn knows_the_epoch_and_the_moment_before() {
        let civil = Civil::from_seconds(0);
        assert_eq!(
            (civil.year, civil.month, civil.day, civil.weekday),
            (1970, 1, 1, 4)
        );
        let before = Civil::from_seconds(-1);
        assert_eq!((before.year, before.month, before.day), (1969, 12, 31));
        assert_eq!(
            (before.hour, before.minute, before.second, before.weekday),
            (23, 59, 59, 3)
        );
        assert_eq!(before.seconds(), -1);
    }
}
