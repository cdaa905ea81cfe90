//! TLS by rustls: settings of both sides and self-signed certificates.
//!
//! What never happens here: a handshake (see `conn`), reading a certificate from disk.

use crate::certificate::{not_after, server_end_point};
use crate::clock::Time;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// A certificate or key that cannot be used; Display says why.
#[derive(Debug)]
pub struct TlsError(String);

impl TlsError {
    pub(crate) fn new(doing: &str, why: impl fmt::Display) -> TlsError {
        TlsError(format!("{doing}: {why}"))
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}

/// What a server may show: certificates with their keys. The first is for those who ask for no name
/// or for one that no certificate has.
#[derive(Clone, Debug)]
pub struct Certificates {
    first: Arc<CertifiedKey>,
    /// In lower case; `*.example.org` stands for one label before `.example.org`.
    by_name: BTreeMap<String, Arc<CertifiedKey>>,
    expiries: Vec<Expiry>,
}

/// When clients will trust a certificate no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expiry {
    /// The first name that stands in it.
    pub name: String,
    /// The end of the first that ends in its chain.
    pub at: Time,
}

impl Certificates {
    /// `chain` holds the server's certificate first; both are PEM.
    pub fn from_pem(chain: &str, key: &str) -> Result<Certificates, TlsError> {
        let key = certified(chain, key)?;
        let mut all = Certificates {
            first: key.clone(),
            by_name: BTreeMap::new(),
            expiries: Vec::new(),
        };
        all.add(key)?;
        Ok(all)
    }

    /// One more, for the names that stand in it; what came before keeps its names.
    pub fn and_pem(mut self, chain: &str, key: &str) -> Result<Certificates, TlsError> {
        self.add(certified(chain, key)?)?;
        Ok(self)
    }

    /// All names that are served.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    fn add(&mut self, key: Arc<CertifiedKey>) -> Result<(), TlsError> {
        let certificate = key
            .end_entity_cert()
            .map_err(|e| TlsError::new("looking at the certificate", e))?;
        let certificate = webpki::EndEntityCert::try_from(certificate)
            .map_err(|e| TlsError::new("looking at the certificate", e))?;
        let ends = key.cert.iter().filter_map(|one| not_after(one));
        if let Some(at) = ends.min() {
            let name = certificate.valid_dns_names().next();
            let name = name.unwrap_or("a name that is none").to_owned();
            self.expiries.push(Expiry { name, at });
        }
        for name in certificate.valid_dns_names() {
            let name = name.to_ascii_lowercase();
            self.by_name.entry(name).or_insert_with(|| key.clone());
        }
        Ok(())
    }

    /// The certificate for the name that a client asks for [rfc6066 3].
    fn choose(&self, asked: Option<&str>) -> Arc<CertifiedKey> {
        let found = asked.and_then(|name| {
            let name = name.to_ascii_lowercase();
            let any = || {
                let (_, rest) = name.split_once('.')?;
                self.by_name.get(&format!("*.{rest}"))
            };
            self.by_name.get(&name).or_else(any)
        });
        found.unwrap_or(&self.first).clone()
    }
}

fn certified(chain: &str, key: &str) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = certificates(chain)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|e| TlsError::new("reading the private key", e))?;
    CertifiedKey::from_der(chain, key, &provider())
        .map(Arc::new)
        .map_err(|e| TlsError::new("using the certificate with its key", e))
}

/// What is shown now.
#[derive(Debug)]
struct Shown(RwLock<Certificates>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(shown.choose(hello.server_name()))
    }
}

/// The server's side of TLS 1.2 and 1.3 [rfc8314 4.1] [rfc9051 11.1]. Clones show the same certificates.
#[derive(Clone, Debug)]
pub struct TlsServer {
    pub(crate) config: Arc<ServerConfig>,
    shown: Arc<Shown>,
}

impl TlsServer {
    pub fn new(certificates: Certificates) -> Result<TlsServer, TlsError> {
        let shown = Arc::new(Shown(RwLock::new(certificates)));
        TlsServer::build(shown, WebPkiClientVerifier::no_client_auth())
    }

    /// The same, with the same certificates, that asks clients for one of their own. A client may
    /// show none; one that shows a certificate for which none of these authorities vouches is not
    /// served. [rfc8446 4.3.2]
    pub fn asking_clients(&self, authorities: &str) -> Result<TlsServer, TlsError> {
        let roots = Arc::new(roots(authorities)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider())
            .allow_unauthenticated()
            .build()
            .map_err(|e| TlsError::new("trusting an authority for clients", e))?;
        TlsServer::build(self.shown.clone(), verifier)
    }

