//! ENABLE [rfc5161 3.1]: there is nothing yet that a client has to enable.

use crate::reply::Answer;
use crate::session::Session;
use imap::Response;

pub(crate) fn run(session: &mut Session) -> Answer {
    session.wire.say(&Response::Enabled(Vec::new()));
    Answer::ok("nothing of that can be enabled")
}
