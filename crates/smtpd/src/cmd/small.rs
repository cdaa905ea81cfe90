//! The commands that ask for nothing: RSET, NOOP, VRFY, HELP, QUIT. [rfc5321 4.1.1]

use crate::Vrfy;
use crate::reply;
use crate::session::{Session, State};
use crate::table::{Doing, Row, TABLE};
use smtp::{Command, Reply, Status, Verb};

fn done(session: &mut Session, reply: Reply) -> Doing<'_> {
    session.send(reply);
    Box::pin(async { Ok(()) })
}

/// Forgets the message that was begun, nothing else. [rfc5321 4.1.1.5]
pub(crate) fn rset(session: &mut Session, _: Command) -> Doing<'_> {
    if !matches!(session.state, State::New) {
        session.clear_to(State::Greeted);
    }
    done(session, Reply::new(250, Status(2, 0, 0), "Forgotten"))
}

/// [rfc5321 4.1.1.9]
pub(crate) fn noop(session: &mut Session, _: Command) -> Doing<'_> {
    done(session, Reply::new(250, Status(2, 0, 0), "Ok"))
}

/// Tells nobody who is here, unless the setting lets our own users ask. [rfc5321 7.3]
pub(crate) fn vrfy(session: &mut Session, command: Command) -> Doing<'_> {
    let Command::Vrfy(name) = command else {
        unreachable!("the table gives VRFY to this function")
    };
    Box::pin(async move {
        let reply = match (session.door.settings.vrfy, &session.client.login) {
            (Vrfy::ToLogins, Some(login)) => {
                let verified = session.door.post.verify(login, &name).await;
                if let Err(fault) = &verified {
                    tracing::error!(target: "smtp", session = session.id, %fault, "fault");
                }
                reply::verified(verified.ok())
            }
            _ => reply::untold(),
        };
        session.send(reply);
        Ok(())
    })
}

/// A message that was begun ends with it, and is nowhere. [rfc5321 4.1.1.10]
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
    let role = session.client.role;
    // ETRN is for those whom the settings name
    let has_etrn = !session.door.settings.customers.is_empty();
    let is_offered = |row: &&Row| row.is_spoken(role) && (row.verb != Verb::Etrn || has_etrn);
    let mut spoken = TABLE.iter().filter(is_offered);
    let words: Vec<&str> = spoken.clone().map(|row| row.verb.word()).collect();
    let row =
        topic.and_then(|topic| spoken.find(|row| row.verb.word().eq_ignore_ascii_case(&topic)));
    let reply = match row {
        Some(row) => Reply::new(214, status, format!("{} [{}]", row.form, row.rfc)),
        None => Reply::new(214, status, "Commands:").and(words.join(" ")),
    };
    done(session, reply)
}
