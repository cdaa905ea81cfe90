//! What a submission asks of the queue: when it goes, by when it is there, how urgent it is. Pure.
//!
//! What never happens here: a clock that is read, a message.

use crate::client::Role;
use crate::judge::{Elsewhere, Policy};
use crate::queue::{Amount, Asked, DeliverBy, Held};
use crate::refusal::{NotHeld, Refusal};
use net::Time;
use net::time::Duration;
use smtp::{By, Hold, MailParameters};

/// What is known at MAIL.
pub(crate) struct AskedEvidence<'a> {
    /// As which it asks (`Client::asks_as`).
    pub role: Role,
    pub parameters: &'a MailParameters,
    pub now: Time,
    /// What whoever asks has held for later.
    pub held: Amount,
}

/// What is granted. Who may submit was judged before.
pub(crate) fn asked(evidence: &AskedEvidence<'_>, policy: &Policy) -> Result<Asked, Refusal> {
    let parameters = evidence.parameters;
    let offers = |wish| offers(evidence.role, wish, policy);
    let unknown = [
        (parameters.hold.is_some() && !offers(Wish::Hold), "HOLDFOR"),
        (parameters.by.is_some() && !offers(Wish::Time), "BY"),
        (
            parameters.priority.is_some() && !offers(Wish::Priority),
            "MT-PRIORITY",
        ),
    ];
    if let Some((_, name)) = unknown.iter().find(|(is_unknown, _)| *is_unknown) {
        return Err(Refusal::NotOffered(name)); // [rfc5321 4.1.1.11]
    }
    // nobody gets more than the operator grants; who wants less gets it [rfc6710 4.1]
    let priority = parameters.priority.unwrap_or_default();
    let asked = Asked {
        protection: parameters.protection,
        priority: priority.min(policy.highest_priority),
        deliver_by: parameters.by.map(|by| deliver_by(by, evidence.now)),
        hold: parameters.hold.map(|hold| held(hold, evidence.now)),
    };
    may_hold(&asked, evidence, policy).map(|()| asked)
}

/// Whether it may be held so long, and so much.
fn may_hold(asked: &Asked, evidence: &AskedEvidence<'_>, policy: &Policy) -> Result<(), Refusal> {
    let Some(held) = asked.hold else {
        return Ok(());
    };
    let most = policy.longest_hold;
    if held.until > evidence.now.after(most) {
        let most_s = most.as_secs();
        return Err(Refusal::NotHeld(NotHeld::TooLong { most_s })); // [rfc4865 4.2]
    }
    if asked.deliver_by.is_some_and(|by| held.until > by.by) {
        return Err(Refusal::NotHeld(NotHeld::TooLate)); // [rfc4865 5.2.2]
    }
    let declared = evidence.parameters.size_bytes.unwrap_or(0);
    may_hold_more(evidence.held, declared, policy)
}

/// Whether a login may have so many octets more held. [rfc4865 6]
pub(crate) fn may_hold_more(held: Amount, bytes: u64, policy: &Policy) -> Result<(), Refusal> {
    match held.has_room(bytes, policy.most_held) {
        true => Ok(()),
        false if held.count >= policy.most_held.count => Err(Refusal::NotHeld(NotHeld::TooMany)),
        false => Err(Refusal::NotHeld(NotHeld::TooMuch)),
    }
}

/// The release as a moment of ours. One that is over is none to wait for.
fn held(hold: Hold, now: Time) -> Held {
    let until = match hold {
        Hold::For(seconds) => now.after(Duration::from_secs(u64::from(seconds))),
        Hold::Until(at) => Time::from_seconds(at),
    };
    Held { until, asked: hold }
}

/// The span as a moment of ours. [rfc2852 4]
fn deliver_by(by: By, now: Time) -> DeliverBy {
    let seconds = i64::from(by.seconds);
    DeliverBy {
        by: Time(now.0.saturating_add(seconds * 1_000_000)),
        mode: by.mode,
        trace: by.trace,
    }
}

/// Something that a client may ask beyond its envelope.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// To go later. [rfc4865]
    Hold,
    /// To be there by a time. [rfc2852]
    Time,
    /// To be sent before others. [rfc6710]
    Priority,
}

/// Whether a client of this kind may ask for it. All needs a queue; a time may be said by servers
/// too, or what is to come back if it is late could not come here [rfc2852 4.1.4.1].
pub(crate) fn offers(role: Role, wish: Wish, policy: &Policy) -> bool {
    let may_ask = match (role, wish) {
        // who is known by a login, or by the system
        (Role::Submission | Role::Local, _) | (Role::Exchange, Wish::Time) => true,
        // [rfc4865 4.2]
        (Role::Exchange, Wish::Hold | Wish::Priority) | (Role::Lmtp | Role::OnDemand, _) => false,
    };
    let is_off = wish == Wish::Hold && policy.longest_hold.is_zero();
    may_ask && !is_off && policy.elsewhere == Elsewhere::Taken
}
