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
    /// What MAIL said of the size; 0 if nothing. [rfc1870 6]
    pub(crate) declared_bytes: u64,
    pub(crate) recipients: Vec<Recipient>,
}

/// One accepted recipient and the accounts it leads to.
#[derive(Clone, Debug)]
pub struct Recipient {
    path: ForwardPath,
    /// The same for the same mailbox, however it was quoted and cased. [rfc5321 4.1.2]
    key: String,
    deliveries: Vec<Delivery>,
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

    /// How many deliveries there are, accounts that are reached twice counted twice.
    pub(crate) fn delivery_count(&self) -> usize {
        self.recipients
            .iter()
            .map(|recipient| recipient.deliveries.len())
            .sum()
    }

    /// Whether the recipient is there already.
    pub(crate) fn has(&self, path: &ForwardPath) -> bool {
        let key = key(path);
        self.recipients.iter().any(|recipient| recipient.key == key)
    }
}

impl Recipient {
    pub(crate) fn new(path: ForwardPath, deliveries: Vec<Delivery>) -> Recipient {
        Recipient {
            key: key(&path),
            path,
            deliveries,
        }
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
            charset: Charset::Ascii,
            declared_bytes: 0,
            recipients: vec![Recipient::new(path("<bob@example.test>"), Vec::new())],
        };
        for same in [
            "<bob@example.test>",
            "<BOB@Example.Test>",
            "<\"bob\"@example.test>",
        ] {
            assert!(envelope.has(&path(same)), "{same}");
        }
        for other in [
            "<bob+x@example.test>",
            "<bobb@example.test>",
            "<postmaster>",
        ] {
            assert!(!envelope.has(&path(other)), "{other}");
        }
    }
}
