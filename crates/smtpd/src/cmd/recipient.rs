//! RCPT: one more recipient, verified at once. [rfc5321 4.1.1.3]

use crate::reply;
use crate::session::{Session, State};
use crate::table::Doing;
use smtp::{Command, RcptParameters, Reply, Status};

pub(crate) fn run(session: &mut Session, command: Command) -> Doing<'_> {
    Box::pin(async move {
        let Command::Rcpt {
            to,
            written_in,
            parameters,
        } = command
        else {
            unreachable!("the table gives RCPT to this function")
        };
        if !session.has_parameters() && parameters != RcptParameters::default() {
            session.send(reply::parameters_after_helo());
            return Ok(());
        }
        let State::Message(envelope) = &mut session.state else {
            unreachable!("the table lets RCPT run only after MAIL")
        };
        let post = &session.door.post;
        match post
            .recipient(&session.client, envelope, to, written_in, parameters)
            .await
        {
            Ok(()) => session.send(Reply::new(250, Status(2, 1, 5), "Recipient ok")),
            Err(refusal) => {
                let reply = reply::refusal(&refusal, envelope.id());
                session.refuse_recipient(reply);
            }
        }
        Ok(())
    })
}
