//! AUTH: carries the lines of a login between the client and `mail`. [rfc4954 4]

use crate::reply;
use crate::session::{End, Session};
use crate::table::Doing;
use mail::{Conversation, LoginRefusal, Progress, Response};
use post::Escaped;
use sasl::Mechanism;
use smtp::{Command, Reply, Status};

pub(crate) fn run(session: &mut Session, command: Command) -> Doing<'_> {
    Box::pin(async move {
        let Command::Auth {
            mechanism,
            initial_response,
        } = command
        else {
            unreachable!("the table gives AUTH to this function")
        };
        if !session.offers_logins() {
            session.bad(Reply::new(
                502,
                Status(5, 5, 1),
                "There are no logins on this port",
            ));
            return Ok(());
        }
        if session.client.login.is_some() {
            session.bad(reply::out_of_order("You are logged in already"));
            return Ok(());
        }
        let not_offered = Reply::new(504, Status(5, 5, 4), "This mechanism is not offered");
        let Some(named) = Mechanism::from_name(mechanism.as_bytes()) else {
            session.bad(not_offered);
            return Ok(());
        };
        if !session.may_log_in_by(named) {
            // the password may have been sent all the same; it is not looked at [rfc4954 6]
            session.bad(Reply::new(
                538,
                Status(5, 7, 11),
                "A login needs TLS, use STARTTLS first",
            ));
            return Ok(());
        }
        let client = session.login_client()?;
        let initial = initial_response.as_deref().map(Response::Line);
        let auth = session.door.mail.auth().clone();
        let begun = auth.begin(client, mechanism.as_bytes(), initial);
        let conn = session.conn.as_mut().ok_or(End::Lost)?;
        match conn.attend(&session.stop, begun).await? {
            Some((conversation, progress)) => go_on(session, conversation, progress),
            None => session.bad(not_offered),
        }
        Ok(())
    })
}

/// The client's next line of a login.
pub(crate) async fn answer(session: &mut Session, line: &[u8]) -> Result<(), End> {
    let Some(mut conversation) = session.conversation.take() else {
        unreachable!("the machine reads such a line only after a 334")
    };
    let work = conversation.respond(Response::Line(line));
    let conn = session.conn.as_mut().ok_or(End::Lost)?;
    let progress = conn.attend(&session.stop, work).await?;
    go_on(session, *conversation, progress);
    Ok(())
}

fn go_on(session: &mut Session, conversation: Conversation, progress: Progress) {
    let peer = session.client.peer;
    match progress {
        Progress::Challenge(challenge) => {
            session.conversation = Some(Box::new(conversation));
            session.send(Reply::plain(334, sasl::encode(&challenge)));
        }
        Progress::Failed(failure) => session.bad(reply::exchange_failure(failure)),
        Progress::LoggedIn(login) => {
            tracing::info!(target: "smtp", session = session.id, %peer, login = %Escaped(login.name()), "login");
            session.entry.belongs_to(login.name());
            session.client.login = Some(login);
            session.set_bare_newlines();
            session.send(Reply::new(235, Status(2, 7, 0), "Welcome"));
        }
        Progress::Refused(refusal) => {
            tracing::info!(target: "smtp", session = session.id, %peer, why = ?refusal, "login refused");
            if let LoginRefusal::Unavailable(fault) = &refusal {
                tracing::error!(target: "smtp", session = session.id, %fault, "fault");
            }
            session.refuse_login(reply::login_refusal(&refusal), &refusal);
        }
    }
}
