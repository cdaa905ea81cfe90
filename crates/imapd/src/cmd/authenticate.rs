//! AUTHENTICATE [rfc3501 6.2.2], with an initial response [rfc4959]: carries the lines of a login
//! between the client and `mail`.

use super::login;
use crate::capability::Passwords;
use crate::reply::{Answer, Outcome};
use crate::session::Session;
use crate::wire::Ended;
use imap::{Event, ResponseCode};
use mail::{Mechanism, Progress, Response};
use sasl::{Beginner, Failure};

pub(crate) async fn run(
    session: &mut Session,
    mechanism: &str,
    initial: Option<Vec<u8>>,
) -> Outcome {
    let Some(named) = Mechanism::from_name(mechanism.as_bytes()) else {
        return Ok(not_offered());
    };
    if session.passwords() == Passwords::NeedTls {
        return Ok(login::needs_tls());
    }
    // [rfc9051 6.2.2] [rfc4959 3]
    if initial.is_some() && named.begun_by() == Beginner::Server {
        return Ok(Answer::bad("that mechanism takes no initial response"));
    }
    let client = session.login_client()?;
    let auth = session.door.mail.auth().clone();
    let initial = initial.as_deref().map(Response::Message);
    let begun = auth.begin(client, mechanism.as_bytes(), initial);
    let begun = session.wire.attend(begun).await?;
    let Some((mut conversation, mut progress)) = begun else {
        return Ok(not_offered());
    };
    loop {
        match progress {
            Progress::Challenge(challenge) => session.wire.machine().challenge(&challenge),
            Progress::LoggedIn(who) => return login::finish(session, Ok(who)),
            Progress::Refused(refusal) => return login::finish(session, Err(refusal)),
            Progress::Failed(failure) => return Ok(failed(failure)),
        }
        let line = match session.wire.event().await? {
            Event::AuthenticateLine(line) => line,
            Event::AuthenticateCancelled => return Ok(failed(Failure::Cancelled)),
            Event::Refused { refusal, .. } => return Ok(Answer::bad(refusal.to_string())),
            _ => return Err(Ended::Broken.into()),
        };
        let work = conversation.respond(Response::Message(&line));
        progress = session.wire.attend(work).await?;
    }
}

fn not_offered() -> Answer {
    Answer::no(ResponseCode::Cannot, "that mechanism is not offered")
}

fn failed(failure: Failure) -> Answer {
    match failure {
        // [rfc3501 6.2.2]: a cancelled exchange is answered BAD.
        Failure::Cancelled => Answer::bad("cancelled"),
        Failure::BadBase64 => Answer::bad("that is not base64"),
        Failure::TooLong => Answer::bad("that is too long"),
        Failure::Malformed => Answer::bad("that is not what the mechanism says"),
        Failure::OtherIdentity => Answer::no(
            ResponseCode::AuthorizationFailed,
            "nobody acts for somebody else here",
        ),
        Failure::Channel => Answer::no(
            ResponseCode::AuthenticationFailed,
            "the login is not bound to this connection",
        ),
        Failure::WrongProof | Failure::Refused => {
            Answer::no(ResponseCode::AuthenticationFailed, "wrong name or password")
        }
    }
}
