//! Forgetting Message-IDs: the index of threads keeps those that a message, seen or kept, names.

use crate::change::AccountEdit;
use crate::codec::{Look, damaged, decode};
use crate::deliver::Inner;
use crate::error::commit_fault;
use crate::history::{LogChange, LogEntry};
use crate::ids::{AccountId, ModSeq};
use crate::keys;
use crate::limits;
use crate::record::{self, Head, Sect};
use std::collections::HashSet;
use store::Fault;

/// The hashes that the messages of an account name, as of one change.
pub(super) struct Named {
    pub hashes: HashSet<u64>,
    pub as_of: ModSeq,
}

impl Named {
    pub fn add(&mut self, ready: &[u8]) {
        if let Ok(head) = Head::read(ready) {
            self.hashes
                .extend(record::references(head.section(ready, Sect::References)));
        }
    }
}

/// Removes what nobody names, in pieces. What came since counts as named too.
pub(super) async fn sweep(
    inner: &Inner,
    account: AccountId,
    mut named: Named,
) -> Result<(), Fault> {
    let mut from = keys::thread(0);
    loop {
        let mut change = AccountEdit::open(inner, account).await?;
        name_what_came(&change, &mut named)?;
        let range = from.clone()..vec![keys::THREADS[0] + 1];
        let rows = change.edit.scan(range).take(limits::EDIT_MESSAGES);
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let Some((last, _)) = rows.last() else {
            return Ok(());
        };
        from = [last.as_ref(), &[0]].concat();
        let mut swept = 0;
        for (key, _) in &rows {
            let hash = keys::last_u64(key).ok_or_else(|| damaged("a thread", key))?;
            if !named.hashes.contains(&hash) {
                change.edit.delete(key.to_vec());
                swept += 1;
            }
        }
        if swept > 0 {
            change.submit(inner).await.map_err(commit_fault)?;
        }
    }
}

/// Messages that came in after the hashes were gathered.
fn name_what_came(change: &AccountEdit, named: &mut Named) -> Result<(), Fault> {
    for row in change.edit.scan(keys::changes_after(named.as_of)) {
        let (key, value) = row?;
        for entry in decode::<LogEntry>(&key, &value)?.changes {
            let LogChange::Added { mailbox, runs } = entry else {
                continue;
            };
            for (first, count) in runs {
                let range =
                    keys::ready(mailbox, first)..keys::ready(mailbox, first.saturating_add(count));
                for row in change.edit.range(range) {
                    named.add(&row?.1);
                }
            }
        }
    }
    named.as_of = change.state.modseq;
    Ok(())
}
