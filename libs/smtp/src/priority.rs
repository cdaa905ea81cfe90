//! MT-PRIORITY=: how urgent a message is beside others. [rfc6710 3]
//!
//! What never happens here: a decision who may ask for how much.
//!
//! ```abnf
//! priority-value = ([ "-" ] %x31-39) / "0"       ; -9 to 9 [rfc6710 7]
//! ```

use std::fmt;

/// A number from -9 to 9; what is higher goes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Priority(i8);

impl Priority {
    /// Of a message that says nothing. [rfc6710 4.1]
    pub const USUAL: Priority = Priority(0);
    pub const HIGHEST: Priority = Priority(9);

    /// None for what is no priority.
    pub fn new(number: i8) -> Option<Priority> {
        (-9..=9).contains(&number).then_some(Priority(number))
    }

    /// Reads the parameter's value as it stands on the wire.
    pub fn read(value: &str) -> Option<Priority> {
        let (sign, digit) = match value.strip_prefix('-') {
            Some(digit) => (-1, digit),
            None => (1, value),
        };
        match (sign, digit.as_bytes()) {
            (1, b"0") => Some(Priority::USUAL),
            (_, [octet @ b'1'..=b'9']) => Priority::new(sign * (octet - b'0').cast_signed()),
            _ => None,
        }
    }

    pub fn number(self) -> i8 {
        self.0
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_digit_with_or_without_a_minus() {
        // [rfc6710 3] [rfc6710 7]
        for number in -9..=9 {
            let priority = Priority::new(number).expect("a priority");
            assert_eq!(Priority::read(&number.to_string()), Some(priority));
            assert_eq!(priority.to_string(), number.to_string());
        }
        for bad in ["", "-", "-0", "+3", "10", "-10", "03", "3.0", "x"] {
            assert_eq!(Priority::read(bad), None, "{bad}");
        }
        assert_eq!(Priority::new(10), None);
    }
}
