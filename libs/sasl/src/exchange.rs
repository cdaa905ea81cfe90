//! One exchange of one client: from the mechanism's name to a claim, and from what the caller says
//! of the claim to the end.
//!
//! A claim is what the client says; nothing here knows whether it is right, but for SCRAM's proof,
//! which is computed here from keys that the caller brings.

use crate::bearer::{self, Bearer, TokenRefusal};
use crate::cram::{self, CramKeys};
use crate::hash::{Hash, ScramKeys};
use crate::line;
use crate::mechanism::{Bindings, Mechanism, Needs};
use crate::plain::{identity, maybe_identity, password, plain};
use crate::scram::{self, Binding};
use std::fmt;

/// A name and a password. Debug shows no password.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Credentials {
    pub name: String,
    pub password: Vec<u8>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What the client says about itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Claim {
    /// Whoever has this name and this password.
    Password(Credentials),
    /// This name, and the proof of its keys was right.
    Proof { name: String },
    /// Whom the certificate of the TLS handshake names; None: the certificate alone says who.
    Certificate { name: Option<String> },
    /// Whom this token names.
    Token(Bearer),
}

/// Why an exchange ended. Display is safe to show to the client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The client sent `*`.
    Cancelled,
    BadBase64,
    /// A line, an identity or a password over its limit.
    TooLong,
    /// Not what the mechanism's grammar says.
    Malformed,
    /// The client wants to act as somebody else than it is.
    OtherIdentity,
    /// The exchange is not bound to this connection as it must be.
    Channel,
    /// SCRAM, CRAM-MD5: not the proof of these keys.
    WrongProof,
    /// The caller refused the claim.
    Refused,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Failure::Cancelled => "authentication cancelled",
            Failure::BadBase64 => "not valid base64",
            Failure::TooLong => "authentication data too long",
            Failure::Malformed => "authentication data not as the mechanism says",
            Failure::OtherIdentity => "not authorized to act as another identity",
            Failure::Channel => "channel binding does not fit this connection",
            Failure::WrongProof | Failure::Refused => "authentication failed",
        })
    }
}

impl std::error::Error for Failure {}

/// What to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Send this (on a wire as `encode` has it), read a line, call `respond`.
    Challenge(Vec<u8>),
    /// Look up these keys, call `keys`. For somebody who has none, make some up that nobody can
    /// tell from real ones.
    Keys { name: String, hash: Hash },
    /// Look up the key of this name for CRAM-MD5, call `shared_key`; as above for those without one.
    SharedKey { name: String },
    /// Look whether this is so, call `accept` or `refuse`.
    Check(Claim),
    /// The exchange is over: what was accepted holds.
    Done,
    /// The exchange is over.
    Failed(Failure),
}

/// What an exchange must know of its connection.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// For SCRAM: new in each exchange, of at least 18 random letters; printable, no comma. For
    /// CRAM-MD5 it goes before the host.
    pub nonce: &'a str,
    /// Our name, in the challenge of CRAM-MD5.
    pub host: &'a str,
    pub bindings: &'a Bindings,
    /// The mechanisms that the client was told of.
    pub offered: &'a [Mechanism],
}

/// One running exchange. After Done or Failed it is over and fails whatever comes.
pub struct Exchange(State);

/// What is awaited.
enum State {
    PlainMessage,
    LoginName,
    LoginPassword {
        name: String,
    },
    External,
    Token(Form),
    ScramFirst(ScramTerms),
    /// `keys`
    Keys(scram::First),
    ScramLast(scram::Last),
    CramAnswer {
        challenge: String,
    },
    /// `shared_key`
    SharedKey {
        challenge: String,
        answer: cram::Answer,
    },
    /// `accept` or `refuse`
    Verdict(Verdict),
    /// The client has nothing more to say, and must say so.
    NothingMore,
    /// Whatever the client says after its token was refused.
    AfterRefusal,
    Over,
}

/// What follows on a verdict.
enum Verdict {
    Plain,
    /// SCRAM's last word, by which the client sees that we know its keys.
    Last(Vec<u8>),
    Token(Form),
}

/// How a token is wrapped.
#[derive(Clone, Copy)]
enum Form {
    OAuthBearer,
    XOAuth2,
}

