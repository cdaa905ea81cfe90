//! Forgetting history: the oldest entries of a change log, and the messages that only they kept.

use super::UpkeepReport;
use super::sweep;
use crate::before::Before;
use crate::change::AccountEdit;
use crate::codec::{Damaged, Look, damaged, decode};
use crate::deliver::Inner;
use crate::history::{Fate, LogChange, LogEntry};
use crate::ids::{AccountId, MailboxId, ModSeq};
use crate::keys;
use crate::limits;
use crate::record::Head;
use crate::state::AccountState;
use net::{Stop, Time};
use store::Fault;

/// History that an account without quota keeps.
const HISTORY_BYTES: u64 = 1 << 30;

/// Forgets what is too old, and the oldest while there is too much.
pub(super) async fn expire(
    inner: &Inner,
    account: AccountId,
    stop: &Stop,
    report: &mut UpkeepReport,
) -> Result<(), Fault> {
    while !stop.is_stopped() {
        let Some((modseq, entry)) = next_to_forget(inner, account)? else {
            return Ok(());
        };
        for change in &entry.changes {
            if let LogChange::Deleted { mailbox, state, .. } = change {
                sweep::deleted_mailbox(inner, account, *mailbox, state.uid_next, report).await?;
            }
        }
        forget(inner, account, modseq, &entry, report).await?;
    }
    Ok(())
}

/// The oldest entry, if it is time to forget it and no open view needs it.
fn next_to_forget(inner: &Inner, account: AccountId) -> Result<Option<(ModSeq, LogEntry)>, Fault> {
    let look = inner.moment(account);
    let Some(state) = look.record::<AccountState>(keys::ACCOUNT)? else {
        return Ok(None);
    };
    let Some(row) = look.range(keys::changes_after(state.forgotten)).next() else {
        return Ok(None);
    };
    let (key, value) = row?;
    let entry = decode::<LogEntry>(&key, &value)?;
    let modseq = keys::last_u64(&key)
        .map(ModSeq)
        .ok_or_else(|| damaged("a change", &key))?;
    let held = inner
        .sessions
        .oldest_view(account)
        .is_some_and(|needed| modseq > needed);
    let history_us = i64::try_from(inner.settings.history_s.saturating_mul(1_000_000));
    let oldest = inner
        .clock
        .now()
        .0
        .saturating_sub(history_us.unwrap_or(i64::MAX));
    let too_old = entry.at <= Time(oldest);
    let too_much = state.history_bytes > history_max(inner, account)?;
    Ok((!held && (too_old || too_much)).then_some((modseq, entry)))
}

fn history_max(inner: &Inner, account: AccountId) -> Result<u64, Fault> {
    if let Some(bytes) = inner.settings.history_max_bytes {
        return Ok(bytes);
    }
    Ok(inner.directory.quota_of(account)?.unwrap_or(HISTORY_BYTES))
}

/// Removes one entry with the records of the messages that it expunged.
async fn forget(
    inner: &Inner,
    account: AccountId,
    modseq: ModSeq,
    entry: &LogEntry,
    report: &mut UpkeepReport,
) -> Result<(), Fault> {
    let mut edit = AccountEdit::open(inner, account).await?;
    for change in &entry.changes {
        match change {
            LogChange::Expunged {
                mailbox,
                fate,
                before,
            } => {
                forget_messages(&mut edit, *mailbox, *fate, before, report).await?;
                if edit.edit.get(&keys::state(*mailbox))?.is_some() {
                    // Expunges up to here can no longer be told one by one [rfc7162 3.2.6].
                    let state = edit.mailbox(*mailbox)?;
                    state.forgotten = state.forgotten.max(modseq);
                }
            }
            LogChange::Deleted { state, .. } => {
                let left = edit.state.history_bytes.saturating_sub(state.bytes);
                edit.state.history_bytes = left;
            }
            _ => {}
        }
    }
    edit.edit.delete(keys::change(modseq));
    edit.state.forgotten = edit.state.forgotten.max(modseq);
    report.changes_forgotten += 1;
    let done = edit.submit(inner).await;
    done.map(|_| ()).map_err(crate::error::commit_fault)
}

/// Others have their turn in between: each record is read from the disk for its size.
async fn forget_messages(
    edit: &mut AccountEdit,
    mailbox: MailboxId,
    fate: Fate,
    gone: &Before,
    report: &mut UpkeepReport,
) -> Result<(), Fault> {
    for (count, (uid, _)) in gone.iter().enumerate() {
        if count % limits::EDIT_MESSAGES == limits::EDIT_MESSAGES - 1 {
            tokio::task::yield_now().await;
        }
        let key = keys::ready(mailbox, uid);
        let Some(value) = edit.edit.get(&key)? else {
            continue;
        };
        let head = Head::read(&value);
        let size = head
            .map_err(|Damaged| damaged("a ready-to-send record", &key))?
            .size();
        edit.edit.delete(key);
        report.messages_forgotten += 1;
        report.bytes_forgotten += size;
        if fate == Fate::Removed {
            edit.state.history_bytes = edit.state.history_bytes.saturating_sub(size);
        }
    }
    Ok(())
}
