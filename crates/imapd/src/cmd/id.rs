//! ID [rfc2971 3.1]. What the client says of itself is for nobody here.

use crate::reply::Answer;
use crate::session::Session;
use imap::Response;

pub(crate) fn run(session: &mut Session) -> Answer {
    let fields = vec![
        ("name", "Whimbrel".to_owned()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    session.wire.say(&Response::Id(fields));
    Answer::ok("pleased to meet you")
}
