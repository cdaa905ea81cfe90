//! Commands as values with typed arguments. Never here: states, rights, answers.

use crate::date::DateTime;
use crate::fetch::FetchItem;
use crate::flag::Flag;
use crate::list::List;
use crate::mailbox::{ListPattern, Mailbox};
use crate::search::Search;
use crate::sequence::{MessageSet, SequenceSet};

/// What the numbers of a command are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ids {
    Sequence,
    /// The command came with UID before it.
    Uid,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreOperation {
    Add,
    Remove,
    Replace,
}

/// Whether STORE answers with the new flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Telling {
    Told,
    /// `.SILENT`
    Silent,
}

/// Does the client want mod-sequences? [rfc7162 3.1.8]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CondStore {
    #[default]
    NotAsked,
    Asked,
}

/// What stands behind the name in SELECT and EXAMINE.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SelectParams {
    pub condstore: CondStore,
    pub resync: Option<Resync>,
}

/// `"QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"`
/// [rfc7162 3.2.5]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resync {
    pub uid_validity: u32,
    /// Never zero.
    pub modseq: u64,
    /// Without `*`.
    pub known_uids: Option<SequenceSet>,
    /// Sequence numbers and the UIDs that they had, without `*`. [rfc7162 3.2.5.2]
    pub matches: Option<(SequenceSet, SequenceSet)>,
}

/// Shall a UID FETCH tell of expunged messages? [rfc7162 3.2.6]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Vanished {
    #[default]
    NotAsked,
    /// Only in a UID FETCH with CHANGEDSINCE.
    Asked,
}

/// `fetch-modifiers` [rfc4466 2.4]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FetchModifiers {
    /// Only messages with a higher mod-sequence. [rfc7162 3.1.4.1]
    pub changed_since: Option<u64>,
    pub vanished: Vanished,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Store {
    pub ids: Ids,
    pub set: MessageSet,
    /// Only messages that have not changed after this. [rfc7162 3.1.3]
    pub unchanged_since: Option<u64>,
    pub operation: StoreOperation,
    pub telling: Telling,
    pub flags: Vec<Flag>,
}

/// CREATE with what the mailbox is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Create {
    pub mailbox: Mailbox,
    /// `\Sent` and its like, with their backslash, as they were sent. [rfc6154 3]
    pub uses: Vec<String>,
}

/// APPEND up to its first message, which follows as `Event::AppendChunk`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Append {
    pub mailbox: Mailbox,
    pub message: AppendMessage,
}

/// What is said of a message before its octets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppendMessage {
    /// Without `\Recent`, which some clients send along.
    pub flags: Vec<Flag>,
    pub date: Option<DateTime>,
    pub size: u64,
    pub form: AppendForm,
    pub(crate) waits: LiteralKind,
}

/// How a message is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AppendForm {
    /// `literal`: no NUL.
    Literal,
    /// `literal8`: any octets. [rfc3516 4.4]
    Binary,
    /// `"UTF8" SP "(" literal8 ")"`: its header may be UTF-8. [rfc6855 4]
    Utf8,
}

/// Whether the client waits for `+` before it sends the octets of a literal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LiteralKind {
    Synchronizing,
    /// `{n+}` [rfc7888 3]
    NonSynchronizing,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StatusItem {
    Messages,
    Recent,
    UidNext,
    UidValidity,
    Unseen,
    Deleted,
    Size,
    HighestModSeq,
    /// [rfc8474 4.3]
    MailboxId,
    /// [rfc7889 3.1]
    AppendLimit,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    Capability,
    Noop,
    Logout,
    StartTls,
    /// `initial`: the decoded initial response; empty for "=". [rfc4959 3]
    Authenticate {
        mechanism: String,
        initial: Option<Vec<u8>>,
    },
    Login {
        user: String,
        password: Vec<u8>,
    },
    Select {
        mailbox: Mailbox,
        params: SelectParams,
    },
    Examine {
        mailbox: Mailbox,
        params: SelectParams,
    },
    Create(Create),
    Delete(Mailbox),
    Rename {
        from: Mailbox,
        to: Mailbox,
    },
    Subscribe(Mailbox),
    Unsubscribe(Mailbox),
    List(List),
    Lsub {
        reference: Mailbox,
        pattern: ListPattern,
    },
    Status {
        mailbox: Mailbox,
        items: Vec<StatusItem>,
    },
    Append(Append),
    Check,
    Close,
    Unselect,
    Expunge,
    UidExpunge(MessageSet),
    Search(Search),
    Fetch {
        ids: Ids,
        set: MessageSet,
        items: Vec<FetchItem>,
        modifiers: FetchModifiers,
    },
    Store(Store),
    Copy {
        ids: Ids,
        set: MessageSet,
        mailbox: Mailbox,
    },
    Move {
        ids: Ids,
        set: MessageSet,
        mailbox: Mailbox,
    },
    Idle,
    Namespace,
    /// Field and value pairs as sent; None = NIL.
    Id(Vec<(String, Option<String>)>),
    /// Capability names in upper case.
    Enable(Vec<String>),
}

