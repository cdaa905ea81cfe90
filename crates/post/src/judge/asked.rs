//! What a submission asks of the queue: when it goes, by when it is there, how urgent it is. Pure.
//!
//! What never happens here: a clock, a message.

use crate::client::Role;
use crate::judge::{Elsewhere, Policy};
use crate::queue::Asked;
use crate::refusal::Refusal;
use smtp::MailParameters;

/// What is known at MAIL.
pub(crate) struct AskedEvidence<'a> {
    pub role: Role,
    pub parameters: &'a MailParameters,
}

/// What is granted. Who may submit was judged before.
pub(crate) fn asked(evidence: &AskedEvidence<'_>, policy: &Policy) -> Result<Asked, Refusal> {
    let parameters = evidence.parameters;
    let is_offered = is_offered(evidence.role, policy);
    let named = [
        (parameters.hold.is_some(), "HOLDFOR"),
        (parameters.by.is_some(), "BY"),
        (parameters.priority.is_some() && !is_offered, "MT-PRIORITY"),
    ];
    if let Some((_, name)) = named.iter().find(|(is_unknown, _)| *is_unknown) {
        return Err(Refusal::NotOffered(name)); // [rfc5321 4.1.1.11]
    }
    // nobody gets more than the operator grants; who wants less gets it [rfc6710 4.1]
    let priority = parameters.priority.unwrap_or_default();
    Ok(Asked {
        protection: parameters.protection,
        priority: priority.min(policy.highest_priority),
        ..Asked::default()
    })
}

/// Whether anything can be asked: by those who submit, where there is a queue.
pub(crate) fn is_offered(role: Role, policy: &Policy) -> bool {
    role == Role::Submission && policy.elsewhere == Elsewhere::Taken
}
