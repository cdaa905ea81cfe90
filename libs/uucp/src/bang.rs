//! Bang paths: `neighbour!next!user`, the way a message takes, and what is a mailbox address of it.
//!
//! Between programs of the house a path travels as an address below `.uucp`: `next!user@neighbour.uucp`
//! is `neighbour!next!user`. Only who comes by UUCP writes these; a path that came by SMTP is a name
//! like any other. What never happens here: a look-up; a choice who may send there.

use addr::{Address, Charset, Domain, Host, LocalPart, ReversePath};
use std::fmt;

/// Stands behind the names of UUCP systems, and in no DNS.
const ZONE: &str = "uucp";
/// What stands behind a name without anything.
const HERE: &str = "localhost";
/// What mailers without a null sender call it. Reconstructed: none has a safe spelling.
const NULL_SENDERS: [&str; 2] = ["mailer-daemon", "<>"];

/// What systems are called: we, and those whose mail we carry.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Systems {
    pub own: String,
    pub neighbours: Vec<String>,
}

/// A word that is neither an address nor a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotAPath(pub String);

impl fmt::Display for NotAPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read the address {}", self.0)
    }
}

impl std::error::Error for NotAPath {}

/// A path begins with a system that nobody here knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownSystem(pub String);

impl Systems {
    fn is_own(&self, name: &str) -> bool {
        self.own.eq_ignore_ascii_case(name)
    }

    fn is_neighbour(&self, name: &str) -> bool {
        self.neighbours
            .iter()
            .any(|one| one.eq_ignore_ascii_case(name))
    }

    /// Where mail for this address, which came by UUCP, is to go: to somebody here (`…@localhost`), to
    /// a neighbour (`…@neighbour.uucp`), or to a mailbox of the Internet.
    ///
    /// Our own name is taken off. Where a path and an `@` are mixed, the `@` counts, unless the path
    /// begins with a system that we know: the Internet's reading and the old one in turn. [rfc976 2]
    pub fn resolve(&self, address: &Address) -> Result<Address, UnknownSystem> {
        let mut address = address.clone();
        // each round takes off a system at least
        loop {
            let local = address.local().as_str().to_owned();
            let host = address.host().to_string();
            let system = address.domain().and_then(system_of);
            let inner = match &system {
                Some(system) if self.is_own(system) => local,
                Some(system) if self.is_neighbour(system) => return Ok(address),
                Some(system) => return Err(UnknownSystem(system.clone())),
                None if host == HERE => local,
                None => match local.split_once('!') {
                    Some((first, rest)) if self.is_own(first) => format!("{rest}@{host}"),
                    Some((first, rest)) if self.is_neighbour(first) => {
                        let wrong = || UnknownSystem(first.to_owned());
                        return address_of(&format!("{rest}@{host}"), &system_host(first))
                            .ok_or_else(wrong);
                    }
                    _ => return Ok(address),
                },
            };
            if host == HERE && !inner.contains(['!', '@']) {
                return Ok(address);
            }
            let next = recipient(&inner).map_err(|NotAPath(path)| UnknownSystem(path))?;
            if next == address {
                return Ok(address);
            }
            address = next;
        }
    }
}

/// Whether a system can be called so: its name is one of a host below `.uucp`.
pub fn is_system(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let host = || format!("{name}.{ZONE}").parse::<Domain>();
    !name.is_empty() && name.chars().all(is_letter) && host().is_ok()
}

/// The system that a name below `.uucp` stands for.
pub fn system_of(domain: &Domain) -> Option<String> {
    let (system, zone) = domain.as_str().rsplit_once('.')?;
    let is_system = zone == ZONE && !system.contains('.');
    is_system.then(|| system.to_owned())
}

/// A word of rmail's command line, as an address: `user@domain`, `domain.tld!user`, `system!user`, or
/// the name of somebody here.
pub fn recipient(word: &str) -> Result<Address, NotAPath> {
    let wrong = || NotAPath(word.to_owned());
    if word.contains('@') {
        return Address::parse(word.as_bytes(), Charset::Utf8).map_err(|_| wrong());
    }
    let address = match word.split_once('!') {
        Some((first, rest)) => address_of(rest, &system_host(first)),
        None => address_of(word, HERE),
    };
    address.filter(|_| word.is_ascii()).ok_or_else(wrong)
}

