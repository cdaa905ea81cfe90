//! STAT, LIST [rfc1939 5] and UIDL [rfc1939 7]: of the mailbox as it was at login, less the
//! messages marked here. Long lists are read and written in batches.

use crate::maildrop::For;
use crate::reply::Refused;
use crate::session::{End, Session};
use crate::table::Doing;
use crate::text::Text;
use mail::Cursor;
use pop::Reply;
use roaring::RoaringBitmap;

pub(crate) fn stat(session: &mut Session) -> Doing<'_> {
    Box::pin(async move {
        let totals = session.maildrop().totals();
        session.settle(totals.map(|totals| format!("{} {}", totals.messages, totals.octets)));
        Ok(())
    })
}

pub(crate) fn list(session: &mut Session, number: Option<u32>) -> Doing<'_> {
    Box::pin(async move {
        match number {
            Some(number) => {
                let octets = octets(session, number);
                session.settle(octets.map(|octets| format!("{number} {octets}")));
                Ok(())
            }
            None => list_all(session).await,
        }
    })
}

fn octets(session: &mut Session, number: u32) -> Result<u64, Refused> {
    let maildrop = session.maildrop();
    let found = maildrop.find(number, For::Less)?;
    maildrop.octets_of_found(&found)
}

async fn list_all(session: &mut Session) -> Result<(), End> {
    let uids = session.maildrop().unmarked_uids();
    let mut cursor = Cursor::start();
    // the first batch is read before `+OK`: a fault in it can still be told
    let mut lines = list_batch(session, &uids, &mut cursor);
    if let Err(refused) = &lines {
        session.refuse(refused);
        return Ok(());
    }
    session.begin(&Text::SizesFollow);
    loop {
        let batch = lines.map_err(|_| End::Cut)?;
        if batch.is_empty() {
            break;
        }
        for line in &batch {
            session.machine.send(Reply::Line(line));
        }
        session.flush_if_full().await?;
        tokio::task::yield_now().await;
        lines = list_batch(session, &uids, &mut cursor);
    }
    session.machine.send(Reply::End);
    Ok(())
}

fn list_batch(
    session: &mut Session,
    uids: &RoaringBitmap,
    cursor: &mut Cursor,
) -> Result<Vec<String>, Refused> {
    let maildrop = session.maildrop();
    let mut lines = Vec::new();
    for weight in maildrop.batch(uids, cursor)? {
        lines.push(format!("{} {}", weight.seq, maildrop.octets_of(&weight)?));
    }
    Ok(lines)
}

pub(crate) fn uidl(session: &mut Session, number: Option<u32>) -> Doing<'_> {
    Box::pin(async move {
        match number {
            Some(number) => {
                let maildrop = session.maildrop();
                let id = maildrop
                    .find(number, For::Less)
                    .map(|found| maildrop.unique_id(found.uid));
                session.settle(id.map(|id| format!("{number} {id}")));
                Ok(())
            }
            None => uidl_all(session).await,
        }
    })
}

async fn uidl_all(session: &mut Session) -> Result<(), End> {
    session.begin(&Text::IdsFollow);
    let mut number = 1;
    loop {
        let batch = session.maildrop().numbers(&mut number);
        if batch.is_empty() {
            break;
        }
        for (number, uid) in batch {
            let line = format!("{number} {}", session.maildrop().unique_id(uid));
            session.machine.send(Reply::Line(&line));
        }
        session.flush_if_full().await?;
        tokio::task::yield_now().await;
    }
    session.machine.send(Reply::End);
    Ok(())
}
