//! USER, PASS, APOP [rfc1939 7], RPOP [rfc1081] and AUTH [rfc5034 4]: from AUTHORIZATION to
//! TRANSACTION [rfc1939 4].
//!
//! A password is taken only under TLS, or where the setting allows clear text; APOP, which shows none,
//! also without. Never here: the check of a password (`mail::Auth`), nor its delay after failures.

use crate::folders::{Folders, Named, split_folder};
use crate::reply::{self, Blame, Refused};
use crate::session::{End, Rpop, Session, State};
use crate::table::Doing;
use crate::text::{Language, Text};
use mail::{Conversation, Login, LoginRefusal, Progress, Response, StampAnswer};
use pop::{Code, Mechanism, Reply, Secret};

fn clear_text() -> Refused {
    Refused::new(Text::NotInTheClear)
}

/// Why no password can be sent now; None if it can.
fn no_password(session: &Session) -> Option<Refused> {
    if !session.may_log_in() {
        return Some(clear_text());
    }
    let is_taken = session.takes_passwords();
    (!is_taken).then(|| Refused::new(Text::NoPasswords))
}

/// Every name is taken, whether it exists or not: a client learns nothing from the answer.
pub(crate) fn user(session: &mut Session, name: String) -> Doing<'_> {
    Box::pin(async move {
        // the system of this machine needs none
        if session.rpop != Rpop::User
            && let Some(refused) = no_password(session)
        {
            session.refuse(&refused);
            return Ok(());
        }
        session.state = State::Authorization { user: Some(name) };
        session.ok(&Text::NowThePassword);
        Ok(())
    })
}

pub(crate) fn pass(session: &mut Session, password: Secret) -> Doing<'_> {
    Box::pin(async move {
        match (session.take_user(), no_password(session)) {
            (Some(name), None) => log_in(session, &name, &password.0).await,
            (None, _) if session.may_log_in() => session.bad(Text::UserFirst),
            (_, refused) => {
                session.refuse(&refused.unwrap_or_else(clear_text));
                Ok(())
            }
        }
    })
}

/// Offered where the greeting has a stamp, because an account asked for it. Its clients often know no
/// TLS, and it shows no password, so none is needed.
pub(crate) fn apop(session: &mut Session, name: String, digest: String) -> Doing<'_> {
    Box::pin(async move {
        let Some(stamp) = &session.stamp else {
            return session.bad(Text::NoApop);
        };
        let digest = digest.as_str();
        let (name, folder) = split_folder(&name);
        let folder = folder.map(str::to_owned);
        let conn = session.conn.as_mut().ok_or(End::Lost)?;
        let peer = conn.peer().ip();
        let auth = session.door.mail.auth();
        let proof = auth.login_by_stamp(name, StampAnswer { stamp, digest }, peer, "pop3");
        let proof = conn.attend(&session.stop, proof).await?;
        let named = Named { user: None, folder };
        finish_as(session, proof, named).await
    })
}

/// In place of PASS [rfc1081]. From the system of this machine the word is the user who asks, who must
/// be the account's owner. Any other program of this machine says the password, as fetchmail does.
pub(crate) fn rpop(session: &mut Session, word: Secret) -> Doing<'_> {
    match session.rpop {
        Rpop::User => by_system(session, word),
        Rpop::Password => pass(session, word),
        Rpop::NotOffered => Box::pin(async move { session.bad(Text::UnknownCommand) }),
    }
}

fn by_system(session: &mut Session, word: Secret) -> Doing<'_> {
    Box::pin(async move {
        let Some(name) = session.take_user() else {
            return session.bad(Text::UserFirst);
        };
        let mut user = String::from_utf8_lossy(word.0.trim_ascii()).into_owned();
        if let Some(domain) = &session.door.settings.local_domain
            && !user.contains('@')
        {
            user = format!("{user}@{domain}");
        }
        let (name, folder) = split_folder(&name);
        let folder = folder.map(str::to_owned);
        let conn = session.conn.as_mut().ok_or(End::Lost)?;
        let peer = conn.peer();
        let auth = session.door.mail.auth();
        let proof = auth.login_by_system(name, &user, peer, "pop3");
        let proof = conn.attend(&session.stop, proof).await?;
        let named = Named { user: None, folder };
        finish_as(session, proof, named).await
    })
}

/// Without a mechanism it lists them, as RFC 1734 clients expect.
pub(crate) fn auth(session: &mut Session, mechanism: Option<Mechanism>) -> Doing<'_> {
    Box::pin(async move {
        if !session.may_log_in() {
            session.refuse(&clear_text());
            return Ok(());
        }
        let Some(mechanism) = mechanism else {
            session.begin(&Text::MechanismsFollow);
            for name in session.mechanisms() {
                session.machine.send(Reply::Line(name));
            }
            session.machine.send(Reply::End);
            return Ok(());
        };
        let client = session.login_client()?;
        let initial = mechanism.initial.as_ref().map(|secret| secret.0.as_slice());
        let auth = session.door.mail.auth().clone();
        let begun = auth.begin(
            client,
            mechanism.name.as_bytes(),
            initial.map(Response::Line),
        );
        let conn = session.conn.as_mut().ok_or(End::Lost)?;
        match conn.attend(&session.stop, begun).await? {
            Some((conversation, progress)) => go_on(session, conversation, progress).await,
            None => session.bad(Text::MechanismNotOffered),
        }
    })
}

