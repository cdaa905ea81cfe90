//! AUTHENTICATE [rfc3501 6.2.2], with an initial response [rfc4959].

use super::login;
use crate::capability::Passwords;
use crate::reply::{Answer, Outcome};
use crate::session::Session;
use crate::wire::Ended;
use imap::{Event, ResponseCode};
use sasl::{Exchange, Failure, Mechanism, Step};

pub(crate) async fn run(
    session: &mut Session,
    mechanism: &str,
    initial: Option<Vec<u8>>,
) -> Outcome {
    let Some(mechanism) = Mechanism::from_name(mechanism.as_bytes()) else {
        return Ok(Answer::no(
            ResponseCode::Cannot,
            "that mechanism is not known",
        ));
    };
    if session.passwords() == Passwords::NeedTls {
        return Ok(login::needs_tls());
    }
    let (mut exchange, mut step) = Exchange::start(mechanism, initial.as_deref());
    loop {
        match step {
            Step::Credentials(who) => {
                return login::prove(session, &who.authcid, &who.password).await;
            }
            Step::Failed(failure) => return Ok(failed(failure)),
            Step::Challenge(challenge) => session.wire.machine().challenge(&challenge),
        }
        step = match session.wire.event().await? {
            Event::AuthenticateLine(line) => exchange.respond(&line),
            Event::AuthenticateCancelled => return Ok(failed(Failure::Cancelled)),
            Event::Refused { refusal, .. } => return Ok(Answer::bad(refusal.to_string())),
            _ => return Err(Ended::Broken.into()),
        };
    }
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
    }
}
