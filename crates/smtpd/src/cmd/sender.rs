//! MAIL: begins a message. [rfc5321 4.1.1.2]

use crate::reply;
use crate::session::{Session, State};
use crate::table::Doing;
use smtp::{Command, MailParameters, Protection, Reply, Status};

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
        if !session.counts_transaction() {
            return Ok(());
        }
        if !session.has_parameters() && parameters != MailParameters::default() {
            session.send(reply::parameters_after_helo());
            return Ok(());
        }
        let required = parameters.protection == Protection::Required;
        if required && session.client.tls.is_none() {
            session.send(reply::require_tls_without_tls());
            return Ok(());
        }
        let post = &session.door.post;
        match post
            .sender(&session.client, from, written_in, parameters)
            .await
        {
            Ok(envelope) => {
                session.send(match envelope.other_priority() {
                    None => Reply::new(250, Status(2, 1, 0), "Sender ok"),
                    Some(priority) => reply::other_priority(priority),
                });
                session.state = State::Message(Box::new(envelope));
            }
            Err(refused) => session.send(reply::refusal(&refused.refusal, &refused.id)),
        }
        Ok(())
    })
}
