//! Logins by APOP: a digest of the greeting's stamp and the password, which is kept readable for the
//! accounts that asked for it, and for no others.
//!
//! What never happens here: the wire's words, the arithmetic of the digest (`sasl`).

use super::password::ReadableSecret;
use super::{Auth, LoginRefusal, too_many};
use crate::directory::LoginRecord;
use crate::proof::Login;
use net::Source;
use std::net::IpAddr;
use store::Fault;
use subtle::ConstantTimeEq;

/// Letters of what makes each stamp another, nearly 5 bits each.
const STAMP_LETTERS: usize = 28;

/// What a client said to a stamp.
#[derive(Clone, Copy, Debug)]
pub struct StampAnswer<'a> {
    /// With its angle brackets.
    pub stamp: &'a str,
    /// In hexadecimal, lower case.
    pub digest: &'a str,
}

impl Auth {
    /// A stamp for one greeting, another each time [rfc1939 7]. None: no account asked for APOP, so that
    /// it is not announced.
    pub fn stamp(&self, host: &str) -> Result<Option<String>, Fault> {
        let is_asked_for = self.directory.has_readable_secrets()?;
        let unique = || self.gate.random.token(STAMP_LETTERS);
        Ok(is_asked_for.then(|| format!("<{}@{host}>", unique())))
    }

    /// Proves who somebody is by the answer to a stamp. A name that does not exist, or that has not asked
    /// for APOP, takes as long as a wrong digest and gets the same answer.
    pub async fn login_by_stamp(
        &self,
        name: &str,
        answer: StampAnswer<'_>,
        peer: IpAddr,
        door: &'static str,
    ) -> Result<Login, LoginRefusal> {
        let result = self.prove_by_stamp(name, answer, Source::of(peer)).await;
        self.told((door, peer), "APOP", name, &result);
        result
    }

    async fn prove_by_stamp(
        &self,
        name: &str,
        answer: StampAnswer<'_>,
        from: Source,
    ) -> Result<Login, LoginRefusal> {
        let record = self.record(name)?;
        let attempt = self.gate.attempt(name, record.as_ref(), from);
        self.gate.throttle.admit(attempt).map_err(too_many)?;
        let secret = self.readable_secret(record.as_ref())?;
        // done for every name
        let dummy = ReadableSecret(self.gate.dummy.as_bytes().to_vec());
        let tried = secret.as_ref().unwrap_or(&dummy);
        let digest = sasl::apop_digest(answer.stamp.as_bytes(), &tried.0);
        let is_right = bool::from(digest.as_bytes().ct_eq(answer.digest.as_bytes()));
        let (Some(record), Some(secret), true) = (record, secret, is_right) else {
            return self.failed(attempt).await;
        };
        if self.gate.is_blocked(&secret.0, &record) {
            let _ = self.gate.fail(attempt).await;
            return Err(LoginRefusal::WellKnown);
        }
        self.gate.throttle.succeeded(attempt);
        Ok(record.login())
    }

    /// None: nobody may log in so.
    fn readable_secret(
        &self,
        record: Option<&LoginRecord>,
    ) -> Result<Option<ReadableSecret>, LoginRefusal> {
        let account = record.filter(|record| record.is_open());
        let account = account.map(|record| record.account);
        let secret = self.directory.readable_secret(account);
        secret.map_err(LoginRefusal::Unavailable)
    }
}
