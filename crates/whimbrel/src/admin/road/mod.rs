//! What an operator asks about mail on the road and what is answered: values, as in `request`.
//!
//! What never happens here: finding it (`office`).

pub mod words;

use serde::{Deserialize, Serialize};

/// Which entries of the queue are meant; all that is said must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Selection {
    /// Messages by their id; empty: any.
    pub ids: Vec<String>,
    /// Where it goes.
    pub domain: Option<String>,
    pub sender: Option<String>,
    /// Handed in at least so long ago.
    pub older_s: Option<u64>,
}

/// What is to be done with entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Try at once.
    Retry,
    /// Keep back.
    Hold,
    /// Let go on.
    Release,
    /// Take out; nobody is told.
    Remove,
    /// Take out; the sender is told.
    Return,
}

/// Entries of the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    pub entries: Vec<Waiting>,
    /// So many more fit.
    pub left_out: usize,
    /// So many rows cannot be read.
    pub unread: usize,
}

/// Rows of the road that cannot be read, or lead nowhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Damaged {
    pub rows: Vec<DamagedRow>,
    /// So many more.
    pub left_out: usize,
}

/// One of them, with what is known of its message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DamagedRow {
    pub what: String,
    pub why: String,
    pub id: Option<String>,
    pub sender: Option<String>,
    pub recipients: Vec<String>,
    pub arrived: Option<String>,
}

/// One entry in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    pub id: String,
    pub sender: String,
    pub arrived: String,
    pub age_s: u64,
    pub bytes: u64,
    pub expires: String,
    pub wishes: Wishes,
    #[serde(flatten)]
    pub leg: Leg,
}

/// What a sender has asked beyond the envelope.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wishes {
    /// As it was granted; 0 is usual.
    pub priority: i8,
    /// By when it is there.
    pub deliver_by: Option<String>,
    pub if_late: Option<IfLate>,
}

/// What becomes of what is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IfLate {
    Returned,
    Told,
}

/// What of a message goes to one domain, and how it fares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    pub domain: String,
    pub state: LegState,
    pub recipients: Vec<Traveller>,
    pub attempts: u32,
    /// When it is tried next; of what waits.
    pub due: Option<String>,
    /// Before then its sender wants it held.
    pub held_until: Option<String>,
    /// Whether it goes into mailboxes here.
    pub here: bool,
    /// The customer who has to ask for it first.
    #[serde(default)]
    pub kept_for: Option<String>,
    /// When its sender was told that it takes long.
    pub delay_told: Option<String>,
}

/// How far an entry has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegState {
    Waiting,
    /// An attempt runs.
    UnderWay,
    /// An operator keeps it back.
    Held,
    /// It is over for everybody.
    Over,
    /// An operator took it out.
    Removed,
}

impl LegState {
    pub fn word(self) -> &'static str {
        match self {
            LegState::Waiting => "waiting",
            LegState::UnderWay => "now",
            LegState::Held => "held",
            LegState::Over => "over",
            LegState::Removed => "removed",
        }
    }
}

/// One recipient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Traveller {
    pub address: String,
    pub state: TravellerState,
    pub said: Option<Said>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TravellerState {
    Waiting,
    /// Another server has taken it.
    Done,
    Failed,
}

/// What was said of a recipient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    pub at: String,
    pub host: Option<String>,
    /// What was being done.
    pub stage: String,
    /// The host's reply.
    pub reply: Option<String>,
    /// Why there is none.
    pub why: Option<String>,
    pub status: String,
}

/// Everything that is known of messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// Messages that travelled on, the newest first.
    pub messages: Vec<Message>,
    /// Messages that were put into mailboxes here, the newest first.
    pub arrivals: Vec<Arrival>,
    /// Whether more mailboxes were kept than were looked at.
    pub is_cut: bool,
}

/// One message on the road, or that was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub id: String,
    pub message_id: Option<String>,
    pub sender: String,
    /// Those who have their mailbox here.
    pub here: Vec<String>,
    pub client: String,
    pub login: Option<String>,
    pub arrived: String,
    pub bytes: u64,
    /// None once it has left the queue.
    pub wishes: Option<Wishes>,
    pub entries: Vec<Entry>,
    /// So many rows of it cannot be read.
    #[serde(default)]
    pub unread: usize,
}

/// One of its entries, with what was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    #[serde(flatten)]
    pub leg: Leg,
    pub tried: Vec<Attempt>,
    /// When it ended.
    pub ended: Option<String>,
    /// The report to the sender, or why there is none.
    pub told: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub begun: String,
    pub ended: String,
    pub host: Option<String>,
    pub address: Option<String>,
    pub tls: Option<String>,
    pub proof: Option<String>,
    pub notes: Vec<String>,
    pub said: Vec<SaidOf>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SaidOf {
    pub recipient: String,
    #[serde(flatten)]
    pub said: Said,
}

/// A message in a mailbox here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrival {
    pub account: String,
    pub id: Option<String>,
    pub message_id: Option<String>,
    pub sender: String,
    pub recipient: String,
    pub client: String,
    pub login: Option<String>,
    pub arrived: String,
    pub bytes: u64,
    pub places: Vec<ArrivalPlace>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArrivalPlace {
    /// None: the mailbox is deleted.
    pub mailbox: Option<String>,
    pub uid: u32,
    /// False: expunged or moved, and kept as history.
    pub there: bool,
}
