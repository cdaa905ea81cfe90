//! A message on its way into the queue: its rows, written by the group that accepts it.
//!
//! What never happens here: a decision whether it may leave (that is `judge`).

use crate::limits;
use crate::queue::entry::{EntryNumber, EntryRecord, Onward, Standing, Whither};
use crate::queue::message::MessageRecord;
use crate::queue::{Queue, keys};
use crate::trail::{self, Trail};
use addr::{Address, Charset, Host};
use mail::DeliverError;
use mail::codec::Record;
use mail::road::{MessageNumber, hold};
use net::Time;
use net::time::Duration;
use std::collections::BTreeMap;
use store::{Body, Edit, Fault};

/// A message that is about to leave, without its body.
pub(crate) struct NewMessage {
    pub message: MessageRecord,
    /// What its Message-ID field says.
    pub message_id: Option<String>,
    /// All recipients, those here as well.
    pub recipients: Vec<trail::Destination>,
}

/// The queue holds as much as it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Full;

/// Rows that a group is to write. Their place in the queue is kept until this is dropped.
pub(crate) struct Leaving {
    queue: Queue,
    number: MessageNumber,
    message: MessageRecord,
    entries: Vec<EntryRecord>,
    trail: Trail,
    body: Body,
}

impl Queue {
    /// Prepares the rows of a message that travels on to these.
    pub(crate) fn leaving(
        &self,
        message: NewMessage,
        onward: Vec<Onward>,
        body: &Body,
    ) -> Result<Leaving, Full> {
        self.leaving_later(message, onward, Vec::new(), body)
    }

    /// The same, with those who have their mailbox here and get it when it is released.
    pub(crate) fn leaving_later(
        &self,
        message: NewMessage,
        onward: Vec<Onward>,
        here: Vec<Onward>,
        body: &Body,
    ) -> Result<Leaving, Full> {
        let entries = self.entries(&message.message, onward, here);
        match self.schedule().reserve(entries.len()) {
            true => Ok(self.prepared(message, entries, body)),
            false => Err(Full),
        }
    }

    /// The same for a report on what waits here. It comes in the place of that, and has room also
    /// where the queue is full: else what has ended could not be written down, and would wait for
    /// room that only the end of others makes.
    pub(super) fn leaving_report(
        &self,
        report: NewMessage,
        onward: Vec<Onward>,
        body: &Body,
    ) -> Leaving {
        let entries = self.entries(&report.message, onward, Vec::new());
        self.schedule().reserve_beyond(entries.len());
        self.prepared(report, entries, body)
    }

    fn entries(
        &self,
        message: &MessageRecord,
        onward: Vec<Onward>,
        here: Vec<Onward>,
    ) -> Vec<EntryRecord> {
        let due = message.asked.release(message.arrived);
        let mut entries = entries(onward, due);
        if !here.is_empty() {
            let host = message.sender.address().map(Address::host);
            let domain = domain_of(&here).or(host).cloned();
            let domain = domain.unwrap_or_else(localhost);
            entries.push(entry(domain, Whither::Here, here, due));
        }
        for entry in &mut entries {
            entry.lease = Some(self.lease(due));
        }
        entries
    }

    fn prepared(&self, new: NewMessage, entries: Vec<EntryRecord>, body: &Body) -> Leaving {
        let NewMessage {
            mut message,
            message_id,
            recipients,
        } = new;
        let number = self.new_message();
        message.body_bytes = body.len();
        let due = message.asked.release(message.arrived);
        message.expires = due.after(self.lifetime(&entries));
        let trail = Trail {
            id: message.id.clone(),
            message_id,
            sender: message.sender.clone(),
            recipients,
            client: message.client.clone(),
            login: message.login.clone(),
            arrived: message.arrived,
            bytes: message.size(),
        };
        Leaving {
            queue: self.clone(),
            number,
            message,
            entries,
            trail,
            body: body.clone(),
        }
    }
}

impl Queue {
    /// How long a message lives that goes to these: what only customers get, as long as is said for
    /// them.
    fn lifetime(&self, entries: &[EntryRecord]) -> Duration {
        let usual = self.wanted().settings.lifetime;
        let of = |entry: &EntryRecord| {
            let customer = self.keeping(entry)?;
            Some(customer.lifetime.unwrap_or(usual))
        };
        let all: Option<Vec<Duration>> = entries.iter().map(of).collect();
        all.and_then(|all| all.into_iter().max()).unwrap_or(usual)
    }
}

