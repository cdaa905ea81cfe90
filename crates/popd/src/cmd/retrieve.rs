//! RETR [rfc1939 5] and TOP [rfc1939 7]: a message in pieces, read by offset as the client takes
//! them; no whole message is in memory, and nothing behind the last line of TOP is read.

use crate::maildrop::{Pieces, octets_of};
use crate::reply;
use crate::session::{End, Session};
use crate::table::Doing;
use pop::{Reply, Top};

pub(crate) fn retr(session: &mut Session, number: u32) -> Doing<'_> {
    Box::pin(async move {
        let maildrop = session.maildrop();
        match maildrop.find(number) {
            Ok(found) => {
                let octets = octets_of(&found.ready);
                session
                    .machine
                    .send(Reply::Begin(&format!("{octets} octets")));
                stream(session, Pieces::of(&found.ready), None).await
            }
            Err(refused) => {
                session.refuse(&refused);
                Ok(())
            }
        }
    })
}

pub(crate) fn top(session: &mut Session, number: u32, lines: u64) -> Doing<'_> {
    Box::pin(async move {
        match session.maildrop().find(number) {
            Ok(found) => {
                session.machine.send(Reply::Begin("top of message follows"));
                stream(session, Pieces::of(&found.ready), Some(Top::new(lines))).await
            }
            Err(refused) => {
                session.refuse(&refused);
                Ok(())
            }
        }
    })
}

/// Sends the message up to where `top` says. A fault within it ends the session without the final
/// dot: the client must not take a part for the whole.
async fn stream(
    session: &mut Session,
    mut pieces: Pieces,
    mut top: Option<Top>,
) -> Result<(), End> {
    while !top.as_ref().is_some_and(Top::is_done) {
        let piece = match pieces.next() {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(fault) => {
                // logged; it cannot be told
                let _ = reply::fault(&fault, session.id);
                return Err(End::Cut);
            }
        };
        let taken = top.as_mut().map_or(piece.len(), |top| top.take(&piece));
        session.machine.send(Reply::Data(&piece[..taken]));
        session.flush_if_full().await?;
    }
    session.machine.send(Reply::End);
    Ok(())
}
