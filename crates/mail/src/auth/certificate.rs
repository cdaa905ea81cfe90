//! Logins by a certificate that the client showed in the TLS handshake (EXTERNAL).
//!
//! An authority that the operator trusts vouches for it already. It stands for the accounts of the
//! addresses in it, or, where the operator says so, for another. What never happens here: reading a
//! certificate.

use super::{Attempt, Auth, LoginRefusal, too_many};
use crate::directory::LoginRecord;
use crate::proof::Login;
use net::{ClientCertificate, Source};

impl Auth {
    /// Whom the certificate stands for; whom the client names must be one of them. [rfc4422 A]
    pub(super) async fn by_certificate(
        &self,
        shown: Option<&ClientCertificate>,
        named: Option<&str>,
        from: Source,
    ) -> Result<Login, LoginRefusal> {
        let shown = shown.ok_or(LoginRefusal::Wrong)?;
        let fingerprint = hex(&shown.fingerprint);
        let target = self.gate.throttle.unknown(&fingerprint);
        let attempt = Attempt { from, target };
        self.gate.throttle.admit(attempt).map_err(too_many)?;
        let mut may_be = Vec::new();
        for name in self.names_of(shown, &fingerprint) {
            may_be.extend(self.open_record(name)?);
        }
        let found = match named {
            None => may_be.into_iter().next(),
            Some(named) => {
                let wanted = self.open_record(named)?.map(|record| record.account);
                let mut may_be = may_be.into_iter();
                may_be.find(|record| Some(record.account) == wanted)
            }
        };
        match found {
            Some(record) => Ok(record.login()),
            None => self.failed(attempt).await,
        }
    }

    /// The login names that a certificate stands for.
    fn names_of<'a>(&'a self, shown: &'a ClientCertificate, fingerprint: &str) -> Vec<&'a str> {
        match self.gate.certificate_logins.get(fingerprint) {
            Some(name) => vec![name],
            None => shown.emails.iter().map(String::as_str).collect(),
        }
    }

    /// The account of a login name, unless the operator has closed it.
    pub(super) fn open_record(&self, name: &str) -> Result<Option<LoginRecord>, LoginRefusal> {
        Ok(self.record(name)?.filter(LoginRecord::is_open))
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
