//! Messages that can be told from each other, and where servers keep what arrived.
//!
//! What never happens here: a look at anything but files.

use crate::wait::until;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A message with a subject that no other of this run has.
#[derive(Debug, Clone)]
pub struct Letter {
    pub from: String,
    pub to: Vec<String>,
    pub subject: String,
    pub message: Vec<u8>,
}

impl Letter {
    pub fn new(from: &str, to: &[&str], text: &str) -> Letter {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let subject = format!("Letter {number} on the road");
        let message = format!(
            "From: <{from}>\r\nTo: <{}>\r\nSubject: {subject}\r\n\
             Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <letter-{number}@roads.example>\r\n\
             \r\n{text}\r\n",
            to.join(">, <")
        );
        Letter {
            from: from.to_owned(),
            to: to.iter().map(|to| (*to).to_owned()).collect(),
            subject,
            message: message.into_bytes(),
        }
    }

    pub fn to(&self) -> Vec<&str> {
        self.to.iter().map(String::as_str).collect()
    }

    pub fn is_in(&self, message: &[u8]) -> bool {
        let text = String::from_utf8_lossy(message);
        text.contains(&format!("Subject: {}\r\n", self.subject))
            || text.contains(&format!("Subject: {}\n", self.subject))
    }
}

/// A folder in Maildir form that a server delivers into.
#[derive(Debug, Clone)]
pub struct Maildir(pub PathBuf);

impl Maildir {
    /// All messages that are there.
    pub fn messages(&self) -> Vec<Vec<u8>> {
        let folders = ["new", "cur"].map(|name| self.0.join(name));
        folders.iter().flat_map(|folder| files(folder)).collect()
    }

    /// The letter, once it is there.
    pub fn wait_for(&self, letter: &Letter) -> Vec<u8> {
        until(
            &format!("{} in {}", letter.subject, self.0.display()),
            || {
                self.messages()
                    .into_iter()
                    .find(|message| letter.is_in(message))
            },
        )
    }

    /// A message that holds all of these words, once it is there.
    pub fn wait_for_words(&self, words: &[&str]) -> String {
        until(&format!("{words:?} in {}", self.0.display()), || {
            with_words(self.messages(), words).next()
        })
    }

    /// How often the letter is there.
    pub fn count(&self, letter: &Letter) -> usize {
        self.messages()
            .iter()
            .filter(|message| letter.is_in(message))
            .count()
    }
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    // A file may be renamed meanwhile.
    entries
        .filter_map(|entry| std::fs::read(entry.path()).ok())
        .collect()
}

/// Those of these messages that hold all of these words.
pub(crate) fn with_words(messages: Vec<Vec<u8>>, words: &[&str]) -> impl Iterator<Item = String> {
    let texts = messages
        .into_iter()
        .map(|message| String::from_utf8_lossy(&message).into_owned());
    texts.filter(|text| words.iter().all(|word| text.contains(word)))
}