    fn build(
        shown: Arc<Shown>,
        clients: Arc<dyn ClientCertVerifier>,
    ) -> Result<TlsServer, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|e| TlsError::new("choosing TLS versions", e))?
            .with_client_cert_verifier(clients)
            .with_cert_resolver(shown.clone());
        config.ticketer =
            ring::Ticketer::new().map_err(|e| TlsError::new("making a ticket key", e))?;
        let config = Arc::new(config);
        Ok(TlsServer { config, shown })
    }

    /// One certificate; `cert_chain` holds it first.
    pub fn from_pem(cert_chain: &str, key: &str) -> Result<TlsServer, TlsError> {
        TlsServer::new(Certificates::from_pem(cert_chain, key)?)
    }

    /// What a login may bind itself to on a connection whose client asked for this name: the
    /// certificate that is shown now. A certificate that changed since the handshake began, or
    /// that a resumed connection saw hours ago, is not found any more; such a client has to
    /// connect again.
    pub(crate) fn end_point(&self, asked: Option<&str>) -> Option<Vec<u8>> {
        let shown = self.shown.0.read().unwrap_or_else(PoisonError::into_inner);
        server_end_point(shown.choose(asked).end_entity_cert().ok()?)
    }

    /// Of each certificate that is shown now.
    pub fn expiries(&self) -> Vec<Expiry> {
        let shown = self.shown.0.read().unwrap_or_else(PoisonError::into_inner);
        shown.expiries.clone()
    }

    /// Shows these from the next handshake on; connections that are there stay as they are.
    pub fn show(&self, certificates: Certificates) {
        let mut shown = self.shown.0.write().unwrap_or_else(PoisonError::into_inner);
        *shown = certificates;
    }
}

/// What a client trusts.
#[derive(Clone, Debug)]
pub struct TlsClient(pub(crate) Arc<ClientConfig>);

impl TlsClient {
    /// Trusts servers whose chain ends at one of these certificates, or that show one of them.
    pub fn trusting_pem(ca: &str) -> Result<TlsClient, TlsError> {
        Ok(TlsClient::trusting(roots(ca)?))
    }

    /// Trusts servers for which an authority vouches that browsers trust (Mozilla's list).
    pub fn trusting_the_web() -> TlsClient {
        TlsClient::trusting(roots_of_the_web())
    }

    fn trusting(roots: RootCertStore) -> TlsClient {
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .expect("because the provider has suites of both versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsClient(Arc::new(config))
    }

    /// The same, with a certificate of its own for servers that ask; both are PEM.
    pub fn showing_pem(&self, chain: &str, key: &str) -> Result<TlsClient, TlsError> {
        let key = certified(chain, key)?;
        let mut config = ClientConfig::clone(&self.0);
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(key));
        // what was agreed without it must not be taken up again
        config.resumption = rustls::client::Resumption::default();
        Ok(TlsClient(Arc::new(config)))
    }
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

pub(crate) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
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

/// Those who are trusted to vouch: these.
pub(crate) fn roots(pem: &str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        let added = roots.add(certificate);
        added.map_err(|e| TlsError::new("trusting a certificate", e))?;
    }
    Ok(roots)
}

/// Those that browsers trust (Mozilla's list).
pub(crate) fn roots_of_the_web() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots
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
    params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
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

    #[tokio::test]
    async fn exports_nothing_below_tls_1_3() {
        // [rfc9266 3]
        let now = crate::Clock::system().now();
        let (chain, key) = self_signed(&["mx.example.test".to_owned()], now).expect("made");
        let server = TlsServer::from_pem(&chain, &key).expect("fits");
        let roots = roots(&chain).expect("reads");
        let client = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS12])
            .expect("the provider has it")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = TlsClient(Arc::new(client));
        let (ours, theirs) = crate::Conn::pipe(1 << 16);
        let (ours, theirs) = tokio::join!(
            ours.connect_tls(&client, "mx.example.test"),
            theirs.start_tls(&server)
        );
        let bindings = theirs.expect("they agree").channel_bindings();
        assert_eq!(bindings.exporter, None);
        assert!(bindings.server_end_point.is_some());
        assert_eq!(ours.expect("they agree").channel_bindings(), bindings);
    }

    #[test]
    fn chooses_the_certificate_by_the_name_that_is_asked_for() {
        // [rfc6066 3]
        let now = Time::from_seconds(1_795_396_809);
        let made = |name: &str| self_signed(&[name.to_owned()], now).expect("made");
        let (one, key) = made("mx.example.test");
        let all = Certificates::from_pem(&one, &key).expect("fits");
        let (two, key) = made("*.Example.org");
        let all = all.and_pem(&two, &key).expect("fits");
        let (three, key) = made("mail.example.org");
        let all = all.and_pem(&three, &key).expect("fits");
        let shown = |asked: Option<&str>| all.choose(asked).cert[0].clone();
        let is = |pem: &str| certificates(pem).expect("reads")[0].clone();
        assert_eq!(shown(Some("MX.example.test")), is(&one));
        assert_eq!(shown(Some("mail.example.org")), is(&three));
        assert_eq!(shown(Some("imap.example.org")), is(&two));
        assert_eq!(shown(Some("a.imap.example.org")), is(&one));
        assert_eq!(shown(Some("org")), is(&one));
        assert_eq!(shown(None), is(&one));
        assert_eq!(all.names().count(), 3);
    }
}