/// The sender by his path, as a neighbour brought it.
///
/// Reconstructed: `system!MAILER-DAEMON` and `system!<>` are nobody; what a neighbour puts before a
/// whole mailbox is the link's, not the mailbox's; and a path that does not begin with the neighbour
/// goes back through it.
pub fn sender(path: &str, neighbour: Option<&str>) -> Result<ReversePath, NotAPath> {
    let wrong = || NotAPath(path.to_owned());
    let last = path.rsplit('!').next().unwrap_or_default();
    if NULL_SENDERS.contains(&last.to_ascii_lowercase().as_str()) {
        return Ok(ReversePath::Null);
    }
    let (first, rest) = match path.split_once('!') {
        Some((first, rest)) => (Some(first), rest),
        None => (None, path),
    };
    let is_by = |name: &str| neighbour.is_some_and(|by| by.eq_ignore_ascii_case(name));
    let address = match first {
        None if path.contains('@') => recipient(path)?,
        None => {
            address_of(path, &neighbour.map_or(HERE.to_owned(), system_host)).ok_or_else(wrong)?
        }
        Some(first) if is_by(first) && last.contains('@') => recipient(last)?,
        Some(first) if is_by(first) || first.contains('.') || neighbour.is_none() => {
            address_of(rest, &system_host(first)).ok_or_else(wrong)?
        }
        Some(_) if last.contains('@') => recipient(last)?,
        Some(_) => {
            let by = neighbour.map(system_host).unwrap_or_default();
            address_of(path, &by).ok_or_else(wrong)?
        }
    };
    Ok(ReversePath::Address(address))
}

/// An address as a word of a command that another system starts: what stands behind `.uucp` is a path
/// there. None if a shell or uux on the way could take it for something else.
pub fn argument(address: &Address) -> Option<String> {
    let word = match address.domain().and_then(system_of) {
        Some(_) => address.local().as_str().to_owned(),
        None => address.to_string(),
    };
    let is_harmless = |c: char| c.is_ascii_alphanumeric() || "!#%+-./=@_{}~:[]".contains(c);
    let begins_well = !word.starts_with(['-', '!', '#', '~']);
    (!word.is_empty() && begins_well && word.chars().all(is_harmless)).then_some(word)
}

/// A domain as it is, a system below `.uucp`.
fn system_host(name: &str) -> String {
    match name.contains('.') {
        true => name.to_owned(),
        false => format!("{name}.{ZONE}"),
    }
}

