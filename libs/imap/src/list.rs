//! What LIST can be asked for, basic and extended. Never here: which mailboxes there are.

use crate::command::StatusItem;
use crate::mailbox::{ListPattern, Mailbox};

/// `list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct List {
    pub form: ListForm,
    pub select: ListSelect,
    pub reference: Mailbox,
    /// As they were sent; never none.
    pub patterns: Vec<ListPattern>,
    pub give: ListReturn,
}

/// In which form the command came. [rfc9051 6.3.9]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ListForm {
    /// As RFC 3501 has it: an empty pattern asks for the separator.
    #[default]
    Basic,
    /// With options or a list of patterns: an empty pattern means nothing.
    Extended,
}

/// `list-select-opts`: which names are listed. None of them set: those that exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ListSelect {
    pub subscribed: bool,
    pub special_use: bool,
    /// Mailboxes on other servers too.
    pub remote: bool,
    /// Also those that have such below them.
    pub recursive_match: bool,
}

/// `list-return-opts`: what is said of each name besides its attributes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListReturn {
    pub subscribed: bool,
    pub children: bool,
    pub special_use: bool,
    /// Empty = no STATUS. [rfc5819 2]
    pub status: Vec<StatusItem>,
}

impl List {
    /// `LIST reference pattern`
    pub fn basic(reference: Mailbox, pattern: ListPattern) -> List {
        List {
            form: ListForm::Basic,
            select: ListSelect::default(),
            reference,
            patterns: vec![pattern],
            give: ListReturn::default(),
        }
    }
}
