//! Sweeping rows that nobody sees: of deleted mailboxes, removed accounts, and large appends that a
//! crash cut off. In pieces, each a transaction of its own.

use super::UpkeepReport;
use crate::change::AccountEdit;
use crate::codec::{Look, damaged};
use crate::deliver::Inner;
use crate::error::commit_fault;
use crate::ids::{AccountId, MailboxId};
use crate::keys::{self, DIRECTORY, directory as key};
use crate::limits;
use crate::record::Head;
use crate::rows::BLOCK_UIDS;
use store::Fault;

/// The rows of a mailbox that was deleted: what lies below its UIDNEXT. A name that became a
/// mailbox again keeps its number and goes on from there.
pub(super) async fn deleted_mailbox(
    inner: &Inner,
    account: AccountId,
    mailbox: MailboxId,
    uid_next: u32,
    report: &mut UpkeepReport,
) -> Result<(), Fault> {
    loop {
        let mut change = AccountEdit::open(inner, account).await?;
        // Those who came after begin a block of their own; what lies before it was never shown.
        let blocks = uid_next.div_ceil(BLOCK_UIDS);
        let end = blocks.saturating_mul(BLOCK_UIDS);
        let ranges = [
            keys::ready(mailbox, 0)..keys::ready(mailbox, end),
            keys::flags(mailbox, 0)..keys::flags(mailbox, blocks),
            keys::shown(mailbox, 0)..keys::shown(mailbox, uid_next),
        ];
        let mut swept = 0;
        for range in ranges {
            let rows = change.edit.scan(range).take(limits::EDIT_MESSAGES);
            for (key, value) in rows.collect::<Result<Vec<_>, _>>()? {
                if key.starts_with(keys::READY) {
                    report.messages_forgotten += 1;
                    report.bytes_forgotten += Head::read(&value).map_or(0, |head| head.size());
                }
                change.edit.delete(key.to_vec());
                swept += 1;
            }
        }
        if swept == 0 {
            return Ok(());
        }
        change.submit(inner).await.map_err(commit_fault)?;
    }
}

/// Everything of a removed account.
pub(super) async fn removed_account(
    inner: &Inner,
    account: AccountId,
    report: &mut UpkeepReport,
) -> Result<(), Fault> {
    loop {
        let mut edit = inner.db.edit(keys::partition(account)).await;
        let rows = edit
            .scan(..)
            .take(limits::EDIT_MESSAGES)
            .collect::<Result<Vec<_>, _>>()?;
        if rows.is_empty() {
            break;
        }
        for (key, value) in rows {
            if key.starts_with(keys::READY) {
                report.messages_forgotten += 1;
                report.bytes_forgotten += Head::read(&value).map_or(0, |head| head.size());
            }
            edit.delete(key.to_vec());
        }
        edit.submit().await.map_err(commit_fault)?;
    }
    let mut edit = inner.db.edit(DIRECTORY).await;
    edit.delete(key::removed(account));
    edit.submit().await.map_err(commit_fault)?;
    Ok(())
}

/// Rows past UIDNEXT that nobody is writing now.
pub(super) async fn leftovers(
    inner: &Inner,
    account: AccountId,
    report: &mut UpkeepReport,
) -> Result<(), Fault> {
    for mailbox in mailboxes(inner, account)? {
        while has_leftovers(inner, account, mailbox)? {
            let mut change = AccountEdit::open(inner, account).await?;
            let is_filled = inner.sessions.filled_by_other(account, mailbox).is_some();
            if is_filled || change.edit.get(&keys::state(mailbox))?.is_none() {
                break;
            }
            let from = change.mailbox(mailbox)?.uid_next;
            let swept = sweep_from(&mut change, mailbox, from)?;
            change.submit(inner).await.map_err(commit_fault)?;
            report.leftovers += swept;
            if swept == 0 {
                break;
            }
        }
    }
    Ok(())
}

fn mailboxes(inner: &Inner, account: AccountId) -> Result<Vec<MailboxId>, Fault> {
    let mut ids = Vec::new();
    for row in inner.moment(account).below(keys::MAILBOXES) {
        let (key, _) = row?;
        ids.push(keys::mailbox_of(&key).ok_or_else(|| damaged("a mailbox", &key))?);
    }
    Ok(ids)
}

fn has_leftovers(inner: &Inner, account: AccountId, mailbox: MailboxId) -> Result<bool, Fault> {
    let look = inner.moment(account);
    if look.value(&keys::state(mailbox))?.is_none() {
        return Ok(false);
    }
    let from = crate::mailbox::state(&look, mailbox)?.uid_next;
    let range = keys::ready(mailbox, from)..=keys::ready(mailbox, u32::MAX);
    Ok(look.range(range).next().transpose()?.is_some())
}

fn sweep_from(change: &mut AccountEdit, mailbox: MailboxId, from: u32) -> Result<u64, Fault> {
    let range = keys::ready(mailbox, from)..=keys::ready(mailbox, u32::MAX);
    let rows = change
        .edit
        .scan(range)
        .take(limits::EDIT_MESSAGES)
        .collect::<Result<Vec<_>, _>>()?;
    for (key, _) in &rows {
        let uid = keys::last_u32(key).ok_or_else(|| damaged("a message", key))?;
        change.drop_row(mailbox, uid)?;
    }
    Ok(rows.len() as u64)
}
