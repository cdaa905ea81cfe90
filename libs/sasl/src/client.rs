//! The client's side of an exchange: what we say to a server that asks us for a login.
//!
//! SCRAM (RFC 5802, RFC 7677) without channel binding, PLAIN, LOGIN. With SCRAM the password never
//! travels, and the server has to show that it knows it too: `is_proven` says whether it did, and a
//! login that a server accepts without that is none. What never happens here: a random number, the
//! preparation of a password, the decision whether the connection is safe enough for PLAIN.
//!
//! ```text
//! let mechanism = ClientExchange::choose(offered, exposure).ok_or(…)?;
//! let (mut exchange, initial) = ClientExchange::start_line(mechanism, &credentials, nonce)?;
//!     send the mechanism's name, and initial if there is one
//! for each challenge: exchange.respond_line(challenge)  -> Ok: send it; Err: cancel, and give up
//! when the server accepts: exchange.is_proven()         -> false: close, somebody plays the server
//! ```

use crate::exchange::Credentials;
use crate::hash::{Hash, ScramKeys};
use crate::limits::{
    ITERATIONS_MAX, ITERATIONS_MIN, LINE_BYTES, NAME_BYTES, NONCE_BYTES, PASSWORD_BYTES,
    SCRAM_MESSAGE_BYTES,
};
use crate::mechanism::{Mechanism, Needs};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use subtle::ConstantTimeEq;

/// What the client can do, the best first: what shows least. [rfc4616 6]
const SPOKEN: &[Mechanism] = &[
    Mechanism::ScramSha256,
    Mechanism::ScramSha1,
    Mechanism::Plain,
    Mechanism::Login,
];

/// Who can listen to the exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exposure {
    /// Nobody but a server whose certificate was verified (or a program on this machine).
    Private,
    /// Others, or whoever took the server's place.
    Public,
}

/// Why an exchange cannot go on. Display is for the record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientFailure {
    /// This side does not speak the mechanism.
    Mechanism,
    /// A name, password or nonce that no message can carry: empty, too long, or with a NUL.
    Credentials,
    BadBase64,
    TooLong,
    /// A challenge that is not what the mechanism's grammar says, or one too many.
    Malformed,
    /// SCRAM: too few iterations to be safe, or so many that they only cost us.
    Iterations,
    /// SCRAM: the server said `e=…` in its last message.
    Refused,
    /// SCRAM: the server does not know the password either.
    WrongSignature,
}

impl fmt::Display for ClientFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ClientFailure::Mechanism => "mechanism not spoken",
            ClientFailure::Credentials => "name or password cannot be sent",
            ClientFailure::BadBase64 => "challenge is not valid base64",
            ClientFailure::TooLong => "challenge too long",
            ClientFailure::Malformed => "challenge not as the mechanism says",
            ClientFailure::Iterations => "server asks for too few or too many iterations",
            ClientFailure::Refused => "server refused the proof",
            ClientFailure::WrongSignature => "server does not know the password",
        })
    }
}

impl std::error::Error for ClientFailure {}

/// One running exchange. After an error it is over, and fails whatever comes.
pub struct ClientExchange(State);

/// What the next challenge must be.
enum State {
    /// PLAIN: empty, if the initial response could not go with the command.
    Plain(Vec<u8>),
    LoginName(Credentials),
    LoginPassword(Vec<u8>),
    ScramFirst(First),
    ScramFinal {
        signature: Vec<u8>,
    },
    /// Nothing more; what was to be said and checked was.
    Done,
    Over,
}

/// After our first message of SCRAM.
struct First {
    hash: Hash,
    password: Vec<u8>,
    bare: String,
    nonce: String,
}

/// No channel binding, and no wish for it.
const GS2_HEADER: &str = "n,,";

