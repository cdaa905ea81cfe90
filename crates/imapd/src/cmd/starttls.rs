//! STARTTLS [rfc3501 6.2.1] [rfc9051 6.2.1] [rfc9051 11.2]. The handshake follows the answer; the session does it.

use crate::reply::{Answer, Next, Outcome};
use crate::session::Session;

pub(crate) fn run(session: &Session) -> Outcome {
    if session.wire.has_tls() {
        return Ok(Answer::bad("TLS is there already"));
    }
    if session.door.settings.tls.is_none() {
        return Ok(Answer::bad("TLS is not offered here"));
    }
    Ok(Answer::ok("begin TLS now").then(Next::StartTls))
}
