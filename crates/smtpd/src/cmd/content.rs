//! DATA and what follows it: the content streams to `post`, its end is answered after the commit.
//! [rfc5321 4.1.1.4]

use crate::reply;
use crate::session::{Content, Session, State};
use crate::table::Doing;
use net::time::now;
use smtp::{Command, DataEnd, Reply, Status};

pub(crate) fn run(session: &mut Session, _: Command) -> Doing<'_> {
    Box::pin(async move {
        let State::Message(envelope) = &session.state else {
            unreachable!("the table lets DATA run only after MAIL")
        };
        if envelope.recipients().is_empty() {
            // [rfc2920 3.1]
            session.send(Reply::new(554, Status(5, 5, 1), "No valid recipients"));
            return Ok(());
        }
        match session.door.post.new_body(&session.client, envelope).await {
            Err(refusal) => {
                let reply = reply::refusal(&refusal, envelope.id());
                session.send(reply);
            }
            Ok(arriving) => {
                let State::Message(envelope) =
                    std::mem::replace(&mut session.state, State::Greeted)
                else {
                    unreachable!("the state was looked at above")
                };
                let content = Content {
                    envelope,
                    arriving,
                    began: now(),
                    bytes: 0,
                };
                session.state = State::Content(Box::new(content));
                session.send(Reply::plain(354, "Go on, end with <CR><LF>.<CR><LF>"));
            }
        }
        Ok(())
    })
}

pub(crate) async fn piece(session: &mut Session, piece: &[u8]) {
    if let State::Content(content) = &mut session.state {
        content.bytes += piece.len() as u64;
        content.arriving.write(piece).await;
    }
}

/// Whatever the answer, the message is over. [rfc5321 4.1.1.4]
pub(crate) async fn end(session: &mut Session, end: DataEnd) {
    let State::Content(content) = std::mem::replace(&mut session.state, State::Greeted) else {
        unreachable!("content ends only where it has begun")
    };
    let Content {
        envelope, arriving, ..
    } = *content;
    let id = envelope.id().clone();
    let reply = match session
        .door
        .post
        .accept(&session.client, envelope, arriving, end)
        .await
    {
        Ok(accepted) => Reply::new(250, Status(2, 0, 0), accepted.id.to_string()),
        Err(refusal) => reply::refusal(&refusal, &id),
    };
    session.send(reply);
}
