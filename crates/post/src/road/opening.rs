//! From a connection to the moment where mail can be sent: greeting, EHLO, STARTTLS, login.
//!
//! What never happens here: a choice of host, a second connection, a recipient.

use crate::road::failure::{self, Failure, Scope};
use crate::road::patience::Patience;
use crate::road::policy::NotHere;
use crate::road::talk::{Lost, Talk};
use net::{Authorities, Conn, Random, TlsFailure, TlsInfo, Trust};
use sasl::{ClientExchange, Credentials, Exposure};
use smtp::client::{Event, Extension, Protocol, Request, Stage};
use smtp::{Class, Client, ClientName, Reply, Status};
use std::io::ErrorKind;

/// What TLS must give.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Need {
    /// Nothing: it failed once with this host, and nobody demands it.
    Clear,
    /// It is used where it is offered.
    WhereOffered,
    Required(Trust),
    /// Before the first word.
    AtOnce(Trust),
}

/// How a conversation begins.
pub(crate) struct Opening<'a> {
    pub protocol: Protocol,
    /// What we call ourselves.
    pub name: ClientName,
    /// What the server is called, for TLS.
    pub host: &'a str,
    pub need: Need,
    pub authorities: &'a Authorities,
    pub login: Option<&'a Credentials>,
    pub random: &'a Random,
    pub patience: Patience,
}

/// Why nothing can be sent. The connection is gone.
#[derive(Debug)]
pub(crate) struct NotOpen {
    pub failure: Failure,
    pub reply: Option<Reply>,
    pub why: Option<String>,
    /// TLS was agreed on and then failed; without it the server may serve us.
    pub is_tls_broken: bool,
    /// How TLS failed, if it did.
    pub tls: Option<TlsFailure>,
    /// What a report says of it, where the failure alone does not tell.
    pub status: Option<Status>,
}

impl NotOpen {
    /// Not even a connection.
    pub fn no_connection(error: &std::io::Error) -> NotOpen {
        NotOpen {
            failure: Failure::of_connection(failure::Stage::Connect),
            reply: None,
            why: Some(format!("no connection: {error}")),
            is_tls_broken: false,
            tls: None,
            status: None,
        }
    }

    fn lost(stage: Stage, lost: &Lost) -> NotOpen {
        let failure = Failure::of_connection(failure::Stage::Said(stage));
        NotOpen {
            failure,
            reply: None,
            why: Some(lost.to_string()),
            is_tls_broken: false,
            tls: None,
            status: None,
        }
    }

    fn refused(stage: Stage, reply: Reply) -> NotOpen {
        NotOpen {
            failure: Failure::of_host(stage, reply.class()),
            reply: Some(reply),
            why: None,
            is_tls_broken: false,
            tls: None,
            status: None,
        }
    }

    fn tls(why: impl ToString) -> NotOpen {
        NotOpen {
            failure: Failure::of_tls(),
            reply: None,
            why: Some(why.to_string()),
            is_tls_broken: false,
            tls: None,
            status: None,
        }
    }

    fn of_tls(failure: TlsFailure) -> NotOpen {
        let not_open = NotOpen::tls(&failure);
        NotOpen {
            is_tls_broken: matches!(failure, TlsFailure::Handshake(_)),
            tls: Some(failure),
            ..not_open
        }
    }

    /// Nothing is said to this host.
    pub fn not_here(why: &NotHere) -> NotOpen {
        NotOpen {
            failure: Failure {
                class: why.class(),
                ..Failure::of_tls()
            },
            status: Some(why.status()),
            ..NotOpen::tls(why)
        }
    }

