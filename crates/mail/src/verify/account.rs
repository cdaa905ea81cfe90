//! Verifying an account: its tree of names, its change log, its sums.

use super::{COUNT, DAMAGE, LOST, VerifyReport, mailbox};
use crate::codec::{Look, Moment, decode};
use crate::deliver::Inner;
use crate::history::{Fate, LogChange, LogEntry};
use crate::ids::{AccountId, MailboxId, ModSeq};
use crate::keys;
use crate::keywords::Keywords;
use crate::record::Head;
use crate::state::AccountState;
use crate::tree::{self, Node};
use std::collections::{HashMap, HashSet};
use store::Fault;

/// What an account's log says about messages that are gone.
#[derive(Default)]
pub(super) struct Log {
    /// Mailboxes that were deleted and whose rows are still kept.
    pub deleted: HashSet<MailboxId>,
    /// Where the deleted incarnation of a mailbox ended.
    pub old_uid_next: HashMap<MailboxId, u32>,
    pub history_bytes: u64,
}

pub(super) async fn verify(
    inner: &Inner,
    account: AccountId,
    place: &str,
    report: &mut VerifyReport,
) -> Result<(), Fault> {
    let look = inner.moment(account);
    let Some(state) = look.record::<AccountState>(keys::ACCOUNT)? else {
        return Ok(());
    };
    let list = tree::all(&look)?;
    verify_tree(&look, &list, &state, place, report)?;
    let log = verify_log(&look, &state, place, report)?;
    let keywords = Keywords::load(&look)?.names().len();
    let (mut bytes, mut messages) = (0, 0);
    for (name, node) in &list {
        let place = format!("{place} mailbox {name}");
        let found = mailbox::verify(inner, &look, node, &log, keywords, &place, report).await?;
        bytes += found.bytes;
        messages += found.messages;
        if found.highest_modseq > state.modseq {
            report.problem(&place, "its HIGHESTMODSEQ is above the account's", COUNT);
        }
        report.mailboxes += 1;
    }
    report.same(place, "octets of all messages", state.used_bytes, bytes);
    report.same(
        place,
        "number of all messages",
        state.used_messages,
        messages,
    );
    report.same(
        place,
        "octets of history",
        state.history_bytes,
        log.history_bytes,
    );
    let known: HashSet<MailboxId> = list.iter().map(|(_, node)| node.id).collect();
    mailbox::verify_dangling(&look, &known, &log, place, report)
}

fn verify_tree(
    look: &Moment,
    list: &[(crate::MailboxName, Node)],
    state: &AccountState,
    place: &str,
    report: &mut VerifyReport,
) -> Result<(), Fault> {
    report.same(
        place,
        "number of mailboxes",
        state.mailboxes.into(),
        list.len() as u64,
    );
    for (name, node) in list {
        let record = &node.record;
        let found = tree::child(look, record.parent, &record.leaf)?;
        if found.is_none_or(|found| found.id != node.id) {
            report.problem(
                place,
                format!("the name {name} does not lead to its mailbox"),
                LOST,
            );
        }
        if node.id.0 >= state.next_mailbox || record.uid_validity >= state.next_uid_validity {
            report.problem(
                place,
                format!("a number of {name} will be given again"),
                LOST,
            );
        }
    }
    let names = look.below(b"n").collect::<Result<Vec<_>, _>>()?.len();
    report.same(place, "names of mailboxes", names as u64, list.len() as u64);
    let subscribed = look
        .below(keys::SUBSCRIPTIONS)
        .collect::<Result<Vec<_>, _>>()?
        .len();
    report.same(
        place,
        "subscriptions",
        state.subscriptions.into(),
        subscribed as u64,
    );
    Ok(())
}

/// Every change since the forgotten ones is there, once, in order.
fn verify_log(
    look: &Moment,
    state: &AccountState,
    place: &str,
    report: &mut VerifyReport,
) -> Result<Log, Fault> {
    let mut log = Log::default();
    let mut expected = state.forgotten.0 + 1;
    for row in look.range(keys::changes_after(ModSeq(0))) {
        let (key, value) = row?;
        let modseq = keys::last_u64(&key).unwrap_or_default();
        if modseq != expected {
            let found = format!("the change log has {modseq} where {expected} should be");
            report.problem(place, found, DAMAGE);
        }
        expected = modseq.saturating_add(1);
        report.changes += 1;
        for change in decode::<LogEntry>(&key, &value)?.changes {
            log.read(look, &change)?;
        }
    }
    report.same(place, "the last change", state.modseq.0, expected - 1);
    Ok(log)
}

impl Log {
    fn read(&mut self, look: &Moment, change: &LogChange) -> Result<(), Fault> {
        match change {
            LogChange::Deleted { mailbox, state, .. } => {
                self.deleted.insert(*mailbox);
                self.old_uid_next.insert(*mailbox, state.uid_next);
                self.history_bytes += state.bytes;
            }
            LogChange::Expunged {
                mailbox,
                fate: Fate::Removed,
                before,
            } => {
                for (uid, _) in before.iter() {
                    if let Some(value) = look.value(&keys::ready(*mailbox, uid))? {
                        self.history_bytes += Head::read(&value).map_or(0, |head| head.size());
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}
