//! Logins by the word of this machine's own system on who its user is, as the programs of 1988 trusted
//! each other's: a port below 1024 is one that only the system gives away.
//!
//! What never happens here: trust in another machine, or in a port that everybody can have.

use super::{Auth, LoginRefusal, too_many};
use crate::proof::Login;
use net::Source;
use std::net::SocketAddr;
use std::ops::Range;

/// The ports that only the system gives away. Port 0 is none: it stands for the peers of Unix sockets,
/// who may be anybody.
const PORTS: Range<u16> = 1..1024;

/// Whether only the system of this machine can have connected from there.
pub fn is_of_the_system(peer: SocketAddr) -> bool {
    peer.ip().to_canonical().is_loopback() && PORTS.contains(&peer.port())
}

impl Auth {
    /// Opens the account of a login name to who is its owner by the word of this machine's system:
    /// `user` has to be a login name of the same account. All else fails as a wrong password does.
    pub async fn login_by_system(
        &self,
        name: &str,
        user: &str,
        peer: SocketAddr,
        door: &'static str,
    ) -> Result<Login, LoginRefusal> {
        let result = self.prove_by_system(name, user, peer).await;
        self.told((door, peer.ip()), "system", name, &result);
        result
    }

    async fn prove_by_system(
        &self,
        name: &str,
        user: &str,
        peer: SocketAddr,
    ) -> Result<Login, LoginRefusal> {
        let record = self.record(name)?;
        let from = Source::of(peer.ip());
        let attempt = self.gate.attempt(name, record.as_ref(), from);
        self.gate.throttle.admit(attempt).map_err(too_many)?;
        let owner = self.open_record(user)?.map(|record| record.account);
        let found = record.filter(|record| record.is_open() && Some(record.account) == owner);
        match found {
            Some(record) if is_of_the_system(peer) => {
                self.gate.throttle.succeeded(attempt);
                Ok(record.login())
            }
            _ => self.failed(attempt).await,
        }
    }
}
