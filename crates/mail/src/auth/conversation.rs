//! One login by a SASL mechanism: the exchange of `sasl`, with the look-ups and the decisions that
//! it asks for. All doors log in through this; they only carry lines to and fro.
//!
//! Keys are given out to whoever asks, made up where there are none; the throttle is asked before
//! a proof counts. What never happens here: the grammar of a mechanism, a door's words.

use super::{Auth, LoginRefusal, keys, too_many};
use crate::directory::LoginRecord;
use crate::proof::Login;
use net::{ChannelBindings, ClientCertificate, Source};
use sasl::{
    Bindings, Claim, CramKeys, Exchange, Failure, Hash, MECHANISMS, Mechanism, Needs, ScramKeys,
    Step, Terms,
};
use std::net::IpAddr;
use std::sync::Arc;

/// Letters of the server's nonce, nearly 5 bits each.
const NONCE_LETTERS: usize = 28;

/// What a door knows of a client that may log in.
#[derive(Clone, Debug)]
pub struct LoginClient {
    /// For log lines.
    pub door: &'static str,
    pub peer: IpAddr,
    pub(super) bindings: Bindings,
    pub(super) certificate: Option<ClientCertificate>,
    plus: Plus,
    /// Our name, where CRAM-MD5 is taken.
    shared_key_as: Option<Arc<str>>,
}

/// Whether the client was told that a login can be bound to its TLS connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Plus {
    Announced,
    Quiet,
}

impl LoginClient {
    /// The client of this connection as it is now; after STARTTLS it is another.
    pub fn of(conn: &net::Conn, door: &'static str) -> LoginClient {
        let ChannelBindings {
            exporter,
            server_end_point,
        } = conn.channel_bindings();
        LoginClient {
            door,
            peer: conn.peer().ip(),
            bindings: Bindings {
                exporter: exporter.map(|data| data.to_vec()),
                server_end_point,
            },
            certificate: conn.client_certificate(),
            plus: Plus::Announced,
            shared_key_as: None,
        }
    }

    /// The same at a door where accounts that asked for it may log in by CRAM-MD5; the challenge
    /// has our name.
    pub fn with_shared_keys(self, host: &str) -> LoginClient {
        LoginClient {
            shared_key_as: Some(host.into()),
            ..self
        }
    }

    /// The same for a door that does not announce mechanisms that are bound to TLS; whoever names
    /// one gets it all the same.
    pub fn without_plus(self) -> LoginClient {
        LoginClient {
            plus: Plus::Quiet,
            ..self
        }
    }
}

