//! The tree of mailbox names of an account: each mailbox is a leaf name below a parent.

use crate::codec::{Look, damaged, decode};
use crate::ids::MailboxId;
use crate::keys;
use crate::limits;
use crate::name::MailboxName;
use crate::state::MailboxRecord;
use std::collections::{HashMap, HashSet};
use store::Fault;

/// Above the first level.
pub(crate) const ROOT: MailboxId = MailboxId(0);
/// A mailbox with its record.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub id: MailboxId,
    pub record: MailboxRecord,
}

/// The mailbox right below `parent` of that name.
pub(crate) fn child(
    look: &impl Look,
    parent: MailboxId,
    leaf: &str,
) -> Result<Option<Node>, Fault> {
    let key = keys::name(parent, leaf);
    let Some(value) = look.often(&key)? else {
        return Ok(None);
    };
    let id = keys::last_u32(&value)
        .map(MailboxId)
        .ok_or_else(|| damaged("a name", &key))?;
    node(look, id)
}

/// A mailbox by its id.
pub(crate) fn node(look: &impl Look, id: MailboxId) -> Result<Option<Node>, Fault> {
    Ok(look
        .record_often::<MailboxRecord>(&keys::mailbox(id))?
        .map(|record| Node { id, record }))
}

/// A mailbox by its whole name.
pub(crate) fn find(look: &impl Look, name: &MailboxName) -> Result<Option<Node>, Fault> {
    let mut parent = ROOT;
    let mut found = None;
    for leaf in name.levels() {
        match child(look, parent, leaf)? {
            None => return Ok(None),
            Some(node) => {
                parent = node.id;
                found = Some(node);
            }
        }
    }
    Ok(found)
}

/// A mailbox's whole name, as it was spelled.
pub(crate) fn name(look: &impl Look, of: &Node) -> Result<MailboxName, Fault> {
    let mut records = HashMap::new();
    let mut parent = of.record.parent;
    while parent != ROOT && records.len() <= limits::NAME_LEVELS {
        let Some(up) = node(look, parent)? else { break };
        parent = up.record.parent;
        records.insert(up.id, up.record);
    }
    name_from(&records, &of.record)
        .and_then(|name| MailboxName::try_from(name.as_str()).ok())
        .ok_or_else(|| damaged("the name of mailbox", of.id.to_string().as_bytes()))
}

/// Has it mailboxes below it?
pub(crate) fn has_children(look: &impl Look, id: MailboxId) -> Result<bool, Fault> {
    Ok(look.below(&keys::names(id)).next().transpose()?.is_some())
}

/// All mailboxes with their names, INBOX first, then by name, level by level.
pub(crate) fn all(look: &impl Look) -> Result<Vec<(MailboxName, Node)>, Fault> {
    let mut records = HashMap::new();
    for row in look.below(keys::MAILBOXES) {
        let (key, value) = row?;
        let id = keys::last_u32(&key)
            .map(MailboxId)
            .ok_or_else(|| damaged("a mailbox", &key))?;
        records.insert(id, decode::<MailboxRecord>(&key, &value)?);
    }
    let mut list = Vec::with_capacity(records.len());
    for (id, record) in &records {
        let name = name_from(&records, record)
            .and_then(|name| MailboxName::try_from(name.as_str()).ok())
            .ok_or_else(|| damaged("the name of mailbox", id.to_string().as_bytes()))?;
        list.push((
            name,
            Node {
                id: *id,
                record: record.clone(),
            },
        ));
    }
    list.sort_by(|(a, _), (b, _)| a.listing_order(b));
    Ok(list)
}

fn name_from(
    records: &HashMap<MailboxId, MailboxRecord>,
    record: &MailboxRecord,
) -> Option<String> {
    let mut name = record.leaf.clone();
    let mut parent = record.parent;
    for _ in 0..limits::NAME_LEVELS {
        if parent == ROOT {
            return Some(name);
        }
        let up = records.get(&parent)?;
        name = format!("{}/{name}", up.leaf);
        parent = up.parent;
    }
    None
}

/// The mailboxes that others lie below.
pub(crate) fn parents(list: &[(MailboxName, Node)]) -> HashSet<MailboxId> {
    list.iter().map(|(_, node)| node.record.parent).collect()
}
