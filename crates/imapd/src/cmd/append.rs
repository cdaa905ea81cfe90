//! APPEND [rfc3501 6.3.11], [rfc4315 3] APPENDUID. The message streams to its place; what is kept
//! is what `lines` makes of it.

use crate::flags;
use crate::limits;
use crate::lines::LineEnds;
use crate::reply::{Answer, Outcome, Trouble};
use crate::session::{Session, mailbox_name};
use crate::wire::{Ended, Patience};
use imap::{Append, Event, Refusal, ResponseCode, SequenceSet, What};
use mail::{Body, MailboxName, NewMessage};
use net::Time;
use std::time::Duration;

pub(crate) async fn run(session: &mut Session, append: Append) -> Outcome {
    // Everything that can be refused is refused before the message is sent.
    let name = mailbox_name(&append.mailbox)?;
    check(session, &name, append.size)?;
    let flags = flags::from_wire(&append.flags)?;
    let internal_date = append.date.map(|date| Time::from_seconds(date.seconds));

    let usual = session.wire.patience;
    let stall = Duration::from_secs(session.door.settings.append_stall_s);
    session.wire.patience = Patience::Silence(stall);
    let body = receive(session, &name).await;
    session.wire.patience = usual;

    let message = NewMessage {
        body: body?,
        flags,
        internal_date,
    };
    let appended = session.account().append(&name, vec![message]).await?;
    let uids = SequenceSet::from_numbers(appended.uids);
    Ok(match uids {
        Some(uids) => {
            let uid_validity = appended.uid_validity;
            Answer::ok_with(ResponseCode::AppendUid { uid_validity, uids }, "kept")
        }
        None => Answer::ok("kept"),
    })
}

fn check(session: &Session, name: &MailboxName, size: u64) -> Result<(), Trouble> {
    let account = session.account();
    match account.mailbox(name)? {
        None => return Err(mail::AppendError::NotFound.into()),
        Some(mailbox) if !mailbox.selectable => return Err(mail::AppendError::NoSelect.into()),
        Some(_) => {}
    }
    if size == 0 {
        return Err(Answer::no(ResponseCode::Cannot, "a message is not empty").into());
    }
    if size > session.door.settings.max_append_bytes {
        return Err(Answer::no(ResponseCode::TooBig, "the message is too large").into());
    }
    let quota = account.quota()?;
    let over = |limit: u64| quota.used_bytes.saturating_add(size) > limit;
    match quota.limit_bytes.is_some_and(over) {
        true => Err(mail::AppendError::OverQuota.into()),
        false => Ok(()),
    }
}

async fn receive(session: &mut Session, name: &MailboxName) -> Result<Body, Trouble> {
    let mut body = session.door.mail.new_body().await?;
    session.wire.machine().accept_append();
    let mut lines = LineEnds::default();
    let mut piece = Vec::new();
    loop {
        match session.wire.event().await? {
            Event::AppendChunk(chunk) => {
                for part in chunk.chunks(limits::CONTENT_BYTES) {
                    piece.clear();
                    lines.piece(part, &mut piece);
                    body.write(&piece).await?;
                }
            }
            Event::AppendEnd => break,
            Event::Refused { refusal, .. } => return Err(refused(&refusal).into()),
            _ => return Err(Ended::Broken.into()),
        }
    }
    piece.clear();
    lines.end(&mut piece);
    body.write(&piece).await?;
    let account = session.account().id();
    // Kept beside the body, so that it can be found even if its records are gone.
    let found_by = format!("imap append, account {account}, mailbox {name}");
    Ok(body.finish(found_by.as_bytes()).await?)
}

/// What broke the command off in its message, or behind it.
fn refused(refusal: &Refusal) -> Answer {
    match refusal.what {
        What::Nul => Answer::no(ResponseCode::Cannot, "a message has no NUL in it"),
        _ => Answer::bad(refusal.to_string()),
    }
}
