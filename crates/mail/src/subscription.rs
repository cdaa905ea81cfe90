//! Subscriptions: names that an account's clients are to show, whether there are such mailboxes or not.
//!
//! IMAP leaves them alone when a mailbox goes or is renamed [rfc9051 6.3.6]; for a client that knows no
//! subscriptions they follow the mailboxes, or IMAP's clients would lose sight of what it renamed. What
//! never happens here: a mailbox.

use crate::change::AccountEdit;
use crate::codec::{Look, damaged};
use crate::error::MailboxError;
use crate::history::LogChange;
use crate::keys;
use crate::limits;
use crate::name::MailboxName;
use crate::tree;
use store::{Fault, limits::MAX_EDIT_BYTES};

/// SUBSCRIBE; says whether anything changed.
pub(crate) fn subscribe(
    change: &mut AccountEdit,
    name: &MailboxName,
) -> Result<bool, MailboxError> {
    let key = keys::subscription(name.as_str());
    if change.edit.get(&key)?.is_some() {
        return Ok(false);
    }
    if change.state.subscriptions as usize >= limits::SUBSCRIPTIONS {
        return Err(MailboxError::TooMany);
    }
    change.state.subscriptions += 1;
    change.edit.put(key, name.spelling().as_bytes());
    change.record(LogChange::Subscribed {
        name: name.as_str().to_owned(),
    });
    Ok(true)
}

/// UNSUBSCRIBE; says whether anything changed.
pub(crate) fn unsubscribe(
    change: &mut AccountEdit,
    name: &MailboxName,
) -> Result<bool, MailboxError> {
    let key = keys::subscription(name.as_str());
    if change.edit.get(&key)?.is_none() {
        return Ok(false);
    }
    change.state.subscriptions = change.state.subscriptions.saturating_sub(1);
    change.edit.delete(key);
    change.record(LogChange::Unsubscribed {
        name: name.as_str().to_owned(),
    });
    Ok(true)
}

/// All of them, in no order.
pub(crate) fn subscribed_names(look: &impl Look) -> Result<Vec<MailboxName>, Fault> {
    let mut names = Vec::new();
    for row in look.below(keys::SUBSCRIPTIONS) {
        let (key, value) = row?;
        // Of before there were spellings there is a mark.
        let name = match &value[..] {
            [1] => &key[keys::SUBSCRIPTIONS.len()..],
            spelling => spelling,
        };
        let name = std::str::from_utf8(name).ok();
        let name = name.and_then(|name| MailboxName::try_from(name).ok());
        names.push(name.ok_or_else(|| damaged("a subscription", &key))?);
    }
    Ok(names)
}

/// This name and those above it for which there is no mailbox.
pub(crate) fn missing(
    change: &AccountEdit,
    name: &MailboxName,
) -> Result<Vec<MailboxName>, MailboxError> {
    let mut missing = Vec::new();
    let mut above = Some(name.clone());
    while let Some(name) = above {
        if tree::find(&change.edit, &name)?.is_some() {
            break;
        }
        above = name.superior();
        missing.push(name);
    }
    Ok(missing)
}

/// Subscribes them, as far as there is room for more.
pub(crate) fn add(change: &mut AccountEdit, names: &[MailboxName]) -> Result<(), MailboxError> {
    for name in names {
        match subscribe(change, name) {
            Ok(_) | Err(MailboxError::TooMany) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What was subscribed of a name and those below it, is it under another name.
pub(crate) fn follow(
    change: &mut AccountEdit,
    from: &MailboxName,
    to: &MailboxName,
) -> Result<(), MailboxError> {
    let levels = from.levels().count();
    for name in subscribed_names(&change.edit)? {
        if name.as_str() != from.as_str() && !name.is_below(from) {
            continue;
        }
        let below = name.spelling().split(MailboxName::SEPARATOR).skip(levels);
        let moved: Vec<&str> = [to.spelling()].into_iter().chain(below).collect();
        // one without a mailbox may not fit any more; it goes
        unsubscribe(change, &name)?;
        if let Ok(moved) = MailboxName::try_from(moved.join("/").as_str()) {
            subscribe(change, &moved)?;
        }
        if change.edit.record_bytes() > MAX_EDIT_BYTES / 2 {
            return Err(MailboxError::TooMany);
        }
    }
    Ok(())
}
