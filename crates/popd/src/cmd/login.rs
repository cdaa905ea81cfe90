//! USER, PASS, APOP [rfc1939 7] and AUTH [rfc5034 4]: from AUTHORIZATION to TRANSACTION.
//!
//! A password is taken only under TLS, or where the setting allows clear text. Never here: the
//! check of a password (`mail::Auth`), nor its delay after failures.

use crate::cmd::capa::mechanisms;
use crate::maildrop::Maildrop;
use crate::reply::{self, Blame, Refused};
use crate::session::{End, Session, State};
use crate::table::Doing;
use pop::{Mechanism, Reply, Secret};

fn clear_text() -> Refused {
    Refused::new("no password in clear text: say STLS first, or use the port with TLS")
}

/// Every name is taken, whether it exists or not: a client learns nothing from the answer.
pub(crate) fn user(session: &mut Session, name: String) -> Doing<'_> {
    Box::pin(async move {
        if !session.may_log_in() {
            session.refuse(&clear_text());
            return Ok(());
        }
        session.state = State::Authorization { user: Some(name) };
        session.ok("now the password");
        Ok(())
    })
}

pub(crate) fn pass(session: &mut Session, password: Secret) -> Doing<'_> {
    Box::pin(async move {
        let user = match &mut session.state {
            State::Authorization { user } => user.take(),
            State::Transaction(_) => None,
        };
        match user {
            Some(name) => log_in(session, &name, &password.0).await,
            None if !session.may_log_in() => {
                session.refuse(&clear_text());
                Ok(())
            }
            None => session.bad("say USER first"),
        }
    })
}

/// Not offered (there is no time stamp in the greeting): it needs passwords kept readable.
pub(crate) fn apop(session: &mut Session, _name: String, _digest: String) -> Doing<'_> {
    Box::pin(async move { session.bad("APOP is not offered, use AUTH or USER and PASS") })
}

/// Without a mechanism it lists them, as RFC 1734 clients expect.
pub(crate) fn auth(session: &mut Session, mechanism: Option<Mechanism>) -> Doing<'_> {
    Box::pin(async move {
        if !session.may_log_in() {
            session.refuse(&clear_text());
            return Ok(());
        }
        let Some(mechanism) = mechanism else {
            session.machine.send(Reply::Begin("mechanisms follow"));
            for name in mechanisms() {
                session.machine.send(Reply::Line(name));
            }
            session.machine.send(Reply::End);
            return Ok(());
        };
        let Some(known) = sasl::Mechanism::from_name(mechanism.name.as_bytes()) else {
            return session.bad("this mechanism is not offered");
        };
        let initial = mechanism.initial.as_ref().map(|secret| secret.0.as_slice());
        let (exchange, step) = sasl::Exchange::start_line(known, initial);
        session.exchange = Some(exchange);
        go_on(session, step).await
    })
}

/// The client's answer to a challenge, as it stands on the line.
pub(crate) async fn answer(session: &mut Session, line: &[u8]) -> Result<(), End> {
    match &mut session.exchange {
        Some(exchange) => {
            let step = exchange.respond_line(line);
            go_on(session, step).await
        }
        None => session.bad("no exchange is open"),
    }
}

async fn go_on(session: &mut Session, step: sasl::Step) -> Result<(), End> {
    match step {
        sasl::Step::Challenge(challenge) => {
            session
                .machine
                .send(Reply::Challenge(&sasl::encode(&challenge)));
            Ok(())
        }
        sasl::Step::Credentials(credentials) => {
            session.exchange = None;
            log_in(session, &credentials.authcid, &credentials.password).await
        }
        sasl::Step::Failed(failure) => {
            session.exchange = None;
            session.bad(match failure {
                sasl::Failure::Cancelled => "cancelled",
                sasl::Failure::BadBase64 => "this is not base64",
                sasl::Failure::TooLong => "the answer is too long",
                sasl::Failure::Malformed => "the answer is not what the mechanism takes",
                sasl::Failure::OtherIdentity => "to act as somebody else is not possible",
            })
        }
    }
}

/// The password is checked, then INBOX is opened as it is now.
async fn log_in(session: &mut Session, name: &str, password: &[u8]) -> Result<(), End> {
    let conn = session.conn.as_mut().ok_or(End::Lost)?;
    let peer = conn.peer().ip();
    let proof = session.door.mail.auth().login(name, password, peer, "pop3");
    let login = match conn.attend(&session.stop, proof).await? {
        Ok(login) => login,
        Err(refusal) => {
            let (blame, refused) = reply::login(&refusal, session.id);
            tracing::info!(
                door = "pop3", session = session.id, %peer, name = ?name, why = refused.text, "login refused"
            );
            session.refuse(&refused);
            return match blame {
                Blame::Client => session.failed_login(),
                Blame::Server => Ok(()),
            };
        }
    };
    let account = session.door.mail.account(&login);
    match Maildrop::open(&account, session.id).await {
        Ok(maildrop) => {
            tracing::info!(door = "pop3", session = session.id, %peer, name = login.name(), "login");
            session.state = State::Transaction(Box::new(maildrop));
            session.ok("maildrop ready");
        }
        Err(refused) => session.refuse(&refused),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pop::Code;

    #[test]
    fn a_refused_clear_text_login_blames_no_password() {
        // [rfc3206 5]
        assert_ne!(clear_text().code, Some(Code::Auth));
    }
}