macro_rules! verbs {
    ($($verb:ident),* $(,)?) => {
        /// The word of a command, for tables.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Verb {
            $($verb),*
        }

        impl Verb {
            /// Its name, for those who count.
            pub fn word(self) -> &'static str {
                match self {
                    $(Verb::$verb => stringify!($verb)),*
                }
            }
        }
    };
}

verbs! {
    Capability,
    Noop,
    Logout,
    StartTls,
    Authenticate,
    Login,
    Select,
    Examine,
    Create,
    Delete,
    Rename,
    Subscribe,
    Unsubscribe,
    List,
    Lsub,
    Status,
    Append,
    Check,
    Close,
    Unselect,
    Expunge,
    UidExpunge,
    Search,
    Fetch,
    Store,
    Copy,
    Move,
    Idle,
    Namespace,
    Id,
    Enable,
}

impl Command {
    pub fn verb(&self) -> Verb {
        match self {
            Command::Capability => Verb::Capability,
            Command::Noop => Verb::Noop,
            Command::Logout => Verb::Logout,
            Command::StartTls => Verb::StartTls,
            Command::Authenticate { .. } => Verb::Authenticate,
            Command::Login { .. } => Verb::Login,
            Command::Select { .. } => Verb::Select,
            Command::Examine { .. } => Verb::Examine,
            Command::Create(_) => Verb::Create,
            Command::Delete(_) => Verb::Delete,
            Command::Rename { .. } => Verb::Rename,
            Command::Subscribe(_) => Verb::Subscribe,
            Command::Unsubscribe(_) => Verb::Unsubscribe,
            Command::List(_) => Verb::List,
            Command::Lsub { .. } => Verb::Lsub,
            Command::Status { .. } => Verb::Status,
            Command::Append(_) => Verb::Append,
            Command::Check => Verb::Check,
            Command::Close => Verb::Close,
            Command::Unselect => Verb::Unselect,
            Command::Expunge => Verb::Expunge,
            Command::UidExpunge(_) => Verb::UidExpunge,
            Command::Search(_) => Verb::Search,
            Command::Fetch { .. } => Verb::Fetch,
            Command::Store(_) => Verb::Store,
            Command::Copy { .. } => Verb::Copy,
            Command::Move { .. } => Verb::Move,
            Command::Idle => Verb::Idle,
            Command::Namespace => Verb::Namespace,
            Command::Id(_) => Verb::Id,
            Command::Enable(_) => Verb::Enable,
        }
    }
}

impl StatusItem {
    pub const ALL: [StatusItem; 10] = [
        StatusItem::Messages,
        StatusItem::Recent,
        StatusItem::UidNext,
        StatusItem::UidValidity,
        StatusItem::Unseen,
        StatusItem::Deleted,
        StatusItem::Size,
        StatusItem::HighestModSeq,
        StatusItem::MailboxId,
        StatusItem::AppendLimit,
    ];

    pub fn word(self) -> &'static str {
        match self {
            StatusItem::Messages => "MESSAGES",
            StatusItem::Recent => "RECENT",
            StatusItem::UidNext => "UIDNEXT",
            StatusItem::UidValidity => "UIDVALIDITY",
            StatusItem::Unseen => "UNSEEN",
            StatusItem::Deleted => "DELETED",
            StatusItem::Size => "SIZE",
            StatusItem::HighestModSeq => "HIGHESTMODSEQ",
            StatusItem::MailboxId => "MAILBOXID",
            StatusItem::AppendLimit => "APPENDLIMIT",
        }
    }
}
