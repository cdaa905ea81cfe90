//! The one table of capabilities: what is announced, and when. What never stands here: something
//! that does not work.

use imap::ResponseCode;
use mail::Mechanism;
use std::borrow::Cow;

/// What a session is when it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub logged_in: LoggedIn,
    /// STARTTLS would work.
    pub starttls: StartTls,
    /// A password would be looked at.
    pub passwords: Passwords,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoggedIn {
    No,
    Yes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartTls {
    Offered,
    NotNow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passwords {
    Taken,
    /// Nor is any other login. [rfc3501 6.2.3] [rfc3501 11.2] [rfc9051 11.7]
    NeedTls,
    /// Only other ways to log in are taken.
    NotTaken,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    StartTlsOffered,
    LoginsTaken,
    PasswordsRefused,
    LoggedIn,
}

/// Stands for one name each: what logins take is not in this table [rfc3501 6.1.1].
const EACH_MECHANISM: &str = "AUTH=";

/// In the order in which they are announced; IMAP4rev1 comes first [rfc3501 7.2.1]. What IMAP4rev2
/// must announce is there too [rfc9051 7.2.2].
const TABLE: &[(&str, When)] = &[
    ("IMAP4rev1", When::Always),
    ("IMAP4rev2", When::Always),    // RFC 9051
    ("LITERAL+", When::Always),     // RFC 7888
    ("SASL-IR", When::LoginsTaken), // RFC 4959
    ("STARTTLS", When::StartTlsOffered),
    ("LOGINDISABLED", When::PasswordsRefused),
    (EACH_MECHANISM, When::LoginsTaken),
    ("ID", When::Always),                   // RFC 2971
    ("ENABLE", When::Always),               // RFC 5161
    ("IDLE", When::Always),                 // RFC 2177
    ("NAMESPACE", When::LoggedIn),          // RFC 2342
    ("UIDPLUS", When::LoggedIn),            // RFC 4315
    ("BINARY", When::LoggedIn),             // RFC 3516
    ("MULTIAPPEND", When::LoggedIn),        // RFC 3502
    ("UNSELECT", When::LoggedIn),           // RFC 3691
    ("CHILDREN", When::LoggedIn),           // RFC 3348
    ("LIST-EXTENDED", When::LoggedIn),      // RFC 5258
    ("LIST-STATUS", When::LoggedIn),        // RFC 5819
    ("SPECIAL-USE", When::LoggedIn),        // RFC 6154
    ("CREATE-SPECIAL-USE", When::LoggedIn), // RFC 6154
    ("MOVE", When::LoggedIn),               // RFC 6851
    ("CONDSTORE", When::LoggedIn),          // RFC 7162
    ("QRESYNC", When::LoggedIn),            // RFC 7162
    ("ESEARCH", When::LoggedIn),            // RFC 4731
    ("SEARCHRES", When::LoggedIn),          // RFC 5182
    ("WITHIN", When::LoggedIn),             // RFC 5032
    ("OBJECTID", When::LoggedIn),           // RFC 8474
    ("PREVIEW", When::LoggedIn),            // RFC 8970
    ("UTF8=ACCEPT", When::LoggedIn),        // RFC 6855
    ("STATUS=SIZE", When::LoggedIn),        // RFC 8438
];

/// A capability as it is announced, by its name in any case.
pub(crate) fn spelled(name: &str) -> &'static str {
    let row = TABLE.iter().find(|(row, _)| row.eq_ignore_ascii_case(name));
    row.expect("because a test finds all that can be enabled").0
}

/// The names to announce, and `APPENDLIMIT=` with its number [rfc7889 3].
pub(crate) fn list(
    standing: Standing,
    mechanisms: &[Mechanism],
    max_append_bytes: u64,
) -> Vec<Cow<'static, str>> {
    let holds = |when: When| match when {
        When::Always => true,
        When::StartTlsOffered => standing.starttls == StartTls::Offered,
        When::LoginsTaken => {
            standing.logged_in == LoggedIn::No && standing.passwords != Passwords::NeedTls
        }
        When::PasswordsRefused => {
            standing.logged_in == LoggedIn::No && standing.passwords != Passwords::Taken
        }
        When::LoggedIn => standing.logged_in == LoggedIn::Yes,
    };
    let rows = TABLE.iter().filter(|(_, when)| holds(*when));
    let mut names: Vec<Cow<'static, str>> = Vec::new();
    for (name, _) in rows {
        match *name {
            EACH_MECHANISM => {
                let each = mechanisms.iter();
                names.extend(each.map(|m| Cow::from(format!("{name}{}", m.name()))));
            }
            name => names.push(name.into()),
        }
    }
    if standing.logged_in == LoggedIn::Yes {
        names.push(format!("APPENDLIMIT={max_append_bytes}").into());
    }
    names
}

