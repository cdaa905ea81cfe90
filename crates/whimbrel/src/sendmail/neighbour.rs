//! Who brings mail by UUCP: `uuxqt` tells the name of the system that asked for the command.
//!
//! The server hears it in EHLO, below `.uucp`; it decides what that system may do. What never happens
//! here: a name that the message says is taken for the system that `uuxqt` knows.

use super::post_in;
use smtp::ClientName;

/// Set by `uuxqt`, of Taylor UUCP and others.
const VARIABLE: &str = "UU_MACHINE";
/// A neighbour that has no name, or none that can be one. It may do the least, like all that are not
/// configured.
const UNKNOWN: &str = "unknown";

/// The neighbour whose job it is.
pub fn of_caller() -> Option<String> {
    let name = std::env::var(VARIABLE).ok()?;
    (!name.is_empty()).then_some(name)
}

/// What EHLO says.
pub fn name(neighbour: Option<&str>) -> ClientName {
    let neighbour = neighbour.filter(|name| uucp::is_system(name));
    let full = format!("{}.uucp", neighbour.unwrap_or(UNKNOWN));
    post_in::name(Some(&full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_by_uucp_has_a_name_there() {
        let said = |by: Option<&str>| name(by).as_str().to_owned();
        assert_eq!(said(Some("alpha")), "alpha.uucp");
        // never the name of a user of this machine, who could send anywhere
        for odd in [
            None,
            Some(""),
            Some("a.b"),
            Some("-"),
            Some("localhost\r\n"),
            Some("a_b"),
        ] {
            assert_eq!(said(odd), "unknown.uucp", "{odd:?}");
        }
    }
}
