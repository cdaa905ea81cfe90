//! SEARCH programs as trees. Never here: how they are answered, and charsets (strings are kept as sent).

use crate::command::Ids;
use crate::date::Date;
use crate::flag::Keyword;
use crate::object_id::ObjectId;
use crate::sequence::MessageSet;

/// What a SEARCH shall answer. [rfc4731 3.1] [rfc5182 2.4]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReturnOption {
    Min,
    Max,
    All,
    Count,
    /// Remembered for `$`.
    Save,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Search {
    pub ids: Ids,
    /// RETURN with its options, which may be none; each at most once.
    pub returns: Option<Vec<ReturnOption>>,
    /// The charset's name as given; None = UTF-8. [rfc9051 6.4.4]
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
    /// [rfc8474 6]
    EmailId(ObjectId),
    Flagged,
    From(Vec<u8>),
    /// An empty string asks for any message with that field. [rfc3501 6.4.4]
    Header {
        field: String,
        text: Vec<u8>,
    },
    Keyword(Keyword),
    Larger(u64),
    /// At least this mod-sequence. (The name and type of a metadata item that may stand before it
    /// are read over: each message has one mod-sequence.) [rfc7162 3.1.5]
    ModSeq(u64),
    New,
    Old,
    /// Came more than so many seconds ago. [rfc5032 3]
    Older(u32),
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
    /// [rfc8474 6]
    ThreadId(ObjectId),
    To(Vec<u8>),
    Unanswered,
    Undeleted,
    Undraft,
    Unflagged,
    Unkeyword(Keyword),
    Unseen,
    Uid(MessageSet),
    Sequence(MessageSet),
    /// Came in the last so many seconds. [rfc5032 3]
    Younger(u32),
    Not(Box<SearchKey>),
    Or(Box<SearchKey>, Box<SearchKey>),
    And(Vec<SearchKey>),
}

impl SearchKey {
    /// Does the key, or one within it, fit? Depth is bounded by the parser.
    pub fn any(&self, fits: fn(&SearchKey) -> bool) -> bool {
        fits(self)
            || match self {
                SearchKey::Not(key) => key.any(fits),
                SearchKey::Or(one, other) => one.any(fits) || other.any(fits),
                SearchKey::And(keys) => keys.iter().any(|key| key.any(fits)),
                _ => false,
            }
    }
}
