//! CAPABILITY [rfc3501 6.1.1] [rfc9051 6.1.1].

use crate::reply::{Answer, Outcome};
use crate::session::Session;
use imap::Response;

pub(crate) fn run(session: &mut Session) -> Outcome {
    let names = session.capabilities();
    session.wire.say(&Response::Capability(names));
    Ok(Answer::ok("that is what works"))
}
