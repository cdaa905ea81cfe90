//! The tag that a client puts before a command and finds again before its answer. One that was used
//! before is as good as another [rfc9051 2.2.1].

use crate::limits;

/// `tag = 1*<any ASTRING-CHAR except "+">`
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Tag(String);

impl Tag {
    pub fn new(word: &[u8]) -> Option<Tag> {
        let fits = !word.is_empty() && word.len() <= limits::TAG_BYTES;
        let good = |&byte: &u8| byte != b'+' && crate::cursor::is_astring_char(byte);
        if !fits || !word.iter().all(good) {
            return None;
        }
        String::from_utf8(word.to_vec()).ok().map(Tag)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