/// `Terms` that live as long as the exchange.
struct ScramTerms {
    hash: Hash,
    binding: Binding,
    nonce: String,
    bindings: Bindings,
    offered: Vec<Mechanism>,
}

impl Exchange {
    /// Starts with the decoded initial response, None if the client sent none.
    pub fn start(
        mechanism: Mechanism,
        terms: Terms<'_>,
        initial_response: Option<&[u8]>,
    ) -> (Exchange, Step) {
        let mut exchange = Exchange(State::begin(mechanism, terms));
        let step = match (initial_response, mechanism) {
            // nobody can answer what was not asked [rfc2195 2]
            (Some(_), Mechanism::CramMd5) => exchange.fail(Failure::Malformed),
            (Some(response), _) => exchange.respond(response),
            // the draft's "User Name" is not understood by clients that look at it (section 2.2)
            (None, Mechanism::Login) => Step::Challenge(b"Username:".to_vec()),
            (None, Mechanism::CramMd5) => Step::Challenge(challenge(terms).into_bytes()),
            // [rfc4616 2] the client speaks first, so the challenge is empty
            (None, _) => Step::Challenge(Vec::new()),
        };
        (exchange, step)
    }

    /// The client's decoded answer to the last challenge.
    pub fn respond(&mut self, response: &[u8]) -> Step {
        self.advance(response).unwrap_or_else(Step::Failed)
    }

    /// As `start`, with the initial response as it stands on the wire: base64, `=` for an empty one.
    pub fn start_line(
        mechanism: Mechanism,
        terms: Terms<'_>,
        initial: Option<&[u8]>,
    ) -> (Exchange, Step) {
        match initial.map(line::decode_initial).transpose() {
            Ok(initial) => Exchange::start(mechanism, terms, initial.as_deref()),
            Err(failure) => (Exchange(State::Over), Step::Failed(failure)),
        }
    }

    /// As `respond`, with a line as it stands on the wire without its line end: base64, or `*`.
    pub fn respond_line(&mut self, line: &[u8]) -> Step {
        match line::decode(line) {
            Ok(response) => self.respond(&response),
            Err(failure) => self.fail(failure),
        }
    }

    /// Ends it with a failure that the wire's own machine saw, such as a line too long.
    pub fn fail(&mut self, failure: Failure) -> Step {
        self.0 = State::Over;
        Step::Failed(failure)
    }

    /// The keys that `Step::Keys` asked for.
    pub fn keys(&mut self, keys: ScramKeys) -> Step {
        match std::mem::replace(&mut self.0, State::Over) {
            State::Keys(first) => {
                let (last, challenge) = first.with_keys(keys);
                self.0 = State::ScramLast(last);
                Step::Challenge(challenge)
            }
            _ => Step::Failed(Failure::Malformed),
        }
    }

    /// The key that `Step::SharedKey` asked for.
    pub fn shared_key(&mut self, keys: &CramKeys) -> Step {
        match std::mem::replace(&mut self.0, State::Over) {
            State::SharedKey { challenge, answer } => {
                match answer.is_of(keys, challenge.as_bytes()) {
                    true => self.check(Claim::Proof { name: answer.name }, Verdict::Plain),
                    false => Step::Failed(Failure::WrongProof),
                }
            }
            _ => Step::Failed(Failure::Malformed),
        }
    }

    /// The claim of `Step::Check` holds. SMTP, IMAP and POP3 have no place for data beside their
    /// OK, so SCRAM's last word is one more challenge, and the client's answer empty
    /// [rfc5802 5] [rfc4954 4] [rfc5034 4].
    pub fn accept(&mut self) -> Step {
        match std::mem::replace(&mut self.0, State::Over) {
            State::Verdict(Verdict::Last(server_final)) => {
                self.0 = State::NothingMore;
                Step::Challenge(server_final)
            }
            State::Verdict(Verdict::Plain | Verdict::Token(_)) => Step::Done,
            _ => Step::Failed(Failure::Malformed),
        }
    }

