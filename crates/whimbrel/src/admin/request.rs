//! What an operator may ask, and what is answered: values that are the same whether they go through
//! the control socket of a running server or to a store that this process has opened.
//!
//! What never happens here: doing it (`office`), putting it into words (`words`).

use super::road::{Action, Damaged, Queue, Selection, Story};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A password on its way to be hashed; never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What is asked. Addresses and names are text here; who answers reads them and says what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    DomainList,
    DomainShow {
        domain: String,
        hostname: Option<String>,
    },
    DomainAdd {
        domain: String,
        hostname: Option<String>,
        keys: Keys,
    },
    /// `None`: no catch-all.
    DomainSet {
        domain: String,
        catch_all: Option<String>,
    },
    DomainRemove {
        domain: String,
    },
    AccountList {
        domain: Option<String>,
    },
    AccountShow {
        account: String,
    },
    AccountAdd {
        account: String,
        change: Change,
    },
    AccountSet {
        account: String,
        change: Change,
    },
    AccountRemove {
        account: String,
    },
    AccountRestore {
        account: String,
    },
    AliasList {
        domain: Option<String>,
    },
    AliasShow {
        alias: String,
    },
    AliasAdd {
        alias: String,
        targets: Vec<String>,
        owner: Option<String>,
    },
    AliasSet {
        alias: String,
        targets: Vec<String>,
        owner: Owner,
    },
    AliasRemove {
        alias: String,
    },
    HostList,
    HostShow {
        host: String,
    },
    /// `second`: the second password.
    HostAdd {
        host: String,
        account: String,
        second: Option<Secret>,
    },
    HostSet {
        host: String,
        account: Option<String>,
        second: Second,
    },
    HostRemove {
        host: String,
    },
    /// The keys that domains sign with.
    DkimList {
        domain: Option<String>,
    },
    DkimShow {
        domain: String,
        selector: Option<String>,
    },
    DkimAdd {
        domain: String,
        algorithm: Algorithm,
        selector: Option<String>,
    },
    /// Makes successors of the keys that sign; shows them and those that wait already.
    DkimRotate {
        domain: String,
    },
    /// Looks into the DNS; the keys that wait and are shown there sign from then on.
    DkimLook {
        domain: String,
    },
    /// Lets the keys that wait sign, without a look into the DNS.
    DkimActivate {
        domain: String,
    },
    DkimRetire {
        domain: String,
        selector: String,
    },
    DkimRemove {
        domain: String,
        selector: String,
    },
    MailboxList {
        account: String,
    },
    MailboxShow {
        account: String,
        mailbox: String,
    },
    MailboxAdd {
        account: String,
        mailbox: String,
        special_use: Option<Use>,
    },
    MailboxSet {
        account: String,
        mailbox: String,
        change: MailboxChange,
    },
    MailboxRename {
        account: String,
        mailbox: String,
        to: String,
    },
    MailboxRemove {
        account: String,
        mailbox: String,
    },
    QuotaList {
        domain: Option<String>,
    },
    QuotaShow {
        account: String,
    },
    QuotaAdd {
        account: String,
        quota: QuotaWord,
    },
    QuotaSet {
        account: String,
        quota: QuotaWord,
    },
    SessionList {
        account: Option<String>,
    },
    SessionEnd {
        id: u64,
    },
    SessionEndAll {
        account: String,
    },
    QueueList {
        selection: Selection,
        limit: Option<usize>,
    },
    QueueShow {
        id: String,
    },
    /// What of the road cannot be read; of these messages, or all.
    QueueDamaged {
        ids: Vec<String>,
    },
    /// Takes that out.
    QueueClear {
        ids: Vec<String>,
    },
    QueueChange {
        action: Action,
        selection: Selection,
    },
    Why {
        about: String,
        limit: Option<usize>,
    },
    LogFollow(Filter),
}

/// What is to be set of an account; what is not said stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Change {
    pub password: Option<Secret>,
    pub name: Option<String>,
    pub quota: Option<QuotaWord>,
    pub login: Option<Switch>,
    pub mail: Option<Switch>,
    pub cram_md5: Option<Switch>,
    #[serde(default)]
    pub apop: Option<Switch>,
}

impl Change {
    pub fn is_empty(&self) -> bool {
        *self == Change::default()
    }
}

/// What is to be set of a mailbox; what is not said stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct MailboxChange {
    pub special_use: Option<Use>,
    pub subscribed: Option<bool>,
}

impl MailboxChange {
    pub fn is_empty(&self) -> bool {
        *self == MailboxChange::default()
    }
}

/// Who hears of failures in place of those who write to an alias; then it is a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// As it was.
    Kept,
    Nobody,
    Is(String),
}

/// Whether a new domain gets keys to sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keys {
    Made,
    None,
}

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// RSA with 2048 bits, which everybody can verify.
    Rsa,
    /// Ed25519: shorter, not yet verified everywhere.
    Ed25519,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Switch {
    /// It is allowed.
    On,
    /// It is refused.
    Off,
}

