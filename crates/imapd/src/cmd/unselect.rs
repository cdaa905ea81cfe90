//! UNSELECT [rfc3691 2]: leaves the mailbox and expunges nothing.

use crate::reply::Answer;
use crate::session::Session;

pub(crate) fn run(session: &mut Session) -> Answer {
    session.unselect();
    Answer::ok("left")
}
