//! BDAT: content in chunks of a said size. [rfc3030 2]
//!
//! The octets come whether they are welcome or not, so whatever is wrong is told behind them. A
//! failed chunk fails the message: what follows of it is read and dropped, until RSET or its LAST.

use crate::reply;
use crate::session::{Content, Session, State};
use crate::table::Doing;
use post::{Greeting, Role};
use smtp::{Command, DataEnd, Reply, Status};

pub(crate) fn run(session: &mut Session, _: Command) -> Doing<'_> {
    Box::pin(async move {
        session.start_meter();
        session.refused_chunk = refusal(session).await;
        Ok(())
    })
}

/// Why a chunk is not taken; if it is the first of its message, it gets its place.
async fn refusal(session: &mut Session) -> Option<Reply> {
    let helo = matches!(session.client.helo, Some((Greeting::Helo, _)));
    let envelope = match &session.state {
        State::New => return Some(reply::out_of_order("EHLO first")),
        _ if helo => return Some(reply::out_of_order("EHLO first")),
        State::Greeted => return Some(reply::out_of_order("MAIL first")),
        State::Failed { .. } => return Some(reply::out_of_order("RSET first")),
        State::Content(_) => return None,
        State::Message(envelope) => envelope,
    };
    if envelope.recipients().is_empty() {
        return Some(reply::no_recipients(session.client.role));
    }
    match session.door.post.new_body(&session.client, envelope).await {
        Ok(arriving) => {
            session.begin_content(arriving);
            None
        }
        Err(refusal) => Some(reply::refusal(&refusal, envelope.id())),
    }
}

/// The octets of a chunk have come, and it is not the last.
pub(crate) fn end(session: &mut Session, end: DataEnd) {
    if let Some(reply) = session.refused_chunk.take() {
        return refuse(session, reply);
    }
    let State::Content(content) = &session.state else {
        unreachable!("a chunk is refused or content")
    };
    let Content { envelope, arriving } = &**content;
    let judged = session
        .door
        .post
        .chunk(&session.client, envelope, arriving, end);
    match judged {
        Ok(()) => session.send(Reply::new(250, Status(2, 0, 0), "Chunk ok")),
        Err(refusal) => {
            let reply = reply::refusal(&refusal, envelope.id());
            refuse(session, reply);
        }
    }
}

/// Answers a chunk that was not taken: a message that was begun stands as failed.
fn refuse(session: &mut Session, reply: Reply) {
    if refuse_without_message(session, &reply) {
        return;
    }
    let recipients = session.state.recipients();
    session.clear_to(State::Failed { recipients });
    session.send(reply);
}

/// The same of a last chunk: the message is over.
pub(crate) fn refuse_last(session: &mut Session, reply: Reply) {
    if refuse_without_message(session, &reply) {
        return;
    }
    let recipients = session.state.recipients();
    session.clear_to(State::Greeted);
    if session.client.role == Role::Lmtp && recipients > 0 {
        // a client at LMTP awaits so many replies, whatever they say [rfc2033 4.3]
        session.machine.send_each(vec![reply; recipients]);
    } else {
        session.send(reply);
    }
}

/// A chunk of no message is a bad command.
fn refuse_without_message(session: &mut Session, reply: &Reply) -> bool {
    let none = matches!(session.state, State::New | State::Greeted);
    if none {
        session.stop_meter();
        session.bad(reply.clone());
    }
    none
}