/// A client's message, as the door has it.
#[derive(Clone, Copy, Debug)]
pub enum Response<'a> {
    /// A line without its end: base64, or `*`; an initial response may be `=`.
    Line(&'a [u8]),
    /// The decoded message.
    Message(&'a [u8]),
}

/// Where a conversation stands.
#[derive(Debug)]
pub enum Progress {
    /// Send it (on a wire in base64), read the client's answer.
    Challenge(Vec<u8>),
    /// It is over.
    LoggedIn(Login),
    /// It is over, and counts as a failed login if the refusal is the client's case.
    Refused(LoginRefusal),
    /// It is over; the client said what no mechanism's grammar has, or `*`.
    Failed(Failure),
}

/// One login by a mechanism, from the command to the end.
pub struct Conversation {
    auth: Auth,
    client: LoginClient,
    mechanism: Mechanism,
    exchange: Exchange,
    /// SCRAM and CRAM-MD5: who was asked for, and what keys were given.
    asked: Option<Asked>,
    accepted: Option<Login>,
    refusal: Option<LoginRefusal>,
}

struct Asked {
    name: String,
    given: Given,
}

/// What an account has, or what stands for it.
#[derive(Clone, PartialEq, Eq)]
enum Given {
    Scram(Hash, ScramKeys),
    Shared(CramKeys),
}

impl Auth {
    /// The mechanisms that can lead to a login on this connection, in the order in which they are
    /// offered. Whether logins are taken here at all, without TLS for instance, the door decides.
    pub fn offered(&self, client: &LoginClient) -> Vec<Mechanism> {
        let quiet = |mechanism: &Mechanism| {
            let bound = matches!(mechanism.needs(), Needs::KeysAndBinding(_));
            bound && client.plus == Plus::Quiet
        };
        let mut offered = self.taken(client);
        offered.retain(|mechanism| !quiet(mechanism));
        offered
    }

    /// Those, and what is not told.
    fn taken(&self, client: &LoginClient) -> Vec<Mechanism> {
        let can = |mechanism: &Mechanism| match mechanism.needs() {
            // Below TLS 1.3 clients bind to tls-unique, which rustls does not give away, rather
            // than to what is left: they get in without binding, and not at all if it is offered.
            Needs::KeysAndBinding(_) => client.bindings.exporter.is_some(),
            Needs::Certificate => client.certificate.is_some(),
            Needs::SharedKey => client.shared_key_as.is_some(),
            Needs::Keys(_) | Needs::Password | Needs::Issuer => true,
        };
        MECHANISMS
            .iter()
            .map(|row| row.mechanism)
            .filter(|mechanism| self.gate.takes(*mechanism) && can(mechanism))
            .collect()
    }

    /// Begins a login by a mechanism. None: it is not taken on this connection.
    pub async fn begin(
        &self,
        client: LoginClient,
        mechanism: &[u8],
        initial: Option<Response<'_>>,
    ) -> Option<(Conversation, Progress)> {
        let (offered, taken) = (self.offered(&client), self.taken(&client));
        let mechanism = Mechanism::from_name(mechanism).filter(|m| taken.contains(m))?;
        let nonce = self.gate.random.token(NONCE_LETTERS);
        let terms = Terms {
            nonce: &nonce,
            host: client.shared_key_as.as_deref().unwrap_or_default(),
            bindings: &client.bindings,
            offered: &offered,
        };
        let (exchange, step) = match initial {
            None => Exchange::start(mechanism, terms, None),
            Some(Response::Message(message)) => Exchange::start(mechanism, terms, Some(message)),
            Some(Response::Line(line)) => Exchange::start_line(mechanism, terms, Some(line)),
        };
        let mut conversation = Conversation {
            auth: self.clone(),
            client,
            mechanism,
            exchange,
            asked: None,
            accepted: None,
            refusal: None,
        };
        let progress = conversation.go_on(step).await;
        Some((conversation, progress))
    }

    /// The keys of a name, or what stands for them; all of it is done for every name.
    async fn keys(&self, name: &str, hash: Hash) -> Result<ScramKeys, LoginRefusal> {
        let (secret, known_as) = self.known_as(name).await?;
        let stand_in = keys::stand_in(secret, hash, &known_as);
        let record = self.record(name)?;
        let kept = record
            .as_ref()
            .and_then(|r| r.verifiers.as_ref()?.keys(hash));
        Ok(kept.unwrap_or(stand_in))
    }

    /// The same for CRAM-MD5.
    async fn shared_key(&self, name: &str) -> Result<CramKeys, LoginRefusal> {
        let (secret, known_as) = self.known_as(name).await?;
        let stand_in = keys::shared_stand_in(secret, &known_as);
        let record = self.record(name)?;
        let kept = record
            .as_ref()
            .and_then(|r| r.verifiers.as_ref()?.shared_key());
        Ok(kept.unwrap_or(stand_in))
    }

    /// What stand-ins are made of.
    async fn known_as(&self, name: &str) -> Result<(&keys::Secret, String), LoginRefusal> {
        let read = || self.directory.secret(&self.gate.random);
        let secret = self.gate.secret.get_or_try_init(read).await;
        let secret = secret.map_err(LoginRefusal::Unavailable)?;
        let known_as = self.directory.login_key(name);
        Ok((secret, known_as.map_err(LoginRefusal::Unavailable)?))
    }

    /// A proof was right for these keys: are they still the account's?
    async fn proved(&self, asked: &Asked, from: Source) -> Result<Login, LoginRefusal> {
        let record = self.record(&asked.name)?;
        let attempt = self.gate.attempt(&asked.name, record.as_ref(), from);
        self.gate.throttle.admit(attempt).map_err(too_many)?;
        let is_kept = record
            .as_ref()
            .is_some_and(|record| asked.given.is_kept(record));
        match record {
            Some(record) if is_kept => {
                self.gate.throttle.succeeded(attempt);
                Ok(record.login())
            }
            _ => self.failed(attempt).await,
        }
    }

    /// A proof was wrong.
    async fn not_proved(&self, asked: &Asked, from: Source) -> Result<Login, LoginRefusal> {
        let record = self.record(&asked.name)?;
        let attempt = self.gate.attempt(&asked.name, record.as_ref(), from);
        self.gate.throttle.admit(attempt).map_err(too_many)?;
        self.failed(attempt).await
    }

    pub(super) async fn failed<T>(&self, attempt: super::Attempt) -> Result<T, LoginRefusal> {
        self.gate.fail(attempt).await?;
        Err(LoginRefusal::Wrong)
    }
}

impl Given {
    /// Whether the account has it still.
    fn is_kept(&self, record: &LoginRecord) -> bool {
        let verifiers = record.verifiers.as_ref();
        verifiers.is_some_and(|verifiers| match self {
            Given::Scram(hash, keys) => verifiers.keys(*hash).as_ref() == Some(keys),
            Given::Shared(keys) => verifiers.shared_key().as_ref() == Some(keys),
        })
    }
}

impl Conversation {
    /// The client's answer to the last challenge. May take seconds, and be dropped when nobody
    /// waits for it any more.
    pub async fn respond(&mut self, response: Response<'_>) -> Progress {
        let step = match response {
            Response::Line(line) => self.exchange.respond_line(line),
            Response::Message(message) => self.exchange.respond(message),
        };
        self.go_on(step).await
    }

    async fn go_on(&mut self, mut step: Step) -> Progress {
        loop {
            step = match step {
                Step::Challenge(challenge) => return Progress::Challenge(challenge),
                Step::Keys { name, hash } => match self.auth.keys(&name, hash).await {
                    Ok(keys) => {
                        let given = Given::Scram(hash, keys.clone());
                        self.asked = Some(Asked { name, given });
                        self.exchange.keys(keys)
                    }
                    Err(refusal) => return Progress::Refused(refusal),
                },
                Step::SharedKey { name } => match self.auth.shared_key(&name).await {
                    Ok(keys) => {
                        let step = self.exchange.shared_key(&keys);
                        let given = Given::Shared(keys);
                        self.asked = Some(Asked { name, given });
                        step
                    }
                    Err(refusal) => return Progress::Refused(refusal),
                },
                Step::Check(claim) => match self.check(claim).await {
                    Ok(login) => {
                        self.accepted = Some(login);
                        self.exchange.accept()
                    }
                    Err(refusal) => match self.auth.told_of(&refusal) {
                        Some(told) => {
                            self.refusal = Some(refusal);
                            self.exchange.refuse(&told)
                        }
                        None => return Progress::Refused(refusal),
                    },
                },
                Step::Done => {
                    let login = self.accepted.take().ok_or(LoginRefusal::Wrong);
                    return login.map_or_else(Progress::Refused, Progress::LoggedIn);
                }
                Step::Failed(Failure::WrongProof) => return self.wrong_proof().await,
                Step::Failed(Failure::Refused) => {
                    let refusal = self.refusal.take().unwrap_or(LoginRefusal::Wrong);
                    return Progress::Refused(refusal);
                }
                Step::Failed(failure) => return Progress::Failed(failure),
            };
        }
    }

    /// Passwords are told of in the log by `login`; all others here.
    async fn check(&mut self, claim: Claim) -> Result<Login, LoginRefusal> {
        let LoginClient { door, peer, .. } = self.client;
        let from = Source::of(peer);
        let (name, result) = match claim {
            Claim::Password(who) => {
                let login = self.auth.login(&who.name, &who.password, peer, door);
                return login.await;
            }
            Claim::Proof { name } => match &self.asked {
                Some(asked) => (name, self.auth.proved(asked, from).await),
                None => (name, Err(LoginRefusal::Wrong)),
            },
            Claim::Certificate { name } => {
                let shown = self.client.certificate.as_ref();
                let result = self.auth.by_certificate(shown, name.as_deref(), from).await;
                (name.unwrap_or_default(), result)
            }
            Claim::Token(bearer) => {
                let result = self.auth.by_token(&bearer, from).await;
                (bearer.name.unwrap_or_default(), result)
            }
        };
        self.auth
            .told((door, peer), self.mechanism.name(), &name, &result);
        result
    }

    async fn wrong_proof(&mut self) -> Progress {
        let LoginClient { door, peer, .. } = self.client;
        let Some(asked) = &self.asked else {
            return Progress::Refused(LoginRefusal::Wrong);
        };
        let result = self.auth.not_proved(asked, Source::of(peer)).await;
        self.auth
            .told((door, peer), self.mechanism.name(), &asked.name, &result);
        Progress::Refused(result.err().unwrap_or(LoginRefusal::Wrong))
    }
}
