//! LOGOUT [rfc3501 6.1.3] [rfc9051 6.1.3]: an untagged BYE comes before the tagged OK.

use crate::reply::{Answer, Next};
use crate::session::Session;
use imap::Response;

pub(crate) fn run(session: &mut Session) -> Answer {
    session.wire.say(&Response::bye("until next time"));
    Answer::ok("logged out").then(Next::Close)
}
