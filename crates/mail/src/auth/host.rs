//! Logins by the name of a host: all of its mail, or one user's, by either of two passwords.
//!
//! Which users a host has, nobody here knows: its passwords are the same for all of them. What never
//! happens here: the choice of the messages.

use super::{Auth, Gate, LoginRefusal, password, too_many};
use crate::directory::HostLogin;
use crate::proof::Login;
use net::Source;
use std::net::IpAddr;

/// Somebody has logged in by the name of a host.
#[derive(Clone, Debug)]
pub struct HostUser {
    pub login: Login,
    /// The user whose messages alone are wanted, in lower case.
    pub user: Option<String>,
}

impl Auth {
    /// Proves that somebody may read the mail of a host: `host`, `user@host` or `user+host`. None:
    /// there is no host of that name. Else as `login`.
    pub async fn login_to_host(
        &self,
        name: &str,
        password: &[u8],
        peer: IpAddr,
        door: &'static str,
    ) -> Option<Result<HostUser, LoginRefusal>> {
        let host = match self.directory.host_login(name) {
            Ok(host) => host?,
            Err(fault) => return Some(Err(LoginRefusal::Unavailable(fault))),
        };
        let from = Source::of(peer);
        let proven = self.gate.prove_host(name, &host, password, from).await;
        let result = proven.map(|()| host.record.login());
        self.told((door, peer), "password", name, &result);
        let user = host.user;
        Some(result.map(|login| HostUser { login, user }))
    }
}

impl Gate {
    async fn prove_host(
        &self,
        name: &str,
        host: &HostLogin,
        password: &[u8],
        from: Source,
    ) -> Result<(), LoginRefusal> {
        let attempt = self.attempt(name, Some(&host.record), from);
        self.throttle.admit(attempt).map_err(too_many)?;
        let mut is_right = false;
        for verifier in [host.record.verifiers.as_ref(), host.second.as_ref()] {
            let Ok(prepared) = password::prepare(password) else {
                return self.fail(attempt).await;
            };
            if is_right || verifier.is_none() {
                continue;
            }
            let proof = verifier.map(|v| self.proven.proof(&v.argon2, &prepared));
            is_right =
                self.is_known(proof) || self.matches(attempt, verifier, prepared, proof).await?;
        }
        if !is_right {
            return self.fail(attempt).await;
        }
        if self.is_blocked(password, &host.record) {
            let _ = self.fail(attempt).await;
            return Err(LoginRefusal::WellKnown);
        }
        self.throttle.succeeded(attempt);
        Ok(())
    }
}
