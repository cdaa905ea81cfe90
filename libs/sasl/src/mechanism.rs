//! The table of mechanisms.

/// A mechanism that the server speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mechanism {
    /// RFC 4616
    Plain,
    /// draft-murchison-sasl-login, obsolete and widely used
    Login,
}

/// Whether a mechanism may run without TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    /// It shows the password to whoever listens [rfc4616 6].
    NeedsTls,
    Any,
}

/// One row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    pub mechanism: Mechanism,
    pub name: &'static str,
    pub channel: Channel,
}

/// All mechanisms, in the order in which they are offered.
pub const MECHANISMS: &[Row] = &[
    Row {
        mechanism: Mechanism::Plain,
        name: "PLAIN",
        channel: Channel::NeedsTls,
    },
    Row {
        mechanism: Mechanism::Login,
        name: "LOGIN",
        channel: Channel::NeedsTls,
    },
];

impl Mechanism {
    /// By name, in any case: RFC 4422 section 3.1 leaves case to the protocols, and ours ignore it.
    pub fn from_name(name: &[u8]) -> Option<Mechanism> {
        let row = MECHANISMS
            .iter()
            .find(|row| row.name.as_bytes().eq_ignore_ascii_case(name));
        row.map(|row| row.mechanism)
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    pub fn channel(self) -> Channel {
        self.row().channel
    }

    fn row(self) -> &'static Row {
        let row = MECHANISMS.iter().find(|row| row.mechanism == self);
        row.expect("because every mechanism has a row, as a test shows")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mechanism_has_a_row_and_is_found_by_name_in_any_case() {
        for mechanism in [Mechanism::Plain, Mechanism::Login] {
            let lower = mechanism.name().to_lowercase();
            assert_eq!(Mechanism::from_name(lower.as_bytes()), Some(mechanism));
            assert_eq!(
                Mechanism::from_name(mechanism.name().as_bytes()),
                Some(mechanism)
            );
        }
        assert_eq!(Mechanism::from_name(b"CRAM-MD5"), None);
        assert_eq!(Mechanism::from_name(b""), None);
    }

    #[test]
    fn mechanisms_that_show_the_password_need_tls() {
        // [rfc4616 6]
        assert_eq!(Mechanism::Plain.channel(), Channel::NeedsTls);
        assert_eq!(Mechanism::Login.channel(), Channel::NeedsTls);
    }
}
