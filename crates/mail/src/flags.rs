//! System flags and keywords of a message. How they are kept on disk is `record`'s business.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};
use std::sync::Arc;

/// The five settable system flags [rfc9051 2.3.2]. `\Recent` is a session's, not a message's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SystemFlags(u8);

impl SystemFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// `\Seen`
    pub const SEEN: Self = Self(1);
    /// `\Answered`
    pub const ANSWERED: Self = Self(2);
    /// `\Flagged`
    pub const FLAGGED: Self = Self(4);
    /// `\Deleted`
    pub const DELETED: Self = Self(8);
    /// `\Draft`
    pub const DRAFT: Self = Self(16);
    /// Each flag with its name as sent.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::ANSWERED, "\\Answered"),
        (Self::FLAGGED, "\\Flagged"),
        (Self::DELETED, "\\Deleted"),
        (Self::SEEN, "\\Seen"),
        (Self::DRAFT, "\\Draft"),
    ];

    /// All flags of `other` are in here.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// Adds the flags of `other`.
    pub fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }
    /// Takes the flags of `other` away.
    pub fn remove(&mut self, other: Self) {
        self.0 &= !other.0;
    }
    /// Is there no flag?
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
    /// The names of the flags that are in here, as sent.
    pub fn names(self) -> impl Iterator<Item = &'static str> + use<> {
        Self::ALL
            .into_iter()
            .filter(move |(f, _)| self.contains(*f))
            .map(|(_, n)| n)
    }
    /// A flag by its name, in any case.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(_, n)| n.eq_ignore_ascii_case(name))
            .map(|(f, _)| f)
    }
    pub(crate) fn bits(self) -> u8 {
        self.0
    }
    /// Unknown bits are dropped.
    pub(crate) fn from_bits(bits: u8) -> Self {
        Self(bits & 31)
    }
}

impl BitOr for SystemFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for SystemFlags {
    fn bitor_assign(&mut self, other: Self) {
        self.insert(other);
    }
}

impl fmt::Debug for SystemFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// A keyword: compared without case, kept as first spelled in its account.
#[derive(Clone)]
pub struct Keyword(Arc<str>);

impl Keyword {
    /// `None` if it is no IMAP atom, begins with `\`, or is longer than the limit.
    pub fn new(name: &str) -> Option<Self> {
        let fits = !name.is_empty() && name.len() <= crate::limits::KEYWORD_BYTES;
        (fits && name.bytes().all(is_keyword_byte)).then(|| Self(Arc::from(name)))
    }
    /// As first spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// atom = 1*ATOM-CHAR; flag-keyword is an atom [rfc9051 9]; `]` is kept out too, as a flag stands
/// in response codes.
fn is_keyword_byte(b: u8) -> bool {
    b.is_ascii_graphic() && !matches!(b, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}
impl Eq for Keyword {}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// A message's flags.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Flags {
    /// The system flags.
    pub system: SystemFlags,
    /// The keywords, each once.
    pub keywords: Vec<Keyword>,
}

impl Flags {
    /// Only system flags.
    pub fn system(system: SystemFlags) -> Self {
        Self {
            system,
            keywords: Vec::new(),
        }
    }
    /// Is the keyword set, in any case?
    pub fn has_keyword(&self, name: &str) -> bool {
        self.keywords
            .iter()
            .any(|k| k.as_str().eq_ignore_ascii_case(name))
    }
    /// All names as sent, system flags first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let system = self.system.names().map(|name| -> &str { name });
        system.chain(self.keywords.iter().map(Keyword::as_str))
    }
}

/// What STORE asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FlagChange {
    /// `+FLAGS`
    Add(Flags),
    /// `-FLAGS`
    Remove(Flags),
    /// `FLAGS`
    Replace(Flags),
}
