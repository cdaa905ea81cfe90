//! BY=: within which time a message has to be delivered, and what if it is not. [rfc2852 4]
//!
//! A span counts from the command that says it, so that clocks need not agree. What never happens
//! here: a clock.
//!
//! ```abnf
//! by-value = by-time ";" by-mode [by-trace]
//! by-time  = ["-" / "+"] 1*9DIGIT   ; zero and less not with "R"
//! by-mode  = "N" / "R"              ; notify or return
//! by-trace = "T"
//! deliverby-param = [1*9DIGIT] *( "," extension-token )     ; behind DELIVERBY [rfc2852 2]
//! ```

use std::fmt;

/// What BY= says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct By {
    /// So long from the command on; of a message that is late already, less than nothing.
    pub seconds: i32,
    pub mode: ByMode,
    /// The sender wants to hear of each relay.
    pub trace: bool,
}

/// What becomes of a message that is late.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ByMode {
    /// The sender hears of it; it is tried further.
    Notify,
    /// It comes back.
    Return,
}

/// The most that nine digits say.
const MOST_SECONDS: i32 = 999_999_999;

impl By {
    /// Reads the parameter's value as it stands on the wire.
    pub fn read(value: &str) -> Option<By> {
        let (time, rest) = value.split_once(';')?;
        let digits = time.strip_prefix(['-', '+']).unwrap_or(time);
        let seconds: i32 = nine_digits(digits)?.try_into().ok()?;
        let seconds = if time.starts_with('-') {
            -seconds
        } else {
            seconds
        };
        let (mode, trace) = match rest.to_ascii_uppercase().as_str() {
            "N" => (ByMode::Notify, false),
            "NT" => (ByMode::Notify, true),
            "R" => (ByMode::Return, false),
            "RT" => (ByMode::Return, true),
            _ => return None,
        };
        let is_over = mode == ByMode::Return && seconds <= 0;
        (!is_over).then_some(By {
            seconds,
            mode,
            trace,
        })
    }

    /// What of so many seconds can be said.
    pub fn seconds_of(seconds: i64) -> i32 {
        let most = i64::from(MOST_SECONDS);
        i32::try_from(seconds.clamp(-most, most)).unwrap_or(MOST_SECONDS)
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            ByMode::Notify => "N",
            ByMode::Return => "R",
        };
        let trace = if self.trace { "T" } else { "" };
        write!(f, "{};{mode}{trace}", self.seconds)
    }
}

/// The least time that a server takes with "R"; none if it says none. [rfc2852 2]
pub(crate) fn least_seconds(parameter: &str) -> Option<u32> {
    nine_digits(parameter.split(',').next()?)
}

/// `1*9DIGIT`
pub(crate) fn nine_digits(text: &str) -> Option<u32> {
    let fits = (1..=9).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_how_long_and_what_then() {
        // [rfc2852 4]
        let check = |value: &str, expect: &str| {
            let read = By::read(value).map(|by| by.to_string());
            assert_eq!(read.as_deref().unwrap_or("none"), expect, "{value}");
        };
        check("120;R", "120;R");
        check("+098;rt", "98;RT");
        check("-7;N", "-7;N");
        check("0;nT", "0;NT");
        check("999999999;R", "999999999;R");
        for bad in [
            "",
            "120",
            "120;",
            "120;X",
            "120;TR",
            ";R",
            "1234567890;R",
            "0;R",
            "-1;R",
            "--1;N",
            "+-1;N",
            "1.5;N",
            "120; R",
            "120;R;T",
        ] {
            check(bad, "none");
        }
    }

    #[test]
    fn a_server_may_say_the_least_that_it_takes() {
        // [rfc2852 2]
        assert_eq!(least_seconds("240"), Some(240));
        assert_eq!(least_seconds("30,later,more"), Some(30));
        for none in ["", ",x", "x", "-3", "1234567890"] {
            assert_eq!(least_seconds(none), None, "{none}");
        }
    }

    #[test]
    fn what_cannot_be_said_is_said_as_near_as_can_be() {
        assert_eq!(By::seconds_of(98), 98);
        assert_eq!(By::seconds_of(i64::MAX), MOST_SECONDS);
        assert_eq!(By::seconds_of(i64::MIN), -MOST_SECONDS);
    }
}
