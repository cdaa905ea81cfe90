//! Another mail server in a root of its own, as Debian has it: what tests ask of each.
//!
//! What never happens here: a server's settings (`exim`, `postfix`).

use crate::dns::accepts;
use crate::letter::{Letter, Maildir};
use crate::namespaces::Host;
use crate::root::{Root, Running};
use clients::Smtp;
use std::path::PathBuf;

/// Keeps its mail and its log in `/share`.
pub struct Peer {
    host: Host,
    folder: PathBuf,
    _program: Running,
}

impl Peer {
    /// Ready when it accepts at port 25.
    pub(crate) fn start(root: Root<'_>, program: &[&str]) -> Peer {
        let mut program = root.start(program);
        accepts(root.host, 25, &mut program);
        Peer {
            host: root.host.clone(),
            folder: root.folder,
            _program: program,
        }
    }

    /// Hands a letter in as a user of it would; it finds the way.
    pub fn send(&self, letter: &Letter) {
        let mut smtp = Smtp::connect(&format!("{}:25", self.host.v4));
        smtp.mail(&letter.from, &letter.to(), &letter.message);
    }

    pub fn mailbox(&self, name: &str) -> Maildir {
        Maildir(self.folder.join("share/mail").join(name))
    }

    /// What it said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("share/mainlog")).unwrap_or_default()
    }
}
