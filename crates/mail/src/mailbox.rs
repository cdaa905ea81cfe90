//! Mailboxes: how they are listed, made, deleted and renamed. Each costs the same whatever the
//! mailbox holds. What never happens here: reading or writing messages.

mod set;

pub use set::MailboxChange;
pub(crate) use set::set;

use crate::change::AccountEdit;
use crate::codec::{Look, Record};
use crate::error::MailboxError;
use crate::history::LogChange;
use crate::ids::{MailboxId, ModSeq};
use crate::keys;
use crate::name::{MailboxName, SpecialUse};
use crate::rows::BLOCK_UIDS;
use crate::state::{MailboxRecord, MailboxState};
use crate::tree::{self, Node, ROOT};
use store::{Fault, limits::MAX_EDIT_BYTES};

/// A mailbox as LIST shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxInfo {
    /// Its id; stays when it is renamed.
    pub id: MailboxId,
    /// Its name.
    pub name: MailboxName,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// Is its name subscribed?
    pub subscribed: bool,
    /// `false`: `\Noselect`.
    pub selectable: bool,
    /// Are there mailboxes below it?
    pub has_children: bool,
}

/// A mailbox as STATUS shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its id.
    pub id: MailboxId,
    /// UIDVALIDITY
    pub uid_validity: u32,
    /// UIDNEXT
    pub uid_next: u32,
    /// MESSAGES
    pub messages: u32,
    /// UNSEEN
    pub unseen: u32,
    /// DELETED
    pub deleted: u32,
    /// RECENT
    pub recent: u32,
    /// SIZE, in octets
    pub bytes: u64,
    /// HIGHESTMODSEQ, as SELECT says it [rfc7162 3.1.7]
    pub highest_modseq: ModSeq,
}

/// A mailbox's state, which every mailbox has.
pub(crate) fn state(look: &impl Look, id: MailboxId) -> Result<MailboxState, Fault> {
    let missing = || Fault::new(format!("opening mailbox {id}"), "its state is missing");
    look.record::<MailboxState>(&keys::state(id))?
        .ok_or_else(missing)
}

/// CREATE [rfc9051 6.3.4].
pub(crate) fn create(
    change: &mut AccountEdit,
    name: &MailboxName,
    special_use: Option<SpecialUse>,
    limit: u32,
) -> Result<MailboxId, MailboxError> {
    if let Some(node) = tree::find(&change.edit, name)? {
        if node.record.selectable {
            return Err(MailboxError::Exists);
        }
        check_special_use(change, special_use)?;
        return Ok(revive(change, node, name, special_use)?);
    }
    check_special_use(change, special_use)?;
    let parent = create_superiors(change, name, limit)?;
    make(change, parent, name, special_use, limit)
}

/// At most one mailbox of each use, so that clients agree which one it is [rfc6154 3].
fn check_special_use(
    change: &AccountEdit,
    special_use: Option<SpecialUse>,
) -> Result<(), MailboxError> {
    if special_use.is_none() {
        return Ok(());
    }
    let taken = tree::all(&change.edit)?
        .iter()
        .any(|(_, n)| n.record.special_use == special_use);
    if taken {
        Err(MailboxError::SpecialUseTaken)
    } else {
        Ok(())
    }
}

/// Makes what is missing above a name; gives its parent.
fn create_superiors(
    change: &mut AccountEdit,
    name: &MailboxName,
    limit: u32,
) -> Result<MailboxId, MailboxError> {
    let Some(superior) = name.superior() else {
        return Ok(ROOT);
    };
    let mut parent = ROOT;
    let mut path = String::new();
    for leaf in superior.spelling().split(MailboxName::SEPARATOR) {
        path = if path.is_empty() {
            leaf.to_owned()
        } else {
            format!("{path}/{leaf}")
        };
        parent = match tree::child(&change.edit, parent, leaf)? {
            Some(node) => node.id,
            None => {
                let name = MailboxName::try_from(path.as_str())
                    .map_err(|why| MailboxError::Invalid(why.text()))?;
                make(change, parent, &name, None, limit)?
            }
        };
    }
    Ok(parent)
}

