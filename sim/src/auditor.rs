//! Looks at the accounts from inside, as the server's owner may: what every reader could see must
//! still be there later, crash or not, and counts, quota and history must agree with the messages.
//!
//! What never happens here: a change.

use crate::house::Inside;
use crate::run::Account;
use crate::world::World;
use mail::{Access, Change, Cursor, ModSeq, Want};
use std::collections::{BTreeMap, BTreeSet};

/// A message as it stood at a moment.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Row {
    modseq: u64,
    flags: BTreeSet<String>,
    size: u64,
}

#[derive(Clone, Debug)]
struct Box {
    name: String,
    uid_validity: u32,
    uid_next: u32,
    highest_modseq: u64,
    rows: BTreeMap<u32, Row>,
}

/// An account as it stood at a moment.
#[derive(Clone, Default, Debug)]
pub struct Picture {
    boxes: BTreeMap<u32, Box>,
    last_change: u64,
}

/// Looks at one account; a look that the store refuses tells nothing.
pub async fn look(house: &Inside, account: &Account) -> Option<Picture> {
    let door = house.mail.account_as_admin(&house.admin(), account.id);
    let mut picture = Picture::default();
    // Read-only views take nothing from anybody, not even \Recent. All is read without a pause, so
    // it is one moment.
    for info in door
        .mailboxes()
        .ok()?
        .into_iter()
        .filter(|info| info.selectable)
    {
        let status = door.status(&info.name).ok()?;
        let view = door.select(&info.name, Access::ReadOnly).await.ok()?;
        let mut rows = BTreeMap::new();
        let mut cursor = Cursor::start();
        loop {
            let batch = view.fetch(view.uids(), Want::Both, &mut cursor, 100).ok()?;
            if batch.is_empty() {
                break;
            }
            for message in batch {
                let row = Row {
                    modseq: message.modseq.0,
                    flags: message.flags.names().map(str::to_owned).collect(),
                    size: message.ready.as_ref().map_or(0, mail::Ready::size),
                };
                rows.insert(message.uid, row);
            }
        }
        picture.boxes.insert(
            info.id.0,
            Box {
                name: info.name.as_str().to_owned(),
                uid_validity: status.uid_validity,
                uid_next: status.uid_next,
                highest_modseq: status.highest_modseq.0,
                rows,
            },
        );
    }
    let mut since = 0;
    loop {
        let entries = door.changes(ModSeq(since), 500).ok()?;
        match entries.last() {
            Some(entry) => since = entry.modseq.0,
            None => break,
        }
    }
    picture.last_change = since;
    Some(picture)
}

/// Counts and quota are those of the messages.
pub fn counts_agree(world: &World, house: &Inside, account: &Account, picture: &Picture) {
    let door = house.mail.account_as_admin(&house.admin(), account.id);
    let broken = |text: String| {
        world.trace.broken(
            "counts and quota agree with the messages",
            format!("account {}: {text}", account.index),
        );
    };
    let (mut bytes, mut messages) = (0, 0);
    for found in picture.boxes.values() {
        let Ok(Some(info)) = mail::MailboxName::try_from(found.name.as_str())
            .map_err(drop)
            .and_then(|name| door.mailbox(&name).map_err(drop))
        else {
            continue;
        };
        let Ok(status) = door.status(&info.name) else {
            continue;
        };
        let rows = found.rows.values();
        let unseen = rows.clone().filter(|row| !row.flags.contains("\\Seen"));
        let deleted = rows.clone().filter(|row| row.flags.contains("\\Deleted"));
        let expected = (
            found.rows.len() as u32,
            unseen.count() as u32,
            deleted.count() as u32,
            rows.map(|row| row.size).sum::<u64>(),
        );
        let said = (status.messages, status.unseen, status.deleted, status.bytes);
        if expected != said {
            broken(format!(
                "{}: the messages make (messages, unseen, deleted, bytes) {expected:?}, STATUS \
                 says {said:?}",
                found.name
            ));
        }
        if let Some(uid) = found.rows.last_key_value().map(|(uid, _)| *uid)
            && uid >= found.uid_next
        {
            broken(format!(
                "{}: UID {uid} with UIDNEXT {}",
                found.name, found.uid_next
            ));
        }
        bytes += expected.3;
        messages += u64::from(expected.0);
    }
    if let Ok(quota) = door.quota()
        && (quota.used_bytes, quota.used_messages) != (bytes, messages)
    {
        broken(format!(
            "the messages make {bytes} bytes in {messages}, the quota says {} in {}",
            quota.used_bytes, quota.used_messages
        ));
    }
}

