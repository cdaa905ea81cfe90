//! The envelope of one message while it is being handed over.
//!
//! An envelope exists only after `Post::sender` said yes, a recipient in it only after
//! `Post::recipient` did.

use crate::dropped::Note;
use crate::queue::Asked;
use addr::{Address, Charset, ForwardPath, ReversePath};
use mail::{Company, Delivery, Dsn};
use net::Time;
use smtp::dsn::{Notify, Occasion};
use smtp::{BodyType, MailParameters, Priority, RcptParameters};
use std::collections::HashSet;
use std::fmt;

/// Names one message transaction: in the reply, in the log, in the Received field.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct MessageId(pub(crate) String);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Sender and recipients that were accepted.
#[derive(Debug)]
pub struct Envelope {
    pub(crate) id: MessageId,
    pub(crate) sender: ReversePath,
    pub(crate) parameters: MailParameters,
    /// What of them was granted.
    pub(crate) asked: Asked,
    pub(crate) recipients: Vec<Recipient>,
    /// For every RCPT that was accepted, which of the recipients it named. [rfc2033 4.2]
    pub(crate) named: Vec<usize>,
    /// Written by the commit that takes the message.
    pub(crate) note: Option<Note>,
}

/// One accepted recipient and where it leads.
#[derive(Clone, Debug)]
pub struct Recipient {
    path: ForwardPath,
    /// The same for the same mailbox, however it was quoted and cased. [rfc5321 4.1.2]
    key: String,
    leads: Leads,
    parameters: RcptParameters,
}

/// Where a recipient leads: accounts here, and addresses that the message travels on to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leads {
    pub here: Vec<Delivery>,
    pub onward: Vec<Step>,
}

/// A way on to another server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Step {
    pub to: ForwardPath,
    pub by: By,
}

/// How a recipient comes to lead elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum By {
    /// It is elsewhere itself.
    Itself,
    /// An alias here leads there.
    Alias(Company),
    /// A list of this owner does.
    List(Address),
}

impl Leads {
    pub fn count(&self) -> usize {
        self.here.len() + self.onward.len()
    }
}

impl Envelope {
    /// How many RCPT commands were accepted.
    pub fn accepted(&self) -> usize {
        self.named.len()
    }

