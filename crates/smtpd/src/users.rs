//! The users of this machine, who hand in mail by a Unix socket: what they are called, and who of them
//! may send in anybody's name.
//!
//! What never happens here: asking the system; whoever opens the door says how that is done.

use mail::Fault;
use post::{LocalUser, Post, Trust};

/// `*` in the list of those who are trusted.
const EVERYBODY: &str = "*";

/// How a user's number becomes a name, and whose word counts.
#[derive(Clone, Debug)]
pub struct Users {
    /// The login name of a user of the system.
    pub name: fn(u32) -> Option<String>,
    /// Login names; `*` is everybody. Root need not stand here.
    pub trusted: Vec<String>,
}

impl Default for Users {
    /// Nobody has a name, and only root is trusted.
    fn default() -> Users {
        Users {
            name: |_| None,
            trusted: Vec::new(),
        }
    }
}

impl Users {
    /// The user with this number, as `post` knows him.
    pub fn find(&self, post: &Post, uid: u32) -> Result<Option<LocalUser>, Fault> {
        let name = (self.name)(uid);
        let trust = self.trust(uid, name.as_deref());
        post.local_user(uid, name, trust)
    }

    fn trust(&self, uid: u32, name: Option<&str>) -> Trust {
        let is_named = |one: &String| one == EVERYBODY || Some(one.as_str()) == name;
        match uid == 0 || self.trusted.iter().any(is_named) {
            true => Trust::Anybody,
            false => Trust::Own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_those_who_are_named_are_trusted_and_nobody_else() {
        let users = |trusted: &[&str]| Users {
            trusted: trusted.iter().map(|&name| name.to_owned()).collect(),
            ..Users::default()
        };
        assert_eq!(users(&[]).trust(0, None), Trust::Anybody);
        assert_eq!(users(&["uucp"]).trust(10, Some("uucp")), Trust::Anybody);
        assert_eq!(users(&["*"]).trust(1_000, None), Trust::Anybody);
        assert_eq!(users(&["uucp"]).trust(1_000, Some("jane")), Trust::Own);
        assert_eq!(users(&["uucp"]).trust(1_000, None), Trust::Own);
    }
}