impl Switch {
    pub fn is_on(self) -> bool {
        self == Switch::On
    }
}

/// What a mailbox is for, also as IMAP spells it. [rfc6154 2]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// Nothing special.
    None,
    #[value(alias = "\\archive")]
    Archive,
    #[value(alias = "\\drafts")]
    Drafts,
    #[value(alias = "\\junk")]
    Junk,
    #[value(alias = "\\sent")]
    Sent,
    #[value(alias = "\\trash")]
    Trash,
}

/// A quota as an operator says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuotaWord {
    /// As the server's setting says.
    Default,
    /// No limit.
    None,
    Bytes(u64),
}

/// Which lines of the log are asked for; all that is said must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Filter {
    pub level: Level,
    pub account: Option<String>,
    pub session: Option<u64>,
    pub message: Option<String>,
}

/// The least that is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
}

/// What is sent back, one in a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    Answer(Answer),
    Refused(Refused),
    /// A line of the log, as JSON.
    Line(serde_json::Value),
    /// So many lines were left out: whoever follows was too slow.
    Lost(u64),
}

/// Why it was not done; for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    pub kind: Kind,
    pub text: String,
}

impl Refused {
    pub fn new(kind: Kind, text: impl Into<String>) -> Refused {
        Refused {
            kind,
            text: text.into(),
        }
    }
}

/// What sort of refusal; for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    NotFound,
    Exists,
    /// What was said cannot be.
    Invalid,
    /// Something else still needs it.
    InUse,
    /// Only a running server can do it.
    NotRunning,
    /// The store takes no writes, or our trouble.
    Unavailable,
    /// The question was not understood: another version.
    NotUnderstood,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Domains(Vec<Domain>),
    Domain(Domain),
    Accounts(Vec<Account>),
    Account(Box<Account>),
    Aliases(Vec<Alias>),
    Alias(Alias),
    Hosts(Vec<Host>),
    DkimKeys(Vec<DkimKey>),
    /// With the records that the DNS needs.
    DkimRecords(Vec<DkimKey>),
    Mailboxes(Vec<Mailbox>),
    Mailbox(Mailbox),
    Quotas(Vec<Quota>),
    Quota(Quota),
    Sessions(Vec<Session>),
    Queue(Queue),
    Damaged(Damaged),
    Story(Story),
    /// It is done; each line says what, and what follows from it.
    Done(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    pub domain: String,
    pub accounts: u64,
    pub aliases: u64,
    pub catch_all: Option<String>,
    /// What the domain's zone needs; where one domain is asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub records: Option<Vec<DnsRecord>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DnsRecord {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub value: String,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub account: String,
    pub id: u64,
    pub name: Option<String>,
    pub created: String,
    pub login: bool,
    pub mail: bool,
    pub has_password: bool,
    #[serde(default)]
    pub cram_md5: bool,
    #[serde(default)]
    pub apop: bool,
    pub messages: u64,
    pub bytes: u64,
    /// The limit that holds, whoever set it.
    pub quota_bytes: Option<u64>,
    /// Whether the account has a quota of its own.
    pub own_quota: bool,
    pub aliases: Vec<String>,
    /// Of a removed account: until when it can be restored.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kept_until: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alias {
    pub alias: String,
    pub targets: Vec<String>,
    /// Of a list.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<String>,
}

/// What becomes of a host's second password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Second {
    Stays,
    Goes,
    Set(Secret),
}

/// A domain all of whose mail goes to one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    pub host: String,
    pub account: String,
    /// How many of the two are set.
    pub passwords: u8,
}

/// A key that a domain signs with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DkimKey {
    pub domain: String,
    pub selector: String,
    pub algorithm: Algorithm,
    pub state: State,
    pub since: String,
    /// The selector of the key that is retired when this one begins to sign.
    pub replaces: Option<String>,
    /// Of a retired key: until when its record has to stay.
    pub in_dns_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<DnsRecord>,
    /// What the DNS shows in its place, where that was looked at.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dns: Option<String>,
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// For the DNS to show it.
    Waiting,
    /// It signs.
    Active,
    /// It signs no more.
    Retired,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mailbox {
    pub mailbox: String,
    pub special_use: Option<String>,
    pub subscribed: bool,
    /// False: only a name with others below it.
    pub selectable: bool,
    pub messages: u64,
    pub unseen: u64,
    pub bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quota {
    pub account: String,
    pub bytes: u64,
    pub messages: u64,
    pub quota_bytes: Option<u64>,
    pub own_quota: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub id: u64,
    pub listener: String,
    pub peer: String,
    pub account: Option<String>,
    pub since: String,
    pub age_s: u64,
    pub tls: Option<String>,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub commands: u64,
}
