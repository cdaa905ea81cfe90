//! Where a message comes from: what its sender's domain says of the client, and what its signatures
//! are worth.
//!
//! Asked before the commit that takes a message, and only where something depends on it: where it
//! is sent on (its seal says what was found, and a refusal there may have to be told), and where a
//! stranger wants to hear of its delivery. What never happens here: a refusal, the decision what the
//! evidence proves (that is `report`).

use crate::accept::Post;
use crate::client::{Client, Role};
use crate::envelope::Envelope;
use crate::report::{self, HandedInBy, SenderProof, SpfResult};
use crate::sign::gather::Gathered;
use crate::sign::{check, spf};
use store::{Body, Fault};

/// What was found out.
pub(crate) struct Provenance {
    pub proof: SenderProof,
    /// What its signatures and seals are worth.
    pub checked: Option<check::Checked>,
    /// For the seal, as Authentication-Results has it.
    pub spf: Option<String>,
}

impl Post {
    /// Whether anything depends on where the message comes from.
    pub(crate) fn looks_back(&self, client: &Client, envelope: &Envelope) -> bool {
        let wants_to_hear = by(client) == HandedInBy::Stranger && envelope.asks_for_success();
        let is_sent_on = !client.is_known() && envelope.is_sent_on();
        self.inner.resolver.is_some() && (wants_to_hear || is_sent_on)
    }

    /// Asks the DNS, if anything depends on it.
    pub(crate) async fn provenance(
        &self,
        client: &Client,
        envelope: &Envelope,
        gathered: Option<&Gathered>,
        body: &Body,
    ) -> Result<Provenance, Fault> {
        let (by, sender) = (by(client), &envelope.sender);
        let resolver = self.inner.resolver.as_ref();
        let Some(resolver) = resolver.filter(|_| self.looks_back(client, envelope)) else {
            return Ok(Provenance {
                proof: report::sender_proof(by, sender, SpfResult::None, &[]),
                checked: None,
                spf: None,
            });
        };
        let spf = match by {
            HandedInBy::Known => None,
            HandedInBy::Stranger => {
                let asked = spf::Asked {
                    ip: client.peer.ip(),
                    helo: client.helo.as_ref().map_or("", |(_, name)| name),
                    sender,
                    hostname: &self.inner.hostname,
                };
                Some(spf::check(&asked, resolver).await)
            }
        };
        let result = spf.as_ref().map_or(SpfResult::None, |spf| spf.result);
        let checked = match gathered {
            Some(gathered) if envelope.is_sent_on() || result != SpfResult::Pass => {
                Some(check::check(gathered, body, resolver).await?)
            }
            _ => None,
        };
        let signers = checked.as_ref().map_or(&[][..], |checked| &checked.signers);
        Ok(Provenance {
            proof: report::sender_proof(by, sender, result, signers),
            checked,
            spf: spf.map(|spf| spf.words),
        })
    }
}

/// What comes by LMTP was somebody else's to look at, on this machine.
fn by(client: &Client) -> HandedInBy {
    match (&client.login, client.role) {
        (Some(_), _) | (None, Role::Lmtp | Role::Local) => HandedInBy::Known,
        (None, Role::Exchange | Role::Submission | Role::OnDemand) => HandedInBy::Stranger,
    }
}