/// Makes one mailbox below a parent that is there.
pub(crate) fn make(
    change: &mut AccountEdit,
    parent: MailboxId,
    name: &MailboxName,
    special_use: Option<SpecialUse>,
    limit: u32,
) -> Result<MailboxId, MailboxError> {
    if change.state.mailboxes >= limit || change.edit.record_bytes() > MAX_EDIT_BYTES / 2 {
        return Err(MailboxError::TooMany);
    }
    let id = MailboxId(change.state.next_mailbox);
    change.state.next_mailbox += 1;
    change.state.mailboxes += 1;
    let record = MailboxRecord {
        parent,
        leaf: name.leaf().to_owned(),
        uid_validity: next_uid_validity(change),
        special_use,
        created: change.at,
        selectable: true,
    };
    place(change, id, &record);
    let modseq = change.modseq();
    change.put_mailbox(id, MailboxState::new(1, modseq));
    change.record(LogChange::Created {
        mailbox: id,
        name: name.as_str().to_owned(),
    });
    Ok(id)
}

/// Writes a mailbox's record and puts it into the tree.
fn place(change: &mut AccountEdit, id: MailboxId, record: &MailboxRecord) {
    change.edit.put(keys::mailbox(id), record.encode());
    change
        .edit
        .put(keys::name(record.parent, &record.leaf), id.0.to_be_bytes());
}

/// Rises with every mailbox and begins at the time, so that it is never used again [rfc9051 2.3.1.1].
fn next_uid_validity(change: &mut AccountEdit) -> u32 {
    let now_s = u32::try_from(change.at.seconds()).unwrap_or(1);
    let value = change.state.next_uid_validity.max(now_s).max(1);
    change.state.next_uid_validity = value.saturating_add(1);
    value
}

/// A name that was `\Noselect` becomes a mailbox again. Its UIDs go on, as the old rows may be kept,
/// in a block of their own, so that these can be swept.
fn revive(
    change: &mut AccountEdit,
    node: Node,
    name: &MailboxName,
    special_use: Option<SpecialUse>,
) -> Result<MailboxId, Fault> {
    let mut record = node.record;
    record.uid_validity = next_uid_validity(change);
    record.selectable = true;
    record.special_use = special_use;
    record.created = change.at;
    place(change, node.id, &record);
    let modseq = change.modseq();
    let state = change.mailbox(node.id)?;
    let uid_next = state.uid_next.checked_next_multiple_of(BLOCK_UIDS);
    *state = MailboxState::new(uid_next.unwrap_or(u32::MAX), modseq);
    change.record(LogChange::Created {
        mailbox: node.id,
        name: name.as_str().to_owned(),
    });
    Ok(node.id)
}

/// DELETE [rfc9051 6.3.5]: the rows of its messages stay for the history and are swept later.
pub(crate) fn delete(
    change: &mut AccountEdit,
    name: &MailboxName,
) -> Result<MailboxId, MailboxError> {
    if name.is_inbox() {
        return Err(MailboxError::InboxCannotBeDeleted);
    }
    let node = tree::find(&change.edit, name)?.ok_or(MailboxError::NotFound)?;
    let has_children = tree::has_children(&change.edit, node.id)?;
    if has_children && !node.record.selectable {
        return Err(MailboxError::HasChildren);
    }
    let state = change.mailbox(node.id)?.clone();
    change.state.used_bytes = change.state.used_bytes.saturating_sub(state.bytes);
    change.state.used_messages = change
        .state
        .used_messages
        .saturating_sub(u64::from(state.messages));
    change.state.history_bytes += state.bytes;
    change.drop_bits(node.id)?;
    if has_children {
        let record = MailboxRecord {
            selectable: false,
            special_use: None,
            ..node.record.clone()
        };
        change.edit.put(keys::mailbox(node.id), record.encode());
        let modseq = change.modseq();
        change.put_mailbox(node.id, MailboxState::new(state.uid_next, modseq));
    } else {
        change.edit.delete(keys::mailbox(node.id));
        change
            .edit
            .delete(keys::name(node.record.parent, &node.record.leaf));
        change.drop_mailbox(node.id);
        change.state.mailboxes = change.state.mailboxes.saturating_sub(1);
    }
    let name = name.as_str().to_owned();
    change.record(LogChange::Deleted {
        mailbox: node.id,
        name,
        record: node.record,
        state,
    });
    Ok(node.id)
}

