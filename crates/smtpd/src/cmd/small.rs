//! The commands that ask for nothing: RSET, NOOP, VRFY, HELP, QUIT. [rfc5321 4.1.1]

use crate::session::{Session, State};
use crate::table::{Doing, TABLE};
use smtp::{Command, Reply, Status};

fn done(session: &mut Session, reply: Reply) -> Doing<'_> {
    session.send(reply);
    Box::pin(async { Ok(()) })
}

/// Forgets the message that was begun, nothing else. [rfc5321 4.1.1.5]
pub(crate) fn rset(session: &mut Session, _: Command) -> Doing<'_> {
    if matches!(session.state, State::Message(_)) {
        session.state = State::Greeted;
    }
    done(session, Reply::new(250, Status(2, 0, 0), "Forgotten"))
}

pub(crate) fn noop(session: &mut Session, _: Command) -> Doing<'_> {
    done(session, Reply::new(250, Status(2, 0, 0), "Ok"))
}

/// Tells nobody who is here. [rfc5321 7.3]
pub(crate) fn vrfy(session: &mut Session, _: Command) -> Doing<'_> {
    let text = "Not verified here; RCPT tells";
    done(session, Reply::new(252, Status(2, 0, 0), text))
}

pub(crate) fn quit(session: &mut Session, _: Command) -> Doing<'_> {
    let text = format!("{} says goodbye", session.door.settings.hostname);
    done(session, Reply::new(221, Status(2, 0, 0), text))
}

/// Reads out the table, or one row of it. [rfc5321 4.1.1.8]
pub(crate) fn help(session: &mut Session, command: Command) -> Doing<'_> {
    let status = Status(2, 0, 0);
    let Command::Help(topic) = command else {
        unreachable!("the table gives HELP to this function")
    };
    let row = topic.and_then(|topic| {
        TABLE
            .iter()
            .find(|row| row.verb.word().eq_ignore_ascii_case(&topic))
    });
    let reply = match row {
        Some(row) => Reply::new(214, status, format!("{} [{}]", row.form, row.rfc)),
        None => {
            let words: Vec<&str> = TABLE.iter().map(|row| row.verb.word()).collect();
            Reply::new(214, status, "Commands:").and(words.join(" "))
        }
    };
    done(session, reply)
}
