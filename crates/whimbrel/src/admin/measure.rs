//! Sizes, spans and dates as people write and read them.
//!
//! What never happens here: a clock.

use super::request::QuotaWord;
use crate::settings::units::Unit;
use net::Time;

const UNITS: &[(&str, u64)] = &[
    ("T", 1 << 40),
    ("G", 1 << 30),
    ("M", 1 << 20),
    ("K", 1 << 10),
];

/// `500M`, `10G`, `none`, `default`; a bare number is octets.
pub fn quota(text: &str) -> Result<QuotaWord, String> {
    match text {
        "default" => return Ok(QuotaWord::Default),
        "none" => return Ok(QuotaWord::None),
        _ => {}
    }
    let wrong = || format!("“{text}” is no size: say 500M, 10G, none or default");
    let upper = text.to_ascii_uppercase();
    let upper = upper
        .strip_suffix("IB")
        .or(upper.strip_suffix('B'))
        .unwrap_or(&upper);
    let (number, unit) = UNITS
        .iter()
        .find_map(|(unit, bytes)| Some((upper.strip_suffix(unit)?, *bytes)))
        .unwrap_or((upper, 1));
    let number: u64 = number.trim().parse().map_err(|_| wrong())?;
    let bytes = number.checked_mul(unit).filter(|bytes| *bytes < u64::MAX);
    bytes.map(QuotaWord::Bytes).ok_or_else(wrong)
}

/// `30 s`, `4h`, `2 days`, as settings have it.
pub fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("“{text}” is no span of time: say 10m, 4h or 2d");
    Unit::Time.read(text).ok_or_else(wrong)
}

/// `1.5 GiB`.
pub fn bytes(count: u64) -> String {
    for (unit, size) in UNITS {
        if count >= *size {
            let tenths = u128::from(count) * 10 / u128::from(*size);
            return format!("{}.{} {unit}iB", tenths / 10, tenths % 10);
        }
    }
    format!("{count} B")
}

/// `2026-11-23T04:40:06Z`.
pub fn date(time: Time) -> String {
    let c = time.civil();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        c.year, c.month, c.day, c.hour, c.minute, c.second
    )
}

/// `3 d 4 h`, `5 min`, `12 s`.
pub fn span(seconds: u64) -> String {
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) => format!("{minutes} min {rest} s"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for (text, expect) in [
            ("0", Some(QuotaWord::Bytes(0))),
            ("1000", Some(QuotaWord::Bytes(1_000))),
            ("500M", Some(QuotaWord::Bytes(500 << 20))),
            ("10g", Some(QuotaWord::Bytes(10 << 30))),
            ("2 GiB", Some(QuotaWord::Bytes(2 << 30))),
            ("1TB", Some(QuotaWord::Bytes(1 << 40))),
            ("none", Some(QuotaWord::None)),
            ("default", Some(QuotaWord::Default)),
            ("", None),
            ("-1", None),
            ("1.5G", None),
            ("18446744073709551615", None),
            ("99999999999T", None),
        ] {
            assert_eq!(quota(text).ok(), expect, "{text}");
        }
        assert_eq!(bytes(1_023), "1023 B");
        assert_eq!(bytes(1_536), "1.5 KiB");
        assert_eq!(bytes(u64::MAX), "16777215.9 TiB");
    }

    #[test]
    fn dates_and_spans_are_read_by_people() {
        assert_eq!(date(Time::from_seconds(0)), "1970-01-01T00:00:00Z");
        assert_eq!(super::seconds("4h"), Ok(14_400));
        assert!(super::seconds("soon").is_err());
        for (seconds, expect) in [
            (59, "59 s"),
            (61, "1 min 1 s"),
            (3_660, "1 h 1 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(span(seconds), expect);
        }
    }
}
