//! Flags and keywords as words of the protocol. Never here: which of them a mailbox keeps.

use crate::cursor::is_atom_char;
use crate::limits;

/// A keyword: an atom, spelled as the client spelled it. [rfc3501 2.3.2]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Keyword(String);

impl Keyword {
    pub fn new(word: &str) -> Option<Keyword> {
        let fits = !word.is_empty() && word.len() <= limits::KEYWORD_BYTES;
        (fits && word.bytes().all(is_atom_char)).then(|| Keyword(word.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Flag {
    Seen,
    Answered,
    Flagged,
    Deleted,
    Draft,
    /// Only in responses; a client that stores it is refused. [rfc3501 2.3.2]
    Recent,
    Keyword(Keyword),
    /// `\*` in PERMANENTFLAGS: new keywords can be made.
    Any,
    /// A system flag that nobody knows (without its backslash): to be ignored.
    Extension(Keyword),
}

impl Flag {
    /// The system flag of that name (without the backslash), in any case.
    pub fn system(name: &str) -> Option<Flag> {
        let table = [
            ("SEEN", Flag::Seen),
            ("ANSWERED", Flag::Answered),
            ("FLAGGED", Flag::Flagged),
            ("DELETED", Flag::Deleted),
            ("DRAFT", Flag::Draft),
            ("RECENT", Flag::Recent),
        ];
        table
            .into_iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(name))
            .map(|(_, flag)| flag)
    }
}

impl std::fmt::Display for Flag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Flag::Seen => f.write_str("\\Seen"),
            Flag::Answered => f.write_str("\\Answered"),
            Flag::Flagged => f.write_str("\\Flagged"),
            Flag::Deleted => f.write_str("\\Deleted"),
            Flag::Draft => f.write_str("\\Draft"),
            Flag::Recent => f.write_str("\\Recent"),
            Flag::Any => f.write_str("\\*"),
            Flag::Keyword(word) => f.write_str(word.as_str()),
            Flag::Extension(word) => write!(f, "\\{}", word.as_str()),
        }
    }
}
