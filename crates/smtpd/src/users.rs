//! The users of this machine, who hand in mail by a Unix socket: what they are called, and who of them
//! may send in anybody's name.
//!
//! What never happens here: asking the system; whoever opens the door says how that is done.

use mail::Fault;
use post::{LocalUser, MaySend, Neighbour, Post, Trust};
use smtp::ClientName;
use std::sync::Arc;
use uucp::Systems;

/// `*` in the list of those who are trusted.
const EVERYBODY: &str = "*";

/// How a user's number becomes a name, and whose word counts.
#[derive(Clone, Debug)]
pub struct Users {
    /// The login name of a user of the system; a fault if it cannot be known now.
    pub name: fn(u32) -> Result<Option<String>, Fault>,
    /// Login names; `*` is everybody. Root need not stand here.
    pub trusted: Vec<String>,
    /// What the bang paths of theirs, and of those whose mail they bring by UUCP, are read with.
    pub systems: Arc<Systems>,
    /// Those neighbours that may send to anybody.
    pub ways_out: Vec<String>,
}

impl Default for Users {
    /// Nobody has a name, and only root is trusted.
    fn default() -> Users {
        Users {
            name: |_| Ok(None),
            trusted: Vec::new(),
            systems: Arc::default(),
            ways_out: Vec::new(),
        }
    }
}

impl Users {
    /// The user with this number, as `post` knows him.
    pub fn find(&self, post: &Post, uid: u32) -> Result<Option<LocalUser>, Fault> {
        let name = (self.name)(uid)?;
        let trust = self.trust(uid, name.as_deref());
        let user = post.local_user(uid, name, trust)?;
        Ok(user.map(|user| user.knowing(Arc::clone(&self.systems))))
    }

    /// The UUCP system that EHLO names, `alpha.uucp`; one that nobody configured is one, too.
    pub fn neighbour(&self, name: &ClientName) -> Option<Neighbour> {
        let domain = name.as_str().parse().ok()?;
        let name = uucp::system_of(&domain)?;
        let is_named = |one: &String| one.eq_ignore_ascii_case(&name);
        let may = match self.ways_out.iter().any(is_named) {
            true => MaySend::Anywhere,
            false => MaySend::ToUs,
        };
        Some(Neighbour { name, may })
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
    fn only_neighbours_that_are_named_may_send_anywhere() {
        let users = Users {
            ways_out: vec!["Leaf".to_owned()],
            ..Users::default()
        };
        let may = |name: &str| {
            let name = ClientName::from(&name.parse().unwrap());
            users.neighbour(&name).map(|found| found.may)
        };
        assert_eq!(may("leaf.uucp"), Some(MaySend::Anywhere));
        assert_eq!(may("alpha.uucp"), Some(MaySend::ToUs));
        assert_eq!(may("a.alpha.uucp"), None);
        assert_eq!(may("localhost"), None);
    }

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
