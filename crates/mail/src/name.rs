//! Mailbox names and special uses. What never happens here: modified UTF-7 (the IMAP library's).

use crate::limits;
use icu_normalizer::ComposingNormalizerBorrowed;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A mailbox name: UTF-8 in NFC, `/` between levels. `INBOX` in any case is `INBOX`
/// [rfc9051 5.1].
///
/// Whoever spelled it otherwise than in NFC finds his spelling again; two spellings are one name.
#[derive(Clone)]
pub struct MailboxName {
    nfc: Arc<str>,
    /// None: as `nfc`.
    spelling: Option<Arc<str>>,
}

impl PartialEq for MailboxName {
    fn eq(&self, other: &Self) -> bool {
        self.nfc == other.nfc
    }
}

impl Eq for MailboxName {}

impl PartialOrd for MailboxName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MailboxName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nfc.cmp(&other.nfc)
    }
}

impl Hash for MailboxName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.nfc.hash(state);
    }
}

/// Why a name is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NameError {
    /// No letter at all, or an empty level (`a//b`, `/a`).
    Empty,
    /// A control character, a line end, or a character that is not for names.
    Character,
    /// A level, or the whole, is too long.
    TooLong,
    /// Too many levels.
    TooDeep,
}

impl NameError {
    /// The reason in words that a peer may see.
    pub fn text(self) -> &'static str {
        match self {
            Self::Empty => "a mailbox name has no empty level",
            Self::Character => "a mailbox name has no control characters",
            Self::TooLong => "the mailbox name is too long",
            Self::TooDeep => "the mailbox name has too many levels",
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for NameError {}

impl MailboxName {
    /// What stands between levels, from the top on the left [rfc3501 5.1.1] [rfc9051 5.1.1].
    pub const SEPARATOR: char = '/';
    /// INBOX.
    pub fn inbox() -> Self {
        Self {
            nfc: Arc::from("INBOX"),
            spelling: None,
        }
    }
    /// A text with its letters composed as they are in names (NFC), for patterns that names are
    /// compared with. It grows at most threefold [rfc9051 5.1].
    pub fn composed(text: &str) -> Cow<'_, str> {
        ComposingNormalizerBorrowed::new_nfc().normalize(text)
    }
    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.nfc
    }
    /// As whoever made the mailbox spelled it [rfc3501 5.1.3] [rfc9051 A].
    pub fn spelling(&self) -> &str {
        self.spelling.as_deref().unwrap_or(&self.nfc)
    }
    /// The same name without another spelling [rfc9051 5.1].
    pub fn normalized(self) -> Self {
        Self {
            spelling: None,
            ..self
        }
    }
    /// Is it INBOX itself?
    pub fn is_inbox(&self) -> bool {
        &*self.nfc == "INBOX"
    }
    /// Its levels, from the top.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.nfc.split('/')
    }
    /// Its last level, as it is spelled.
    pub(crate) fn leaf(&self) -> &str {
        let spelling = self.spelling();
        spelling.rsplit_once('/').map_or(spelling, |(_, leaf)| leaf)
    }
    /// The order of lists: INBOX first, then level by level.
    pub fn listing_order(&self, other: &Self) -> Ordering {
        let key = |name: &Self| name.levels().next() != Some("INBOX");
        key(self)
            .cmp(&key(other))
            .then_with(|| self.levels().cmp(other.levels()))
    }
    /// The name one level up.
    pub fn superior(&self) -> Option<Self> {
        let up = |name: &str| name.rsplit_once('/').map(|(up, _)| Arc::from(up));
        Some(Self {
            nfc: up(&self.nfc)?,
            // Normalizing makes no `/` and takes none away.
            spelling: self.spelling.as_deref().and_then(up),
        })
    }
    /// Does it lie below `other`?
    pub fn is_below(&self, other: &Self) -> bool {
        self.nfc
            .strip_prefix(&*other.nfc)
            .is_some_and(|rest| rest.starts_with('/'))
    }
}

/// mailbox = "INBOX" / astring [rfc9051 9]; ours: levels of 1 to 255 octets with `/` between them.
impl TryFrom<&str> for MailboxName {
    type Error = NameError;
    fn try_from(name: &str) -> Result<Self, NameError> {
        // Bounded before it is normalized; NFC grows a text at most threefold [rfc9051 5.1].
        if name.len() > limits::NAME_BYTES * 3 {
            return Err(NameError::TooLong);
        }
        let said = name;
        let name = Self::composed(said);
        if name.len() > limits::NAME_BYTES {
            return Err(NameError::TooLong);
        }
        if name.chars().any(is_forbidden) {
            return Err(NameError::Character);
        }
        let levels = name.split('/').map(check_level).sum::<Result<usize, _>>()?;
        if levels > limits::NAME_LEVELS {
            return Err(NameError::TooDeep);
        }
        let nfc = with_inbox(&name);
        let spelling = with_inbox(said);
        Ok(Self {
            spelling: (spelling != nfc).then_some(spelling),
            nfc,
        })
    }
}

fn check_level(level: &str) -> Result<usize, NameError> {
    match level.len() {
        0 => Err(NameError::Empty),
        1..=limits::NAME_LEVEL_BYTES => Ok(1),
        _ => Err(NameError::TooLong),
    }
}

/// Control characters, line and paragraph separators, and what is no character [rfc5198 2].
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffd}'..='\u{ffff}'
        )
}

/// INBOX is one name in any case, also as the first of several levels [rfc9051 5.1].
fn with_inbox(name: &str) -> Arc<str> {
    let first = name.split('/').next().unwrap_or_default();
    if first.eq_ignore_ascii_case("INBOX") {
        return Arc::from(format!("INBOX{}", &name[first.len()..]));
    }
    Arc::from(name)
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.nfc)
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.nfc)
    }
}

/// What a mailbox is for [rfc6154 2].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SpecialUse {
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

impl SpecialUse {
    /// Every use with its attribute as sent.
    pub const ALL: [Self; 5] = [
        Self::Archive,
        Self::Drafts,
        Self::Junk,
        Self::Sent,
        Self::Trash,
    ];
    /// The attribute as sent.
    pub fn name(self) -> &'static str {
        match self {
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
        }
    }
    /// By its attribute, in any case.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|u| u.name().eq_ignore_ascii_case(name))
    }
}
