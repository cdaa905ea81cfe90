//! The decisions, as pure functions: evidence and policy in, verdict out.
//!
//! What never happens here: I/O, waiting, a clock, a log line.

use crate::client::Role;
use crate::envelope::{By, Leads, Step};
use crate::header::{Begins, Facts, Seen, Value};
use crate::queue::Amount;
use crate::refusal::Refusal;
use crate::srs;
use addr::{Address, Charset, ForwardPath, ReversePath};
use mail::Resolved;
use net::time::Duration;
use smtp::{DataProblem, Priority};

mod asked;

pub use asked::Wish;
pub(crate) use asked::{AskedEvidence, asked, may_hold_more, offers};

/// What does not change from message to message.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub max_message_bytes: u64,
    pub max_recipients: usize,
    pub max_deliveries: usize,
    pub max_hops: u32,
    pub max_own_hops: u32,
    pub elsewhere: Elsewhere,
    /// The most urgent that a submission may be. [rfc6710 4.1]
    pub highest_priority: Priority,
    /// How long a message may be held for later; zero: nothing is. [rfc4865 3]
    pub longest_hold: Duration,
    /// How much of a login may be. [rfc4865 6]
    pub most_held: Amount,
}

/// Whether mail for other servers is taken from those who log in to submit it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Elsewhere {
    Taken,
    Refused,
}

/// Whether whoever speaks proved who it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Proof {
    Stranger,
    LoggedIn,
    /// The system says which of its users it is.
    OfThisMachine,
    /// The same, and what it brings comes by UUCP from somebody who may send to us only.
    OfNeighbour,
}

/// Whether an address belongs to the login.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Whose {
    /// There is no login, or no address.
    Nobodys,
    Theirs,
    NotTheirs(Address),
}

/// What is known at MAIL.
pub(crate) struct SenderEvidence {
    pub role: Role,
    pub proof: Proof,
    pub whose: Whose,
    /// The path has octets above ASCII; then the client must have asked for SMTPUTF8.
    pub written_in: Charset,
    pub asked: Charset,
    pub size_bytes: Option<u64>,
}

pub(crate) fn sender(evidence: SenderEvidence, policy: &Policy) -> Result<(), Refusal> {
    let needs_proof = matches!(evidence.role, Role::Submission | Role::Local);
    if needs_proof && evidence.proof == Proof::Stranger {
        return Err(Refusal::LoginNeeded); // [rfc6409 4.3]
    }
    if evidence.written_in == Charset::Utf8 && evidence.asked == Charset::Ascii {
        return Err(Refusal::Utf8NotAsked); // [rfc6531 3.5]
    }
    let max_bytes = policy.max_message_bytes;
    if evidence.size_bytes.is_some_and(|bytes| bytes > max_bytes) {
        return Err(Refusal::TooLarge { max_bytes }); // [rfc1870 6.1]
    }
    match evidence.whose {
        Whose::NotTheirs(address) => Err(Refusal::SenderNotYours(address)), // [rfc6409 6.1]
        Whose::Theirs | Whose::Nobodys => Ok(()),
    }
}

/// What is known at RCPT before the directory is asked.
pub(crate) struct RecipientEvidence<'a> {
    pub local: Option<&'a str>,
    pub written_in: Charset,
    pub asked: Charset,
    pub recipients: usize,
    pub right: Right,
}

/// What a client may ask of us at RCPT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Right {
    /// Mail for us.
    Deliver,
    /// Mail for anybody: it has logged in to submit, or is a user of this machine.
    Submit,
}

/// Nobody else may send through us. [rfc5321 3.6.2] [rfc6409 3.1]
pub(crate) fn right(role: Role, proof: Proof) -> Right {
    match (role, proof) {
        (Role::Submission, Proof::LoggedIn) | (Role::Local, Proof::OfThisMachine) => Right::Submit,
        _ => Right::Deliver,
    }
}

/// Whether the directory may be asked at all. `%` and `!` have routed mail onwards once, and an
/// `@` inside a quoted local part as well; no account of ours is called like that. What another
/// domain calls its mailboxes is its own matter. [rfc5321 2.3.11]
pub(crate) fn recipient_form(
    evidence: RecipientEvidence<'_>,
    policy: &Policy,
) -> Result<(), Refusal> {
    count(evidence.recipients, policy)?;
    if evidence.written_in == Charset::Utf8 && evidence.asked == Charset::Ascii {
        return Err(Refusal::Utf8NotAsked); // [rfc6531 3.5]
    }
    if evidence.right == Right::Deliver && routes_onwards(evidence.local) {
        return Err(Refusal::RelayForm);
    }
    Ok(())
}

