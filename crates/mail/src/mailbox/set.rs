//! What a mailbox is for, and whether it is subscribed: set after it was made.
//! What never happens here: its name (`rename`).

use super::check_special_use;
use crate::change::AccountEdit;
use crate::codec::Record;
use crate::error::MailboxError;
use crate::history::LogChange;
use crate::keys;
use crate::name::{MailboxName, SpecialUse};
use crate::state::MailboxRecord;
use crate::subscription::{subscribe, unsubscribe};
use crate::tree::{self, Node};

/// What is to be set of a mailbox; what is not said stays.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct MailboxChange {
    /// `Some(None)`: for nothing special.
    pub special_use: Option<Option<SpecialUse>>,
    /// Is its name to be subscribed?
    pub subscribed: Option<bool>,
}

/// Says whether anything changed.
pub(crate) fn set(
    change: &mut AccountEdit,
    name: &MailboxName,
    wanted: MailboxChange,
) -> Result<bool, MailboxError> {
    let node = tree::find(&change.edit, name)?;
    // A subscription outlives its mailbox [rfc9051 6.3.7], so it can be taken back after it.
    let is_left_over = wanted.special_use.is_none()
        && wanted.subscribed == Some(false)
        && change
            .edit
            .get(&keys::subscription(name.as_str()))?
            .is_some();
    let is_other_use = match (node, wanted.special_use) {
        (Some(node), Some(special_use)) => set_special_use(change, name, node, special_use)?,
        (None, _) if !is_left_over => return Err(MailboxError::NotFound),
        _ => false,
    };
    let is_other_subscription = match wanted.subscribed {
        Some(true) => subscribe(change, name)?,
        Some(false) => unsubscribe(change, name)?,
        None => false,
    };
    Ok(is_other_use || is_other_subscription)
}

fn set_special_use(
    change: &mut AccountEdit,
    name: &MailboxName,
    node: Node,
    special_use: Option<SpecialUse>,
) -> Result<bool, MailboxError> {
    if node.record.special_use == special_use {
        return Ok(false);
    }
    if !node.record.selectable {
        return Err(MailboxError::NoSelect);
    }
    if name.is_inbox() {
        return Err(MailboxError::Invalid(
            "INBOX is where mail comes in; it has no special use",
        ));
    }
    check_special_use(change, special_use)?;
    let record = MailboxRecord {
        special_use,
        ..node.record.clone()
    };
    change.edit.put(keys::mailbox(node.id), record.encode());
    change.record(LogChange::Assigned {
        mailbox: node.id,
        record: node.record,
    });
    Ok(true)
}
