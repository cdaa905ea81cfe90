//! STARTTLS. [rfc3207 4]
//!
//! What the client said before is forgotten; what it sent before, and we have not read, the
//! machine drops.

use crate::reply;
use crate::session::{End, Session, State, tls_text};
use crate::table::Doing;
use smtp::{Command, Reply, Status};

pub(crate) fn run(session: &mut Session, _: Command) -> Doing<'_> {
    Box::pin(async move {
        if session.client.tls.is_some() {
            session.bad(reply::out_of_order("TLS is active already"));
            return Ok(());
        }
        let Some(tls) = session.door.tls.clone() else {
            session.bad(Reply::new(502, Status(5, 5, 1), "TLS is not available"));
            return Ok(());
        };
        session.send(Reply::new(220, Status(2, 0, 0), "Begin TLS"));
        session.flush().await?;
        let conn = session.conn.take().ok_or(End::Lost)?;
        let peer = session.client.peer;
        let conn = conn.start_tls(&tls).await.map_err(|error| {
            tracing::debug!(target: "smtp", session = session.id, %peer, %error, "TLS handshake failed");
            End::Handshake
        })?;
        session.client.tls = tls_text(&conn);
        session.conn = Some(conn);
        session.machine.tls_started();
        // [rfc3207 4.2]
        session.client.helo = None;
        session.client.login = None;
        session.clear_to(State::New);
        session.set_bare_newlines();
        Ok(())
    })
}
