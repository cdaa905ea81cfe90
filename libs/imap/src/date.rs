//! Dates and times as IMAP writes them. Never here: a clock or a table of time zones.

/// A day: `17-Jul-1996`. Days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Date {
    days: i32,
}

impl Date {
    pub fn from_days(days: i32) -> Date {
        Date { days }
    }
    /// None if there is no such day; years 0 to 9999.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Date> {
        let _ = (year, month, day);
        todo!()
    }
    /// Days since 1970-01-01.
    pub fn days(self) -> i32 {
        self.days
    }
    /// Its first second, were it in UTC.
    pub fn seconds(self) -> i64 {
        i64::from(self.days) * 86_400
    }
    pub fn year_month_day(self) -> (i32, u8, u8) {
        todo!()
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
    /// The day in its own zone, as SEARCH compares it ("disregarding time and timezone").
    pub fn date(self) -> Date {
        todo!()
    }
    /// Without the quotes.
    pub fn parse(text: &[u8]) -> Option<DateTime> {
        let _ = text;
        todo!()
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!()
    }
}

impl std::fmt::Display for DateTime {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!()
    }
}
