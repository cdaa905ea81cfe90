//! MAIL: begins a message. [rfc5321 4.1.1.2]

use crate::reply;
use crate::session::{Session, State};
use crate::table::Doing;
use smtp::{Command, Reply, Status};

pub(crate) fn run(session: &mut Session, command: Command) -> Doing<'_> {
    Box::pin(async move {
        let Command::Mail {
            from,
            written_in,
            parameters,
        } = command
        else {
            unreachable!("the table gives MAIL to this function")
        };
        let post = &session.door.post;
        match post
            .sender(&session.client, from, written_in, &parameters)
            .await
        {
            Ok(envelope) => {
                session.state = State::Message(envelope);
                session.send(Reply::new(250, Status(2, 1, 0), "Sender ok"));
            }
            Err(refused) => session.send(reply::refusal(&refused.refusal, &refused.id)),
        }
        Ok(())
    })
}
