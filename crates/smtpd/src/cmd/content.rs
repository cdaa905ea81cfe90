//! DATA and what follows it, and the end of all content: it streams to `post`, its end is answered
//! after the commit. [rfc5321 4.1.1.4]

use crate::cmd::chunk;
use crate::reply;
use crate::session::{Content, Session, State};
use crate::table::Doing;
use post::{Accepted, MessageId, Refusal, Role};
use smtp::{BodyType, Command, DataEnd, Reply, Status};

pub(crate) fn run(session: &mut Session, _: Command) -> Doing<'_> {
    Box::pin(async move {
        let State::Message(envelope) = &session.state else {
            unreachable!("the table lets DATA run only after MAIL")
        };
        if envelope.body() == Some(BodyType::BinaryMime) {
            // [rfc3030 3]
            session.send(reply::out_of_order("BODY=BINARYMIME needs BDAT"));
            return Ok(());
        }
        if envelope.recipients().is_empty() {
            // [rfc2920 3.1]
            session.send(reply::no_recipients(session.client.role));
            return Ok(());
        }
        match session.door.post.new_body(&session.client, envelope).await {
            Err(refusal) => {
                let reply = reply::refusal(&refusal, envelope.id());
                session.send(reply);
            }
            Ok(arriving) => {
                session.begin_content(arriving);
                session.start_meter();
                session.send(Reply::plain(354, "Go on, end with <CR><LF>.<CR><LF>"));
            }
        }
        Ok(())
    })
}

pub(crate) async fn piece(session: &mut Session, piece: &[u8]) {
    session.count_content(piece.len());
    if let State::Content(content) = &mut session.state {
        content.arriving.write(piece).await;
    }
}

/// Whatever the answer, the message is over. [rfc5321 4.1.1.4]
pub(crate) async fn end(session: &mut Session, end: DataEnd) {
    if let Some(reply) = session.refused_chunk.take() {
        return chunk::refuse_last(session, reply);
    }
    let State::Content(content) = session.clear_to(State::Greeted) else {
        unreachable!("content ends only where it has begun")
    };
    let Content { envelope, arriving } = *content;
    let id = envelope.id().clone();
    let (client, post) = (&session.client, &session.door.post);
    if client.role == Role::Lmtp {
        // [rfc2033 4.2]
        let each = post.accept_each(client, envelope, arriving, end).await;
        let replies = each.into_iter().map(|one| answer(one, &id)).collect();
        session.machine.send_each(replies);
    } else {
        let accepted = post.accept(client, envelope, arriving, end).await;
        session.send(answer(accepted, &id));
    }
}

fn answer(accepted: Result<Accepted, Refusal>, id: &MessageId) -> Reply {
    match accepted {
        Ok(accepted) => Reply::new(250, Status(2, 0, 0), accepted.id.to_string()),
        Err(refusal) => reply::refusal(&refusal, id),
    }
}