/// What was seen before is there now, or the change log says what became of it.
pub fn follows(world: &World, house: &Inside, account: &Account, then: &Picture, now: &Picture) {
    let broken = |text: String| {
        world.trace.broken(
            "what a reader saw is there, and every change is in the log",
            format!("account {}: {text}", account.index),
        );
    };
    if now.last_change < then.last_change {
        return broken(format!(
            "the change log ended with {}, now it ends with {}",
            then.last_change, now.last_change
        ));
    }
    let Some(log) = Log::read(house, account, then.last_change) else {
        return;
    };
    for (id, old) in &then.boxes {
        let Some(new) = now.boxes.get(id) else {
            if !log.deleted.contains(id) {
                broken(format!("mailbox {} is gone without a word", old.name));
            }
            continue;
        };
        if new.uid_validity != old.uid_validity {
            broken(format!(
                "{}: UIDVALIDITY {} became {}",
                old.name, old.uid_validity, new.uid_validity
            ));
        }
        if new.uid_next < old.uid_next || new.highest_modseq < old.highest_modseq {
            broken(format!(
                "{}: UIDNEXT {} became {}, HIGHESTMODSEQ {} became {}",
                old.name, old.uid_next, new.uid_next, old.highest_modseq, new.highest_modseq
            ));
        }
        rows_follow(&log, *id, old, new, &broken);
    }
}

fn rows_follow(log: &Log, id: u32, old: &Box, new: &Box, broken: &impl Fn(String)) {
    for (uid, was) in &old.rows {
        match new.rows.get(uid) {
            None if log.expunged.contains(&(id, *uid)) => {}
            None => broken(format!(
                "{}: UID {uid} is gone, and no change says so",
                old.name
            )),
            Some(is) if is == was => {}
            Some(is) => {
                let told = log.flags.contains(&(id, *uid));
                if !told || is.modseq <= was.modseq || is.size != was.size {
                    broken(format!(
                        "{}: UID {uid} was {was:?} and is {is:?}; the log {} a change of its flags",
                        old.name,
                        if told { "has" } else { "has not" }
                    ));
                }
            }
        }
    }
    for (uid, is) in &new.rows {
        if old.rows.contains_key(uid) {
            continue;
        }
        if *uid < old.uid_next
            || !log.added.contains(&(id, *uid))
            || is.modseq <= old.highest_modseq
        {
            broken(format!(
                "{}: UID {uid} is new with modseq {}, but UIDNEXT was {}, HIGHESTMODSEQ {}, and \
                 the log {} it",
                old.name,
                is.modseq,
                old.uid_next,
                old.highest_modseq,
                if log.added.contains(&(id, *uid)) {
                    "has"
                } else {
                    "has not"
                }
            ));
        }
    }
}

/// What the change log says since a moment.
#[derive(Default)]
struct Log {
    added: BTreeSet<(u32, u32)>,
    flags: BTreeSet<(u32, u32)>,
    expunged: BTreeSet<(u32, u32)>,
    deleted: BTreeSet<u32>,
}

impl Log {
    fn read(house: &Inside, account: &Account, since: u64) -> Option<Log> {
        let door = house.mail.account_as_admin(&house.admin(), account.id);
        let mut log = Log::default();
        let mut since = ModSeq(since);
        loop {
            let entries = door.changes(since, 500).ok()?;
            let Some(last) = entries.last() else {
                return Some(log);
            };
            since = last.modseq;
            for change in entries.iter().flat_map(|entry| &entry.changes) {
                log.take(change);
            }
        }
    }

    fn take(&mut self, change: &Change) {
        match change {
            Change::Added { mailbox, uids } => {
                self.added.extend(uids.iter().map(|uid| (mailbox.0, *uid)));
            }
            Change::Flags { mailbox, before } => {
                self.flags
                    .extend(before.iter().map(|(uid, _)| (mailbox.0, *uid)));
            }
            Change::Expunged { mailbox, before } => {
                self.expunged
                    .extend(before.iter().map(|(uid, _)| (mailbox.0, *uid)));
            }
            Change::MailboxDeleted { mailbox, .. } => {
                self.deleted.insert(mailbox.0);
            }
            _ => {}
        }
    }
}

/// The server's own check finds nothing.
pub async fn verify_finds_nothing(world: &World, house: &Inside) {
    if let Ok(report) = house.mail.verify(&house.admin(), |_| ()).await {
        for problem in report.problems.iter().take(3) {
            let text = format!("{}: {}", problem.place, problem.found);
            world.trace.broken("verify finds nothing", text);
        }
    }
    if let Ok(report) = house.db.check().await {
        for damage in report.damage.iter().take(3) {
            world.trace.broken("nothing is damaged", damage.clone());
        }
    }
}
