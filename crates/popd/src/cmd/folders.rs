//! POP4's folders: LFLD, SFLD, CFLD, DFLD, MOVF, RENF, and MOVE and COPY of messages between them.
//!
//! All but the removal of what MOVE moved happens at once; that waits for QUIT, so that a lost
//! connection can double a message and never lose one.

use crate::folders::{folder_of, mailbox_name};
use crate::reply::{self, Refused};
use crate::session::{End, Session};
use crate::table::Doing;
use crate::text::Text;
use mail::{MailboxError, MailboxInfo, MailboxName, Status};
use pop::Reply;
use pop::pop4::{Folder, MessageSet, Place};

/// All folders, or those below one.
pub(crate) fn lfld(session: &mut Session, folder: Option<Folder>) -> Doing<'_> {
    Box::pin(async move {
        match lines(session, folder.as_ref()) {
            Ok(lines) => list(session, &lines).await,
            Err(refused) => {
                session.refuse(&refused);
                Ok(())
            }
        }
    })
}

fn lines(session: &mut Session, folder: Option<&Folder>) -> Result<Vec<String>, Refused> {
    let id = session.id;
    let folders = session.folders();
    let top = folder.map(mailbox_name).transpose()?;
    if let Some(top) = &top {
        folders.find(top)?;
    }
    let all = folders.account().mailboxes();
    let all = all.map_err(|fault| reply::fault(&fault, id))?;
    let is_asked = |info: &MailboxInfo| top.as_ref().is_none_or(|top| info.name.is_below(top));
    let mut lines = Vec::new();
    for info in all.iter().filter(|info| is_asked(info)) {
        match folders.account().status(&info.name) {
            Ok(status) => lines.push(line(&info.name, Some(&status))),
            Err(MailboxError::NoSelect) => lines.push(line(&info.name, None)),
            // somebody has deleted it in this moment
            Err(MailboxError::NotFound) => {}
            Err(error) => return Err(reply::folder(&error, id)),
        }
    }
    Ok(lines)
}

/// `folder SP messages SP octets SP unseen`
fn line(name: &MailboxName, status: Option<&Status>) -> String {
    let (messages, octets, unseen) = status.map_or((0, 0, 0), |s| (s.messages, s.bytes, s.unseen));
    format!("{} {messages} {octets} {unseen}", folder_of(name))
}

async fn list(session: &mut Session, lines: &[String]) -> Result<(), End> {
    session.begin(&Text::FoldersFollow(lines.len() as u64));
    for line in lines {
        session.machine.send(Reply::Line(line));
        session.flush_if_full().await?;
    }
    session.machine.send(Reply::End);
    Ok(())
}

pub(crate) fn sfld(session: &mut Session, folder: Folder) -> Doing<'_> {
    Box::pin(async move {
        let totals = match mailbox_name(&folder) {
            Ok(name) => session.folders().select(&name).await,
            Err(refused) => Err(refused),
        };
        session.settle(totals.map(|totals| format!("{} {}", totals.messages, totals.octets)));
        Ok(())
    })
}

/// Settles a command that is answered with a bare `+OK`.
fn done(session: &mut Session, result: Result<(), Refused>) -> Result<(), End> {
    match result {
        Ok(()) => session.ok(&Text::Nothing),
        Err(refused) => session.refuse(&refused),
    }
    Ok(())
}

/// What is above it is made too; all that is made is subscribed, so that IMAP's clients show it.
pub(crate) fn cfld(session: &mut Session, folder: Folder) -> Doing<'_> {
    Box::pin(async move {
        let made = create(session, &folder).await;
        done(session, made)
    })
}

async fn create(session: &mut Session, folder: &Folder) -> Result<(), Refused> {
    let id = session.id;
    let name = mailbox_name(folder)?;
    let account = session.folders().account().clone();
    let made = account.create_subscribed(&name).await;
    made.map_err(|error| reply::folder(&error, id))?;
    Ok(())
}

