//! TLS by rustls: settings of both sides and self-signed certificates.
//!
//! What never happens here: a handshake (see `conn`), reading a certificate from disk.

use crate::clock::Time;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use rustls::crypto::{CryptoProvider, ring};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::sync::Arc;

/// A certificate or key that cannot be used; Display says why.
#[derive(Debug)]
pub struct TlsError(String);

impl TlsError {
    fn new(doing: &str, why: impl fmt::Display) -> TlsError {
        TlsError(format!("{doing}: {why}"))
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}

/// Certificate and key of a server; TLS 1.2 and 1.3 [rfc8314 4.1].
#[derive(Clone, Debug)]
pub struct TlsServer(pub(crate) Arc<ServerConfig>);

impl TlsServer {
    /// `cert_chain` holds the server's certificate first.
    pub fn from_pem(cert_chain: &str, key: &str) -> Result<TlsServer, TlsError> {
        let chain = certificates(cert_chain)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|e| TlsError::new("reading the private key", e))?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|e| TlsError::new("choosing TLS versions", e))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|e| TlsError::new("using the certificate with its key", e))?;
        config.ticketer =
            ring::Ticketer::new().map_err(|e| TlsError::new("making a ticket key", e))?;
        Ok(TlsServer(Arc::new(config)))
    }
}

/// What a client trusts.
#[derive(Clone, Debug)]
pub struct TlsClient(pub(crate) Arc<ClientConfig>);

impl TlsClient {
    /// Trusts servers whose chain ends at one of these certificates, or that show one of them.
    pub fn trusting_pem(ca: &str) -> Result<TlsClient, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(ca)? {
            roots
                .add(certificate)
                .map_err(|e| TlsError::new("trusting a certificate", e))?;
        }
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|e| TlsError::new("choosing TLS versions", e))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsClient(Arc::new(config)))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| TlsError::new("reading certificates", e))?;
    if found.is_empty() {
        return Err(TlsError::new(
            "reading certificates",
            "there is none in the text",
        ));
    }
    Ok(found)
}

/// Makes a certificate that vouches for itself, and its key, both as PEM. Names may be IP
/// addresses. Valid from the day before `now` for ten years.
pub fn self_signed(names: &[String], now: Time) -> Result<(String, String), TlsError> {
    let mut params = CertificateParams::new(names.to_vec())
        .map_err(|e| TlsError::new("putting names into a certificate", e))?;
    if let Some(first) = names.first() {
        params.distinguished_name.push(DnType::CommonName, first);
    }
    params
        .extended_key_usages
        .push(ExtendedKeyUsagePurpose::ServerAuth);
    let (year, month, day) = crate::civil::civil_from_days(now.seconds().div_euclid(86_400) - 1);
    let year = i32::try_from(year)
        .ok()
        .filter(|y| (1_950..9_990).contains(y))
        .ok_or_else(|| TlsError::new("dating a certificate", "the clock is far off"))?;
    params.not_before = date_time_ymd(year, month, day);
    // a 29th of February has no day of its own ten years later
    params.not_after = date_time_ymd(year + 10, month, day.min(28));
    let key = KeyPair::generate().map_err(|e| TlsError::new("making a key", e))?;
    let certificate = params
        .self_signed(&key)
        .map_err(|e| TlsError::new("signing a certificate", e))?;
    Ok((certificate.pem(), key.serialize_pem()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_texts_that_hold_no_certificate_or_key() {
        let now = Time::from_seconds(1_795_396_809);
        let (cert, key) =
            self_signed(&["mx.example.test".into(), "127.0.0.1".into()], now).expect("made");
        assert!(TlsServer::from_pem(&cert, &key).is_ok());
        assert!(TlsServer::from_pem("", &key).is_err());
        assert!(TlsServer::from_pem(&cert, "").is_err());
        assert!(TlsServer::from_pem("-----BEGIN CERTIFICATE-----\n!\n", &key).is_err());
        let (_, other) = self_signed(&["b.example.test".into()], now).expect("made");
        let error = TlsServer::from_pem(&cert, &other).expect_err("because the key is another's");
        assert!(error.to_string().starts_with("using the certificate"));
    }
}
