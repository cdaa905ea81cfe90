//! RETR [rfc1939 5] and TOP [rfc1939 7]: a message in pieces, read by offset as the client takes
//! them; no whole message is in memory, and nothing behind the last line of TOP is read.

use crate::AfterRetr;
use crate::maildrop::{For, Found, Pieces};
use crate::reply::{self, Refused};
use crate::session::{End, Session};
use crate::table::Doing;
use crate::text::Text;
use pop::{Reply, Surrogate, Top};

pub(crate) fn retr(session: &mut Session, number: u32) -> Doing<'_> {
    Box::pin(async move {
        match find(session, number) {
            Ok((found, octets)) => {
                session.begin(&Text::MessageFollows(octets));
                Sending::of(session, &found, None).run(session).await?;
                session.maildrop().was_read(number, found.uid);
                if session.door.settings.after_retr == AfterRetr::Seen {
                    // logged; the message was sent all the same
                    let _ = session.maildrop().set_seen(found.uid).await;
                }
            }
            Err(refused) => session.refuse(&refused),
        }
        Ok(())
    })
}

fn find(session: &mut Session, number: u32) -> Result<(Found, u64), Refused> {
    let maildrop = session.maildrop();
    let found = maildrop.find(number, For::All)?;
    let octets = maildrop.octets_of_found(&found)?;
    Ok((found, octets))
}

pub(crate) fn top(session: &mut Session, number: u32, lines: u64) -> Doing<'_> {
    Box::pin(async move {
        match session.maildrop().find(number, For::Less) {
            Ok(found) => {
                session.begin(&Text::TopFollows);
                let top = Some(Top::new(lines));
                Sending::of(session, &found, top).run(session).await?;
            }
            Err(refused) => session.refuse(&refused),
        }
        Ok(())
    })
}

/// A message on its way to the client: its pieces, as a surrogate if need be, up to where TOP says.
pub(crate) struct Sending {
    pieces: Pieces,
    surrogate: Option<Surrogate>,
    top: Option<Top>,
}

impl Sending {
    fn of(session: &mut Session, found: &Found, top: Option<Top>) -> Sending {
        Sending {
            pieces: Pieces::of(&found.ready),
            surrogate: session.maildrop().surrogate(&found.ready),
            top,
        }
    }

    /// Octets as they are stored.
    pub fn of_part(pieces: Pieces) -> Sending {
        Sending {
            pieces,
            surrogate: None,
            top: None,
        }
    }

    /// A fault within it ends the session without the final dot: the client must not take a part
    /// for the whole.
    pub async fn run(mut self, session: &mut Session) -> Result<(), End> {
        while !self.is_done() {
            let piece = match self.pieces.next() {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(fault) => {
                    // logged; it cannot be told
                    let _ = reply::fault(&fault, session.id);
                    return Err(End::Cut);
                }
            };
            match &mut self.surrogate {
                Some(surrogate) => {
                    let mut made = Vec::new();
                    surrogate.push(&piece, &mut made);
                    self.send(session, &made);
                }
                None => self.send(session, &piece),
            }
            session.flush_if_full().await?;
        }
        if let Some(surrogate) = self.surrogate.take() {
            let mut rest = Vec::new();
            surrogate.finish(&mut rest);
            self.send(session, &rest);
        }
        session.machine.send(Reply::End);
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.top.as_ref().is_some_and(Top::is_done)
    }

    fn send(&mut self, session: &mut Session, octets: &[u8]) {
        let taken = self
            .top
            .as_mut()
            .map_or(octets.len(), |top| top.take(octets));
        session.machine.send(Reply::Data(&octets[..taken]));
    }
}