    /// The claim of `Step::Check` does not hold. Of a token the client is told what would help;
    /// its answer to that does not matter. [rfc7628 3.2.3]
    pub fn refuse(&mut self, told: &TokenRefusal) -> Step {
        match std::mem::replace(&mut self.0, State::Over) {
            State::Verdict(Verdict::Token(form)) => {
                self.0 = State::AfterRefusal;
                Step::Challenge(match form {
                    Form::OAuthBearer => bearer::oauthbearer_error(told),
                    Form::XOAuth2 => bearer::xoauth2_error(told),
                })
            }
            _ => Step::Failed(Failure::Refused),
        }
    }

    fn advance(&mut self, response: &[u8]) -> Result<Step, Failure> {
        match std::mem::replace(&mut self.0, State::Over) {
            State::PlainMessage => {
                Ok(self.check(Claim::Password(plain(response)?), Verdict::Plain))
            }
            State::LoginName => {
                let name = identity(response)?;
                self.0 = State::LoginPassword { name };
                Ok(Step::Challenge(b"Password:".to_vec()))
            }
            State::LoginPassword { name } => {
                let password = password(response)?;
                let claim = Claim::Password(Credentials { name, password });
                Ok(self.check(claim, Verdict::Plain))
            }
            // [rfc4422 A] the message is the authorization identity, or empty
            State::External => {
                let name = maybe_identity(response)?;
                Ok(self.check(Claim::Certificate { name }, Verdict::Plain))
            }
            State::Token(form) => {
                let bearer = match form {
                    Form::OAuthBearer => bearer::oauthbearer(response)?,
                    Form::XOAuth2 => bearer::xoauth2(response)?,
                };
                Ok(self.check(Claim::Token(bearer), Verdict::Token(form)))
            }
            State::ScramFirst(terms) => {
                let first = scram::first(terms.hash, terms.binding, &terms.borrow(), response)?;
                let (name, hash) = (first.name.clone(), first.hash);
                self.0 = State::Keys(first);
                Ok(Step::Keys { name, hash })
            }
            State::ScramLast(last) => {
                let proven = last.check(response)?;
                let claim = Claim::Proof { name: proven.name };
                Ok(self.check(claim, Verdict::Last(proven.server_final)))
            }
            State::CramAnswer { challenge } => {
                let answer = cram::Answer::read(response)?;
                let name = answer.name.clone();
                self.0 = State::SharedKey { challenge, answer };
                Ok(Step::SharedKey { name })
            }
            State::NothingMore if response.is_empty() => Ok(Step::Done),
            State::AfterRefusal => Err(Failure::Refused),
            State::NothingMore
            | State::Keys(_)
            | State::SharedKey { .. }
            | State::Verdict(_)
            | State::Over => Err(Failure::Malformed),
        }
    }

    fn check(&mut self, claim: Claim, verdict: Verdict) -> Step {
        self.0 = State::Verdict(verdict);
        Step::Check(claim)
    }
}

impl State {
    fn begin(mechanism: Mechanism, terms: Terms<'_>) -> State {
        let scram = |hash, binding| {
            State::ScramFirst(ScramTerms {
                hash,
                binding,
                nonce: terms.nonce.to_owned(),
                bindings: terms.bindings.clone(),
                offered: terms.offered.to_vec(),
            })
        };
        match (mechanism, mechanism.needs()) {
            (_, Needs::Keys(hash)) => scram(hash, Binding::None),
            (_, Needs::KeysAndBinding(hash)) => scram(hash, Binding::Plus),
            (_, Needs::SharedKey) => State::CramAnswer {
                challenge: challenge(terms),
            },
            (_, Needs::Certificate) => State::External,
            (Mechanism::XOAuth2, _) => State::Token(Form::XOAuth2),
            (_, Needs::Issuer) => State::Token(Form::OAuthBearer),
            (Mechanism::Login, _) => State::LoginName,
            (_, Needs::Password) => State::PlainMessage,
        }
    }
}

/// New each time, and it names who asks.
///
/// ```text
/// challenge = msg-id ; "<" random "@" host ">"
/// ```
/// [rfc2195 2]
fn challenge(terms: Terms<'_>) -> String {
    format!("<{}@{}>", terms.nonce, terms.host)
}

impl ScramTerms {
    fn borrow(&self) -> Terms<'_> {
        Terms {
            nonce: &self.nonce,
            host: "",
            bindings: &self.bindings,
            offered: &self.offered,
        }
    }
}