fn routes_onwards(local: Option<&str>) -> bool {
    local.is_some_and(|local| local.contains(['%', '!', '@']))
}

/// Whether one more recipient is one too many; those before it stay.
/// [rfc5321 4.5.3.1.8] [rfc5321 4.5.3.1.10]
pub(crate) fn count(recipients: usize, policy: &Policy) -> Result<(), Refusal> {
    if recipients >= policy.max_recipients {
        Err(Refusal::TooManyRecipients)
    } else {
        Ok(())
    }
}

/// What is known when the directory has answered.
pub(crate) struct ResolvedEvidence<'a> {
    pub to: &'a ForwardPath,
    pub right: Right,
    pub relay: Relay,
    pub deliveries_so_far: usize,
    pub queue: QueueRoom,
}

/// Whether mail for a domain that is not ours is taken from everybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Relay {
    Denied,
    /// It is the domain of a customer.
    ForCustomer,
}

/// Whether the queue takes more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum QueueRoom {
    Enough,
    Full,
    /// As much is kept for the customer as may.
    CustomerFull,
}

/// What the directory's answer means for this client.
pub(crate) fn resolved(
    resolved: Resolved,
    evidence: ResolvedEvidence<'_>,
    policy: &Policy,
) -> Result<Leads, Refusal> {
    let local = evidence.to.address().map(|to| to.local().as_str());
    if routes_onwards(local) && !matches!(resolved, Resolved::NotOurs) {
        return Err(Refusal::RelayForm);
    }
    let leads = match resolved {
        Resolved::Local(here) => Leads {
            here,
            onward: Vec::new(),
        },
        Resolved::NotOurs
            if evidence.right == Right::Deliver && evidence.relay == Relay::Denied =>
        {
            return Err(Refusal::RelayDenied);
        }
        Resolved::NotOurs | Resolved::Onward { .. } if policy.elsewhere == Elsewhere::Refused => {
            return Err(Refusal::NoRoad);
        }
        Resolved::NotOurs | Resolved::Onward { .. } if evidence.queue == QueueRoom::Full => {
            return Err(Refusal::QueueFull);
        }
        Resolved::NotOurs if evidence.queue == QueueRoom::CustomerFull => {
            return Err(Refusal::CustomerFull);
        }
        Resolved::NotOurs => Leads {
            here: Vec::new(),
            onward: vec![Step {
                to: evidence.to.clone(),
                by: By::Itself,
            }],
        },
        // whoever made the alias lets mail for it travel on, whoever sends it
        Resolved::Onward { here, onward } => Leads {
            here,
            onward: onward.into_iter().map(step).collect(),
        },
        Resolved::UnknownUser => return Err(Refusal::UnknownUser),
        Resolved::Closed => return Err(Refusal::MailboxClosed),
        Resolved::OverQuota => return Err(Refusal::MailboxFull),
        Resolved::TooManyTargets => return Err(Refusal::AliasTooWide),
    };
    let so_far = evidence.deliveries_so_far;
    if so_far > 0 && so_far + leads.count() > policy.max_deliveries {
        return Err(Refusal::TooManyRecipients);
    }
    Ok(leads)
}

fn step(forward: mail::Forward) -> Step {
    Step {
        to: ForwardPath::Address(forward.to),
        by: match forward.owner {
            Some(owner) => By::List(owner),
            None => By::Alias(forward.company),
        },
    }
}

/// Whether mail for a return address of ours is taken: bounces, as long as they come in time. It
/// would be a way to send through us otherwise.
pub(crate) fn returned(
    sender: &ReversePath,
    back: Result<Address, srs::NotOurs>,
) -> Result<Address, Refusal> {
    match (sender, back) {
        (ReversePath::Null, Ok(to)) => Ok(to),
        (ReversePath::Null, Err(_)) | (ReversePath::Address(_), _) => Err(Refusal::NoReturn),
    }
}

/// A recipient without room is refused by itself, so that it does not hold up the others of the
/// same message. [rfc1870 6.1]
pub(crate) fn room(room: mail::Room) -> Result<(), Refusal> {
    match room {
        mail::Room::Enough => Ok(()),
        mail::Room::OverQuota => Err(Refusal::MailboxFull),
    }
}

/// What a From or Sender field says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum FieldEvidence {
    Missing,
    /// More than one field, none of its addresses readable, or broken.
    Unreadable,
    NotTheirs(Address),
    /// All addresses belong to the login; their number.
    Theirs(usize),
}

/// What becomes of a From field that cannot be read or is somebody else's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manners {
    /// The message is refused: who has logged in writes as himself.
    Refuse,
    /// It is taken, and the header says who sent it: programs of a machine write what they like.
    NameTheSender,
    /// It is taken as it is.
    Believe,
}

