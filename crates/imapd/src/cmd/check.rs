//! CHECK [rfc3501 6.4.1]: every change is durable before it is answered, so there is nothing to do.

use crate::reply::Answer;

pub(crate) fn run() -> Answer {
    Answer::ok("everything is kept")
}