/// Only an empty folder goes, and nothing with it.
pub(crate) fn dfld(session: &mut Session, folder: Folder) -> Doing<'_> {
    Box::pin(async move {
        let gone = delete(session, &folder).await;
        done(session, gone)
    })
}

async fn delete(session: &mut Session, folder: &Folder) -> Result<(), Refused> {
    let id = session.id;
    let name = mailbox_name(folder)?;
    let folders = session.folders();
    if name.is_inbox() {
        return Err(Refused::new(Text::FolderIsInbox));
    }
    if folders.find(&name)?.id == folders.selected().id() {
        return Err(Refused::new(Text::FolderIsSelected));
    }
    let account = folders.account().clone();
    let deleted = account.delete_empty(&name).await;
    deleted.map_err(|error| reply::folder(&error, id))
}

pub(crate) fn renf(session: &mut Session, from: Folder, to: Folder) -> Doing<'_> {
    Box::pin(async move {
        let renamed = match (mailbox_name(&from), mailbox_name(&to)) {
            (Ok(from), Ok(to)) => rename(session, &from, &to).await,
            (Err(refused), _) | (_, Err(refused)) => Err(refused),
        };
        done(session, renamed)
    })
}

pub(crate) fn movf(session: &mut Session, folder: Folder, place: Place) -> Doing<'_> {
    Box::pin(async move {
        let moved = match moved_names(session, &folder, &place) {
            Ok((from, to)) => rename(session, &from, &to).await,
            Err(refused) => Err(refused),
        };
        done(session, moved)
    })
}

/// What a folder is called, and what below its new place.
fn moved_names(
    session: &mut Session,
    folder: &Folder,
    place: &Place,
) -> Result<(MailboxName, MailboxName), Refused> {
    let from = mailbox_name(folder)?;
    let leaf = folder.levels().last().map_or("", String::as_str);
    let to = match place {
        Place::Top => leaf.to_owned(),
        Place::Below(parent) => {
            let parent = mailbox_name(parent)?;
            session.folders().find(&parent)?;
            format!("{}/{leaf}", parent.spelling())
        }
    };
    let to = MailboxName::try_from(to.as_str()).map_err(|_| Refused::new(Text::FolderName))?;
    Ok((from, to))
}

async fn rename(
    session: &mut Session,
    from: &MailboxName,
    to: &MailboxName,
) -> Result<(), Refused> {
    let id = session.id;
    if from.is_inbox() {
        return Err(Refused::new(Text::FolderIsInbox));
    }
    if to.is_below(from) {
        return Err(Refused::new(Text::FolderInItself));
    }
    let account = session.folders().account().clone();
    let renamed = account.rename_subscribed(from, to).await;
    renamed.map_err(|error| reply::folder(&error, id))
}

pub(crate) fn copy_messages(session: &mut Session, set: MessageSet, to: Folder) -> Doing<'_> {
    Box::pin(async move {
        match copy(session, &set, &to).await {
            Ok(copied) => session.ok(&Text::Copied(copied.len() as u64)),
            Err(refused) => session.refuse(&refused),
        }
        Ok(())
    })
}

/// COPY at once, and a mark on what was copied.
pub(crate) fn move_messages(session: &mut Session, set: MessageSet, to: Folder) -> Doing<'_> {
    Box::pin(async move {
        match copy(session, &set, &to).await {
            Ok(copied) => {
                let count = copied.len() as u64;
                session.maildrop().mark_moved(copied);
                session.ok(&Text::Moved(count));
            }
            Err(refused) => session.refuse(&refused),
        }
        Ok(())
    })
}

/// The UIDs of what was copied.
async fn copy(session: &mut Session, set: &MessageSet, to: &Folder) -> Result<Vec<u32>, Refused> {
    let to = mailbox_name(to)?;
    session.folders().find_open(&to)?;
    let maildrop = session.maildrop();
    let uids = maildrop.choose(set)?;
    Ok(maildrop.copy(&uids, &to).await?.from)
}
