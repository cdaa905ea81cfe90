//! What is done in the background: history that is too old or too much is forgotten, rows of
//! deleted mailboxes and removed accounts are swept, bodies that nothing points to are freed.
//! Everything goes in pieces of bounded size. What never happens here: a change that anybody who
//! looks at mail could see, except that history ends.

mod expiry;
mod sweep;
mod threads;

use crate::codec::{Look, Record};
use crate::deliver::Inner;
use crate::directory::{DirectoryState, RemovedRecord};
use crate::ids::AccountId;
use crate::keys::{self, READY, directory as key};
use crate::limits;
use crate::record;
use crate::road;
use crate::state::AccountState;
use net::{Stop, time};
use roaring::RoaringTreemap;
use std::collections::HashSet;
use std::time::Duration;
use store::{Fault, VacuumReport};
use tally::Metric;
use threads::Named;

/// What a round of upkeep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpkeepReport {
    /// Entries of change logs that are forgotten.
    pub changes_forgotten: u64,
    /// Rows of messages that are gone for good.
    pub messages_forgotten: u64,
    /// Octets of these.
    pub bytes_forgotten: u64,
    /// Records that a crash had left behind.
    pub leftovers: u64,
}

/// Runs until stopped. A round that fails is said once and tried again at the next.
pub(crate) async fn run(inner: &Inner, stop: Stop) {
    let mut since_vacuum_s = limits::VACUUM_INTERVAL_S;
    let mut freeable_bytes = 0;
    loop {
        match round(inner, &stop).await {
            Ok(report) => {
                let tally = inner.db.tally();
                tally.add(Metric::HistoryForgotten, &[], report.messages_forgotten);
                freeable_bytes += report.bytes_forgotten;
            }
            Err(fault) => tracing::warn!(target: "upkeep", %fault, "history was not looked after"),
        }
        let due =
            since_vacuum_s >= limits::VACUUM_INTERVAL_S || freeable_bytes >= limits::VACUUM_BYTES;
        if due && !stop.is_stopped() {
            match sweep_and_vacuum(inner, &stop).await {
                Ok(done) => {
                    inner.db.tally().count(Metric::VacuumRuns, &["ok"]);
                    inner
                        .db
                        .tally()
                        .add(Metric::VacuumFreed, &[], done.bytes_freed);
                    tracing::info!(target: "upkeep", freed = done.bytes_freed, "vacuum");
                }
                Err(fault) => {
                    inner.db.tally().count(Metric::VacuumRuns, &["failed"]);
                    tracing::warn!(target: "upkeep", %fault, "no vacuum");
                }
            }
            (since_vacuum_s, freeable_bytes) = (0, 0);
        }
        tokio::select! {
            biased;
            () = stop.stopped() => return,
            () = time::sleep(Duration::from_secs(limits::UPKEEP_INTERVAL_S)) => {}
        }
        since_vacuum_s += limits::UPKEEP_INTERVAL_S;
    }
}

/// Looks after every account once.
pub(crate) async fn round(inner: &Inner, stop: &Stop) -> Result<UpkeepReport, Fault> {
    let mut report = UpkeepReport::default();
    for account in accounts(inner, key::ACCOUNTS)? {
        if stop.is_stopped() {
            return Ok(report);
        }
        if let Err(fault) = expiry::expire(inner, account, stop, &mut report).await {
            // One damaged account does not keep the others from what is due to them.
            tracing::warn!(target: "upkeep", %account, %fault, "an account was not looked after");
        }
    }
    for account in accounts(inner, key::REMOVED)? {
        if stop.is_stopped() {
            return Ok(report);
        }
        if is_over(inner, account)? {
            sweep::removed_account(inner, account, &mut report).await?;
        }
    }
    Ok(report)
}

/// Whether the time for which a removed account is kept is over.
fn is_over(inner: &Inner, account: AccountId) -> Result<bool, Fault> {
    let record = inner.directory.now().value(&key::removed(account))?;
    // What an earlier version removed has no time, and its state is gone already.
    let removed = record.and_then(|value| RemovedRecord::decode(&value).ok());
    let keep_s = i64::try_from(inner.settings.history_s).unwrap_or(i64::MAX);
    let now_s = inner.clock.now().seconds();
    Ok(removed.is_none_or(|removed| removed.at.seconds().saturating_add(keep_s) <= now_s))
}

