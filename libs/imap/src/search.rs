//! SEARCH programs as trees. Never here: how they are answered, and charsets (strings are kept as sent).

use crate::command::Ids;
use crate::date::Date;
use crate::flag::Keyword;
use crate::sequence::SequenceSet;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Search {
    pub ids: Ids,
    /// The charset's name as given; None = US-ASCII (UTF-8 is sent by many all the same).
    pub charset: Option<String>,
    /// Several keys are one `And`.
    pub key: SearchKey,
}

/// Strings are octets in the charset of the program. At most `limits::SEARCH_KEYS` keys, `limits::SEARCH_DEPTH` deep.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SearchKey {
    All,
    Answered,
    Bcc(Vec<u8>),
    Before(Date),
    Body(Vec<u8>),
    Cc(Vec<u8>),
    Deleted,
    Draft,
    Flagged,
    From(Vec<u8>),
    /// An empty string asks for any message with that field. [rfc3501 6.4.4]
    Header {
        field: String,
        text: Vec<u8>,
    },
    Keyword(Keyword),
    Larger(u64),
    New,
    Old,
    On(Date),
    Recent,
    Seen,
    SentBefore(Date),
    SentOn(Date),
    SentSince(Date),
    Since(Date),
    Smaller(u64),
    Subject(Vec<u8>),
    Text(Vec<u8>),
    To(Vec<u8>),
    Unanswered,
    Undeleted,
    Undraft,
    Unflagged,
    Unkeyword(Keyword),
    Unseen,
    Uid(SequenceSet),
    Sequence(SequenceSet),
    Not(Box<SearchKey>),
    Or(Box<SearchKey>, Box<SearchKey>),
    And(Vec<SearchKey>),
}