impl ClientExchange {
    /// The best mechanism of those that the server offers. PLAIN and LOGIN show the password, so
    /// they are taken only where nobody else can listen [rfc4616 6] [rfc4954 9].
    pub fn choose<'a>(
        offered: impl IntoIterator<Item = &'a str>,
        exposure: Exposure,
    ) -> Option<Mechanism> {
        let offered: Vec<Mechanism> = offered
            .into_iter()
            .filter_map(|name| Mechanism::from_name(name.as_bytes()))
            .collect();
        let safe = |mechanism: &Mechanism| {
            exposure == Exposure::Private || mechanism.needs() != Needs::Password
        };
        let mut spoken = SPOKEN.iter().copied();
        spoken.find(|mechanism| offered.contains(mechanism) && safe(mechanism))
    }

    /// Starts, with what goes along with the mechanism's name, if the client speaks first. The
    /// nonce is for SCRAM: new in each exchange, of at least 18 random letters; printable, no comma.
    /// A password with characters above ASCII comes prepared (SASLprep) [rfc5802 5.1].
    pub fn start(
        mechanism: Mechanism,
        credentials: &Credentials,
        nonce: &str,
    ) -> Result<(ClientExchange, Option<Vec<u8>>), ClientFailure> {
        check(credentials)?;
        let (name, password) = (&credentials.name, &credentials.password);
        let (state, initial) = match (mechanism, mechanism.needs()) {
            (Mechanism::Plain, _) => {
                // [authzid] NUL authcid NUL passwd [rfc4616 2]
                let message = [b"\0", name.as_bytes(), b"\0", password].concat();
                (State::Plain(message.clone()), Some(message))
            }
            (Mechanism::Login, _) => (State::LoginName(credentials.clone()), None),
            (_, Needs::Keys(hash)) => {
                let first = First::new(hash, credentials, nonce)?;
                let message = format!("{GS2_HEADER}{}", first.bare).into_bytes();
                (State::ScramFirst(first), Some(message))
            }
            _ => return Err(ClientFailure::Mechanism),
        };
        Ok((ClientExchange(state), initial))
    }

    /// The answer to a decoded challenge.
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ClientFailure> {
        match std::mem::replace(&mut self.0, State::Over) {
            State::Plain(message) if challenge.is_empty() => {
                self.0 = State::Done;
                Ok(message)
            }
            // what LOGIN's challenges say differs from server to server; only their order counts
            State::LoginName(credentials) => {
                self.0 = State::LoginPassword(credentials.password);
                Ok(credentials.name.into_bytes())
            }
            State::LoginPassword(password) => {
                self.0 = State::Done;
                Ok(password)
            }
            // said already, if the server asks for it once more
            State::ScramFirst(first) if challenge.is_empty() => {
                let message = format!("{GS2_HEADER}{}", first.bare).into_bytes();
                self.0 = State::ScramFirst(first);
                Ok(message)
            }
            State::ScramFirst(first) => {
                let (answer, signature) = first.answer(challenge)?;
                self.0 = State::ScramFinal { signature };
                Ok(answer)
            }
            State::ScramFinal { signature } => {
                verify(challenge, &signature)?;
                self.0 = State::Done;
                Ok(Vec::new())
            }
            State::Plain(_) | State::Done | State::Over => Err(ClientFailure::Malformed),
        }
    }

    /// As `start`, with the initial response as it goes onto the wire: base64.
    pub fn start_line(
        mechanism: Mechanism,
        credentials: &Credentials,
        nonce: &str,
    ) -> Result<(ClientExchange, Option<String>), ClientFailure> {
        let (exchange, initial) = ClientExchange::start(mechanism, credentials, nonce)?;
        Ok((exchange, initial.map(|message| STANDARD.encode(message))))
    }

    /// As `respond`, with both as they stand on the wire, without line end. [rfc4954 4]
    pub fn respond_line(&mut self, challenge: &[u8]) -> Result<String, ClientFailure> {
        let decoded = match challenge.len() > LINE_BYTES {
            true => Err(ClientFailure::TooLong),
            false => STANDARD
                .decode(challenge)
                .map_err(|_| ClientFailure::BadBase64),
        };
        match decoded {
            Ok(challenge) => self.respond(&challenge).map(|a| STANDARD.encode(a)),
            Err(failure) => {
                self.0 = State::Over;
                Err(failure)
            }
        }
    }

    /// Whether an acceptance now is worth anything: all was said, and with SCRAM the server has
    /// shown that it knows the password. [rfc5802 5]
    pub fn is_proven(&self) -> bool {
        // PLAIN's message has mostly gone with the command, and proves nothing of the server
        matches!(self.0, State::Done | State::Plain(_))
    }
}