    /// The same for a message that requires TLS: what this host has not, it has not for good, so that
    /// the sender hears of it at once. What may be there a moment later is tried again.
    /// [rfc8689 4.2.1]
    pub fn for_good(self) -> NotOpen {
        let is_trouble = match (&self.tls, &self.reply) {
            // the connection broke; who agrees on nothing says so
            (Some(TlsFailure::Handshake(error)), _) => error.kind() != ErrorKind::InvalidData,
            (_, Some(reply)) => reply.class() != Class::Permanent,
            _ => false,
        };
        let is_of_tls = matches!(
            self.failure.stage,
            failure::Stage::Tls | failure::Stage::Said(Stage::StartTls)
        );
        if is_trouble || !is_of_tls || self.failure.scope == Scope::Connection {
            return self;
        }
        NotOpen {
            failure: Failure {
                class: failure::Class::Permanent,
                ..self.failure
            },
            status: Some(Status(5, 7, 10)),
            ..self
        }
    }

    fn login(why: impl ToString) -> NotOpen {
        NotOpen {
            failure: Failure::of_host(Stage::Auth, Class::Transient),
            reply: None,
            why: Some(why.to_string()),
            is_tls_broken: false,
            tls: None,
            status: None,
        }
    }
}

impl Opening<'_> {
    /// Leads the conversation to where a transaction can begin.
    pub async fn open(&self, conn: Conn) -> Result<Talk, NotOpen> {
        self.open_after(conn, b"").await
    }

    /// The same, where the server has said something already.
    pub async fn open_after(&self, conn: Conn, heard: &[u8]) -> Result<Talk, NotOpen> {
        let conn = match &self.need {
            Need::AtOnce(trust) => {
                let trust = trust.clone();
                let secured = conn.connect_trusting(trust, self.authorities, self.host);
                secured.await.map_err(NotOpen::of_tls)?
            }
            _ => conn,
        };
        let mut client = Client::new(self.protocol, self.name.clone());
        client.receive(heard);
        let mut talk = Talk::new(client, conn, self.patience);
        let greeting = ask(&mut talk, None, Stage::Greeting).await?;
        if greeting.class() != Class::Completion {
            return Err(leave(talk, Stage::Greeting, greeting).await);
        }
        let talk = hello(talk).await?;
        let mut talk = self.secure(talk).await?;
        if let Some(credentials) = self.login {
            self.log_in(&mut talk, credentials).await?;
        }
        Ok(talk)
    }

    /// STARTTLS, where it is offered or demanded. [rfc3207 4]
    async fn secure(&self, mut talk: Talk) -> Result<Talk, NotOpen> {
        let (trust, is_required) = match &self.need {
            Need::Clear | Need::AtOnce(_) => return Ok(talk),
            Need::WhereOffered => (Trust::Anyone, false),
            Need::Required(trust) => (trust.clone(), true),
        };
        if !talk.client().capabilities().offers(Extension::StartTls) {
            return match is_required {
                true => Err(leave_for(talk, NotOpen::tls("the server does not offer TLS")).await),
                false => Ok(talk),
            };
        }
        let reply = ask(&mut talk, Some(Request::StartTls), Stage::StartTls).await?;
        if reply.class() != Class::Completion {
            return match is_required {
                true => Err(leave(talk, Stage::StartTls, reply).await),
                false => without_tls(talk, &reply).await,
            };
        }
        let talk = match talk.start_tls(trust, self.authorities, self.host).await {
            Ok(talk) => talk,
            Err(failure) => return Err(NotOpen::of_tls(failure)),
        };
        // what was offered in the clear counts for nothing [rfc3207 4.2]
        hello(talk).await
    }

    async fn log_in(&self, talk: &mut Talk, credentials: &Credentials) -> Result<(), NotOpen> {
        let offered = talk.client().capabilities().mechanisms();
        let names = offered.iter().map(String::as_str);
        let exposure = exposure(talk.conn());
        let Some(mechanism) = ClientExchange::choose(names, exposure) else {
            let offered = offered.join(" ");
            let why = match exposure {
                Exposure::Private => format!("no login that we know is offered: {offered}"),
                Exposure::Public => format!(
                    "no login is offered that keeps the password secret on a connection \
                     without a verified certificate: {offered}"
                ),
            };
            return Err(NotOpen::login(why));
        };
        let nonce = self.random.token(24);
        let (mut exchange, initial_response) =
            ClientExchange::start_line(mechanism, credentials, &nonce).map_err(NotOpen::login)?;
        talk.send(Request::Auth {
            mechanism: mechanism.name().to_owned(),
            initial_response,
        });
        loop {
            match talk.event().await {
                Ok(Event::Challenge(line)) => match exchange.respond_line(&line) {
                    Ok(response) => talk.send(Request::Response(response)),
                    Err(failure) => {
                        talk.send(Request::CancelAuth);
                        // whatever it says to that
                        let _ = talk.event().await;
                        return Err(NotOpen::login(failure));
                    }
                },
                Ok(Event::Auth(reply)) if reply.class() == Class::Completion => {
                    return match exchange.is_proven() {
                        true => Ok(()),
                        false => Err(NotOpen::login("the server does not know the password")),
                    };
                }
                Ok(Event::Auth(reply) | Event::Closing(reply)) => {
                    return Err(NotOpen::refused(Stage::Auth, reply));
                }
                Ok(other) => return Err(unexpected(Stage::Auth, other)),
                Err(lost) => return Err(NotOpen::lost(Stage::Auth, &lost)),
            }
        }
    }
}

