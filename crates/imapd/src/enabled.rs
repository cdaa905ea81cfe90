//! What a client has asked for with ENABLE, or by using it. It holds to the end of the connection
//! [rfc5161 3.1].

use imap::{Command, FetchItem, SearchKey, StatusItem};

/// What can be enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extension {
    /// Mod-sequences in every FETCH response that nobody asked for [rfc7162 3.1].
    CondStore = 1,
    /// VANISHED instead of EXPUNGE in every mailbox, as each keeps mod-sequences (there is no
    /// NOMODSEQ here), and resynchronisation [rfc7162 3.2.3].
    QResync = 2,
    /// What RFC 9051 changed: ESEARCH, UTF-8, no `\Recent` [rfc9051 6.3.1].
    Imap4Rev2 = 4,
    /// UTF-8 in names and in appended headers [rfc6855 3].
    Utf8Accept = 8,
}

/// By their names in ENABLE, in upper case. A new one is a new line here, and in the capability table.
pub(crate) const TABLE: &[(&str, Extension)] = &[
    ("CONDSTORE", Extension::CondStore),
    ("QRESYNC", Extension::QResync),
    ("IMAP4REV2", Extension::Imap4Rev2),
    ("UTF8=ACCEPT", Extension::Utf8Accept),
];

/// What this client has enabled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Enabled(u8);

impl Enabled {
    pub fn has(self, extension: Extension) -> bool {
        self.0 & extension as u8 != 0
    }

    /// QRESYNC has all of CONDSTORE in it [rfc7162 3.2.3].
    pub fn insert(&mut self, extension: Extension) {
        self.0 |= extension as u8;
        if extension == Extension::QResync {
            self.0 |= Extension::CondStore as u8;
        }
    }
}

/// Is this one of the "CONDSTORE enabling commands" [rfc7162 3.1]? (ENABLE, SELECT and EXAMINE
/// see to it themselves.)
pub(crate) fn asks_for_modseqs(command: &Command) -> bool {
    match command {
        Command::Status { items, .. } => items.contains(&StatusItem::HighestModSeq),
        Command::List(list) => list.give.status.contains(&StatusItem::HighestModSeq),
        Command::Fetch {
            items, modifiers, ..
        } => items.contains(&FetchItem::ModSeq) || modifiers.changed_since.is_some(),
        Command::Search(search) => search.key.any(|key| matches!(key, SearchKey::ModSeq(_))),
        Command::Store(store) => store.unchanged_since.is_some(),
        _ => false,
    }
}
