//! Logins: who somebody is, proved by a password, by SCRAM, a certificate or a token.
//!
//! A login passes the throttle (failures of this source and of this account); one by password then
//! the memory of recent proofs, then the hash pool. What never happens here: a password or a token
//! in a log line, a decision on what a login may do, a wire word.

mod apop;
mod certificate;
mod conversation;
mod host;
mod issuer;
mod jwt;
mod keys;
mod password;
mod pool;
mod proven;
mod system;
mod throttle;
mod token;
mod well_known;

pub use apop::StampAnswer;
pub use conversation::{Conversation, LoginClient, Progress, Response};
pub use host::HostUser;
use issuer::Issuer;
pub use issuer::{IntrospectionSettings, IssuerSettings};
pub use password::{Argon2Cost, NewPassword, PasswordRefusal};
pub(crate) use password::{ReadableSecret, Verifiers};
pub use system::is_of_the_system;

use crate::directory::{Directory, LoginRecord, Standing};
use crate::limits::{LEAST_PASSWORD_CHARS, LOGIN_NAME_BYTES, PASSWORD_BYTES};
use crate::proof::Login;
use crate::settings::{MailSettings, WeakPasswords};
use addr::Address;
use net::{Clock, Random, Source};
use pool::{HashPool, PoolError};
use proven::{Proof, Proven};
use sasl::{Hash, Mechanism, Needs};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use store::Fault;
use tally::Metric;
use throttle::{Attempt, Target, Throttle};
use tokio::sync::OnceCell;

/// How much of a login name a log line shows.
const LOGGED_NAME_CHARS: usize = 100;

/// A password in the form in which clients of SCRAM use it (SASLprep), for logins at other servers.
/// [rfc4013 2.1] [rfc4013 2.2]
pub fn prepared_password(password: &[u8]) -> Vec<u8> {
    keys::prepare(password)
}

/// Logins. Cheap to clone.
#[derive(Clone)]
pub struct Auth {
    directory: Directory,
    gate: Arc<Gate>,
}

/// Why a login is refused.
#[derive(Clone, Debug)]
pub enum LoginRefusal {
    /// Wrong name or password; which of them is not said.
    Wrong,
    /// What was shown was good once and is over: a token past its end.
    Expired,
    /// The password is right, and so well known that it opens nothing [rfc9051 11.7].
    WellKnown,
    /// Too many failures of this address or for this account.
    TooManyFailures {
        /// When to try again.
        retry_after_s: u64,
    },
    /// The hash pool's queue is full.
    Busy,
    /// Our trouble.
    Unavailable(Fault),
}

impl fmt::Display for LoginRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoginRefusal::Wrong => f.write_str("wrong name or password"),
            LoginRefusal::Expired => f.write_str("the token has expired"),
            LoginRefusal::WellKnown => f.write_str(
                "the password is among those that attackers try first, so nobody gets in by it; \
                 set another",
            ),
            LoginRefusal::TooManyFailures { retry_after_s } => {
                write!(f, "too many failed logins, try again in {retry_after_s} s")
            }
            LoginRefusal::Busy => f.write_str("too many logins at this moment"),
            LoginRefusal::Unavailable(_) => f.write_str("logins cannot be checked now"),
        }
    }
}

impl LoginRefusal {
    /// Whether it counts as the client's failure: that we are busy, or in trouble, does not.
    pub fn is_the_clients(&self) -> bool {
        match self {
            LoginRefusal::Wrong
            | LoginRefusal::Expired
            | LoginRefusal::WellKnown
            | LoginRefusal::TooManyFailures { .. } => true,
            LoginRefusal::Busy | LoginRefusal::Unavailable(_) => false,
        }
    }
}

impl From<PoolError> for LoginRefusal {
    fn from(error: PoolError) -> LoginRefusal {
        match error {
            PoolError::Busy => LoginRefusal::Busy,
            PoolError::Failed(fault) => LoginRefusal::Unavailable(fault),
        }
    }
}

impl Auth {
    pub(crate) fn new(
        directory: Directory,
        clock: Clock,
        random: Random,
        settings: &MailSettings,
    ) -> Result<Auth, Fault> {
        let mut gate = Gate::new(random, settings);
        let issuer = settings.issuer.clone();
        let issuer = issuer
            .map(|settings| Issuer::new(settings, clock).map(Arc::new))
            .transpose();
        gate.issuer =
            issuer.map_err(|error| Fault::new("using the setting of the issuer", error))?;
        Ok(Auth {
            directory,
            gate: Arc::new(gate),
        })
    }

    /// Whether a name with a password may lead to a login, by whatever command.
    pub fn takes_passwords(&self) -> bool {
        self.gate.takes(Mechanism::Plain) || self.gate.takes(Mechanism::Login)
    }

