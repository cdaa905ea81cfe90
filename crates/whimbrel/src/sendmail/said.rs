//! What came of a message, sorted: who has it, who never will, and who may later.
//!
//! What never happens here: I/O.

use super::exit::{Code, Ended};
use smtp::Class;
use smtp::client::{Outcome, Recipient};

/// The recipients by what the server said.
#[derive(Debug, Default)]
pub struct Sorted {
    /// With the code and the words that say why.
    pub refused: Vec<(Recipient, Code, String)>,
    pub later: Vec<Recipient>,
    /// Why the server could not be asked.
    pub not_now: Option<String>,
}

pub fn sorted(recipients: &[Recipient], outcomes: &[Outcome]) -> Sorted {
    let mut sorted = Sorted::default();
    for (recipient, outcome) in recipients.iter().zip(outcomes) {
        match outcome.class() {
            Class::Completion => {}
            Class::Permanent => {
                let said = outcome.reply().map(|reply| reply.lines().join(" "));
                let why = format!("{}: {}", recipient.to, said.unwrap_or_default());
                let code = Code::of(outcome);
                sorted.refused.push((recipient.clone(), code, why));
            }
            _ => sorted.later.push(recipient.clone()),
        }
    }
    sorted
}

impl Sorted {
    /// How the program ends with what was refused.
    pub fn ended(&self) -> Option<Ended> {
        let (_, code, _) = self.refused.first()?;
        let why: Vec<&str> = self
            .refused
            .iter()
            .map(|(_, _, why)| why.as_str())
            .collect();
        Some(Ended::new(*code, why.join("\n")))
    }
}