/// One entry for each domain, and more where one would have too many recipients.
fn entries(onward: Vec<Onward>, due: Time) -> Vec<EntryRecord> {
    let mut domains: BTreeMap<Host, Vec<Onward>> = BTreeMap::new();
    for one in onward {
        // the postmaster without a domain is ours, and travels nowhere
        if let Some(address) = one.to.address() {
            let host = address.host().clone();
            domains.entry(host).or_default().push(one);
        }
    }
    let mut entries = Vec::new();
    for (domain, mut left) in domains {
        while !left.is_empty() {
            let rest = left.split_off(left.len().min(limits::ENTRY_RECIPIENTS));
            let recipients = std::mem::replace(&mut left, rest);
            entries.push(entry(domain.clone(), Whither::Elsewhere, recipients, due));
        }
    }
    entries
}

fn entry(domain: Host, whither: Whither, recipients: Vec<Onward>, due: Time) -> EntryRecord {
    EntryRecord {
        domain,
        whither,
        recipients,
        attempts: 0,
        due,
        standing: Standing::Free,
        lease: None,
        delay_told: None,
    }
}

fn domain_of(recipients: &[Onward]) -> Option<&Host> {
    let mut addresses = recipients.iter().filter_map(|one| one.to.address());
    addresses.next().map(Address::host)
}

/// Only the postmaster, who has no domain, of nobody.
fn localhost() -> Host {
    let parsed = Host::parse(b"localhost", Charset::Ascii);
    parsed.expect("because it is a name")
}

impl Leaving {
    /// Writes the rows, in the group that accepts the message.
    pub fn leg(&self) -> impl Fn(&mut Edit) -> Result<(), Fault> + Send + Sync {
        |edit: &mut Edit| {
            let message = MessageRecord {
                body: hold(edit, self.number, &self.body),
                ..self.message.clone()
            };
            edit.put(keys::message(self.number), message.encode());
            for (number, entry) in self.numbered() {
                edit.put(keys::entry(number), entry.encode());
            }
            trail::begun(edit, self.number, &self.trail);
            Ok(())
        }
    }

    fn numbered(&self) -> impl Iterator<Item = (EntryNumber, &EntryRecord)> {
        (0..).zip(&self.entries).map(|(part, entry)| {
            let message = self.number;
            (EntryNumber { message, part }, entry)
        })
    }

    /// What became of the group. Of one that failed nobody knows whether its rows are there: they
    /// are looked for later, and if they are there, the message goes.
    pub fn committed(&self, error: Option<&DeliverError>) {
        let delay = match error {
            None => Duration::ZERO,
            Some(DeliverError::Unavailable(_)) => limits::DOUBTFUL,
            Some(_) => return,
        };
        self.queue.counts_held(self.number, &self.message);
        for (number, entry) in self.numbered() {
            let rows = (&self.message, entry);
            self.queue.again(number, rows, |timing| {
                timing.due = timing.due.after(delay);
            });
        }
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.queue.schedule().unreserve(self.entries.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use addr::ForwardPath;

    fn onward(to: &str) -> Onward {
        let to = ForwardPath::parse(to.as_bytes(), Charset::Utf8).expect("because it is a path");
        Onward::new(to, None, None)
    }

    #[test]
    fn each_domain_has_an_entry_however_it_is_written() {
        let all = [
            "<a@b.example>",
            "<c@C.example>",
            "<d@B.EXAMPLE>",
            "<e@[192.0.2.1]>",
        ];
        let entries = entries(all.into_iter().map(onward).collect(), Time(7));
        let shown: Vec<_> = entries
            .iter()
            .map(|entry| (entry.domain.to_string(), entry.recipients.len()))
            .collect();
        assert_eq!(
            shown,
            [("b.example", 2), ("c.example", 1), ("[192.0.2.1]", 1)]
                .map(|(name, count)| (name.to_owned(), count))
        );
        assert!(entries.iter().all(|entry| entry.due == Time(7)));
    }

    #[test]
    fn no_entry_has_more_recipients_than_every_server_takes() {
        // [rfc5321 4.5.3.1.8]
        let many = (0..limits::ENTRY_RECIPIENTS + 1).map(|n| onward(&format!("<u{n}@b.example>")));
        let entries = entries(many.collect(), Time(7));
        let counts: Vec<_> = entries.iter().map(|entry| entry.recipients.len()).collect();
        assert_eq!(counts, [limits::ENTRY_RECIPIENTS, 1]);
    }
}