fn address_of(local: &str, host: &str) -> Option<Address> {
    if local.is_empty() {
        return None;
    }
    let local = LocalPart::from_content(local).ok()?;
    let host = Host::parse(host.as_bytes(), Charset::Ascii).ok()?;
    Address::new(local, host).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn systems() -> Systems {
        Systems {
            own: "beta".to_owned(),
            neighbours: vec!["alpha".to_owned(), "gamma".to_owned()],
        }
    }

    fn goes_to(word: &str) -> String {
        let Ok(address) = recipient(word) else {
            return "unreadable".to_owned();
        };
        match systems().resolve(&address) {
            Ok(address) => address.to_string(),
            Err(UnknownSystem(name)) => format!("unknown {name}"),
        }
    }

    // [rfc976 2]
    #[test]
    fn recipients_are_here_with_a_neighbour_or_mailboxes_elsewhere() {
        for (word, expected) in [
            ("bob", "bob@localhost"),
            ("bob@beta.test", "bob@beta.test"),
            ("beta!bob", "bob@localhost"),
            ("BETA!beta!bob", "bob@localhost"),
            ("beta.test!bob", "bob@beta.test"),
            ("beta!x.test!bob", "bob@x.test"),
            ("gamma!dave", "dave@gamma.uucp"),
            ("beta!gamma!delta!dave", "delta!dave@gamma.uucp"),
            ("delta!dave", "unknown delta"),
            ("beta!delta!dave", "unknown delta"),
            // mixed: the left-most system only if we know it, else the @ binds last
            ("beta!bob@x.test", "bob@x.test"),
            ("gamma!bob@x.test", "\"bob@x.test\"@gamma.uucp"),
            ("beta!gamma!bob@x.test", "\"bob@x.test\"@gamma.uucp"),
            ("delta!bob@x.test", "delta!bob@x.test"),
            ("bob%x.test@beta.test", "bob%x.test@beta.test"),
            ("bob@beta.uucp", "bob@localhost"),
            ("gamma!dave@beta.uucp", "dave@gamma.uucp"),
            ("bob@delta.uucp", "unknown delta"),
            ("", "unreadable"),
            ("beta!", "unreadable"),
            ("!bob", "unreadable"),
            ("a@", "unreadable"),
        ] {
            assert_eq!(goes_to(word), expected, "{word}");
        }
    }

    #[test]
    fn senders_can_be_answered() {
        for (path, expected) in [
            ("alpha!alice", "<alice@alpha.uucp>"),
            ("alice", "<alice@alpha.uucp>"),
            ("alpha!delta!dave", "<delta!dave@alpha.uucp>"),
            ("gamma!delta!dave", "<gamma!delta!dave@alpha.uucp>"),
            ("alice@alpha.test", "<alice@alpha.test>"),
            ("alpha!alice@alpha.test", "<alice@alpha.test>"),
            ("alpha!delta!dave@x.test", "<dave@x.test>"),
            ("x.test!dave", "<dave@x.test>"),
            ("MAILER-DAEMON", "<>"),
            ("alpha!MAILER-DAEMON", "<>"),
            ("alpha!<>", "<>"),
            ("<>", "<>"),
        ] {
            let got = sender(path, Some("alpha")).map(|path| path.to_string());
            assert_eq!(got.as_deref(), Ok(expected), "{path}");
        }
        for wrong in ["alpha!", "a@b@c", ""] {
            assert!(sender(wrong, Some("alpha")).is_err(), "{wrong}");
        }
        let got = sender("alice", None).unwrap().to_string();
        assert_eq!(got, "<alice@localhost>");
        let got = sender("delta!dave", None).unwrap().to_string();
        assert_eq!(got, "<dave@delta.uucp>");
    }

    #[test]
    fn words_of_commands_hold_nothing_that_a_shell_reads() {
        let word = |text: &str| argument(&text.parse().unwrap());
        assert_eq!(word("bob@beta.test").as_deref(), Some("bob@beta.test"));
        assert_eq!(word("delta!dave@gamma.uucp").as_deref(), Some("delta!dave"));
        assert_eq!(
            word("\"bob@x.test\"@gamma.uucp").as_deref(),
            Some("bob@x.test")
        );
        for bent in [
            "\"a b\"@x.test",
            "a'b@x.test",
            "a`b@x.test",
            "a$b@x.test",
            "\"a;b\"@x.test",
            "\"(a)\"@gamma.uucp",
            "-r@x.test",
            "a*b@x.test",
            "a|b@x.test",
            // a pipe, too, to the shell of Version 7
            "a^b@x.test",
        ] {
            assert_eq!(word(bent), None, "{bent}");
        }
    }

    #[test]
    fn systems_are_called_like_hosts() {
        for name in ["alpha", "ALPHA2", "a-b", "4u"] {
            assert!(is_system(name), "{name}");
        }
        let long = "a".repeat(64);
        for none in [
            "",
            "-",
            "a.b",
            "a_b",
            "a!b",
            "a b",
            "localhost\r\n",
            "\u{e4}",
            &long,
        ] {
            assert!(!is_system(none), "{none}");
        }
    }

    proptest! {
        #[test]
        fn every_path_ends_somewhere(word in "[ab!@.x]{0,30}|(alpha!|beta!|x[.]test!){0,9}[a@.x]{1,9}") {
            if let Ok(address) = recipient(&word)
                && let Ok(resolved) = systems().resolve(&address)
            {
                // and stays there
                prop_assert_eq!(systems().resolve(&resolved), Ok(resolved));
            }
        }

        #[test]
        fn senders_are_read_or_refused(path in "[ab!@.<>\"\\\\]{0,30}", by in proptest::option::of("[ab]{1,3}")) {
            let _ = sender(&path, by.as_deref());
        }
    }
}
