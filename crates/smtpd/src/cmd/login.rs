//! AUTH: the exchange of a mechanism, then the password's proof by `mail`. [rfc4954 4]

use crate::reply;
use crate::session::{End, Session};
use crate::table::Doing;
use mail::LoginRefusal;
use post::Escaped;
use sasl::{Credentials, Exchange, Mechanism, Step};
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
        let Some(mechanism) = Mechanism::from_name(mechanism.as_bytes()) else {
            session.bad(Reply::new(
                504,
                Status(5, 5, 4),
                "This mechanism is not offered",
            ));
            return Ok(());
        };
        if !session.may_log_in() {
            // the password may have been sent all the same; it is not looked at [rfc4954 6]
            session.bad(Reply::new(
                538,
                Status(5, 7, 11),
                "A login needs TLS, use STARTTLS first",
            ));
            return Ok(());
        }
        let (exchange, step) = Exchange::start_line(mechanism, initial_response.as_deref());
        go_on(session, exchange, step).await
    })
}

/// The client's next line of an exchange.
pub(crate) async fn answer(session: &mut Session, line: &[u8]) -> Result<(), End> {
    let Some(mut exchange) = session.exchange.take() else {
        unreachable!("the machine reads such a line only after a 334")
    };
    let step = exchange.respond_line(line);
    go_on(session, exchange, step).await
}

async fn go_on(session: &mut Session, exchange: Exchange, step: Step) -> Result<(), End> {
    match step {
        Step::Challenge(challenge) => {
            session.exchange = Some(exchange);
            session.send(Reply::plain(334, sasl::encode(&challenge)));
        }
        Step::Failed(failure) => session.bad(reply::exchange_failure(failure)),
        Step::Credentials(credentials) => prove(session, credentials).await?,
    }
    Ok(())
}

async fn prove(session: &mut Session, credentials: Credentials) -> Result<(), End> {
    let Credentials {
        authcid: name,
        password,
        ..
    } = credentials;
    let peer = session.client.peer;
    let auth = session.door.mail.auth();
    let proof = auth.login(&name, &password, peer.ip(), "smtp");
    let conn = session.conn.as_mut().ok_or(End::Lost)?;
    match conn.attend(&session.stop, proof).await? {
        Ok(login) => {
            tracing::info!(target: "smtp", session = session.id, %peer, login = %Escaped(login.name()), "login");
            session.client.login = Some(login);
            session.set_bare_newlines();
            session.send(Reply::new(235, Status(2, 7, 0), "Welcome"));
        }
        Err(refusal) => {
            tracing::info!(target: "smtp", session = session.id, %peer, login = %Escaped(&name), why = ?refusal, "login refused");
            if let LoginRefusal::Unavailable(fault) = &refusal {
                tracing::error!(target: "smtp", session = session.id, %fault, "fault");
            }
            session.refuse_login(reply::login_refusal(&refusal), &refusal);
        }
    }
    Ok(())
}