/// What is known when the content has ended.
pub(crate) struct MessageEvidence<'a> {
    pub problem: Option<DataProblem>,
    pub facts: &'a Facts,
    /// What From and Sender say; not asked of strangers.
    pub fields: Option<(FieldEvidence, FieldEvidence)>,
    pub manners: Manners,
}

/// What has to be put before the message. [rfc6409 8]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Additions {
    pub from: Add,
    pub sender: Add,
    pub date: Add,
    pub message_id: Add,
    /// An empty line, because the content has no header of its own.
    pub empty_line: Add,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Add {
    #[default]
    No,
    Yes,
}

fn add_if(needed: bool) -> Add {
    if needed { Add::Yes } else { Add::No }
}

pub(crate) fn message(
    evidence: MessageEvidence<'_>,
    policy: &Policy,
) -> Result<Additions, Refusal> {
    content(evidence.problem, policy)?;
    let facts = evidence.facts;
    if facts.hops >= policy.max_hops || facts.own_hops >= policy.max_own_hops {
        return Err(Refusal::Loop); // [rfc5321 6.3]
    }
    let mut additions = Additions {
        empty_line: add_if(facts.begins == Begins::WithText),
        ..Additions::default()
    };
    if let Some((from, sender)) = evidence.fields {
        let manners = evidence.manners;
        if manners == Manners::Refuse {
            own_fields(&from, &sender)?;
        }
        additions.from = add_if(from == FieldEvidence::Missing);
        let needs_sender = match from {
            FieldEvidence::Missing => false,
            // several authors need one who sends [rfc5322 3.6.2]
            FieldEvidence::Theirs(authors) => authors > 1,
            _ => manners == Manners::NameTheSender,
        };
        additions.sender = add_if(needs_sender && sender == FieldEvidence::Missing);
        additions.date = add_if(facts.date == Seen::No);
        additions.message_id = add_if(facts.message_id == Seen::No);
    }
    Ok(additions)
}

/// Who has logged in writes nobody else into From and Sender. [rfc6409 6.1]
fn own_fields(from: &FieldEvidence, sender: &FieldEvidence) -> Result<(), Refusal> {
    match from {
        FieldEvidence::Missing | FieldEvidence::Theirs(_) => {}
        FieldEvidence::Unreadable => return Err(Refusal::FieldUnreadable("From")),
        FieldEvidence::NotTheirs(address) => return Err(Refusal::FromNotYours(address.clone())),
    }
    match sender {
        FieldEvidence::Missing | FieldEvidence::Theirs(_) => Ok(()),
        FieldEvidence::Unreadable => Err(Refusal::FieldUnreadable("Sender")),
        FieldEvidence::NotTheirs(address) => Err(Refusal::SenderFieldNotYours(address.clone())),
    }
}

/// Whether what a From field says vouches for a signature in its domains' names.
pub(crate) fn is_signed(from: &FieldEvidence) -> bool {
    matches!(from, FieldEvidence::Missing | FieldEvidence::Theirs(_))
}

/// Content with a problem is not taken.
pub(crate) fn content(problem: Option<DataProblem>, policy: &Policy) -> Result<(), Refusal> {
    let max_bytes = policy.max_message_bytes;
    match problem {
        None => Ok(()),
        Some(DataProblem::BareCr | DataProblem::BareLf) => Err(Refusal::BareNewline),
        Some(DataProblem::Nul) => Err(Refusal::Nul),
        Some(DataProblem::LineTooLong) => Err(Refusal::LineTooLong),
        Some(DataProblem::TooLarge) => Err(Refusal::TooLarge { max_bytes }),
    }
}

/// What a From or Sender field says about a login; `is_theirs` tells its own addresses.
pub(crate) fn field(values: &[Value], is_theirs: impl Fn(&Address) -> bool) -> FieldEvidence {
    let raw = match values {
        [] => return FieldEvidence::Missing,
        [Value::Whole(raw)] => raw,
        _ => return FieldEvidence::Unreadable,
    };
    let list = addr::header::parse_list(raw);
    if list.trouble.is_some() {
        return FieldEvidence::Unreadable;
    }
    let mut count = 0;
    for mailbox in list.mailboxes() {
        match mailbox.address() {
            None => return FieldEvidence::Unreadable,
            Some(address) if !is_theirs(&address) => return FieldEvidence::NotTheirs(address),
            Some(_) => count += 1,
        }
    }
    if count == 0 {
        FieldEvidence::Unreadable
    } else {
        FieldEvidence::Theirs(count)
    }
}

#[cfg(test)]
mod tests;