fn check(credentials: &Credentials) -> Result<(), ClientFailure> {
    let fits = |octets: &[u8], limit| (1..=limit).contains(&octets.len()) && !octets.contains(&0);
    let good = fits(credentials.name.as_bytes(), NAME_BYTES)
        && fits(&credentials.password, PASSWORD_BYTES);
    good.then_some(()).ok_or(ClientFailure::Credentials)
}

impl First {
    /// ```text
    /// client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
    /// ```
    /// [rfc5802 7]
    fn new(hash: Hash, credentials: &Credentials, nonce: &str) -> Result<First, ClientFailure> {
        if !is_nonce(nonce) {
            return Err(ClientFailure::Credentials);
        }
        // saslname [rfc5802 5.1]
        let name = credentials.name.replace('=', "=3D").replace(',', "=2C");
        Ok(First {
            hash,
            password: credentials.password.clone(),
            bare: format!("n={name},r={nonce}"),
            nonce: nonce.to_owned(),
        })
    }

    /// Our last message, and the signature that the server must answer with.
    ///
    /// ```text
    /// server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]
    /// client-final-message = "c=biws,r=" nonce ",p=" base64
    /// ```
    /// [rfc5802 7]
    fn answer(self, challenge: &[u8]) -> Result<(Vec<u8>, Vec<u8>), ClientFailure> {
        let server_first = text(challenge)?;
        let mut fields = server_first.split(',');
        let mut field = |name| {
            let field = fields.next().and_then(|field| field.strip_prefix(name));
            field.ok_or(ClientFailure::Malformed)
        };
        // a mandatory extension (m=) would come first, and we know none
        let (nonce, salt, count) = (field("r=")?, field("s=")?, field("i=")?);
        // ours and something of the server's [rfc5802 5.1]
        let added = nonce.strip_prefix(self.nonce.as_str());
        if !added.is_some_and(is_nonce) {
            return Err(ClientFailure::Malformed);
        }
        let salt = STANDARD.decode(salt).ok().filter(|salt| !salt.is_empty());
        let salt = salt.ok_or(ClientFailure::Malformed)?;
        let digits = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
        if !digits {
            return Err(ClientFailure::Malformed);
        }
        let iterations = count.parse().unwrap_or(u32::MAX);
        if !(ITERATIONS_MIN..=ITERATIONS_MAX).contains(&iterations) {
            return Err(ClientFailure::Iterations);
        }
        let without_proof = format!("c={},r={nonce}", STANDARD.encode(GS2_HEADER));
        let auth_message = format!("{},{server_first},{without_proof}", self.bare);
        let secret = (&self.password[..], &salt[..], iterations);
        let (proof, signature) =
            ScramKeys::client_answer(self.hash, secret, auth_message.as_bytes());
        let answer = format!("{without_proof},p={}", STANDARD.encode(proof));
        Ok((answer.into_bytes(), signature))
    }
}

/// ```text
/// server-final-message = (server-error / verifier) ["," extensions]
/// server-error         = "e=" server-error-value
/// verifier             = "v=" base64
/// ```
/// [rfc5802 7]
fn verify(challenge: &[u8], signature: &[u8]) -> Result<(), ClientFailure> {
    let message = text(challenge)?;
    let field = message.split(',').next().unwrap_or_default();
    if field.starts_with("e=") {
        return Err(ClientFailure::Refused);
    }
    let said = field.strip_prefix("v=").ok_or(ClientFailure::Malformed)?;
    let said = STANDARD
        .decode(said)
        .map_err(|_| ClientFailure::Malformed)?;
    match bool::from(said.ct_eq(signature)) {
        true => Ok(()),
        false => Err(ClientFailure::WrongSignature),
    }
}

fn text(message: &[u8]) -> Result<&str, ClientFailure> {
    if message.len() > SCRAM_MESSAGE_BYTES {
        return Err(ClientFailure::TooLong);
    }
    std::str::from_utf8(message).map_err(|_| ClientFailure::Malformed)
}

fn is_nonce(nonce: &str) -> bool {
    let printable = |octet: u8| octet.is_ascii_graphic() && octet != b',';
    (1..=NONCE_BYTES).contains(&nonce.len()) && nonce.bytes().all(printable)
}