/// Looks at every mailbox for what a crash has left past its UIDNEXT.
pub(crate) async fn leftovers(
    inner: &Inner,
    stop: &Stop,
    report: &mut UpkeepReport,
) -> Result<(), Fault> {
    for account in accounts(inner, key::ACCOUNTS)? {
        if stop.is_stopped() {
            break;
        }
        sweep::leftovers(inner, account, report).await?;
    }
    Ok(())
}

async fn sweep_and_vacuum(inner: &Inner, stop: &Stop) -> Result<VacuumReport, Fault> {
    leftovers(inner, stop, &mut UpkeepReport::default()).await?;
    vacuum(inner).await
}

/// The accounts below a prefix of the directory.
pub(crate) fn accounts(inner: &Inner, prefix: &[u8]) -> Result<Vec<AccountId>, Fault> {
    let mut ids = Vec::new();
    for row in inner.directory.now().below(prefix) {
        ids.extend(keys::last_u64(&row?.0).map(AccountId));
    }
    Ok(ids)
}

/// Frees bodies that no message, seen or kept or on the road, points to. If a record cannot be read, nothing is
/// freed: it might be the one that needs a body.
pub(crate) async fn vacuum(inner: &Inner) -> Result<VacuumReport, Fault> {
    let before = inner.db.next_body_id();
    let bad_before = inner.db.bad_values();
    let mut live = RoaringTreemap::new();
    let known = accounts(inner, key::ACCOUNTS)?;
    for account in unlisted(inner, &known)? {
        mark(inner, account, &mut live, None).await?;
    }
    for account in known {
        let Some(state) = inner
            .moment(account)
            .record::<AccountState>(keys::ACCOUNT)?
        else {
            // Removed a moment ago, or its state is lost: then its mail is still to be found.
            mark(inner, account, &mut live, None).await?;
            continue;
        };
        let mut named = Named {
            hashes: HashSet::new(),
            as_of: state.modseq,
        };
        mark(inner, account, &mut live, Some(&mut named)).await?;
        threads::sweep(inner, account, named).await?;
    }
    road::mark(inner, &mut live)?;
    if inner.db.bad_values() != bad_before {
        // A scan steps over what it cannot read.
        let why = "records that cannot be read may be those that need a body";
        return Err(Fault::new("looking for bodies that nobody needs", why));
    }
    inner.db.vacuum(&live, before).await
}

/// The numbers of accounts that are not listed: most have been removed and have no rows; one whose
/// record was lost to damage has its mail still.
fn unlisted(inner: &Inner, known: &[AccountId]) -> Result<Vec<AccountId>, Fault> {
    let state = inner
        .directory
        .now()
        .record::<DirectoryState>(key::STATE)?
        .unwrap_or_default();
    let highest = accounts(inner, key::REMOVED)?.into_iter();
    let highest = highest.chain(known.iter().copied()).map(|id| id.0).max();
    let end = state.next_account.max(highest.unwrap_or(0) + 1);
    let known: HashSet<AccountId> = known.iter().copied().collect();
    let all = (1..end).map(AccountId);
    Ok(all.filter(|id| !known.contains(id)).collect())
}

/// An account's bodies. Each moment is taken after `before`, and a copy is made under the account's
/// lock from a record that is marked, so nothing slips through between two accounts.
async fn mark(
    inner: &Inner,
    account: AccountId,
    live: &mut RoaringTreemap,
    mut named: Option<&mut Named>,
) -> Result<(), Fault> {
    let look = inner.moment(account);
    for (count, row) in look.below(READY).enumerate() {
        let (key, value) = row?;
        let body = record::body_of(&value);
        let body = body.map_err(|_| crate::codec::damaged("a ready-to-send record", &key))?;
        live.insert(body.0);
        if let Some(named) = &mut named {
            named.add(&value);
        }
        if count % limits::EDIT_MESSAGES == 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}