    /// Whether an administrator may give this password to this account. Only one that is not guessed
    /// in a few tries, unless the settings allow others [rfc9051 11.7].
    pub fn check_new_password(
        &self,
        account: &Address,
        password: &[u8],
    ) -> Result<(), PasswordRefusal> {
        if self.gate.weak_passwords == WeakPasswords::Allowed || password.is_empty() {
            return Ok(());
        }
        if well_known::is_well_known(password, account) {
            return Err(PasswordRefusal::WellKnown);
        }
        match String::from_utf8_lossy(password).chars().count() < LEAST_PASSWORD_CHARS {
            true => Err(PasswordRefusal::TooShort),
            false => Ok(()),
        }
    }

    /// Hashes a new password in the pool. It may be given to many accounts.
    pub async fn new_password(&self, password: &[u8]) -> Result<NewPassword, PasswordRefusal> {
        self.gate.new_password(password).await
    }

    /// Proves who somebody is. The name is an account's address, an alias that leads to exactly one
    /// account, or, if one domain is hosted, the part before its `@`. A failure may take some
    /// seconds: the delay that grows with failures is in here. Writes one log line. It may be
    /// dropped when nobody waits for it any more.
    pub async fn login(
        &self,
        name: &str,
        password: &[u8],
        peer: IpAddr,
        door: &'static str,
    ) -> Result<Login, LoginRefusal> {
        let result = self.prove(name, password, Source::of(peer)).await;
        self.told((door, peer), "password", name, &result);
        result
    }

    async fn prove(
        &self,
        name: &str,
        password: &[u8],
        from: Source,
    ) -> Result<Login, LoginRefusal> {
        let record = self.record(name)?;
        self.gate
            .prove(name, record.as_ref(), password, from)
            .await?;
        Ok(record.ok_or(LoginRefusal::Wrong)?.login())
    }

    /// Counts and logs a login.
    fn told(
        &self,
        (door, peer): (&'static str, IpAddr),
        how: &'static str,
        name: &str,
        result: &Result<Login, LoginRefusal>,
    ) {
        let labels = [door, how, outcome(result)];
        self.directory.tally().count(Metric::Logins, &labels);
        log((door, peer), how, name, result);
    }

    fn record(&self, name: &str) -> Result<Option<LoginRecord>, LoginRefusal> {
        if name.len() > LOGIN_NAME_BYTES {
            return Ok(None);
        }
        let record = self.directory.login_record(name);
        record.map_err(LoginRefusal::Unavailable)
    }
}

impl LoginRecord {
    /// Whether the operator lets anybody log in.
    fn is_open(&self) -> bool {
        self.standing == Standing::Active
    }

    /// Whoever makes this has seen a proof.
    fn login(self) -> Login {
        Login {
            account: self.account,
            name: self.primary.to_string().into(),
            primary: self.primary,
            addresses: Arc::new(self.addresses),
        }
    }
}

/// A login as it is counted.
fn outcome(result: &Result<Login, LoginRefusal>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(LoginRefusal::Wrong) => "wrong",
        Err(LoginRefusal::Expired) => "expired",
        Err(LoginRefusal::WellKnown) => "well-known",
        Err(LoginRefusal::TooManyFailures { .. }) => "throttled",
        Err(LoginRefusal::Busy) => "busy",
        Err(LoginRefusal::Unavailable(_)) => "unavailable",
    }
}

/// The log line of a login.
fn log(
    (door, peer): (&'static str, IpAddr),
    how: &'static str,
    name: &str,
    result: &Result<Login, LoginRefusal>,
) {
    let name = Logged(name);
    match result {
        Ok(login) => tracing::info!(
            target: "login", door, how, %name, %peer, account = login.name(), "ok"
        ),
        Err(LoginRefusal::Unavailable(fault)) => tracing::error!(
            target: "login", door, how, %name, %peer, %fault, "unavailable"
        ),
        Err(refusal) => tracing::warn!(
            target: "login", door, how, %name, %peer, why = %refusal, "refused"
        ),
    }
}

/// A login name as a log line may show it: without control characters, and not endless.
struct Logged<'a>(&'a str);

impl fmt::Display for Logged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = self.0.chars();
        for c in chars.by_ref().take(LOGGED_NAME_CHARS) {
            write!(f, "{}", c.escape_debug())?;
        }
        if chars.next().is_some() {
            f.write_str("…")
        } else {
            Ok(())
        }
    }
}

/// All that decides on a password, apart from the look-up of its account.
struct Gate {
    pool: HashPool,
    proven: Proven,
    throttle: Throttle,
    random: Random,
    cost: Argon2Cost,
    /// The hash functions of which SCRAM's keys are kept.
    hashes: Vec<Hash>,
    mechanisms: Vec<Mechanism>,
    /// Login names of certificates, by fingerprint.
    certificate_logins: BTreeMap<String, String>,
    issuer: Option<Arc<Issuer>>,
    /// Read from the directory when it is first needed.
    secret: OnceCell<keys::Secret>,
    weak_passwords: WeakPasswords,
    /// Checked when there is no account, so that this takes as long as with one.
    dummy: Arc<str>,
}