/// The client's answer to a challenge, as it stands on the line.
pub(crate) async fn answer(session: &mut Session, line: &[u8]) -> Result<(), End> {
    let Some(mut conversation) = session.conversation.take() else {
        return session.bad(Text::NoExchange);
    };
    let work = conversation.respond(Response::Line(line));
    let conn = session.conn.as_mut().ok_or(End::Lost)?;
    let progress = conn.attend(&session.stop, work).await?;
    go_on(session, *conversation, progress).await
}

async fn go_on(
    session: &mut Session,
    conversation: Conversation,
    progress: Progress,
) -> Result<(), End> {
    match progress {
        Progress::Challenge(challenge) => {
            session.conversation = Some(Box::new(conversation));
            let challenge = sasl::encode(&challenge);
            session.machine.send(Reply::Challenge(&challenge));
            Ok(())
        }
        Progress::LoggedIn(login) => finish(session, Ok(login)).await,
        Progress::Refused(refusal) => finish(session, Err(refusal)).await,
        Progress::Failed(failure) => match failure {
            sasl::Failure::Cancelled => session.bad(Text::Cancelled),
            sasl::Failure::BadBase64 => session.bad(Text::NotBase64),
            sasl::Failure::TooLong => session.bad(Text::AnswerTooLong),
            sasl::Failure::Malformed => session.bad(Text::AnswerMalformed),
            sasl::Failure::OtherIdentity => session.bad(Text::OtherIdentity),
            sasl::Failure::Channel => {
                session.refuse(&Refused::with(Code::Auth, Text::NotBound));
                session.failed_login()
            }
            sasl::Failure::WrongProof | sasl::Failure::Refused => {
                finish(session, Err(LoginRefusal::Wrong)).await
            }
        },
    }
}

async fn log_in(session: &mut Session, name: &str, password: &[u8]) -> Result<(), End> {
    let (name, folder) = split_folder(name);
    let folder = folder.map(str::to_owned);
    let conn = session.conn.as_mut().ok_or(End::Lost)?;
    let peer = conn.peer().ip();
    let auth = session.door.mail.auth();
    let host = auth.login_to_host(name, password, peer, "pop3");
    let host = conn.attend(&session.stop, host).await?;
    if let Some(proof) = host {
        return match proof {
            Ok(host) => {
                let user = host.user;
                finish_as(session, Ok(host.login), Named { user, folder }).await
            }
            Err(refusal) => finish(session, Err(refusal)).await,
        };
    }
    let auth = session.door.mail.auth();
    let proof = auth.login(name, password, peer, "pop3");
    let conn = session.conn.as_mut().ok_or(End::Lost)?;
    let proof = conn.attend(&session.stop, proof).await?;
    let named = Named { user: None, folder };
    finish_as(session, proof, named).await
}

/// What a login leads to, whichever way it came: INBOX is opened as it is now.
async fn finish(session: &mut Session, proof: Result<Login, LoginRefusal>) -> Result<(), End> {
    finish_as(session, proof, Named::default()).await
}

/// The same, with what the name said beyond the account.
async fn finish_as(
    session: &mut Session,
    proof: Result<Login, LoginRefusal>,
    named: Named,
) -> Result<(), End> {
    let login = match proof {
        Ok(login) => login,
        Err(refusal) => {
            let (blame, refused) = reply::login(&refusal, session.id);
            tracing::info!(
                door = "pop3",
                session = session.id,
                why = %refused.text.in_language(Language::English),
                "login refused"
            );
            session.refuse(&refused);
            return match blame {
                Blame::Client => session.failed_login(),
                Blame::Server => Ok(()),
            };
        }
    };
    let every = session.door.settings.login_delay;
    if let Err(seconds) = session.door.logins.admit(login.account_id(), every) {
        // only now: before the proof it would tell that there is such an account [rfc2449 8.1.1]
        let text = Text::LoginDelay(seconds);
        session.refuse(&Refused::with(Code::LoginDelay, text));
        return Ok(());
    }
    let account = (session.door.mail.account(&login), login.clone());
    let now = session.door.mail.clock().now();
    match Folders::open(account, named, session.speech, (now, session.id)).await {
        Ok(folders) => {
            tracing::info!(
                door = "pop3",
                session = session.id,
                name = login.name(),
                "login"
            );
            session.entry.belongs_to(login.name());
            session.state = State::Transaction(Box::new(folders));
            session.door.logins.note(login.account_id(), every);
            session.ok(&Text::MaildropReady);
        }
        Err(refused) => session.refuse(&refused),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_clear_text_login_blames_no_password() {
        // [rfc3206 5]
        assert_ne!(clear_text().code, Some(Code::Auth));
    }
}
