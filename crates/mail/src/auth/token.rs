//! Logins by a token of the issuer that the operator trusts (OAUTHBEARER, XOAUTH2).
//!
//! The issuer's word decides who it is; whom the client names must be the same account. What never
//! happens here: a token in a log line, the reading of a token (`issuer`).

use super::issuer::TokenError;
use super::{Attempt, Auth, LoginRefusal, Target, too_many};
use crate::proof::Login;
use net::Source;
use sasl::{Bearer, TokenRefusal};

impl Auth {
    /// Tokens cannot be guessed, so failures count for their source and not for an account: a
    /// client with a stale token must not slow its owner's other programs. One that was good and is
    /// over is no failure at all; the client gets a new one and comes back.
    pub(super) async fn by_token(
        &self,
        bearer: &Bearer,
        from: Source,
    ) -> Result<Login, LoginRefusal> {
        let issuer = self.gate.issuer.as_ref().ok_or(LoginRefusal::Wrong)?;
        let target = self.gate.throttle.unknown(&bearer.token);
        let attempt = Attempt { from, target };
        self.gate.throttle.admit(attempt).map_err(too_many)?;
        let account = match issuer.account_of(&bearer.token).await {
            Ok(account) => account,
            Err(TokenError::Expired) => return Err(LoginRefusal::Expired),
            Err(TokenError::Busy) => return Err(LoginRefusal::Busy),
            Err(TokenError::Unavailable(fault)) => return Err(LoginRefusal::Unavailable(fault)),
            Err(TokenError::Bad(why)) => {
                tracing::debug!(target: "login", why, "token refused");
                return self.failed(attempt).await;
            }
        };
        let record = self.open_record(&account)?;
        let named = match &bearer.name {
            None => None,
            Some(name) => Some(self.open_record(name)?.map(|record| record.account)),
        };
        match record {
            Some(record) if named.is_none_or(|named| named == Some(record.account)) => {
                let target = Target::Account(record.account);
                self.gate.throttle.succeeded(Attempt { from, target });
                Ok(record.login())
            }
            _ => self.failed(attempt).await,
        }
    }

    /// What a client is told of a refusal inside the exchange, where there is a place for it. None:
    /// it is no matter of its token. [rfc7628 3.2.2]
    pub(super) fn told_of(&self, refusal: &LoginRefusal) -> Option<TokenRefusal> {
        match refusal {
            LoginRefusal::Wrong | LoginRefusal::Expired => {
                let issuer = self.gate.issuer.as_ref();
                Some(issuer.map(|issuer| issuer.told()).unwrap_or_default())
            }
            LoginRefusal::WellKnown
            | LoginRefusal::TooManyFailures { .. }
            | LoginRefusal::Busy
            | LoginRefusal::Unavailable(_) => None,
        }
    }
}