impl Gate {
    fn new(random: Random, settings: &MailSettings) -> Gate {
        Gate {
            pool: HashPool::new(settings.hash_workers),
            proven: Proven::new(&random, settings.login_cache_s),
            throttle: Throttle::new(&random, &settings.throttle),
            dummy: password::dummy(settings.argon2, &random).into(),
            cost: settings.argon2,
            hashes: settings.scram_hashes(),
            mechanisms: settings.mechanisms.clone(),
            certificate_logins: settings.certificate_logins.clone(),
            issuer: None,
            weak_passwords: settings.weak_passwords,
            secret: OnceCell::new(),
            random,
        }
    }

    /// Whether this mechanism may be offered on some connection.
    fn takes(&self, mechanism: Mechanism) -> bool {
        self.mechanisms.contains(&mechanism)
            && match mechanism.needs() {
                Needs::Keys(hash) | Needs::KeysAndBinding(hash) => self.hashes.contains(&hash),
                Needs::Password | Needs::Certificate | Needs::SharedKey => true,
                Needs::Issuer => self.issuer.is_some(),
            }
    }

    fn attempt(&self, name: &str, record: Option<&LoginRecord>, from: Source) -> Attempt {
        let target = match record {
            Some(record) => Target::Account(record.account),
            None => self.throttle.unknown(name),
        };
        Attempt { from, target }
    }

    async fn new_password(&self, password: &[u8]) -> Result<NewPassword, PasswordRefusal> {
        let password = password::prepare(password)?;
        let (cost, hashes, random) = (self.cost, self.hashes.clone(), self.random.clone());
        let turn = self.pool.turn().await?;
        turn.run(move |workspace| password::make(workspace, &password, (cost, &hashes), &random))
            .await?
    }

    /// Ok if the record is there and the password is its own.
    async fn prove(
        &self,
        name: &str,
        record: Option<&LoginRecord>,
        password: &[u8],
        from: Source,
    ) -> Result<(), LoginRefusal> {
        let attempt = self.attempt(name, record, from);
        // Before the memory of proofs is asked: else it would answer guesses without limit.
        self.throttle.admit(attempt).map_err(too_many)?;
        let verifier = record.and_then(|record| record.verifiers.as_ref());
        // The hash of a password too long or empty is not worth the time: no account has it.
        let Ok(prepared) = password::prepare(password) else {
            return self.fail(attempt).await;
        };
        let proof = verifier.map(|v| self.proven.proof(&v.argon2, &prepared));
        if !self.is_known(proof) && !self.matches(attempt, verifier, prepared, proof).await? {
            return self.fail(attempt).await;
        }
        if record.is_some_and(|record| self.is_blocked(password, record)) {
            // As slow as any failure: whoever sprays learns nothing faster.
            let _ = self.fail(attempt).await;
            return Err(LoginRefusal::WellKnown);
        }
        self.throttle.succeeded(attempt);
        Ok(())
    }

    /// Whether an account's own password opens nothing, because attackers try it first. None is set
    /// any more; one from before the list knew it may be there [rfc9051 11.7].
    fn is_blocked(&self, password: &[u8], record: &LoginRecord) -> bool {
        self.weak_passwords == WeakPasswords::Refused
            && well_known::is_well_known(password, &record.primary)
    }

    fn is_known(&self, proof: Option<Proof>) -> bool {
        proof.is_some_and(|proof| self.proven.knows(&proof))
    }

    /// Hashes the password, in its turn, and remembers the proof if it is one.
    async fn matches(
        &self,
        attempt: Attempt,
        verifier: Option<&Verifiers>,
        password: password::Prepared,
        proof: Option<Proof>,
    ) -> Result<bool, LoginRefusal> {
        let turn = self.pool.turn().await?;
        // Others of this source may have failed meanwhile, or proved the same password.
        if self.is_known(proof) {
            return Ok(true);
        }
        self.throttle.still_admits(attempt).map_err(too_many)?;
        let phc = verifier.map_or_else(|| self.dummy.clone(), |v| v.argon2.as_str().into());
        let mut asked = Asked {
            throttle: &self.throttle,
            attempt,
            is_answered: false,
        };
        let found = turn
            .run(move |workspace| password::verify(workspace, &phc, &password))
            .await;
        asked.is_answered = true;
        let found = found?;
        match (found.map_err(LoginRefusal::Unavailable)?, proof) {
            (password::Match::Yes, Some(proof)) => {
                self.proven.remember(proof);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Counts a failure and makes it take its time.
    async fn fail(&self, attempt: Attempt) -> Result<(), LoginRefusal> {
        let delay = self.throttle.failed(attempt);
        if !delay.is_zero() {
            net::time::sleep(delay).await;
        }
        Err(LoginRefusal::Wrong)
    }
}

/// Whoever goes away while a password is hashed has failed: else guesses could keep the workers
/// busy at no cost.
struct Asked<'a> {
    throttle: &'a Throttle,
    attempt: Attempt,
    is_answered: bool,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.throttle.failed(self.attempt);
        }
    }
}

fn too_many(throttled: throttle::Throttled) -> LoginRefusal {
    LoginRefusal::TooManyFailures {
        retry_after_s: throttled.retry_after_s,
    }
}

const _: () = assert!(
    PASSWORD_BYTES >= 255,
    "RFC 4616 section 2 asks for 255 octets"
);

#[cfg(test)]
mod tests;
