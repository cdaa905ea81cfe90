//! After a gap in the log: numbers that records now lost may have given out are never given again,
//! so that no UID means two messages.
//!
//! What never happens here: finding the gap (the store does), a change to a message.

use crate::codec::{
    Decoded, LARGEST_COUNTER, LARGEST_COUNTER32, Look, Reader, Record, Writer, decode,
};
use crate::deliver::Inner;
use crate::directory::DirectoryState;
use crate::error::commit_fault;
use crate::ids::AccountId;
use crate::keys::{self, DIRECTORY, directory as key};
use crate::state::{AccountState, MailboxState};
use crate::upkeep;
use net::Stop;
use store::{Edit, Fault, Gap};

/// So many numbers are passed over at least.
const LEAST_STEP: u64 = 1_000;
/// And at most: a gap can only be so large once.
const MOST_STEP: u64 = 1 << 22;

/// The last gap after which numbers were passed over.
struct KnownGap(Gap);

impl Record for KnownGap {
    const WHAT: &'static str = "the last known gap";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(1);
        w.uint(self.0.log_file).uint(self.0.bytes);
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, 1)?;
        Ok(Self(Gap {
            log_file: r.counter()?,
            bytes: r.counter()?,
        }))
    }
}

/// Before anybody is served. A crash on the way finds the same gap again at the next start, and all
/// is done once more. In the end the index holds it, so that a second gap cannot take it back.
pub(crate) async fn pass_over(inner: &Inner) -> Result<(), Fault> {
    let Some(gap) = inner.db.open_report().gap else {
        return Ok(());
    };
    let known = inner.directory.now().record::<KnownGap>(key::GAP)?;
    if known.is_some_and(|known| gap.log_file <= known.0.log_file && gap.bytes <= known.0.bytes) {
        return Ok(());
    }
    // Whatever takes a number leaves more than one octet in the log, however well it is compressed:
    // number, id and time differ from those of the record before.
    let step = (LEAST_STEP + gap.bytes).min(MOST_STEP);
    tracing::info!(
        bytes = gap.bytes,
        step,
        "the log has a gap; UIDs go on behind it"
    );
    // Rows that a large append has left would come to lie below UIDNEXT.
    upkeep::leftovers(inner, &Stop::new(), &mut upkeep::UpkeepReport::default()).await?;
    for prefix in [key::ACCOUNTS, key::REMOVED] {
        for account in upkeep::accounts(inner, prefix)? {
            in_account(inner, account, step).await?;
        }
    }
    let mut edit = inner.db.edit(DIRECTORY).await;
    let mut state = edit
        .record::<DirectoryState>(key::STATE)?
        .unwrap_or_default();
    state.next_account = behind(state.next_account, step, LARGEST_COUNTER);
    edit.put(key::STATE, state.encode());
    edit.put(key::GAP, KnownGap(gap).encode());
    edit.submit().await.map_err(commit_fault)?;
    inner.db.flush().await
}

async fn in_account(inner: &Inner, account: AccountId, step: u64) -> Result<(), Fault> {
    let mut edit = inner.db.edit(keys::partition(account)).await;
    if let Err(fault) = change(&mut edit, step) {
        // What cannot be read gives out no numbers either.
        tracing::error!(%account, %fault, "an account's UIDs stay as they are");
        return Ok(());
    }
    edit.submit().await.map_err(commit_fault)?;
    Ok(())
}

fn change(edit: &mut Edit, step: u64) -> Result<(), Fault> {
    for place in [keys::ACCOUNT, keys::REMOVED_ACCOUNT] {
        let Some(mut state) = edit.record::<AccountState>(place)? else {
            continue;
        };
        state.next_mailbox = behind_32(state.next_mailbox, step, LARGEST_COUNTER32);
        state.next_uid_validity = behind_32(state.next_uid_validity, step, LARGEST_COUNTER32);
        state.next_email = behind(state.next_email, step, LARGEST_COUNTER);
        edit.put(place, state.encode());
    }
    let rows = edit.prefix(keys::STATES).collect::<Result<Vec<_>, _>>()?;
    for (key, value) in rows {
        let mut state: MailboxState = decode(&key, &value)?;
        state.uid_next = behind_32(state.uid_next, step, u32::MAX);
        edit.put(key.to_vec(), state.encode());
    }
    Ok(())
}

/// A number that was never given out, below `end` if there is one left.
fn behind(number: u64, step: u64, end: u64) -> u64 {
    number.saturating_add(step).min(end - 1).max(number)
}

fn behind_32(number: u32, step: u64, end: u32) -> u32 {
    let found = behind(u64::from(number), step, u64::from(end));
    u32::try_from(found).unwrap_or(number)
}