    pub fn id(&self) -> &MessageId {
        &self.id
    }
    /// Has the commit that takes the message write this, too.
    pub fn noting(&mut self, note: Note) {
        self.note = Some(note);
    }
    pub fn sender(&self) -> &ReversePath {
        &self.sender
    }
    /// `Utf8` if the client asked for SMTPUTF8.
    pub fn charset(&self) -> Charset {
        self.parameters.charset
    }
    /// Whether it is not to go before some later time. [rfc4865 4.2]
    pub(crate) fn is_held(&self, now: Time) -> bool {
        self.asked.hold.is_some_and(|held| held.until > now)
    }
    /// How urgent it is, if that is not what its sender asked for. [rfc6710 4.1]
    pub fn other_priority(&self) -> Option<Priority> {
        let granted = self.asked.priority;
        let asked = self.parameters.priority;
        asked.filter(|asked| *asked != granted).map(|_| granted)
    }
    /// What MAIL said of the size; 0 if nothing. [rfc1870 6]
    pub(crate) fn declared_bytes(&self) -> u64 {
        self.parameters.size_bytes.unwrap_or(0)
    }
    /// What MAIL said of the content.
    pub fn body(&self) -> Option<BodyType> {
        self.parameters.body
    }
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    /// The deliveries of those recipients, each account once with the first of them: whoever is
    /// reached over two ways gets one copy. A host gets one for each recipient.
    pub(crate) fn deliveries<'a>(
        &'a self,
        recipients: impl Iterator<Item = &'a Recipient>,
    ) -> Vec<(&'a Recipient, &'a Delivery)> {
        let mut seen = HashSet::new();
        recipients
            .flat_map(|recipient| recipient.leads.here.iter().map(move |d| (recipient, d)))
            .filter(|(_, delivery)| seen.insert(delivery.place()))
            .collect()
    }

    /// What the sender asked about notifications for this recipient.
    pub(crate) fn dsn(&self, recipient: &Recipient) -> Dsn {
        let RcptParameters { notify, orcpt } = &recipient.parameters;
        Dsn {
            ret: self.parameters.ret.map(|ret| ret.word().to_owned()),
            envid: self
                .parameters
                .envid
                .as_ref()
                .map(|id| id.as_str().to_owned()),
            notify: notify.as_ref().map(|notify| notify.to_string()),
            orcpt: orcpt.as_ref().map(|orcpt| orcpt.as_str().to_owned()),
        }
    }

    /// How many ways it goes, accounts that are reached twice counted twice.
    pub(crate) fn delivery_count(&self) -> usize {
        let counts = self
            .recipients
            .iter()
            .map(|recipient| recipient.leads.count());
        counts.sum()
    }

    /// What MAIL said after the path.
    pub(crate) fn parameters(&self) -> &MailParameters {
        &self.parameters
    }

    /// Whether an alias or a list sends it on to other servers.
    pub(crate) fn is_sent_on(&self) -> bool {
        let mut ways = self.recipients.iter().flat_map(Recipient::onward);
        ways.any(|step| step.by != By::Itself)
    }

    /// Whether its sender wants to hear that it was delivered.
    pub(crate) fn asks_for_success(&self) -> bool {
        let asks = |notify: &Notify| matches!(notify, Notify::When(all) if all.contains(&Occasion::Success));
        let mut all = self.recipients.iter().map(|one| &one.parameters.notify);
        all.any(|notify| notify.as_ref().is_some_and(asks))
    }

    /// Which of the recipients this is, if it is there already.
    pub(crate) fn position(&self, path: &ForwardPath) -> Option<usize> {
        let key = key(path);
        self.recipients
            .iter()
            .position(|recipient| recipient.key == key)
    }
}

impl Recipient {
    pub(crate) fn new(path: ForwardPath, leads: Leads, parameters: RcptParameters) -> Recipient {
        Recipient {
            key: key(&path),
            path,
            leads,
            parameters,
        }
    }
    /// The accounts here.
    pub(crate) fn here(&self) -> &[Delivery] {
        &self.leads.here
    }
    /// Where the message travels on to for it.
    pub(crate) fn onward(&self) -> &[Step] {
        &self.leads.onward
    }
    /// What RCPT said after the path.
    pub(crate) fn parameters(&self) -> &RcptParameters {
        &self.parameters
    }
    /// Whether it leads to the account of one of these.
    pub(crate) fn leads_to(&self, any: &[Delivery]) -> bool {
        let mut accounts = self.leads.here.iter().map(Delivery::account_id);
        accounts.any(|own| any.iter().any(|delivery| delivery.account_id() == own))
    }
    pub fn path(&self) -> &ForwardPath {
        &self.path
    }
}

fn key(path: &ForwardPath) -> String {
    match path {
        ForwardPath::Address(address) => address.key(),
        ForwardPath::Postmaster => "postmaster".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_mailbox_in_every_spelling() {
        // [rfc5321 4.1.2]
        let path = |text: &str| ForwardPath::parse(text.as_bytes(), Charset::Utf8).unwrap();
        let envelope = Envelope {
            id: MessageId("x".to_owned()),
            sender: ReversePath::Null,
            parameters: MailParameters::default(),
            asked: Asked::default(),
            recipients: vec![Recipient::new(
                path("<bob@example.test>"),
                Leads::default(),
                RcptParameters::default(),
            )],
            named: vec![0],
            note: None,
        };
        for same in [
            "<bob@example.test>",
            "<BOB@Example.Test>",
            "<\"bob\"@example.test>",
        ] {
            assert_eq!(envelope.position(&path(same)), Some(0), "{same}");
        }
        for other in [
            "<bob+x@example.test>",
            "<bobb@example.test>",
            "<postmaster>",
        ] {
            assert_eq!(envelope.position(&path(other)), None, "{other}");
        }
    }
}
