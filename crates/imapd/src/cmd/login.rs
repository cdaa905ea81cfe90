//! LOGIN [rfc3501 6.2.3] [rfc9051 6.2.3].

use crate::capability::Passwords;
use crate::reply::{Answer, Outcome, Trouble};
use crate::session::Session;
use imap::ResponseCode;
use mail::{Login, LoginRefusal};

pub(crate) async fn run(session: &mut Session, user: &str, password: &[u8]) -> Outcome {
    match session.passwords() {
        Passwords::NeedTls => return Ok(needs_tls()),
        Passwords::NotTaken => {
            let text = "passwords are not taken here, use AUTHENTICATE";
            return Ok(Answer::no(ResponseCode::Cannot, text));
        }
        Passwords::Taken => {}
    }
    let auth = session.door.mail.auth();
    let proof = auth.login(user, password, session.peer, "imap");
    let proof = session.wire.attend(proof).await?;
    finish(session, proof)
}

/// LOGINDISABLED is announced; whoever asks all the same must not learn whether the password was
/// right [rfc3501 6.2.3].
pub(super) fn needs_tls() -> Answer {
    Answer::no(ResponseCode::PrivacyRequired, "use STARTTLS first")
}

/// What a login leads to, whichever way it came.
pub(super) fn finish(session: &mut Session, proof: Result<Login, LoginRefusal>) -> Outcome {
    match proof {
        Ok(login) => {
            session.logged_in(&login);
            Ok(Answer::ok_with(session.capability_code(), "logged in"))
        }
        Err(refusal) => {
            let wrong = refusal.is_the_clients();
            match Trouble::from(refusal) {
                Trouble::Refused(answer) if wrong => Ok(answer.then(session.login_failed())),
                other => Err(other),
            }
        }
    }
}
