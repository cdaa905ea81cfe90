//! LSUB [rfc3501 6.3.9].

use super::list;
use crate::listing;
use crate::reply::{Answer, Outcome};
use crate::session::Session;
use imap::{ListEntry, ListPattern, Mailbox, Response};
use mail::{MailboxInfo, MailboxName};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) async fn run(
    session: &mut Session,
    reference: &Mailbox,
    pattern: &ListPattern,
) -> Outcome {
    if pattern.as_str().is_empty() {
        session.wire.say(&Response::Lsub(list::root()));
        return Ok(Answer::ok("that is the separator"));
    }
    let pattern = listing::canonical(reference, pattern);
    let subscribed = session.account().subscriptions()?;
    let mailboxes = session.account().mailboxes()?;
    let mailboxes = mailboxes
        .iter()
        .map(|mailbox| (&mailbox.name, mailbox))
        .collect();
    for entry in entries(&subscribed, &mailboxes, &pattern) {
        session.wire.say(&Response::Lsub(entry));
        session.wire.ease().await?;
    }
    Ok(Answer::ok("listed"))
}

/// Subscribed names that match; and, `\Noselect`, those that match and only have subscribed names
/// below them, so that a client that asks level by level with `%` finds its way.
fn entries(
    subscribed: &[MailboxName],
    mailboxes: &BTreeMap<&MailboxName, &MailboxInfo>,
    pattern: &ListPattern,
) -> Vec<ListEntry> {
    let all: BTreeSet<&MailboxName> = subscribed.iter().collect();
    let matches = |name: &MailboxName| pattern.matches(name.as_str(), MailboxName::SEPARATOR);
    let mut on_the_way = BTreeSet::new();
    let mut entries = Vec::new();
    for name in subscribed {
        let mut superior = name.superior();
        while let Some(up) = superior {
            superior = up.superior();
            let is_new = !all.contains(&up) && pattern.as_str().contains('%') && matches(&up);
            if is_new && on_the_way.insert(up.clone()) {
                entries.push(list::bare(&up, vec!["\\Noselect"]));
            }
        }
        if matches(name) {
            entries.push(match mailboxes.get(name) {
                Some(mailbox) => list::entry(mailbox),
                None => list::bare(name, Vec::new()),
            });
        }
    }
    entries
}