/// The same as a response code.
pub(crate) fn code(
    standing: Standing,
    mechanisms: &[Mechanism],
    max_append_bytes: u64,
) -> ResponseCode {
    ResponseCode::Capability(list(standing, mechanisms, max_append_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(logged_in: LoggedIn, starttls: StartTls, passwords: Passwords) -> String {
        let standing = Standing {
            logged_in,
            starttls,
            passwords,
        };
        list(standing, &[Mechanism::ScramSha256, Mechanism::Plain], 7).join(" ")
    }

    /// [rfc9051 11.7 #1]
    /// [rfc3501 11.2 #1]
    #[test]
    fn announces_no_password_mechanism_where_passwords_are_refused() {
        // [rfc3501 11.2] [rfc9051 11.7]
        let open = names(LoggedIn::No, StartTls::Offered, Passwords::NeedTls);
        assert_eq!(
            open,
            "IMAP4rev1 IMAP4rev2 LITERAL+ STARTTLS LOGINDISABLED ID ENABLE IDLE"
        );
        let safe = names(LoggedIn::No, StartTls::NotNow, Passwords::Taken);
        assert_eq!(
            safe,
            "IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR AUTH=SCRAM-SHA-256 AUTH=PLAIN ID ENABLE IDLE"
        );
        let other = names(LoggedIn::No, StartTls::NotNow, Passwords::NotTaken);
        assert!(other.contains("LOGINDISABLED AUTH="), "{other}");
    }

    /// As of IANA's registry of IMAP capabilities.
    /// [rfc3501 7.2.1 #5 #6] [rfc3501 9 #10]
    #[test]
    fn every_name_is_registered() {
        let registered = "APPENDLIMIT= AUTH= BINARY CHILDREN CONDSTORE CREATE-SPECIAL-USE ENABLE ESEARCH \
            ID IDLE IMAP4rev1 IMAP4rev2 LIST-EXTENDED LIST-STATUS LITERAL+ LITERAL- LOGINDISABLED MOVE \
            MULTIAPPEND NAMESPACE OBJECTID PREVIEW QRESYNC QUOTA SASL-IR SEARCHRES SORT SPECIAL-USE \
            STARTTLS STATUS=SIZE UIDPLUS UNSELECT UTF8=ACCEPT WITHIN";
        let registered: Vec<&str> = registered.split_ascii_whitespace().collect();
        for passwords in [Passwords::Taken, Passwords::NeedTls] {
            let before = names(LoggedIn::No, StartTls::Offered, passwords);
            let after = names(LoggedIn::Yes, StartTls::NotNow, passwords);
            for name in before.split(' ').chain(after.split(' ')) {
                let is_known = |known: &&str| match known.strip_suffix('=') {
                    Some(_) => name.starts_with(*known),
                    None => name == *known,
                };
                assert!(registered.iter().any(is_known), "{name}");
            }
        }
    }

    #[test]
    fn announces_everything_that_can_be_enabled() {
        for (name, _) in crate::enabled::TABLE {
            assert!(
                TABLE.iter().any(|(row, _)| row.eq_ignore_ascii_case(name)),
                "{name}"
            );
        }
    }

    #[test]
    fn announces_no_login_to_who_has_logged_in() {
        let inside = names(LoggedIn::Yes, StartTls::NotNow, Passwords::Taken);
        assert!(!inside.contains("AUTH=") && !inside.contains("STARTTLS"));
        assert!(inside.ends_with("APPENDLIMIT=7"));
    }
}
