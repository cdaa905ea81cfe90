//! STLS [rfc2595 4]: TLS on this connection. What was learned before it is forgotten.

use crate::reply::Refused;
use crate::session::{End, Session, Speech, State};
use crate::table::Doing;
use crate::text::{Language, Text};
use pop::Reply;

pub(crate) fn run(session: &mut Session) -> Doing<'_> {
    Box::pin(async move {
        if session.is_private() {
            return session.bad(Text::TlsIsActive);
        }
        if session.speech == Speech::Utf8 {
            // [rfc6856 2.1]
            return session.bad(Text::TlsAfterUtf8);
        }
        let Some(tls) = session.door.tls.clone() else {
            session.refuse(&Refused::new(Text::NoTls));
            return Ok(());
        };
        let text = Text::BeginTls.in_language(session.language);
        session.machine.send(Reply::StartTls(&text));
        session.flush().await?;
        let conn = session.conn.take().ok_or(End::Lost)?;
        let started = tokio::select! {
            biased;
            () = session.stop.stopped() => return Err(End::Stopped),
            started = conn.start_tls(&tls) => started,
        };
        match started {
            Ok(conn) => session.conn = Some(conn),
            Err(error) => {
                tracing::debug!(door = "pop3", session = session.id, %error, "TLS handshake failed");
                return Err(End::Handshake);
            }
        }
        session.state = State::Authorization { user: None };
        session.language = Language::English;
        session.machine.tls_started();
        Ok(())
    })
}