/// Neither messages nor mailboxes below: nothing goes with it.
pub(crate) fn check_empty(
    change: &mut AccountEdit,
    name: &MailboxName,
) -> Result<(), MailboxError> {
    let node = tree::find(&change.edit, name)?.ok_or(MailboxError::NotFound)?;
    if tree::has_children(&change.edit, node.id)? {
        return Err(MailboxError::HasChildren);
    }
    match change.mailbox(node.id)?.messages {
        0 => Ok(()),
        _ => Err(MailboxError::NotEmpty),
    }
}

/// RENAME [rfc9051 6.3.6]: one record moves in the tree, and all below it with it.
pub(crate) fn rename(
    change: &mut AccountEdit,
    from: &MailboxName,
    to: &MailboxName,
    limit: u32,
) -> Result<(), MailboxError> {
    let node = tree::find(&change.edit, from)?.ok_or(MailboxError::NotFound)?;
    if tree::find(&change.edit, to)?.is_some() {
        return Err(MailboxError::Exists);
    }
    if to.is_below(from) {
        return Err(MailboxError::Invalid(
            "a mailbox cannot be moved below itself",
        ));
    }
    check_inferiors(change, from, to)?;
    let parent = create_superiors(change, to, limit)?;
    move_node(change, &node, parent, to, from);
    Ok(())
}

/// The names below must stay possible.
fn check_inferiors(
    change: &AccountEdit,
    from: &MailboxName,
    to: &MailboxName,
) -> Result<(), MailboxError> {
    for (name, _) in tree::all(&change.edit)? {
        if name.is_below(from) {
            let levels = name.spelling().split(MailboxName::SEPARATOR);
            let below = levels.skip(from.levels().count());
            let moved: Vec<&str> = [to.spelling()].into_iter().chain(below).collect();
            MailboxName::try_from(moved.join("/").as_str())
                .map_err(|why| MailboxError::Invalid(why.text()))?;
        }
    }
    Ok(())
}

fn move_node(
    change: &mut AccountEdit,
    node: &Node,
    parent: MailboxId,
    to: &MailboxName,
    from: &MailboxName,
) {
    change
        .edit
        .delete(keys::name(node.record.parent, &node.record.leaf));
    let record = MailboxRecord {
        parent,
        leaf: to.leaf().to_owned(),
        ..node.record.clone()
    };
    place(change, node.id, &record);
    change.record(LogChange::Renamed {
        mailbox: node.id,
        before: from.as_str().to_owned(),
        record: node.record.clone(),
    });
}

/// RENAME of INBOX moves its messages to a new name and leaves it empty; what is below INBOX stays
/// [rfc9051 6.3.6]. The mailbox goes with its messages, and INBOX gets a fresh one.
pub(crate) fn rename_inbox(
    change: &mut AccountEdit,
    to: &MailboxName,
    limit: u32,
) -> Result<(), MailboxError> {
    let inbox = MailboxName::inbox();
    let node = tree::find(&change.edit, &inbox)?.ok_or(MailboxError::NotFound)?;
    if tree::find(&change.edit, to)?.is_some() {
        return Err(MailboxError::Exists);
    }
    let fresh = make(change, ROOT, &inbox, None, limit)?;
    let below = change
        .edit
        .prefix(&keys::names(node.id))
        .collect::<Result<Vec<_>, _>>()?;
    for (_, value) in below {
        let child = keys::last_u32(&value).map(MailboxId);
        if let Some(child) = child.and_then(|id| tree::node(&change.edit, id).transpose()) {
            let child = child?;
            change.edit.delete(keys::name(node.id, &child.record.leaf));
            place(
                change,
                child.id,
                &MailboxRecord {
                    parent: fresh,
                    ..child.record
                },
            );
        }
        if change.edit.record_bytes() > MAX_EDIT_BYTES / 2 {
            return Err(MailboxError::TooMany);
        }
    }
    let parent = create_superiors(change, to, limit)?;
    let record = MailboxRecord {
        parent,
        leaf: to.leaf().to_owned(),
        ..node.record.clone()
    };
    place(change, node.id, &record);
    let before = inbox.as_str().to_owned();
    change.record(LogChange::Renamed {
        mailbox: node.id,
        before,
        record: node.record,
    });
    Ok(())
}
