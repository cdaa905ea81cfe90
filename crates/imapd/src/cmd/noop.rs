//! NOOP [rfc3501 6.1.2]: what is new is told by the session, as the command table says.

use crate::reply::Answer;

pub(crate) fn run() -> Answer {
    Answer::ok("nothing done")
}
