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
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_name = |name: &&str| name.chars().all(is_letter) && name.len() < 64;
    let neighbour = neighbour.filter(is_name).unwrap_or(UNKNOWN);
    let full = format!("{neighbour}.uucp");
    match full.parse::<addr::Domain>() {
        Ok(_) => post_in::name(Some(&full)),
        Err(_) => post_in::name(Some("unknown.uucp")),
    }
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
