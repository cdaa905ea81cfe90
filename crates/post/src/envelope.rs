//! The envelope of one message while it is being handed over.
//!
//! An envelope exists only after `Post::sender` said yes, a recipient in it only after
//! `Post::recipient` did.

use addr::{Charset, ForwardPath, ReversePath};
use mail::Delivery;
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
    pub(crate) charset: Charset,
    pub(crate) recipients: Vec<Recipient>,
}

/// One accepted recipient and the accounts it leads to.
#[derive(Clone, Debug)]
pub struct Recipient {
    pub(crate) path: ForwardPath,
    pub(crate) deliveries: Vec<Delivery>,
}

impl Envelope {
    pub fn id(&self) -> &MessageId {
        &self.id
    }
    pub fn sender(&self) -> &ReversePath {
        &self.sender
    }
    /// `Utf8` if the client asked for SMTPUTF8.
    pub fn charset(&self) -> Charset {
        self.charset
    }
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    /// All deliveries, each account once: whoever is reached over two ways gets one copy.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        let mut seen = std::collections::HashSet::new();
        let all = self
            .recipients
            .iter()
            .flat_map(|recipient| &recipient.deliveries);
        all.filter(|delivery| seen.insert(delivery.account_id()))
            .cloned()
            .collect()
    }

    pub(crate) fn has(&self, path: &ForwardPath) -> bool {
        self.recipients
            .iter()
            .any(|recipient| same(&recipient.path, path))
    }
}

impl Recipient {
    pub fn path(&self) -> &ForwardPath {
        &self.path
    }
}

/// The same mailbox, however it was quoted and cased. [rfc5321 4.1.2]
fn same(a: &ForwardPath, b: &ForwardPath) -> bool {
    match (a, b) {
        (ForwardPath::Address(a), ForwardPath::Address(b)) => a.key() == b.key(),
        (a, b) => a == b,
    }
}
