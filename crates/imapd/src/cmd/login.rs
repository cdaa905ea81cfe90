//! LOGIN [rfc3501 6.2.3].

use crate::capability::Passwords;
use crate::reply::{Answer, Outcome, Trouble};
use crate::session::Session;
use imap::ResponseCode;
use mail::LoginRefusal;

pub(crate) async fn run(session: &mut Session, user: &str, password: &[u8]) -> Outcome {
    if session.passwords() == Passwords::NeedTls {
        return Ok(needs_tls());
    }
    prove(session, user, password).await
}

/// LOGINDISABLED is announced; whoever asks all the same must not learn whether the password was
/// right [rfc3501 6.2.3].
pub(super) fn needs_tls() -> Answer {
    Answer::no(ResponseCode::PrivacyRequired, "use STARTTLS first")
}

/// Name and password, whichever way they came.
pub(super) async fn prove(session: &mut Session, user: &str, password: &[u8]) -> Outcome {
    let auth = session.door.mail.auth();
    let proof = auth.login(user, password, session.peer, "imap");
    match session.wire.attend(proof).await? {
        Ok(login) => {
            session.logged_in(&login);
            Ok(Answer::ok_with(session.capability_code(), "logged in"))
        }
        Err(refusal) => {
            let wrong = matches!(
                refusal,
                LoginRefusal::Wrong | LoginRefusal::TooManyFailures { .. }
            );
            match Trouble::from(refusal) {
                Trouble::Refused(answer) if wrong => Ok(answer.then(session.login_failed())),
                other => Err(other),
            }
        }
    }
}