/// Who can hear the password: nobody where the certificate was verified, or on this machine.
fn exposure(conn: &Conn) -> Exposure {
    let verified = conn.tls().is_some_and(is_verified);
    match verified || conn.peer().ip().is_loopback() {
        true => Exposure::Private,
        false => Exposure::Public,
    }
}

fn is_verified(tls: TlsInfo) -> bool {
    matches!(tls.voucher, Some(Ok(_)))
}

/// TLS was offered and then refused. Some servers end the connection then, and serve on one where
/// nobody speaks of TLS. [rfc3207 4]
async fn without_tls(talk: Talk, reply: &Reply) -> Result<Talk, NotOpen> {
    let why = format!("STARTTLS was answered {reply}");
    match hello(talk).await {
        Ok(talk) => Ok(talk.refuses_tls(why)),
        Err(not_open) => Err(NotOpen {
            failure: Failure::of_connection(failure::Stage::Said(Stage::StartTls)),
            why: Some(why),
            is_tls_broken: true,
            ..not_open
        }),
    }
}

/// EHLO, or what it falls back to.
async fn hello(mut talk: Talk) -> Result<Talk, NotOpen> {
    let reply = ask(&mut talk, Some(Request::Hello), Stage::Hello).await?;
    match reply.class() {
        Class::Completion => Ok(talk),
        _ => Err(leave(talk, Stage::Hello, reply).await),
    }
}

/// Says something, and gives the answer. An answer with which the server ends the conversation is an
/// answer like another.
async fn ask(talk: &mut Talk, request: Option<Request>, stage: Stage) -> Result<Reply, NotOpen> {
    if let Some(request) = request {
        talk.send(request);
    }
    match talk.event().await {
        Ok(Event::Greeting(reply) | Event::Hello(reply) | Event::StartTls(reply)) => Ok(reply),
        Ok(Event::Closing(reply)) => Err(NotOpen::refused(stage, reply)),
        Ok(other) => Err(unexpected(stage, other)),
        Err(lost) => Err(NotOpen::lost(stage, &lost)),
    }
}

fn unexpected(stage: Stage, event: Event) -> NotOpen {
    let how = match event {
        Event::Broken(violation) => violation.to_string(),
        other => format!("the server said what it was not asked: {other:?}"),
    };
    NotOpen::lost(stage, &Lost::Broken(how))
}

/// Goes away from a server that does not serve us.
async fn leave(talk: Talk, stage: Stage, reply: Reply) -> NotOpen {
    leave_for(talk, NotOpen::refused(stage, reply)).await
}

async fn leave_for(talk: Talk, why: NotOpen) -> NotOpen {
    talk.quit().await;
    why
}
